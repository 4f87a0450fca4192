"""Boxes in bulk: intervals of doubles in arrays, tests that rule out cycles, branch and prune, and Arb's check of each leaf."""
