"""M. Song and C. Yun, *Trajectory alignment: understanding the edge of stability phenomenon via bifurcation theory*, arXiv
2307.04204, NeurIPS 2023.

Gradient descent from different starts comes, in the right coordinates, onto one curve, a bifurcation diagram, proved for two
simple networks; abstract and slides were read, with the toy model log cosh(xy), η = 2/16. Here the coordinates are q = 2/(ηy²)
and p = xy, and on ℓ(xy) the curve is q = r(p) with r(s) = ℓ′(s)/s, the 2-cycles of p at fixed y.
"""

import math
from functools import cache

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
STARTS = ((0.1, 4.5), (0.5, 4.5), (1.0, 6.0))  # at η = 2/16


def _limits(loss, lr, starts):
    """The final sharpness y² from each start, after 60/η² steps."""
    step = cf.as_map(cf.Loss(loss, variables="x y"), cf.optimizers.gd(lr=lr))
    return [float(cf.iterate(step, start, int(60 / lr**2)).w[-1, 1] ** 2) for start in starts]


@cache
def _by_hand():
    """The final y² on log cosh(xy) at η = 2/16, in plain Python."""
    found = []
    for x, y in STARTS:
        for _ in range(3840):
            slope = math.tanh(x * y)
            x, y = x - slope * y / 8, y - slope * x / 8
        found.append(y * y)
    return found


@CLAIMS.add(
    "own statement", {"sharpness": near(_by_hand(), 2e-9), "error/η³": at_most(0.6), "order of the error": near(3.0, 0.1)},
    Control("the square root's ℓ, whose |r″(0)| is 1", changes={"loss": "sqrt(1 + (x*y)**2)"}), figure="alignment",
    domain="log cosh(xy), two weights; starts with y² from 1.25 to 2.25 times 2/η and small x; η → 0",
    examples="η = 2/16 from (0.1, 4.5), (0.5, 4.5) and (1, 6); η = 2/32 and 2/64 from (0.5, 1.125√(2/η))",
    perturbations=(Control("the coefficient 1.45 in place of 3/2", changes={"coefficient": 1.45}),),
)  # fmt: skip
def limit_sharpness(loss="logcosh(x*y)", lr=2 / 16, coefficient=1.5):
    """On log cosh(xy) gradient descent from beyond the edge ends with a sharpness of 2/η − η/|r″(0)| + O(η³) = 2/η − 3η/2 +
    O(η³), the same from different starts.

    r(s) = tanh(s)/s has r″(0) = −2/3. The final y² at η = 2/16, 15.81158, against plain Python, and the largest distance from
    15.8125 over η³; log₂ of the ratio of the errors at 2/32 and 2/64.
    """
    found, errors = _limits(loss, lr, STARTS), []
    for small in (lr / 2, lr / 4):
        (end,) = _limits(loss, small, [(0.5, 1.125 * math.sqrt(2 / small))])
        errors.append(abs(end - (2 / small - coefficient * small)))
    return {"sharpness": found, "error/η³": max(abs(s - (2 / lr - coefficient * lr)) / lr**3 for s in found),
            "order of the error": math.log2(errors[0] / errors[1])}  # fmt: skip


@CLAIMS.add(
    "abstract (the order in η is ours)",
    {"order of the distance": near([2.0] * 3, 0.05), "distance/η² differs by": at_most(1e-3)},
    Control("the curve of another loss, r = 1/√(1 + s²)", changes={"curve": "sqrt"}), figure="alignment",
    domain="log cosh(xy), two weights; starts with y² from 1.25 to 2.25 times 2/η and small x; while 0.9 < q < 0.97; η → 0",
    examples="η = 2/32 and 2/64, three starts, (0.1, 4.5), (0.5, 4.5) and (1, 6) with y in units of √(2/η)/4",
    perturbations=(Control("the curve tanh(1.02p)/(1.02p)", changes={"stretch": 1.02}),),
)  # fmt: skip
def alignment(curve="log cosh", lrs=(2 / 32, 2 / 64), stretch=1.0):
    """Orbits of gradient descent on log cosh(xy) from different starts align on one curve, q = tanh(p)/p up to O(η²).

    The largest |q − r(p)| while q goes from 0.9 to 0.97, at two η: log₂ of its ratio, and by how much |q − r(p)|/η² differs
    between the starts at the smaller η.
    """
    distances = np.empty((2, 3))
    for i, lr in enumerate(lrs):
        step = cf.as_map(cf.losses.log_cosh_product(), cf.optimizers.gd(lr=lr))
        for k, (x, y) in enumerate(STARTS):
            p, q = _coordinates(cf.iterate(step, [x, y / 4 * math.sqrt(2 / lr)], int(10 / lr**2)).w, lr)
            p, q = p[(q > 0.9) & (q < 0.97)], q[(q > 0.9) & (q < 0.97)]
            r = np.tanh(stretch * p) / (stretch * p) if curve == "log cosh" else 1 / np.sqrt(1 + p**2)
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
