"""Certificates are verified from their text alone, by code that shares nothing with the prover but the parser of formulas."""
