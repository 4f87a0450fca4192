"""Numerical loops over compiled rules: numpy and numba only, no policy, no printing."""
