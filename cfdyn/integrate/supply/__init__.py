"""Suppliers of flows for the integrator: the right-hand side and, if there is an edge, modes and forces there."""
