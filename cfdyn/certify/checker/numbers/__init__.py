"""Intervals in doubles, rounded outward: arithmetic, elementary functions, matrices; which boxes meet."""
