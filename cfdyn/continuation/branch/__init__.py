"""A branch of cycles over one parameter: where it starts, both its directions, special points, ends, and where others cross."""
