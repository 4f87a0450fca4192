"""Proofs in ball arithmetic about the map that a formula and an optimizer make."""
