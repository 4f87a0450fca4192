"""Matrix-free maps and flows, defined by steps, gradients and Hessian-vector products alone, as for a network."""
