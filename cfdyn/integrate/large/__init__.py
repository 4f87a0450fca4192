"""Flows for losses that are not formulas, in few vectors as long as the weights: stabilised steps, tracked modes, multipliers."""

# Equations, options, starts on the edge, events and X are those of all flows. Stepping is not: `stepping` asks for modes and T
# at every stage of a step, which cost many gradients here, so that a step takes them once and its error answers for that.
from cfdyn.integrate.large.solve import idle_run, large_run

__all__ = ["idle_run", "large_run"]
