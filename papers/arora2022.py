"""S. Arora, Z. Li, A. Panigrahi, *Understanding gradient descent on edge of stability in deep learning*, arXiv 2205.09745
(2022).

Normalized gradient descent, w ← w − ηg/‖g‖, and gradient descent on √L, L ≥ 0 with the least value 0, both enter the edge of
stability for every small η. Along a manifold of minima they then follow a flow that lowers the sharpness λ₁, in the slow time τ =
η²k: dX/dτ = −¼P∇ log λ₁ and −⅛P∇λ₁, P the projection on the tangent space of the manifold. The theorems ask that λ₁ be a simple
eigenvalue. The abstract was read; the two rates are recalled, and checked here on orbits of the optimizers themselves.
"""

import math

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_most, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

VALLEY = "(1 + y**2)*x**2/2"
# Two constraints on four weights: the minima are a surface.
TWO = "(a*b + 0.3*c - 1)**2/2 + (c*d + 0.2*a*d - 1)**2/2"
TAU = (0.5, 1.0, 1.5, 2.0)
NAMES = ("normalized_gd", "sqrt_loss")


def _optimizer(name, text, lr):
    """Normalized gradient descent on L, or gradient descent on √L, as a map."""
    if name == "normalized_gd":
        return cf.as_map(cf.Loss(text), cf.optimizers.normalized_gd(lr))
    return cf.as_map(cf.Loss(f"sqrt({text})"), cf.optimizers.gd(lr=lr))


def _normalized(tau):
    """y with log y + y²/2 = (1 − τ)/2."""
    return brentq(lambda y: math.log(y) + y**2 / 2 - (1 - tau) / 2, 0.05, 2, xtol=1e-14)


@CLAIMS.add(
    "abstract (the flow on the manifold of minima); the example is ours",
    {"normalized_gd": near([_normalized(tau) for tau in TAU], 3e-4), "sqrt_loss": near([math.exp(-tau / 4) for tau in TAU], 3e-4),
     "order": near([2.0, 2.0], 0.1)},
    Control("a valley that widens twice as fast", changes={"text": "(1 + 2*y**2)*x**2/2"}),
    domain="(1 + y²)x²/2, two weights, from (0.3η, 1), τ = η²k up to 2; η → 0", examples="η = 0.02 and 0.01",
    perturbations=(Control("rates 2 % larger", changes={"hurry": 1.02}),
                   Control("gradient descent on L itself, which comes to rest", changes={"root": False})), figure="valley",
)  # fmt: skip
def flows_of_a_valley(text=VALLEY, hurry=1.0, root=True):
    """On (1 + y²)x²/2, as η → 0 and in τ = η²k, normalized gradient descent slides along the minima by y' = −y/(2(1 + y²)) and
    gradient descent on √L by y' = −y/4: from y = 1 they are at y = 0.75309 and at e^(−1/4) = 0.77880 when τ = 1.

    Orbits of both optimizers, the mean of two iterates at τ = 0.5, 1, 1.5, 2 for η = 0.02, against the closed forms log y +
    y²/2 = (1 − τ)/2 and e^(−τ/4); ``order``: of the largest error in η, from η = 0.02 and 0.01.
    """
    found, orders = {}, []
    for name, law in zip(NAMES, (_normalized, lambda tau: math.exp(-tau / 4)), strict=True):
        errors = []
        for lr in (0.02, 0.01):
            step = _optimizer(name, text, lr) if root else cf.as_map(cf.Loss(text), cf.optimizers.gd(lr=lr))
            y = cf.iterate(step, [0.3 * lr, 1.0], round(2.1 / lr**2)).w[:, 1]
            ends = [float(y[k - 1 : k + 1].mean()) for k in (round(hurry * tau / lr**2) for tau in TAU)]
            found.setdefault(name, ends)
            errors.append(max(abs(end - law(tau)) for end, tau in zip(ends, TAU, strict=True)))
        orders.append(math.log2(errors[0] / errors[1]))
    return {**found, "order": orders}


