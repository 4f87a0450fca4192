"""Closed forms for equations that are not polynomial: fixed points, and 2-cycles about a centre of symmetry."""

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.functions.elementary.hyperbolic import HyperbolicFunction
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from cfdyn.symbolic.exact.algebra.closed import latex, readable, shown, tidy
from cfdyn.symbolic.exact.algebra.conditions import DIGITS, conditions, factors, formula_roots
from cfdyn.symbolic.exact.algebra.family import System
from cfdyn.symbolic.exact.algebra.solutions import is_zero, real_number, solutions
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


def fixed_points(system: System, f: sp.Expr, x: sp.Symbol) -> Iterator[dict[str, Any]]:
    """The solutions of f(x) = x with their multipliers f′(x); then Refused, which says why they may not be all."""
    equation, slope = sp.factor(sp.simplify(f - x)), sp.diff(f, x)
    roots = solutions(equation, x)
    if not roots:
        raise Refused("its fixed points have no closed form")
    slopes = {root: tidy(sp.simplify(slope.subs(x, root))) for root in roots}
    smooth = {root: m for root, m in slopes.items() if not m.has(sp.zoo, sp.nan, sp.oo, x)}
    yield {"kind": "fixed points", "equation": shown(equation), "unknown": x.name, "degree": 0, "count": len(smooth),
           "coordinates": [shown(x)], "roots": [shown(r) for r in smooth], "multipliers": [shown(m) for m in smooth.values()],
           "multiplier_polynomial": None}  # fmt: skip
    marks: list[dict[str, Any]] = []
    reasons: list[str] = []
    for root, multiplier in smooth.items():
        for kind, value in (("flip", -1), ("fold", 1)):
            new, doubt = marked(system, kind, root, multiplier - value)
            marks += [mark for mark in new if mark not in marks]
            reasons += [f"where the multiplier is {value} has no closed form"] if doubt else []
    yield {"of": 0, "conditions": marks}
    reasons += [f"at the fixed point {x} = {root} it has no derivative" for root in slopes if root not in smooth]
    if reasons:
        raise Refused("; ".join(dict.fromkeys(reasons)))


def marked(system: System, kind: str, root: sp.Expr, gap: sp.Expr) -> tuple[list[dict[str, Any]], bool]:
    """The conditions gap = 0 for the fixed point ``root``, with values of the first parameter; True if some may be missing."""
    if not system.parameters:
        return [], False
    p, top = system.parameters[0], sp.fraction(sp.together(sp.expand(gap)))[0]
    others, doubt = {s: v for s, v in system.values.items() if s != p}, False
    if top.is_polynomial(*system.parameters):
        marks = conditions(kind, factors(top, system.parameters), system.parameters, system.values)
    elif top.has(p):
        values = solutions(gap, p)
        doubt, here = values is None, [v for v in values or () if is_zero(gap.subs(p, v), others)]
        marks = [{"kind": kind, "polynomial": readable(top), "latex": latex(top), "roots": formula_roots(here, p, others)}]
    else:
        marks = []
    (x,), (f,) = system.z, system.f
    for condition in marks:
        for value in condition["roots"]:
            at = {**others, p: sp.Float(value["value"], DIGITS)}
            number = real_number(root.subs(at))
            away = None if number is None else real_number((f - x).subs(x, root).subs(at))
            met = away is not None and abs(away) < 1e-12 * (1 + abs(number or 0.0))
            value.update(real=met, points=[number] if met else [])
        # At a fold the point is not a smooth function of the parameter: two points meet there, and are complex beyond.
        if kind == "fold" and condition["roots"] and all(_passes(root, p, others, v["value"]) for v in condition["roots"]):
            condition["kind"] = "branch point"
    return marks, doubt


def _passes(root: sp.Expr, p: sp.Symbol, others: dict[sp.Symbol, Any], value: str) -> bool:
    """True if the fixed point continues smoothly through a value of the parameter."""
    return real_number(sp.diff(root, p).subs({**others, p: sp.Rational(value)})) is not None


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
