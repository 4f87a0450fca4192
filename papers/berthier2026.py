"""Berthier, *The multiple timescales of gradient descent on the edge of stability* (2026).

For losses g + εh, where h drives the iterates over the edge slowly, there are three time scales: oscillations in k, swings of
the sharpness about 2/η in √ε k, and the drift in εk, of which the central flow is the limit ε → 0. The minimal example is a
valley ½(y + ζx)x² − ε(x + y) with the sharpness y on its floor: the coupling ζ decides whether the swings die or grow. The
source was read through notes of this project only, and could not be looked up: what stands below are statements of our own about
this valley, checked on orbits. The laws are formal expansions, not theorems.
"""

import math

import mpmath
import numpy as np
from scipy.interpolate import CubicSpline

import cfdyn as cf
from cfdyn.claims import Claims, Control, at_least, at_most, between, near

CLAIMS = Claims(__name__, __doc__, read="a secondary source")

LR = 0.3
DESCENT = "½(y + ζx)x² − ε(x + y), two weights, gradient descent with η = 0.3"
# Two modes, each with a wall of its own; with z x₁x₂ the walls can turn as well.
APART = "(y1 + zeta*x1)*x1**2/2 + (y2 + zeta*x2)*x2**2/2 - eps*(x1 + y1 + 1.3*(x2 + y2))"


def _step(zeta=1.0, eps=0.01):
    return cf.as_map(cf.losses.two_time_scales(zeta=zeta, eps=eps), cf.optimizers.gd(lr=LR))


def _by_hand(start, steps, zeta=1.0, eps=0.01, digits=None):
    """Gradient descent in the valley in plain numbers, (x, y) row by row."""
    number = mpmath.mpf if digits else float
    with mpmath.workdps(digits or 15):
        lr, zeta, eps, (x, y) = number("0.3"), number(zeta), number(str(eps)), map(number, map(str, start))
        rows = [(x, y)]
        for _ in range(steps):
            x, y = x - lr * ((y + 3 * zeta * x / 2) * x - eps), y - lr * (x * x / 2 - eps)
            rows.append((x, y))
    return np.array(rows, dtype=float)


@CLAIMS.add(
    "own statement",
    {"peak": near(6.959, 5e-4), "peak_time": 193,
     "central": near(0.111, 0.004), "rod": near(0.034, 0.002), "edge": near(0.031, 0.002)},
    Control("ζ = 0.4, of weaker damping", changes={"zeta": 0.4}), figure="valley",
    domain=f"{DESCENT}; ζ = 1, ε = 0.01, from (0.05, 6.4), 600 steps",
    perturbations=(Control("ζ = 0.98", changes={"zeta": 0.98}),),
)  # fmt: skip
def models_beside_the_valley(zeta=1.0):
    """From (0.05, 6.4) with ζ = 1, ε = 0.01, η = 0.3 the sharpness overshoots to 6.959 at step 193; over 600 steps the central
    flow is 0.111 from the averaged iterates, the rod flow 0.034, the edge flow 0.031.

    Root mean square errors in y against the midpoints (w₋ + 2w + w₊)/4, rod and edge flow half a step earlier. The orbit is one
    of plain numbers, without the package.
    """
    orbit = _by_hand([0.05, 6.4], 601, zeta)
    middle = (orbit[:-2] + 2 * orbit[1:-1] + orbit[2:])[:, 1] / 4
    loss, gd, found = cf.losses.two_time_scales(zeta=zeta), cf.optimizers.gd(lr=LR), {}
    for name, lead in (("central", 0.0), ("rod", 0.5), ("edge", 0.5)):
        path = cf.solve(cf.flows.get(name)(loss, gd), [0.05, 6.4], 600)
        found[name] = np.sqrt(np.mean((path(np.arange(1, 601) - lead)[:, 1] - middle) ** 2))
    return {**found, "peak": orbit[:, 1].max(), "peak_time": int(orbit[:, 1].argmax())}


def _cycle(zeta, eps):
    """The points (2, 2) of the 2-cycle, by Newton's method, and the determinant of two steps."""
    step, z = _step(zeta, eps), np.array([math.sqrt(2 * eps), 2 / LR])
    for _ in range(12):
        z = z - np.linalg.solve(step.jacobian(step(z)) @ step.jacobian(z) - np.eye(2), step(step(z)) - z)
    return np.array([z, step(z)]), float(np.linalg.det(step.jacobian(step(z)) @ step.jacobian(z)))


