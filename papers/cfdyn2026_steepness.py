"""The developers of cfdyn, *Period three of gradient descent on convex losses of one variable*, this project (2026).

Each number is the result of `cf.claims.search`, continuation or algebra, and is computed a second time without cfdyn.

*A corner, smoothed.* The one-sided quadratic with η·max L″ = 3 has the critical 3-cycle 0 → s → −s. Replace max(w, 0) by ε
ℓ(w/ε), ℓ = log(1 + eᵗ), and let the slopes be 1 and 1 − (3 + δ). Then w₀ = εt gives δ = ε(6ℓ(t) − 3t)/s + O(ε²), least at t = 0:
δ = 6 ln 2 · ε/s.

*Convex quartics.* L = w⁴/4 + (1−A)w²/2 + γw, A ≤ 1, is every convex one up to scale, with w ← Aw − w³ − γ. In a 3-cycle two of
the three steps x−y, y−z, z−x have one sign; their ratio is r = A − (x² + xy + y²), 0 < r ≤ A. Eliminating leaves, with Q = 1 + r
+ r², A = r + (1+r+r²)D/3 + c²/(3D) − c(1+2r)/3, c = Q/(r(1+r)), D = (x−y)² free; its minimum over D is at least 1 iff 4Q³ −
(3r(1−r²) + Q(1+2r))² ≥ 0, which is 3(r³ + 3r² − 1)². So there is no 3-cycle at A < 1, at any learning rate.
"""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import sympy as sp
from scipy.optimize import fsolve, linprog, minimize, minimize_scalar

import cfdyn as cf
from cfdyn.claims import Claims, Control, Family, Statement, near

CLAIMS = Claims(__name__, __doc__, read="the paper")
ROWS = 129  # points of the hull of a cycle at which L″ counts


def _exact_at_points():
    """The identity of two polynomials of degree at most 6 at 13 fractions."""
    same = []
    for k in range(13):
        r = Fraction(k - 4, 3)
        q = 1 + r + r * r
        same.append(4 * q**3 - (3 * r * (1 - r * r) + q * (1 + 2 * r)) ** 2 == 3 * (r**3 + 3 * r * r - 1) ** 2)
    return {"never negative": all(same)}


@CLAIMS.add(
    "convex quartics", {"elimination": True, "never negative": True},
    Control("A up to 1.01: quartics that are not convex", changes={"most": "101/100"}),
    proof="exact algebra: elimination and sign of the polynomial in SymPy; the least over D by the inequality of the means",
    domain="quartic polynomials of one variable with L″ > 0 everywhere; gradient descent, all η > 0",
    perturbations=[Control("A up to 1.001", changes={"most": "1001/1000"})],
    second=_exact_at_points,
)  # fmt: skip
def convex_quartic(most="1"):
    """Gradient descent on a quartic polynomial of one variable whose curvature is positive everywhere has no 3-cycle, at any
    learning rate.

    The elimination of the derivation is done by SymPy: points y + d, y, y − rd. "never negative": the polynomial to which
    A < most reduces has no root of odd multiplicity in (0, most], and is positive at a sample.
    """
    r, d, a = sp.symbols("r d A", positive=True)
    total, bound = 1 + r + r**2, sp.Rational(most)
    c = total / (r * (1 + r))
    y = -(d**2 * (1 - r) + c) / (3 * d)
    x, z = y + d, y - r * d
    ratios = [r, -(1 + r) / r, -1 / (1 + r)]
    gaps = [a - (p**2 + p * q + q**2) - ratio for (p, q), ratio in zip([(x, y), (y, z), (z, x)], ratios, strict=True)]
    formula = r + total * d**2 / 3 + c**2 / (3 * d**2) - c * (1 + 2 * r) / 3
    solved = all(sp.simplify(gap.subs(a, formula)) == 0 for gap in gaps)
    closed = sp.simplify(ratios[0] * ratios[1] * ratios[2] - 1) == 0 and sp.simplify(1 + r + r * ratios[1]) == 0
    # By the means the least value over d is r + (c/3)(2√Q − 1 − 2r); both sides of what is squared are positive for r ≤ most.
    left = sp.Poly(sp.expand(4 * total**3 - (3 * (bound - r) * r * (1 + r) + total * (1 + 2 * r)) ** 2), r)
    odd = [factor for factor, power in left.factor_list()[1] if power % 2]
    crossing = sum(factor.count_roots(0, bound) for factor in odd)
    return {"elimination": bool(solved and closed), "never negative": bool(crossing == 0 and left.eval(bound / 2) > 0)}


