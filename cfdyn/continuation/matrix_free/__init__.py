"""Branches of matrix-free maps, and of maps that outgrow matrices: by steps, products and `cfdyn.linalg`.

Shared with `branch`: bounds, functions and their zeros, tables, records. Predictor, corrector and tests are not: there they are
one loop of machine code over compiled rules, whose bits and speed are to stay; here each step asks a solver of `cfdyn.linalg`.
"""
