"""Cycles of maps of many weights along a parameter: from steps and Jacobian-vector products alone."""
