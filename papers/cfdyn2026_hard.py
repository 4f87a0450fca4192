"""The cfdyn project, *Where the edge's flip turns hard: descent and heavy ball* (2026).

What is derived here; every expected number is computed a second time without cfdyn. L = w²/2 + a w³/3 + w⁴/4, whose minimum 0
has the sharpness 1, g = L′ = w + a w² + w³. A 2-cycle u, v has s = u + v, p = uv.

Descent at η. u ↔ v needs g(u) + g(v) = 0, so p = s(1 + as + s²)/(2a + 3s), and 2/η = (g(u) − g(v))/(u − v) = 1 + as + s² − p:
the branch is 1/η = (1 + as + s²)(a + s)/(2a + 3s), s < 0. It leaves η = 2 upwards (w ↦ −w + c w³, c = 4a² − 2 > 0) iff a² >
1/2. There dη/ds = 0 at (3s/a + 2)³ = 9/(2a²) − 1: the 2-cycle that was born softly ends in a fold soon after, at η − 2 = (2a² −
1)²/8 + …, which is c²/(4|e|) of w ↦ −w + c w³ + e w⁵ with e = −8, as η − 2 = −8ρ⁴ + … for half the width ρ of the cycle at a² =
1/2. For smaller a nothing is born: almost all orbits diverge as soon as η > 2.

Heavy ball. On a 2-cycle v − u = −η/(1 + β) g(u): its 2-cycles are those of descent at η/(1 + β), with flip, fold and the sign
of c at every β. c itself is (1 + β)/(1 − β) (4a² − 2) for the weight, over 1 + 1/(1 + β)² in the unit vector of weight and
velocity.
"""

import math

import mpmath as mp
import numpy as np
import sympy as sp

import cfdyn as cf
from cfdyn.claims import Claims, Control, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
LOSS = cf.Loss("w**2/2 + a*w**3/3 + b*w**4/4", "w", {"a": 0.8, "b": 1.0})
SIZES = (0.72, 0.8, 0.9)
BETAS = (0.3, 0.9)


def _descent(momentum, a, quartic=1.0):
    """Descent, or heavy ball, at nine tenths of its flip."""
    optimizer = cf.optimizers.heavy_ball(lr=1.0, momentum=momentum) if momentum else cf.optimizers.gd(lr=1.0)
    return cf.as_map(LOSS, optimizer).at(a=a, b=quartic, lr=1.8 * (1 + momentum))


def _flip(step, edge):
    """The flip of the minimum near a rate."""
    branch = cf.analysis.continue_cycle(step.at(lr=0.95 * edge), [0.0] * step.dim, "lr", (0.8 * edge, 1.2 * edge))
    (flip,) = [s for s in branch.bifurcations if s.kind == "flip"]
    return flip


def _turns(flip, edge, most=1.5):
    """(a, rate over the edge) of the generalised flips on the curve of a flip."""
    curve = cf.analysis.bifurcation_curve(flip.step, flip, ("lr", "a"), ((0.8 * edge, 1.2 * edge), (-0.2, most)))
    return [(float(s.parameters[1]), float(s.parameters[0]) / edge) for s in curve.special if s.kind == "generalized flip"]


def _by_series():
    """c² = 0 and e by SymPy: η of the exact 2-cycle in powers of its width, with the sum s as a series in ρ²."""
    a, r, s1, s2 = sp.symbols("a r s1 s2")
    s = s1 * r + s2 * r**2
    p = s**2 / 4 - r  # r = ρ² = (s² − 4p)/4
    equation = sp.series(sp.expand(p * (2 * a + 3 * s) - s * (1 + a * s + s**2)), r, 0, 3).removeO()
    first = sp.solve(equation.coeff(r, 1), s1)[0]
    second = sp.solve(sp.expand(equation).coeff(r, 2).subs(s1, first), s2)[0]
    rate = sp.series((2 / (1 + a * s + s**2 - p)).subs({s1: first, s2: second}), r, 0, 3).removeO()
    turn = [float(root) for root in sp.solve(rate.coeff(r, 1), a) if root > 0]
    return {"a": turn, "e": float(sp.expand(rate).coeff(r, 2).subs(a, 1 / sp.sqrt(2)))}