def _rows(w):
    """The Jacobian of both constraints; on the minima H = JᵀJ."""
    a, b, c, d = w
    return np.array([[b, a, 0.3, 0.0], [0.2 * d, 0.0, d, c + 0.2 * a]])


def _descent(_, w):
    """−g of the loss with two constraints."""
    a, b, c, d = w
    return -_rows(w).T @ np.array([a * b + 0.3 * c - 1, c * d + 0.2 * a * d - 1])


def _slide(_, w, logarithm, share=1.0):
    """−¼P∇ log λ₁ or −⅛P∇λ₁, λ₁ of JJᵀ, its gradient by differences of fourth order."""

    def top(w):
        return float(np.linalg.eigvalsh(_rows(w) @ _rows(w).T)[-1])

    h = 1e-3
    rise = np.array(
        [(8 * (top(w + h * e) - top(w - h * e)) - top(w + 2 * h * e) + top(w - 2 * h * e)) / (12 * h) for e in np.eye(4)]
    )
    along = rise - _rows(w).T @ np.linalg.solve(_rows(w) @ _rows(w).T, _rows(w) @ rise)
    return share * (-along / (4 * top(w)) if logarithm else -along / 8)


@CLAIMS.add(
    "abstract (the flow on the manifold of minima); the example is ours",
    {"last": at_most(0.02), "shrinks": at_most(0.5), "falls": True},
    Control("the flow of the other optimizer", changes={"exchanged": True}), figure="valley",
    domain="½(ab + 0.3c − 1)² + ½(cd + 0.2ad − 1)², four weights, from one point near the minima, τ up to 1.5; η → 0",
    examples="η = 0.02 and 0.005",
    perturbations=(Control("flows 5 % faster", changes={"share": 1.05}),),
)  # fmt: skip
def optimizers_follow_their_flows(exchanged=False, share=1.0):
    """On a surface of minima in four dimensions, as η → 0 and in the time τ = η²k, normalized gradient descent follows −¼P∇ log
    λ₁ and gradient descent on √L follows −⅛P∇λ₁: both lower the sharpness λ₁.

    The flows by SciPy's DOP853 from the end of the gradient flow, with λ₁ from the constraints' Jacobian written by hand; the
    orbits start 0.3η from there. The distance of the mean of the last two iterates from the flow over the way the flow
    went at η = 0.005, the largest; and over the distance at η = 0.02; whether λ₁ falls along both flows.
    """
    foot = solve_ivp(_descent, (0, 200), [1.2, 0.4, 0.7, 1.4], "DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    across = np.linalg.svd(_rows(foot))[2][0]
    last, shrinks, falls = [], [], True
    for name in NAMES:
        run = solve_ivp(_slide, (0, 1.5), foot, "DOP853", args=((name == "normalized_gd") != exchanged, share), rtol=1e-9)
        far = []
        for lr in (0.02, 0.005):
            orbit = cf.iterate(_optimizer(name, TWO, lr), foot + 0.3 * lr * across, round(1.5 / lr**2)).w[-2:].mean(0)
            far.append(np.abs(orbit - run.y[:, -1]).max() / np.abs(run.y[:, -1] - foot).max())
        last, shrinks = [*last, far[1]], [*shrinks, far[1] / far[0]]
        tops = [np.linalg.eigvalsh(_rows(w) @ _rows(w).T)[-1] for w in run.y.T]
        falls &= bool((np.diff(tops) < 0).all())
    return {"last": max(last), "shrinks": max(shrinks), "falls": falls}


@CLAIMS.add(
    "abstract (entering the edge of stability); the example is ours",
    {"normalized_gd": near(1.0, 2e-3), "sqrt_loss": near(1.0, 2e-3), "crossings": near(1.0, 1e-12), "rate": near(2.0, 0.01)},
    Control("gradient descent on L itself, which comes to rest", changes={"root": "L"}),
    domain="(1 + y²)x²/2, two weights; η = 0.02, from (0.107, 1), after 400 steps",
    perturbations=(Control("the size of a step held against a curvature 2 % larger", changes={"bent": 1.02}),),
)  # fmt: skip
def oscillation_across_the_floor(root="sqrt", bent=1.0):
    """In the valley (1 + y²)x²/2 both optimizers end up crossing the floor on every step, in steps of η and of η√(λ/2), λ = 1 +
    y²: the effective rate η/‖g‖ of normalized gradient descent is then 2/λ on average.

    The last step across over that, after 500 steps with η = 0.02; the share of the last hundred steps that cross; λ times the
    effective rate, η over the mean ‖g‖ of two iterates.
    """
    lr, found, crossings, rate = 0.02, {}, [], 0.0
    for name in NAMES:
        step = _optimizer(name, VALLEY, lr)
        if root == "L":
            step = cf.as_map(cf.Loss(VALLEY), cf.optimizers.gd(lr=lr))
        w = cf.iterate(step, [0.107, 1.0], 500).w
        curvature = bent * (1 + w[-1, 1] ** 2)
        size = lr if name == "normalized_gd" else lr * math.sqrt(curvature / 2)
        found[name] = abs(w[-1, 0] - w[-2, 0]) / size
        crossings.append(np.mean(w[-100:, 0] * w[-101:-1, 0] < 0))
        if name == "normalized_gd":
            rate = curvature * lr / (np.abs(w[-2:, 0]).mean() * (1 + w[-1, 1] ** 2))
    return {**found, "crossings": min(crossings), "rate": rate}


@CLAIMS.add(
    "two phases; the example is ours", {"first": near([-1.0, -1.0], 0.1), "second": near([-2.0, -2.0], 0.02)},
    Control("a start three steps from the minima, whatever η", changes={"far": 0.0}),
    domain="normalized gradient descent on (1 + y²)x²/2 from (1, 1); η → 0", examples="η = 0.04, 0.02, 0.01",
    perturbations=(Control("gradient descent on L itself, which does not slide", changes={"optimizer": "gd"}),),
    read="a secondary source",
)  # fmt: skip
def two_phases(far=1.0, optimizer="normalized_gd"):
    """From (1, 1) in the valley normalized gradient descent comes to within η of the minima after a number of steps of the order
    1/η, and slides along them on the scale 1/η².

    Steps until |x| ≤ η, and from then on until y has fallen by a tenth, η = 0.04, 0.02, 0.01: exponents of η.
    """
    first, second, rates = [], [], (0.04, 0.02, 0.01)
    for lr in rates:
        step = cf.as_map(cf.Loss(VALLEY), getattr(cf.optimizers, optimizer)(lr=lr))
        w = cf.iterate(step, [far or 3.5 * lr, 1.0], round(2 / lr**2)).w
        first.append(int(np.argmax(np.abs(w[:, 0]) <= lr)))
        y = w[first[-1] :, 1]
        second.append(int(np.argmax(y <= 0.9 * y[0])) + 1)
    return {"first": np.diff(np.log(first)) / np.diff(np.log(rates)), "second": np.diff(np.log(second)) / np.diff(np.log(rates))}


def figures():
    """Both optimizers and their flows in the valley."""
    return {"valley": _valley}


def _valley():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes, lr = figure.subplots(), 0.02
    tau = np.linspace(0, 3, 61)
    laws = ([_normalized(t) for t in tau], np.exp(-tau / 4))
    labels = ("normalized gradient descent", "gradient descent on √L")
    for name, colour, label, law in zip(NAMES, "rb", labels, laws, strict=True):
        w = cf.iterate(_optimizer(name, VALLEY, lr), [0.1, 1.0], 7500).w
        axes.plot(lr**2 * np.arange(len(w)), w[:, 1], ".", ms=2, color=colour, label=label)
        axes.plot(tau, law, "k--", lw=1, label="its flow" if colour == "b" else None)
    axes.set(xlabel="τ = η²k", ylabel="y")
    axes.legend(frameon=False)
    return figure