def _program(degree, share, count=400, far=50.0):
    """The least max L″ on [0, 1] of L″ ≥ 0 of a degree, where 0 → share → 1 → 0 under w − L′: a linear program."""
    chebyshev = np.polynomial.chebyshev
    units = np.eye(degree + 1)
    inside = (1 - np.cos(np.linspace(0, np.pi, count))) / 2
    outside = np.geomspace(1e-4, far, 200)
    values = lambda w: np.stack([chebyshev.chebval(2 * w - 1, unit) for unit in units], -1)  # noqa: E731
    area = lambda low, high: [  # noqa: E731
        (chebyshev.chebval(2 * high - 1, chebyshev.chebint(unit)) - chebyshev.chebval(2 * low - 1, chebyshev.chebint(unit))) / 2
        for unit in units
    ]
    rows, beyond = values(inside), values(np.concatenate([-outside, 1 + outside]))
    beyond /= np.abs(beyond).max(axis=1)[:, None]
    zeros = np.zeros((count, 1))
    upper = np.block([[rows, zeros - 1], [-rows, zeros], [-beyond, np.zeros((len(beyond), 1))]])
    equal = [[*area(0, share), 0], [*area(share, 1), 0]]
    found = linprog([*np.zeros(degree + 1), 1], upper, np.zeros(len(upper)), equal, [2 * share - 1, 2 - share],
                    bounds=[(None, None)] * (degree + 2))  # fmt: skip
    return found.fun if found.status == 0 else math.inf


def _by_programs():
    """Least over the place of the middle point; the other order is the reflection."""
    least = {}
    for name, degree in (("sextic", 4), ("octic", 6)):
        shares = np.linspace(0.35, 0.9, 23)
        best = shares[int(np.argmin([_program(degree, share) for share in shares]))]
        least[name] = float(
            minimize_scalar(lambda s, n=degree: _program(n, s), bounds=(best - 0.025, best + 0.025), method="bounded").fun
        )
    return least


@CLAIMS.add(
    "polynomials", {"sextic": near(6.22831, 2e-3), "octic": near(3.90522, 2e-3)},
    Control("degrees 8 and 10 in place of 6 and 8", changes={"halves": (3, 4)}), slow=True, second=_by_programs,
    domain="convex polynomials of one variable of degree 6 and 8; gradient descent, max L″ over the hull of the 3-cycle",
    perturbations=[Control("degree 6 twice", changes={"halves": (2, 2)})],
)  # fmt: skip
def polynomials(halves=(2, 3), seeds=(0, 1, 2)):
    """A 3-cycle of gradient descent on a convex polynomial needs η max L″ of 6.228 at degree 6 and 3.905 at degree 8, L″ taken
    between the points of the cycle: the least that a search and linear programs found, no proof.

    L″ = p² + q², which is every polynomial without negative values. The least of three searches, seeds 0, 1 and 2: one may stop
    at a local minimum, as seed 0 did at 5.94 for degree 8. The search sees L″ at 129 points of the hull; what is
    reported is the maximum at 4001, and the linear program of the second computation finds the same.
    """
    return dict(zip(("sextic", "octic"), (min(_least_of_squares(half, seed) for seed in seeds) for half in halves), strict=True))


@cache
def _least_of_squares(half, seed):
    names = [[f"p{i}" for i in range(half + 1)], [f"q{i}" for i in range(half)]]
    terms = [f"{a}*{b}*w**{i + j + 1}/{i + j + 1}" for row in names for i, a in enumerate(row) for j, b in enumerate(row)]
    step = cf.Map.from_text(f"w - (g + {' + '.join(terms)})", "w", {**dict.fromkeys(sum(names, []), 0.5), "g": 0.0})

    def curvatures(step, points, rows=ROWS):
        w = np.linspace(points.min(), points.max(), rows)
        return sum(np.polyval([step.params[name] for name in reversed(row)], w) ** 2 for row in names)

    family = Family(step, None, {**dict.fromkeys(sum(names, []), (-6, 6)), "g": (-2, 2)}, [(-1.5, 1.5)])
    found = cf.claims.search(Statement("no 3-cycle", (3,), quantity=curvatures), family, starts=10, seed=seed).hit
    return math.inf if found is None else float(curvatures(family.member(found.params), found.points, 4001).max())


