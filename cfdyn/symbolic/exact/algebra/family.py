"""One irreducible family of cycles: its points, multipliers, and conditions for bifurcations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from cfdyn.symbolic.exact.algebra.closed import shown, square_roots, tidy
from cfdyn.symbolic.exact.algebra.conditions import conditions
from cfdyn.symbolic.exact.algebra.quotient import Quotient

MOST_CYCLES, MOST_MULTIPLIER = 4, 8  # in a family, and its degree, up to which the multipliers' polynomial fits a line
KINDS = ("flip", "fold", "neimark-sacker")
DIGITS = 50  # double roots keep half of them


@dataclass
class System:
    """The map, its variables, the parameters that stay symbols, and the values of these."""

    f: list[sp.Expr]
    z: list[sp.Symbol]
    parameters: list[sp.Symbol]
    values: dict[sp.Symbol, sp.Rational]
    t: sp.Symbol

    @cached_property
    def jacobian(self) -> list[list[sp.Expr]]:
        """∂f_i/∂z_j."""
        return [[sp.diff(row, column) for column in self.z] for row in self.f]


class Family:
    """The n-cycles through the roots of an irreducible polynomial q of one coordinate, of which ``start`` gives all others."""

    def __init__(self, system: System, q: sp.Expr, x: sp.Symbol, n: int, start: Sequence[sp.Expr]):
        self.system, self.equation, self.x, self.n = system, q, x, n
        self.ring = Quotient(q, x, system.parameters)
        self.points = [[self.ring.ratio(entry) for entry in start]]
        for _ in range(n):
            self.points.append([self.ring.at(f, system.z, self.points[-1]) for f in system.f])

    @property
    def count(self) -> int:
        """The number of cycles, including complex ones."""
        return self.ring.degree // self.n

    def has_period(self, d: int) -> bool:
        """True if f^d is the identity on the points."""
        return self.points[d] == self.points[0]

    @property
    def is_symmetric(self) -> bool:
        """True if the image −z of a point lies on the same cycle, half a period later."""
        return self.n % 2 == 0 and self.points[self.n // 2] == [-entry for entry in self.points[0]]

    @cached_property
    def product(self) -> list[list[sp.Poly]]:
        """The Jacobian of f^n, entry by entry."""
        ring, total = self.ring, None
        for point in self.points[: self.n]:
            factor = [[ring.at(entry, self.system.z, point) for entry in row] for row in self.system.jacobian]
            total = factor if total is None else self._multiplied(factor, total)
        assert total is not None
        return total

    def _multiplied(self, a: list[list[sp.Poly]], b: list[list[sp.Poly]]) -> list[list[sp.Poly]]:
        zero, size = self.ring.one * 0, range(len(a))
        return [[sum((self.ring.times(a[i][k], b[k][j]) for k in size), zero) for j in size] for i in size]

    def shifted(self, value: sp.Expr) -> sp.Poly:
        """det(J − value), which vanishes where that value is a multiplier."""
        shift = self.ring.one * sp.Poly(value, self.x, domain=self.ring.domain)
        rows = [[entry - shift if i == j else entry for j, entry in enumerate(row)] for i, row in enumerate(self.product)]
        return self.ring.determinant(rows)

    def multiplier_polynomial(self) -> sp.Expr | None:
        """The polynomial in t whose roots are the multipliers of all cycles of the family, each once; None if too large."""
        t, size = self.system.t, len(self.system.z)
        if size == 1 and self.count == 1 and not self.product[0][0].degree() > 0:
            return sp.fraction(sp.together(t - self.product[0][0].as_expr()))[0]
        if self.count > MOST_CYCLES or self.ring.degree > MOST_MULTIPLIER:
            return None
        if size == 1:
            full = self.ring.characteristic(self.product[0][0], t)
        elif size == 2 and self.count == 1 and not any(c.degree() > 0 for c in (self._trace(), self.shifted(sp.S.Zero))):
            full = t**2 - self._trace().as_expr() * t + self.shifted(sp.S.Zero).as_expr()
        else:
            return None
        candidates = [f for f, _ in sp.factor_list(sp.fraction(sp.together(full))[0])[1] if f.has(t)]
        return sp.Mul(*candidates) if candidates else None

    def _trace(self) -> sp.Poly:
        return sum((row[i] for i, row in enumerate(self.product)), self.ring.one * 0)

    def multipliers(self, polynomial: sp.Expr | None, roots: Sequence[sp.Expr]) -> list[sp.Expr]:
        """Formulas of the multipliers: one for each fixed point, else one for each cycle that differs."""
        if self.n == 1 and len(self.system.z) == 1 and roots:
            element = self.product[0][0].as_expr()
            return [tidy(sp.radsimp(sp.expand(element.subs(self.x, root)))) for root in roots]
        if polynomial is None:
            return []
        t = self.system.t
        factors = [f for f, _ in sp.factor_list(polynomial)[1] if f.has(t)]
        parts = [square_roots(f, t) if sp.degree(f, t) <= 2 else [] for f in factors]
        return [tidy(m) for group in parts for m in group] if all(parts) else []

    def resonance(self, k: int) -> sp.Poly:
        """The function on the points that vanishes where a multiplier is a primitive k-th root of unity."""
        size = len(self.product)
        unit = [[self.ring.one * int(i == j) for j in range(size)] for i in range(size)]
        total = [[entry * 0 for entry in row] for row in unit]
        for c in sp.Poly(sp.cyclotomic_poly(k, self.system.t), self.system.t).all_coeffs():
            raised = self._multiplied(total, self.product)
            total = [[a + b * int(c) for a, b in zip(*rows)] for rows in zip(raised, unit)]
        return self.ring.determinant(total)

    def mark(self, kind: str) -> sp.Poly:
        """The function on the points that vanishes at a bifurcation."""
        if kind == "neimark-sacker":
            return self.shifted(sp.S.Zero) - self.ring.one
        return self.shifted(sp.S.NegativeOne if kind == "flip" else sp.S.One)

    def bifurcations(self, kinds: Sequence[str] = KINDS) -> list[dict[str, Any]]:
        """The conditions for a multiplier −1 or +1, and in the plane for two with the product 1."""
        places = []
        for kind in kinds if len(self.system.z) == 2 else [k for k in kinds if k != "neimark-sacker"]:
            element = self.mark(kind)
            for factor in self.ring.zeros(element):
                lost = self._lost(factor)
                if lost < self.ring.degree:  # not all points are at infinity
                    (condition,) = conditions(kind, [factor], self.system.parameters, self.system.values)
                    for root in condition["roots"]:
                        root.update(self._place(kind, element, root["value"], lost))
                    # Where the points continue alone, others pass through them.
                    if kind == "fold" and condition["roots"] and not any(root["merge"] for root in condition["roots"]):
                        condition["kind"] = "branch point"
                    places += self._of_saddles(condition) if kind == "neimark-sacker" else [condition]
        return places

    def _of_saddles(self, condition: dict[str, Any]) -> list[dict[str, Any]]:
        """The condition, and apart the roots where two real multipliers have the product 1 and nothing bifurcates."""
        saddles = [root for root in condition["roots"] if root["saddle"]]
        if not saddles:
            return [condition]
        others = [root for root in condition["roots"] if not root["saddle"]]
        split = [{**condition, "kind": "neutral saddle", "roots": saddles}]
        return [{**condition, "roots": others}, *split] if others else split

    def _lost(self, factor: sp.Expr) -> int:
        """The number of points at infinity where this factor of the parameters vanishes, and q's leading coefficients with it."""
        coefficients = self.ring.q.clear_denoms(convert=True)[1].all_coeffs()
        return next(k for k, c in enumerate(coefficients) if sp.rem(c, factor, *self.system.parameters) != 0)

    def _place(self, kind: str, element: sp.Poly, value: str, lost: int) -> dict[str, Any]:
        """The real points meeting the condition ("real": None if unknown), whether two merge, whether multipliers are real."""
        given = {s: v for s, v in self.system.values.items() if s != self.system.parameters[0]}
        with mpmath.workdps(DIGITS):
            at = {**given, self.system.parameters[0]: sp.Float(value, DIGITS)}
            q, test = numbers(self.ring.q, at)[lost:], numbers(element, at)
            try:
                # Where two cycles of the family meet, q has double roots, which are simple roots of its derivative.
                double = [z for z in zeros(derivative(q)) if vanishes(q, z)] if kind == "fold" else []
                met = double or [z for z in zeros(q) if abs(mpmath.polyval(test, z)) < 1e-10]
            except mpmath.libmp.NoConvergence:
                return {"real": None, "points": [], "merge": True, "saddle": False}
            real = [mpmath.re(z) for z in met if abs(mpmath.im(z)) < 1e-12 * (1 + abs(z))]
            trace = numbers(self._trace(), at) if kind == "neimark-sacker" else []
            saddle = bool(real and trace) and all(abs(mpmath.polyval(trace, z)) >= 2 - 1e-20 for z in real)
        return {"real": bool(real), "points": sorted(map(float, real)), "merge": bool(double), "saddle": saddle}

    def to_json(self) -> dict[str, Any]:
        """The family without its conditions, which may take long to compute."""
        roots = square_roots(self.equation, self.x)
        polynomial = self.multiplier_polynomial()
        return {
            "kind": "fixed points" if self.n == 1 else "symmetric cycles" if self.is_symmetric else "cycles",
            "equation": shown(self.equation), "unknown": self.x.name, "degree": self.ring.degree, "count": self.count,
            "coordinates": [shown(tidy(sp.factor(entry.as_expr()))) for entry in self.points[0]],
            "roots": [shown(root) for root in roots],
            "multipliers": [shown(m) for m in self.multipliers(polynomial, roots)],
            "multiplier_polynomial": None if polynomial is None else shown(sp.collect(sp.expand(polynomial), self.system.t)),
        }  # fmt: skip


