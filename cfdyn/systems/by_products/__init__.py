"""Maps and flows of losses that are no formulas: by gradients and Hessian-vector products alone."""
