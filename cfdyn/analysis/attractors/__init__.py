"""What orbits end on, and from where: attractors, their bands and basins."""
