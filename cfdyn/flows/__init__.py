"""Continuous-time models of an optimizer: ``cf.flows.NAME(loss, optimizer)`` gives a `cf.Flow`, which `cf.solve` follows.

`cf.flows.names()` lists them. Time is in optimizer steps, so a path is compared with the iterates at t = 0, 1, 2, …. `central`
is the central flow of Cohen et al.; `gradient` ignores the edge of stability. `cf.Flow` makes a flow of any other equations.

>>> import cfdyn as cf
>>> loss, gd = cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8)
>>> path = cf.solve(cf.flows.central(loss, gd), [1.5, 0.3], t=10)
>>> path.events[0].kind, round(path.events[0].t, 6)  # it reaches the edge of stability
('enter', 0.388798)
>>> print(round(path.sharpness[-1], 6))  # and stays there: 2/0.8
2.5
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
