"""S. Bock, M. G. Weiß, *Non-convergence and limit cycles in the Adam optimizer*, arXiv 2210.02070 (2022).

Full-batch Adam on a parabola cw²/2 has 2-cycles, with bias correction or without: they bounce across the minimum. The abstract
says "for all choices of the hyperparameters"; with ε inside the root there is a condition, that the parabola be steep enough,
which is ours. With the usual hyperparameters the cycles are unstable. The abstract was read, the closed form is derived here.
"""

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")
GRID = [(lr, b1, b2) for lr in (0.001, 0.1, 1.0) for b1 in (0.0, 0.5, 0.9) for b2 in (0.5, 0.9, 0.999)]
ADAM = "Adam with ε inside the root and without bias correction"


@CLAIMS.add(
    "abstract (2-limit-cycles for quadratic functions); the closed form is derived here",
    {"residuals": "0, 0, 0", "cycles": 27, "error": below(1e-9), "least_period": 2},
    Control("ε = 1e-3, too large for the smaller rates", changes={"eps": 1e-3}), figure="orbits",
    domain=f"{ADAM} on cw²/2, one weight, c > 0, 0 ≤ β₁, β₂ < 1, ε > 0, lr c(1 − β₁)/(2(1 + β₁)) > √ε",
    proof="exact algebra: the step in symbols on the closed form; the signs fix the branch of the root",
    perturbations=(Control("ε outside of the right-hand side", changes={"share": 0}),),
)  # fmt: skip
def cycles_for_all(eps=1e-8, share=1):
    """Adam has a 2-cycle ±w on the parabola cw²/2 for all its hyperparameters for which lr c(1 − β₁)/(2(1 + β₁)) > √ε: c²w² = (lr
    c(1 − β₁)/(2(1 + β₁)))² − ε, with m = −cw(1 − β₁)/(1 + β₁) at w > 0 and v = c²w².

    SymPy: what the step misses of −m, of v, and of w → −w squared, (2w)²(v + ε) − (lr m)²; w and m have the same sign after the
    step, so that the squares decide. Also in floats, for 27 sets of hyperparameters with c = 2, ε = 1e-8, in cfdyn's map: two
    steps lead back, one step to −w.
    """
    found, worst, periods = 0, 0.0, set()
    for lr, b1, b2 in GRID:
        state = _cycle(lr, b1, b2, eps, 200.0)
        if state is None:
            continue
        step = _adam(lr, b1, b2, eps, 200.0)
        once = step(state)
        worst = max(worst, float(np.abs(step(once) - state).max() / state[0]))
        periods.add(2 if abs(once[0] + state[0]) < 1e-9 * state[0] else 1)
        found += 1
    return {"residuals": _residuals(share), "cycles": found, "error": worst, "least_period": max(periods, default=0)}


def _residuals(share):
    c, lr, b1, b2, eps = sp.symbols("c lr b1 b2 eps", positive=True)
    w = sp.sqrt((lr * c * (1 - b1) / (2 * (1 + b1))) ** 2 - share * eps) / c
    m, v, g = -c * w * (1 - b1) / (1 + b1), c**2 * w**2, c * w
    after, second = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    missing = (after + m, second - v, (2 * w) ** 2 * (second + eps) - (lr * after) ** 2)
    return ", ".join(str(sp.simplify(one)) for one in missing)


