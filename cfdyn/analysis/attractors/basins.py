"""`basins`: basins of attraction on a grid of starts; the attractors need not be known."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.parameters._former import box_of_starts
from cfdyn.analysis.parameters._over_grids import MAX_PERIOD, transient_of
from cfdyn.arguments import vector, whole_number
from cfdyn.ensembles.alone import orbits_of
from cfdyn.ensembles.attractors import SHOWN, Attractors, Found, on_cycle
from cfdyn.ensembles.flow_attractors import LIMIT_CYCLE, attractors_of
from cfdyn.ensembles.grids import look
from cfdyn.ensembles.orbits import along, span
from cfdyn.errors import Interrupted, UsageError, unknown
from cfdyn.integrate.maps.course import require_smooth
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.integrate.maps.stroboscopic import stroboscopic_map
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED
from cfdyn.records.exports import by_cells
from cfdyn.records.record import Record, provenance
from cfdyn.settling.samples import UNRESOLVED
from cfdyn.signatures import formerly
from cfdyn.systems.flow import Flow
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import FAR, MAX_BYTES

AT_ONCE = 2**16  # starts in a block: Ctrl-C keeps whole blocks
FEW, FEWER = 2**8, 2**5  # the same, and the next, where a step integrates a flow
SAMPLED = 2**12  # starts, all over a grid that is larger: the attractors that they end on are known to the blocks
CHECKED = 12  # escaped starts, and settled ones of an optimizer with memory, that are passed to `classify`
ROUNDED = 1e-12  # relative to the size of an attractor: smaller values are shown as 0
OTHERS = {UNSETTLED: "undecided", ESCAPED: "divergent", UNRESOLVED: "unresolved"}


@dataclass(frozen=True)
class Attractor(Record):
    """An attractor, and the fraction of the starts that end on it.

    ``kind``: "fixed point", "cycle", "chaotic", "quasi-periodic" or "continuum of fixed points", for a flow also "limit cycle";
    ``period``: None if not periodic; ``points`` (n, D): those of a cycle, the smallest first, else some states; ``multipliers``
    (D,) of a cycle (for a rest point of a flow, over a unit of time); ``lyapunov``: the largest exponent per step; for a limit
    cycle the largest one other than 0, per unit of time. ``count`` of the starts, their ``fraction``, and its ``error`` √(p(1 −
    p)/N), as if the starts were random.
    """

    kind: str
    period: int | None
    points: Annotated[np.ndarray, "n D"]
    multipliers: Annotated[np.ndarray, "*", complex]
    lyapunov: float
    count: int
    fraction: float
    error: float

    @property
    def words(self) -> str:
        """Its kind and its first point as text."""
        kind, size = f"period {self.period}" if self.kind == "cycle" else self.kind, float(np.abs(self.points).max())
        at = ", ".join(f"{x:.4g}" if abs(x) > ROUNDED * size else "0" for x in self.points[0])
        place = f"({at})" if len(self.points[0]) > 1 else at
        return f"{kind} {'at' if self.multipliers.size == len(self.points[0]) and self.period else 'through'} {place}"


@dataclass(frozen=True)
class Basins(Record):
    """The attractor on which each orbit ends, over a grid of starts.

    ``names`` of the one or two coordinates that vary; ``first`` (n,) and ``second`` (m,): their values at the centres of the
    cells, ``second`` empty for one coordinate. ``labels`` (m, n), the lowest row first: the index in ``attractors``, −3
    divergent, −2 undecided, −5 not computed before Ctrl-C. ``state``: the names of all D entries; ``base`` (D,): the fixed
    values of the other entries. ``note``: why labels were withdrawn.
    """

    names: tuple[str, ...]
    first: Annotated[np.ndarray, "n"]
    second: Annotated[np.ndarray, "*"]
    labels: Annotated[np.ndarray, "* n"]
    attractors: tuple[Attractor, ...]
    box: tuple[tuple[float, float], ...]
    base: Annotated[np.ndarray, "D"]
    state: Annotated[tuple[str, ...], "D"]
    note: str = ""

    @property
    def fractions(self) -> dict[str, float]:
        """The fractions of the starts that end on each attractor, that diverge, and that are undecided."""
        ends = {f"{k}: {one.words}": one.fraction for k, one in enumerate(self.attractors)}
        others = {words: float(np.mean(self.labels == label)) for label, words in OTHERS.items()}
        return ends | {words: part for words, part in others.items() if part}

    def table(self) -> dict[str, list[Any]]:
        """A row for each start: its coordinates, the label, and the attractor in words."""
        words = {k: one.words for k, one in enumerate(self.attractors)} | OTHERS
        ends = np.array([words[label] for label in self.labels.ravel().tolist()], dtype=object)
        axes = (self.first, self.second)[: len(self.names)]
        return by_cells(self.names, axes, {"basin": self.labels, "attractor": ends})


@formerly(box_of_starts)
def basins(
    step: Map | FlowMap | Flow, vary: Sequence[tuple[str, Any]], z0: Any = None, *, max_period: int = MAX_PERIOD,
    transient: int | None = None, coarse: int = 1, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> Basins:  # fmt: skip
    """Basins of attraction over a grid of starts in one or two coordinates.

    Each orbit runs through one transient; undecided orbits run through 15 more, and 48 and 192 more if they are few. If an
    orbit returns to within 10⁻¹⁰ of its size, Newton's method finds the cycle. A cycle with spectral radius below 1 − 10⁻⁵ is
    an attractor, and orbits at one of its points are in its basin; so are, at once, orbits that enter a box around its points
    that the map contracts (in interval arithmetic). Of the orbits that do not return, a few are examined individually as by
    `classify`. The cells that a chaotic or quasi-periodic orbit visits in 2¹⁵ steps represent its attractor; other orbits
    belong to it if they spend 90 % of 64 steps in these cells. All fixed points with a multiplier 1 count as one continuum. All
    other orbits are undecided: among them those on cycles that do not attract, and those on attractors whose cells overlap.
    `classify` checks a few starts that diverge (for an optimizer with memory also some that come to rest); if it disagrees at
    one, all starts with that label become undecided, and ``note`` says so. The result is floating-point evidence, not a proof,
    and bit by bit the same for any number of threads.

    Parameters
    ----------
    step : the map, also a Poincaré or stroboscopic map; or a smooth autonomous flow, sampled once per unit of time, whose
        attractors are rest points ("fixed point"), limit cycles, and chaotic or quasi-periodic sets
    vary : one or two (name of an entry of the state, values), the columns and the rows; the values increase in equal steps, or
        are a tuple (lo, hi, count) for the centres of so many equal cells
    z0 : the other entries, as weights or a full state whose entries in ``vary`` are ignored; 0 by default
    max_period : longest cycle that is detected by returns
    transient : steps before orbits are examined, for a flow units of time; 1000 by default, 100 for integrated flows
    coarse : as for `regimes`
    threads : by default the number of processors
    progress : called at times with the number of starts done

    Raises
    ------
    UsageError : a name is not an entry of the state, values do not increase in equal steps, the flow depends on time explicitly,
        or the grid is too large for memory
    Interrupted : Ctrl-C; its ``record`` has the starts that are done

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
    >>> grid = cf.analysis.basins(step, [("w", (-2, 2, 8))])
    >>> grid.labels.tolist(), grid.fractions
    ([[0, 0, 0, 0, 1, 1, 1, 1]], {'0: fixed point at -1': 0.5, '1: fixed point at 1': 0.5})

    References
    ----------
    Datseris & Wagemakers, Effortless estimation of basins of attraction, Chaos 32 (2022) 023104: attractors by recurrences.
    """
    step, of_flow = dynamics(step)
    transient = transient_of(step, transient)
    places, axes, sides = _axes(step, vary)
    base = _base(step, z0, places)
    known = attractors_of(step, whole_number("max_period", max_period, 1), of_flow)
    labels = np.full((len(axes[1]) if len(axes) > 1 else 1, len(axes[0])), UNRESOLVED)
    looked, (most, sampled) = np.zeros(labels.shape, bool), (FEW, FEWER) if isinstance(step, FlowMap) else (AT_ONCE, SAMPLED)
    settings = provenance(map=step.title, params=step.params, max_period=max_period, transient=transient, coarse=coarse)

    def starts(cells: np.ndarray) -> np.ndarray:
        return _starts(base, places, axes, cells)

    def take(cells: np.ndarray) -> None:
        labels.ravel()[cells] = known.label(of_starts(step, starts(cells), threads), transient)

    def made(*notes: str) -> Basins:
        return Basins(tuple(step.names[k] for k in places), axes[0], axes[1] if len(axes) > 1 else np.empty(0),
                      labels, ordered(known.known, labels.reshape(-1)), sides, base, tuple(step.names),
                      "; ".join(filter(None, notes)), provenance=settings)  # fmt: skip

    try:
        if labels.size > most:
            take(np.arange(0, labels.size, -(-labels.size // sampled)))
        filled = look(labels, looked, take, whole_number("coarse", coarse, 1), progress, most)
        return made(checked(step, known, labels.reshape(-1), lambda cell: starts(np.array([cell]))[0]), filled)
    except KeyboardInterrupt:
        if not looked.any():
            raise
        labels[~looked] = UNRESOLVED
        raise Interrupted(made("interrupted: some starts were not computed, the others not refined")) from None


def _axes(step: Any, vary: Sequence[tuple[str, Any]]) -> tuple[list[int], list[np.ndarray], tuple[tuple[float, float], ...]]:
    """The places of the entries that vary, their values, and the ends of the cells around these."""
    if not 1 <= len(vary) <= 2:
        raise UsageError(f"basins need one or two entries of the state, each (name, values), not {len(vary)}")
    for name, _ in vary:
        if name in step.params and name not in step.names:
            raise UsageError(f"basins vary the start, and {name} is a parameter: cf.analysis.basin_fractions varies it")
        if name not in step.names:
            raise unknown("entry of the state", name, step.names)
    if len({name for name, _ in vary}) < len(vary):
        raise UsageError(f"basins need two different entries of the state, not {vary[0][0]} twice")
    sides = [span(*one) for one in vary]
    axes = [along(*one) for one in vary]
    size = 8 * math.prod(map(len, axes))
    if size > MAX_BYTES:
        raise UsageError(f"{size // 8} starts need {size / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    around = tuple(ends or _around(name, axis) for (name, _), ends, axis in zip(vary, sides, axes, strict=True))
    return [step.names.index(name) for name, _ in vary], axes, around


def _around(name: str, values: np.ndarray) -> tuple[float, float]:
    """The ends of equal cells around values; around a single one a cell of width 1."""
    width = (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 1.0
    if not np.allclose(np.diff(values), width, rtol=1e-6, atol=0):
        raise UsageError(f"the values of {name} are equally spaced, so that each cell has the same share of the starts; or "
                         f"write ({values[0]:g}, {values[-1]:g}, {len(values)}) for the middles of so many cells")  # fmt: skip
    return float(values[0] - width / 2), float(values[-1] + width / 2)


def side(pair: Any, name: str) -> tuple[float, float]:
    """(lo, hi) of a box of starts, checked to be finite with lo < hi."""
    ends = vector(f"the side {name} of the box", pair)
    if not (len(ends) == 2 and ends[0] < ends[1] and math.isfinite(float(ends[1]) - float(ends[0]))):
        raise UsageError(f"the side {name} of the box is (LO, HI), finite and LO < HI, not {pair}")
    return float(ends[0]), float(ends[1])


def _base(step: Any, z0: Any, places: list[int]) -> np.ndarray:
    """The state whose coordinates in the plane are replaced."""
    if z0 is not None:
        return step.state(z0)
    if step.has_loss and step.n_weights > len(places) or not step.has_loss and step.dim > len(places):
        fixed = ", ".join(name for k, name in enumerate(step.names[: step.n_weights or step.dim]) if k not in places)
        raise UsageError(f"a plane of starts needs values of the other coordinates ({fixed}): give z0")
    return step.state(np.zeros(step.n_weights if step.has_loss else step.dim))


def _starts(base: np.ndarray, places: list[int], axes: list[np.ndarray], cells: np.ndarray) -> np.ndarray:
    """The starts of some cells, numbered row by row, (n, D)."""
    states, n = np.empty((len(cells), len(base))), len(axes[0])
    states[:] = base
    rows = cells[[0, -1]] // n
    if cells[-1] - cells[0] == len(cells) - 1 and n <= len(cells):  # whole rows are copied faster than cells are divided
        cut = slice(int(cells[0] - n * rows[0]), int(cells[-1] - n * rows[0]) + 1)
        states[:, places[0]] = np.tile(axes[0], rows[1] - rows[0] + 1)[cut]
        varied = np.repeat(axes[1][rows[0] : rows[1] + 1], n)[cut] if len(axes) > 1 else None
    else:
        rows = cells // n
        states[:, places[0]] = axes[0][cells - rows * n]
        varied = axes[1][rows] if len(axes) > 1 else None
    if varied is not None:
        states[:, places[1]] = varied
    return states


def dynamics(step: Any) -> tuple[Any, bool]:
    """The map whose orbits are examined, and whether it is the time-1 map of a flow."""
    if isinstance(step, FlowMap):
        return step, False
    if not isinstance(step, Flow):
        return require_map(step), False
    if require_smooth(step, "a basin").timed:
        raise UsageError("a flow with the time in its formulas has no basins; give cf.stroboscopic_map(flow, period)")
    return stroboscopic_map(step, 1.0), True


def of_starts(step: Any, states: np.ndarray, threads: int | None) -> Any:
    """The orbits of starts (N, D), all with the map's own parameters."""
    return orbits_of(step, states, np.tile(list(step.params.values()), (len(states), 1)), FAR, threads)


