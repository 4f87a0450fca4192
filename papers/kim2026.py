"""H.-S. Kim, S. Lee, *Gradient descent with large step size restores symmetry in deep linear networks with multi-pathway*,
arXiv 2606.05219, ICML (2026).

Linear networks of H parallel paths of depth L: gradient flow lets one path win; a large step of gradient descent moves the
signal back to all paths, since sharing lowers the sharpness by the factor H^{2/L−1}. For a single path, w ← w − ηw^{L−1}(w^L −
σ), an overshoot of a start in (0, w⋆) is back there a step later iff η < γ(L)/S, S the sharpness, with γ(L) of the order of log
L. For L = 2 (our remark) γ = 3√3 − 2 in closed form.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
TWO = "(a*b*c + d*e*f - 1)**2/2"  # two paths of depth three


def _paths(count, depth):
    """The loss (sum of products − 1)²/2 with its weights' names, path after path."""
    names = [f"{letter}{k}" for letter in "abcd"[:count] for k in range(depth)]
    products = ["*".join(names[h * depth : (h + 1) * depth]) for h in range(count)]
    return cf.Loss(f"({' + '.join(products)} - 1)**2/2", names)


@CLAIMS.add(
    "abstract (sharing reduces sharpness); the factor by a secondary source",
    {"factors": near([h ** (2 / n - 1) for h, n in ((2, 2), (2, 3), (2, 4), (3, 3), (3, 5))], 1e-9)},
    Control("all shares but one equal to half of the others'", changes={"last": 0.5}), figure="shares",
    read="a secondary source", domain="(Σ of H products of L weights − 1)²/2, layers of a path equal; all H ≥ 1, L ≥ 2",
    examples="(H, L) = (2, 2), (2, 3), (2, 4), (3, 3), (3, 5)",
    perturbations=(Control("the last share smaller by a tenth", changes={"last": 0.9}),),
)  # fmt: skip
def sharing_is_flatter(last=1.0):
    """A minimum whose signal is shared equally by H paths of depth L has the sharpness of one with a single path times
    H^{2/L−1}.

    The largest eigenvalue of the exact Hessian at both minima.
    """
    factors = []
    for count, depth in ((2, 2), (2, 3), (2, 4), (3, 3), (3, 5)):
        loss, parts = _paths(count, depth), np.ones(count)
        parts[-1] = last
        shares = np.repeat((parts / parts.sum()) ** (1 / depth), depth)
        single = np.repeat([1.0] + [0.0] * (count - 1), depth)
        factors.append(float(loss.sharpness(shares) / loss.sharpness(single)))
    return {"factors": factors}


def _shares_by_hand():
    """The same in plain Python: layers of a path that start equal stay equal."""
    shares = []
    for lr in (0.5, 0.75, 0.83):
        a, d = 0.8, 0.3
        for _ in range(20_000):
            error = a**3 + d**3 - 1
            a, d = a - lr * error * a * a, d - lr * error * d * d
        shares.append(d**3)
    return {"small": shares[:2], "large": shares[2]}


@CLAIMS.add(
    "abstract (re-balancing); the example is ours",
    {"small": near([0.0345, 0.15], 0.006), "large": above(0.39), "gap": near(0.0, 0.02)},
    Control("the step 0.65 in place of 0.83, below 2/3", changes={"large": 0.65}), figure="shares",
    second=_shares_by_hand,
    domain="(abc + def − 1)²/2; η = 0.5, 0.75, 0.83, layers of 0.8 and 0.3 at the start, 20,000 steps",
    perturbations=(Control("the step 0.8 in place of 0.83", changes={"large": 0.8}),),
)  # fmt: skip
def large_steps_share_again(large=0.83):
    """A large step of gradient descent restores the share of the losing path: of two paths of depth three the second ends with
    3 % of the signal at η = 0.5, 15 % at 0.75 and above 39 % at η = 0.83, where the sharpness ends within 2 % of 2/η.

    ``small``, ``large``: the share of the second path. ``gap``: how far the final sharpness at the last is below 2/η, relative
    to it. Expected shares are those of
    plain Python (``second``).
    """
    loss = cf.Loss(TWO, "a b c d e f")
    ends = [_end(loss, lr) for lr in (0.5, 0.75, large)]
    shares = [float(w[3:].prod()) for w in ends]
    return {"small": shares[:2], "large": shares[2], "gap": 1 - loss.sharpness(ends[2]) * large / 2}


