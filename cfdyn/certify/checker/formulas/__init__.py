"""Formulas as graphs of operations: their values over intervals, their derivatives, and borders between branches."""
