"""Stable and unstable manifolds of saddles, where they cross and touch, and crises."""
