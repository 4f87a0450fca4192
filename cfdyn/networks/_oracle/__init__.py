"""The implementation of every network: one oracle of derivatives, by JAX, by torch or by differences of gradients."""
