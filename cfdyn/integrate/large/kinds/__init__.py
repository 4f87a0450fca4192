"""Runs of flows that step as no other does, one file each: the central map, the edge flow, the flow of batches."""
