"""E. Regis, S. Chewi, *Rod flow: a continuous-time model for gradient descent at the edge of stability*, arXiv 2602.01480
(2026).

Two successive iterates are the ends w̄ ± δ of a rod. The exact map of centre and rod is averaged to a differential equation for
w̄ and Σ = δδᵀ. In contrast to the central flow it is explicit, and it knows the swings about the edge: Σ grows where the
sharpness at the two ends is above 2/η. The abstract promises the right critical sharpness, self-stabilization in quartic
potentials, and that toy examples are followed more closely than by the central flow. Abstract and introduction were read. The
flow that is solved here is, from a secondary source, w̄' = −(η/2)(g₊ + g₋) − (η²/8)(H₊ + H₋)(g₊ + g₋), Σ' = (η²/4)(g₊g₊ᵀ +
g₋g₋ᵀ) − 2Σ, with g± and H± at w̄ ± δ and a step as the unit of time; with one rod for each eigenvector of Σ sums take their place.
"""

import math

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")

GOLD = 1 + math.sqrt(5)
COUPLED = "cosh(x) + (x - y)**2/2 + x*y**2/6"


@CLAIMS.add(
    "abstract", {"growth": near([s * s / 2 - 2 for s in (1.7, 1.99, 2.0, 2.01, 2.3)], 1e-9)},
    Control("the edge flow, which has the same zero and another rate", changes={"model": "edge"}),
    domain="Sw²/2, one weight, centre at 0", examples="ηS = 1.7, 1.99, 2, 2.01 and 2.3 at η = 1",
    perturbations=(Control("curvatures 1 % larger", changes={"stretch": 1.01}),),
)  # fmt: skip
def critical_sharpness(model="rod", stretch=1.0):
    """The rod flow has the critical sharpness of gradient descent: on Sw²/2 a rod with its centre at 0 obeys dΣ/dt = (η²S²/2 −
    2)Σ, and so grows if and only if S > 2/η.

    The mean growth of ln Σ over five steps from Σ = 1e-3, as the flow is solved, against the formula.
    """
    growth = []
    for sharp in np.multiply(stretch, (1.7, 1.99, 2.0, 2.01, 2.3)):
        loss, gd = cf.Loss("S*w**2/2", params={"S": sharp}), cf.optimizers.gd(lr=1.0)
        start = [0.0, 1e-3] if model == "rod" else [0.0, 1.0, math.log(1e-3) / 2]
        path = cf.solve(cf.flows.get(model)(loss, gd), start, 5, rtol=1e-12, atol=1e-30)
        growth.append(math.log(path.covariance[-1, 0, 0] / 1e-3) / 5)
    return {"growth": growth}


@CLAIMS.add(
    "abstract (the form of the quartic is ours)",
    {"above": near([0.05, 0.5, 0.95], 1e-8), "scaled": near(1.0 / 0.7, 1e-8), "below": at_most(1e-9),
     "descent": near([0.05, 0.5, 0.95], 1e-8)},
    Control("a sextic term in place of the quartic", changes={"text": "S*w**2/2 - Q*w**6/6"}),
    domain="Sw²/2 − Qw⁴/4 with S, Q > 0, one weight; ηS < 3; starts near 0",
    examples="ηS = 1.9, 2.05, 2.5 and 2.95, each from w = 0.3",
    perturbations=(Control("a quartic term 3 % larger", changes={"text": "S*w**2/2 - 1.03*Q*w**4/4"}),),
)  # fmt: skip
def quartic_amplitude(text="S*w**2/2 - Q*w**4/4"):
    """Self-stabilization in a quartic potential: on Sw²/2 − Qw⁴/4 with 2 < ηS < 3 the rod comes to rest at Σ = (S − 2/η)/Q, which
    is w² on the 2-cycle of gradient descent; with ηS < 2 it vanishes.

    η = Q = 1 with S = 2.05, 2.5, 2.95, of the rod flow ("above") and of gradient descent; η = 0.5, Q = 0.7, S = 5 ("scaled"); S =
    1.9 ("below").
    """

    def rest(S, lr=1.0, Q=1.0):
        loss, gd = cf.Loss(text, "w", {"S": S, "Q": Q}), cf.optimizers.gd(lr=lr)
        return cf.solve(cf.flows.rod(loss, gd), [0.3], 600, rtol=1e-11, atol=1e-14).covariance[-1, 0, 0]

    orbits = [cf.iterate(cf.as_map(cf.Loss(text, "w", {"S": S, "Q": 1.0}), cf.optimizers.gd(lr=1.0)), [0.3], 2000).w[-1, 0] ** 2
              for S in (2.05, 2.5, 2.95)]  # fmt: skip
    return {"above": [rest(2.05), rest(2.5), rest(2.95)], "scaled": rest(5.0, 0.5, 0.7), "below": rest(1.9), "descent": orbits}


