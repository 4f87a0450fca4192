"""All families of n-cycles of a map, one after the other."""

from collections.abc import Iterator, Sequence
from typing import Any

import sympy as sp

from cfdyn.symbolic.exact.algebra.closed import latex, readable
from cfdyn.symbolic.exact.algebra.elimination import candidates
from cfdyn.symbolic.exact.algebra.expressions import expressions, rational
from cfdyn.symbolic.exact.algebra.family import Family, System
from cfdyn.symbolic.exact.request import Refused, is_rational, read_program
from cfdyn.symbolic.text.parse import symbol

MOST_POINTS = 150  # the degree that factors in seconds


def families(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the map, then each family of its n-cycles, then the bifurcation conditions of each family."""
    system, n = read_system(asked), asked["n"]
    yield {"map": [str(f) for f in system.f], "latex": [latex(f) for f in system.f]}
    if not is_rational(read_program(asked["step"])):
        from cfdyn.symbolic.exact.algebra.transcendental import implicit

        yield from implicit(system, n)
        return
    records = []
    for family in all_families(system, n):
        records.append(family)
        yield family.to_json()
    yield {"births": births(system, n)}
    for number, family in enumerate(records):
        yield {"of": number, "conditions": family.bifurcations()}


def read_system(asked: dict[str, Any]) -> System:
    """The map in symbols; the other parameters are replaced by exact numbers."""
    names, free = asked["names"], [symbol(name) for name in asked["parameters"]]
    values = {name: rational(text) for name, text in asked["values"].items()}
    z = [symbol(name) for name in names]
    p = [symbol(name) if name in asked["parameters"] else value for name, value in values.items()]
    f = expressions(read_program(asked["step"]), z, p, asked["data"])
    taken = {*names, *values}
    t = next(symbol(name) for name in ("mu", "multiplier", "mu_1") if name not in taken)
    return System([e.expand() for e in f], z, free, {s: values[s.name] for s in free}, t)


def all_families(system: System, n: int) -> Iterator[Family]:
    """The families of least period n."""
    if len(system.z) == 1:
        (x,) = system.z
        for q in cycle_factors(system.f[0], x, n, system.parameters):
            yield Family(system, q, x, n, [x])
        return
    divisors = [d for d in range(1, n) if n % d == 0]
    for q, x, start in candidates(system, n):
        family = Family(system, q, x, n, start)
        if family.has_period(n) and not any(family.has_period(d) for d in divisors):
            yield family


def births(system: System, n: int) -> dict[str, int]:
    """The conditions under which n-cycles are born from cycles of period n/k, with k.

    There a multiplier of the shorter cycle is a primitive k-th root of unity: −1 for k = 2.
    """
    born: dict[str, int] = {}
    for d in (d for d in range(1, n) if n % d == 0):
        try:
            shorter = list(all_families(system, d))
        except Refused:
            continue
        for family in shorter:
            born |= {readable(factor): n // d for factor in family.ring.zeros(family.resonance(n // d))}
    return born


def cycle_factors(f: sp.Expr, x: sp.Symbol, n: int, parameters: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The irreducible factors of Φ_n(x) = ∏_{d|n} (f^d(x) − x)^μ(n/d), except those without x.

    Raises Refused if there are more points than can be handled, or a whole interval of cycles.

    >>> x, r = sp.symbols("x r", real=True)
    >>> cycle_factors(r*x*(1 - x), x, 2, [r])
    [r**2*x**2 - r**2*x - r*x + r + 1]
    """
    top, bottom = (sp.Poly(part, x, *parameters, domain="QQ") for part in sp.fraction(sp.cancel(f)))
    degree = max(top.degree(x), bottom.degree(x))
    if degree**n > MOST_POINTS:
        raise Refused(f"the {n}-cycles' points are the roots of a polynomial of degree near {degree}^{n} = {degree**n}, and "
                      f"{MOST_POINTS} is the most")  # fmt: skip
    gaps = _gaps(top, bottom, x, n, parameters)
    phi = sp.Poly(1, x, *parameters, domain="QQ")
    for sign in (1, -1):
        for d, gap in gaps.items():
            if sp.mobius(n // d) == sign:
                phi = phi * gap if sign > 0 else phi.exquo(gap)
    return [factor.as_expr() for factor, _ in phi.factor_list()[1] if factor.degree(x) > 0]


def _gaps(top: sp.Poly, bottom: sp.Poly, x: sp.Symbol, n: int, parameters: Sequence[sp.Symbol]) -> dict[int, sp.Poly]:
    """The numerator of f^d(x) − x for each divisor d of n."""
    gens, identity = (x, *parameters), sp.Poly(x, x, *parameters, domain="QQ")
    a, b = identity, sp.Poly(1, *gens, domain="QQ")
    size = max(top.degree(x), bottom.degree(x))
    rows = [[sp.Poly(c, *gens, domain="QQ") for c in reversed(sp.Poly(part.as_expr(), x).all_coeffs())] for part in (top, bottom)]
    found = {}
    for d in range(1, n + 1):
        powers = [a**k * b ** (size - k) for k in range(size + 1)]
        a, b = (sum((c * power for c, power in zip(row, powers)), sp.Poly(0, *gens, domain="QQ")) for row in rows)
        if n % d == 0:
            gap = a - identity * b
            if gap.is_zero:
                raise Refused(f"every point has the period {d} or a divisor of it")
            found[d] = gap
    return found
