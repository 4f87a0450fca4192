"""Optimizers and training: the edge of stability, oscillations, averages, and comparison with continuous-time models."""
