"""The cfdyn project, *Where the edge's flip turns hard: Adam* (2026).

What is derived here; every expected number is computed a second time without cfdyn. L = w²/2 + a w³/3 + w⁴/4, whose minimum 0
has the sharpness 1, g = L′; Adam without bias correction, G = η(1 − β₁)/(1 + β₁).

ε inside the root. On a 2-cycle u, v the averages are (g(u) + β₁g(v))/(1 + β₁) and (g(u)² + β₂g(v)²)/(1 + β₂), and so on. For
half the width ρ, to third order, 2√ε/G = 1 + (1 − 2a² − 1/(2ε))ρ²: the flip at G = 2√ε is subcritical iff a² < 1/2 − 1/(4ε),
never for ε ≤ 1/2, whatever β₁ and β₂. For a = 0 the cycle ±ρ has G²/4 = ρ² + ε/(1 + ρ²)²: its fold is at (1 + ρ²)³ = 2ε, G²/4
= 3/2 (2ε)^⅓ − 1, and at the flip's own G it has ρ² = (ε − 2 + √(ε² + 4ε))/2 on its outer arm. That is no state to jump to:
with the usual β it is unstable from the fold on, and beyond the flip orbits swing irregularly and far.

ε outside the root. √v is not smooth at rest. For a = 0 the cycle ±ρ has G/2 = ρ + ε/(1 + ρ²): ρ grows like G/2 − ε and not
like its root, as where a cycle meets a border of a map. At ε = 1 with the usual β it is stable beyond the flip at first, at ρ =
0.001, but no longer at 0.01. Folds follow where 2ερ = (1 + ρ²)² has roots: for ε > 8/√27.
"""

import math

import mpmath as mp
import numpy as np
import sympy as sp
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.claims import Claims, Control, above, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
LOSS = cf.Loss("w**2/2 + a*w**3/3 + b*w**4/4", "w", {"a": 0.8, "b": 1.0})


def _flip(step, edge):
    """The flip of the minimum near a rate."""
    branch = cf.analysis.continue_cycle(step.at(lr=0.95 * edge), [0.0] * step.dim, "lr", (0.8 * edge, 1.2 * edge))
    (flip,) = [s for s in branch.bifurcations if s.kind == "flip"]
    return flip


def _turns(flip, edge, most=1.5):
    """(a, rate over the edge) of the generalised flips on the curve of a flip."""
    curve = cf.analysis.bifurcation_curve(flip.step, flip, ("lr", "a"), ((0.8 * edge, 1.2 * edge), (-0.2, most)))
    return [(float(s.parameters[1]), float(s.parameters[0]) / edge) for s in curve.special if s.kind == "generalized flip"]


def _adam(eps, beta1, beta2, inside=True):
    optimizer = cf.optimizers.adam(lr=1.0, beta1=beta1, beta2=beta2, eps=eps, eps_inside=inside, bias_correction=False)
    return cf.as_map(LOSS, optimizer)


def _left(quartic):
    """The third-order term of Adam's 2-cycle less its formula, by SymPy from its equations with β₁ and β₂ as symbols."""
    a, r, x, b1, b2, eps = sp.symbols("a r x b1 b2 epsilon")
    u, v = r + x * r**2, -r + x * r**2
    g = [sp.expand(w + a * w**2 + sp.nsimplify(quartic) * w**3) for w in (u, v)]
    moment = [(g[i] + b1 * g[1 - i]) / (1 + b1) for i in (0, 1)]
    size = [(g[i] ** 2 + b2 * g[1 - i] ** 2) / (1 + b2) for i in (0, 1)]
    moves = [sp.series(m * (1 - s / (2 * eps)), r, 0, 4).removeO() for m, s in zip(moment, size, strict=True)]
    middle = sp.solve(sp.expand(moves[0] + moves[1]).coeff(r, 2), x)[0]
    apart = sp.expand((moves[0] - moves[1]).subs(x, middle))
    return str(sp.simplify(apart.coeff(r, 3) / apart.coeff(r, 1) - (1 - 2 * a**2 - 1 / (2 * eps))))