def _normal_form(quartic):
    """c for all a, and e where c = 0, of w ↦ w − 2(w + a w² + q w³) by coordinates w + αw² + γw⁴, exactly."""
    a, w, alpha, c, gamma, e = sp.symbols("a w alpha c gamma e")
    f = w - 2 * (w + a * w**2 + sp.nsimplify(quartic) * w**3)
    new = lambda x: x + alpha * x**2 + gamma * x**4  # noqa: E731
    left = sp.Poly(sp.expand(new(f) - (-new(w) + c * new(w) ** 3 + e * new(w) ** 5)), w)
    found = {}
    for power, name in ((2, alpha), (3, c), (4, gamma), (5, e)):
        found[name] = sp.solve(left.coeff_monomial(w**power).subs(found), name)[0]
    turn = [root for root in sp.solve(found[c], a) if root > 0]
    return str(sp.expand(found[c])), str(sp.simplify(found[e].subs(a, turn[0])))


@CLAIMS.add(
    "descent", {"c": "4*a**2 - 2", "e there": "-8", "a": near([1 / math.sqrt(2)], 1e-12), "e": near(-8.0, 1e-3)},
    Control("the loss with w⁴/2", changes={"quartic": 2.0}), second=_by_series, figure="hysteresis",
    domain="w²/2 + a w³/3 + w⁴/4, one weight, all a; gradient descent at the edge η = 2 of the minimum 0",
    proof="exact algebra: c and e of the normal form −w + c w³ + e w⁵, by SymPy with a as a symbol",
    perturbations=(Control("the loss with 1.01 w⁴/4", changes={"quartic": 1.01}),),
)  # fmt: skip
def descent_turns_subcritical(quartic=1.0):
    """The flip of gradient descent at η = 2 on w²/2 + a w³/3 + w⁴/4 is supercritical for a² > 1/2 and subcritical for a² ≤ 1/2:
    in the normal form w ↦ −w + c w³ + e w⁵ at the edge c = 4a² − 2, and e = −8 where c = 0.

    ``c``, ``e there``: exactly. Beside them numbers of the package: the generalised flip on the curve of flips in (η, a), and
    from 2-cycles of the half widths 0.1, 0.05 and 0.025 at that a the limit of (η − 2)/ρ⁴, extrapolated in ρ² twice. The
    tolerance is what the terms left out are worth.
    """
    found = _turns(_flip(_descent(0.0, 0.8, quartic), 2.0), 2.0)
    flip = _flip(_descent(0.0, found[0][0], quartic), 2.0)
    widths = {f"width {rho}": f"max(w) - min(w) - {2 * rho}" for rho in (0.1, 0.05, 0.025)}
    zeros = flip.switch(functions=widths).zeros
    by_width = {float(zero.function.split()[1]): zero.parameter - 2 for zero in zeros}
    coarse, middle, fine = (by_width[rho] / rho**4 for rho in (0.1, 0.05, 0.025))
    first, second = middle + (middle - coarse) / 3, fine + (fine - middle) / 3
    c, e = _normal_form(quartic)
    return {"c": c, "e there": e, "a": [a for a, _ in found], "e": second + (second - first) / 15}


def _folds_by_formula(sizes=SIZES):
    """(3s/a + 2)³ = 9/(2a²) − 1 put into the branch, with 30 digits; the law near a² = 1/2."""
    with mp.workdps(30):
        folds = []
        for a in map(mp.mpf, map(str, sizes)):
            s = a * (mp.cbrt(9 / (2 * a * a) - 1) - 2) / 3
            folds.append(float((2 * a + 3 * s) / ((1 + a * s + s * s) * (a + s))))
    return {"fold": folds, "law": 1.0}


@CLAIMS.add(
    "descent",
    {"fold": near(_folds_by_formula()["fold"], 1e-11), "law": near(1.0, 5e-4), "below": ["cycle"] * 3,
     "beyond": ["divergent"] * 3},
    Control("the loss with w⁴/2, whose folds are elsewhere", changes={"quartic": 2.0, "sizes": (1.02, 1.1, 1.2)}),
    second=_folds_by_formula, figure="hysteresis",
    domain="w²/2 + a w³/3 + w⁴/4, one weight, a = 0.72, 0.8 and 0.9; the law as 2a² − 1 → 0 from above; orbits from 0.05",
    examples="a = 0.72, 0.8 and 0.9; the law at 2a² − 1 = 0.04, 0.02 and 0.01",
    perturbations=(Control("a larger by a hundredth", changes={"sizes": (0.73, 0.81, 0.91)}),),
)  # fmt: skip
def soft_onsets_that_end_at_once(quartic=1.0, sizes=SIZES):
    """Where the flip of gradient descent on w²/2 + a w³/3 + w⁴/4 has just become supercritical, its stable 2-cycle lives only up
    to a fold at η = 2 + (2a² − 1)²/8 + O((2a² − 1)³), and beyond it orbits from 0.05 diverge.

    Folds of the doubled cycle for a = 0.72, 0.8 and 0.9 against the closed form; their distance from the flip over (2a² −
    1)²/8 at 2a² − 1 = 0.04, 0.02 and 0.01, extrapolated; and what an orbit from 0.05 ends on a millionth before and behind
    each fold.
    """

    def fold(a):
        return [s.parameter for s in _flip(_descent(0.0, a, quartic), 2.0).switch().bifurcations if s.kind == "fold"][0]

    found = [fold(a) for a in sizes]
    near_by = [8 * (fold(math.sqrt((1 + d) / 2)) - 2) / d**2 for d in (0.04, 0.02, 0.01)] if quartic == 1 else [math.nan] * 3
    first, second = 2 * near_by[1] - near_by[0], 2 * near_by[2] - near_by[1]
    ends = [[cf.analysis.classify(_descent(0.0, a, quartic).at(lr=lr + shift), [0.05]).kind
             for a, lr in zip(sizes, found, strict=True)] for shift in (-1e-6, 1e-6)]  # fmt: skip
    return {"fold": found, "law": (4 * second - first) / 3, "below": ends[0], "beyond": ends[1]}