@CLAIMS.add(
    "own statement", {"residuals": "0, 0, 0", "edges": near([2e-4, 6e-4, 3.8e-3], 1e-9), "kinds": ["flip"] * 3},
    Control("the edge of Adam without momentum", changes={"momenta": (0.0, 0.0, 0.0)}),
    domain=f"{ADAM} on cw²/2, one weight, c > 0, 0 ≤ β₁, β₂ < 1, ε > 0, lr > 0",
    proof="exact algebra: the Jacobian at the minimum in symbols, and Jury's conditions on it",
    perturbations=(Control("ε 2 % larger", changes={"eps": 1.02e-8}),),
)  # fmt: skip
def born_at_the_edge(momenta=(0.0, 0.5, 0.9), eps=1e-8):
    """The 2-cycle is born where the minimum of cw²/2 flips, at lr = 2(1 + β₁)√ε/((1 − β₁)c): below that rate the minimum is
    stable and the formula gives no cycle, above it the minimum is unstable and there is the cycle.

    ``residuals``: SymPy, of (w, m) at the minimum the determinant less β₁, 1 − trace + determinant less lr c(1 − β₁)/√ε, and 1 +
    trace + determinant less 2(1 + β₁) − lr c(1 − β₁)/√ε; v has the multiplier β₂. ``edges``: the first rate at which a multiplier
    leaves the unit circle, for c = 1, ε = 1e-8, β₂ = 0.9 and β₁ = 0, 0.5, 0.9. So on w²/2 Adam with lr = 0.001 and β₁ = 0.9 is
    stable at the minimum: the 2-cycles "for all choices of the hyperparameters" need parabolas that are steep enough.
    """
    edges = [cf.analysis.edge(_adam(1e-4, b1, 0.9, eps, 1.0), [0.0, 0.0, 0.0], 1e-4) for b1 in momenta]
    return {"residuals": _jury(), "edges": [one.value for one in edges], "kinds": [one.kind for one in edges]}


def _jury():
    w, m, v = sp.symbols("w m v", real=True)
    c, lr, b1, b2, eps = sp.symbols("c lr b1 b2 eps", positive=True)
    first, second = b1 * m + (1 - b1) * c * w, b2 * v + (1 - b2) * c**2 * w**2
    full = sp.Matrix([w - lr * first / sp.sqrt(second + eps), first, second]).jacobian([w, m, v]).subs({w: 0, m: 0, v: 0})
    part, rate = full[:2, :2], lr * c * (1 - b1) / sp.sqrt(eps)
    wanted = (b1, rate, 2 * (1 + b1) - rate)
    got = (part.det(), 1 - part.trace() + part.det(), 1 + part.trace() + part.det())
    return ", ".join(str(sp.simplify(a - b)) for a, b in zip(got, wanted, strict=True))


def _modulus_by_hand():
    """The largest multiplier of two steps by derivatives along imaginary steps, in NumPy only."""
    lr, b1, b2, eps = 1.0, 0.9, 0.999, 1e-8

    def twice(z):
        for _ in range(2):
            m, v = b1 * z[1] + (1 - b1) * z[0], b2 * z[2] + (1 - b2) * z[0] ** 2
            z = np.array([z[0] - lr * m / np.sqrt(v + eps), m, v])
        return z

    w = np.sqrt((lr * (1 - b1) / (2 * (1 + b1))) ** 2 - eps)
    state = np.array([w, -w * (1 - b1) / (1 + b1), w * w])
    columns = [twice(state + 1e-30j * e).imag / 1e-30 for e in np.eye(3)]
    return {"largest": float(np.abs(np.linalg.eigvals(np.array(columns).T)).max())}


@CLAIMS.add(
    "abstract (stability of the limit cycles); the numbers are ours",
    {"w": near(0.0263156, 1e-7), "largest": near(1.10129, 5e-6)},
    Control("β₁ = 0.1 in place of 0.9", changes={"b1": 0.1}), second=_modulus_by_hand,
    domain=f"{ADAM} on w²/2, one weight; lr = 1, β₁ = 0.9, β₂ = 0.999, ε = 1e-8",
    perturbations=(Control("β₂ = 0.998 in place of 0.999", changes={"b2": 0.998}),),
)  # fmt: skip
def usual_hyperparameters(lr=1.0, b1=0.9, b2=0.999, eps=1e-8):
    """With the usual β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and lr = 1 the 2-cycle on w²/2 is at w = 0.0263156 and unstable: its largest
    multiplier has the modulus 1.10129.

    Eigenvalues of the product of the map's two Jacobians on the closed form.
    """
    state, step = _cycle(lr, b1, b2, eps, 1.0), _adam(lr, b1, b2, eps, 1.0)
    return {"w": float(state[0]), "largest": _largest(step, state)}


