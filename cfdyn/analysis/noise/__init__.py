"""Random batches and noise: densities, exponents, escapes."""
