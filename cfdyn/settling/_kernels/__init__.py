"""Orbits beside an orbit, and how distances between them grow."""
