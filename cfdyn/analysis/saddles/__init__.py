"""Stable and unstable manifolds of saddles, their crossings and tangencies, and crises."""
