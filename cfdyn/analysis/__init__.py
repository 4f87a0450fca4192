"""Questions about a map, one function each: it gives a record, which `cf.plot` draws and ``save`` keeps.

`cf.analysis.names()` lists them. Some that come first: `classify` (what an orbit ends on), `cycles`, `continue_cycle` and
`branches` (what becomes of cycles as a parameter changes), `orbit_diagram`, `basins`, `lyapunov`, `chaos`, `edge`.

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
