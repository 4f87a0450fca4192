"""P. Marion, *Edge flow: a tractable and predictive continuous-time model for gradient descent at the edge of stability*, arXiv
2606.18080 (2026).

Three coupled equations: a centre that descends the loss averaged over the two ends of the oscillation, a direction that turns
to the top eigenvector of the Hessian, and an extent that grows or shrinks exponentially with the sharpness above or below 2/η.
Only the abstract was read; the equations here are a reconstruction, c' = −(η/2)[g(c + ρu) + g(c − ρu)], u' = η(I − uuᵀ)H(c)u,
(ln ρ)' = η uᵀH(c)u − 2, or with the secant of g between both ends in place of uᵀHu.
"""

import math

import numpy as np

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, below, between, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


@CLAIMS.add(
    "abstract (the magnitude)", {"growth": near([-0.6, -0.02, 0.0, 0.02, 0.6], 1e-9), "signs_agree": True},
    Control("the rod flow, which has the same zero and another rate", changes={"model": "rod"}),
    domain="Sw²/2, one weight, η = 1, S from 1.7 to 2.3; the equations as reconstructed here",
    perturbations=(Control("η = 1.01", changes={"lr": 1.01}),),
)  # fmt: skip
def magnitude_grows_beyond_the_edge(model="edge", lr=1.0):
    """On a quadratic the extent of the edge flow's oscillation grows exponentially where the sharpness is above 2/η and decays
    where it is below, as gradient descent's does, though at the rate ηS − 2 a step in place of ln|1 − ηS|.

    ln ρ² grows by 2(ηS − 2) a step: ηS = 1.7, 1.99, 2, 2.01, 2.3, over five steps; and whether gradient descent's 2 ln|1 − ηS|
    has the same sign.
    """
    growth, sharps = [], (1.7, 1.99, 2.0, 2.01, 2.3)
    for sharp in sharps:
        loss, gd = cf.Loss("S*w**2/2", params={"S": sharp}), cf.optimizers.gd(lr=lr)
        start = [0.0, 1e-3] if model == "rod" else [0.0, 1.0, math.log(1e-3) / 2]
        path = cf.solve(cf.flows.get(model)(loss, gd), start, 5, rtol=1e-12, atol=1e-30)
        growth.append(math.log(path.covariance[-1, 0, 0] / 1e-3) / 5)
    descent = [2 * math.log(abs(1 - sharp)) for sharp in sharps]
    agree = all(np.sign(round(a, 9)) == np.sign(round(b, 9)) for a, b in zip(growth, descent, strict=True))
    return {"growth": growth, "signs_agree": agree}


@CLAIMS.add(
    "abstract (the direction)", {"angle": near([math.atan(math.exp(-t)) for t in (0.25, 0.5, 1.0, 2.0)], 1e-9)},
    Control("eigenvalues 2 and 1.5, so that it turns half as fast", changes={"second": 1.5}),
    domain="x² + y²/2, two weights, η = 1/4; the equations as reconstructed here",
    perturbations=(Control("η = 0.26", changes={"lr": 0.26}),),
)  # fmt: skip
def direction_turns_to_the_top_eigenvector(second=1.0, lr=0.25):
    """On a quadratic with eigenvalues 2 and 1 the direction of the edge flow turns to the top eigenvector of the Hessian: its
    angle to it falls as tan θ = tan θ₀ e^(−ηt).

    From θ₀ = 45°: the angle at t = 1, 2, 4, 8, against the closed form of the Rayleigh quotient flow.
    """
    loss = cf.Loss("a*x**2/2 + b*y**2/2", "x y", {"a": 2.0, "b": second})
    path = cf.solve(cf.flows.edge(loss, cf.optimizers.gd(lr=lr)), [0.3, 0.1, 0.5**0.5, 0.5**0.5, -5.0], 8,
                    rtol=1e-12, atol=1e-14, save_at=[1, 2, 4, 8])  # fmt: skip
    return {"angle": np.arctan2(path.z[:, 3], path.z[:, 2])}


