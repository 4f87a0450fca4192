"""Cells over two quantities: orbits that start in them, and the choice of the cells whose orbits are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.ensembles.orbits import Orbits, along
from cfdyn.errors import UsageError, unknown
from cfdyn.kernels.orbits import UNSETTLED
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.orbit import FAR, MAX_BYTES

AT_ONCE = 2**18  # cells: what is done when Ctrl-C comes is whole blocks
PROBED, ROUNDS = 500, 8  # filled cells that are looked at for what was missed, and how often if there is something
BYTES = 32  # of a cell

Progress = Callable[[int], None]


class Grid:
    """Cells of two parameters of a map, or entries of its start, counted row by row: the first quantity along a row.

    ``varied``: twice (name, increasing values), or once, where ``fewest`` is 1: then there is one row. ``size``: bytes of a cell.
    """

    def __init__(
        self, step: AnyMap, varied: Sequence[tuple[str, Any]], start: np.ndarray, threads: int | None = None,
        fewest: int = 2, size: int = BYTES,
    ):  # fmt: skip
        if not fewest <= len(varied) <= 2:
            many = "two quantities" if fewest == 2 else "one or two quantities"
            raise UsageError(f"a map needs {many}, each (name, values), not {len(varied)}")
        self.step, self.start, self.threads = step, start, threads
        self.names: Any = tuple(name for name, _ in varied)
        self.axes = [_values(step, name, values) for name, values in varied]
        if len(set(self.names)) < len(self.names):
            raise UsageError(f"a map needs two different parameters, not {self.names[0]} twice")
        self.shape = len(self.axes[1]) if len(self.axes) > 1 else 1, len(self.axes[0])
        self.count = self.shape[0] * self.shape[1]
        if size * self.count > MAX_BYTES:
            raise UsageError(f"{self.count} cells need {size * self.count / 2**30:.1f} GiB; the limit is "
                             f"{MAX_BYTES / 2**30:.0f} GiB")  # fmt: skip
        for cell in (0, self.count - 1):
            self.at(cell)  # an error for values that the map does not allow, before anything is computed

    def orbits(self, cells: np.ndarray, escape: float = FAR) -> Orbits:
        """Those that begin in some cells."""
        params = list(self.step.params)
        states, parameters = np.tile(self.start, (len(cells), 1)), np.tile(list(self.step.params.values()), (len(cells), 1))
        places = cells % self.shape[1], cells // self.shape[1]
        for name, values, at in zip(self.names, self.axes, places, strict=False):
            table, column = (parameters, params.index(name)) if name in params else (states, self.step.names.index(name))
            table[:, column] = values[at]
        assert self.step.compiled is not None
        return Orbits(self.step.compiled, states, parameters, escape, self.threads)

    def at(self, cell: int) -> tuple[Any, np.ndarray, dict[str, float]]:
        """The map and the start of a cell, and its two values."""
        places = cell % self.shape[1], cell // self.shape[1]
        values = {name: float(axis[k]) for name, axis, k in zip(self.names, self.axes, places, strict=False)}
        start = self.start.copy()
        for name, value in values.items():
            if name not in self.step.params:
                start[self.step.names.index(name)] = value
        return self.step.at(**{name: value for name, value in values.items() if name in self.step.params}), start, values


def _values(step: AnyMap, name: Any, given: Any) -> np.ndarray:
    """Increasing values of a parameter or of an entry of the start."""
    if not isinstance(name, str) or name not in step.params and name not in step.names:
        raise unknown("parameter or entry of the state", name, [*step.params, *step.names])
    return along(name, given)


def look(
    labels: np.ndarray, looked: np.ndarray, take: Callable[[np.ndarray], None], coarse: int = 1, progress: Progress | None = None,
    most: int | None = None,
) -> str:  # fmt: skip
    """Label the cells (m, n) that are not yet ``looked`` at; ``take`` labels given cells, at most ``most`` in one call.
    Returns the accuracy in words.

    With ``coarse`` above 1: first one of so many along each side, then those between cells that differ, at half the distance
    each time, and finally all that have a neighbour with another label; the rest get the label around them. Some of these are
    also computed; where a label is wrong its region is followed to the boundary, until none is wrong.
    """

    def at(cells: np.ndarray) -> None:
        cells, block = cells[~looked.ravel()[cells]], most or AT_ONCE
        for begin in range(0, len(cells), block):
            some = cells[begin : begin + block]
            take(some)
            looked.ravel()[some] = True
            if progress:
                progress(int(looked.sum()))

    if coarse == 1:
        at(np.arange(labels.size))
        return ""
    _halve(labels, looked, at, coarse)
    random, wrong, probed = np.random.default_rng(0), 1, np.empty(0)
    for _ in range(ROUNDS):
        while len(cells := np.flatnonzero(_beside_others(labels) & ~looked)):
            at(cells)
        filled = np.flatnonzero(~looked)
        probed = random.choice(filled, min(PROBED, len(filled)), replace=False)
        expected = labels.ravel()[probed]
        at(probed)
        wrong = int((labels.ravel()[probed] != expected).sum())
        if not wrong:
            break
    return (f"{100 * (1 - looked.mean()):.3g} % of the cells are filled from around them; of the last {len(probed)} of these "
            f"that were looked at {wrong or 'none'} had another label")  # fmt: skip


def _halve(labels: np.ndarray, looked: np.ndarray, at: Callable[[np.ndarray], None], coarse: int) -> None:
    """Compute cells at half the distance between those that differ; the others get the label around them."""
    width, known = labels.shape[1], [_every(n, coarse) for n in labels.shape]
    at((known[0][:, None] * width + known[1]).ravel())
    while coarse > 1:
        coarse //= 2
        finer = [_every(n, coarse) for n in labels.shape]
        below = [old[np.searchsorted(old, new, "right") - 1] for old, new in zip(known, finer, strict=True)]
        above = [old[np.searchsorted(old, new)] for old, new in zip(known, finer, strict=True)]
        corners = np.stack([labels[np.ix_(rows, columns)] for rows in (below[0], above[0]) for columns in (below[1], above[1])])
        alike = (corners == corners[0]).all(axis=0) & (corners[0] != UNSETTLED)
        block = np.ix_(*finer)
        labels[block] = np.where(looked[block], labels[block], corners[0])
        at((finer[0][:, None] * width + finer[1])[~alike])
        known = finer


def _every(n: int, coarse: int) -> np.ndarray:
    """Every k-th of n indices, and the last one."""
    return np.union1d(np.arange(0, n, coarse), [n - 1])


def _beside_others(labels: np.ndarray) -> np.ndarray:
    """Which cells (m, n) have one of eight neighbours with another label."""
    border, (m, n) = np.zeros(labels.shape, bool), labels.shape
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one = slice(0, m - down), slice(max(0, -right), n - max(0, right))
        other = slice(down, m), slice(max(0, right), n - max(0, -right))
        differs = labels[one] != labels[other]
        border[one] |= differs
        border[other] |= differs
    return border
