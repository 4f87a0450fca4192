"""Bifurcations between two rows of a branch: detected by a sign change of a test function, located to round-off."""

from typing import NamedTuple

import numpy as np

from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.between_rows import NODES, Between, between, interpolated, polynomial, root, solved_nodes
from cfdyn.continuation.branch.system import MOST_DENSE, REAL, SQUARED, BranchTracer, nearest_mean, real_below
from cfdyn.continuation.tracer import Solution
from cfdyn.cycles._kernels.shooting import BRANCH, FLIP, FOLD
from cfdyn.numerics.illinois import zero

NARROW, MARGIN = 0.1, 0.02  # shares of a step: around a branch point, and beyond that for rounding
LEVEL = 1e-10  # a change of the parameter along the curve less than this: none
OUTSIDE = 1 + 1e-8  # of a multiplier: those of a map that preserves areas stay on the circle, but for rounding
ONE = 1e-12  # a length: two points that are as near are one
TOGETHER = 1e-3  # from ±1: of multipliers that may be there at once
CLOSE = 0.5  # from ±1: multipliers that may pass it within a step
SINGULAR = 1e-6  # the least singular value of the Jacobian, in lengths, at a branch point


class SpecialPoint(NamedTuple):
    """A special point behind row ``row``, at a fraction ``share`` of the step; ``period`` if it belongs to a shorter cycle."""

    kind: str
    row: int
    share: float
    z: np.ndarray
    period: int | None = None


def bifurcations(tracer: BranchTracer, rows: Curve, mu: np.ndarray) -> list[SpecialPoint]:
    """All bifurcations between rows of a smooth piece with the multipliers ``mu`` (rows, D), in order."""
    speed = rows.tangents[:, -1] * tracer.weights[-1] ** 0.5
    # On a vertical branch the sign is that of rounding.
    branch, fold = changes(np.sign(rows.values[:, 0])), changes(np.sign(np.where(np.abs(speed) > LEVEL, speed, 0.0)))
    passing, flips = np.abs(np.diff(real_below(mu))), changes(np.sign(rows.values[:, 1 + FLIP]))
    hits = [(k, locate_flip(tracer, rows, k)) for k in flips if passing[k] <= 1]
    # Where a row lies on a flip, rounding decides about the sign of the test there.
    several = [k for k in np.flatnonzero(passing).tolist() if passing[k] > 1 or k not in flips]
    if several:
        from cfdyn.continuation.branch.flips import ManyFlips

        hits += [(k, hit) for k in several for hit in ManyFlips(tracer, rows, k).located()]
    points: list[SpecialPoint | None] = [SpecialPoint("flip", k, hit[0], hit[1].z) for k, hit in hits if hit]
    points += [locate_branch_point(tracer, rows, k) for k in branch]
    # dλ/ds = 0; where a branch meets another one at its own turning point, this is not a fold.
    turns = [(k, root(lambda s: s.tangent[-1], between(tracer, rows, k))) for k in fold if k not in branch]
    points += [SpecialPoint("fold", k, hit[0], hit[1].z) for k, hit in turns if hit]
    located = [s for s in points if s]
    for kind, test, sign in (("flip", FLIP, -1.0), ("branch point", FOLD, 1.0)):
        for pair in touches(rows.values[:, 1 + test], mu, sign):
            s = locate_touch(tracer, rows, pair, kind, test, sign)
            if s and all(tracer.length(s.z - other.z) > SQUARED or other.kind != kind for other in located):
                located.append(s)
    located += [s for k in circles(mu) if (s := locate_neimark_sacker(tracer, rows, k))]
    return _once(tracer, sorted(located, key=lambda s: (s.row, s.share)))


def _once(tracer: BranchTracer, special: list[SpecialPoint]) -> list[SpecialPoint]:
    """The points without duplicates, which arise if a point lies on a row and is detected on both sides of it."""
    pairs = zip([None, *special], special, strict=False)
    return [s for before, s in pairs if not (before and s.kind == before.kind and tracer.length(s.z - before.z) <= ONE)]


def changes(signs: np.ndarray) -> list[int]:
    """Rows behind which a sign changes; a 0 counts as the sign before it."""
    for k in np.flatnonzero(signs == 0):
        signs[k] = signs[k - 1] if k else -signs[min(1, len(signs) - 1)]
    return [int(k) for k in np.flatnonzero(signs[:-1] * signs[1:] < 0)]


def circles(mu: np.ndarray) -> list[int]:
    """Rows behind which a pair of complex multipliers crosses the unit circle."""
    if not np.iscomplexobj(mu):
        return []
    outside = pairs_outside(mu)
    complete = np.isfinite(outside)
    both = complete[:-1] & complete[1:] & (outside[:-1] != outside[1:])
    return [int(k) for k in np.flatnonzero(both) if crosses_circle(mu[k], mu[k + 1])]


def pairs_outside(mu: np.ndarray) -> np.ndarray:
    """The number of multipliers outside the unit circle, in each row."""
    return np.where(np.isfinite(mu).all(axis=-1), (np.abs(mu) > OUTSIDE).sum(axis=-1), np.nan)


