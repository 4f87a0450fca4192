"""`regimes`: what the orbit of one start ends on, over two parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles.labels import quick_labels
from cfdyn.ensembles.orbits import Orbits, increasing_values
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED
from cfdyn.records.record import Record, provenance
from cfdyn.settling.regime import regime
from cfdyn.settling.samples import KINDS, QUASI_PERIODIC
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import FAR, MAX_BYTES

TRANSIENT, MAX_PERIOD = 1000, 32
AT_ONCE = 2**17  # cells
CHECKED = 12  # escaped, and settled, cells that are put to `classify`
NAMES = {**{label: kind for kind, label in KINDS.items()}, 1: "fixed point"}


@dataclass(frozen=True)
class RegimeMap(Record):
    """What the orbit of one start ends on, over a grid of two parameters.

    ``names`` of the parameters and their values ``first`` (n,) and ``second`` (m,); ``labels`` (m, n): the period, −1 chaotic,
    −2 undecided, −3 divergent, −4 quasi-periodic; ``lyapunov`` (m, n): the largest exponent per step, NaN where it was not
    needed. ``note``: why labels were withdrawn, or empty.
    """

    names: tuple[str, str]
    first: Annotated[np.ndarray, "n"]
    second: Annotated[np.ndarray, "m"]
    labels: Annotated[np.ndarray, "m n"]
    lyapunov: Annotated[np.ndarray, "m n"]
    note: str = ""

    @property
    def period(self) -> np.ndarray:
        """The period of each cell, (m, n); 0 where there is none."""
        return np.maximum(self.labels, 0)

    @property
    def kind(self) -> np.ndarray:
        """ "fixed point", "cycle", "chaotic", "quasi-periodic", "divergent" or "undecided", (m, n)."""
        known = {label: NAMES.get(label, "cycle") for label in np.unique(self.labels).tolist()}
        return np.vectorize(known.__getitem__, otypes=[object])(self.labels).astype(str)

    @property
    def fractions(self) -> dict[str, float]:
        """The part of the cells of each regime, cycles by their period, the largest first."""
        labels, counts = np.unique(self.labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {NAMES.get(int(labels[k]), f"period {labels[k]}"): float(counts[k] / self.labels.size) for k in order}


def regimes(
    step: Map, first: tuple[str, Any], second: tuple[str, Any], z0: Any, max_period: int = MAX_PERIOD,
    transient: int = TRANSIENT, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> RegimeMap:  # fmt: skip
    """The regime of the orbit of one start, over a grid of two parameters.

    Each orbit runs through a transient; what comes back to 10⁻¹⁰ of its size, on a cycle that attracts (spectral radius below
    1 − 10⁻⁵), has its period; what does not runs on 15 times as far. The rest is chaotic or quasi-periodic by its Lyapunov
    exponent with its error and by weighted averages, with the thresholds of `classify`, else undecided: so are cycles longer
    than ``max_period`` and what converges slowly beside a bifurcation. An orbit that overflows is divergent. A few cells that
    escape, rest or seem quasi-periodic are put to `classify`; where one of them is something else, all of their kind are
    undecided, and ``note`` says so. Floating-point evidence, no proof; bit by bit the same for any number of threads.

    Parameters
    ----------
    step : the map
    first, second : (name, values) of two parameters, the values increasing; the columns and the rows
    z0 : start, the d weights or the full state (D,)
    max_period : longest cycle that is named
    transient : steps before anything is looked at
    threads : as many as there are processors if not given
    progress : called now and then with the number of cells done

    Raises
    ------
    UsageError : unknown parameters, twice the same, values that do not increase, or a map too large for memory

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> found = cf.analysis.regimes(step, ("lr", [0.5, 1.6, 2.5]), ("momentum", [0.0, 0.5]), [1.1])
    >>> found.kind.tolist()
    [['fixed point', 'chaotic', 'divergent'], ['fixed point', 'cycle', 'divergent']]
    >>> found.period[1].tolist(), {name: round(part, 2) for name, part in found.fractions.items()}
    ([1, 2, 0], {'divergent': 0.33, 'fixed point': 0.33, 'chaotic': 0.17, 'period 2': 0.17})
    """
    axes = [increasing_values(require_map(step), *pair) for pair in (first, second)]
    if first[0] == second[0]:
        raise UsageError(f"a map of regimes needs two different parameters, not {first[0]} twice")
    z, longest = step.state(z0), whole_number("max_period", max_period, 1)
    columns, rows, count = axes[0], axes[1], len(axes[0]) * len(axes[1])
    if 16 * count > MAX_BYTES:
        raise UsageError(f"{count} cells need {16 * count / 2**30:.1f} GiB; the limit is {MAX_BYTES / 2**30:.0f} GiB")
    labels, exponents = np.empty(count, np.int64), np.empty(count)
    for begin in range(0, count, AT_ONCE):
        cells = np.arange(begin, min(begin + AT_ONCE, count))
        parameters = _parameters(step, (first[0], columns[cells % len(columns)]), (second[0], rows[cells // len(columns)]))
        orbits = Orbits(step, np.tile(z, (len(cells), 1)), parameters, FAR, threads)
        labels[cells], exponents[cells] = quick_labels(orbits, whole_number("the transient", transient, 1), longest)
        if progress:
            progress(int(cells[-1]) + 1)
    note = _checked(step, z, (first[0], columns), (second[0], rows), labels)
    shape = len(rows), len(columns)
    settings = provenance(map=step.title, params=step.params, start=z, max_period=longest, transient=transient)
    return RegimeMap((first[0], second[0]), columns, rows, labels.reshape(shape), exponents.reshape(shape), note,
                     provenance=settings)  # fmt: skip


def _parameters(step: Map, *varied: tuple[str, np.ndarray]) -> np.ndarray:
    """A row of parameters for each cell."""
    table = np.tile(list(step.params.values()), (len(varied[0][1]), 1))
    for name, values in varied:
        table[:, list(step.params).index(name)] = values
    return table


def _checked(step: Map, z: np.ndarray, first: tuple[str, Any], second: tuple[str, Any], labels: np.ndarray) -> str:
    """Put a few cells to a closer look; what withdraws the labels of their kind, or nothing."""
    notes = []
    memory = step.has_loss and step.dim > step.n_weights
    looked_at = [(ESCAPED, "orbits that overflow"), (QUASI_PERIODIC, "orbits that seem quasi-periodic")]
    for label, words in [*looked_at, (1, "orbits at rest")] if memory else looked_at:
        cells = np.flatnonzero(labels == label)
        for cell in cells[np.linspace(0, len(cells) - 1, min(CHECKED, len(cells))).astype(int)]:
            values = {first[0]: float(first[1][cell % len(first[1])]), second[0]: float(second[1][cell // len(first[1])])}
            found = regime(step.at(**values), z)
            if (found.period or KINDS[found.kind]) != label:
                labels[cells] = UNSETTLED
                at = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
                notes.append(f"{words} are undecided: at {at} a closer look finds {found.kind} ({found.reason})")
                break
    return "; ".join(notes)
