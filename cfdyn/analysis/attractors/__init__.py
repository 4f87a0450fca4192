"""Attractors, their basins, and the regimes of one orbit along a parameter."""
