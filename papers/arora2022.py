"""S. Arora, Z. Li, A. Panigrahi, *Understanding gradient descent on edge of stability in deep learning*, arXiv 2205.09745
(2022).

Normalized gradient descent, w ← w − ηg/‖g‖, and gradient descent on √L both enter the edge of stability for every η, since the
effective step grows or the loss has a kink at its minima. Along a manifold of minima they then follow a flow that lowers the
sharpness λ₁, in the slow time τ = η²k: dX/dτ = −¼P∇ log λ₁ and −⅛P∇λ₁, P the projection on the manifold.
"""

import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

VALLEY = "(1 + y**2)*x**2/2"
# Two constraints on four weights: the minima are a surface.
TWO = "(a*b + 0.3*c - 1)**2/2 + (c*d + 0.2*a*d - 1)**2/2"
STARTS = {VALLEY: [0.1, 1.0], TWO: [1.2, 0.4, 0.7, 1.4]}
TAU = (0.5, 1.0, 1.5, 2.0)


def _flow_and_steps(name, text, lr):
    """The flow of L, and the map that it is the limit of."""
    if name == "normalized_gd":
        optimizer = cf.optimizers.normalized_gd(lr)
        return cf.flows.normalized_gd(cf.Loss(text), optimizer), cf.as_map(cf.Loss(text), optimizer)
    gd = cf.optimizers.gd(lr)
    return cf.flows.sqrt_loss(cf.Loss(text), gd), cf.as_map(cf.Loss(f"sqrt({text})"), gd)


def _normalized(tau):
    """y with log y + y²/2 = (1 − τ)/2."""
    return brentq(lambda y: math.log(y) + y**2 / 2 - (1 - tau) / 2, 0.05, 2, xtol=1e-14)


@CLAIMS.add(
    "limiting flows",
    {"normalized_gd": near([_normalized(tau) for tau in TAU], 1e-8), "sqrt_loss": near([math.exp(-tau / 4) for tau in TAU], 1e-8),
     "at 1": near([0.753089, 0.778801], 5e-7)},
    Control("a valley that widens twice as fast", changes={"text": "(1 + 2*y**2)*x**2/2"}), figure="valley",
)  # fmt: skip
def flows_of_a_valley(text=VALLEY):
    """On (1 + y²)x²/2 the flow of normalized gradient descent is y' = −y/(2(1 + y²)) and that of gradient descent on √L is y' =
    −y/4 in τ = η²k: from y = 1, y(1) = 0.753089 and e^(−1/4) = 0.778801.

    At τ = 0.5, 1, 1.5, 2, against the closed forms log y + y²/2 = (1 − τ)/2 and e^(−τ/4).
    """
    found = {}
    for name in ("normalized_gd", "sqrt_loss"):
        flow, _ = _flow_and_steps(name, text, 0.01)
        path = cf.solve(flow, [0.0, 1.0], 2e4, rtol=1e-11, save_at=np.array(TAU) * 1e4)
        found[name] = path.w[:, 1]
    return {**found, "at 1": [found[name][1] for name in found]}


@CLAIMS.add(
    "limiting flows, several constraints", {"difference": at_most(1e-7), "sharpness_falls": True},
    Control("the rates of the two exchanged", changes={"exchanged": True}),
)  # fmt: skip
def flows_of_a_surface(exchanged=False):
    """Both lower the sharpness λ₁ along a manifold of minima, at the rates −¼P∇ log λ₁ and −⅛P∇λ₁.

    Two constraints on four weights: cfdyn's flows at τ = 0.5, 1, 1.5 against SciPy's DOP853 on these rates, the minima's
    Hessian JᵀJ and λ₁ from the constraints' Jacobian J written by hand; whether λ₁ falls.
    """
    worst, falls = 0.0, True
    for name in ("normalized_gd", "sqrt_loss"):
        flow, _ = _flow_and_steps(name, TWO, 0.01)
        path = cf.solve(flow, STARTS[TWO], 1.5e4, rtol=1e-10, atol=1e-12, save_at=[0, 5e3, 1e4, 1.5e4])
        logarithm = (name == "normalized_gd") != exchanged
        run = solve_ivp(_slide, (0, 1.5), path.w[0], "DOP853", t_eval=[0, 0.5, 1, 1.5], args=(logarithm,), rtol=1e-11, atol=1e-13)
        worst = max(worst, np.abs(run.y.T - path.w).max())
        falls &= bool((np.diff(path.sharpness) < 0).all())
    return {"difference": worst, "sharpness_falls": falls}


def _rows(w):
    """The Jacobian of both constraints; on the minima H = JᵀJ."""
    a, b, c, d = w
    return np.array([[b, a, 0.3, 0.0], [0.2 * d, 0.0, d, c + 0.2 * a]])


def _slide(_, w, logarithm):
    """−¼P∇ log λ₁ or −⅛P∇λ₁, λ₁ of JJᵀ, its gradient by differences of fourth order."""

    def top(w):
        return float(np.linalg.eigvalsh(_rows(w) @ _rows(w).T)[-1])

    h = 1e-3
    rise = np.array(
        [(8 * (top(w + h * e) - top(w - h * e)) - top(w + 2 * h * e) + top(w - 2 * h * e)) / (12 * h) for e in np.eye(4)]
    )
    along = rise - _rows(w).T @ np.linalg.solve(_rows(w) @ _rows(w).T, _rows(w) @ rise)
    return -along / (4 * top(w)) if logarithm else -along / 8


