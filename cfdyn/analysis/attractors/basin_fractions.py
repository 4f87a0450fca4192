"""`basin_fractions`: the fraction of random starts that end on each attractor, along a parameter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from cfdyn.analysis.attractors.basins import Attractor, checked, dynamics, of_starts, ordered, side
from cfdyn.analysis.parameters._over_grids import MAX_PERIOD, transient_of
from cfdyn.arguments import number, whole_number
from cfdyn.ensembles.flow_attractors import attractors_of
from cfdyn.ensembles.orbits import increasing_values
from cfdyn.errors import Interrupted, UsageError
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED
from cfdyn.records.record import Record, provenance
from cfdyn.systems.flow import Flow
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import MAX_BYTES

COUNT, FARTHEST = 1000, 0.2
CHECKED = 1  # starts of a kind, at each value, that are passed to `classify`


@dataclass(frozen=True)
class FollowedAttractor(Record):
    """An attractor over consecutive values of a parameter, from index ``first`` to index ``last``.

    At each of these n values: ``regimes`` (n,), ``periods`` (n,), 0 if not periodic, ``places`` (n, D), the mean of its points,
    and ``fractions`` (n,) of the starts with ``errors`` √(p(1 − p)/N); ``distances`` (n,): set distance from the attractor at
    the previous value, NaN at the first.
    """

    first: int
    last: int
    regimes: Annotated[tuple[str, ...], "n"]
    periods: Annotated[np.ndarray, "n"]
    places: Annotated[np.ndarray, "n D"]
    fractions: Annotated[np.ndarray, "n"]
    errors: Annotated[np.ndarray, "n"]
    distances: Annotated[np.ndarray, "n"]
    words: str


@dataclass(frozen=True)
class BasinFractions(Record):
    """Fractions of random starts over a parameter: basin stability.

    ``values`` (N,) of ``parameter``; ``fractions`` and ``errors`` (A, N) of the A attractors, 0 where an attractor is absent;
    ``divergent`` and ``undecided`` (N,). ``box`` of the ``count`` starts, drawn with ``seed``. ``events``: (value, sentence)
    where an attractor appears or vanishes. ``notes``: (value, why labels were withdrawn there).
    """

    parameter: str
    values: Annotated[np.ndarray, "N"]
    attractors: Annotated[tuple[FollowedAttractor, ...], "A"]
    divergent: Annotated[np.ndarray, "N"]
    undecided: Annotated[np.ndarray, "N"]
    events: tuple[tuple[float, str], ...]
    notes: tuple[tuple[float, str], ...]
    box: tuple[tuple[float, float], ...]
    count: int
    seed: int

    @property
    def fractions(self) -> np.ndarray:
        """Fractions of the starts, (A, N)."""
        return self._table("fractions")

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the fractions, (A, N)."""
        return self._table("errors")

    def _table(self, name: str) -> np.ndarray:
        table = np.zeros((len(self.attractors), len(self.values)))
        for row, one in zip(table, self.attractors, strict=True):
            row[one.first : one.last + 1] = getattr(one, name)
        return table


