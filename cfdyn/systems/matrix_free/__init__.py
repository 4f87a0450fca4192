"""Matrix-free maps and flows: known by steps, gradients and products alone, as for a network."""
