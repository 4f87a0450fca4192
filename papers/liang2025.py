"""S. Liang, G. Montúfar, *Gradient descent with large step sizes: chaos and fractal convergence region*, arXiv 2509.25351
(2025).

For the factorisation of a number by two vectors, (u·v − y)²/2, the step size at which gradient descent stops to converge is
known exactly for every start. On the boundary of convergence the residual follows a chaotic cubic map, and near it the
minimum that is found depends sensitively on the start; with regularization the boundary becomes a fractal.
"""

import math
from dataclasses import replace

import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, interval, near

CLAIMS = Claims(__name__, __doc__, read="the abstract")


def _critical(w, y=1.0):
    """min{1/|y|, 8/(S + √(S² − 16 y e))}, S = |u|² + |v|², e = u·v − y."""
    half = len(w) // 2
    s, e = float(w @ w), float(w[:half] @ w[half:]) - y
    return min(1 / abs(y), 8 / (s + math.sqrt(s * s - 16 * y * e)))


def _ends_at_minimum(w, lr, steps=20_000):
    half = len(w) // 2
    orbit = cf.iterate(cf.as_map(cf.losses.uv_factorization(n=half), cf.optimizers.gd(lr=lr)), w, steps)
    last = orbit.w[-1]
    return orbit.status == "done" and abs(last[:half] @ last[half:] - 1) < 1e-6


@CLAIMS.add(
    "boundary of convergence", {"step": "00", "residual": "0", "boundary": "0"},
    Control("the set ηS = 4 without the term η²ye", changes={"term": 0}),
    domain="(u·v − y)²/2, u and v of any one length; all y and η; e = u·v − y, S = |u|² + |v|²",
    perturbations=(Control("the set ηS = 4 + 2η²ye", changes={"term": 2}),),
    proof="exact algebra: all differences are 0 in SymPy",
)  # fmt: skip
def residual_on_the_boundary(term=1):
    """The set ηS = 4 + η²ye is mapped into itself, and on it x = ηe obeys x ← x³ − 3x.

    What a step u ← u − ηev, v ← v − ηeu makes of uv and u² + v² of one entry gives, summed over the entries, f = u·v and S. In x
    and T = ηS, a = ηy, with T = 4 + ax put in: x after the step minus x³ − 3x, and T minus 4 + ax after it.
    """
    u, v, x, a = sp.symbols("u v x a")
    product = sp.expand((u - x * v) * (v - x * u)) - (u * v - x * (u**2 + v**2) + x**2 * u * v)
    squares = sp.expand((u - x * v) ** 2 + (v - x * u) ** 2) - (u**2 + v**2 - 4 * x * u * v + x**2 * (u**2 + v**2))
    f, t = x + a, 4 + term * a * x  # ηf and ηS
    after_x, after_t = f - x * t + x**2 * f - a, t - 4 * x * f + x**2 * t
    residual, boundary = after_x - (x**3 - 3 * x), after_t - (4 + term * a * after_x)
    return {"step": str(sp.expand(product)) + str(sp.expand(squares)), "residual": str(sp.expand(residual)),
            "boundary": str(sp.expand(boundary))}  # fmt: skip


@CLAIMS.add(
    "abstract (the exact critical step size); the formula from a secondary source",
    {"converged": near([1.0, 0.0, 1.0, 0.0], 0.0)},
    Control("the edge of stability at the start, 2/S, in its place", changes={"rule": "edge"}), figure="region",
    read="a secondary source",
    domain="(u·v − y)²/2, u and v of any one length, y ≠ 0; almost all starts; e = u·v − y, S = |u|² + |v|²",
    examples="y = 1, 150 random starts of two entries and 80 of five, η = 0.995 η* and 1.005 η*",
    perturbations=(Control("4/S as the threshold, which leaves e out", changes={"rule": "without e"}),
                   Control("a threshold 1 % larger", changes={"factor": 1.01})),
)  # fmt: skip
def critical_step_size(rule="exact", seed=25, factor=1.0):
    """Gradient descent converges to a minimum for η < η* = min{1/|y|, 8/(S + √(S² − 16ye))}, S and e at the start, and does not
    converge to one for η > η*.

    The shares of the starts that end at a minimum within 20,000 steps. (Starts for which η* is 1/|y| are among them: beyond it
    they may hover, but do not converge.)
    """
    rng, shares = np.random.default_rng(seed), []
    for size, starts in ((2, 150), (5, 80)):
        counts = [0, 0]
        for _ in range(starts):
            w = rng.normal(size=2 * size) * math.sqrt(2 / size)
            threshold = {"exact": _critical(w), "edge": 2 / float(w @ w), "without e": 4 / float(w @ w)}[rule]
            for place, times in enumerate((0.995, 1.005)):
                counts[place] += _ends_at_minimum(w, times * factor * threshold)
        shares += [count / starts for count in counts]
    return {"converged": shares}


