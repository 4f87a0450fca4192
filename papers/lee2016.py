"""J. D. Lee, M. Simchowitz, M. I. Jordan and B. Recht, *Gradient descent only converges to minimizers*, COLT 2016,
1246–1257 (arXiv 1602.04915).

With η < 1/L the step of gradient descent is a diffeomorphism, and by the stable manifold theorem the starts that end on a
strict saddle have measure zero: random starts end on minima. Their example is x²/2 + y⁴/4 − y²/2, with a saddle at 0 whose
stable set is the line y = 0, as long as steps are small against the distance.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _step(lr):
    return cf.as_map(cf.Loss("x**2/2 + y**4/4 - y**2/2", variables="x y"), cf.optimizers.gd(lr=lr))


@CLAIMS.add(
    "theorem 4, as recalled; its example in section 1", {"on a minimum": 100, "on the saddle": 0},
    Control("starts on the line y = 0", changes={"height": 0.0}), figure="saddle",
    domain="C² losses, η < 1/L, strict saddles; almost all starts",
    examples="x²/2 + y⁴/4 − y²/2, η = 0.1, 100 random starts in |x|, |y| ≤ 1.5",
    perturbations=(Control("η = 2.1, beyond 1/L", changes={"lr": 2.1}),),
)  # fmt: skip
def random_starts_avoid_saddles(height=1.5, lr=0.1, starts=100, seed=0):
    """From almost every start gradient descent with η < 1/L does not converge to a strict saddle; on the source's example it
    converges to a minimum.

    In the square L = 5.75, and it is mapped into itself. Ends of 4,000 steps at (0, ±1) and at (0, 0).
    """
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (starts, 2)) * [1, height / 1.5]
    ends = np.array([cf.iterate(_step(lr), point, 4000).w[-1] for point in points])
    return {
        "on a minimum": int((np.abs(np.abs(ends) - [0, 1]).max(axis=1) < 1e-6).sum()),
        "on the saddle": int((np.abs(ends).max(axis=1) < 1e-6).sum()),
    }


@CLAIMS.add(
    "example in section 1, as recalled",
    {"step": "0, 0", "multipliers": ["9/10", "11/10"], "factor of y": "7/8 to 11/10"},
    Control("starts up to |y| = 4, among them √11, from where a step leads to y = 0", changes={"bound": 4}), figure="saddle",
    domain="x²/2 + y⁴/4 − y²/2, two weights; η = 1/10, starts in |y| ≤ 3/2",
    perturbations=(Control("η = 1/5", changes={"rate": "1/5"}),),
    proof="exact algebra: y is multiplied by 1 + η − ηy², which is positive there and near 1 + η where y is small",
)  # fmt: skip
def the_exceptional_line(rate="1/10", bound="3/2"):
    """On x²/2 + y⁴/4 − y²/2 the starts on the line y = 0, and only these, converge to the saddle at 0, which has the multipliers
    1 − η and 1 + η.

    A step maps x to (1 − η)x and y to (1 + η − ηy²)y: what SymPy finds missing from that, and the range of the factor of y, for
    |y| up to the bound, which a step does not exceed. So y ≠ 0 stays so, and grows wherever it is small.
    """
    x, y = sp.symbols("x y")
    eta, bound = sp.Rational(rate), sp.Rational(bound)
    loss, factor = x**2 / 2 + y**4 / 4 - y**2 / 2, 1 + eta - eta * y**2
    step = x - eta * sp.diff(loss, x), y - eta * sp.diff(loss, y)
    values = [step[0].diff(x), step[1].diff(y).subs(y, 0)]
    return {"step": f"{sp.expand(step[0] - (1 - eta) * x)}, {sp.expand(step[1] - factor * y)}",
            "multipliers": [str(one) for one in values],
            "factor of y": f"{factor.subs(y, bound)} to {factor.subs(y, 0)}"}  # fmt: skip


@CLAIMS.add(
    "proposition 8, as recalled", {"least slope": near(1 - 0.99, 1e-6), "one to one": True},
    Control("η = 1.5/L, where two weights have the same image", changes={"product": 1.5}),
    domain="C² losses of one weight with |f″| ≤ L, η < 1/L", examples="log cosh w, L = 1, η = 0.99, on [−5, 5]",
    perturbations=(Control("η = 1.01/L", changes={"product": 1.01}),),
)  # fmt: skip
def step_is_one_to_one(product=0.99):
    """With η < 1/L the step of gradient descent is one to one, as its slope 1 − ηf″ is positive.

    The least slope of the step on [−1, 1], about its minimum, and whether its values increase on [−5, 5].
    """
    step = cf.as_map(cf.losses.log_cosh(), cf.optimizers.gd(lr=product))
    w = np.linspace(-20, 20, 40_001)
    images = np.array([step([one])[0] for one in w[15_000:25_001]])
    return {
        "least slope": float(min(step.jacobian([one])[0, 0] for one in w[19_000:21_001])),
        "one to one": bool((np.diff(images) > 0).all()),
    }


def figures():
    """Paths near the saddle."""
    return {"saddle": _drawn}


def _drawn():
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for start in [(x, y) for x in (-1.4, 1.4) for y in (-0.3, -0.01, 0.0, 1e-6, 0.1)]:
        w = cf.iterate(_step(0.1), start, 400).w
        axis.plot(w[:, 0], w[:, 1], ".-", ms=3, lw=0.5, color="k" if start[1] == 0 else "C0")
    axis.plot(0, 0, "r^", 0, 1, "go", 0, -1, "go")
    axis.set(xlabel="x", ylabel="y", title="x²/2 + y⁴/4 − y²/2, η = 0.1:\nonly y = 0 (black) ends on the saddle")
    return figure
