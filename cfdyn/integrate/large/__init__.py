"""Flows of losses that are no formulas, with few vectors as long as the weights: stabilised steps, tracked modes, multipliers."""

from cfdyn.integrate.large.solve import idle_run, large_run

__all__ = ["idle_run", "large_run"]
