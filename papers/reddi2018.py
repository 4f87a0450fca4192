"""S. J. Reddi, S. Kale, S. Kumar, *On the convergence of Adam and beyond*, ICLR 2018, arXiv 1904.09237.

On linear losses that repeat with period 3, of slopes C, −1, −1 with C > 2, Adam moves against the gradient of their sum for ever:
the rare large gradient is divided by its own size. With a second moment that never falls (AMSGrad) the drift is right.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
SLOPES = (2.1, 3.0, 10.0)


def _moments(C):
    """v after each of the three slopes, once it is periodic, β₂ = 1/(1 + C²)."""
    b2 = 1 / (1 + C * C)
    last = (1 - b2) * (1 + b2 + b2**2 * C**2) / (1 - b2**3)
    first = b2 * last + (1 - b2) * C**2
    second = b2 * first + (1 - b2)
    return first, second, last


def _drift(C):
    """Adam's steps over one period with β₁ = 0 and a learning rate of 1."""
    return float(np.dot([-C, 1, 1], 1 / np.sqrt(_moments(C))))


@CLAIMS.add(
    "theorem 1", {"drifts": near([0.01 * _drift(C) for C in SLOPES], 1e-12), "least": above(0.0)},
    Control("AMSGrad in place of Adam", changes={"optimizer": "amsgrad"}), figure="drift", read="from memory",
)  # fmt: skip
def adam_drifts_away(optimizer="adam"):
    """On f_t(x) = Cx for t = 1 mod 3 and −x otherwise, C > 2, Adam with β₁ = 0, β₂ = 1/(1 + C²) drifts up, to the worst point
    of every interval, though the sum C − 2 of the slopes says down.

    The displacement over one period (an epoch of three rows) after 30 periods, for C = 2.1, 3 and 10 at lr = 0.01, against
    the closed form in which v is 3-periodic: v₁ = β₂v₃ + (1 − β₂)C², v₂ = β₂v₁ + 1 − β₂, v₃ = β₂v₂ + 1 − β₂.
    """
    found = [_displacement(optimizer, C, 0.0, 1 / (1 + C * C)) for C in SLOPES]
    return {"drifts": found, "least": min(found)}


@CLAIMS.add(
    "AMSGrad",
    {"drifts": near([-0.01 * (C - 2) / np.sqrt(_moments(C)[0]) for C in SLOPES], 1e-12), "greatest": below(0.0)},
    Control("Adam in place of AMSGrad", changes={"optimizer": "adam"}), read="from memory",
)  # fmt: skip
def amsgrad_does_not(optimizer="amsgrad"):
    """With the largest second moment so far in place of the last one (AMSGrad) the same losses drive x down, the right way.

    The largest v is that after the slope C, about (1 − β₂)C²: the drift is −lr(C − 2)/√v. The tolerance is for its small rest
    from the periods before, a share of order β₂.
    """
    found = [_displacement(optimizer, C, 0.0, 1 / (1 + C * C)) for C in SLOPES]
    return {"drifts": found, "greatest": max(found)}


@CLAIMS.add(
    "theorem 2", {"adam": above(0.0), "amsgrad": below(0.0)},
    Control("C = 3, too small for these β", changes={"pairs": ((0.0, 0.9, 3), (0.5, 0.9, 3), (0.9, 0.95, 3))}),
    read="from memory",
)  # fmt: skip
def any_momentum(pairs=((0.0, 0.9, 250), (0.5, 0.9, 250), (0.9, 0.95, 900))):
    """For any β₁ < √β₂ there are linear losses, C at every C-th step and −1 between, on which Adam goes the wrong way.

    The displacement over one period, with the sum of the slopes equal to 1, for three pairs (β₁, β₂) with C = 250, 250, 900:
    the least of Adam's and the greatest of AMSGrad's. Theorem 2 says that a large C exists, not which.
    """
    adam = [_long_period("adam", *pair) for pair in pairs]
    amsgrad = [_long_period("amsgrad", *pair) for pair in pairs]
    return {"adam": min(adam), "amsgrad": max(amsgrad)}


def _rows(C):
    from cfdyn.symbolic.loss import make_loss

    return cf.Loss.from_spec(make_loss("a*x", columns=["a"], data=np.array([[C], [-1.0], [-1.0]])))


def _displacement(optimizer, C, b1, b2):
    made = getattr(cf.optimizers, optimizer)(lr=0.01, beta1=b1, beta2=b2, eps=0.0, bias_correction=False)
    x = cf.iterate(cf.epoch(_rows(C), made), [0.0], 31).w[:, 0]
    return float(x[-1] - x[-2])


def _long_period(optimizer, b1, b2, C):
    """Of x over the third period of C steps; the step count k is a state."""
    top = ", Max(u, b2*v + (1 - b2)*g**2)" if optimizer == "amsgrad" else ", b2*v + (1 - b2)*g**2"
    slope = f"Piecewise(({C}, k < 0.5), (-1, True))"
    m, v, u = "(b1*m + (1 - b1)*g)", "b2*v + (1 - b2)*g**2", top[2:]
    rules = [f"x - lr*{m}/sqrt({u})", m, v, u, f"Piecewise((k + 1, k < {C} - 1.5), (0, True))"]
    texts = [rule.replace("g", slope).replace("lr", "rate") for rule in rules]
    step = cf.Map.from_text(texts, "x m v u k", params={"b1": b1, "b2": b2, "rate": 0.01})
    x = cf.iterate(step, [0.0] * 5, 3 * C).z[:, 0]
    return float(x[-1] - x[2 * C])


def figures():
    """Both optimizers on the losses with C = 3."""
    return {"drift": _figure}


def _figure():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for name in ("adam", "amsgrad"):
        made = getattr(cf.optimizers, name)(lr=0.01, beta1=0.0, beta2=0.1, eps=0.0, bias_correction=False)
        axes.plot(cf.iterate(cf.epoch(_rows(3.0), made), [0.0], 200).w[:, 0], label=name)
    axes.set(xlabel="period of three steps", ylabel="x", title="Slopes 3, −1, −1: descent is down")
    axes.legend()
    return figure
