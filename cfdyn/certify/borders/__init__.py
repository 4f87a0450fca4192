"""Borders at which formulas change their branch: whether the map is continuous there, and its slopes."""
