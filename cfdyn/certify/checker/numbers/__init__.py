"""Intervals in doubles, rounded outward: arithmetic, elementary functions, matrices; intersections of boxes."""
