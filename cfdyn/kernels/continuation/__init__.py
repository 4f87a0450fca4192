"""Pseudo-arclength continuation, with correctors for cycles and for bifurcations of cycles."""
