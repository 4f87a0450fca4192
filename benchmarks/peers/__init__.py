"""Competitors of cfdyn that take more than a call: compilers of derivatives, solvers, AUTO-07p, the published scheme."""
