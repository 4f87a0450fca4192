"""Formulas and specifications: sympy only."""
