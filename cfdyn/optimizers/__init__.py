"""Optimizers by name: ``cf.optimizers.NAME(lr=…)`` gives a `cf.Optimizer`; `cf.as_map` makes a map of it and a loss.

`cf.optimizers.names()` lists them, and `help(cf.optimizers.adam)` shows the update, its options and its edge of stability.
`cf.Optimizer.from_text` makes one of your own.

>>> import cfdyn as cf
>>> adam = cf.optimizers.adam(lr=0.1, beta2=0.99)
>>> step = cf.as_map("w**2 / 2", adam)
>>> step.names, step([1.0])[:1].round(6)
(('w', 'm_w', 'v_w', 'decay1', 'decay2'), array([0.9]))
>>> own = cf.Optimizer.from_text({"w": "w - lr*(mu*v + g)", "v": "mu*v + g"}, {"lr": 0.1, "mu": 0.9})
>>> cf.as_map("w**2 / 2", own)([1.0]).round(6)  # the weight and the velocity
array([0.9, 1. ])
"""

from cfdyn.registry import open_catalogue

open_catalogue(__name__)