@CLAIMS.add(
    "own statement",
    {"symmetric": "0, 0", "broken": "0, 0", "at 3": "1, 1", "flip": "-1"},
    Control("the multiplier (2ηS − 4)²", changes={"shift": 4}),
    domain="Sw²/2 − Qw⁴/4 with S, Q > 0, one weight; ηS > 2 and ηS > 3 for the two cycles",
    proof="exact algebra: the conditions for both cycles and their multipliers are identities of rational functions; with the "
          "unit 1/√(ηQ) of w the step is w ↦ (1 − ηS)w + w³, so that η = Q = 1 is no loss of generality",
    perturbations=(Control("8 in place of 9 in the second multiplier", changes={"top": 8}),),
)  # fmt: skip
def multipliers_of_the_cycles(shift=5, top=9):
    """On Sw²/2 − Qw⁴/4 gradient descent has the 2-cycle w² = (S − 2/η)/Q, with the multiplier (2ηS − 5)², for ηS > 2, and the
    asymmetric ones with w₁w₂ = −1/(ηQ), multiplier 9 − 2(ηS − 1)², for ηS > 3: the first is stable for 2 < ηS < 3, the others
    for 3 < ηS < 1 + √5.

    η = Q = 1. What is missing from f(w) = −w and f(a) = −1/a, S = 1 + a² + 1/a², which has a solution a ≠ 1 iff S > 3, and from
    both multipliers; their values at S = 3 and that of the second one, which falls with S, at 1 + √5.
    """
    w, a, S = sp.symbols("w a S", positive=True)

    def step(v, S):
        return (1 - S) * v + v**3

    def slope(v, S):
        return 1 - S + 3 * v**2

    def broken(S):
        return top - 2 * (S - 1) ** 2

    even, odd = w**2 + 2, 1 + a**2 + 1 / a**2
    gaps = [step(w, even) + w, slope(w, even) ** 2 - (2 * even - shift) ** 2]
    gaps += [step(a, odd) + 1 / a, slope(a, odd) * slope(1 / a, odd) - broken(odd)]
    zero = [str(sp.simplify(sp.expand(gap))) for gap in gaps]
    return {"symmetric": ", ".join(zero[:2]), "broken": ", ".join(zero[2:]), "at 3": f"{(6 - shift) ** 2}, {broken(3)}",
            "flip": str(sp.expand(broken(1 + sp.sqrt(5))))}  # fmt: skip


