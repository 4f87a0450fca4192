"""`bands`: the regime of one orbit as a parameter varies, in intervals."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.analysis.classify import classify
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import CHAOTIC, ESCAPED, UNSETTLED, scan
from cfdyn.orbits import ESCAPE
from cfdyn.records import Record, provenance
from cfdyn.systems import Map, require_map

MAX_PERIOD = 32
RETURN = 1e-8
MOST_OPERATIONS = 3e9
DOUBTFUL = 8


@dataclass(frozen=True)
class Bands(Record):
    """The regimes met by the orbit of one start over a range of a parameter.

    ``values`` (N,) increasing, ``labels`` (N,): the period, −1 chaotic, −2 undecided, −3 divergent,
    −4 quasi-periodic; ``exponents`` (N,): the largest Lyapunov exponent; ``tails`` (N, K): the first
    state coordinate over the last K steps. ``bands``: (lo, hi, name) for each run of equal labels,
    with boundaries at half the distance to the neighbour.
    """

    parameter: str
    values: np.ndarray
    labels: np.ndarray
    exponents: np.ndarray
    tails: np.ndarray
    bands: list


QUASI_PERIODIC = -4
NAMES = {CHAOTIC: "chaotic", UNSETTLED: "undecided", ESCAPED: "divergent", QUASI_PERIODIC: "quasi-periodic",
         1: "fixed point"}  # fmt: skip
_KINDS = {"chaotic": CHAOTIC, "undecided": UNSETTLED, "divergent": ESCAPED, "quasi-periodic": QUASI_PERIODIC}


def bands(
    step: Map,
    z0: Any,
    parameter: str,
    bounds: tuple[float, float],
    count: int = 400,
    progress: Callable[[int, int], None] | None = None,
) -> Bands:
    """Regimes over [lo, hi], every orbit from the same start; boundaries are refined by halving.

    A quick pass labels what clearly repeats or clearly stretches; what it leaves open goes through
    `classify` at the ends and the middle of each open stretch, and where those agree the stretch gets
    their label. Narrow windows between the samples can be missed.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    parameter, bounds : what to vary, (lo, hi)
    count : number of samples before refinement; fewer where a step costs very much
    progress : called with (done, total)

    Raises
    ------
    UsageError : an empty range, or fewer than two samples

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    >>> found = cf.analysis.bands(step, [1.1], "lr", (0.5, 1.25), count=60)
    >>> [(round(lo, 2), round(hi, 2), name) for lo, hi, name in found.bands]
    [(0.5, 1.0, 'fixed point'), (1.0, 1.24, 'period 2'), (1.24, 1.25, 'period 4')]
    """
    lo, hi = float(bounds[0]), float(bounds[1])
    if not (np.isfinite([lo, hi]).all() and lo < hi) or count < 2:
        raise UsageError(f"bands need a range lo < hi and two samples or more, not {lo:g}:{hi:g}:{count}")
    z, run = require_map(step).state(z0), _Scan(step, parameter, progress)
    count = min(count, run.most)
    run.add(np.linspace(lo, hi, count), z)
    for _ in range(6):
        run.add(run.boundaries(max(count // 6, 2)), z)
    run.settle_doubts(z)
    values, labels = run.values, run.labels
    return Bands(parameter, values, labels, run.exponents, run.tails, _intervals(values, labels),
                 provenance=provenance(map=step.title, params=step.params, start=z, bounds=bounds))  # fmt: skip


class _Scan:
    """Samples taken so far, kept in order of the parameter."""

    def __init__(self, step: Map, parameter: str, progress: Callable[[int, int], None] | None):
        self.step, self.parameter, self.progress = step, parameter, progress
        step.at(**{parameter: step.params.get(parameter, 0.0)})
        self.index = list(step.params).index(parameter)
        self.transient = int(np.clip(3e6 / max(step.cost, 1), 300, 3000))
        # A Jacobian of many states is the dearest part; take fewer samples then.
        sample = self.transient * step.cost + 4 * MAX_PERIOD * (step.tangent_cost + 2 * step.dim**2)
        self.most = int(np.clip(MOST_OPERATIONS / sample, 24, 2000))
        self.values, self.labels, self.exponents = np.empty(0), np.empty(0, dtype=np.int64), np.empty(0)
        self.tails = np.empty((0, 2 * MAX_PERIOD))

    def add(self, values: np.ndarray, z: np.ndarray) -> None:
        """Scan more parameter values and sort them in."""
        if len(values) == 0:
            return
        labels, exponents, tails = self._scan(values, z, self.transient)
        order = np.argsort(np.concatenate([self.values, values]), kind="stable")
        self.values = np.concatenate([self.values, values])[order]
        self.labels = np.concatenate([self.labels, labels])[order]
        self.exponents = np.concatenate([self.exponents, exponents])[order]
        self.tails = np.concatenate([self.tails, tails])[order]

    def _scan(self, values: np.ndarray, z: np.ndarray, transient: int) -> tuple[np.ndarray, ...]:
        """Labels, exponents and tails, in blocks on two threads (the kernel holds no lock)."""
        blocks = np.array_split(values, min(len(values), 16))
        parts = []
        with ThreadPoolExecutor(2) as pool:
            for done, part in enumerate(pool.map(lambda block: self._block(block, z, transient), blocks), 1):
                parts.append(part)
                if self.progress:
                    self.progress(done, len(blocks))
        return tuple(np.concatenate(p) for p in zip(*parts, strict=True))

    def _block(self, values: np.ndarray, z: np.ndarray, transient: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n, d = len(values), self.step.dim
        parameters = np.tile(self.step.p, (n, 1))
        parameters[:, self.index] = values
        labels, exponents = np.empty(n, dtype=np.int64), np.empty(n)
        tails = np.empty((n, 2 * MAX_PERIOD, d))
        rules = self.step.rule("step").compiled, self.step.rule("jacobian").compiled
        starts = np.tile(z, (n, 1))
        scan(*rules, starts, parameters, transient, MAX_PERIOD, RETURN, ESCAPE, labels, exponents, tails)
        tails[labels == ESCAPED] = np.nan
        return labels, exponents, tails[:, :, 0]

    def boundaries(self, most: int) -> np.ndarray:
        """Midpoints between neighbours with different labels, the widest gaps first."""
        change = np.flatnonzero(self.labels[1:] != self.labels[:-1])
        gaps = self.values[change + 1] - self.values[change]
        widest = change[np.argsort(-gaps, kind="stable")[:most]]
        return np.sort((self.values[widest] + self.values[widest + 1]) / 2)

    def settle_doubts(self, z: np.ndarray) -> None:
        """A longer transient for what is still open, then `classify` at the ends and the middle of each open run.

        What agrees there is taken to hold in between; chaos right beside divergence may be a slow escape.
        """
        open_ones = np.flatnonzero(self.labels == UNSETTLED)
        if len(open_ones):
            again = self._scan(self.values[open_ones], z, 16 * self.transient)
            self.labels[open_ones], self.exponents[open_ones], self.tails[open_ones] = again
        escaping = (self.labels == CHAOTIC) & _beside(self.labels == ESCAPED, 3)
        for first, last in _runs((self.labels == UNSETTLED) | escaping)[:DOUBTFUL]:
            places = sorted({first, (first + last) // 2, last})
            found = [self._classified(i, z) for i in places]
            if len(set(found)) == 1:
                self.labels[first : last + 1] = found[0]
            else:
                self.labels[places] = found

    def _classified(self, i: int, z: np.ndarray) -> int:
        budget = int(np.clip(1e8 / max(self.step.cost, 1), 5_000, 100_000))
        found = classify(self.step.at(**{self.parameter: float(self.values[i])}), z, budget=budget)
        return found.period or _KINDS[found.kind]


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of True, the longest first."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    runs = [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]
    return sorted(runs, key=lambda run: run[0] - run[1])


def _beside(marked: np.ndarray, distance: int) -> np.ndarray:
    """True within ``distance`` places of a True."""
    return np.convolve(marked, np.ones(2 * distance + 1), mode="same") > 0


def _intervals(values: np.ndarray, labels: np.ndarray) -> list[tuple[float, float, str]]:
    """Runs of equal labels as (lo, hi, name)."""
    cuts = np.flatnonzero(labels[1:] != labels[:-1])
    middles = (values[cuts] + values[cuts + 1]) / 2
    edges = [float(values[0]), *middles.tolist(), float(values[-1])]
    firsts = [int(labels[0]), *labels[cuts + 1].tolist()]
    return [(edges[i], edges[i + 1], NAMES.get(k, f"period {k}")) for i, k in enumerate(firsts)]