def _end(loss, lr):
    return cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [0.8] * 3 + [0.3] * 3, 20_000).w[-1]


def _thresholds_by_hand():
    """The same from the overshoot M where the slope 1 − (γ/L)((2L−1)w^(2L−2) − (L−1)w^(L−2)) vanishes, in plain Python."""
    from scipy.optimize import brentq

    def after(gamma, n):
        step = lambda w: w - gamma / n * w ** (n - 1) * (w**n - 1)  # noqa: E731
        slope = lambda w: 1 - gamma / n * ((2 * n - 1) * w ** (2 * n - 2) - (n - 1) * w ** (n - 2))  # noqa: E731
        low = ((n - 1) * (n - 2) / ((2 * n - 1) * (2 * n - 2))) ** (1 / n)  # where the slope is greatest
        return step(step(brentq(slope, low, 1.0, xtol=1e-15)))

    return {"thresholds": [float(brentq(after, 2.5, 6.0, args=(n,), xtol=1e-12)) for n in (2, 3, 4, 8)]}


@CLAIMS.add(
    "the return of an overshoot, by a secondary source; the value at L = 2 is derived here",
    {"thresholds": near([3 * math.sqrt(3) - 2, 3.660996, 3.978578, 4.751329], 1e-5)},
    Control("a return to (0, 2w⋆/3) only", changes={"floor": 1 / 3}), second=_thresholds_by_hand, read="a secondary source",
    domain="(w^L − 1)²/(2L), one path of equal layers, S = L; all starts in (0, 1)", examples="L = 2, 3, 4, 8",
    perturbations=(Control("a return to (0.02, 1)", changes={"floor": 0.02}),),
)  # fmt: skip
def return_of_an_overshoot(floor=0.0):
    """On a single path an overshoot beyond w⋆ is back in (0, w⋆) one step later, from every start, iff η < γ(L)/S,
    with γ increasing in the depth L and γ(2) = 3√3 − 2.

    γ for L = 2, 3, 4, 8 (σ = 1, S = L) by bisection in η: with the farthest overshoot M of all starts in (0, 1), the step after
    it is positive iff η is below γ/S. Expected: 3√3 − 2 in closed form, the others from ``second``; the same with ``floor`` in
    place of 0.
    """
    return {"thresholds": [_threshold(depth, floor) for depth in (2, 3, 4, 8)]}


def _threshold(depth, floor):
    from scipy.optimize import brentq, minimize_scalar

    step = cf.as_map(cf.Loss(f"(w**{depth} - 1)**2/(2*{depth})"), cf.optimizers.gd(lr=1.0))

    def after(gamma):
        now = step.at(lr=gamma / depth)
        top = minimize_scalar(lambda w: -now([w])[0], bounds=(0, 1), method="bounded", options={"xatol": 1e-12})
        return now([-top.fun])[0] - floor

    return float(brentq(after, 2.5, 6.0, xtol=1e-12))


def figures():
    """The share of the losing path over the step."""
    return {"shares": _shares}


def _shares():
    import matplotlib.pyplot as plt

    loss, steps = cf.Loss(TWO, "a b c d e f"), np.linspace(0.3, 0.835, 60)
    ends = [_end(loss, lr) for lr in steps]
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained")
    left.plot(steps, [w[3:].prod() for w in ends], ".-")
    left.set(xlabel="step η", ylabel="share of the second path")
    right.plot(steps, [loss.sharpness(w) for w in ends], ".-")
    right.plot(steps, 2 / steps, "k--", lw=0.8, label="2/η")
    right.set(xlabel="step η", ylabel="final sharpness", ylim=(2.3, 4))
    right.legend()
    return figure
