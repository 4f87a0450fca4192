"""Flows of losses that are no formulas, with few vectors as long as the weights: stabilised steps, tracked modes, multipliers."""
