"""S. Bock, M. G. Weiß, *Non-convergence and limit cycles in the Adam optimizer*, arXiv 2210.02070 (2022).

Full-batch Adam on a parabola cw²/2 has 2-cycles for all its hyperparameters, with bias correction or without: they bounce across
the minimum and stop Adam from converging. With the usual hyperparameters they are unstable.
"""

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, below, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
GRID = [(lr, b1, b2) for lr in (0.001, 0.1, 1.0) for b1 in (0.0, 0.5, 0.9) for b2 in (0.5, 0.9, 0.999)]


@CLAIMS.add(
    "on limit cycles", {"cycles": 27, "error": below(1e-9), "least_period": 2},
    Control("ε = 1e-3, too large for the smaller rates", changes={"eps": 1e-3}), figure="orbits",
)  # fmt: skip
def cycles_for_all(eps=1e-8):
    """For every learning rate, β₁ and β₂ for which the right-hand side is positive Adam has a 2-cycle ±w on cw²/2, with c²w² =
    (lr c(1 − β₁)/(2(1 + β₁)))² − ε (ε inside the root).

    For 27 sets of hyperparameters with the curvature c = 2 the cycle's state is written down in closed form and put into the
    map: two steps lead back, one step to −w. ε = 1e-8.
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
    return {"cycles": found, "error": worst, "least_period": max(periods, default=0)}


@CLAIMS.add(
    "on limit cycles", {"edges": near([2e-4, 6e-4, 3.8e-3], 1e-12), "kinds": ["flip"] * 3},
    Control("the edge of Adam without momentum", changes={"momenta": (0.0, 0.0, 0.0)}),
)  # fmt: skip
def born_at_the_edge(momenta=(0.0, 0.5, 0.9)):
    """The formula has w = 0 at lr = 2(1 + β₁)√ε/((1 − β₁)c): below that rate there is no such cycle, and there the minimum
    flips.

    The first rate at which a multiplier of the minimum leaves the unit circle, for c = 1, ε = 1e-8, β₂ = 0.9 and β₁ = 0, 0.5,
    0.9, against the formula's 2e-4, 6e-4 and 3.8e-3. So on a parabola as flat as that Adam with lr = 0.001 and β₁ = 0.9 is
    stable at the minimum: the 2-cycles "for all hyperparameters" need parabolas that are steep enough.
    """
    edges = [cf.analysis.edge(_adam(1e-4, b1, 0.9, 1e-8, 1.0), [0.0, 0.0, 0.0], 1e-4) for b1 in momenta]
    return {"edges": [one.value for one in edges], "kinds": [one.kind for one in edges]}


@CLAIMS.add(
    "on their stability", {"w": near(0.16666366664, 1e-10), "largest": near(0.93665, 5e-6), "period": 2, "attracts": True},
    Control("β₁ = 0.9 in place of 0.2", changes={"b1": 0.9}),
)  # fmt: skip
def stable_cycle(lr=0.5, b1=0.2, b2=0.5, eps=1e-6):
    """With lr = 0.5, β₁ = 0.2, β₂ = 0.5, ε = 1e-6 the 2-cycle on w²/2 is at w = 0.16666366664 and attracts, with multipliers
    up to 0.93665 in modulus.

    Multipliers of the product of the map's two Jacobians; then the orbit of w = 0.2, m = v = 0 is classified.
    """
    state, step = _cycle(lr, b1, b2, eps, 1.0), _adam(lr, b1, b2, eps, 1.0)
    regime = cf.analysis.classify(step, [0.2])
    attracts = regime.period == 2 and abs(abs(regime.points[0, 0]) - state[0]) < 1e-9
    return {"w": float(state[0]), "largest": _largest(step, state), "period": regime.period, "attracts": bool(attracts)}


@CLAIMS.add(
    "on their stability", {"w": near(0.0263156, 1e-7), "largest": near(1.10129, 5e-6)},
    Control("β₁ = 0.1 in place of 0.9", changes={"b1": 0.1}),
)  # fmt: skip
def usual_hyperparameters(lr=1.0, b1=0.9, b2=0.999, eps=1e-8):
    """With the usual β₁ = 0.9, β₂ = 0.999, ε = 1e-8 and lr = 1 the 2-cycle on w²/2 is at w = 0.0263156 and unstable: a
    multiplier has modulus 1.10129.

    Multipliers of the product of the map's two Jacobians, whose accuracy here is about 1e-9.
    """
    state, step = _cycle(lr, b1, b2, eps, 1.0), _adam(lr, b1, b2, eps, 1.0)
    return {"w": float(state[0]), "largest": _largest(step, state)}


@CLAIMS.add(
    "abstract (bias correction)", {"distance": below(1e-8), "period": 2},
    Control("β₁ = 0.9, where the 2-cycle does not attract", changes={"b1": 0.9}), read="the abstract",
)  # fmt: skip
def with_bias_correction(b1=0.2):
    """Limit cycles of period 2 exist for Adam with bias correction as well, even on quadratic functions.

    The orbit of w = 0.2 with bias correction (lr = 0.5, β₁ = 0.2, β₂ = 0.5, ε = 1e-6 inside the root) and its distance after
    2,000 steps from the closed form without it: the corrections are gone by then. The period is that which the orbit shows.
    """
    optimizer = cf.optimizers.adam(lr=0.5, beta1=b1, beta2=0.5, eps=1e-6, eps_inside=True)
    w = cf.iterate(cf.as_map(cf.Loss("w**2/2"), optimizer), [0.2], 2000).w[-8:, 0]
    period = next((p for p in (1, 2, 3, 4) if np.abs(w[p:] - w[:-p]).max() < 1e-9), 0)
    return {"distance": float(abs(abs(w[-1]) - _cycle(0.5, b1, 0.5, 1e-6, 1.0)[0])), "period": period}


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
    "on their stability", {"kind": ["cycle"] * 2, "period": [2, 2], "stable": [True, False],
                           "points": near([0.16666366664, -0.16666366664, 0.0263156, -0.0263156], 1e-7)},
    Control("β₁ = 0.9 in place of 0.2 for the first", changes={"b1": 0.9, "w": 0.0131}), figure="orbits",
)  # fmt: skip
def two_cycles_proved(b1=0.2, w=0.1667):
    """On w²/2 Adam has with lr = 0.5, β₁ = 0.2, β₂ = 0.5, ε = 1e-6 a stable 2-cycle ±0.16666366664, and with lr = 1, β₁ = 0.9,
    β₂ = 0.999, ε = 1e-8 an unstable one, ±0.0263156.

    Two certificates in the space of weight and both averages, ε inside the root.
    """
    sets = (0.5, b1, 0.5, 1e-6, w), (1.0, 0.9, 0.999, 1e-8, 0.0263)
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
