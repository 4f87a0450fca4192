"""The cfdyn project, *Where the edge's flip turns hard: Adam* (2026).

What is derived here; every expected number is computed a second time without cfdyn. L = w²/2 + a w³/3 + w⁴/4, whose minimum 0
has the sharpness 1, g = L′; Adam without bias correction, G = η(1 − β₁)/(1 + β₁).

ε inside the root. On a 2-cycle u, v the averages are (g(u) + β₁g(v))/(1 + β₁) and (g(u)² + β₂g(v)²)/(1 + β₂), and so on. For
half the width ρ, to third order, 2√ε/G = 1 + (1 − 2a² − 1/(2ε))ρ²: the flip at G = 2√ε is subcritical iff a² < 1/2 − 1/(4ε),
never for ε ≤ 1/2, whatever β₁ and β₂. For a = 0 the cycle ±ρ has G²/4 = ρ² + ε/(1 + ρ²)²: its fold is at (1 + ρ²)³ = 2ε, G²/4
= 3/2 (2ε)^⅓ − 1, and at the flip's own G it has ρ² = (ε − 2 + √(ε² + 4ε))/2 on its outer arm. That is no state to jump to:
with the usual β it is unstable from the fold on, and beyond the flip orbits swing irregularly and far.

ε outside the root. √v is not smooth at rest. For a = 0 the cycle ±ρ has G/2 = ρ + ε/(1 + ρ²): ρ grows like G/2 − ε and not
like its root, as where a cycle meets a border of a map; it is born stable, beyond the flip, for every ε, but with the usual β it
gives way to an invariant circle at ρ = 0.002 already (ε = 1). Folds follow where 2ερ = (1 + ρ²)² has roots: for ε > 8/√27.
"""

import math

import mpmath as mp
import numpy as np
import sympy as sp

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


def _adam_by_series():
    """Where the third-order term of Adam's 2-cycle vanishes, by SymPy from its equations with β₁ and β₂ as symbols."""
    a, r, x, b1, b2, eps = sp.symbols("a r x b1 b2 epsilon")
    u, v = r + x * r**2, -r + x * r**2
    g = [sp.expand(w + a * w**2 + w**3) for w in (u, v)]
    moment = [(g[i] + b1 * g[1 - i]) / (1 + b1) for i in (0, 1)]
    size = [(g[i] ** 2 + b2 * g[1 - i] ** 2) / (1 + b2) for i in (0, 1)]
    moves = [sp.series(m * (1 - s / (2 * eps)), r, 0, 4).removeO() for m, s in zip(moment, size, strict=True)]
    middle = sp.solve(sp.expand(moves[0] + moves[1]).coeff(r, 2), x)[0]
    apart = sp.expand((moves[0] - moves[1]).subs(x, middle))
    turns = [root for root in sp.solve(sp.factor(apart.coeff(r, 3)), a) if root.subs(eps, 1) > 0]
    real = [sum(bool(root.subs(eps, value).is_real) for root in turns) for value in (sp.Rational(2, 5), sp.Rational(49, 100))]
    return {"a": [float(turns[0].subs(eps, value)) for value in (1, 2)], "small": sum(real)}


@CLAIMS.add(
    "inside", {"a": near([math.sqrt(0.5 - 1 / (4 * eps)) for eps in (1, 2)], 1e-9), "small": 0},
    Control("the loss with w⁴/2", changes={"quartic": 2.0}), second=_adam_by_series, figure="adam",
)  # fmt: skip
def adam_turns_subcritical_for_large_eps(quartic=1.0):
    """Adam with ε inside the root, without bias correction, has a subcritical flip only for ε > 1/2 (at sharpness 1) and a² < 1/2
    − 1/(4ε), whatever β₁ and β₂.

    The generalised flip on the curve of flips in (η, a) for (ε, β₁, β₂) = (1, 0.9, 0.999), (2, 0.5, 0.9), and how many there
    are for ε = 0.49.
    """
    found, none = [], 0
    for eps, beta1, beta2 in ((1.0, 0.9, 0.999), (2.0, 0.5, 0.9), (0.49, 0.9, 0.999)):
        edge = 2 * math.sqrt(eps) * (1 + beta1) / (1 - beta1)
        flip = _flip(_adam(eps, beta1, beta2).at(b=quartic, a=0.9), edge)
        met = [a for a, _ in _turns(flip, edge) if a > 0]
        found, none = (found + met, none) if eps > 0.5 else (found, none + len(met))
    return {"a": found, "small": none}


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
    return {"fold": float(2 * mp.sqrt(square(fold))), "arm": float(mp.sqrt(arm)), "stable": 0, "swing": largest}


