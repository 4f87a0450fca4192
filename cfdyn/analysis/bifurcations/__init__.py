"""Cycles, their branches along a parameter, and their bifurcations."""
