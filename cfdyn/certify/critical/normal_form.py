"""Coefficients of the normal form at a fold, flip or Neimark–Sacker point of a cycle, in balls.

Everything comes from series of gⁿ along curves z + s u + s² w, λ + s² λ₂: their coefficient of s² is B(u, u)/2 + A w + λ₂ G_λ,
that of s³ is C(u, u, u)/6 + B(u, w) + λ₂ A_λ u. Formulas: Kuznetsov, Elements of Applied Bifurcation Theory (3rd ed., 2004),
(5.46), (5.53) and (5.74). The scale is that of `cf.analysis.normal_form`: (1/n) Σ |q_k|² = 1 over the points, p·q = 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flint import acb, acb_mat, arb, arb_mat

from cfdyn.certify.critical.augmented import KINDS, Critical, series_program
from cfdyn.certify.shooting.multipliers import product

Vector = list[arb]


class Coefficients(NamedTuple):
    """``normal``: the coefficient; ``crossing``: the derivative of |μ| (for a flip: −μ) in λ, for a fold u + bλ + au²: b."""

    normal: arb
    crossing: arb


class Series:
    """gⁿ about the proven cycle: coefficients of s² and s³ along a curve."""

    def __init__(self, system: Critical, parameter: str, x: Sequence[arb]):
        self.system, self.x = system, list(x)
        self.program = system.about.enclosed(series_program(system.about, parameter))
        d = system.d
        locals_ = [system.slopes(system.local(x, i, 0)) for i in range(system.n)]
        slopes = [arb_mat([row[(2 * d + 1) * j : (2 * d + 1) * j + d] for j in range(d)]) for row in locals_]
        self.total = product(slopes)

    def along(self, u: Vector, w: Vector | None = None, moving: int = 0) -> tuple[Vector, Vector]:
        """The coefficients of s² and s³."""
        d, zero = self.system.d, [arb(0)] * self.system.d
        first, second, third = list(u), list(w or zero), list(zero)
        for i in range(self.system.n):
            # The point itself is known more accurately than its image.
            z = self.x[d * i : d * (i + 1)]
            program = self.program([*z, *first, *second, *third, self.x[self.system.at], arb(moving)])
            first, second, third = (program[d * k : d * (k + 1)] for k in (1, 2, 3))
        return second, third

    def quadratic(self, u: Vector, v: Vector) -> Vector:
        """B(u, v)."""
        both, one, other = (self.along(w)[0] for w in ([a + b for a, b in zip(u, v, strict=True)], u, v))
        return [a - b - c for a, b, c in zip(both, one, other, strict=True)]

    def cubic(self, u: Vector) -> Vector:
        """C(u, u, u)/6."""
        return self.along(u)[1]


def coefficients(system: Critical, parameter: str, x: Sequence[arb]) -> Coefficients:
    """The coefficients at the zero of a system, enclosed in the balls x."""
    series = Series(system, parameter, x)
    return _rotating(series) if system.kind == "neimark-sacker" else _real(series)


def _real(series: Series) -> Coefficients:
    """Fold: B(q, q)/2 and G_λ on p; flip: C/6 − B(q, (A − 1)⁻¹ B(q, q))/2 on p, with d(−μ)/dλ."""
    system, a = series.system, series.total
    q, zero = system.vector(series.x, 0), [arb(0)] * system.d
    p = left_vector(a, KINDS[system.kind], q)
    half = series.along(q)[0]
    by_parameter = series.along(zero, moving=1)[0]
    if system.kind == "fold":
        length = _mean_square(system, series.x).sqrt()
        return Coefficients(_dot(p, half) / length, _dot(p, by_parameter) * length)
    identity = arb_mat([[int(i == j) for j in range(system.d)] for i in range(system.d)])
    shift, moved = (_solve(a - identity, [-v for v in right]) for right in (half, by_parameter))
    normal = _dot(p, series.along(q, shift)[1]) / _mean_square(system, series.x)
    plain = series.along(q)[1]
    change = [v - w for v, w in zip(series.along(q, moved, moving=1)[1], plain, strict=True)]
    return Coefficients(normal, -_dot(p, change))


def left_vector(matrix: arb_mat, mu: int, q: Vector) -> Vector:
    """p with p·A = μ p and p·q = 1, from a bordered system that is regular where μ is simple."""
    d = matrix.nrows()
    rows: list[list[Any]] = [[matrix[j, i] - (mu if i == j else 0) for j in range(d)] + [q[i].mid()] for i in range(d)]
    rows.append([*q, arb(0)])
    return arb_mat(rows).solve(arb_mat(d + 1, 1, [0] * d + [1])).entries()[:d]


def _solve(matrix: arb_mat, right: Vector) -> Vector:
    return matrix.solve(arb_mat(len(right), 1, right)).entries()


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return sum((x * y for x, y in zip(a, b, strict=True)), arb(0))


def _rotating(series: Series) -> Coefficients:
    """Re(e^{−iθ} (p·C(q, q, q̄) + 2 p·B(q, (1 − A)⁻¹B(q, q̄)) + p·B(q̄, (e^{2iθ} − A)⁻¹B(q, q))))/2, and d|μ|/dλ."""
    system = series.system
    d, a = system.d, acb_mat(series.total)
    u, v = system.vector(series.x, 0, 0), system.vector(series.x, 0, 1)
    mu = acb(series.x[-2], series.x[-1])
    q = [acb(x, y) for x, y in zip(u, v, strict=True)]
    mirrored = [x.conjugate() for x in q]
    identity = acb_mat([[int(i == j) for j in range(d)] for i in range(d)])
    bordered = [[a[j, i] - (mu if i == j else 0) for j in range(d)] + [mirrored[i].mid()] for i in range(d)] + [[*q, acb(0)]]
    p = acb_mat(bordered).solve(acb_mat(d + 1, 1, [0] * d + [1])).entries()[:d]

    def quadratic(x: list[acb], y: list[acb]) -> list[acb]:
        parts = [series.quadratic(a, b) for a in _parts(x) for b in _parts(y)]
        return [acb(rr - ii, ri + ir) for rr, ri, ir, ii in zip(*parts, strict=True)]

    def solved(matrix: acb_mat, right: list[acb]) -> list[acb]:
        return matrix.solve(acb_mat(d, 1, right)).entries()

    third = _mixed(series.cubic, u, v)
    inner = solved(identity - a, quadratic(q, mirrored))
    outer = solved(mu * mu * identity - a, quadratic(q, q))
    terms = _dot(p, third) + 2 * _dot(p, quadratic(q, inner)) + _dot(p, quadratic(mirrored, outer))
    normal = acb(mu.conjugate() * terms).real / (2 * _mean_square(system, series.x))
    by_parameter = series.along([arb(0)] * d, moving=1)[0]
    moved = _solve(arb_mat([[int(i == j) for j in range(d)] for i in range(d)]) - series.total, by_parameter)
    change = [[e - f for e, f in zip(series.along(w, moved, moving=1)[1], series.along(w)[1], strict=True)] for w in (u, v)]
    speed = acb(mu.conjugate() * _dot(p, [acb(e, f) for e, f in zip(*change, strict=True)])).real
    return Coefficients(normal, speed)


def _parts(x: Sequence[Any]) -> tuple[Vector, Vector]:
    return [acb(e).real for e in x], [acb(e).imag for e in x]


def _mean_square(system: Critical, x: Sequence[arb]) -> arb:
    """(1/n) Σ |q_k|² over the points of the cycle."""
    vectors = [system.vector(x, i, k) for i in range(system.n) for k in range(system.vectors)]
    return sum((_dot(v, v) for v in vectors), arb(0)) / system.n


def _mixed(cubic: Callable[[Vector], Vector], u: Vector, v: Vector) -> list[acb]:
    """C(q, q, q̄) for q = u + iv from C(w, w, w)/6: C(u,u,u) + C(u,v,v) + i (C(u,u,v) + C(v,v,v))."""
    plus, minus = (cubic([x + k * y for x, y in zip(u, v, strict=True)]) for k in (1, -1))
    mixed = []
    for a, b, c, e in zip(cubic(u), cubic(v), plus, minus, strict=True):
        mixed.append(acb(6 * a + (c + e - 2 * a), (c - e - 2 * b) + 6 * b))
    return mixed
