"""Cycles of the literature that proofs are about: the loss, the optimizer, the points."""

from __future__ import annotations

import cfdyn as cf

LESSARD = "Piecewise((25*w**2/2, w < 1), (w**2/2 + 24*w - 12, w < 2), (25*w**2/2 - 24*w + 36, True))"
O, L = cf.optimizers, cf.losses


def adam(lr, beta1, beta2, eps):
    return O.adam(lr=lr, beta1=beta1, beta2=beta2, eps=eps, eps_inside=True, bias_correction=False)


# name -> loss, optimizer, points, other parameters
CYCLES = {
    "logistic_stable": (L.logistic_regression(), O.gd(lr=20), [-2.709, 9.375, 2.710], {}),
    "logistic_unstable": (L.logistic_regression(), O.gd(lr=20), [-1.478, 8.141, 1.480], {}),
    "meng": (L.meng_logistic(), O.gd(lr=0.15486309001950452), [3.0594, 0.9586, 0.00915], {}),
    "lessard": (LESSARD, O.heavy_ball(lr=0.1, momentum=0.4), [0.6465, -1.8024, 2.1159], {"lr": "1/9", "momentum": "4/9"}),
    "adam_2_stable": ("w**2/2", adam(0.5, 0.2, 0.5, 1e-6), [0.1667, -0.1667], {}),
    "adam_2_unstable": ("w**2/2", adam(1, 0.9, 0.999, 1e-8), [0.0263, -0.0263], {}),
    "adam_3": ("w**2/2", adam(1, 0.5, 0.2, 1e-8), [0.0984, 0.1611, -0.3115], {}),
}


def certificate(name):
    loss, optimizer, points, vary = CYCLES[name]
    return cf.certify.cycle(loss, optimizer, points, **vary)
