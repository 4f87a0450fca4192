"""Cycles in several dimensions, reduced to one unknown by elimination."""

from collections.abc import Iterator
from typing import Any

import sympy as sp

from cfdyn.symbolic.exact.request import Refused

MOST_DEGREE = 64  # of the eliminant that factors in seconds
Candidate = tuple[sp.Expr, sp.Symbol, list[sp.Expr]]
Solved = dict[sp.Symbol, sp.Expr]


def candidates(system: Any, n: int) -> Iterator[Candidate]:
    """Irreducible polynomials q(x) of one coordinate x of the first point, with all coordinates as functions of x.

    Raises Refused if more than two unknowns remain, or if there is a continuum of cycles.

    Unknowns that occur linearly are eliminated one by one; if two remain, a resultant eliminates one of them. The candidates
    include cycles of periods that divide n, and possibly roots that are not cycles: test them.
    """
    points = [[sp.Symbol(f"{z.name}_{k}", real=True) for z in system.z] for k in range(n)]
    equations = []
    for k in range(n):
        here = dict(zip(system.z, points[k]))
        for target, f in zip(points[(k + 1) % n], system.f):
            equations.append(sp.fraction(sp.together(target - f.xreplace(here)))[0])
    equations, unknowns, solved = _left_over(equations, [s for point in points for s in point], points[0])
    x = unknowns[0]
    if len(unknowns) == 1:
        yield from _of_one(equations[0], system, x, solved, points[0])
    else:
        yield from _of_two(equations, unknowns, system, solved, points[0])


def _left_over(
    equations: list[sp.Expr], unknowns: list[sp.Symbol], first: list[sp.Symbol]
) -> tuple[list[sp.Expr], list[sp.Symbol], Solved]:
    """The equations and unknowns that remain after the linear ones are eliminated, an unknown of the first point in front."""
    solved: Solved = {}
    equations = [sp.expand(e) for e in equations]
    while len(unknowns) > 1:
        step = _linear(equations, unknowns, first)
        if step is None:
            break
        used, u, value = step
        solved = {s: e.xreplace({u: value}) for s, e in solved.items()} | {u: value}
        rest = [e for e in equations if e is not used]
        equations = [sp.expand(sp.fraction(sp.together(e.xreplace({u: value})))[0]) for e in rest]
        equations, unknowns = [e for e in equations if e != 0], [s for s in unknowns if s != u]
    if len(unknowns) > 2 or not any(s in first for s in unknowns):
        raise Refused(f"{len(unknowns)} unknowns are left after those that occur linearly, and two are the most")
    if len(equations) < len(unknowns):
        raise Refused("there is a continuum of cycles")
    return equations, sorted(unknowns, key=lambda s: s not in first), solved


def _linear(equations: list[sp.Expr], unknowns: list[sp.Symbol], first: list[sp.Symbol]) -> tuple | None:
    """An equation that is linear in an unknown, with a factor free of unknowns; those of the first point come last."""
    for u in sorted(unknowns, key=lambda s: len(first) - first.index(s) if s in first else 0):
        for equation in sorted(equations, key=sp.count_ops):
            if not equation.has(u):
                continue
            polynomial = sp.Poly(equation, u)
            if polynomial.degree() == 1 and not polynomial.LC().has(*unknowns):
                if u in first and sum(s in first for s in unknowns) == 1:
                    continue
                a, b = polynomial.all_coeffs()
                return equation, u, sp.together(-b / a)
    return None


def _of_one(equation: sp.Expr, system: Any, x: sp.Symbol, solved: Solved, first: list[sp.Symbol]) -> Iterator[Candidate]:
    _check_degree(equation, x)
    name = system.z[first.index(x)]
    for q, _ in sp.factor_list(equation)[1]:
        if q.has(x):
            yield q.xreplace({x: name}), name, [solved.get(s, s).xreplace({x: name}) for s in first]


def _of_two(
    equations: list[sp.Expr], unknowns: list[sp.Symbol], system: Any, solved: Solved, first: list[sp.Symbol]
) -> Iterator[Candidate]:
    """The other unknown is −b/a from the subresultant a u + b."""
    x, u = unknowns
    name = system.z[first.index(x)]
    alone = next((e for e in equations[:2] if not e.has(u)), None)
    if alone is not None:
        for q, _ in sp.factor_list(alone, x)[1]:
            yield from _sharing(equations, q, x, u, system, solved, first)
        return
    chain = sp.subresultants(*equations[:2], u)
    last = chain[-1]
    linear = next((c for c in chain if sp.degree(c, u) == 1), None)
    if linear is None or last.has(u):
        raise Refused("the equations have common solutions that a resultant does not separate")
    a, b = sp.Poly(linear, u).all_coeffs()
    back = {u: -b / a}
    for q, _ in sp.factor_list(last)[1]:
        if not q.has(x):
            continue
        _check_degree(q, x)
        if sp.rem(sp.Poly(a, x), sp.Poly(q, x, field=True)) == 0:
            yield from _sharing(equations, q, x, u, system, solved, first)
            continue
        yield q.xreplace({x: name}), name, [solved.get(s, s).xreplace(back).xreplace({x: name}) for s in first]


def _sharing(
    equations: list[sp.Expr], q: sp.Expr, x: sp.Symbol, u: sp.Symbol, system: Any, solved: Solved, first: list[sp.Symbol]
) -> Iterator[Candidate]:
    """Cycles whose first points share one x: the other unknown replaces it; Refused unless x is a plain ratio."""
    polynomial = sp.Poly(q, x)
    if polynomial.degree() > 1 or u not in first:
        raise Refused("some cycles share a coordinate, and a resultant does not separate them")
    b, a = polynomial.all_coeffs()[::-1]
    here, name = {x: sp.cancel(-b / a)}, system.z[first.index(u)]
    common = sp.gcd(*(sp.fraction(sp.together(e.subs(here)))[0] for e in equations[:2]))
    if common == 0:
        raise Refused("there is a continuum of cycles")
    for factor, _ in sp.factor_list(common, u)[1]:
        if factor.has(u):
            _check_degree(factor, u)
            yield factor.xreplace({u: name}), name, [solved.get(s, s).subs(here).xreplace({u: name}) for s in first]


def _check_degree(equation: sp.Expr, x: sp.Symbol) -> None:
    degree = sp.degree(equation, x)
    if degree > MOST_DEGREE:
        raise Refused(f"the points are roots of a polynomial of degree {degree}, and {MOST_DEGREE} is the most")
