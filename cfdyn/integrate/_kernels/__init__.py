"""Loops of the solver of flows: its steps and events, and the flow at the edge of stability."""