@CLAIMS.add(
    "abstract (bias correction)", {"distance": below(1e-8), "period": 2},
    Control("β₁ = 0.9, where the 2-cycle does not attract", changes={"b1": 0.9}),
    domain="Adam with bias correction and ε inside the root on w²/2; lr = 0.5, β₁ = 0.2, β₂ = 0.5, ε = 1e-6; from w = 0.2",
    perturbations=(Control("held against the cycle of ε = 2e-6", changes={"other": 2e-6}),),
)  # fmt: skip
def with_bias_correction(b1=0.2, other=1e-6):
    """Adam with bias correction can end on a 2-cycle of a parabola as well: from w = 0.2 on w²/2 it comes to the one that Adam
    without the correction has.

    The orbit's distance after 2,000 steps from the closed form: the corrections are gone by then. The period is that which the
    orbit shows.
    """
    optimizer = cf.optimizers.adam(lr=0.5, beta1=b1, beta2=0.5, eps=1e-6, eps_inside=True)
    w = cf.iterate(cf.as_map(cf.Loss("w**2/2"), optimizer), [0.2], 2000).w[-8:, 0]
    period = next((p for p in (1, 2, 3, 4) if np.abs(w[p:] - w[:-p]).max() < 1e-9), 0)
    return {"distance": float(abs(abs(w[-1]) - _cycle(0.5, b1, 0.5, other, 1.0)[0])), "period": period}


def _adam(lr, b1, b2, eps, c):
    optimizer = cf.optimizers.adam(lr=lr, beta1=b1, beta2=b2, eps=eps, eps_inside=True, bias_correction=False)
    return cf.as_map(cf.Loss("c*w**2/2", params={"c": c}), optimizer)


def _cycle(lr, b1, b2, eps, c):
    """(w, m, v) on the cycle: m alternates with amplitude cw(1 − β₁)/(1 + β₁), v is constant; None if there is none."""
    square = (lr * c * (1 - b1) / (2 * (1 + b1))) ** 2 - eps
    if square <= 0:
        return None
    w = np.sqrt(square) / c
    return np.array([w, -c * w * (1 - b1) / (1 + b1), c * c * w * w])


def _largest(step, state):
    return float(np.abs(np.linalg.eigvals(step.jacobian(step(state)) @ step.jacobian(state))).max())


@CLAIMS.prove(
    "abstract (stability of the limit cycles); the numbers are ours",
    {"kind": ["cycle"] * 2, "period": [2, 2], "stable": [True, False],
     "points": near([0.16666366664, -0.16666366664, 0.0263156, -0.0263156], 1e-7)},
    Control("β₁ = 0.9 in place of 0.2 for the first", changes={"b1": 0.9, "w": 0.0131}), figure="orbits",
    domain=f"{ADAM} on w²/2, one weight, at the two sets of hyperparameters named",
    perturbations=(Control("ε = 3e-6 for the first", changes={"eps": 3e-6}),),
)  # fmt: skip
def two_cycles_proved(b1=0.2, w=0.1667, eps=1e-6):
    """On w²/2 Adam has with lr = 0.5, β₁ = 0.2, β₂ = 0.5, ε = 1e-6 a stable 2-cycle ±0.16666366664, and with lr = 1, β₁ = 0.9,
    β₂ = 0.999, ε = 1e-8 an unstable one, ±0.0263156.

    Two certificates in the space of weight and both averages, ε inside the root.
    """
    sets = (0.5, b1, 0.5, eps, w), (1.0, 0.9, 0.999, 1e-8, 0.0263)
    return [cf.certify.cycle("w**2/2", _optimizer(*values), [start, -start]) for *values, start in sets]


def _optimizer(lr, b1, b2, eps):
    return cf.optimizers.adam(lr=lr, beta1=b1, beta2=b2, eps=eps, eps_inside=True, bias_correction=False)


def figures():
    """A cycle that attracts, and one that does not."""
    return {"orbits": _orbits}


def _orbits():
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for axes, (lr, b1, b2, eps) in zip(panels, ((0.5, 0.2, 0.5, 1e-6), (1.0, 0.9, 0.999, 1e-8)), strict=True):
        step, state = _adam(lr, b1, b2, eps, 1.0), _cycle(lr, b1, b2, eps, 1.0)
        axes.plot(cf.iterate(step, state * [1.001, 1, 1], 300).w[:, 0], ".", ms=3)
        axes.axhline(state[0], color="0.6", lw=0.8)
        axes.axhline(-state[0], color="0.6", lw=0.8)
        axes.set(xlabel="step", ylabel="w", title=f"β₁ = {b1}, β₂ = {b2}: multiplier {_largest(step, state):.4f}")
    return figure