@CLAIMS.add(
    "own statement",
    {"root": at_most(1e-10), "curvature": at_most(1e-11), "offset": at_most(0.02), "order": near([1.0] * 4, 0.05)},
    Control("the law (3/2) ζ (3ζ + 1) ηε", changes={"sign": 1}),
    domain=f"{DESCENT}; the 2-cycle near y = 2/η; ε → 0", examples="ζ = 1, 0.6, 0.2, −0.5 at ε = 0.01 and 0.001",
    perturbations=(Control("(3/2) 5 % larger", changes={"front": 1.575}),),
)  # fmt: skip
def offset_of_the_cycle(sign=-1, front=1.5):
    """As ε → 0 the 2-cycle lies beside the edge: its mean y is 2/η + (3/2) ζ (3ζ − 1) ηε + O(ε²), and the curvature along x at
    its centre is 2/η − ηm²/2, m its mean x, the small root of m(2/η + ηε − 3ζm − ηm²) = ε(1 − 3ζ).

    Newton's method on both points: the largest relative distances of m from the root, of the curvature and, at ε = 0.001, of the
    offset from their laws; the order in ε of what is missing in the offset, from ε = 0.01 on, for each ζ.
    """
    roots, curvatures, offsets, orders = [], [], [], []
    for zeta in (1.0, 0.6, 0.2, -0.5):
        missing = []
        for eps in (1e-2, 1e-3):
            m, y = _cycle(zeta, eps)[0].mean(axis=0)
            cubic = np.roots([-LR, -3 * zeta, 2 / LR + LR * eps, -eps * (1 - 3 * zeta)])
            law = front * zeta * (3 * zeta + sign) * LR * eps
            roots.append(m / cubic[np.abs(cubic).argmin()].real)
            curvatures.append((y + 3 * zeta * m) / (2 / LR - LR * m**2 / 2))
            missing.append((y - 2 / LR) / law - 1)
        offsets.append(1 + missing[1])
        orders.append(math.log10(abs(missing[0] / missing[1])))
    far = {"root": roots, "curvature": curvatures, "offset": offsets}
    return {**{name: float(np.abs(np.array(values) - 1).max()) for name, values in far.items()}, "order": orders}


def _energy_rate(zeta, eps, size):
    """dE/d(εk) over the mean of y₁² on one swing, between two maxima of a; a starts at ``size``."""
    steps = int(3.2 * 2 * math.pi / (math.sqrt(2 * eps) * LR))
    w = cf.iterate(_step(zeta, eps), [size * math.sqrt(eps), 2 / LR], steps).w
    y1 = (w[:-2, 1] + 2 * w[1:-1, 1] + w[2:, 1] - 8 / LR) / 4 / math.sqrt(eps)
    a = np.abs(w[:-2, 0] - 2 * w[1:-1, 0] + w[2:, 0]) / 4 / math.sqrt(eps)
    t = np.arange(len(a), dtype=float)
    log_a = CubicSpline(t, np.log(a))
    turns = log_a.derivative().roots(extrapolate=False)
    first, last = [s for s in turns if log_a(s, 2) < 0 and s > 2][:2]
    energy, square = CubicSpline(t, y1**2 / 2 + a**2 / 4 - np.log(a)), CubicSpline(t, y1**2)
    return float(energy(last) - energy(first)) / eps / float(square.integrate(first, last))


@CLAIMS.add(
    "own statement", {"ratio": near([1.0] * 6, 2e-3)},
    Control("the law η²(2 − 8ζ²)", changes={"factor": 8}),
    domain=f"{DESCENT}; swings of the size √ε about the edge; ε → 0", examples="ζ = 1, 0.6, 0 from a = 2 and 3, ε = 1e-5",
    perturbations=(Control("2 − 9ζ² with 2.02 for 2", changes={"gain": 2.02}),),
)  # fmt: skip
def energy_law(factor=9, gain=2):
    """To leading order in ε the energy of the swings, E = ½y₁² + ¼a² − ½ ln a² with y₁ = (y − 2/η)/√ε and a = |x|/√ε, changes
    over a swing by dE/d(εk) = η²(2 − 9ζ²)⟨y₁²⟩.

    Averaged iterates of one swing: the measured rate over the law.
    """
    cases = [(zeta, size) for zeta in (1.0, 0.6, 0.0) for size in (2.0, 3.0)]
    return {"ratio": [_energy_rate(zeta, 1e-5, size) / (LR**2 * (gain - factor * zeta**2)) for zeta, size in cases]}


