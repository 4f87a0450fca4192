"""Points of families that have no polynomial: fixed points in closed form, or a parameter given by the point."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq

from cfdyn.symbolic.exact.families import ExactFamily
from cfdyn.symbolic.exact.numbers.roots import complex_algebra
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.evaluate import evaluate
from cfdyn.tape.program import Program, Tape

GRID = np.geomspace(1e-4, 1e4, 4000)


def value(text: str, where: Mapping[str, Any]) -> Any:
    """A formula at numbers or arrays."""
    read, tape = formula(text), Tape()
    root = read.on(tape, tape.named("z", read.names))
    program = Program(tape, (root,), len(read.names), 0)
    return evaluate(program, complex_algebra(), [where[name] for name in read.names], [])[0]


def implicit_points(family: ExactFamily, names: Sequence[str], p: Sequence[np.ndarray]) -> np.ndarray:
    """Points (1, count, m), complex with imaginary part 0, NaN where there are none."""
    m = len(p[0]) if p else 1
    where = dict(zip(names, p))
    if family.parameter is None:
        with np.errstate(all="ignore"):
            rows = [np.broadcast_to(value(root.text, where), (m,)) for root in family.roots]
        return np.array([rows], dtype=complex).reshape(1, len(rows), m)
    text, others = family.parameter.text, dict(zip(names[1:], p[1:]))

    def gap(x: np.ndarray | float, k: int) -> np.ndarray:
        at = {family.unknown: np.asarray(x, dtype=float), **{name: v[k] for name, v in others.items()}}
        return np.real(value(text, at)) - p[0][k]

    points = [_crossings(gap, k) for k in range(m)]
    most = max((len(f) for f in points), default=0)
    table = np.full((2 * most, m), np.nan + 0j)
    for k, roots in enumerate(points):
        table[: 2 * len(roots), k] = [sign * root for root in roots for sign in (-1, 1)]
    return table[None]


def _crossings(gap, k: int) -> list[float]:
    """Positive solutions, by sign changes on a logarithmic grid."""
    with np.errstate(all="ignore"):
        g = gap(GRID, k)
        change = np.flatnonzero(np.isfinite(g[:-1]) & np.isfinite(g[1:]) & (np.sign(g[:-1]) != np.sign(g[1:])))
        return [brentq(gap, GRID[i], GRID[i + 1], args=(k,), xtol=1e-15, rtol=1e-14) for i in change]
