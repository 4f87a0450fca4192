"""L. Wu, C. Ma and W. E, *How SGD selects the global minima in over-parameterized learning: a dynamical stability
perspective*, NeurIPS 31 (2018) 8279–8288.

A minimum can be reached by an algorithm only if it is linearly stable under it: for gradient descent its sharpness must not
exceed 2/η, so a large rate selects flat minima. For stochastic gradient descent in one variable with single samples the
condition is (1 − ηa)² + η²s² ≤ 1, a the mean and s² the variance of the samples' curvatures.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "section 2, as recalled", {"ends": near([1.0] * 10, 1e-9)},
    Control("η = 0.95, inside the edge of the sharp minimum", changes={"lr": 0.95}),
    read="from memory", figure="escape",
)  # fmt: skip
def escapes_from_the_sharp_minimum(lr=1.05):
    """On min{x², 0.1 (x − 1)²} gradient descent with η > 1 leaves the sharp minimum 0, whose curvature is 2, even from very
    near it, and ends in the flat one, 1.

    Starts ±10⁻⁸, …, ±10⁻⁴ about 0, η = 1.05.
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
    "section 3.1, as recalled", {"minima reached": at_least(100), "largest sharpness · η/2": at_most(1.0)},
    Control("run at η = 0.1, held against the edge of η = 0.4", changes={"run": 0.1}),
)  # fmt: skip
def only_stable_minima_are_reached(lr=0.4, run=None, starts=200, seed=0):
    """Every minimum that gradient descent reaches has a sharpness of at most 2/η.

    200 starts in a square of side 5 on (1 − xy)²/2, whose minima have all sharpnesses from 2 on, η = 0.4.
    """
    found = _end_sharpness(run or lr, starts, seed)
    return {"minima reached": len(found), "largest sharpness · η/2": max(found) * lr / 2}


@CLAIMS.add(
    "section 3.1, as recalled", {"mean sharpness, small to large": at_least(1.1)},
    Control("the same rate twice", changes={"large": 0.02}),
)  # fmt: skip
def large_rates_select_flat_minima(small=0.02, large=0.4, starts=200, seed=0):
    """From the same starts a larger rate ends in flatter minima on average.

    As above: the mean final sharpness at η = 0.02 over that at η = 0.4.
    """
    return {
        "mean sharpness, small to large": float(
            np.mean(_end_sharpness(small, starts, seed)) / np.mean(_end_sharpness(large, starts, seed))
        )
    }


@CLAIMS.add(
    "section 3.2, as recalled", {"remainders": "0, 0, 0"},
    Control("without the variance", changes={"weight": 0}), settled="proved",
    proof="SymPy: an identity in the curvatures and η for 2, 3 and 4 samples",
)  # fmt: skip
def stochastic_condition(weight=1):
    """With one sample a step, a₁, …, a_n the samples' curvatures, the mean square grows by the factor (1 − ηa)² + η²s² per
    step, so that a minimum is stable in mean square iff that is at most 1.

    The mean over the samples of (1 − ηa_i)² with symbols, a their mean and s² their variance.
    """
    remainders, rate = [], sp.symbols("eta")
    for n in (2, 3, 4):
        a = sp.symbols(f"a1:{n + 1}")
        mean = sum(a) / sp.Integer(n)
        variance = sum((one - mean) ** 2 for one in a) / n
        growth = sum((1 - rate * one) ** 2 for one in a) / n
        remainders.append(sp.expand(growth - (1 - rate * mean) ** 2 - weight * rate**2 * variance))
    return {"remainders": ", ".join(map(str, remainders))}


def figures():
    """The escape from the sharp minimum."""
    return {"escape": _escape}


def _escape():
    import matplotlib.pyplot as plt

    step = cf.as_map(cf.Loss("Min(x**2, (x - 1)**2/10)"), cf.optimizers.gd(lr=1.05))
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for exponent in (2, 4, 8):
        axis.plot(cf.iterate(step, [10.0**-exponent], 260).w[:, 0], lw=0.8, label=f"from 10^−{exponent}")
    axis.set(xlabel="step", ylabel="x", title="min{x², 0.1 (x − 1)²}, η = 1.05")
    axis.legend()
    return figure
