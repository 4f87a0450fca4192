"""Analyses of maps and orbits: each function returns a record, which `cf.plot` draws and ``save`` stores.

`cf.analysis.names()` lists them. To begin with: `classify` (the attractor of an orbit), `cycles`, `continue_cycle` and
`branches` (cycles along a parameter), `orbit_diagram`, `basins`, `lyapunov`, `chaos`, `edge`.

>>> import cfdyn as cf
>>> logistic = cf.Map("r*x*(1 - x)", params={"r": 3.83})
>>> cf.analysis.classify(logistic, [0.3]).period
3
>>> branch = cf.analysis.continue_cycle(logistic.at(r=2.5), [0.6], "r", (2.5, 3.6))
>>> [(point.kind, round(point.parameter, 9)) for point in branch.bifurcations]
[('flip', 3.0)]
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
