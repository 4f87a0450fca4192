"""Candidates for cycles, and the proof that exactly one cycle runs through some boxes, with its multipliers."""
