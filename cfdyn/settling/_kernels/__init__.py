"""Orbits near an orbit, and the growth of the distances between them."""