@CLAIMS.add(
    "own statement", {"square": near(2 / 9, 1e-4), "order": near(1.0, 0.05), "turns once": True},
    Control("a decay by one in a thousand asked for in two steps", changes={"bound": 0.999}),
    domain=f"{DESCENT}; small swings about the 2-cycle near y = 2/η, 0 < ζ ≤ 2; ε → 0", examples="ε = 0.01 and 0.001",
    perturbations=(Control("ζ counted 2 % larger", changes={"tilt": 1.02}),),
)  # fmt: skip
def damped_from_two_ninths_on(bound=1.0, tilt=1.0):
    """The 2-cycle attracts if and only if ζ² is above a threshold that tends to 2/9 as ε → 0: beyond it small swings are damped.

    ζ² at which two steps about the 2-cycle have the determinant 1, by bisection, at ε = 1e-3; order in ε of its distance from
    2/9.
    """
    found = []
    for eps in (1e-2, 1e-3):
        low, high = 0.4, 0.55
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if _cycle(middle, eps)[1] > bound else (low, middle)
        found.append((tilt * low) ** 2)
    gaps = np.abs(np.array(found) - 2 / 9)
    stable = [_cycle(zeta, 1e-3)[1] < bound for zeta in np.arange(0.1, 2.05, 0.1)]
    return {"square": found[1], "order": math.log10(gaps[0] / gaps[1]), "turns once": stable == [False] * 4 + [True] * 16}


@CLAIMS.add(
    "own statement", {"swing": near([1.0] * 3, 0.02), "central": near([0.5, 0.5], 0.1), "mean": near([1.0, 1.0], 0.25)},
    Control("a swing in the time εk", changes={"power": 1.0}), figure="scales",
    domain=f"{DESCENT}; small swings; ε → 0", examples="ζ = 0.5, ε = 1e-3, 1e-4, 1e-5 from y = 2/η + √ε/4",
    perturbations=(Control("a period 4 % shorter", changes={"longer": 0.96}),),
)  # fmt: skip
def swings_take_the_root_of_epsilon(power=0.5, longer=1.0):
    """Small swings have the period 2π/(√2 η √ε) steps to leading order, a time scale between that of the oscillation and that
    of the drift. A swing that starts √ε/4 from the edge stays of the size √ε, and the central flow, which has none, is its mean
    up to O(ε).

    The mean period of four swings over the law; the orders in ε of the
    largest difference of y from the central flow, and of that of their means over these swings.
    """
    periods, far, mean = [], [], []
    for eps in (1e-3, 1e-4, 1e-5):
        law = longer * 2 * math.pi / (math.sqrt(2) * LR * eps**power)
        w = cf.iterate(_step(0.5, eps), [math.sqrt(2 * eps), 2 / LR + math.sqrt(eps) / 4], round(30 / math.sqrt(eps)) * 4).w
        central = cf.solve(cf.flows.central(cf.losses.two_time_scales(0.5, eps), cf.optimizers.gd(LR)), [0.0, 2 / LR - eps], 100)
        y = (w[:-2, 1] + 2 * w[1:-1, 1] + w[2:, 1]) / 4 - central.w[-1, 1]
        tops = np.flatnonzero((y[1:-1] > y[:-2]) & (y[1:-1] >= y[2:]))[:5] + 1
        periods.append((tops[-1] - tops[0]) / (len(tops) - 1) / law)
        far.append(np.abs(y).max())
        mean.append(abs(y[tops[0] : tops[-1]].mean()))
    return {"swing": periods, "central": -np.diff(np.log10(far)), "mean": -np.diff(np.log10(mean))}


@CLAIMS.add(
    "own statement",
    {"crossing": 1223, "onset": near([1527, 1640, 1820, 2095], 15), "exact": [3478, 3478], "flow": between(1219, 1225)},
    Control("a start near the edge, where nothing has decayed yet", changes={"start": (0.05, 6.4)}), figure="onset",
    domain=f"{DESCENT}; ζ = 1, ε = 0.01, from (0, 3)",
    perturbations=(Control("the start y = 3.03", changes={"start": (0.0, 3.03)}),),
)  # fmt: skip
def onset_is_set_by_round_off(start=(0.0, 3.0)):
    """Here the onset of oscillation after a long stable phase is set by round-off: from (0, 3) gradient descent crosses 2/η at
    step 1223 and oscillates from about 1527 on in floats, 1640 with 30 digits, 1820 with 60 and 2095 with 120. From about a
    thousand digits on it is at step 3478, the delay without round-off. The central flow enters at 1221.

    Plain numbers and mpmath, without the package; oscillating is |x₋ − 2x + x₊|/4 > 0.05, once y is beyond 2/η. Tolerance 15
    steps: the order of the operations matters as much. ``exact``: the onset with 1000 and 2000 digits.
    """
    crossing, onset = 0, []
    for digits, steps in ((None, 2300), (30, 2300), (60, 2300), (120, 2300), (1000, 3500), (2000, 3500)):
        w = _by_hand(start, steps, digits=digits)
        crossing = int(np.argmax(w[:, 1] > 2 / LR))
        with np.errstate(invalid="ignore"):  # long after the onset an orbit may overflow
            swing = np.abs(w[:-2, 0] - 2 * w[1:-1, 0] + w[2:, 0]) / 4
        onset.append(int(crossing + np.argmax(swing[crossing:] > 0.05)))
    path = cf.solve(cf.flows.central(cf.losses.two_time_scales(), cf.optimizers.gd(lr=LR)), start, 1500)
    return {"crossing": crossing, "onset": onset[:4], "exact": onset[4:], "flow": path.events[0].t}


