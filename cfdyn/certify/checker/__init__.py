"""Certificates are verified from their text alone, by code that shares nothing with the prover but the parser of formulas."""

from cfdyn.certify.checker.verdict import Verdict, check

__all__ = ["Verdict", "check"]