def _momentum_by_formula(betas=BETAS):
    fold = _folds_by_formula((0.8,))["fold"][0]
    sizes = [(1 + b) / (1 - b) * (4 * 0.64 - 2) / (1 + 1 / (1 + b) ** 2) for b in betas]
    return {"a": [1 / math.sqrt(2)] * len(betas), "coefficient": sizes, "fold": [fold] * len(betas)}


@CLAIMS.add(
    "heavy ball", {name: near(value, 1e-9) for name, value in _momentum_by_formula().items()},
    Control("momentum as an average of gradients, m ← βm + (1 − β)g, at the rates of heavy ball", changes={"average": True}),
    second=_momentum_by_formula,
    domain="w²/2 + a w³/3 + w⁴/4, one weight; heavy ball w ← w − ηv, v ← βv + g, 0 < β < 1",
    examples="β = 0.3 and 0.9; fold and coefficient at a = 0.8",
    perturbations=(Control("β = 0.31 in place of 0.3", changes={"betas": (0.31, 0.9)}),),
)  # fmt: skip
def momentum_leaves_the_onset_as_it_is(average=False, betas=BETAS):
    """Heavy ball's flip at η = 2(1 + β) turns subcritical at a² = 1/2 as that of gradient descent, and its 2-cycle folds at 1 +
    β times descent's rate, for every β; its coefficient, in the unit vector of (w, v), is (4a² − 2)(1 + β)/(1 − β)/(1 + 1/(1 +
    β)²).

    β = 0.3 and 0.9: the generalised flip in (η, a), and at a = 0.8 the coefficient of the flip and the fold of its 2-cycle.
    """
    found = {"a": [], "coefficient": [], "fold": []}
    for beta in betas:
        edge, step = 2 * (1 + beta), _descent(beta, 0.8)
        if average:
            step = cf.as_map(LOSS, cf.optimizers.ema_momentum(lr=edge, momentum=beta))
            edge /= 1 - beta
        flip = _flip(step, edge)
        found["a"] += [a for a, _ in _turns(flip, edge)]
        found["coefficient"].append(flip.coefficient)
        found["fold"] += [s.parameter / (1 + beta) for s in flip.switch().bifurcations if s.kind == "fold"]
    return found


def figures():
    """The 2-cycles of descent around a² = 1/2: none, or soft ones that end in a fold."""
    return {"hysteresis": _descent_drawn}


def _descent_drawn():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for a, shade in ((0.6, "#c2412d"), (0.7, "#b8862b"), (0.8, "#2e8b6f"), (0.9, "#1f5fa8")):
        branch = _flip(_descent(0.0, a), 2.0).switch(stop="max(w) - min(w) = 1.6")
        _two_styles(axes, branch, branch.parameter, np.ptp(branch.points[:, :, 0], axis=1) / 2, shade, f"a = {a}")
    axes.axvline(2, color="#b8bec6", linewidth=0.7, zorder=0)
    axes.set(xlabel="learning rate η", ylabel="half width of the 2-cycle", ylim=(0, 0.8), xlim=(1.8, 2.05))
    axes.legend(title="solid: stable")
    return figure


def _two_styles(axes, branch, x, y, shade, label):
    """Solid where stable, dashed where not."""
    for stable, style in ((True, "-"), (False, "--")):
        axes.plot(x, np.where(branch.stable == stable, y, np.nan), style, color=shade, label=label if stable else None)
