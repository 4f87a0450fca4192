"""All special points of a branch: bifurcations, border collisions, and where the points of the cycle merge."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import numpy as np

from cfdyn.continuation.between_rows import between
from cfdyn.continuation.branch.bifurcations import REAL, SpecialPoint, bifurcations
from cfdyn.continuation.branch.system import FLIP, BranchTracer
from cfdyn.continuation.paths import Path
from cfdyn.continuation.tracer import CycleTracer, Solution, as_row, some_rows, stacked
from cfdyn.kernels.continuation.driver import Curve
from cfdyn.words import called, shown

ROUNDS = 2  # of more rows where two special points may hide in one step
NEAR_ZERO = 0.1  # of the value at a row: the extremum of a parabola beside it, at which a test may vanish twice
TURNS, BESIDE = ("fold", "branch point"), 1e-2  # what the merging looks like on the branch itself, within this length
MEETS = {"flip": "flip of", "neimark-sacker": "resonance of"}
COLLAPSED = 1e-7  # a share of the distance of two points: they are one
CORRECTIONS = 30
LAST = 1e-11  # a length: a step after which only rounding is left
NUDGE = 1e-4  # a length: the first step of the secant method
TOGETHER = 1e-3  # from −1: of multipliers that may pass it together
SAME = 1e-6  # a length: points nearer to each other than this are one
NEAR = 1e-5  # of the multiplier to the root of unity that it must be
REACH = 10.0  # how far from where the points merge, in lengths of the step across it


def with_special_points(tracer: BranchTracer, path: Path) -> tuple[Path, list[SpecialPoint]]:
    """The branch, with more rows where special points may hide between two, and its special points in order."""
    pieces, special, done, start = list[Curve](), list[SpecialPoint](), 0, path.points[path.start]
    for piece, border in path.smooth_pieces():
        rows = refined(tracer, piece)
        special += [s._replace(row=s.row + done) for s in bifurcations(tracer, rows, tracer.multipliers(rows.values))]
        pieces.append(rows)
        done += len(rows.points)
        if border is not None:
            special.append(SpecialPoint("border collision", done - 1, 0.5, border.z))
    all_rows = stacked(*pieces)
    path = Path(*all_rows, {}, path.ends, path.paces, int((all_rows.points == start).all(axis=1).argmax()))
    return (path, special) if tracer.n == 1 else _with_shorter_cycles(tracer, path, special)


def refined(tracer: BranchTracer, rows: Curve) -> Curve:
    """The rows, and more of them where two special points may hide in one step."""
    for _ in range(ROUNDS):
        parts, last = list[Curve](), 0
        for k, share in suspects(rows, tracer.multipliers(rows.values)):
            solution = between(tracer, rows, k)
            inserted = [s for t in sorted((share / 2, share, (1 + share) / 2)) if (s := solution(t)) is not None]
            parts += [some_rows(rows, slice(last, k + 1)), *map(as_row, inserted)]
            last = k + 1
        if not last:
            break
        rows = stacked(*parts, some_rows(rows, slice(last, None)))
    return rows


def suspects(rows: Curve, mu: np.ndarray) -> list[tuple[int, float]]:
    """Steps (row, share of it) in which a test may vanish twice: a parabola through three rows has its extremum there."""
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(rows.points, axis=0), axis=1))])
    tests = [rows.values[:, 1 + FLIP]]
    if np.iscomplexobj(mu):
        size = np.where(np.abs(mu.imag) > REAL, np.abs(mu) - 1, np.nan)
        tests += [size[:, j] for j in range(mu.shape[1])]
    with np.errstate(all="ignore"):
        return sorted({k: share for values in tests for k, share in near_zero(s, values)}.items())


def near_zero(s: np.ndarray, v: np.ndarray) -> list[tuple[int, float]]:
    """Steps between rows of one sign where the parabola through these and a row beside them comes near 0 or crosses it."""
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


def _with_shorter_cycles(tracer: BranchTracer, path: Path, special: list[SpecialPoint]) -> tuple[Path, list[SpecialPoint]]:
    """With the bifurcations of shorter cycles where the points merge; an end that ran past one is cut there."""
    rows, ends, first, last = [part.copy() for part in path[:3]], list(path.ends), 0, len(path.points)
    # A branch may begin at the shorter cycle's flip: then it is not met there.
    begun = path.ends[0] != "merged" and grouped(tracer, path.points[0]) < tracer.n
    found = [(k, q) for k, q in merges(tracer, path.points) if k or not begun]
    for k, q in found:
        own = merged(tracer, path.points[k], path.points[k + 1], q)
        if own is None:
            continue
        kind, share, z = own
        z = tracer.z(np.tile(z[:-1], tracer.n // q), z[-1])
        special = [s for s in special if s.kind not in TURNS or (s.row != k and tracer.length(s.z - z) > BESIDE)]
        for side, at_end in ((0, k == found[0][0]), (1, k == found[-1][0])):
            if path.ends[side] == "merged" and at_end:
                ends[side] = f"{MEETS[kind]} the {called(q)} at {tracer.parameter} = {shown(float(z[-1]), tracer.bounds)}"
                rows[0][k + side] = z
                rows[2][k + side] = tracer.evaluate(z, tracer.weights * rows[1][k + side])[2]
                first, last = (k, last) if side == 0 else (first, k + 2)
                special = [s for s in special if side == ((s.row, s.share) < (k, share))]
        special.append(SpecialPoint(kind, k, share, z, q))
    special = sorted((s._replace(row=s.row - first) for s in special), key=lambda s: (s.row, s.share))
    return Path(*some_rows(rows, slice(first, last)), {}, (ends[0], ends[1]), path.paces, path.start - first), special


def shorter_periods(n: int) -> list[int]:
    """The divisors of n below n."""
    return [q for q in range(1, n) if n % q == 0]


def merges(tracer: CycleTracer, rows: np.ndarray) -> list[tuple[int, int]]:
    """(row, q): behind this row (of unknowns) x_i and x_{i+q} change places, or are one from there on; the least such q."""
    points, found = tracer.points(rows), dict[int, int]()
    for q in reversed(shorter_periods(tracer.n)):
        gaps = (points - np.roll(points, -q, axis=1)).reshape(len(rows), -1)
        sizes = (gaps * gaps).sum(axis=1)
        swapped = (gaps[:-1] * gaps[1:]).sum(axis=1) < 0
        low, high = np.minimum(sizes[:-1], sizes[1:]), np.maximum(sizes[:-1], sizes[1:])
        gone, both = low <= COLLAPSED**2 * high, high <= COLLAPSED**2 * sizes.max()
        found |= {int(k): q for k in np.flatnonzero((swapped | gone) & ~both)}
    return sorted(found.items())


def grouped(tracer: BranchTracer, z: np.ndarray) -> int:
    """The least q with x_{i+q} = x_i in a solution, to a small part of a length."""
    points = tracer.points(z)
    for q in shorter_periods(tracer.n):
        if tracer.length(tracer.z(points - np.roll(points, -q, axis=0), 0.0)) <= SAME:
            return q
    return tracer.n


def merged(tracer: BranchTracer, before: np.ndarray, after: np.ndarray, q: int) -> tuple[str, float, np.ndarray] | None:
    """The bifurcation of the q-cycle between two solutions: det(M + I) = 0 if n = 2q, else |μ| = 1 at a root of unity.

    (kind, how far it is on as a share of the step, the q points with the parameter); None where none is found.
    """
    parts = tracer.points(np.stack([before, after]))
    sizes = np.linalg.norm((parts - np.roll(parts, -q, axis=1)).reshape(2, -1), axis=1)
    share = float(sizes[0] / sizes.sum())
    z = before + share * (after - before)
    own = BranchTracer(tracer.step, q, tracer.parameter, tracer.bounds, tracer.points(z)[:q])
    start = own.solve(own.z(tracer.points(z).reshape(-1, q, tracer.d).mean(axis=0), z[-1]), np.eye(own.m)[-1])
    if start is None:
        return None
    k = tracer.n // q
    gap = parts[int(sizes[1] > sizes[0])]
    gap, reach = gap[0] - gap[q], REACH * tracer.length(after - before)
    # What vanishes where a multiplier is a primitive k-th root of unity.
    test = (lambda s: s.values[1 + FLIP]) if k == 2 else (lambda s: abs(_nearest(own, s, k)[0]) - 1)
    found = secant(own, start, test, reach)
    if k == 2 and (found is None or _distance(own, found, k) > NEAR):
        found = _several_flips(own, start, gap, reach)
    if found is None or _distance(own, found, k) > NEAR:
        return None
    return "flip" if k == 2 else "neimark-sacker", share, found.z


def _several_flips(own: BranchTracer, start: Solution, gap: np.ndarray, reach: float) -> Solution | None:
    """Where several multipliers pass −1 at once, at a multiple zero of det(M + I): by that of the direction that opens."""
    if (np.abs(own.multipliers(start.values[None])[0] + 1) < TOGETHER).sum() < 2:
        return None

    def test(s: Solution) -> float:
        first, following = own.condensed(s.values)
        mu, directions = np.linalg.eig(-np.linalg.solve(following, first))
        return float(np.real(mu[np.argmax(np.abs(gap @ directions))])) + 1

    return secant(own, start, test, reach)


def _distance(own: BranchTracer, found: Solution, k: int) -> float:
    """Of the nearest multiplier to a primitive k-th root of unity."""
    multiplier, root = _nearest(own, found, k)
    return abs(multiplier - root)


def _nearest(own: BranchTracer, found: Solution, k: int) -> tuple[complex, complex]:
    mu = np.asarray(own.multipliers(found.values[None])[0], dtype=complex)
    roots = np.exp(2j * np.pi * np.array([j for j in range(1, k) if gcd(j, k) == 1]) / k)
    i, j = np.unravel_index(int(np.nanargmin(np.abs(mu[:, None] - roots))), (len(mu), len(roots)))
    return complex(mu[i]), complex(roots[j])


def secant(own: BranchTracer, start: Solution, test: Callable[[Solution], float], reach: float) -> Solution | None:
    """A zero of a test along a curve near a solution, to the last digits."""
    border = own.weights * start.tangent
    here, value, t, step = start, test(start), 0.0, NUDGE
    for _ in range(CORRECTIONS):
        there = own.solve(start.z + (t + step) * start.tangent, border)
        if there is None or not abs(t + step) <= reach + NUDGE:
            return None
        following = test(there)
        if abs(step) <= LAST:
            return here if abs(value) <= abs(following) else there
        t, slope = t + step, (following - value) / step
        here, value = there, following
        step = -value / slope if slope else np.inf if value else 0.0
    return None
