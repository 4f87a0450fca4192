"""Closed forms of cycles and of their bifurcations; the algebra runs in a process of its own that can be stopped."""