@CLAIMS.add(
    "theorems on both optimizers", {"last": at_most(0.02), "halves": at_most(0.5)},
    Control("the flow of the other optimizer", changes={"exchanged": True}), figure="valley",
)  # fmt: skip
def optimizers_follow_their_flows(exchanged=False):
    """Normalized gradient descent and gradient descent on √L follow their flows as η → 0, over k of the order 1/η².

    The valley and the four weights, up to τ = 1.5: the distance of the mean of the last two iterates from the flow over the way
    the flow went, at η = 0.005, the largest; and over the distance at η = 0.02.
    """
    last, shrinks = [], []
    names = ("normalized_gd", "sqrt_loss")
    for name in names:
        for text, start in STARTS.items():
            far = []
            for lr in (0.02, 0.005):
                flow, _ = _flow_and_steps(names[1 - names.index(name)] if exchanged else name, text, lr)
                _, step = _flow_and_steps(name, text, lr)
                path = cf.solve(flow, start, round(1.5 / lr**2), rtol=1e-9)
                orbit = cf.iterate(step, start, round(1.5 / lr**2)).w[-2:].mean(0)
                far.append(np.abs(orbit - path.w[-1]).max() / np.abs(path.w[-1] - path.w[0]).max())
            last.append(far[1])
            shrinks.append(far[1] / far[0])
    return {"last": max(last), "halves": max(shrinks)}


@CLAIMS.add(
    "entering the edge of stability",
    {"normalized_gd": near(1.0, 0.02), "sqrt_loss": near(1.0, 0.02), "crossings": near(1.0, 1e-12)},
    Control("gradient descent on L itself, which comes to rest", changes={"root": "L"}),
)  # fmt: skip
def oscillation_across_the_floor(root="sqrt"):
    """Both enter the edge of stability: they cross the floor of the valley back and forth, in steps of η and of η√(λ₁/2).

    The valley with η = 0.02, after 500 steps: the last step across over that; the share of the last hundred steps that cross.
    """
    lr, found, crossings = 0.02, {}, []
    for name in ("normalized_gd", "sqrt_loss"):
        _, step = _flow_and_steps(name, VALLEY, lr)
        if root == "L":
            step = cf.as_map(cf.Loss(VALLEY), cf.optimizers.gd(lr=lr))
        w = cf.iterate(step, [0.107, 1.0], 500).w
        size = lr if name == "normalized_gd" else lr * math.sqrt((1 + w[-1, 1] ** 2) / 2)
        found[name] = abs(w[-1, 0] - w[-2, 0]) / size
        crossings.append(np.mean(w[-100:, 0] * w[-101:-1, 0] < 0))
    return {**found, "crossings": min(crossings)}


@CLAIMS.add(
    "two phases", {"first": near([-1.0, -1.0], 0.15), "second": near([-2.0, -2.0], 0.05)},
    Control("a start three steps from the minima, whatever η", changes={"far": 0.0}),
)  # fmt: skip
def two_phases(far=1.0):
    """Normalized gradient descent comes to within η of the minima after a number of steps of the order 1/η, and slides along
    them on the scale 1/η².

    The valley from (1, 1): steps until |x| ≤ η, and from then on until y has fallen by a tenth, η = 0.04, 0.02, 0.01: exponents
    of η.
    """
    first, second, rates = [], [], (0.04, 0.02, 0.01)
    for lr in rates:
        _, step = _flow_and_steps("normalized_gd", VALLEY, lr)
        w = cf.iterate(step, [far or 3.5 * lr, 1.0], round(2 / lr**2)).w
        first.append(int(np.argmax(np.abs(w[:, 0]) <= lr)))
        y = w[first[-1] :, 1]
        second.append(int(np.argmax(y <= 0.9 * y[0])))
    return {"first": np.diff(np.log(first)) / np.diff(np.log(rates)), "second": np.diff(np.log(second)) / np.diff(np.log(rates))}


def figures():
    """Both optimizers and their flows in the valley."""
    return {"valley": _valley}


def _valley():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes, lr = figure.subplots(), 0.02
    for name, colour, label in (
        ("normalized_gd", "C0", "normalized gradient descent"),
        ("sqrt_loss", "C1", "gradient descent on √L"),
    ):
        flow, step = _flow_and_steps(name, VALLEY, lr)
        w = cf.iterate(step, [0.1, 1.0], 7500).w
        axes.plot(lr**2 * np.arange(len(w)), w[:, 1], ".", ms=2, color=colour, label=label)
        path = cf.solve(flow, [0.1, 1.0], 7500, save_at=np.arange(0, 7500, 50))
        axes.plot(lr**2 * path.t, path.w[:, 1], "k--", lw=1, label="its flow" if colour == "C1" else None)
    axes.set(xlabel="τ = η²k", ylabel="y")
    axes.legend(frameon=False)
    return figure