def _where_it_turns():
    """a by NumPy alone: where the 2-cycle of half width ρ is at the flip's own rate, extrapolated to ρ = 0."""

    def unknown(eps, beta1, beta2, rho):
        def equations(x):
            mean, a = x[0] * rho * rho, x[1]
            g = [w + a * w * w + w**3 for w in (mean + rho, mean - rho)]
            m = [(g[i] + beta1 * g[1 - i]) / (1 + beta1) for i in (0, 1)]
            v = [(g[i] ** 2 + beta2 * g[1 - i] ** 2) / (1 + beta2) for i in (0, 1)]
            rate = 2 * math.sqrt(eps) * (1 + beta1) / (1 - beta1)
            moves = [rate * m[i] / math.sqrt(v[i] + eps) for i in (0, 1)]
            return [(moves[0] + moves[1]) / rho**2, (moves[0] - moves[1] - 4 * rho) / rho**3]

        return fsolve(equations, [-0.5, 0.55], xtol=1e-11)[1]

    found = []
    for case in ((1.0, 0.9, 0.999), (2.0, 0.5, 0.9)):
        coarse, middle, fine = (unknown(*case, rho) for rho in (0.08, 0.04, 0.02))
        first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
        found.append(float((16 * second - first) / 15))
    return {"a": found}


@CLAIMS.add(
    "inside", {"left": "0", "a": near([math.sqrt(0.5 - 1 / (4 * eps)) for eps in (1, 2)], 1e-7), "small": 0},
    Control("the loss with w⁴/2", changes={"quartic": 2.0}), second=_where_it_turns, figure="adam",
    domain="w²/2 + a w³/3 + w⁴/4, one weight; Adam without bias correction, ε > 0 inside the root, 0 ≤ β₁ < 1, 0 < β₂ < 1",
    proof="exact algebra: the branch of 2-cycles to third order, by SymPy with a, β₁, β₂ and ε as symbols",
    perturbations=(Control("the loss with 1.01 w⁴/4", changes={"quartic": 1.01}),),
)  # fmt: skip
def adam_turns_subcritical_for_large_eps(quartic=1.0):
    """On w²/2 + a w³/3 + w⁴/4 the 2-cycle of Adam's flip, of half width ρ, is at 2√ε/G = 1 + (1 − 2a² − 1/(2ε))ρ² + …: the flip
    is subcritical if a² < 1/2 − 1/(4ε), which needs ε > 1/2, and supercritical if a² is greater, whatever β₁ and β₂.

    ``left``: what is left of that coefficient, exactly. Beside it numbers of the package: the generalised flip on the curve of
    flips in (η, a) for (ε, β₁, β₂) = (1, 0.9, 0.999), (2, 0.5, 0.9), and how many there are for ε = 0.49.
    """
    found, none = [], 0
    for eps, beta1, beta2 in ((1.0, 0.9, 0.999), (2.0, 0.5, 0.9), (0.49, 0.9, 0.999)):
        edge = 2 * math.sqrt(eps) * (1 + beta1) / (1 - beta1)
        flip = _flip(_adam(eps, beta1, beta2).at(b=quartic, a=0.9), edge)
        met = [a for a, _ in _turns(flip, edge) if a > 0]
        found, none = (found + met, none) if eps > 0.5 else (found, none + len(met))
    return {"left": _left(quartic), "a": found, "small": none}


def _jump_by_formula(steps=20_000):
    """Fold and outer arm at ε = 1, a = 0, from G²/4 = ρ² + ε/(1 + ρ²)² by mpmath; the swing by a loop."""

    def square(y):
        return y + 1 / (1 + y) ** 2

    w, m, v, largest = 0.01, 0.0, 0.0, 0.0
    for _ in range(steps):
        g = w + w**3
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 1.01 * 38 * m / math.sqrt(v + 1)
        largest = max(largest, abs(w))
    fold, arm = mp.findroot(lambda y: 1 - 2 / (1 + y) ** 3, 0.3), mp.findroot(lambda y: square(y) - 1, 0.6)
    stable = sum(_spectral_radius(rho) < 1 for rho in np.linspace(0.02, 1.1, 109))
    return {"fold": float(2 * mp.sqrt(square(fold))), "arm": float(mp.sqrt(arm)), "stable": int(stable), "swing": largest}


def _spectral_radius(rho, h=1e-6):
    """Of two steps at the 2-cycle ±ρ, ε = 1 inside, by differences."""
    g = rho + rho**3
    rate, z = 38 * math.sqrt(rho * rho + 1 / (1 + rho * rho) ** 2), np.array([rho, -g / 19, g * g])

    def two(z):
        w, m, v = z
        for _ in range(2):
            g = w + w**3
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w = w - rate * m / math.sqrt(v + 1)
        return np.array([w, m, v])

    assert np.abs(two(z) - z).max() < 1e-12
    matrix = np.array([(two(z + e) - two(z - e)) / (2 * h) for e in h * np.eye(3)]).T
    return np.abs(np.linalg.eigvals(matrix)).max()


