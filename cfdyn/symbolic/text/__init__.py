"""A text that anyone may have written becomes a SymPy expression and a tape, in bounded time and without ``eval``."""
