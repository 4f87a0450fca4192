"""Linear algebra on matrices that may be known by their products alone; each thing once, SciPy's where that is as good.

`operator` is the door: a matrix as full, banded, or products, with solutions of bordered systems and leading multipliers. A
solver (`direct`, `krylov`) gives (x, converged, work), so that what is above them does not know which it was. `lanczos` finds
eigenvalues at an end of a symmetric spectrum, `multipliers` those that decide stability, `perron` bounds a spectral radius.

Elsewhere on purpose: loops of machine code over small matrices (`cfdyn.kernels.linear`), proofs in ball arithmetic
(`cfdyn.certify`), and flows at the edge, whose Lanczos vectors go on from step to step (`cfdyn.integrate`).
"""