@CLAIMS.add(
    "own statement",
    {"symmetric": near([0.1, 0.5, 0.9], 1e-8), "centre": near([0.025, 0.05], 1e-8), "broken": near([1.025, 1.05], 1e-8)},
    Control("a sextic term in place of the quartic", changes={"text": "S*w**2/2 - w**6/6"}),
    domain="Sw²/2 − w⁴/4, one weight, η = 1, S = 2.1, 2.5, 2.9, 3.1, 3.2; the equations as reconstructed here",
    perturbations=(Control("the quartic term 3 % larger", changes={"text": "S*w**2/2 - 1.03*w**4/4"}),),
)  # fmt: skip
def secant_rests_on_cycles(text="S*w**2/2 - w**4/4"):
    """With the secant of g in place of uᵀHu the edge flow comes to rest exactly on gradient descent's 2-cycles: on Sw²/2 −
    w⁴/4 with η = 1 at ρ² = S − 2, and after the pitchfork at S = 3 at c² = (S − 3)/4, ρ² = (S + 1)/4.

    ρ² for S = 2.1, 2.5, 2.9, then c² and ρ² for S = 3.1, 3.2, from 0.1; expected are the 2-cycles c ± ρ in closed form.
    """

    def rest(S):
        flow = cf.flows.edge(cf.Loss(text, "w", {"S": S}), cf.optimizers.gd(lr=1.0), secant=True)
        path = cf.solve(flow, [0.1], 600, rtol=1e-11, atol=1e-13)
        return path.w[-1, 0] ** 2, path.covariance[-1, 0, 0]

    later = [rest(S) for S in (3.1, 3.2)]
    return {"symmetric": [rest(S)[1] for S in (2.1, 2.5, 2.9)], "centre": [c for c, _ in later], "broken": [r for _, r in later]}


@CLAIMS.add(
    "own statement", {"time": below(20), "ends": "blow-up"},
    Control("the secant in place of uᵀHu", changes={"secant": True}),
    domain="Sw²/2 − w⁴/4, one weight, η = 1, S = 2.5, from 0.1; the equations as reconstructed here",
    perturbations=(Control("S = 1.9, below the edge", changes={"S": 1.9}),),
)  # fmt: skip
def nothing_stops_it_in_a_symmetric_well(secant=False, S=2.5):
    """With uᵀH(c)u only the motion of the centre can stop the growth of ρ: on the symmetric quartic at S = 2.5 the
    reconstructed flow blows up where gradient descent has a stable 2-cycle.

    When and how the path ends.
    """
    path = cf.solve(cf.flows.edge(cf.losses.quartic(S=S), cf.optimizers.gd(lr=1.0), secant=secant), [0.1], 400)
    return {"time": path.t[-1], "ends": path.status.split(":")[0].split(" ")[0]}


@CLAIMS.add(
    "abstract (faithful, and resolves the onset)",
    {"over_central": at_most(0.4), "over_rod": at_most(1.05), "first_peak": near(6.959, 0.05), "peak_time": between(188, 198),
     "swings": at_least(3)},
    Control("the central flow in its place, which has no swings", changes={"model": "central"}), figure="valley",
    domain="½(y + x)x² − ε(x + y), ε = 0.01, η = 0.3, from (0.05, 6.4), 600 steps; the equations as reconstructed here",
    perturbations=(Control("η = 0.31 for the flows only", changes={"rate": 0.31}),),
)  # fmt: skip
def onset_is_resolved(model="edge", rate=0.3):
    """In a valley of two weights the reconstructed edge flow follows gradient descent more closely than the central flow and
    as closely as the rod flow, and it resolves the swings of the sharpness when the edge of stability is reached.

    Root mean square error of y against (w + w₊)/2 over 600 steps over that of the central and of the rod flow; the first peak
    of y, in gradient descent 6.959 at step 193, and how many peaks.
    """
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(601.0)
    middle = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 601).last_two()[:, 1]
    y = {
        name: cf.solve(cf.flows.get(name)(loss, cf.optimizers.gd(lr=rate)), [0.05, 6.4], 600, save_at=times).w[:, 1]
        for name in (model, "central", "rod")
    }
    far = {name: np.sqrt(np.mean((rows - middle) ** 2)) for name, rows in y.items()}
    swing = y[model]
    peaks = np.flatnonzero((swing[1:-1] > swing[:-2] + 1e-9) & (swing[1:-1] > swing[2:] + 1e-9)) + 1
    first = int(peaks[0]) if len(peaks) else 0
    return {"over_central": far[model] / far["central"], "over_rod": far[model] / far["rod"], "first_peak": swing[first],
            "peak_time": first, "swings": len(peaks), "error": far[model]}  # fmt: skip


