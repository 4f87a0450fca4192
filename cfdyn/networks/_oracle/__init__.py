"""What is behind every network: one oracle of derivatives, by JAX, by torch or by differences of gradients."""