@CLAIMS.add(
    "inside", {"fold": near(2 * math.sqrt(1.5 * 2 ** (1 / 3) - 1), 1e-9), "arm": near(math.sqrt((math.sqrt(5) - 1) / 2), 1e-9),
               "stable": 0, "swing": above(10.0)},
    Control("ε = 0.4, where the onset is soft", changes={"eps": 0.4}), second=_jump_by_formula, figure="adam",
    domain="w²/2 + w⁴/4, one weight; Adam without bias correction, ε = 1 inside the root, β₁ = 0.9, β₂ = 0.999; G ≤ 2.4",
    perturbations=(Control("neither momentum nor memory, where wide 2-cycles are stable", changes={"beta1": 0.0, "beta2": 0.0}),
                   Control("ε = 1.02", changes={"eps": 1.02})),
)  # fmt: skip
def the_jump_of_adam(eps=1.0, beta1=0.9, beta2=0.999):
    """On w²/2 + w⁴/4 with ε = 1 inside the root the 2-cycles of Adam's flip at G = 2 exist from a fold at G = 1.8867 on, at G = 2
    with the half width √0.618; none of them up to G = 2.4 is stable, and 1 % beyond the flip the orbit from 0.01 swings over more
    than 10.

    The fold of the doubled cycle, where its outer arm passes the flip's rate, how many rows of the branch are stable, and the
    largest |w| within 20,000 steps.
    """
    gain = (1 - beta1) / (1 + beta1)
    edge, step = 2 * math.sqrt(eps) / gain, _adam(eps, beta1, beta2).at(a=0.0)
    branch = _flip(step, edge).switch(functions={"back": f"lr - {edge!r} + 0*w"})
    folds = [s.parameter * gain for s in branch.bifurcations if s.kind == "fold"]
    widths = [float(np.abs(z.points[:, 0]).max()) for z in branch.zeros if np.abs(z.points[:, 0]).max() > 1e-3]
    orbit = cf.iterate(step.at(lr=1.01 * edge), [0.01], 20_000)
    return {"fold": folds[0] if folds else math.nan, "arm": widths[0] if widths else math.nan,
            "stable": int(branch.stable.sum()), "swing": float(np.abs(orbit.w).max())}  # fmt: skip


def _returns(rho, steps=60_000):
    """Whether a loop of Adam with ε = 1 outside, from 1 % beside the 2-cycle ±ρ, comes ten times nearer to it."""
    g = rho + rho**3
    rate, w, m, v = 38 * (rho + 1 / (1 + rho * rho)), 1.01 * rho, -g / 19, g * g
    last = 0.0
    for step in range(steps + 1):
        if step > steps - 2000:
            last = max(last, abs(abs(w) - rho))
        g = w + w**3
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= rate * m / (math.sqrt(v) + 1)
    return last < 0.001 * rho


def _outside_by_formula(eps=(1.5, 1.6)):
    """Zeros of dG/dρ in (0, 5) by their signs on a fine grid, and where they begin, by mpmath; G/2 − ε ~ ρ; loops."""

    def slope(rho, e):
        return 1 - 2 * e * rho / (1 + rho * rho) ** 2

    def steps(x, rho):
        w, m, v, rate, half = rho, x[0] * rho, x[1] * rho**2, 38 * x[2], 0.0
        for k in (1, 2):
            g = w + w**3
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w -= rate * m / (math.sqrt(v) + 1)
            half = w + rho if k == 1 else half
        return [m / rho - x[0], v / rho**2 - x[1], half / rho]

    grid = np.linspace(0, 5, 200_001)
    counts = [int((np.diff(np.sign(slope(grid, e))) != 0).sum()) for e in eps]
    rho = mp.findroot(lambda rho: mp.diff(lambda x: x / (1 + x * x) ** 2, rho), 0.5)
    first = float((1 + rho * rho) ** 2 / (2 * rho))
    halves = [fsolve(steps, [-0.0526, 1.0, 1.0], args=(rho,), xtol=1e-12)[2] for rho in (0.001, 0.01)]
    excess = [float((half - 1) / rho) for half, rho in zip(halves, (0.001, 0.01), strict=True)]
    return {"excess": excess, "folds": counts, "first": first, "stable": [_returns(0.001), _returns(0.01)]}


