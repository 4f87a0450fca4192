"""A curve of bifurcations in two parameters: where it starts, both its directions, codimension-two points, ends."""
