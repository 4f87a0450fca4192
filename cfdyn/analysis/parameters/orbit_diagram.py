"""`orbit_diagram`: long-time states over a parameter, from several starts, or continued from value to value."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.ensembles.alone import orbits_of
from cfdyn.ensembles.orbits import Orbits, increasing_values
from cfdyn.errors import Interrupted, UsageError, unknown
from cfdyn.machine.workers import processors
from cfdyn.records.record import Record, provenance
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap
from cfdyn.systems.orbit import ESCAPE, MAX_BYTES

FOLLOW = ("fresh", "up", "down", "both")
USUAL, COSTLY = (2000, 500, 2000), (300, 100, 300)  # transient, kept and averaged steps; for maps whose steps are not formulas
NUDGE, SMALL = 1e-6, 1e-3
AT_ONCE = 2**13  # orbits in a block: Ctrl-C keeps whole blocks
NUMBERS = 2**22  # states of these that are kept
Taken = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class OrbitDiagram(Record):
    """The long-time states over a range of a parameter.

    ``values`` (N,), increasing; ``states`` (S, N, K): the coordinate ``name`` over K steps after the transient, for each of S
    starts or directions, NaN if the orbit escapes. ``exponents`` (S, N): the largest Lyapunov exponent after these K steps, per
    step, with standard errors ``errors`` (S, N); −inf for immediate contraction, NaN if not requested or escaped. ``ended`` (S,
    N): the step at which the orbit escaped, 0 if it did not. ``ways`` (S,): "fresh" from the start at each value, "up" or
    "down" from the last state at the previous value.
    """

    parameter: str
    name: str
    values: Annotated[np.ndarray, "n"]
    states: Annotated[np.ndarray, "s n *"]
    exponents: Annotated[np.ndarray, "s n"]
    errors: Annotated[np.ndarray, "s n"]
    ended: Annotated[np.ndarray, "s n"]
    starts: Annotated[np.ndarray, "s D"]
    ways: tuple[str, ...]


def orbit_diagram(
    step: Map | MatrixFreeMap, vary: tuple[str, Any], z0: Any, transient: int | None = None, keep: int | None = None,
    averaged: int | None = None, follow: str = "fresh", nudge: float = NUDGE, coordinate: str | None = None,
    escape: float = ESCAPE, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> OrbitDiagram:  # fmt: skip
    """The orbit diagram: states of orbits after a transient over a parameter, with the largest Lyapunov exponent.

    Each orbit is bit by bit that of `cf.iterate`, for any number of threads (on one kind of processor: functions such as exp
    are those of the system's library). A float orbit is not a proof.

    Parameters
    ----------
    step : the map
    vary : (name of the parameter, its increasing values)
    z0 : a start, the d weights or the full state (D,), or several of them (S, ·), which show coexisting attractors
    transient : number of steps discarded; 2000 by default, 300 for a map with expensive steps, a Poincaré or stroboscopic map
        or a network's
    keep : number of states kept of each orbit, K; 500 by default, or 100
    averaged : number of further steps over which the Lyapunov exponent is averaged, 0 for none; 2000 by default, or 300
    follow : "fresh": from the starts at each value; "up" or "down": from the last state at the previous value, in this order,
        and from the start again after an escape; "both": up and down, which shows hysteresis
    nudge : with "up" or "down", the perturbation added to each entry of the initial state at each value, relative to its size
        (at least 10⁻³); without it an orbit at rest stays on a cycle that has become unstable
    coordinate : the name of the entry that is kept; by default the first one
    escape : an orbit has escaped if |entry| exceeds this value
    threads : by default the number of processors
    progress : called at times with the number of values done

    Raises
    ------
    UsageError : an unknown parameter, direction or coordinate, values that do not increase, a nudge below 0, or more states
        than memory holds
    Interrupted : Ctrl-C; its ``record`` has the values that are done

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", "x", {"r": 3.0})
    >>> diagram = cf.analysis.orbit_diagram(step, ("r", [2.5, 3.2, 3.83, 4.0, 4.1]), [0.3], keep=60)
    >>> [len(np.unique(states.round(9))) for states in diagram.states[0, :3]]  # fixed point, 2-cycle, 3-cycle
    [1, 2, 3]
    >>> bool(abs(diagram.exponents[0, 3] - np.log(2)) < 5 * diagram.errors[0, 3]), bool(diagram.ended[0, 4] > 0)
    (True, True)

    References
    ----------
    May, Nature 261 (1976) 459–467.
    """
    name, values = vary[0], increasing_values(require_step(step), *vary)
    starts = np.array([step.state(z) for z in (z0 if np.ndim(z0) > 1 else [z0])])
    usual = USUAL if math.isfinite(step.cost) else COSTLY
    transient, keep, averaged = (
        most if given is None else given for given, most in zip((transient, keep, averaged), usual, strict=True)
    )
    counts = [whole_number("the transient", transient, 0), whole_number("keep", keep, 1), whole_number("averaged", averaged, 0)]
    ways, index = _ways(follow, nudge), _entry(step, coordinate)
    _check_memory(len(starts) * len(ways), len(values), counts[1], len(step.params))
    settings = provenance(map=step.title, params=step.params, transient=transient, averaged=averaged, follow=follow,
                          escape=escape, nudge=0.0 if follow == "fresh" else nudge)  # fmt: skip
    results = _room(len(starts) * len(ways), len(values), counts[1])
    done: list[int] = []  # values, of each way

    def made() -> OrbitDiagram:
        first, last = (len(values) - done[0], len(values)) if ways[0] == "down" else (0, done[0])
        states, exponents, errors, ended = (array[: len(starts) * len(done), first:last] for array in results)
        return OrbitDiagram(name, step.names[index], values[first:last], states, exponents, errors, ended,
                            np.tile(starts, (len(done), 1)), tuple(way for way in ways[: len(done)] for _ in starts),
                            provenance=settings)  # fmt: skip

    try:
        for place, way in enumerate(ways):
            done.append(0)
            rows = tuple(array[place * len(starts) : (place + 1) * len(starts)] for array in results)
            for more in _way(step, name, values, starts, way, counts, nudge, index, escape, threads, rows):
                done[-1] += more
                if progress:
                    progress(done[-1])
    except KeyboardInterrupt:
        del done[1:]  # of two ways the first by itself
        if not (done and done[0]):
            raise
        raise Interrupted(made()) from None
    return made()


def _ways(follow: str, nudge: float) -> list[str]:
    """The directions in which the values are taken, one or two."""
    if follow not in FOLLOW:
        raise unknown("way to follow the states", follow, FOLLOW)
    if not number("the nudge", nudge, finite=True) >= 0:
        raise UsageError(f"the nudge is 0 or more, not {nudge}")
    return {"fresh": ["fresh"], "both": ["up", "down"]}.get(follow, [follow])


def _entry(step: AnyMap, name: str | None) -> int:
    """The index of an entry of the state; the first one without a name."""
    if name is not None and name not in step.names:
        raise unknown("entry of the state", name, step.names)
    return 0 if name is None else step.names.index(name)


def _room(orbits: int, values: int, keep: int) -> Taken:
    """Arrays for the results of all orbits: joining parts at the end would double the memory."""
    one = np.empty((2, orbits, values))
    # In the order in which orbits are kept: all of them after a step, then after the next.
    return np.empty((keep, orbits, values)).transpose(1, 2, 0), one[0], one[1], np.empty((orbits, values), np.int64)


def _check_memory(starts: int, values: int, keep: int, parameters: int) -> None:
    size = 8 * starts * values * (keep + parameters + 10)
    if size > MAX_BYTES:
        raise UsageError(f"{starts} × {values} orbits with {keep} states each need {size / 2**30:.1f} GiB; the limit is "
                         f"{MAX_BYTES / 2**30:.0f} GiB: keep fewer")  # fmt: skip


def _way(
    step: AnyMap, name: str, values: np.ndarray, starts: np.ndarray, way: str, counts: list[int], nudge: float,
    coordinate: int, escape: float, threads: int | None, results: Taken,
) -> Iterator[int]:  # fmt: skip
    """Write states (S, n, K), exponents, errors and ends (S, n) of all starts for successive values in one direction, and yield
    the number of values done each time."""
    s, n, place = len(starts), len(values), list(step.params).index(name)
    parameters = np.tile(list(step.params.values()), (n, 1))
    parameters[:, place] = values
    # Costly steps take so long that each value, on each thread, is reported.
    most = AT_ONCE if math.isfinite(step.cost) else threads or processors()
    each = max(1, min(most, NUMBERS // counts[1]) // s)
    for begin in range(0, n if way == "fresh" else 0, each):
        some = parameters[begin : begin + each]
        orbits = orbits_of(step, np.repeat(starts, len(some), axis=0), np.tile(some, (s, 1)), escape, threads)
        rows = results[0].transpose(2, 0, 1)
        room = rows.reshape(len(rows), s * n) if len(some) == n else None  # all at once are written where they stay
        for array, part in zip(results, _taken(orbits, counts, coordinate, room), strict=True):
            if room is None or array.ndim == 2:
                array[:, begin : begin + each] = part.reshape(s, len(some), *part.shape[1:])
        yield len(some)
    current = starts
    for k in {"fresh": (), "up": range(n), "down": range(n - 1, -1, -1)}[way]:
        begun = current + nudge * np.maximum(np.abs(current), SMALL)
        orbits = orbits_of(step, begun, np.tile(parameters[k], (s, 1)), escape, 1)
        for array, part in zip(results, _taken(orbits, counts, coordinate), strict=True):
            array[:, k] = part
        stays = (orbits.ended == 0) & np.isfinite(orbits.states).all(axis=1)
        current = np.where(stays[:, None], orbits.states, starts)
        yield 1


def _taken(orbits: Orbits, counts: list[int], coordinate: int, room: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Kept states, in ``room`` (K, N) if given, exponents, errors and the steps at which orbits escaped, after a transient."""
    transient, keep, averaged = counts
    orbits.advance(transient)
    before = orbits.ended.copy()
    kept = orbits.keep(keep, coordinate, room)
    ended = np.where(before > 0, before, np.where(orbits.ended > 0, orbits.ended + transient, 0))
    exponents, errors = orbits.exponents(averaged) if averaged else np.full((2, len(orbits.states)), np.nan)
    return kept, exponents, errors, ended
