"""All special points of a branch: bifurcations, border collisions, and where the points of the cycle merge."""

from __future__ import annotations

import numpy as np

from cfdyn.continuation.between_rows import between
from cfdyn.continuation.branch.bifurcations import REAL, SpecialPoint, bifurcations
from cfdyn.continuation.branch.merging import grouped, merged, merges
from cfdyn.continuation.branch.system import FLIP, BranchTracer
from cfdyn.continuation.paths import Path
from cfdyn.continuation.tracer import as_row, some_rows, stacked
from cfdyn.kernels.continuation.driver import Curve
from cfdyn.words import called, shown

ROUNDS = 2  # of more rows where two special points may hide in one step
NEAR_ZERO = 0.1  # of the value at a row: the extremum of a parabola beside it, at which a test may vanish twice
TURNS, BESIDE = ("fold", "branch point"), 1e-2  # what the merging looks like on the branch itself, within this length
MEETS = {"flip": "flip of", "neimark-sacker": "resonance of"}


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
