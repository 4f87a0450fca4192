"""The flow at the edge: its block of memory, and modes that are held there."""
