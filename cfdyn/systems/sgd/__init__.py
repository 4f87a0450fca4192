"""Stability of stochastic gradient descent at a point: second moments over the batches it may draw."""