@CLAIMS.add(
    "inside", {"fold": near(2 * math.sqrt(1.5 * 2 ** (1 / 3) - 1), 1e-9), "arm": near(math.sqrt((math.sqrt(5) - 1) / 2), 1e-9),
               "stable": 0, "swing": above(10.0)},
    Control("ε = 0.4, where the onset is soft", changes={"eps": 0.4}), second=_jump_by_formula, figure="adam",
)  # fmt: skip
def the_jump_of_adam(eps=1.0, beta1=0.9, beta2=0.999):
    """On w²/2 + w⁴/4 with ε = 1 inside the root the 2-cycles of Adam's flip at G = 2 exist from a fold at G = 1.8867 on, at G = 2
    with the half width √0.618; none of them is stable at the usual β₁ and β₂, and 1 % beyond the flip orbits from 0.01 swing
    over more than 10.

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

    grid = np.linspace(0, 5, 200_001)
    counts = [int((np.diff(np.sign(slope(grid, e))) != 0).sum()) for e in eps]
    rho = mp.findroot(lambda rho: mp.diff(lambda x: x / (1 + x * x) ** 2, rho), 0.5)
    first = float((1 + rho * rho) ** 2 / (2 * rho))
    return {"exponent": 1.0, "folds": counts, "first": first, "stable": [_returns(0.001), _returns(0.01)]}


@CLAIMS.add(
    "outside", {"exponent": near(1.0, 5e-3), "folds": [0, 2], "first": near(8 / math.sqrt(27), 5e-3),
                "stable": [True, False]},
    Control("ε inside the root", changes={"inside": True}), second=_outside_by_formula, figure="adam",
)  # fmt: skip
def adam_with_eps_outside_is_no_smooth_flip(inside=False, beta1=0.9, beta2=0.999):
    """With ε outside the root the width of Adam's 2-cycle grows in proportion to G/2 − ε, as at a border collision, and not like
    its root; it is born stable, but at ρ = 0.01 that is over. From ε = 8/√27 on the cycle has folds.

    On w²/2 + w⁴/4: the slope of log(G/2 − ε) against log ρ between ρ = 0.001 and 0.01 at ε = 1, and whether the cycle is stable
    there; the folds along the 2-cycle from ρ = 2 down to 0.001 at ε = 1.5 and 1.6; and at which ε the distance between the two
    folds, squared, extrapolates to 0.
    """
    rows = {eps: _two_cycles(eps, beta1, beta2, inside) for eps in (1.0, 1.5, 1.56, 1.58, 1.6)}
    narrow = sorted((z for z in rows[1.0].zeros if z.function.startswith("narrow")), key=lambda z: np.abs(z.points[:, 0]).max())
    (x, y) = (math.log(np.abs(z.points[:, 0]).max()) for z in narrow)
    (u, v) = (math.log(abs(z.parameter * (1 - beta1) / (1 + beta1) / 2 - 1)) for z in narrow)
    folds = {eps: [np.abs(s.points[:, 0]).max() for s in row.bifurcations if s.kind == "fold"] for eps, row in rows.items()}
    gaps = [np.ptp(folds[eps]) ** 2 if len(folds[eps]) == 2 else math.nan for eps in (1.56, 1.58, 1.6)]
    line = np.polynomial.Polynomial.fit(gaps, (1.56, 1.58, 1.6), 2)(0.0) if np.isfinite(gaps).all() else math.nan
    return {"exponent": (v - u) / (y - x), "folds": [len(folds[1.5]), len(folds[1.6])], "first": float(line),
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
