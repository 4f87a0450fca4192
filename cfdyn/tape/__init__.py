"""Straight-line programs and their derivatives: no numba, and sympy only for the input of expressions."""