def crosses_circle(before: np.ndarray, after: np.ndarray) -> bool:
    """True if a complex multiplier crosses the circle, each matched with the closest of the other row."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.abs(before[:, None] - after[None]))
    return any(
        (abs(before[i]) > OUTSIDE) != (abs(after[j]) > OUTSIDE) and min(abs(before[i].imag), abs(after[j].imag)) > REAL
        for i, j in zip(rows, columns, strict=True)
    )


def locate_flip(tracer: BranchTracer, rows: Curve, k: int) -> tuple[float, Solution] | None:
    """A multiplier −1 behind row k; if several cross together, by their mean, whose zero is simple."""
    solution = between(tracer, rows, k)
    hit = root(lambda s: s.values[1 + FLIP], solution)
    together = 0 if hit is None else int((np.abs(tracer.multipliers(hit[1].values[None])[0] + 1) < SQUARED).sum())
    if together > 1:
        hit = root(lambda s: nearest_mean(tracer.multipliers(s.values[None])[0], together), solution) or hit
    return hit


def touches(values: np.ndarray, mu: np.ndarray, sign: float) -> list[tuple[int, int]]:
    """Pairs of rows between which two multipliers may cross ±1 in opposite directions at once: det(M ∓ I) only touches 0 there.

    Rows in which both are already at ±1, which short steps produce near branch points, are skipped.
    """
    if mu.shape[1] < 2:
        return []
    second = np.sort(np.abs(mu - sign), axis=1)[:, 1]
    kept = np.flatnonzero(~(second <= TOGETHER))
    size, v = np.abs(values[kept]), values[kept]
    pairs = [(p, p + 1) for p in np.flatnonzero((np.diff(kept) > 1) & (v[:-1] * v[1:] > 0))]
    least = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]) & (v[:-2] * v[2:] > 0) & (v[:-2] * v[1:-1] > 0)
    pairs += [pair for p in np.flatnonzero(least & (second[kept][1:-1] < CLOSE)) for pair in ((p, p + 1), (p + 1, p + 2))]
    return [(int(kept[p]), int(kept[q])) for p, q in pairs]


def locate_touch(
    tracer: BranchTracer, rows: Curve, pair: tuple[int, int], kind: str, test: int, sign: float
) -> SpecialPoint | None:  # fmt: skip
    """The zero of the derivative of det(C ∓ E) between two rows, if two multipliers are ±1 there with two eigenvectors."""
    solution = interpolated(between(tracer, rows, *pair))
    if solution is None:
        return None
    values = np.array([tracer.determinant(solution(t).values, test) for t in NODES])
    fit = np.polynomial.Chebyshev.fit(NODES, values, deg=len(NODES) - 1, domain=np.array([0.0, 1.0]))
    extrema = np.asarray(fit.deriv().roots(), dtype=complex)
    for t in extrema.real[(np.abs(extrema.imag) < REAL) & (extrema.real >= 0) & (extrema.real < 1)].tolist():
        there = solution(t)
        own, following = tracer.condensed(there.values)
        if np.linalg.svd(own + sign * following, compute_uv=False)[-2] <= SQUARED:
            row = pair[0] + int(np.argmin((rows.points[pair[0] : pair[1]] - there.z) ** 2 @ tracer.weights))
            return SpecialPoint(kind, row, t, there.z)
    return None


def locate_branch_point(tracer: BranchTracer, rows: Curve, k: int) -> SpecialPoint | None:
    """The place where the bordered matrix is singular: its determinant and the curve are interpolated from around that point.

    At the point itself Newton's method loses half of its digits.
    """
    solution, border = between(tracer, rows, k), tracer.weights * rows.tangents[k]
    hit = _singular(tracer, solution, border, 0.0, 1.0)
    # Where the curve bends much within the step, polynomials through all of it do not give every digit.
    closer = hit and _singular(tracer, solution, border, hit[0] - NARROW, hit[0] + NARROW)
    best = closer or hit
    # Between two branches that touch, steps may slip from one to the other: the sign changes, but no point is singular.
    slipped = best is not None and not tracer.switches and tracer.m <= MOST_DENSE and tracer.regularity(best[1]) > SINGULAR
    return None if best is None or slipped else SpecialPoint("branch point", k, min(max(best[0], 0.0), 1.0), best[1])


def _singular(
    tracer: BranchTracer, solution: Between, border: np.ndarray, lo: float, hi: float
) -> tuple[float, np.ndarray] | None:  # fmt: skip
    """(share of the step, z) where the bordered determinant vanishes, from solutions between two shares of the step."""
    solved = solved_nodes(solution, lo, hi)
    if solved is None:
        return None
    nodes, solutions = solved
    # Along the branch the border is the tangent of the step's start.
    determinant = polynomial(nodes, np.array([tracer.evaluate(s.z, border)[2][1 + BRANCH] for s in solutions]))
    # A branch that begins at the point has it as a row: by rounding the root may lie outside.
    first, last = lo - MARGIN * (hi - lo), hi + MARGIN * (hi - lo)
    if not determinant(first) * determinant(last) < 0:
        return None
    share = zero(lambda t: float(determinant(t)), first, last)
    return share, polynomial(nodes, np.array([s.z for s in solutions]))(share)


def locate_neimark_sacker(tracer: BranchTracer, rows: Curve, k: int) -> SpecialPoint | None:
    """The place where |μ| = 1 for a complex pair."""
    outside, following = (int(n) for n in pairs_outside(tracer.multipliers(rows.values[k : k + 2])))
    critical = max(outside - 2 if outside > following else outside, 0)
    hit = root(lambda s: float(abs(tracer.multipliers(s.values[None])[0, critical]) - 1), between(tracer, rows, k))
    return None if hit is None else SpecialPoint("neimark-sacker", k, hit[0], hit[1].z)
