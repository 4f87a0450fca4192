"""Optimizers by name: ``cf.optimizers.NAME(lr=…)`` gives a `cf.Optimizer`, which makes a map of any loss.

`cf.optimizers.names()` lists them, `help(cf.optimizers.adam)` has the update, its options and its edge of stability. One of
your own is written by `cf.Optimizer.from_text`.

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
