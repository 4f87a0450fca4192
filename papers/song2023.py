"""M. Song and C. Yun, *Trajectory alignment: understanding the edge of stability phenomenon via bifurcation theory*, arXiv
2307.04204, NeurIPS 2023.

With q = 2/(ηy²) and p = xy orbits of gradient descent on ℓ(xy) from different starts come onto one curve, q = r(p) with
r(s) = ℓ′(s)/s: the bifurcation diagram of the 2-cycle. They end with a sharpness of 2/η − η/|r″(0)| + O(η²).
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
STARTS = ((0.1, 4.5), (0.5, 4.5), (1.0, 6.0))  # at η = 2/16


def _limits(loss, lr, starts):
    """The final sharpness y² from each start, after 60/η² steps."""
    step = cf.as_map(cf.Loss(loss, variables="x y"), cf.optimizers.gd(lr=lr))
    return [float(cf.iterate(step, start, int(60 / lr**2)).w[-1, 1] ** 2) for start in starts]


@CLAIMS.add(
    "theorem 3.3, as recalled", {"sharpness": near([15.8115800862] * 3, 2e-9), "error/η²": at_most(0.1)},
    Control("the square root's ℓ, whose |r″(0)| is 1", changes={"loss": "sqrt(1 + (x*y)**2)"}), figure="alignment",
)  # fmt: skip
def limit_sharpness(loss="logcosh(x*y)", lr=2 / 16):
    """On log cosh(xy) with η = 2/16 the final sharpness is 2/η − η/|r″(0)| = 2/η − 3η/2 = 15.8125 up to O(η²):
    15.8115800862 from (0.1, 4.5), (0.5, 4.5) and (1, 6).

    r(s) = tanh(s)/s has r″(0) = −2/3.
    """
    found = _limits(loss, lr, STARTS)
    return {"sharpness": found, "error/η²": max(abs(s - (2 / lr - 1.5 * lr)) / lr**2 for s in found)}


@CLAIMS.add(
    "theorem 3.3, as recalled", {"order of the error": near(3.0, 0.1)},
    Control("the coefficient 1 in place of 3/2", changes={"coefficient": 1.0}),
)  # fmt: skip
def error_order(coefficient=1.5, lrs=(2 / 32, 2 / 64)):
    """The final sharpness on log cosh(xy) is 2/η − 3η/2 up to O(η²); measured, the error is even of order η³.

    η = 2/32 and 2/64 from (0.5, 1.125√(2/η)): log₂ of the ratio of the errors. An order of 2 or more agrees with the theorem.
    """
    errors = []
    for lr in lrs:
        (found,) = _limits("logcosh(x*y)", lr, [(0.5, 1.125 * math.sqrt(2 / lr))])
        errors.append(abs(found - (2 / lr - coefficient * lr)))
    return {"order of the error": math.log2(errors[0] / errors[1])}


@CLAIMS.add(
    "theorem 3.2, as recalled", {"order of the distance": near([2.0] * 3, 0.05), "distance/η² differs by": at_most(1e-3)},
    Control("the curve of another loss, r = 1/√(1 + s²)", changes={"curve": "sqrt"}), figure="alignment",
)  # fmt: skip
def alignment(curve="log cosh", lrs=(2 / 32, 2 / 64)):
    """Orbits from different starts align on one curve q = r(p), r(p) = tanh(p)/p, up to O(η²), before they end.

    The largest |q − r(p)| while q goes from 0.9 to 0.97, from three starts (with y₀ in units of √(2/η)), at two η: log₂ of
    its ratio, and by how much |q − r(p)|/η² differs between the starts at the smaller η.
    """
    distances = np.empty((2, 3))
    for i, lr in enumerate(lrs):
        step = cf.as_map(cf.losses.log_cosh_product(), cf.optimizers.gd(lr=lr))
        for k, (x, y) in enumerate(STARTS):
            p, q = _coordinates(cf.iterate(step, [x, y / 4 * math.sqrt(2 / lr)], int(10 / lr**2)).w, lr)
            p, q = p[(q > 0.9) & (q < 0.97)], q[(q > 0.9) & (q < 0.97)]
            r = np.tanh(p) / p if curve == "log cosh" else 1 / np.sqrt(1 + p**2)
            distances[i, k] = np.abs(q - r).max()
    return {
        "order of the distance": np.log2(distances[0] / distances[1]).tolist(),
        "distance/η² differs by": float(np.ptp(distances[1]) / lrs[1] ** 2),
    }


def _coordinates(w, lr):
    """p = xy and q = 2/(ηy²)."""
    return w.prod(axis=1), 2 / (lr * w[:, 1] ** 2)


def figures():
    """Three orbits on the curve q = tanh(p)/p."""
    return {"alignment": _aligned}


def _aligned():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    step = cf.as_map(cf.losses.log_cosh_product(), cf.optimizers.gd(lr=2 / 16))
    for start in STARTS:
        p, q = _coordinates(cf.iterate(step, start, 400).w, 2 / 16)
        axis.plot(q, p, ".", ms=3, label=f"from {start}")
    s = np.linspace(-2.5, 2.5, 401)
    s = s[s != 0]
    axis.plot(np.tanh(s) / s, s, "k-", lw=0.7, label="q = tanh(p)/p")
    axis.set(xlabel="q = 2/(ηy²)", ylabel="p = xy", title="log cosh(xy), η = 2/16", xlim=(0.4, 1.1))
    axis.legend()
    return figure
