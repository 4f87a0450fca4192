"""Branches of matrix-free maps, and of maps that are too large for matrices: by steps, products and `cfdyn.linalg`.

Shared with `branch` are bounds, functions and their zeros, tables and records, but not predictor, corrector and tests: there they
are one loop of machine code over compiled rules, whose bits and speed must not change; here each step calls a solver of
`cfdyn.linalg`.
"""
