"""Losses too large to write down: networks on data, behind automatic differentiation by JAX; ``cf.networks.NAME(…)``.

Each returns L(w) of a flat vector of d weights in float64, with its gradient, products with its Hessian, T[u, v] = ∇(uᵀ∇²L v) and
D⁴L[q⁴]: orbits, flows and continuation need only these, and no d × d matrix. The extra ``networks`` installs JAX and Equinox,
which provides the layers.

>>> import cfdyn as cf
>>> net = cf.networks.mlp(widths=(8,), data=cf.data.digits(classes=2, n=50))
>>> net.dim, net.title
(538, 'mlp:widths=8 on digits:classes=2,n=50')
>>> print(f"{net.value(net.start):.6f}")
0.591436
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
