"""Runs on random batches and of maps with noise, each with its own random stream."""
