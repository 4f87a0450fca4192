"""Steps along a matrix-free branch in one direction, with the special points between its rows."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from cfdyn.continuation.matrix_free.events import Event, Row, events_between
from cfdyn.continuation.matrix_free.system import Place, System
from cfdyn.continuation.tracer import FAR, longest_step

LEAST, TURN, AIM = 1e-6, 0.5, 0.35  # the shortest step; the largest turn (rad) in one, and the share of it that is aimed at
CHANGE = 0.3  # of a multiplier in a step
FAST, GROWTH, SLOWER, SHRINKING = 4, 1.5, 0.7, 0.4
CLOSED = 3.0  # steps away from its origin, before a branch can come back to it


@dataclass
class Arm:
    """Rows in one direction, the special points between them (row k, fraction of the step), and why there are no more."""

    rows: list[Row]
    events: list[Event] = field(default_factory=list)
    end: str = ""


def followed(
    system: System, start: Row, max_steps: int, max_step: float, progress: Callable[[int], None] | None = None
) -> Arm:  # fmt: skip
    """The branch from a row on, in the direction of its tangent."""
    arm, step, last = Arm([start.without_vectors()]), max_step, start
    while not arm.end and len(arm.rows) <= max_steps:
        reached = _next(system, last, step)
        if step > LEAST and (reached is None or reached[1] > 1):
            step = max(SHRINKING * step if reached is None else min(SHRINKING, AIM / reached[1]) * step, LEAST)
            continue
        row, ratio = reached or (None, 0.0)
        limit = row is not None and not system.bounds[0] <= row.z[-1] <= system.bounds[1]
        if row is not None and limit:
            row = on_limit(system, last, row)
        if row is None:
            arm.end = "limit" if limit else "stalled"
            break
        arm.events += [event._replace(row=len(arm.rows) - 1) for event in events_between(system, last, row)]
        arm.rows.append(row.without_vectors())
        if progress:
            progress(len(arm.rows) - 1)
        away = system.length(row.z - start.z)
        arm.end = "limit" if limit else "closed" if _returned(system, arm.rows, step) else "far" if away > FAR else ""
        growth = GROWTH if row.place.corrections <= FAST else SLOWER
        step = min(longest_step(max_step, away), step * min(growth, max(AIM / max(ratio, 1e-9), SHRINKING)))
        last = row
    arm.end = arm.end or "most steps"
    return arm


def _next(system: System, last: Row, step: float) -> tuple[Row, float] | None:
    """(the next row, the largest of its turn and the changes of its multipliers, relative to the allowed values)."""
    border = system.weights * last.tangent
    place = system.solve(last.z + step * last.tangent, border)
    place = place and system.with_tangent(place, last.tangent)
    if place is None:
        return None
    turn = system.turn(last.tangent, place.tangent) / TURN
    if turn > 1:
        return Row(place, last.spectrum), turn
    spectrum = system.spectrum(place, vectors=True)
    return Row(place, spectrum), max(turn, _change(last.spectrum.values, spectrum.values) / CHANGE)


def _change(before: np.ndarray, after: np.ndarray) -> float:
    """The largest change of a multiplier in a step, matched by order; relative for large multipliers."""
    if len(before) != len(after) or not len(before):
        return 0.0
    sizes = np.maximum(1.0, np.abs(after) / 2)
    return float(np.max(np.abs(after - before) / sizes)) if not np.iscomplexobj(before - after) else 0.0


def on_limit(system: System, last: Row, beyond: Row) -> Row | None:
    """The row on the bound between two rows; just before the bound if all states are solutions on it."""
    step = beyond.z - last.z
    bound = system.bounds[int(step[-1] > 0)]
    border = np.append(np.zeros(system.dim), 1.0)
    for share in (1.0, 1 - 1e-6):
        value = last.z[-1] + share * (bound - last.z[-1])
        value = bound if share == 1.0 else value
        guess = last.z + (value - last.z[-1]) / step[-1] * step
        guess[-1] = value
        place = system.solve(guess, border)
        place = place and system.with_tangent(place, last.tangent)
        if place is not None:
            place.z[-1] = value
            return Row(place, system.spectrum(place, vectors=True))
    return None


def _returned(system: System, rows: list[Row], step: float) -> bool:
    """True if the last step passed the first row in the first row's direction."""
    first, last, before = rows[0], rows[-1], rows[-2]
    if len(rows) <= CLOSED:
        return False
    gap = system.length(first.z - last.z)
    ahead = (first.z - before.z) @ (system.weights * before.tangent)
    return bool(gap <= 1.1 * step and 0 <= ahead <= step and first.tangent @ (system.weights * last.tangent) > 0.9
                and system.length(first.z - before.z - ahead * before.tangent) <= 0.05 * step)  # fmt: skip


def first_row(system: System, z: np.ndarray, direction: np.ndarray) -> Row | None:
    """The row at a start, with its tangent on the side of a direction."""
    place: Place | None = system.solve(z, system.weights * direction)
    place = place and system.with_tangent(place, direction)
    return None if place is None else Row(place, system.spectrum(place, vectors=True))
