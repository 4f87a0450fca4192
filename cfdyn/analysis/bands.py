"""`bands`: the regime of one orbit as a parameter varies, in intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis._band_bounds import bounded
from cfdyn.analysis.classify import Regime, classify, default_budget
from cfdyn.cycles.shooting import multipliers
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import CHAOTIC, ESCAPED, UNSETTLED, scan
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import ESCAPE

MAX_PERIOD = 32
RETURN = 1e-8
MOST_OPERATIONS = 3e9
# Steps of a quick look by `classify`, which shows chaos; what it leaves undecided gets a longer one, then a full one.
QUICK = (8_000, 100_000)
# What a call of `classify` costs besides its steps, and all of them together, in operations.
CALL, MOST_CALLED = 1.2e8, 1.2e10
# Stretches narrower than that many distances of samples are looked at in their middle only.
NARROW = 4
# A value beside one at which the orbit lands on an unstable cycle exactly.
NUDGE = 1 + math.pi * 1e-9
NEUTRAL = 1e-9  # exponents below it
QUASI_PERIODIC, UNRESOLVED = -4, -5


@dataclass(frozen=True)
class Bands(Record):
    """The regimes met by the orbit of one start over a range of a parameter.

    ``values`` (N,) increasing, ``labels`` (N,): the period, −1 chaotic, −2 undecided, −3 divergent, −4 quasi-periodic,
    −5 unresolved; ``exponents`` (N,): the largest Lyapunov exponent; ``tails`` (N, K): the first state coordinate over the
    last K steps. ``bands``: (lo, hi, name) for each run of equal labels; a boundary lies at the bifurcation of the cycle
    beside it where there is one between the samples, else half-way between them. ``resolution``: the widest distance of
    two samples; windows narrower than that can be missed. "unresolved": regimes change within less, or were not looked at
    for want of time.
    """

    parameter: str
    values: Annotated[np.ndarray, "n"]
    labels: Annotated[np.ndarray, "n"]
    exponents: Annotated[np.ndarray, "n"]
    tails: Annotated[np.ndarray, "n *"]
    bands: list[tuple[float, float, str]]
    resolution: float = math.nan


NAMES = {CHAOTIC: "chaotic", UNSETTLED: "undecided", ESCAPED: "divergent", QUASI_PERIODIC: "quasi-periodic",
         UNRESOLVED: "unresolved", 1: "fixed point"}  # fmt: skip
_KINDS = {"chaotic": CHAOTIC, "undecided": UNSETTLED, "divergent": ESCAPED, "quasi-periodic": QUASI_PERIODIC}


def bands(
    step: Map,
    z0: Any,
    parameter: str,
    bounds: tuple[float, float],
    count: int = 400,
    progress: Callable[[int, int], None] | None = None,
) -> Bands:
    """Regimes over [lo, hi], every orbit from the same start.

    A quick pass labels what clearly repeats or clearly stretches, boundaries are refined by halving, and what does not
    repeat is run on for longer. Each stretch that is not periodic is then put to `classify`, at its ends and in its middle,
    the widest first: it gets the label where the three agree, and is cut where they do not. Boundaries of periodic bands
    are put where the cycle beside them loses its stability, if it does so between the samples (`continue_cycle`).

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
    >>> [(round(lo, 6), round(hi, 6), name) for lo, hi, name in found.bands]  # flips at 1 and √5 − 1
    [(0.5, 1.0, 'fixed point'), (1.0, 1.236068, 'period 2'), (1.236068, 1.25, 'period 4')]
    """
    lo, hi = float(bounds[0]), float(bounds[1])
    if not (lo < hi and np.isfinite(hi - lo)) or count < 2:
        raise UsageError(f"bands need a range lo < hi of finite width and two samples or more, not {lo:g}:{hi:g}:{count}")
    z, run = require_map(step).state(z0), _Scan(step, parameter, progress)
    count = min(count, run.most)
    run.add(np.unique(np.linspace(lo, hi, count)), z)
    for _ in range(6):
        run.add(run.boundaries(max(count // 6, 2)), z)
    run.longer(z)
    run.check(z, (hi - lo) / (count - 1))
    run.pass_over_bifurcations()
    found = bounded(step, parameter, z, run.values, run.labels, NAMES)
    return Bands(parameter, run.values, run.labels, run.exponents, run.tails, found, float(np.diff(run.values).max()),
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
        # An unstable cycle holds a float orbit at this value alone, if at all.
        for i in np.flatnonzero((labels > 0) & (exponents > 0)):
            beside = self.step.at(**{self.parameter: float(values[i])})
            if not abs(multipliers(beside, tails[i, -labels[i] :])[0]) <= 1:
                labels[i] = UNSETTLED
        return labels, exponents, tails[:, :, 0]

    def boundaries(self, most: int) -> np.ndarray:
        """Midpoints between neighbours with different labels, the widest gaps first."""
        change = np.flatnonzero(self.labels[1:] != self.labels[:-1])
        gaps = self.values[change + 1] - self.values[change]
        widest = change[np.argsort(-gaps, kind="stable")[:most]]
        return np.sort((self.values[widest] + self.values[widest + 1]) / 2)

    def longer(self, z: np.ndarray) -> None:
        """Up to 16 times the transient for what neither repeats nor stretches, then for what stretches, as the work allows."""
        for label in (UNSETTLED, CHAOTIC):
            open_ones = np.flatnonzero(self.labels == label)
            if len(open_ones):
                factor = int(np.clip(MOST_OPERATIONS / (len(open_ones) * self.transient * self.step.cost), 2, 16))
                again = self._scan(self.values[open_ones], z, factor * self.transient)
                self.labels[open_ones], self.exponents[open_ones], self.tails[open_ones] = again

    def check(self, z: np.ndarray, spacing: float) -> None:
        """Put each stretch that is not periodic to `classify`, the widest first, until the work is spent.

        What is left then is unresolved. Where it does not stretch and is narrower than the distance of two samples it is
        dropped: what converges slowly beside a bifurcation.
        """
        sure, slow = self.labels > 0, self.labels == UNSETTLED
        runs = [run for run in _runs_of(self.labels) if not sure[run[0]] and self._width(run) >= spacing]
        runs.sort(key=lambda run: (-self._width(run), run))

        def turn(some: list[tuple[int, int]]) -> None:
            # Each thread has its own share of the work, so that what is done does not depend on their pace.
            checks = _Checks(self, z, sure, NARROW * spacing, MOST_CALLED / 2)
            for run in some:
                checks.run(*run)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(turn, (runs[::2], runs[1::2])))
        self.labels[~sure] = UNRESOLVED
        gone = [i for run in _runs(~sure & slow) if self._width(run) < spacing for i in range(run[0], run[1] + 1)]
        self.drop(gone if len(gone) < len(sure) else [])

    def drop(self, gone: list[int]) -> None:
        """Forget these samples."""
        for name in ("values", "labels", "exponents", "tails"):
            setattr(self, name, np.delete(getattr(self, name), gone, axis=0))

    def pass_over_bifurcations(self) -> None:
        """A sample on a neutral cycle that no neighbour has hits a bifurcation exactly, and makes no band.

        It is forgotten, or counts to its neighbour at an end of the range.
        """
        last = len(self.labels) - 1
        hit = [i for i, j in _runs_of(self.labels) if i == j and self.labels[i] > 0 and abs(self.exponents[i]) < NEUTRAL]
        for end, beside in ((0, 1), (last, last - 1)):
            if end in hit and last > 0:
                self.labels[end] = self.labels[beside]
        self.drop([i for i in hit if 0 < i < last])

    def _width(self, run: tuple[int, int]) -> float:
        return float(self.values[run[1]] - self.values[run[0]])


class _Checks:
    """Labels by `classify`, until so many operations are spent."""

    def __init__(self, scan: _Scan, z: np.ndarray, sure: np.ndarray, narrow: float, work: float):
        self.scan, self.z, self.sure, self.narrow, self.work = scan, z, sure, narrow, work

    def run(self, first: int, last: int) -> None:
        """Label the samples first…last in the middle and at the ends, and so on where these differ."""
        labels, sure, middle = self.scan.labels, self.sure, (first + last) // 2
        wide = self.scan.values[last] - self.scan.values[first] >= self.narrow
        places = [middle, first, last] if wide else [middle]
        for i in places:
            if not sure[i]:
                if self.work <= 0:
                    return
                label = self._classified(i)
                if label is None:
                    return
                labels[i], sure[i] = label, True
        if len(set(labels[places].tolist())) == 1:
            labels[first : last + 1], sure[first : last + 1] = labels[middle], True
        elif last - first > 2:
            self.run(first, middle)
            self.run(middle, last)

    def _classified(self, i: int) -> int | None:
        value = float(self.scan.values[i])
        found = self._regime(value)
        if found and found.period and abs(found.multipliers[0]) > 1:
            found = self._regime(value * NUDGE)
        return None if found is None else found.period or _KINDS[found.kind]

    def _regime(self, value: float) -> Regime | None:
        """By `classify` with few steps, and with all where these do not decide; None where the work does not allow that."""
        step = self.scan.step.at(**{self.scan.parameter: value})
        most, dear = default_budget(step), step.cost + step.tangent_cost // 2
        for budget in dict.fromkeys(min(steps, most) for steps in (*QUICK, most)):
            found = classify(step, self.z, budget=budget)
            self.work -= CALL + found.steps * dear
            if found.kind != "undecided" or budget == most:
                return found
            if self.work <= 0:
                break
        return None


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def _runs_of(labels: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of equal labels."""
    return [run for label in set(labels.tolist()) for run in _runs(labels == label)]
