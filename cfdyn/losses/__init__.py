"""Losses by name: ``cf.losses.NAME(…)`` gives a `cf.Loss` with known minima and a box for searches and figures.

`cf.losses.names()` lists them, and `help(cf.losses.quartic)` shows the formula, its landmarks and its source. A loss of
your own is a text, a SymPy expression or a Python function: ``cf.Loss("(1 - x*y)**2 / 2")``.

>>> import cfdyn as cf
>>> loss = cf.losses.double_well(a=2.0)
>>> loss, loss.sharpness([1.0])
(Loss('double_well', variables=('w',), params={'a': 2.0}), 4.0)
>>> [minimum.w.tolist() for minimum in cf.minima(loss)]
[[1.0], [-1.0]]
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__, wrap="cfdyn.systems.loss:Loss.from_spec")
