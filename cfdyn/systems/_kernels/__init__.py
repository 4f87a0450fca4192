"""The way down to a minimum."""
