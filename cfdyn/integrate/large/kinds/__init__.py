"""Runs of flows with their own kind of step, one file each: the central map, the edge flow, the flow of batches."""
