"""S. J. Reddi, S. Kale, S. Kumar, *On the convergence of Adam and beyond*, ICLR 2018, arXiv 1904.09237.

An explicit convex example on which Adam does not converge to the optimum, and remedies with a long memory of gradients, says the
abstract, which was read. The example, as it is known: on linear losses that repeat with period 3, of slopes C, −1, −1 with C > 2,
Adam moves against the gradient of their sum: the rare large gradient is divided by its own size. With a second moment that never
falls (AMSGrad) the drift is right. In the paper the learning rate decays; here it is constant, without correction of bias, ε = 0.
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
    domain="slopes C, −1, −1 in turn, C > 2, one weight; constant learning rate, no bias correction, ε = 0, after many periods",
    examples="C = 2.1, 3 and 10", perturbations=(Control("β₂ 3 % larger", changes={"share": 1.03}),),
)  # fmt: skip
def adam_drifts_away(optimizer="adam", share=1.0):
    """On f_t(x) = Cx for t = 1 mod 3 and −x otherwise, C > 2, Adam with β₁ = 0 and β₂ = 1/(1 + C²) drifts up in each period,
    though the sum C − 2 of the slopes says down.

    The displacement over one period (an epoch of three rows) after 30 periods, at lr = 0.01, against the closed form in which v
    is 3-periodic: v₁ = β₂v₃ + (1 − β₂)C², v₂ = β₂v₁ + 1 − β₂, v₃ = β₂v₂ + 1 − β₂.
    """
    found = [_displacement(optimizer, C, 0.0, share / (1 + C * C)) for C in SLOPES]
    return {"drifts": found, "least": min(found)}


@CLAIMS.add(
    "abstract (long memory of gradients)",
    {"drifts": near([-0.01 * (C - 2) / np.sqrt(_moments(C)[0]) for C in SLOPES], 1e-12), "greatest": below(0.0)},
    Control("Adam in place of AMSGrad", changes={"optimizer": "adam"}),
    domain="slopes C, −1, −1 in turn, C > 2, one weight; constant learning rate, no bias correction, ε = 0, after many periods",
    examples="C = 2.1, 3 and 10", perturbations=(Control("β₂ 3 % larger", changes={"share": 1.03}),),
)  # fmt: skip
def amsgrad_does_not(optimizer="amsgrad", share=1.0):
    """On the same losses AMSGrad, which divides by the root of the largest second moment so far, drifts down, the right way: by
    lr (C − 2)/√v in a period, with v the second moment after the slope C.

    The displacement over one period after 30 periods, β₁ = 0, β₂ = 1/(1 + C²), lr = 0.01, against that closed form.
    """
    found = [_displacement(optimizer, C, 0.0, share / (1 + C * C)) for C in SLOPES]
    return {"drifts": found, "greatest": max(found)}


@CLAIMS.add(
    "own statement", {"adam": above(0.0), "amsgrad": below(0.0)},
    Control("C = 3, too small for these β", changes={"pairs": ((0.0, 0.9, 3), (0.5, 0.9, 3), (0.9, 0.95, 3))}),
    domain="the slope C at every C-th step and −1 between, one weight; (β₁, β₂, C) = (0, 0.9, 250), (0.5, 0.9, 250), (0.9, 0.95, "
           "900); constant learning rate, no correction of bias, ε = 0",
    perturbations=(Control("AMSGrad in place of Adam", changes={"first": "amsgrad"}),),
)  # fmt: skip
def any_momentum(pairs=((0.0, 0.9, 250), (0.5, 0.9, 250), (0.9, 0.95, 900)), first="adam"):
    """With common β too there are linear losses on which Adam goes the wrong way and AMSGrad the right one: the slope C at
    every C-th step and −1 between, C = 250 for (β₁, β₂) = (0, 0.9) and (0.5, 0.9), C = 900 for (0.9, 0.95).

    The displacement over the third period, in which the slopes add up to 1: the least of Adam's and the greatest of AMSGrad's.
    """
    adam = [_long_period(first, *pair) for pair in pairs]
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
