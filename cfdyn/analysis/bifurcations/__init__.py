"""Cycles, what becomes of them as a parameter changes, and where they bifurcate."""