def _swings(text, variables, start, cycles):
    """Averaged iterates over many slow cycles at ε = 0.01, ζ = 1, in ten parts."""
    loss = cf.Loss(text, variables, {"zeta": 1.0, "eps": 0.01})
    steps = int(cycles * 2 * math.pi / (math.sqrt(0.02) * LR))
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=LR)), start, steps)
    return np.array_split(orbit.midpoints(), 10)


@CLAIMS.add(
    "own statement",
    {"one": at_most(1e-4), "apart": at_most(1e-6), "coupled": at_least(0.1), "steady": near(1.0, 0.05)},
    Control("a coupling that is switched off", changes={"coupling": "0*x1*x2*z + z**2/2"}),
    domain="two modes ½(yᵢ + xᵢ)xᵢ², less 0.01(x₁ + y₁ + 1.3(x₂ + y₂)); gradient descent with η = 0.3; one start for each case",
    perturbations=(Control("the coupling x₁x₂z² in place of x₁x₂z", changes={"coupling": "x1*x2*z**2"}),),
)  # fmt: skip
def coupled_modes_keep_swinging(coupling="z*x1*x2"):
    """With one critical mode, and with two that are not coupled, the swings die out at ζ = 1; with two modes that are coupled
    by z x₁x₂ they go on for 200 swings, of a steady size.

    Standard deviation of y/√ε in the last tenth of 60 swings (one mode) and of 200 (two modes: without and with a coupling z
    x₁x₂, the least of y₁ and y₂, and over that in the middle of the run), at ε = 0.01, ζ = 1.
    """

    def spread(parts, column):
        return [float(part[:, column].std()) / 0.1 for part in parts]

    one = spread(_swings("(y + zeta*x)*x**2/2 - eps*(x + y)", "x y", [0.05, 6.4], 60), 1)
    apart = _swings(APART, "x1 x2 y1 y2", [0.05, 0.04, 6.4, 6.45], 200)
    coupled = _swings(f"{APART} + {coupling}", "x1 x2 y1 y2 z", [0.05, 0.04, 6.4, 6.45, 0.02], 200)
    both = [spread(coupled, column) for column in (2, 3)]
    return {"one": one[-1], "apart": max(spread(apart, c)[-1] for c in (2, 3)), "coupled": min(b[-1] for b in both),
            "steady": both[0][-1] / both[0][5]}  # fmt: skip


def figures():
    """The models beside gradient descent, the onset in several precisions, and the swings' scaling."""
    return {"valley": _valley, "onset": _onset, "scales": _scales}


def _valley():
    loss = cf.losses.two_time_scales()
    return cf.plot(cf.compare(loss, cf.optimizers.gd(lr=LR), ["central", "rod", "edge", "gradient"], [0.05, 6.4], 600))


def _axes(x, y):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _onset():
    figure, axes = _axes("time (steps)", "y, the sharpness")
    for digits in (None, 30, 60, 120):
        axes.plot(_by_hand([0.0, 3.0], 2300, digits=digits)[:, 1], lw=1, label=f"{digits} digits" if digits else "floats")
    path = cf.solve(cf.flows.central(cf.losses.two_time_scales(), cf.optimizers.gd(lr=LR)), [0.0, 3.0], 2300)
    axes.plot(path.t, path.w[:, 1], "k--", lw=1, label="central flow")
    axes.legend(frameon=False)
    return figure


def _scales():
    figure, axes = _axes("√ε · time (steps)", "(y − 2/η)/√ε")
    for eps in (1e-2, 1e-3, 1e-4, 1e-5):
        w = _by_hand([math.sqrt(2 * eps), 2 / LR + math.sqrt(eps) / 2], round(60 / math.sqrt(eps)), 0.6, eps)
        axes.plot(np.arange(len(w)) * math.sqrt(eps), (w[:, 1] - 2 / LR) / math.sqrt(eps), lw=1, label=f"ε = {eps:g}")
    axes.legend(frameon=False)
    return figure