def checked(step: Any, known: Attractors, labels: np.ndarray, start: Callable[[int], np.ndarray], most: int = CHECKED) -> str:
    """Examine up to ``most`` starts of each kind individually, withdraw labels that are in doubt, and say why."""
    notes = []
    for place in sorted(known.doubtful):
        labels[labels == place] = UNSETTLED
    if known.doubtful:
        notes.append("chaotic or quasi-periodic attractors whose cells overlap are undecided")
    if known.repelling and (labels == UNSETTLED).any():
        notes.append("orbits that come to rest or repeat on cycles that do not attract are undecided")
    if known.conserves:
        notes.append("the map preserves volume, so an orbit that neither rests nor repeats has no attractor")
    if known.rounded:
        notes.append("orbits that come to rest at unstable points only because of round-off are undecided; use `classify` "
                     "for these")
    if known.leaves:
        notes.append("starts without a next state, such as those from which a flow does not return to its section, are undecided")
    rests = step.has_state
    looked_at = [ESCAPED, *(k for k, one in enumerate(known.known) if rests and one.visited is None)]
    for label in looked_at:
        cells = np.flatnonzero(labels == label)
        for cell in cells[np.linspace(0, len(cells) - 1, min(most, len(cells))).astype(int)]:
            z = start(int(cell))
            end = known.regime(z)
            same = end.kind == "divergent" if label == ESCAPED else on_cycle(step, known.known[label], end.period, end.points)
            if not same:
                labels[cells] = UNSETTLED
                words = OTHERS.get(label) or known.known[label].kind
                at = ", ".join(f"{x:.6g}" for x in z)
                notes.append(
                    f"starts that seemed {words} are undecided: from ({at}) refinement finds {end.kind} ({end.reason})"
                )
                break
    return "; ".join(notes)


def ordered(known: list[Found], labels: np.ndarray) -> tuple[Attractor, ...]:
    """The attractors that have starts, the most common one first; the labels are renumbered in this order."""
    counts = np.bincount(labels - UNRESOLVED, minlength=len(known) - UNRESOLVED)[-UNRESOLVED:]
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda k: (-counts[k], known[k].points[0].tolist()))
    places = np.full(len(known) - UNRESOLVED, UNSETTLED)
    places[order], places[ESCAPED], places[UNRESOLVED] = np.arange(len(order)), ESCAPED, UNRESOLVED
    np.take(places, labels, out=labels, mode="wrap")
    made = []
    for k in order:
        one, part = known[k], float(counts[k] / labels.size)
        error = float(np.sqrt(part * (1 - part) / labels.size))
        points = one.points if one.period or one.kind == LIMIT_CYCLE else one.points[:SHOWN]
        made.append(Attractor(one.kind, one.period, points, one.multipliers, one.lyapunov, int(counts[k]), part, error))
    return tuple(made)
