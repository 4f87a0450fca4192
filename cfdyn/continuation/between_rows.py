"""Solutions between two rows of a curve, and where a test goes through 0 there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.continuation.tracer import Solved, Traced, Tracer
from cfdyn.numerics.illinois import zero

NODES = 0.5 - 0.5 * np.cos(np.pi * (np.arange(10) + 0.5) / 10)
LEAST_NODES = 6
CONVERGED = 1e-4  # of the largest terms of a polynomial to the last ones
BESIDE = (1e-2, 1e-4)  # shares of a step: from the zero of a test, where it is seen whether it shrinks towards it


def row_of(found: Traced, k: int) -> Solved:
    """A row of a curve."""
    return Solved(found.points[k], found.tangents[k], found.values[k])


def between(tracer: Tracer, found: Traced, k: int, following: int | None = None) -> Callable[[float], Solved | None]:
    """The solution a share t of the step from row k to the next, or to a later one, both ends included."""
    last, step = row_of(found, k), found.points[k + 1 if following is None else following] - found.points[k]
    border = tracer.weights * last.tangent
    length = float(border @ step)
    # Through both ends with the tangent of the first.
    bend = step - length * last.tangent
    return lambda t: tracer.solve(last.z + t * length * last.tangent + t * t * bend, border)


def root(
    value: Callable[[Solved], float], solution: Callable[[float], Solved | None], lo: float = 0.0, hi: float = 1.0
) -> tuple[float, Solved] | None:
    """Where a test goes through 0 between two shares of a step, to the last digits; None at a pole or jump.

    Where Newton's method fails, as where branches meet, between solutions around that place.
    """
    hit = _root(value, solution, lo, hi)
    if hit is None and (around := interpolated(solution, lo, hi)) is not None:
        hit = _root(value, around, lo, hi)
    return hit


def _root(
    value: Callable[[Solved], float], solution: Callable[[float], Solved | None], lo: float, hi: float
) -> tuple[float, Solved] | None:
    def test(t: float) -> float:
        found = solution(t)
        if found is None:
            raise ArithmeticError
        return value(found)

    try:
        ends = test(lo), test(hi)
        if not ends[0] * ends[1] < 0:
            place = lo if abs(ends[0]) < abs(ends[1]) else hi
        else:
            place = zero(test, lo, hi)
    except ArithmeticError:
        return None
    found = solution(place)
    return None if found is None or not shrinks(value, solution, place) else (place, found)


def shrinks(value: Callable[[Solved], float], solution: Callable[[float], Solved | None], place: float) -> bool:
    """Whether a test is smaller near its zero than farther away: at a pole it grows, at a jump it stays."""
    sizes = []
    for h in BESIDE:
        try:
            sizes.append(max((abs(value(s)) for t in (place - h, place + h) if (s := solution(t)) is not None), default=0.0))
        except ArithmeticError:
            return False
    return sizes[1] <= sizes[0] / 2


def crosses(value: Callable[[Solved], float], solution: Callable[[float], Solved | None], place: float) -> bool:
    """Whether a test becomes small at a place and has two signs beside it, where one that touches 0 has the same."""
    beside = [solution(place + side * BESIDE[1]) for side in (-1, 1)]
    try:
        signs = [np.sign(value(s)) for s in beside if s is not None]
    except ArithmeticError:
        return False
    return (len(signs) < 2 or signs[0] != signs[1]) and shrinks(value, solution, place)


def interpolated(
    solution: Callable[[float], Solved | None], lo: float = 0.0, hi: float = 1.0
) -> Callable[[float], Solved] | None:
    """The same through solutions around where they may be missing: polynomials in the share of the step.

    None where these do not converge, as across a jump from one branch to another.
    """
    from scipy.interpolate import BarycentricInterpolator

    solved = [(t, s) for t in lo + (hi - lo) * NODES if (s := solution(float(t))) is not None]
    if len(solved) < LEAST_NODES:
        return None
    nodes = np.array([t for t, _ in solved])
    rows = np.array([s.z for _, s in solved])
    terms = np.polynomial.chebyshev.chebfit(2 * (nodes - lo) / (hi - lo) - 1, rows, len(nodes) - 1)
    if not np.abs(terms[-2:]).max() <= CONVERGED * np.abs(terms[1:]).max():
        return None
    parts = [BarycentricInterpolator(nodes, np.array(rows)) for rows in zip(*(s for _, s in solved), strict=True)]
    return lambda t: Solved(*(np.asarray(part(t)) for part in parts))


def crossing_of(
    solution: Callable[[float], Solved | None], test: Callable[[Solved], float], lo: float, hi: float
) -> Solved | None:
    """Where a test vanishes on a curve on which Newton's method fails there, interpolated from around that point."""
    from scipy.optimize import brentq

    between = interpolated(solution, lo, hi)
    if between is None or not test(between(lo)) * test(between(hi)) < 0:
        return None
    return between(float(brentq(lambda t: test(between(t)), lo, hi, xtol=1e-15)))
