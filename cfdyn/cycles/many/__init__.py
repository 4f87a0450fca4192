"""Cycles of maps of many weights, from steps and Jacobian-vector products alone."""