@CLAIMS.add(
    "abstract (a chaotic regime); the numbers are ours",
    {"entropy": near(math.log(3), 1e-12), "bounds": near([math.log(3)] * 2, 1e-9), "exponent": near(math.log(3), 1e-4),
     "evidence": "chaotic"},
    Control("x³ − 2.9x", changes={"slope": 2.9}), figure="map",
    domain="the map x³ − 3x on [−2, 2], which ηe follows on the boundary of convergence; the exponent from the start 0.1234567",
    perturbations=(Control("x³ − 2.99x", changes={"slope": 2.99}),),
)  # fmt: skip
def entropy_is_ln_3(slope=3.0, most=9):
    """On the boundary the residual is chaotic: its map x³ − 3x has the topological entropy ln 3, and typical orbits the Lyapunov
    exponent ln 3.

    All cycles of x³ − 3x of the periods dividing 9: (1/9) ln of the number of points with f⁹(x) = x, 3⁹; the two bounds of
    `topological_entropy`, by words of laps; the exponent over 400,000 steps; ``evidence``: exponent and 0–1 test together.
    """
    step = cf.Map.from_text("x**3 - s*x", params={"s": slope})
    points = sum(d * len(cf.analysis.cycles(step, d, [(-2.5, 2.5)])) for d in (1, 3, 9))
    found = cf.analysis.topological_entropy(step, (-2.5, 2.5))
    return {"entropy": math.log(points) / most, "bounds": [found.lower, found.upper],
            "exponent": cf.analysis.lyapunov(step, [0.1234567], 400_000)[0],
            "evidence": cf.analysis.chaos(step, [0.1234567], dimensions=False).kind}  # fmt: skip


@CLAIMS.add(
    "abstract (sensitivity near criticality); the example is ours", {"spread": above(0.2)},
    Control("η = η*/2", changes={"factor": 0.5}), figure="region",
    domain="(uv − 1)²/2, one entry each; starts within 10⁻⁶ of (2.3, 0.4), η of 1 − 10⁻⁷ times the critical one there",
    perturbations=(Control("η = 0.95 η*", changes={"factor": 0.95}),),
)  # fmt: skip
def minimum_depends_sensitively_on_the_start(factor=0.9999999, nudge=1e-6, starts=40, seed=27):
    """Just below the critical step size starts within 10⁻⁶ of each other end at minima that differ by more than 0.2 in ln |u/v|.

    40 starts: the standard deviation of ln |u/v| at the minimum.
    """
    rng = np.random.default_rng(seed)
    base = np.array([2.3, 0.4])
    lr = factor * _critical(base * (1 + nudge))
    step, found = cf.as_map(cf.losses.uv_factorization(n=1), cf.optimizers.gd(lr=lr)), []
    for _ in range(starts):
        last = cf.iterate(step, base - nudge * rng.uniform(0, 1, 2), 20_000).w[-1]
        found.append(math.log(abs(last[0] / last[1])))
    return {"spread": float(np.std(found)), "least": min(found), "greatest": max(found)}


def _regularized(weight, lr=0.5, count=600):
    """Basins of (uv − 1)²/2 + weight (u² + v²)/2 over a square of starts."""
    loss = cf.Loss("(u*v - 1)**2/2 + c*(u**2 + v**2)/2", params={"c": weight})
    side = (0, 4, count)
    return cf.analysis.basins(cf.as_map(loss, cf.optimizers.gd(lr=lr)), [("u", side), ("v", side)], transient=500)