def _corner_by_folds():
    """The same from SciPy's root finder, with the softplus of NumPy."""

    def least(eps):
        soft, step = lambda w: eps * np.logaddexp(0, w / eps), lambda w: 1 / (1 + np.exp(-np.clip(w / eps, -700, 700)))
        equations = lambda u: [  # noqa: E731
            *(u[1:] + 1 - u[0] * soft(u[1:]) - np.roll(u[1:], -1)), np.prod(1 - u[0] * step(u[1:])) - 1,
        ]  # fmt: skip
        return fsolve(equations, [3 + 4.2 * eps, 0.0, 1.0, -1.0], xtol=1e-12)[0] - 3

    excess = [least(eps) for eps in (0.002, 0.001)]
    return {"slope": float(2 * excess[1] / 0.001 - excess[0] / 0.002), "order": math.log2(excess[0] / excess[1])}


@CLAIMS.add(
    "a corner, smoothed", {"slope": near(6 * math.log(2), relative=0.002), "order": near(1.0, 0.01)},
    Control("slopes 1/2 and 1 − η L″ in place of 1: L strongly convex", changes={"flat": 0.5}), second=_corner_by_folds,
    domain="−w + c max(w, 0)²/2 with max(w, 0) replaced by ε log(1 + exp(w/ε)), one weight, η = 1, s = 1; to first order in ε",
    examples="ε = 0.004, 0.002 and 0.001",
    perturbations=[Control("a slope of 0.99 in place of 1 on the flat side", changes={"flat": 0.01})],
)  # fmt: skip
def corner(flat=0.0):
    """A one-sided quadratic whose corner is smoothed by a softplus of width ε has a 3-cycle from η max L″ = 3 + 6 ln 2 · ε/s +
    O(ε²) on, s = −η L′(−∞).

    The least η max L″ by the search, at ε = 0.004, 0.002, 0.001; slope: by Richardson, from the last two; order: of the
    excess over 3.
    """
    excess = [_least_at_corner(eps, flat) - 3 for eps in (0.004, 0.002, 0.001)]
    return {"slope": 2 * excess[2] / 0.001 - excess[1] / 0.002, "order": math.log2(excess[1] / excess[2]), "excess": excess}


def _least_at_corner(eps, flat):
    step = cf.Map.from_text("w + 1 - flat*w - (c - flat)*eps*softplus(w/eps)", "w", {"c": 3.1, "eps": eps, "flat": flat})
    family = Family(step, None, {"c": (2.5, 4.5)}, [(-2, 2)])
    return cf.claims.search(
        Statement("no 3-cycle", (3,), quantity=lambda step, points: step.params["c"]), family, starts=4
    ).hit.quantity


def _bells(u):
    """Least η max L″ over the fold of the sum of two softplus terms with steepness k, weight ratio and distance given."""
    k, ratio, d = u
    sig = lambda t: 1 / (1 + np.exp(-np.clip(t, -700, 700)))  # noqa: E731
    slope = lambda w: k * sig(k * w) * sig(-k * w) + ratio * sig(w - d) * sig(d - w)  # noqa: E731
    equations = lambda v: [  # noqa: E731
        *(v[1:] - v[0] * (sig(k * v[1:]) - ratio * sig(d - v[1:])) - np.roll(v[1:], -1)), np.prod(1 - v[0] * slope(v[1:])) - 1,
    ]  # fmt: skip
    found, _, status, _ = fsolve(equations, [26.23, -16.67, -6.56, 1.53], full_output=True, xtol=1e-12)
    return (
        found[0] * slope(np.linspace(min(0, d), max(0, d), 4001)).max()
        if status == 1 and found[0] > 1 and np.ptp(found[1:]) > 1
        else 9.0
    )


def _by_bells():
    best = minimize(
        _bells, [0.536, 0.3854, -4.614], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 2000}
    )
    return {"least η max L″": float(best.fun)}


