"""The zeros of a user's functions on a branch, and those that end it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.between_rows import Between, Test, between, near_zero, root
from cfdyn.continuation.branch.functions import Functions, Traced
from cfdyn.continuation.branch.system import BranchTracer
from cfdyn.continuation.paths import Path
from cfdyn.continuation.tracer import Solution, as_row, some_rows, stacked
from cfdyn.words import shown

HALVINGS = 40  # of a step in which a function begins to be defined
NOTHING = 1e-13  # a function that is at most this large vanishes, up to rounding
ROUND_OFF = 1e-14  # relative to the values on the neighbouring rows: a smaller value is 0

Rows = Sequence[Any]  # points, tangents and values first
Way = Callable[[int], Between]  # the solutions between a row and the next


class Zero(NamedTuple):
    """A zero of a function: at a fraction of the step behind a row."""

    name: str
    row: int
    share: float
    solution: Solution


def zeros(tracer: Traced, rows: Rows, functions: Functions, way: Way) -> list[Zero]:
    """The sign changes of the functions along a branch, in order, located to round-off; ``way``: from row k to the next."""
    each = [zero for name in functions.texts for zero in _zeros_of(tracer, rows, functions, name, way)]
    return sorted(each, key=lambda zero: (zero.row, zero.share))


def _zeros_of(tracer: Traced, rows: Rows, functions: Functions, name: str, way: Way) -> list[Zero]:
    values = functions.values(name, tracer, rows)
    sizes = np.nan_to_num(np.abs(values), posinf=0.0)
    if sizes.max() <= NOTHING:
        return []
    beside = np.maximum(np.append(sizes[1:], 0.0), np.append(0.0, sizes[:-1]))
    values[np.abs(values) <= ROUND_OFF * beside] = 0.0
    apart = np.concatenate([[1.0], values, [1.0]])
    on_row = np.flatnonzero((values == 0) & (apart[:-2] != 0) & (apart[2:] != 0))
    each = [Zero(name, int(k), 0.0, Solution(*(part[k] for part in rows[:3]))) for k in on_row]
    for k, lo, hi in _intervals(tracer, rows, functions, name, values, way):
        hit = root(lambda s: functions.at(name, tracer, s), way(k), lo, hi)
        if hit is not None:
            each.append(Zero(name, k, *hit))
    return each


def _intervals(
    tracer: Traced, rows: Rows, functions: Functions, name: str, values: np.ndarray, way: Way
) -> list[tuple[int, float, float]]:
    """Parts of steps over which a function changes sign: whole steps, and halves of those in which it may vanish twice."""
    intervals = [(int(k), 0.0, 1.0) for k in np.flatnonzero(_changing(values))]
    known = np.isfinite(values)
    for k in np.flatnonzero(known[:-1] != known[1:]).tolist():
        intervals += _beside_nothing(lambda s: functions.at(name, tracer, s), way(k), k, values[k : k + 2])
    s = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(rows[0], axis=0), axis=1))])
    with np.errstate(all="ignore"):
        twice = near_zero(s, values)
    for k in sorted({k for k, _ in twice}):
        solution, sign = way(k), float(np.sign(values[k]))
        beyond = _least(lambda s: sign * functions.at(name, tracer, s), solution)  # noqa: B023
        if beyond is not None:
            intervals += [(k, 0.0, beyond), (k, beyond, 1.0)]
    return intervals


def _beside_nothing(value: Test, solution: Between, k: int, ends: np.ndarray) -> list[tuple[int, float, float]]:
    """The part of a step in which a function is defined, by bisection, if it has another sign where it becomes defined."""
    inside = 0.0 if np.isfinite(ends[0]) else 1.0
    outside, sign, last = 1.0 - inside, np.sign(ends[int(inside)]), 0.0
    edge = inside
    for _ in range(HALVINGS):
        middle = (edge + outside) / 2
        there = solution(middle)
        here = np.nan if there is None else value(there)
        if np.isfinite(here):
            edge, last = middle, here
        else:
            outside = middle
    return [(k, min(edge, inside), max(edge, inside))] if last * sign < 0 else []


def _changing(values: np.ndarray) -> np.ndarray:
    """The steps in which a function changes sign by more than rounding."""
    return (np.sign(values[:-1]) * np.sign(values[1:]) < 0) & (np.fmax(np.abs(values[1:]), np.abs(values[:-1])) > NOTHING)


def _least(value: Test, solution: Between) -> float | None:
    """The fraction of a step at which a function is least, if it is below 0 there."""
    from scipy.optimize import minimize_scalar

    def test(t: float) -> float:
        there = solution(t)
        return np.inf if there is None else value(there)

    least = minimize_scalar(test, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9, "maxiter": 40})
    return float(least.x) if least.fun < 0 else None


def stopping(tracer: BranchTracer, rows: Curve, functions: Functions) -> tuple[int, str] | None:
    """The rows up to the first one beyond a zero of a function that ends the branch."""
    first: list[int] = []
    for name in functions.stops:
        values = functions.values(name, tracer, rows)
        for k in np.flatnonzero(_changing(values) | ((values[1:] == 0) & (np.abs(values[:-1]) > NOTHING))).tolist():
            if values[k + 1] == 0 or root(lambda s: functions.at(name, tracer, s), between(tracer, rows, k)):  # noqa: B023
                first.append(k)
                break
    return (min(first) + 2, "stop") if first else None


def zero_fields(tracer: Traced, zero: Zero, functions: Functions) -> dict[str, Any]:
    """The fields of the record of a zero of a function."""
    z, mu = zero.solution.z, tracer.multipliers(zero.solution.values[None])[0]
    return {
        "function": zero.name, "text": functions.texts[zero.name], "parameter": float(z[-1]),
        "points": tracer.points(z[None])[0].copy(), "multipliers": mu if mu.imag.any() else mu.real, "place": zero.row,
        "name": tracer.parameter, "bounds": tracer.bounds, "_step": tracer.step,
    }  # fmt: skip


def nearest_stops(zeros: list[Zero], functions: Functions, start: int) -> tuple[Zero | None, Zero | None]:
    """The first zeros that end a branch behind and before its starting row."""
    stops = [zero for zero in zeros if zero.name in functions.stops]
    after = next((zero for zero in stops if (zero.row, zero.share) > (start, 0.0)), None)
    return after, next((zero for zero in reversed(stops) if (zero.row, zero.share) < (start, 0.0)), None)


def stop_words(tracer: Traced, functions: Functions, zero: Zero) -> str:
    """Why a branch ends at a stop."""
    value = shown(float(zero.solution.z[-1]), tracer.bounds)
    return f"stop: {functions.texts[zero.name]} = 0 at {tracer.parameter} = {value}"


def cut_at_stops(
    tracer: BranchTracer, path: Path, functions: Functions, special: list[Any], zeros: list[Zero]
) -> tuple[Path, list[Any], list[Zero]]:
    """The branch, its special points and zeros up to the nearest stops on both sides of its start."""
    after, before = nearest_stops(zeros, functions, path.start)
    if after is not None:
        path = _cut(tracer, path, functions, after, 1)
        special, zeros = ([s for s in these if (s.row, s.share) <= (after.row, after.share)] for these in (special, zeros))
    if before is not None:
        path = _cut(tracer, path, functions, before, 0)
        row, from_here = before.row, (before.row, before.share)
        special, zeros = (
            [s._replace(row=s.row - row) for s in these if (s.row, s.share) >= from_here] for these in (special, zeros)
        )
    return path, special, zeros


def _cut(tracer: BranchTracer, path: Path, functions: Functions, zero: Zero, side: int) -> Path:
    """The part of a path before (1) or behind (0) a zero, with that as its last or first row."""
    row = as_row(zero.solution)
    if side:
        rows, start = stacked(some_rows(path, slice(zero.row + (zero.share > 0))), row), path.start
    else:
        rows, start = stacked(row, some_rows(path, slice(zero.row + 1, None))), path.start - zero.row
    ends, paces = list(path.ends), list(path.paces)
    ends[side], paces[side] = stop_words(tracer, functions, zero), 0.0
    return Path(*rows, {}, (ends[0], ends[1]), (paces[0], paces[1]), start)
