"""J. D. Lee, M. Simchowitz, M. I. Jordan and B. Recht, *Gradient descent only converges to minimizers*, COLT 2016,
1246–1257 (arXiv 1602.04915).

With η < 1/L the step of gradient descent is a diffeomorphism, and by the stable manifold theorem the starts that end on a
strict saddle have measure zero: random starts end on minima. Their example is x²/2 + y⁴/4 − y²/2, with a saddle at 0 whose
stable set is the line y = 0.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")


def _step(lr):
    return cf.as_map(cf.Loss("x**2/2 + y**4/4 - y**2/2", variables="x y"), cf.optimizers.gd(lr=lr))


@CLAIMS.add(
    "theorem 4, as recalled", {"on a minimum": 100, "on the saddle": 0},
    Control("starts on the line y = 0", changes={"height": 0.0}), figure="saddle",
)  # fmt: skip
def random_starts_avoid_saddles(height=1.5, lr=0.1, starts=100, seed=0):
    """From random starts gradient descent with a small rate converges to a minimum, and to no strict saddle.

    100 starts in the square of side 3, η = 0.1 < 1/L = 1/5.75 there: ends of 4,000 steps at (0, ±1) and at (0, 0).
    """
    points = np.random.default_rng(seed).uniform(-1.5, 1.5, (starts, 2)) * [1, height / 1.5]
    ends = np.array([cf.iterate(_step(lr), point, 4000).w[-1] for point in points])
    return {
        "on a minimum": int((np.abs(np.abs(ends) - [0, 1]).max(axis=1) < 1e-6).sum()),
        "on the saddle": int((np.abs(ends).max(axis=1) < 1e-6).sum()),
    }


@CLAIMS.add(
    "example in section 1, as recalled", {"multipliers": near([0.9, 1.1], 1e-12), "ends on the saddle": True},
    Control("a start off the line by 10⁻⁶", changes={"height": 1e-6}), figure="saddle",
)  # fmt: skip
def the_exceptional_line(height=0.0, lr=0.1):
    """On x²/2 + y⁴/4 − y²/2 the starts on the line y = 0, and only these, converge to the saddle: it has the multipliers 1
    − η and 1 + η.

    η = 0.1: the Jacobian's eigenvalues at 0, and the orbit from (1, 0) after 1,000 steps.
    """
    step = _step(lr)
    end = cf.iterate(step, [1.0, height], 1000).w[-1]
    values = sorted(np.linalg.eigvalsh(step.jacobian([0.0, 0.0])).tolist())
    return {"multipliers": values, "ends on the saddle": bool(np.abs(end).max() < 1e-6)}


@CLAIMS.add(
    "proposition 8, as recalled", {"least slope": near(1 - 0.99, 1e-6), "one to one": True},
    Control("η = 1.5/L, where two weights have the same image", changes={"product": 1.5}),
)  # fmt: skip
def step_is_one_to_one(product=0.99):
    """With η < 1/L the step of gradient descent is one to one, as its Jacobian 1 − ηf″ is positive; with a larger η it need
    not be.

    log cosh w, L = 1: the least slope of the step on [−1, 1], about its minimum, and whether its values increase on [−5, 5].
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
