"""All families of n-cycles of a map, one after the other."""

from collections.abc import Iterator
from typing import Any

from cfdyn.symbolic.exact.algebra.closed import latex, readable
from cfdyn.symbolic.exact.algebra.elimination import candidates
from cfdyn.symbolic.exact.algebra.expressions import expressions, rational
from cfdyn.symbolic.exact.algebra.family import Family, System
from cfdyn.symbolic.exact.algebra.line import cycle_factors
from cfdyn.symbolic.exact.request import Refused, is_rational, read_program
from cfdyn.symbolic.text.parse import symbol


def families(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """First the map, then each family of its n-cycles, then the conditions of each for bifurcations."""
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
    """The map in symbols; parameters that do not stay symbols are put in as exact numbers."""
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

    A multiplier of the shorter cycle is a primitive k-th root of unity there: −1 for k = 2.
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
