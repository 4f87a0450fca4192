"""Runs on random batches and of maps with noise, each with a random stream of its own."""
