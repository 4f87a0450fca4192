"""Linear systems along a cycle."""
