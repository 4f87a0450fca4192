"""Many orbits of one map at once, each with its own start and parameters, and runs on random batches."""
