"""Pseudo-arclength continuation, and its corrector for bifurcations of cycles."""