@CLAIMS.add(
    "own statement",
    {"squares": near([0.7298437881, 1.3701562119, 0.6417424305, 1.5582575695], 1e-8), "below": at_most(1e-8),
     "beyond": at_least(0.05)},
    Control("before the pitchfork, where the cycle is symmetric", changes={"sharp": (2.8, 2.9)}), figure="quartic",
    domain="Sw²/2 − w⁴/4, one weight, η = 1; S = 3.1, 3.2, 3.235 and 3.3; from w = 0.3",
    perturbations=(Control("curvatures 1 % larger", changes={"sharp": (3.131, 3.232)}),),
)  # fmt: skip
def pitchfork_is_followed(sharp=(3.1, 3.2)):
    """On Sw²/2 − w⁴/4, η = 1, the rod ends on the asymmetric 2-cycle at S = 3.1 and 3.2, w² = (S − 1 ± √((S − 1)² − 4))/2, as
    gradient descent does up to S = 3.235; at S = 3.3, beyond the flip of that cycle, gradient descent no longer ends where the
    rod does.

    (w̄ ± δ)² at rest for S = 3.1 and 3.2 against the formula; how far gradient descent's last iterates are from the rod's ends at
    3.1, 3.2, 1 + √5 − 1e-3 ("below"), and at 3.3 ("beyond").
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
    "abstract (on toy examples; the example is ours)", {"ratio": at_most(0.4), "overshoot": near(1.0, 0.1),
                                                        "central": near(1.0, 1e-6)},
    Control("the gradient flow in place of the rod", changes={"model": "gradient"}), figure="valley",
    domain="½(y + x)x² − (x + y)/100, two weights, η = 0.3, from (0.05, 6.4), 600 steps",
    perturbations=(Control("the rod flow of η = 0.31", changes={"lr": 0.31}),),
)  # fmt: skip
def toy_is_followed_closer_than_by_the_central_flow(model="rod", lr=0.3):
    """On the valley ½(y + x)x² − (x + y)/100 with η = 0.3 the rod flow is at least 2.5 times closer than the central flow to
    the y of gradient descent, and overshoots 2/η as far as gradient descent does, within 10 %; the central flow does not.

    From (0.05, 6.4), over 600 steps: root mean square error of y against (w + w₊)/2, of the rod flow over that of the central
    flow; the largest y − 2/η of the rod flow over that of (w + w₊)/2; the largest sharpness of the central flow over 2/η.
    """
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(601.0)
    middle = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 601).last_two()[:, 1]
    flows = cf.flows.get(model)(loss, cf.optimizers.gd(lr=lr)), cf.flows.central(loss, gd)
    paths = [cf.solve(flow, [0.05, 6.4], 600, save_at=times) for flow in flows]
    far, central = (np.sqrt(np.mean((path.w[:, 1] - middle) ** 2)) for path in paths)
    return {"ratio": far / central, "overshoot": (paths[0].w[:, 1].max() - 2 / 0.3) / (middle.max() - 2 / 0.3),
            "central": float(paths[1].sharpness.max() * 0.3 / 2)}  # fmt: skip


@CLAIMS.add(
    "own statement", {"orders": near([2.0, 2.0], 0.15)},
    Control("the gradient flow, which is of first order", changes={"model": "gradient"}),
    domain="smooth losses, in a bounded time ηt, as η → 0",
    examples="cosh x + (x − y)²/2 + xy²/6 from (1, −0.5), η = 0.1, 0.05 and 0.025",
    perturbations=(Control("held against the iterates w in place of (w + w₊)/2", changes={"middle": False}),),
)  # fmt: skip
def second_order_below_the_edge(model="rod", middle=True):
    """As η → 0 the rod's centre follows (w + w₊)/2 up to O(η²) in a bounded time ηt: it is a model of second order.

    The largest error up to ηt = 3 for the three η, as binary logarithms of successive ratios.
    """
    loss, errors = cf.Loss(COUPLED), []
    for lr in (0.1, 0.05, 0.025):
        steps, gd = round(3 / lr), cf.optimizers.gd(lr=lr)
        orbit = cf.iterate(cf.as_map(loss, gd), [1.0, -0.5], steps + 1).w
        start = [1.0, -0.5] if model == "rod" else orbit[:2].mean(0)
        path = cf.solve(cf.flows.get(model)(loss, gd), start, steps, rtol=1e-11, save_at=np.arange(steps + 1))
        errors.append(np.abs(path.w - ((orbit[1:] + orbit[:-1]) / 2 if middle else orbit[:-1])).max())
    return {"orders": np.log2(np.divide(errors[:-1], errors[1:]))}


@CLAIMS.add(
    "own statement", {"single": at_most(1e-12), "all": between(1223, 1640)},
    Control("a start beside the valley's floor and near the edge", changes={"start": (0.05, 6.4), "steps": 600}),
    domain="½(y + x)x² − (x + y)/100, two weights, η = 0.3, from (0, 3)",
    perturbations=(Control("from (0, 4), from where the edge is nearer", changes={"start": (0.0, 4.0)}),),
)  # fmt: skip
def single_rod_misses_a_late_onset(start=(0.0, 3.0), steps=2600):
    """On the same valley from (0, 3), deep in the stable region, a single rod lies along the drift, and the oscillation beyond
    the edge, which gradient descent reaches at step 1223, does not set in within 2,600 steps; with a rod for each eigenvector
    of Σ it sets in between the steps 1223 and 1640.

    The largest ⟨x²⟩ of the single rod after step 1040, and when ⟨x²⟩ > 1e-4 with all rods (from there on every 5 steps).
    Gradient descent in floats oscillates visibly from about step 1,500 on.
    """
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(0, steps + 1, 5)
    top, each = (
        cf.solve(cf.flows.rod(loss, gd, rods=rods), start, steps, save_at=times).covariance[:, 0, 0] for rods in ("top", "all")
    )
    late = times > 0.4 * steps
    return {"single": top[late].max(), "all": int(times[np.argmax(late & (each > 1e-4))])}


CLAIMS.undecided(
    "networks_on_data", "abstract",
    "On representative network architectures the rod flow is as accurate as the central flow, and cheap to compute.",
    needs="the losses and architectures of the paper; regis2026_network has a multilayer perceptron on digits",
    domain="the networks and data of the paper, gradient descent",
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