def numbers(polynomial: sp.Poly, at: Mapping[sp.Symbol, Any]) -> list:
    """The coefficients at these values of the parameters, highest power first."""
    coefficients = [sp.N(c.subs(at), DIGITS) for c in polynomial.all_coeffs()]
    return [mpmath.mpmathify(str(c)) for c in coefficients]


def derivative(coefficients: list) -> list:
    """The coefficients of the derivative."""
    n = len(coefficients) - 1
    return [(n - i) * c for i, c in enumerate(coefficients[:-1])]


def zeros(coefficients: list) -> list:
    """All roots, refined from those in floats; `mpmath.libmp.NoConvergence` for roots that are too close to each other.

    >>> [mpmath.nstr(z, 8) for z in zeros([mpmath.mpf(1), mpmath.mpf(0), mpmath.mpf(-2)])]
    ['-1.4142136', '1.4142136']
    """
    if len(coefficients) < 3:
        return [-coefficients[1] / coefficients[0]] if len(coefficients) == 2 else []
    near = np.roots([complex(c / coefficients[0]) for c in coefficients])
    start = list(near) if len(near) == len(coefficients) - 1 and np.isfinite(near).all() else None
    return mpmath.polyroots(coefficients, maxsteps=400, extraprec=100, roots_init=start)


def vanishes(coefficients: list, z: Any) -> bool:
    """True if z is a root up to round-off."""
    return abs(mpmath.polyval(coefficients, z)) <= 1e-20 * mpmath.polyval([abs(c) for c in coefficients], abs(z))
