"""D. G. T. Barrett, B. Dherin, *Implicit gradient regularization*, arXiv 2009.11162 (2020; ICLR 2021).

Backward error analysis of gradient descent: its finite steps follow the gradient flow of a modified loss L + (η/4)‖∇L‖² more
closely than that of L. So it is implicitly regularized, with a strength that grows with η, and is drawn to flat minima. In
units of steps dw/dt = −η∇(L + (η/4)‖g‖²), and with the next term − η³(H²g/3 + T[g, g]/12), T the third derivative (classical
backward error analysis; the abstract was read).
"""

import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

PRODUCT, START = "(1 - x*y)**2/2", [1.5, 0.3]


def _flow(loss, gd, order):
    return cf.flows.gradient(loss, gd) if order == 1 else cf.flows.modified(loss, gd, order)


def _end(flow, start, steps):
    return cf.solve(flow, start, steps, rtol=1e-12, atol=1e-14).w[-1]


@CLAIMS.add(
    "abstract (backward error analysis)",
    {"gradient": near([1.0] * 3, 0.1), "modified": near([2.0] * 3, 0.1), "third": near([3.0] * 3, 0.1)},
    Control("the penalty with half of its weight, η/8", changes={"weight": 0.5}), figure="orders",
    domain="smooth losses, a fixed time ηk; η → 0",
    examples="½(1 − xy)² from (1.5, 0.3), ηk = 1 with 20, 40, 80 and 160 steps",
    perturbations=(Control("the penalty 5 % stronger", changes={"weight": 1.05}),),
)  # fmt: skip
def orders_of_the_modified_flow(weight=1.0):
    """Over a fixed time ηk gradient descent is O(η) from the gradient flow of L, O(η²) from that of L + (η/4)‖∇L‖², and O(η³)
    with one term more.

    Binary logarithms of successive ratios of the errors. The
    flow of L + (η/4)‖∇L‖² is followed by SciPy's DOP853, its slope written by hand.
    """
    loss, errors = cf.Loss(PRODUCT), []
    for steps in (20, 40, 80, 160):
        gd = cf.optimizers.gd(lr=1 / steps)
        orbit = cf.iterate(cf.as_map(loss, gd), START, steps).w[-1]
        ends = [
            _end(_flow(loss, gd, 1), START, steps),
            _by_hand(weight / steps, START, 1.0)[-1],
            _end(_flow(loss, gd, 3), START, steps),
        ]
        errors.append([np.abs(w - orbit).max() for w in ends])
    orders = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    return dict(zip(("gradient", "modified", "third"), orders.T.tolist(), strict=True))


def _by_hand(eta, start, time):
    """dw/d(ηk) = −∇(L + (η/4)‖g‖²) = −(1 + ηH/2)g for ½(1 − xy)²."""

    def slope(_, w):
        x, y = w
        r = 1 - x * y
        g = np.array([-y * r, -x * r])
        h = np.array([[y * y, 2 * x * y - 1], [2 * x * y - 1, x * x]])
        return -(g + eta / 2 * h @ g)

    return solve_ivp(slope, (0, time), start, "DOP853", rtol=1e-12, atol=1e-14).y.T


@CLAIMS.add(
    "abstract (bias toward flat minima); the example is ours",
    {"flatter": True, "penalty": near(1.0, 0.05), "falls_by": at_least(0.02)},
    Control("learning rates near zero, where all end at one minimum", changes={"scale": 1e-3}), figure="minima",
    domain="½(1 − xy)², two weights, gradient descent from (1.5, 0.3); η = 0.01, 0.05, 0.1, 0.2",
    perturbations=(Control("the penalty 10 % stronger", changes={"weight": 1.1}),),
)  # fmt: skip
def larger_steps_end_at_flatter_minima(scale=1.0, weight=1.0):
    """On ½(1 − xy)² from (1.5, 0.3) gradient descent with a larger stable step ends at a flatter minimum, and at η = 0.01 the
    flow of L + (η/4)‖∇L‖² says within 5 % by how much the minimum is flatter than that of the gradient flow.

    Does the final sharpness fall each time, and by how much in all; how far it is below that of the gradient flow at η = 0.01,
    over the same for the modified flow. Both flows by SciPy's DOP853, their slopes written by hand.
    """
    loss, sharpness = cf.Loss(PRODUCT), []
    for lr in (0.01, 0.05, 0.1, 0.2):
        orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=scale * lr)), START, round(30 / lr / scale)).w
        sharpness.append(loss.sharpness(orbit[-1]))
    plain, modified = (loss.sharpness(_by_hand(eta, START, 30.0)[-1]) for eta in (0.0, 0.01 * weight))
    return {"flatter": bool((np.diff(sharpness) < 0).all()), "falls_by": sharpness[0] - sharpness[-1],
            "penalty": (plain - sharpness[0]) / (plain - modified), "sharpness": sharpness}  # fmt: skip


