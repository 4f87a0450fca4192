"""Untrusted text becomes a SymPy expression and a tape, in bounded time and without ``eval``."""
