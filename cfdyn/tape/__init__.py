"""Straight-line programs and their derivatives: no numba, and sympy only where expressions come in."""