def basin_fractions(
    step: Map | FlowMap | Flow, vary: tuple[str, Any], box: Sequence[tuple[float, float]], count: int = COUNT, seed: int = 0,
    farthest: float = FARTHEST, max_period: int = MAX_PERIOD, transient: int | None = None, threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> BasinFractions:  # fmt: skip
    """The fraction of starts in a box that end on each attractor, along a parameter, with attractors matched between values.

    The starts are uniform in the box and the same at each value; a larger ``count`` adds starts to those of a smaller one.
    Attractors are found as by `basins`. Attractors at consecutive values are matched such that the sum of their set distances
    is least, among pairs at most ``farthest`` apart; the set distance is the Hausdorff distance relative to the largest side of
    the box. An unmatched attractor has appeared or vanished: by a bifurcation, because the parameter step is too large, or
    because its fraction is too small for this many starts.

    Parameters
    ----------
    step : the map or flow, as for `basins`
    vary : (name of the parameter, its increasing values)
    box : (lo, hi) of each weight, or of each entry of the state
    count : number of starts, N
    seed : of the starts
    farthest : largest set distance at which attractors are matched
    max_period, transient, threads : as for `basins`
    progress : called with the number of values done

    Raises
    ------
    UsageError : an unknown parameter, values that do not increase, an invalid box, or too many starts for memory
    Interrupted : Ctrl-C; its ``record`` has the values that are done

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.2, momentum=0.5))
    >>> shares = cf.analysis.basin_fractions(step, ("lr", [0.1, 0.2, 0.3]), [(-1, 1)], count=2000)
    >>> shares.fractions.round(2), [(one.first, one.last, one.words) for one in shares.attractors]
    (array([[0.5, 0.5, 0.5],
           [0.5, 0.5, 0.5]]), [(0, 2, 'fixed point at (-1, 0)'), (0, 2, 'fixed point at (1, 0)')])

    References
    ----------
    Menck, Heitzig, Marwan & Kurths, How basin stability complements the linear-stability paradigm, Nature Physics 9 (2013) 89.
    """
    step, of_flow = dynamics(step)
    transient = transient_of(step, transient)
    name, values = vary[0], increasing_values(step, *vary)
    sides, starts = _starts(step, box, whole_number("count", count, 1), whole_number("seed", seed, 0))
    if not number("farthest", farthest, finite=True) > 0:
        raise UsageError(f"farthest is a positive distance, not {farthest}")
    step.at(**{name: float(values[-1])})  # a value that the map does not allow is an error before anything is computed
    unit, following = max(hi - lo for lo, hi in sides), _Following(values)
    others, notes = np.zeros((2, len(values))), list[tuple[float, str]]()
    settings = provenance(map=step.title, params=step.params, farthest=farthest, max_period=max_period, transient=transient)

    def made(done: int) -> BasinFractions:
        following.end(done)
        said = tuple((value, note) for value, note in notes if value in values[:done])
        return BasinFractions(name, values[:done], following.records(), others[0, :done], others[1, :done],
                              following.events(done), said, sides, len(starts), seed, provenance=settings)  # fmt: skip

    done = 0
    try:
        for k, value in enumerate(values.tolist()):
            here = step.at(**{name: value})
            known = attractors_of(here, whole_number("max_period", max_period, 1), of_flow)
            labels = known.label(of_starts(here, starts, threads), transient)
            note = checked(here, known, labels, starts.__getitem__, CHECKED)
            attractors = ordered(known.known, labels)
            others[:, k] = (labels == ESCAPED).mean(), (labels == UNSETTLED).mean()
            notes += [(value, note)] if note else []
            following.go_on(k, attractors, farthest * unit)
            done = k + 1
            if progress:
                progress(done)
    except KeyboardInterrupt:
        if not done:
            raise
        raise Interrupted(made(done)) from None
    return made(done)


def _starts(step: Any, box: Sequence[Any], count: int, seed: int) -> tuple[tuple[tuple[float, float], ...], np.ndarray]:
    """The sides of the box, and random starts (N, D) in it."""
    if len(box) not in (step.n_weights, step.dim):
        raise UsageError(f"a box of starts has a side (LO, HI) for each of {step.n_weights or step.dim} weights or "
                         f"{step.dim} entries, not {len(box)}")  # fmt: skip
    sides = tuple(side(pair, name) for pair, name in zip(box, step.names, strict=False))
    size = 8 * count * (3 * step.dim + len(step.params) + 4)
    if size > MAX_BYTES:
        raise UsageError(f"{count} starts need {size / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    lo, hi = np.array(sides).T
    drawn = lo + (hi - lo) * np.random.default_rng(seed).random((count, len(sides)))
    starts = np.tile(step.state(drawn[0]), (count, 1))
    starts[:, : len(sides)] = drawn
    return sides, starts


def set_distance(one: np.ndarray, other: np.ndarray) -> float:
    """The Hausdorff distance of two sets (n, D) and (m, D): the largest distance of a point of one set to the other set.

    >>> set_distance(np.array([[0.0], [1.0]]), np.array([[0.25]]))
    0.75
    """
    return max(float(cKDTree(a).query(b)[0].max()) for a, b in ((one, other), (other, one)))


class _Following:
    """Attractors along the values: lists of (index of the value, attractor, distance from the previous one)."""

    def __init__(self, values: np.ndarray):
        self.values = values
        self.ways: list[list[tuple[int, Attractor, float]]] = []

    def go_on(self, k: int, attractors: tuple[Attractor, ...], farthest: float) -> None:
        """Match the attractors of the value k with those of the previous value."""
        before = [way for way in self.ways if way[-1][0] == k - 1]
        apart = np.array([[set_distance(way[-1][1].points, one.points) for one in attractors] for way in before])
        apart = apart.reshape(len(before), len(attractors))
        # A pair that is too far costs more than all others: it is made only if nothing else remains, and undone.
        pairs = linear_sum_assignment(np.where(apart <= farthest, apart, (1 + len(before) + len(attractors)) * farthest))
        matched = {j: i for i, j in zip(*pairs, strict=True) if apart[i, j] <= farthest}
        for j, one in enumerate(attractors):
            if j in matched:
                before[matched[j]].append((k, one, float(apart[matched[j], j])))
            else:
                self.ways.append([(k, one, float("nan"))])

    def end(self, done: int) -> None:
        """Discard the value that Ctrl-C interrupted."""
        self.ways = [part for way in self.ways if (part := [row for row in way if row[0] < done])]

    def records(self) -> tuple[FollowedAttractor, ...]:
        """One record for each attractor."""
        return tuple(
            FollowedAttractor(
                way[0][0], way[-1][0], tuple(one.kind for _, one, _ in way), np.array([one.period or 0 for _, one, _ in way]),
                np.array([one.points.mean(axis=0) for _, one, _ in way]), np.array([one.fraction for _, one, _ in way]),
                np.array([one.error for _, one, _ in way]), np.array([apart for *_, apart in way]), way[0][1].words,
            )
            for way in self.ways
        )  # fmt: skip

    def events(self, done: int) -> tuple[tuple[float, str], ...]:
        """The attractors that appear after the first finished value, and those that vanish before the last one."""
        told = [(way[0][0], f"new: {way[0][1].words}") for way in self.ways if way[0][0] > 0]
        told += [(way[-1][0] + 1, f"vanished: {way[-1][1].words}") for way in self.ways if way[-1][0] < done - 1]
        return tuple((float(self.values[k]), words) for k, words in sorted(told))
