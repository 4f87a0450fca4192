"""Orbit diagrams: attractors continued along a parameter, upwards and downwards from several starts."""

from collections.abc import Callable, Iterable

import numpy as np

from cfdyn.kernels.orbits import advance, iterate
from cfdyn.systems.map import Map

TRANSIENT, KEPT = 600, 120  # steps before, and states that are drawn: from one value to the next an orbit has little to settle
GROWN, LONG = 1.001, 50_000  # of states in the kept steps: these may still diverge, and are followed for so many steps
ESCAPE = 1e6  # an orbit beyond that is not drawn
MOST = 8  # sweeps
SAME = 1e-4  # relative to its size: closer attractors are identified


def swept(step: Map, name: str, values: np.ndarray, seeds: Iterable[tuple[float, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """(values, first entries of the states) of the attractors of orbits, from each seed (a value, a state) to both ends.

    A seed whose orbit ends on the attractor of an earlier one there is omitted; a sweep stops where it meets an earlier one.
    """
    settle, cycles = _settler(step, name), list[dict[int, np.ndarray]]()
    for value, state in seeds:
        if len(cycles) == MOST:
            break
        first = int(np.argmin(np.abs(values - value)))
        begun = settle(float(values[first]), np.array(state, dtype=float))
        if begun is None or _known(cycles, first, begun[0]):
            continue
        own = {first: begun[0]}
        for way in (range(first + 1, len(values)), range(first - 1, -1, -1)):
            z = begun[1]
            for k in way:
                there = settle(float(values[k]), z)
                if there is None:
                    # From the last bounded orbit.
                    continue
                if _known(cycles, k, there[0]):
                    break
                own[k], z = there
        cycles.append(own)
    columns = [(values[k], rows) for own in cycles for k, rows in own.items()]
    x = np.concatenate([np.empty(0), *(np.full(len(rows), value) for value, rows in columns)])
    return x, np.concatenate([np.empty(0), *(rows for _, rows in columns)])


def _settler(step: Map, name: str) -> Callable[[float, np.ndarray], tuple[np.ndarray, np.ndarray] | None]:
    """A function of a value and a state: the attractor of the orbit there, and its last state; None if it escapes."""
    rule, free, p = step.rule("step").compiled, list(step.params).index(name), step.p.copy()
    rows = np.empty((KEPT + 1, step.dim))

    def settle(value: float, z: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        # Next to the state: on an unstable cycle it would stay.
        p[free], rows[0] = value, z + 1e-7 * (1 + np.abs(z).max())
        if advance(rule, rows[0], p, TRANSIENT, ESCAPE)[1] or iterate(rule, p, ESCAPE, rows)[1]:
            return None
        half = np.abs(rows[1:]).max(axis=1).reshape(2, -1).max(axis=1)
        if half[1] > GROWN * half[0] and advance(rule, rows[-1].copy(), p, LONG, ESCAPE)[1]:
            return None
        return rows[1:, 0].copy(), rows[-1].copy()

    return settle


def _known(cycles: list[dict[int, np.ndarray]], k: int, rows: np.ndarray) -> bool:
    """True if an earlier sweep has all of these states at a value."""
    size = SAME * (float(np.ptp(rows)) + 1e-2 * float(np.abs(rows).max()) + 1e-12)
    return any(k in other and (np.abs(rows[:, None] - other[k]).min(axis=1) <= size).all() for other in cycles)


def middles(stable: np.ndarray) -> list[int]:
    """The middle row of each stable piece."""
    return [(first + last + 1) // 2 for first, last in equal_runs(stable) if stable[first]]


def equal_runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of equal entries."""
    cuts = np.flatnonzero(marked[1:] != marked[:-1])
    return list(zip([0, *(cuts + 1).tolist()], [*cuts.tolist(), len(marked) - 1], strict=True))
