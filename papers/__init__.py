"""Claims of the literature with their checks: one file a source, named after its first author and year."""