@CLAIMS.add(
    "own statement", {"heavy_ball": near([2.0] * 4, 0.12), "ema_momentum": near([2.0] * 4, 0.12)},
    Control("the penalty of gradient descent, h/4", changes={"power": 0}),
    domain="smooth losses, heavy ball and averaged momentum, a fixed time hk after the start is forgotten; h → 0",
    examples="½(1 − xy)² from (1.5, 0.3), β = 0.5 and 0.8, hk = 1 with 2000, 4000 and 8000 steps",
    perturbations=(Control("the penalty 5 % stronger", changes={"weight": 1.05}),),
)  # fmt: skip
def penalty_of_momentum(power=1, weight=1.0):
    """With momentum β and the effective rate h, which is η/(1 − β) for heavy ball and η for averaged momentum, the penalty is
    (h/4)(1 + β)/(1 − β)‖∇L‖², (1 + β)/(1 − β) times as strong as without: the flow with it is O(h²) from the iterates.

    After 100 steps that forget the start: binary logarithms of successive ratios of the error.
    """
    loss, found = cf.Loss(PRODUCT), {}
    for name in ("heavy_ball", "ema_momentum"):
        found[name] = []
        for beta in (0.5, 0.8):
            errors, stronger = [], weight * ((1 + beta) / (1 - beta)) ** power
            for steps in (2000, 4000, 8000):
                h = 1 / steps
                optimizer = getattr(cf.optimizers, name)(lr=h * (1 - beta) if name == "heavy_ball" else h, momentum=beta)
                orbit = cf.iterate(cf.as_map(loss, optimizer), START, steps + 100).w
                errors.append(np.abs(_by_hand(stronger * h, orbit[100], 1.0)[-1] - orbit[-1]).max())
            found[name] += np.log2(np.divide(errors[:-1], errors[1:])).tolist()
    return found


def figures():
    """Errors of the flows, and the minima where gradient descent ends."""
    return {"orders": _orders, "minima": _minima}


def _axes(x, y):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _orders():
    figure, axes = _axes("learning rate η", "distance to gradient descent at ηk = 1")
    loss, counts = cf.Loss(PRODUCT), (10, 20, 40, 80, 160, 320)
    for order, label in ((1, "L"), (2, "L + (η/4)‖∇L‖²"), (3, "and the next term")):
        errors = []
        for steps in counts:
            gd = cf.optimizers.gd(lr=1 / steps)
            errors.append(
                np.abs(_end(_flow(loss, gd, order), START, steps) - cf.iterate(cf.as_map(loss, gd), START, steps).w[-1]).max()
            )
        axes.loglog(1 / np.array(counts), errors, "o-", label=f"gradient flow of {label}" if order < 3 else label)
    axes.legend(frameon=False)
    return figure


def _minima():
    figure, axes = _axes("learning rate η", "sharpness where it ends")
    loss, rates = cf.Loss(PRODUCT), np.linspace(0.01, 0.5, 50)
    orbits = [cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), START, round(30 / lr)).w[-1] for lr in rates]
    axes.plot(rates, [loss.sharpness(w) for w in orbits], "k-", label="gradient descent")
    flows = [_end(_flow(loss, cf.optimizers.gd(lr=lr), 2), START, round(30 / lr)) for lr in rates]
    axes.plot(rates, [loss.sharpness(w) for w in flows], "r--", label="modified flow")
    axes.legend(frameon=False)
    return figure
