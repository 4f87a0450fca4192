"""Solutions between two rows of a curve, and the zeros of test functions there."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.continuation.tracer import Solution, Tracer, row_of
from cfdyn.numerics.illinois import zero

Test = Callable[[Solution], float]  # a test function
Between = Callable[[float], Solution | None]  # the solution at a fraction of a step, None if there is none
NODES = 0.5 - 0.5 * np.cos(np.pi * (np.arange(10) + 0.5) / 10)  # Chebyshev's, in (0, 1)
LEAST_NODES = 6  # with a solution, for a polynomial through them
CONVERGED = 1e-4  # of the largest terms of a polynomial to the last ones
NEAR_ZERO = 0.1  # relative to the value at a row: the extremum of a parabola near it, at which a test may vanish twice
BESIDE = (1e-2, 1e-4)  # fractions of an interval from the zero of a test, at which it is checked that the test shrinks towards it


def between(tracer: Tracer, rows: Sequence[Any], k: int, following: int | None = None) -> Between:
    """The solution at a fraction t of the step from row k to the next, or to a later one, both ends included."""
    last, step = row_of(rows, k), rows[0][k + 1 if following is None else following] - rows[0][k]
    chord = tracer.length(step)
    # A row on a bound may be where the equations are singular.
    tangent = last.tangent if tracer.leads_along(last.tangent, step) else step / chord
    border = tracer.weights * tangent
    length = float(border @ step)
    # Through both ends with the tangent of the first.
    curvature = step - length * tangent
    return lambda t: tracer.solve(last.z + t * length * tangent + t * t * curvature, border)


def root(value: Test, solution: Between, lo: float = 0.0, hi: float = 1.0) -> tuple[float, Solution] | None:
    """The zero of a test between two fractions of a step, to the last digits; None at a pole or jump.

    If Newton's method fails, as where branches meet, the zero is interpolated from solutions around that place.
    """
    hit = _root(value, solution, lo, hi)
    if hit is None and (around := interpolated(solution, lo, hi)) is not None:
        hit = _root(value, around, lo, hi)
    return hit


def _root(value: Test, solution: Between, lo: float, hi: float) -> tuple[float, Solution] | None:
    def test(t: float) -> float:
        solved = solution(t)
        if solved is None:
            raise ArithmeticError
        return value(solved)

    try:
        ends = test(lo), test(hi)
        if not ends[0] * ends[1] < 0:
            share = lo if abs(ends[0]) < abs(ends[1]) else hi
        else:
            share = zero(test, lo, hi)
    except ArithmeticError:
        return None
    solved = solution(share)
    return None if solved is None or not shrinks(value, solution, share, hi - lo) else (share, solved)


def shrinks(value: Test, solution: Between, share: float, width: float = 1.0) -> bool:
    """True if a test is smaller near its zero than farther away: at a pole it grows, at a jump it stays."""
    sizes = []
    for h in (width * BESIDE[0], width * BESIDE[1]):
        try:
            sizes.append(max((abs(value(s)) for t in (share - h, share + h) if (s := solution(t)) is not None), default=0.0))
        except ArithmeticError:
            return False
    return sizes[1] <= sizes[0] / 2


def crosses(value: Test, solution: Between, share: float) -> bool:
    """True if a test becomes small at a fraction and changes sign there; one that only touches 0 does not."""
    beside = [solution(share + side * BESIDE[1]) for side in (-1, 1)]
    try:
        signs = [np.sign(value(s)) for s in beside if s is not None]
    except ArithmeticError:
        return False
    return (len(signs) < 2 or signs[0] != signs[1]) and shrinks(value, solution, share)


def solved_nodes(solution: Between, lo: float, hi: float) -> tuple[np.ndarray, list[Solution]] | None:
    """Nodes between two fractions of a step with the solutions there; None if Newton's method fails at many of them."""
    solved = [(t, s) for t in lo + (hi - lo) * NODES if (s := solution(float(t))) is not None]
    return None if len(solved) < LEAST_NODES else (np.array([t for t, _ in solved]), [s for _, s in solved])


def interpolated(solution: Between, lo: float = 0.0, hi: float = 1.0) -> Callable[[float], Solution] | None:
    """Solutions interpolated where they may be missing: polynomials in the fraction of the step.

    None if these do not converge, as across a jump from one branch to another.
    """
    solved = solved_nodes(solution, lo, hi)
    if solved is None:
        return None
    nodes, columns = solved[0], [np.array(rows) for rows in zip(*solved[1], strict=True)]
    terms = np.polynomial.chebyshev.chebfit(2 * (nodes - lo) / (hi - lo) - 1, columns[0], len(nodes) - 1)
    if not np.abs(terms[-2:]).max() <= CONVERGED * np.abs(terms[1:]).max():
        return None
    parts = [polynomial(nodes, rows) for rows in columns]
    return lambda t: Solution(*(part(t) for part in parts))


def polynomial(nodes: np.ndarray, values: np.ndarray) -> Callable[[float], np.ndarray]:
    """The polynomial through k values (k, …) at as many nodes: Berrut & Trefethen (2004), SIAM Review 46, eq. (4.2)."""
    weights = 1 / np.prod(nodes[:, None] - nodes + np.eye(len(nodes)), axis=1)

    def at(t: float) -> np.ndarray:
        away = t - nodes
        shares = weights / away if away.all() else away == 0
        return np.asarray(shares @ values / shares.sum())

    return at


def near_zero(s: np.ndarray, v: np.ndarray) -> list[tuple[int, float]]:
    """Steps between rows of one sign where the parabola through these and a neighbouring row comes close to 0 or crosses it."""
    if len(s) < 3:
        return []
    a, b, c = v[:-2], v[1:-1], v[2:]
    h, g = s[1:-1] - s[:-2], s[2:] - s[1:-1]
    bend = ((c - b) / g - (b - a) / h) / (g + h)
    slope = (c - b) / g - bend * g
    top = -slope / (2 * bend)
    least = b - slope**2 / (4 * bend)
    hit = (a * b > 0) & (b * c > 0) & (bend * b > 0) & (least * np.sign(b) < NEAR_ZERO * np.abs(b)) & (top > -h) & (top < g)
    return [(int(k) + (top[k] >= 0), float(top[k] / g[k] if top[k] >= 0 else 1 + top[k] / h[k])) for k in np.flatnonzero(hit)]
