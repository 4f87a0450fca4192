"""Candidates for cycles, and the proof that exactly one runs through some boxes, with its multipliers."""
