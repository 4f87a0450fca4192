"""L. Wu, C. Ma, W. E, *How SGD selects the global minima in over-parameterized learning: a dynamical stability perspective*,
NeurIPS 2018.

Which global minima SGD can stay at depends on two numbers, the sharpness and the non-uniformity of the rows' Hessians: the
mean square of the distance must not grow. A minimum that gradient descent accepts may so be left by SGD.
"""

import itertools

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "own statement", {"descent_at_1": at_least(10), "sgd_at_0": 40, "sgd_at_1": 0},
    Control("the step 0.3, at which SGD is stable at both", changes={"lr": 0.3}), figure="escape",
    domain="rows min{x², 0.1(x − 1)²} and min{x², 1.9(x − 1)²}, one weight, step 0.7, batches of one; 40 starts between −1 and 2",
    perturbations=(Control("the step 0.5, at which E(1 − ηa)² < 1 at both", changes={"lr": 0.5}),),
)  # fmt: skip
def escape(lr=0.7):
    """Of two global minima with the same sharpness gradient descent accepts both, SGD only the one where the rows agree: on
    min{x², 0.1(x − 1)²} and min{x², 1.9(x − 1)²} with the step 0.7 all of 40 runs of SGD end at x = 0, and at least 10 of
    gradient descent at x = 1.

    At x = 1 the rows have the curvatures 0.2 and 3.8, at x = 0 both have 2. 2,000 steps: where
    |x| or |x − 1| is below 0.01 at the end. SGD draws a row at each step by a Lehmer generator in its state. E(1 − ηa)² is
    0.16 at 0, 1.75 at 1.
    """
    starts = np.linspace(-0.97, 1.98, 40)
    ends = {kind: np.array([_run(kind, lr, x, k)[-1] for k, x in enumerate(starts)]) for kind in ("descent", "sgd")}
    return {f"{kind}_at_{at}": int((np.abs(x - at) < 0.01).sum()) for kind, x in ends.items() for at in (0, 1)}


@CLAIMS.add(
    "abstract (sharpness and non-uniformity; the condition is derived here)",
    {"thresholds": near([2 * 2.0 / (2.0**2 + 2.5 * (4 - b) / (3 * b)) for b in (1, 2, 3, 4)], 1e-9)},
    Control("batches drawn with replacement", changes={"replacement": True}), figure="stability",
    domain="minima at which every row's gradient vanishes, one weight, linearised; batches of B of n rows without replacement",
    examples="four rows of curvature 0, 1, 3, 4 (a = 2, s² = 2.5), B = 1, 2, 3 and 4",
    perturbations=(Control("the last curvature 4.1", changes={"last": 4.1}),),
)  # fmt: skip
def thresholds(replacement=False, last=4.0):
    """In one dimension SGD with batches of B of n rows is stable in the mean square iff (1 − ηa)² + η²s²(n −
    B)/(B(n − 1)) ≤ 1, a the sharpness and s² the variance of the rows' curvatures: sharpness and non-uniformity s both count.

    Over all batches the mean square of the derivative of each batch's step, and by bisection the η at which it is 1.
    """
    rows, found = (0.0, 1.0, 3.0, last), []
    step = cf.as_map(cf.Loss("a*x**2/2", params={"a": 1.0}), cf.optimizers.gd(lr=0.1))
    for size in (1, 2, 3, 4):
        batches = list(itertools.product(rows, repeat=size) if replacement else itertools.combinations(rows, size))
        low, high = 0.0, 2.0
        for _ in range(45):
            lr = (low + high) / 2
            square = np.mean([step.at(a=float(np.mean(batch)), lr=lr).jacobian([0.0])[0, 0] ** 2 for batch in batches])
            low, high = (lr, high) if square < 1 else (low, lr)
        found.append(lr)
    return {"thresholds": found}


