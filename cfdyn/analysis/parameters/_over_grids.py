"""What records over a grid of two quantities have in common, and how their cells are computed and checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.continuation.records import WithMap
from cfdyn.ensembles.grids import Grid, look
from cfdyn.errors import Interrupted, NumericsError, UsageError
from cfdyn.integrate.maps.poincare import PoincareMap
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED
from cfdyn.records.record import provenance
from cfdyn.settling.regime import regime
from cfdyn.settling.samples import KINDS, QUASI_PERIODIC, UNRESOLVED
from cfdyn.systems.recipes import recipe_of

TRANSIENT, OF_COSTLY, MAX_PERIOD = 1000, 100, 32
START = 0.1  # of each variable if none is given: 0 is a fixed point of many maps
CHECKED = 12  # escaped, and settled, cells that are passed to `classify`
STOPPED = "interrupted: some cells were not computed, the others not refined"
NAMES = {**{label: kind for kind, label in KINDS.items()}, 1: "fixed point", UNRESOLVED: "unresolved"}
Told = Callable[[int], None] | None


class OverGrid(WithMap):
    """Names and values of two quantities, ``labels`` (m, n), and which cells were computed, ``looked``."""

    names: tuple[str, str]
    first: np.ndarray
    second: np.ndarray
    labels: np.ndarray
    looked: np.ndarray

    @property
    def period(self) -> np.ndarray:
        """The period of each cell, (m, n); 0 if it has none."""
        return np.maximum(self.labels, 0)

    @property
    def fractions(self) -> dict[str, float]:
        """The fraction of the cells of each regime (cycles by their period), the largest first."""
        labels, counts = np.unique(self.labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {self.called(int(labels[k])): float(counts[k] / self.labels.size) for k in order}

    def called(self, label: int) -> str:
        """A label in words."""
        return NAMES.get(label, f"period {label}")

    @property
    def complete(self) -> bool:
        """False if Ctrl-C came before all cells were labelled: `extended` continues."""
        return not bool((self.labels == UNRESOLVED).any())

    @property
    def work(self) -> float:
        """The fraction of the cells whose orbit was computed; the others have the label of the cells around them."""
        return float(self.looked.mean()) if self.looked.size else 1.0

    def grid(self, threads: int | None = None) -> Grid:
        """The cells with their maps and starts, also for a loaded record."""
        start = np.array(self.provenance["settings"]["start"], float)
        return Grid(self.step, list(zip(self.names, (self.first, self.second), strict=True)), start, threads)


def gone_through(
    grid: Grid, labels: np.ndarray, looked: np.ndarray, take: Callable[[np.ndarray], None], made: Callable[[str], Any],
    coarse: int, progress: Told,
) -> Any:  # fmt: skip
    """The record ``made`` from a note once all cells are labelled; on Ctrl-C, `Interrupted` with the finished part."""
    try:
        filled = look(labels, looked, take, whole_number("coarse", coarse, 1), progress)
        return made("; ".join(filter(None, [checked(grid, labels), filled])))
    except KeyboardInterrupt:
        if not looked.any():
            raise
        labels[~looked] = UNRESOLVED
        raise Interrupted(made(STOPPED)) from None


def start_of(step: Any, given: Any) -> np.ndarray:
    """A start (D,), checked; if none is given 0.1 for each weight or variable, of a flow with a section its first crossing."""
    if given is not None:
        return step.state(given)
    if not isinstance(step, PoincareMap):
        return step.state(np.full(step.n_weights or step.dim, START))
    try:
        return step.state(np.full(step.flow.dim, START))
    except NumericsError as error:
        raise UsageError(f"{error}; the start is {START} for each variable: give z0, a start from which it does") from None


def transient_of(step: Any, given: int | None) -> int:
    """Discarded steps: fewer by default where a step is costly."""
    usual = TRANSIENT if math.isfinite(step.cost) else OF_COSTLY
    return usual if given is None else whole_number("the transient", given, 1)


def said(grid: Grid, **settings: Any) -> dict[str, Any]:
    """The provenance of a record over a grid."""
    about = provenance(map=grid.step.title, params=grid.step.params, start=grid.start, **settings)
    return {**about, "recipe": grid.step.compiled and recipe_of(grid.step.compiled)}


def checked(grid: Grid, labels: np.ndarray) -> str:
    """Examine a few labelled cells individually and withdraw the labels of a kind that fails; a sentence about these, or ""."""
    notes, step, labels = [], grid.step, labels.reshape(-1)
    if step.compiled is None:
        return ""  # all cells were examined in this way
    looked_at = [(ESCAPED, "orbits that overflow"), (QUASI_PERIODIC, "orbits that seem quasi-periodic")]
    for label, words in [*looked_at, (1, "orbits at rest")] if step.has_state else looked_at:
        cells = np.flatnonzero(labels == label)
        for cell in cells[np.linspace(0, len(cells) - 1, min(CHECKED, len(cells))).astype(int)]:
            here, start, values = grid.at(int(cell))
            settled = regime(here, start)
            if (settled.period or KINDS[settled.kind]) != label:
                labels[labels == label] = UNSETTLED
                at = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
                notes.append(f"{words} are undecided: at {at} refinement finds {settled.kind} ({settled.reason})")
                break
    return "; ".join(notes)
