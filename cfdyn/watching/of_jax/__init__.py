"""Functions of JAX and transformations of optax, as a watch sees them."""
