"""Formulas as graphs of operations: their values over intervals, their derivatives, where branches meet."""