def _sides(lr, count, half=4.0, steps=1000):
    """Where starts end for y = 1: 1 and −1 by the sign of u at the minimum, −2 (undecided) for what does not converge."""
    ticks = half * ((2 * np.arange(count) + 1) / count - 1)
    u, v = (grid.ravel() for grid in np.meshgrid(ticks, ticks + 1e-3))
    for _ in range(steps):
        e = np.where(abs(u) + abs(v) < 1e6, u * v - 1, 0.0)
        u, v = u - lr * e * v, v - lr * e * u
    return np.where(abs(u * v - 1) < 1e-6, np.sign(u), -2.0).reshape(count, count)


@CLAIMS.add(
    "own statement", {"dimension": above(1.1)},
    Control("η = 0.05, where the two basins meet in a smooth curve", changes={"lr": 0.05}), figure="sides",
    domain="(uv − 1)²/2, one entry each; η = 0.3, starts in |u|, |v| ≤ 4; distances of 1 to 16 cells of 1/48",
    perturbations=(Control("η = 0.1", changes={"lr": 0.1}),),
)  # fmt: skip
def basins_of_the_two_branches_are_fractal(lr=0.3, count=384):
    """At η = 0.3 the minima with u > 0 and those with u < 0 have basins with a fractal boundary, of a dimension above 1.1.

    384² starts, 1,000 steps. ``dimension``: that of the boundary between
    starts that end at u > 0 and at u < 0, by uncertain starts at 1 to 16 cells, within two errors. (To these sizes; starts that
    do not converge are left out.)
    """
    found = cf.analysis.boundary_dimension(_sides(lr, count))
    low, high = found.dimension - 2 * found.error, found.dimension + 2 * found.error
    return {"dimension": interval(low, high, "two errors of the fit"), "value": found.dimension, "error": found.error}


@CLAIMS.add(
    "abstract (regularization generates a fractal boundary); the example is ours", {"least_dimension": above(1.0)},
    Control("no regularization", changes={"weight": 0.0}), figure="basins",
    domain="(uv − 1)²/2 + 0.1 (u² + v²), one entry each; η = 0.5, starts from 0 to 4 each; distances of 1 to 16 cells of 1/150",
    perturbations=(Control("a tenth of the regularization", changes={"weight": 0.02}),),
)  # fmt: skip
def fractal_boundary(weight=0.2, count=600):
    """With a quadratic regularization the boundary between starts that converge and starts that diverge has a dimension above 1.

    600 × 600 starts, whichever minimum they end at: the dimension of the
    boundary by the part of uncertain starts at distances of 1 to 16 cells, less three of its errors. (A fractal to these sizes;
    the box shows one boundary of one family.)
    """
    found = _regularized(weight, count=count)
    ends = replace(found, labels=np.minimum(found.labels, 0))
    measured = cf.analysis.boundary_dimension(ends)
    return {"least_dimension": measured.dimension - 3 * measured.error, "dimension": measured.dimension,
            "error": measured.error, "uncertain": measured.uncertain.tolist()}  # fmt: skip


def figures():
    """The cubic on the boundary with its 2-cycles, where gradient descent with η = 0.3 goes, and basins with regularization."""
    cubic = cf.Map.from_text("x**3 - 3*x")
    return {"map": lambda: cf.plot(cf.analysis.cycles(cubic, 2, [(-2.5, 2.5)])), "region": _region,
            "basins": lambda: cf.plot(_regularized(0.2)),
            "sides": lambda: cf.plot(cf.analysis.boundary_dimension(_sides(0.3, 384)))}  # fmt: skip


def _region(lr=0.3, count=260):
    from matplotlib.figure import Figure

    ticks = np.linspace(-4.2, 4.2, count)
    u, v = (grid.ravel() for grid in np.meshgrid(ticks, ticks))
    for _ in range(300):
        e = np.where(abs(u) + abs(v) < 1e6, u * v - 1, 0.0)
        u, v = u - lr * e * v, v - lr * e * u
    ratio = np.where(abs(u * v - 1) < 1e-3, np.log(abs(u / v) + 1e-300), np.nan).reshape(count, count)
    figure = Figure(figsize=(4.6, 4.0), layout="constrained")
    axes = figure.subplots()
    image = axes.pcolormesh(ticks, ticks, ratio, cmap="twilight", vmin=-3, vmax=3)
    figure.colorbar(image, label="ln |u/v| of the minimum")
    axes.set(xlabel="u", ylabel="v", title=f"(uv − 1)²/2, η = {lr}", aspect="equal")
    return figure
