"""Invariants of an attractor: Lyapunov exponents, dimensions, entropies, rotation numbers, and tests for chaos."""
