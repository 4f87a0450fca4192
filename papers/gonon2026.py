"""A. Gonon, A.-A. Mușat, S. Maass Martinez, N. Boumal, *dimension-one* (a series of essays, dimension-one.github.io, 2026), the
one on (1 − xy)²/2.

With n = xy − 1 and t = x² − y² a step of gradient descent is t ← (1 − η²n²)t, n ← n − ηn√(t² + 4(n + 1)²) + η²n²(n + 1). Minima
are stable for |t| < √(4/η² − 4), so orbits can converge only for η < 1, and without crossing the minima only for η < 1/2. The
final x² + y² stays near its least value, 2, for typical starts whatever the step; only near η = 1 does it come near the edge
2/η. The essay was not looked up again: all is from memory and stated as our own.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, below

CLAIMS = Claims(__name__, __doc__, read="from memory")


@CLAIMS.add(
    "own statement", {"imbalance": "0", "residual": "0"},
    Control("without the square of η in the imbalance", changes={"power": 1}),
    domain="(1 − xy)²/2; all x, y and η",
    perturbations=(Control("1 − η²n²/1.02 in the imbalance", changes={"weight": 1.02}),),
    proof="exact algebra: both sides as polynomials in x, y and η",
)  # fmt: skip
def recursion(power=2, weight=1):
    """A step of gradient descent on (1 − xy)²/2 maps t = x² − y² to (1 − η²n²)t and n = xy − 1 to
    n − ηn(x² + y²) + η²n²(n + 1), where (x² + y²)² = t² + 4(n + 1)².

    The differences between both sides as polynomials in x, y and η.
    """
    x, y, lr = sp.symbols("x y lr")
    n, t = x * y - 1, x**2 - y**2
    u, v = x - lr * n * y, y - lr * n * x
    imbalance = u**2 - v**2 - (1 - lr**power * n**2 / sp.nsimplify(weight)) * t
    size = sp.expand((x**2 + y**2) ** 2 - t**2 - 4 * (n + 1) ** 2)
    residual = u * v - 1 - (n - lr * n * (x**2 + y**2) + lr**2 * n**2 * (n + 1))
    return {"imbalance": str(sp.expand(imbalance)), "residual": str(sp.expand(residual) + size)}


def _finals(lr, side=61, steps=3000):
    """From a grid in the disc of radius 3: the final x² + y², and whether xy − 1 changed its sign, where orbits converge."""
    step, found = cf.as_map(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=lr)), []
    grid = np.linspace(-3, 3, side) + 1e-4
    for start in ((x, y) for x in grid for y in grid if x * x + y * y < 9):
        w = cf.iterate(step, start, steps).w
        if np.isfinite(w[-1]).all() and abs(w[-1].prod() - 1) < 1e-9:
            n = w.prod(1) - 1
            crossed = bool((n[abs(n) > 1e-7] > 0).any() and (n[abs(n) > 1e-7] < 0).any())
            found.append((float((w[-1] ** 2).sum()), crossed))
    return np.array(found)


@CLAIMS.add(
    "own statement", {"converge": [True, False], "direct": [True, False]},
    Control("η = 0.45 in place of 0.55", changes={"steps": (0.95, 0.45)}),
    domain="(1 − xy)²/2; η = 0.95, 1.02 and 0.4, 0.55; starts on a grid of 41 × 41 in the disc of radius 3, 3,000 steps",
    perturbations=(Control("η = 1.01 in place of 0.95", changes={"steps": (1.01, 0.55)}),),
)  # fmt: skip
def two_bounds_on_the_step(steps=(0.95, 0.55)):
    """Of the starts on a grid some converge at η = 0.95 and none at 1.02; some converge without crossing xy = 1 at η = 0.4 and
    none at 0.55.

    The bounds are η = 1 and 1/2: at a minimum the residual is multiplied by 1 − η(x² + y²), and x² + y² ≥ 2. ``converge``:
    whether any converges at the first step given and at 1.02; ``direct``: whether any converges without a change of the sign
    of xy − 1 (where above 1e-7) at 0.4 and at the second step given.
    """
    converge = [len(_finals(lr, 41)) > 0 for lr in (steps[0], 1.02)]
    direct = []
    for lr in (0.4, steps[1]):
        found = _finals(lr, 41)
        direct.append(bool((found[:, 1] == 0).any()))
    return {"converge": converge, "direct": direct}


@CLAIMS.add(
    "own statement", {"medians": at_most(0.1), "least": at_least(2.0), "share": below(0.05)},
    Control("η = 0.99 in place of 0.8", changes={"lr": 0.99}), figure="finals",
    domain="(1 − xy)²/2; η = 0.3, 0.5, 0.8; starts on a grid of 41 × 41 in the disc of radius 3 that converge in 3,000 steps",
    perturbations=(Control("η = 0.95 in place of 0.8", changes={"lr": 0.95}),),
)  # fmt: skip
def typical_minima_are_flat(lr=0.8):
    """At η = 0.3, 0.5 and 0.8 the median of the final sharpness x² + y² over starts in a disc is within a tenth of the way
    from 2, the least, to 2/η, and at 0.8 less than 5 % of the orbits end within 5 % of 2/η.

    ``medians``: the largest of the medians at η = 0.3, 0.5 and 0.8 as a part of the
    window from 2 to 2/η; ``share``: of the final values at η = 0.8 within 5 % of 2/η.
    """
    steps = (0.3, 0.5, lr)
    finals = [_finals(step, 41)[:, 0] for step in steps]
    medians = [float((np.median(f) - 2) / (2 / step - 2)) for f, step in zip(finals, steps, strict=True)]
    share = float((finals[-1] > 0.95 * 2 / lr).mean())
    return {"medians": max(medians), "least": float(min(f.min() for f in finals)) + 1e-9, "share": share}


def figures():
    """The final sharpness over the step."""
    return {"finals": _panel}


def _panel():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    for lr in np.linspace(0.3, 0.98, 18):
        found = _finals(lr, 17)[:, 0]
        axes.plot(np.full(len(found), lr), found, ",", color="C0")
        axes.plot(lr, np.median(found), "o", color="C3", ms=3)
    steps = np.linspace(0.3, 1, 50)
    axes.plot(steps, 2 / steps, "k--", lw=0.8, label="2/η")
    axes.set(xlabel="step η", ylabel="final x² + y²", title="(1 − xy)²/2; red: medians")
    axes.legend()
    return figure