def _run(kind, lr, start, seed):
    top = 2147483647
    if kind == "descent":
        loss = cf.Loss("(Min(x**2, 0.1*(x - 1)**2) + Min(x**2, 1.9*(x - 1)**2))/2", "x")
        return cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [start], 2000).w[:, 0]
    slopes = [f"Piecewise((2*x, x**2 < {a}*(x - 1)**2), ({2 * a}*(x - 1), True))" for a in (0.1, 1.9)]
    slope = f"Piecewise(({slopes[0]}, s < {top / 2!r}), ({slopes[1]}, True))"
    step = cf.Map.from_text([f"x - lr*{slope}", f"mod(48271*s, {top})"], "x s", params={"lr": lr})
    draw = float(np.random.default_rng(seed).integers(1, top))
    return cf.iterate(step, [start, draw], 2000).z[:, 0]


@CLAIMS.add(
    "own statement", {"ends": near([1.0] * 10, 1e-9)},
    Control("η = 0.95, inside the edge of the sharp minimum", changes={"lr": 0.95}),
    figure="sharp", domain="min{x², 0.1(x − 1)²}, one weight, η = 1.05, from ±10⁻⁸, …, ±10⁻⁴",
    perturbations=(Control("η = 0.99", changes={"lr": 0.99}),),
)  # fmt: skip
def escapes_from_the_sharp_minimum(lr=1.05):
    """On min{x², 0.1 (x − 1)²} gradient descent with η = 1.05 leaves the sharp minimum 0, whose curvature is 2, from as near as
    10⁻⁸, and ends in the flat one, 1.

    The ends from ten starts about 0.
    """
    step = cf.as_map(cf.Loss("Min(x**2, (x - 1)**2/10)"), cf.optimizers.gd(lr=lr))
    starts = [sign * 10.0**-k for k in range(4, 9) for sign in (-1, 1)]
    return {"ends": [float(cf.analysis.classify(step, [start]).points[0, 0]) for start in starts]}


def _end_sharpness(lr, starts, seed):
    """The sharpness of the minima of (1 − xy)²/2 at which gradient descent ends."""
    loss = cf.losses.scalar_factorization()
    step = cf.as_map(loss, cf.optimizers.gd(lr=lr))
    points = np.random.default_rng(seed).uniform(-2.5, 2.5, (starts, 2))
    ends = [cf.iterate(step, start, 4000) for start in points]
    return [loss.sharpness(end.w[-1]) for end in ends if end.status == "done" and end.loss[-1] < 1e-20]


@CLAIMS.add(
    "own statement", {"minima reached": at_least(100), "largest sharpness · η/2": at_most(1.0)},
    Control("run at η = 0.1, held against the edge of η = 0.4", changes={"run": 0.1}),
    domain="C² losses, minima reached from almost all starts",
    examples="(1 − xy)²/2, η = 0.4, 200 random starts in a square of side 5",
    perturbations=(Control("run at η = 0.3", changes={"run": 0.3}),),
)  # fmt: skip
def only_stable_minima_are_reached(lr=0.4, run=None, starts=200, seed=0):
    """From almost all starts the minima that gradient descent reaches have a sharpness of at most 2/η.

    The minima of (1 − xy)²/2 have all sharpnesses from 2 on: how many starts reach one, and the
    largest sharpness in units of 2/η.
    """
    found = _end_sharpness(run or lr, starts, seed)
    return {"minima reached": len(found), "largest sharpness · η/2": max(found) * lr / 2}


@CLAIMS.add(
    "own statement", {"mean sharpness, small to large": at_least(1.1)},
    Control("the same rate twice", changes={"large": 0.02}),
    domain="(1 − xy)²/2, two weights, 200 random starts in a square of side 5; η = 0.02 and 0.4",
    perturbations=(Control("η = 0.05 in place of 0.4", changes={"large": 0.05}),),
)  # fmt: skip
def large_rates_select_flat_minima(small=0.02, large=0.4, starts=200, seed=0):
    """On (1 − xy)²/2, from the same 200 starts, gradient descent with η = 0.4 ends in flatter minima than with η = 0.02, on
    average by more than a tenth.

    The mean final sharpness at η = 0.02 over that at η = 0.4.
    """
    return {
        "mean sharpness, small to large": float(
            np.mean(_end_sharpness(small, starts, seed)) / np.mean(_end_sharpness(large, starts, seed))
        )
    }


