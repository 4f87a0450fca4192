"""One-dimensional invariant manifolds: points of one, its growth, and where two of them cross."""
