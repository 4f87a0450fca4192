"""E. Regis, S. Chewi, *Rod flow: a continuous-time model for gradient descent at the edge of stability*, arXiv 2602.01480
(2026).

Two successive iterates are the ends w̄ ± δ of a rod. The exact map of centre and rod is averaged to a differential equation for
w̄ and Σ = δδᵀ. In contrast to the central flow it is explicit, and it knows the swings about the edge: Σ grows where the
sharpness at the two ends is above 2/η. The abstract promises the right critical sharpness, self-stabilization in quartic
potentials, and that toy examples are followed more closely than by the central flow.
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

GOLD = 1 + math.sqrt(5)
LOSSES = ("(1 - x*y)**2/2", "cosh(x) + (x - y)**2/2 + x*y**2/6", "log(1 + exp(x - 2*y)) + y**2/3")


@CLAIMS.add(
    "the exact map of a rod (derived in this project)", {"centre": at_most(1e-13), "rod": at_most(1e-13), "law": at_most(1e-13)},
    Control("a rod half as long as the first step", changes={"stretch": 0.5}),
)  # fmt: skip
def rod_lift_is_exact(stretch=1.0):
    """w̄ = (w₊ + w)/2 and δ = (w₊ − w)/2 obey w̄₊ − w̄ = −(η/2)(g₊ + g₋) and δ₊δ₊ᵀ − δδᵀ = (η²/4)(g₊g₊ᵀ + g₋g₋ᵀ) − 2δδᵀ without
    any approximation, g± = g(w̄ ± δ).

    Three losses of two variables, η = 0.3, 25 steps: the orbit of the lifted map against that of gradient descent, and what is
    missing from the law of δδᵀ with gradients by hand from the iterates.
    """
    worst = {"centre": 0.0, "rod": 0.0, "law": 0.0}
    for text in LOSSES:
        loss, lr = cf.Loss(text), 0.3
        step = cf.as_map(loss, cf.optimizers.gd(lr=lr))
        w = cf.iterate(step, [1.2, 0.3], 26).w
        start = cf.lifts.rod_start(step, [1.2, 0.3])
        start[2:] *= stretch
        z = cf.iterate(cf.lifts.rod(step), start, 25).z
        g = [[loss.gradient(row[:2] + sign * row[2:]) for row in z[:-1]] for sign in (1, -1)]
        square = np.einsum("ti,tj->tij", z[:, 2:], z[:, 2:])
        law = lr**2 / 4 * sum(np.einsum("ti,tj->tij", side, side) for side in map(np.array, g)) - 2 * square[:-1]
        worst["centre"] = max(worst["centre"], np.abs(z[:, :2] - (w[1:] + w[:-1]) / 2).max())
        worst["rod"] = max(worst["rod"], np.abs(z[:, 2:] - np.diff(w, axis=0) / 2).max())
        worst["law"] = max(worst["law"], np.abs(np.diff(square, axis=0) - law).max())
    return worst


@CLAIMS.add(
    "theorem on the critical sharpness", {"growth": near([s * s / 2 - 2 for s in (1.7, 1.99, 2.0, 2.01, 2.3)], 1e-9)},
    Control("the edge flow, which has the same zero and another rate", changes={"model": "edge"}),
)  # fmt: skip
def critical_sharpness(model="rod"):
    """On a quadratic with w̄ = 0 the rod obeys dΣ/dt = (η²S²/2 − 2)Σ: it grows if and only if S > 2/η.

    The mean growth of ln Σ over five steps for ηS = 1.7, 1.99, 2, 2.01, 2.3, from Σ = 1e-3.
    """
    growth = []
    for sharp in (1.7, 1.99, 2.0, 2.01, 2.3):
        loss, gd = cf.Loss("S*w**2/2", params={"S": sharp}), cf.optimizers.gd(lr=1.0)
        start = [0.0, 1e-3] if model == "rod" else [0.0, 1.0, math.log(1e-3) / 2]
        path = cf.solve(cf.flows.get(model)(loss, gd), start, 5, rtol=1e-12, atol=1e-30)
        growth.append(math.log(path.covariance[-1, 0, 0] / 1e-3) / 5)
    return {"growth": growth}


@CLAIMS.add(
    "quartic potential", {"above": near([0.05, 0.5, 0.95], 1e-8), "scaled": near(1.0 / 0.7, 1e-8), "below": at_most(1e-9),
                          "descent": near([0.05, 0.5, 0.95], 1e-8)},
    Control("a sextic term in place of the quartic", changes={"text": "S*w**2/2 - Q*w**6/6"}),
)  # fmt: skip
def quartic_amplitude(text="S*w**2/2 - Q*w**4/4"):
    """On L = Sw²/2 − Qw⁴/4 the rod comes to rest at Σ = (S − 2/η)/Q if S > 2/η, and else vanishes: self-stabilization.

    η = Q = 1 with S = 2.05, 2.5, 2.95; η = 0.5, Q = 0.7, S = 5 ("scaled"); S = 1.9 ("below"). Gradient descent's 2-cycle has w²
    of the same size for 2 < ηS < 3.
    """

    def rest(S, lr=1.0, Q=1.0):
        loss, gd = cf.Loss(text, "w", {"S": S, "Q": Q}), cf.optimizers.gd(lr=lr)
        return cf.solve(cf.flows.rod(loss, gd), [0.3], 600, rtol=1e-11, atol=1e-14).covariance[-1, 0, 0]

    orbits = [cf.iterate(cf.as_map(cf.Loss(text, "w", {"S": S, "Q": 1.0}), cf.optimizers.gd(lr=1.0)), [0.3], 2000).w[-1, 0] ** 2
              for S in (2.05, 2.5, 2.95)]  # fmt: skip
    return {"above": [rest(2.05), rest(2.5), rest(2.95)], "scaled": rest(5.0, 0.5, 0.7), "below": rest(1.9), "descent": orbits}


@CLAIMS.add(
    "2-cycles of the quartic (derived in this project)",
    {"symmetric": "0, 0", "broken": "0, 0", "at 3": "1, 1", "flip": "-1"},
    Control("the multiplier (2ηS − 4)²", changes={"shift": 4}), settled="proved",
    proof="identities of rational functions in SymPy",
)  # fmt: skip
def multipliers_of_the_cycles(shift=5):
    """Gradient descent's symmetric 2-cycle on the quartic, w² = (S − 2/η)/Q, has the multiplier (2ηS − 5)²; at ηS = 3 it gives
    way in a pitchfork to one with w₁w₂ = −1/(ηQ), multiplier 9 − 2(ηS − 1)², which itself flips at ηS = 1 + √5 = 3.236.

    η = Q = 1, where w ↦ (1 − S)w + w³. What is missing from f(w) = −w and f(a) = −1/a, S = 1 + a² + 1/a², and from both
    multipliers; their values at S = 3 and the second one at 1 + √5.
    """
    w, a, S = sp.symbols("w a S", positive=True)

    def step(v, S):
        return (1 - S) * v + v**3

    def slope(v, S):
        return 1 - S + 3 * v**2

    def broken(S):
        return 9 - 2 * (S - 1) ** 2

    even, odd = w**2 + 2, 1 + a**2 + 1 / a**2
    gaps = [step(w, even) + w, slope(w, even) ** 2 - (2 * even - shift) ** 2]
    gaps += [step(a, odd) + 1 / a, slope(a, odd) * slope(1 / a, odd) - broken(odd)]
    zero = [str(sp.simplify(sp.expand(gap))) for gap in gaps]
    return {"symmetric": ", ".join(zero[:2]), "broken": ", ".join(zero[2:]), "at 3": f"{(6 - shift) ** 2}, {broken(3)}",
            "flip": str(sp.expand(broken(1 + sp.sqrt(5))))}  # fmt: skip


@CLAIMS.add(
    "quartic beyond the pitchfork",
    {"squares": near([0.7298438, 1.3701562, 0.6417424, 1.5582576], 1e-6), "below": at_most(1e-6), "beyond": at_least(0.05)},
    Control("before the pitchfork, where the cycle is symmetric", changes={"sharp": (2.8, 2.9)}), figure="quartic",
)  # fmt: skip
def pitchfork_is_followed(sharp=(3.1, 3.2)):
    """After ηS = 3 the rod follows the broken 2-cycle, w² = 0.72984 and 1.37016 at 3.1; from 1 + √5 on it stays on a cycle that
    gradient descent leaves for longer periods.

    (w̄ ± δ)² at rest for ηS = 3.1 and 3.2, from w² = (S − 1 ± √((S − 1)² − 4))/2; how far gradient descent's last iterates are
    from the rod's ends at 3.1, 3.2, 1 + √5 − 1e-3 ("below"), and at 3.3 ("beyond").
    """

    def ends(S):
        path = cf.solve(cf.flows.rod(cf.losses.quartic(S=S), cf.optimizers.gd(lr=1.0)), [0.3], 600, rtol=1e-11, atol=1e-14)
        return np.sort((path.w[-1, 0] + np.array([1, -1]) * path.covariance[-1, 0, 0] ** 0.5) ** 2)

    def gap(S):
        orbit = cf.iterate(cf.as_map(cf.losses.quartic(S=S), cf.optimizers.gd(lr=1.0)), [0.3], 20_000).w[-8:, 0]
        return np.abs(np.sort(orbit**2) - ends(S).repeat(4)).max()

    squares = np.concatenate([ends(S) for S in sharp])
    return {"squares": squares, "below": max(map(gap, (3.1, 3.2, GOLD - 1e-3))), "beyond": gap(3.3)}


@CLAIMS.add(
    "toy examples", {"ratio": at_most(0.4), "rod": between(0.02, 0.05), "first_peak": near(6.959, 0.04)},
    Control("the gradient flow in place of the rod", changes={"model": "gradient"}), figure="valley",
)  # fmt: skip
def toy_is_followed_closer_than_by_the_central_flow(model="rod"):
    """On a valley that leads over the edge the rod flow is at least 2.5 times closer to gradient descent than the central flow.

    L = ½(y + x)x² − ε(x + y), ε = 0.01, η = 0.3, from (0.05, 6.4): root mean square error of y against (w + w₊)/2 over 600
    steps, and the first overshoot of y over 2/η = 6.667, which the central flow does not have.
    """
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(601.0)
    middle = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 601).last_two()[:, 1]
    paths = [cf.solve(cf.flows.get(name)(loss, gd), [0.05, 6.4], 600, save_at=times) for name in (model, "central")]
    far, central = (np.sqrt(np.mean((path.w[:, 1] - middle) ** 2)) for path in paths)
    return {"ratio": far / central, "rod": far, "central": central, "first_peak": paths[0].w[:, 1].max()}


@CLAIMS.add(
    "below the edge", {"orders": near([2.0, 2.0], 0.15)},
    Control("the gradient flow, which is of first order", changes={"model": "gradient"}),
)  # fmt: skip
def second_order_below_the_edge(model="rod"):
    """With the term −(η²/8)(H₊ + H₋)(g₊ + g₋) the rod's centre is a model of second order in η below the edge.

    The largest error against (w + w₊)/2 up to ηt = 3 on cosh x + (x − y)²/2 + xy²/6 for η = 0.1, 0.05, 0.025, as binary
    logarithms of successive ratios.
    """
    loss, errors = cf.Loss(LOSSES[1]), []
    for lr in (0.1, 0.05, 0.025):
        steps, gd = round(3 / lr), cf.optimizers.gd(lr=lr)
        orbit = cf.iterate(cf.as_map(loss, gd), [1.0, -0.5], steps + 1).w
        start = [1.0, -0.5] if model == "rod" else orbit[:2].mean(0)
        path = cf.solve(cf.flows.get(model)(loss, gd), start, steps, rtol=1e-11, save_at=np.arange(steps + 1))
        errors.append(np.abs(path.w - (orbit[1:] + orbit[:-1]) / 2).max())
    return {"orders": np.log2(np.divide(errors[:-1], errors[1:]))}


@CLAIMS.add(
    "limits (found by this project)", {"single": at_most(1e-12), "all": between(1223, 1640)},
    Control("a start beside the valley's floor and near the edge", changes={"start": (0.05, 6.4), "steps": 600}),
)  # fmt: skip
def single_rod_misses_a_late_onset(start=(0.0, 3.0), steps=2600):
    """A single rod follows one direction: where that is the drift, the oscillation has nothing to grow from and does not set
    in; with a rod for each eigenvector of Σ it does.

    The valley from (0, 3), deep in the stable region, where gradient descent in floats crosses 2/η at step 1223 and oscillates
    from 1527 on: the largest ⟨x²⟩ of the single rod, and when ⟨x²⟩ > 1e-4 with all rods.
    """
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(0, steps + 1, 5)
    top, each = (
        cf.solve(cf.flows.rod(loss, gd, rods=rods), start, steps, save_at=times).covariance[:, 0, 0] for rods in ("top", "all")
    )
    late = times > 0.4 * steps
    return {"single": top[late].max(), "all": int(times[np.argmax(late & (each > 1e-4))])}


CLAIMS.undecided(
    "networks_on_data", "experiments",
    "On representative network architectures the rod flow is as accurate as the central flow, and cheap to compute.",
    needs="the losses and architectures of the paper; regis2026_network has a multilayer perceptron on digits",
)  # fmt: skip


def figures():
    """The quartic's 2-cycles beside the rod's ends, and the valley with the models beside gradient descent."""
    return {"quartic": _quartic, "valley": _valley}


def _valley():
    loss = cf.losses.two_time_scales()
    return cf.plot(cf.compare(loss, cf.optimizers.gd(lr=0.3), ["central", "rod"], [0.05, 6.4], 600))


def _quartic():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for S in np.linspace(2.02, 3.45, 120):
        orbit = cf.iterate(cf.as_map(cf.losses.quartic(S=S), cf.optimizers.gd(lr=1.0)), [0.3], 3000).w[-64:, 0]
        axes.plot([S] * 64, orbit**2, ",", color="0.4")
        path = cf.solve(cf.flows.rod(cf.losses.quartic(S=S), cf.optimizers.gd(lr=1.0)), [0.3], 600)
        axes.plot([S] * 2, (path.w[-1, 0] + np.array([1, -1]) * path.covariance[-1, 0, 0] ** 0.5) ** 2, "r.", ms=2)
    axes.axvline(GOLD, color="0.7", lw=0.8)
    axes.set(xlabel="ηS", ylabel="w²", title="grey: gradient descent, red: ends of the rod")
    return figure
