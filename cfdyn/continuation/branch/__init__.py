"""A branch of cycles over one parameter: its start, both directions, special points, ends, and crossing branches."""