@CLAIMS.add(
    "outside", {"excess": near([1 - x / (1 + x * x) for x in (0.001, 0.01)], 1e-6), "folds": [0, 2],
                "first": near(8 / math.sqrt(27), 5e-3), "stable": [True, False]},
    Control("ε inside the root", changes={"inside": True}), second=_outside_by_formula, figure="adam",
    domain="w²/2 + w⁴/4, one weight; Adam without bias correction, ε outside the root; stability at β₁ = 0.9, β₂ = 0.999",
    examples="ε = 1 at ρ = 0.001 and 0.01; folds at ε = 1.5 and 1.6; β₁ = 0.9, β₂ = 0.999",
    perturbations=(Control("β₁ = 0.2, where the cycle is still stable at ρ = 0.01", changes={"beta1": 0.2}),),
)  # fmt: skip
def adam_with_eps_outside_is_no_smooth_flip(inside=False, beta1=0.9, beta2=0.999):
    """On w²/2 + w⁴/4 with ε outside the root Adam's 2-cycle ±ρ is at G/2 = ρ + ε/(1 + ρ²): ρ grows in proportion to G/2 − ε, as
    at a border collision, and not like its root, and for ε > 8/√27 there are two folds. At ε = 1 it is stable at ρ = 0.001 and
    no longer at 0.01.

    ``excess``: (G/2 − 1)/ρ at ρ = 0.001 and 0.01 for ε = 1, and whether the cycle is stable there; the folds along the 2-cycle
    from ρ = 2 down to 0.001 at ε = 1.5 and 1.6; and at which ε the distance between the two folds, squared, extrapolates to 0.
    """
    rows = {eps: _two_cycles(eps, beta1, beta2, inside) for eps in (1.0, 1.5, 1.56, 1.58, 1.6)}
    narrow = sorted((z for z in rows[1.0].zeros if z.function.startswith("narrow")), key=lambda z: np.abs(z.points[:, 0]).max())
    excess = [float((z.parameter * (1 - beta1) / (1 + beta1) / 2 - 1) / np.abs(z.points[:, 0]).max()) for z in narrow]
    folds = {eps: [np.abs(s.points[:, 0]).max() for s in row.bifurcations if s.kind == "fold"] for eps, row in rows.items()}
    gaps = [np.ptp(folds[eps]) ** 2 if len(folds[eps]) == 2 else math.nan for eps in (1.56, 1.58, 1.6)]
    line = np.polynomial.Polynomial.fit(gaps, (1.56, 1.58, 1.6), 2)(0.0) if np.isfinite(gaps).all() else math.nan
    return {"excess": excess, "folds": [len(folds[1.5]), len(folds[1.6])], "first": float(line),
            "stable": [bool(np.abs(z.multipliers).max() < 1) for z in narrow]}  # fmt: skip


def _two_cycles(eps, beta1, beta2, inside, width=2.0):
    """The branch of the 2-cycle ±ρ from ρ = 2 down to 0.001, from the closed form."""
    gain, g = (1 - beta1) / (1 + beta1), width + width**3
    rate = 2 * width * ((g * g + eps) ** 0.5 if inside else g + eps) / g / gain
    step = _adam(eps, beta1, beta2, inside).at(a=0.0, lr=rate)
    functions = {"narrow 1": "max(w) - 0.01", "narrow 2": "max(w) - 0.001"}
    return cf.analysis.continue_cycle(
        step, [width, -gain * g, g * g], "lr", (0.5 / gain, 1.01 * rate), period=2, functions=functions, stop="max(w) = 0.0005"
    )


def figures():
    """The 2-cycles of Adam with ε inside and outside the root."""
    return {"adam": _adam_drawn}


def _adam_drawn():
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
    for axes, inside in zip(panels, (True, False), strict=True):
        for eps, shade in ((0.4, "#2e8b6f"), (1.0, "#1f5fa8"), (2.0, "#c2412d")):
            branch = _two_cycles(eps, 0.9, 0.999, inside)
            size = np.abs(branch.points[:, :, 0]).max(axis=1)
            onset = 2 * (math.sqrt(eps) if inside else eps)
            _two_styles(axes, branch, branch.parameter / 19 / onset, size, shade, f"ε = {eps:g}")
        axes.set(
            xlabel="G over that of the flip",
            ylim=(0, 1.5),
            xlim=(0.85, 1.3),
            title=f"ε {'inside' if inside else 'outside'} the root",
        )
    panels[0].set_ylabel("ρ of the 2-cycle")
    panels[0].legend(title="solid: stable")
    return figure


def _two_styles(axes, branch, x, y, shade, label):
    """Solid where stable, dashed where not."""
    for stable, style in ((True, "-"), (False, "--")):
        axes.plot(x, np.where(branch.stable == stable, y, np.nan), style, color=shade, label=label if stable else None)