@CLAIMS.add(
    "two softplus terms", {"least η max L″": near(3.6285171, 2e-3)},
    Control("a distance of at most 1 between the two", changes={"apart": 1.0}), slow=True, second=_by_bells,
    domain="p log(1 + exp(kw))/k + q log(1 + exp(d − w)), one weight, p, q from 1 to 100, 0.1 ≤ k ≤ 1, |d| ≤ 20; η = 1",
    perturbations=[Control("1 % less", {"least η max L″": near(0.99 * 3.6285171, 2e-3)})],
)  # fmt: skip
@cache
def two_softplus(apart=20.0, seed=0):
    """On p log(1 + exp(kw))/k + q log(1 + exp(d − w)) the least η max L″ of a 3-cycle that searches found is 3.6285.

    p, q from 1 to 100, |d| ≤ 20, k from 0.1 to 1 (else the terms are exchanged); η is in p and q. L″ at 33 points between 0 and d
    in the search, at 4001 in what is reported.
    """

    def bell(t):
        return 1 / (2 + 2 * np.cosh(np.clip(t, -300, 300)))

    def curvatures(step, points, rows=33):
        value, w = step.params, np.linspace(0, step.params["d"], rows)
        return value["p"] * value["k"] * bell(value["k"] * w) + value["q"] * bell(w - value["d"])

    step = cf.Map.from_text("w - p*sigmoid(k*w) + q*sigmoid(d - w)", "w", {"p": 3.0, "k": 1.0, "q": 1.0, "d": 0.0})
    box = {"p": (1.0, 100.0), "k": (0.1, 1.0), "q": (1.0, 100.0), "d": (-apart, apart)}
    found = cf.claims.search(Statement("no 3-cycle", (3,), quantity=curvatures), Family(step, None, box, [(-40, 40)]), 60, seed)
    least = curvatures(step.at(**found.hit.params), found.hit.points, 4001).max()
    return {"least η max L″": float(least), **found.hit.params, "cycles": found.cycles, "evaluations": found.evaluations}


def _by_one_bell():
    """Least η max L″ of the folds for p(σ(w) − c), over c."""

    def at_fold(c):
        sig = lambda t: 1 / (1 + np.exp(-t))  # noqa: E731
        equations = lambda v: [  # noqa: E731
            *(v[1:] - v[0] * (sig(v[1:]) - c) - np.roll(v[1:], -1)), np.prod(1 - v[0] * sig(v[1:]) * sig(-v[1:])) - 1,
        ]  # fmt: skip
        return fsolve(equations, [17.876, -7.5092, -2.28197, 1.29922], xtol=1e-13)[0] / 4

    return {"least η max L″": float(minimize_scalar(at_fold, bounds=(0.27, 0.32), method="bounded", options={"xatol": 1e-9}).fun)}


@CLAIMS.add(
    "two softplus terms", {"least η max L″": near(4.46906209, 1e-6)},
    Control("k up to 0.5 and q from 5 on: the two terms are not alike", changes={"most": 0.5, "least": 5.0}), slow=True,
    second=_by_one_bell,
    domain="p log(1 + eʷ) + (q/k) log(1 + exp(kw)) − cw, one weight, p, q, c up to 100, 0.01 ≤ k ≤ 1; η = 1",
    perturbations=[Control("0.1 % less", {"least η max L″": near(0.999 * 4.46906209, 1e-6)})],
)  # fmt: skip
@cache
def bells_at_one_place(most=1.0, least=0.001, seed=0):
    """Two softplus terms with curvature at the same place and a linear term, as in logistic regression on one feature, had
    3-cycles in a search from η max L″ = 4.46906 on, the least value of one term: the two become one.

    w − pσ(w) − qσ(kw) + c, p, q, c up to 100, k from 0.01 to 1; max L″ = (p + qk)/4 is at 0. One term: c/p = 0.293.
    """
    step = cf.Map.from_text("w - p*sigmoid(w) - q*sigmoid(k*w) + c", "w", {"p": 3.0, "k": 1.0, "q": 1.0, "c": 2.0})
    steep = lambda step, points: (step.params["p"] + step.params["q"] * step.params["k"]) / 4  # noqa: E731
    box = {"p": (0.01, 100.0), "k": (0.01, most), "q": (least, 100.0), "c": (0.1, 100.0)}
    found = cf.claims.search(Statement("no 3-cycle", (3,), quantity=steep), Family(step, None, box, [(-40, 40)]), 24, seed)
    return {"least η max L″": found.hit.quantity, "k": found.hit.params["k"], "evaluations": found.evaluations}