@CLAIMS.add(
    "own statement", {"settings": 300, "met and unstable": 0, "met": at_least(50)},
    Control("the largest growth along the eigenvectors alone, without the rows' variance", changes={"variance": 0.0}),
    domain="least squares that all rows solve, d weights; batches of B of n rows without replacement",
    examples="100 random sets of five rows with three weights, B = 2, η = 0.3, 0.6 and 0.9 of 2/λ₁(H)",
    perturbations=(Control("a tenth of the rows' variance", changes={"variance": 0.1}),),
)  # fmt: skip
def sufficient_in_several_weights(variance=1.0):
    """In several weights SGD does not grow in the mean square where λ₁((1 − ηH)² + η²(n − B)/(B(n − 1)) (mean Hᵢ² − H²)) ≤ 1.

    Rows ½(x·w)²: how
    many meet the condition, and how many of those have a radius above 1 (`mean_square`).
    """
    from cfdyn.symbolic.loss import make_loss

    rng, met, wrong = np.random.default_rng(0), 0, 0
    for _ in range(100):
        x = rng.normal(size=(5, 3))
        loss = cf.Loss.from_spec(make_loss("(a*p + b*q + c*r)**2/2", "a b c", {}, ["p", "q", "r"], data=x))
        h = np.einsum("ni,nj->nij", x, x)
        mean, spread = h.mean(axis=0), np.mean(h @ h, axis=0) - h.mean(axis=0) @ h.mean(axis=0)
        for part in (0.3, 0.6, 0.9):
            lr = part * 2 / np.linalg.eigvalsh(mean)[-1]
            step = np.eye(3) - lr * mean
            holds = np.linalg.eigvalsh(step @ step + variance * lr**2 * 3 / 8 * spread)[-1] <= 1
            met += holds
            wrong += holds and cf.mean_square(loss, [0.0] * 3, lr, 2, replace=False, cut=0).radius > 1
    return {"settings": 300, "met": int(met), "met and unstable": int(wrong)}


def figures():
    """Runs that escape, of gradient descent and of SGD; the stable minima in the plane of sharpness and non-uniformity."""
    return {"sharp": _sharp, "escape": _escape, "stability": _stability}


def _escape():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for seed in range(4):
        axes.plot(_run("sgd", 0.7, 1.001, seed)[:80], ".-", lw=0.7, color=f"C{seed}")
    axes.plot(_run("descent", 0.7, 1.2, 0)[:80], "k", label="gradient descent")
    axes.set(xlabel="step", ylabel="x", ylim=(-2, 3), title="SGD leaves x = 1 for x = 0, step 0.7")
    axes.legend()
    return figure


def _stability():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    a = np.linspace(0, 2 / 0.7, 300)
    for size in (1, 2, 3):
        axes.plot(a, np.sqrt((1 - (1 - 0.7 * a) ** 2) / 0.49 * 3 * size / (4 - size)), label=f"batches of {size}")
    axes.set(xlabel="sharpness", ylabel="non-uniformity", title="Stable minima lie below (4 rows, η = 0.7)")
    axes.legend()
    return figure


def _sharp():
    import matplotlib.pyplot as plt

    step = cf.as_map(cf.Loss("Min(x**2, (x - 1)**2/10)"), cf.optimizers.gd(lr=1.05))
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for exponent in (2, 4, 8):
        axis.plot(cf.iterate(step, [10.0**-exponent], 260).w[:, 0], lw=0.8, label=f"from 10^−{exponent}")
    axis.set(xlabel="step", ylabel="x", title="min{x², 0.1 (x − 1)²}, η = 1.05")
    axis.legend()
    return figure
