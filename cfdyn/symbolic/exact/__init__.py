"""Closed forms of cycles and of their bifurcations; the algebra runs in a separate process that can be stopped."""