@CLAIMS.add(
    "abstract (discretization)",
    {"gradients": near(2, 0), "products": near(1, 0), "error": at_most(0.04), "over_central": at_most(0.4),
     "central, sharpness · η/2": near(1.0, 1e-6)},
    Control("both gradients at the centre", changes={"ends": 0.0}),
    domain="½(y + x)x² − ε(x + y), ε = 0.01, η = 0.3, from (0.05, 6.4), 600 steps; the equations as reconstructed here",
    perturbations=(Control("growth beyond 1.8/η in place of 2/η", changes={"edge": 1.8}),),
)  # fmt: skip
def discretized_with_two_gradients_and_a_product(parts=4, ends=1.0, edge=2.0):
    """By Euler's method, with two gradients and one product of the Hessian with a vector in each of its steps, the
    reconstructed edge flow still follows gradient descent in a valley of two weights, more closely than the central flow.

    Four Euler steps to a step of descent, calls counted: the root mean square error of y against gradient descent's (w +
    w₊)/2, and over that of the central flow, which ends at the sharpness 2/η.
    """
    loss, lr, h = cf.losses.two_time_scales(), 0.3, 1 / parts
    calls = {"gradients": 0, "products": 0}

    def gradient(w):
        calls["gradients"] += 1
        return loss.gradient(w)

    def product(w, v):
        calls["products"] += 1
        return loss.hvp(w, v)

    w = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [0.05, 6.4], 601)
    c, v = w.last_two()[0], (w.w[0] - w.w[1]) / 2
    rho, u, y = np.linalg.norm(v), v / np.linalg.norm(v), [c[1]]
    for t in range(600 * parts):
        turned = product(c, u)
        slope = u @ turned
        c = c - h * lr / 2 * (gradient(c + ends * rho * u) + gradient(c - ends * rho * u))
        rho, u = rho * math.exp(h * (lr * slope - edge)), u + h * lr * (turned - slope * u)
        u /= np.linalg.norm(u)
        y += [c[1]] if (t + 1) % parts == 0 else []
    middle = w.last_two()[:, 1]
    central = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=lr)), [0.05, 6.4], 600, save_at=np.arange(601.0))
    far, other = (np.sqrt(np.mean((rows - middle) ** 2)) for rows in (np.array(y), central.w[:, 1]))
    found = {**{name: n / (600 * parts) for name, n in calls.items()}, "error": far, "over_central": far / other}
    return found | {"central, sharpness · η/2": float(central.sharpness[-1] * lr / 2)}


@CLAIMS.add(
    "own statement", {"with_floor": between(1200, 1550), "without": at_least(2400), "least": at_most(1e-200)},
    Control("a floor a million times higher in place of none", changes={"no_floor": 1e-10}),
    domain="½(y + x)x² − ε(x + y), two weights, ε = 0.01, η = 0.3, from (0, 3); the equations as reconstructed here",
    perturbations=(Control("a floor of 1e-30 in place of none", changes={"no_floor": 1e-30}),),
)  # fmt: skip
def onset_needs_a_floor(no_floor=0.0):
    """After a long stable phase ρ has shrunk to nothing and the onset comes far too late: in the valley from (0, 3), where
    gradient descent in floats oscillates from step 1527 on, the edge flow does so after step 2400; a smallest extent of 1e-16,
    in the place of round-off, mends that.

    When the flow's extent exceeds 0.05 with a floor of 1e-16 and without, and its least extent without.
    """
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(2601.0)
    onset, least = [], []
    for floor in (1e-16, no_floor):
        path = cf.solve(cf.flows.edge(loss, gd, floor=floor), [0.0, 3.0], 2600, save_at=times)
        extent = np.sqrt(np.trace(path.covariance, axis1=1, axis2=2))
        onset.append(int(times[(extent > 0.05) & (times > 1000)][0]))
        least.append(math.exp(path.z[:, -1].min()))
    return {"with_floor": onset[0], "without": onset[1], "least": least[1]}


CLAIMS.undecided(
    "networks_on_data", "experiments",
    "Edge flow tracks gradient descent on a vision transformer and other networks at least as faithfully as earlier models.",
    domain="training of networks on data by gradient descent at the edge of stability",
    needs="a vision transformer and the losses of the paper; marion2026_network has a multilayer perceptron on digits",
)  # fmt: skip


def figures():
    """The valley: edge, rod and central flow beside gradient descent."""
    return {"valley": _valley}


def _valley():
    loss = cf.losses.two_time_scales()
    return cf.plot(cf.compare(loss, cf.optimizers.gd(lr=0.3), ["central", "rod", "edge"], [0.05, 6.4], 600))
