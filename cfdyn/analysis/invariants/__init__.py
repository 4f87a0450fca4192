"""Numbers of an attractor: exponents, dimensions, entropies, rotation, and what tells chaos from order."""
