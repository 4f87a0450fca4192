"""What there is in closed form where no polynomial rules: fixed points, and 2-cycles about a centre of symmetry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from cfdyn.symbolic.exact.closed import readable, shown, tidy
from cfdyn.symbolic.exact.conditions import conditions, factors
from cfdyn.symbolic.exact.family import System
from cfdyn.symbolic.exact.request import Refused

TRANSCENDENTAL = (sp.exp, sp.log, sp.erf, TrigonometricFunction, HyperbolicFunction)


def implicit(system: System, n: int) -> Iterator[dict[str, Any]]:
    """Fixed points by solving, 2-cycles x, −x of an odd map with the parameter as a function of x."""
    word = "transcendental" if any(f.has(*TRANSCENDENTAL) for f in system.f) else "no rational function"
    if len(system.z) > 1:
        raise Refused(f"its formula is {word} and has several variables")
    (x,), (f,) = system.z, system.f
    if n == 1:
        yield from fixed_points(system, f, x)
    elif n == 2 and system.parameters and sp.simplify(f + f.subs(x, -x)) == 0:
        yield _symmetric_pair(system, f, x)
        raise Refused(f"its formula is {word}: besides the 2-cycles x, −x there may be others")
    else:
        raise Refused(f"its formula is {word}, and its {n}-cycles have no closed form")


def solutions(equation: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """The real solutions that SymPy finds and the safe parser can read."""
    y = sp.Symbol("y_")  # real solutions of e^x = a are missed where the sign of a is unknown
    try:
        solved = sp.solve(equation.xreplace({x: y}), y, check=False)
    except NotImplementedError:
        solved = []
    found = [s.xreplace({y: x}) for s in solved]
    kept = [tidy(sp.simplify(s)) for s in found if not s.has(x, sp.I) and readable(s)]
    if not kept:
        raise Refused("its fixed points have no closed form")
    return kept


def fixed_points(system: System, f: sp.Expr, x: sp.Symbol) -> Iterator[dict[str, Any]]:
    """The solutions of f(x) = x with their multipliers f′(x)."""
    equation = sp.factor(sp.simplify(f - x))
    roots = solutions(equation, x)
    multipliers = [tidy(sp.simplify(sp.diff(f, x).subs(x, root))) for root in roots]
    marks = []
    for kind, value in (("flip", -1), ("fold", 1)):
        tops = [sp.fraction(sp.together(sp.expand(m - value)))[0] for m in multipliers]
        found = [f for top in tops if top.is_polynomial(*system.parameters) for f in factors(top, system.parameters)]
        marks += conditions(kind, list(dict.fromkeys(found)), system.parameters, system.values)
    yield {"kind": "fixed points", "equation": shown(equation), "unknown": x.name, "degree": 0, "count": len(roots),
           "coordinates": [shown(x)], "roots": [shown(r) for r in roots], "multipliers": [shown(m) for m in multipliers],
           "multiplier_polynomial": None}  # fmt: skip
    yield {"of": 0, "conditions": marks}


def _symmetric_pair(system: System, f: sp.Expr, x: sp.Symbol) -> dict[str, Any]:
    p = system.parameters[0]
    equation = sp.expand(f + x)
    try:
        (value,) = sp.solve(equation, p)
    except ValueError:
        raise Refused(f"its symmetric 2-cycles do not give {p.name} as a function of x") from None
    value = tidy(sp.simplify(value))
    multiplier = tidy(sp.simplify(sp.diff(f, x).subs(p, value) ** 2))
    return {"kind": "symmetric cycles", "equation": shown(equation), "unknown": x.name, "degree": 0, "count": 0,
            "coordinates": [shown(x)], "roots": [], "multipliers": [shown(multiplier)], "multiplier_polynomial": None,
            "parameter": shown(value)}  # fmt: skip
