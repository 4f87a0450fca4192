"""A curve of bifurcations in two parameters: its start, both directions, codimension-two points, ends."""
