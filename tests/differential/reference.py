"""A plain classifier of orbits in 160-bit arithmetic (python-flint), which reads the formulas by itself and shares no code.

An orbit is followed as it is. A cycle is an orbit that closes to 2⁻⁶⁰ and contracts, its period the smallest that closes;
divergent is what passes 10³⁰ and goes on growing. What does neither is chaotic or quasi-periodic by its largest exponent and
by weighted averages of its second half. A verdict is given only if it is the same for starts a little beside.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb

from tests.differential.model import BITS, Model

LAGS = 2048
STAGES = (256, 1024, 4096, 16384, 65536)
CLOSED, HUGE, BEYOND = 2.0**-60, 1e30, 200
NUDGES = (2.0**-46, -(2.0**-44))
BATCHES = 16


@dataclass(frozen=True)
class Verdict:
    """kind: as of the package's ``classify``; period of a cycle (1: fixed point), else None; the evidence.

    ``number``: |largest multiplier| of a cycle, exponent of what is chaotic or quasi-periodic.
    """

    kind: str
    period: int | None
    evidence: str
    number: float = math.nan


# -- orbits --------------------------------------------------------------------------------------------------------


class _Orbit:
    """An orbit on its way: all states as floats, the last ones exactly."""

    def __init__(self, model: Model, start: Sequence[float]):
        self.model, self.z = model, tuple(arb(v) for v in start)
        self.floats: list[tuple[float, ...]] = [tuple(start)]
        self.recent = deque([self.z], maxlen=LAGS + 1)

    @property
    def extent(self) -> float:
        """The largest entry since the first eighth of the orbit: a detour before is forgotten."""
        return float(np.abs(self.floats[len(self.floats) // 8 :]).max())

    def run(self, until: int) -> Verdict | None:
        """On to this many steps; a verdict if the orbit ends before."""
        step, floats, recent, z = self.model.step, self.floats, self.recent, self.z
        while len(floats) <= until:
            z = step(*z)
            row = tuple(map(float, z))
            size = max(map(abs, row))
            if not size < HUGE:
                if any(map(math.isnan, row)):
                    return Verdict("undecided", None, f"undefined at step {len(floats)}")
                ended = self.escapes(z)
                if ended:
                    return ended
            floats.append(row)
            recent.append(z)
        self.z = z
        return None

    def escapes(self, z: tuple) -> Verdict | None:
        """A state beyond 10³⁰: divergent if it stays there and grows; None if it comes back."""
        first = last = max(abs(v) for v in z)
        where = f"beyond 1e30 at step {len(self.floats)}"
        for k in range(BEYOND):
            balls = self.model.balls(*z)
            if not all(v.is_finite() and (v.rel_accuracy_bits() > 20 or v.is_zero()) for v in balls):
                return Verdict("undecided", None, f"{where}, not accurate {k} steps later")
            z = tuple(v.mid() for v in balls)
            size = max(abs(v) for v in z)
            if not size > HUGE:
                return None
            last = size
        return Verdict("divergent" if last > 2 * first else "undecided", None, where)

    def cycle(self) -> Verdict | None:
        """The cycle that the orbit is on to 2⁻⁶⁰, if it attracts."""
        period = self.closing(CLOSED)
        if period is None:
            return None
        points = list(self.recent)[-period:]
        sizes = [abs(m) for m in self.model.multipliers(points)]
        if not sizes[0] < 1 - 1e-9:
            return self.neutral(period, sizes[0])
        rounds = 80 * math.log(2) / -math.log(max(sizes[0], 1e-30))
        if self.run(len(self.floats) + math.ceil(min(rounds * period, 400_000))):
            return None
        again = self.closing(CLOSED * 2.0**-20)
        if again is None:
            return None
        size = abs(self.model.multipliers(list(self.recent)[-again:])[0])
        kind = "fixed point" if again == 1 else "cycle"
        return Verdict(kind, again, f"closed to 2^-80, |multiplier| {size:.6g}", size) if size < 1 - 1e-9 else None

    def neutral(self, period: int, size: float) -> Verdict | None:
        """On a cycle that does not attract: an orbit that repeats itself to 2⁻¹²⁰, or stays where rounding would have grown to 1."""
        rounds = 4 * BITS * math.log(2) / math.log(max(size, 1.0)) if size > 1.001 else 0.0
        if self.run(len(self.floats) + math.ceil(rounds) * period):
            return None
        if self.closing(CLOSED if rounds else CLOSED**2) != period:
            return None
        return Verdict("fixed point" if period == 1 else "cycle", period, f"stays on it, |multiplier| {size:.6g}", size)

    def closing(self, tolerance: float) -> int | None:
        """The smallest period at which the last state comes back, relative to the size of the orbit (or as far as rounding lets it)."""
        recent, extent = self.recent, self.extent
        noise = max(v.rad() for v in self.model.balls(*recent[-2]))
        limit, floats = max(arb(tolerance * extent), 2**20 * noise), np.array(self.floats[-LAGS - 1 :])
        near = np.flatnonzero(np.abs(floats[-2::-1] - floats[-1]).max(axis=1) <= 1e-12 * extent) + 1
        for lag in near.tolist():
            if all(abs(a - b) <= limit for a, b in zip(self.z, recent[-1 - lag], strict=True)):
                return int(lag)
        return None


# -- neither settled nor escaped -----------------------------------------------------------------------------------


def exponents(model: Model, orbit: np.ndarray) -> np.ndarray:
    """The largest exponent over each of 16 stretches of the orbit, (16,)."""
    slopes = model.slopes(orbit)
    with np.errstate(divide="ignore"):
        if model.dim == 1:
            logs = np.log(np.abs(slopes[:, 0, 0]))
        else:
            logs, v = np.empty(len(slopes)), np.array([0.8, 0.6, 0.7])[: model.dim]
            for k, slope in enumerate(slopes):
                v = slope @ v
                length = math.hypot(*v)
                if not 0 < length < math.inf:
                    return np.full(BATCHES, np.nan)
                v, logs[k] = v / length, math.log(length)
    return logs[: len(logs) // BATCHES * BATCHES].reshape(BATCHES, -1).mean(axis=1)


def averages_gap(orbit: np.ndarray) -> float:
    """How far weighted averages over two halves differ; the weight exp(−1/(s(1−s))) (Das et al. 2017, Nonlinearity 30)."""
    n = len(orbit) // 2
    s = np.arange(1, n) / n
    weight = np.exp(-1 / (s * (1 - s)))
    scaled = (orbit - orbit.mean(axis=0)) / np.maximum(np.ptp(orbit, axis=0), 1e-300)
    seen = np.concatenate([scaled, scaled**2, np.cos(3 * scaled), scaled[:, :1] * scaled[:, -1:]], axis=1)
    halves = [weight @ seen[start + 1 : start + n] / weight.sum() for start in (0, n)]
    return float(np.abs(halves[0] - halves[1]).max())


def _irregular(model: Model, orbit: np.ndarray) -> Verdict:
    tail = orbit[len(orbit) // 4 :]
    batches = exponents(model, tail)
    exponent, error = float(batches.mean()), float(batches.std(ddof=1)) / math.sqrt(BATCHES)
    gap = averages_gap(tail)
    halves = np.abs(np.array_split(tail, 2)).max(axis=(1, 2)) if len(tail) % 2 == 0 else np.abs(tail).max() * np.ones(2)
    near = np.abs(tail[-LAGS:-1] - tail[-1]).max(axis=1).min() / max(float(np.ptp(tail, axis=0).max()), 1e-300)
    evidence = f"exponent {exponent:.5f} ± {error:.1g}, averages differ by {gap:.1g}, nearest return {near:.1g}"
    if not math.isfinite(exponent) or halves[1] > 1.5 * halves[0]:
        return Verdict("undecided", None, evidence)
    if exponent > max(8 * error, 2e-3) and gap > 1e-8:
        return Verdict("chaotic", None, evidence, exponent)
    if abs(exponent) < 1e-3 and gap < 1e-9 and near > 1e-6:
        return Verdict("quasi-periodic", None, evidence, exponent)
    return Verdict("undecided", None, evidence)


def _fate(model: Model, start: Sequence[float], stages: Sequence[int]) -> tuple[Verdict | None, np.ndarray]:
    """(verdict, orbit) of what settles or escapes by the last of the stages; None if nothing does."""
    orbit = _Orbit(model, start)
    for stage in stages:
        found = orbit.run(stage) or orbit.cycle()
        if found:
            return found, np.empty(0)
    return None, np.array(orbit.floats)


def classify(formulas: Sequence[str], variables: Sequence[str], params: dict[str, float], start: Sequence[float], effort: int = 1) -> Verdict:
    """The regime of the orbit of ``start``; ``effort``: how many times as long it is followed if it does not settle."""
    model = Model(formulas, variables, params)
    stages = [*STAGES, STAGES[-1] * effort]
    settled, orbit = _fate(model, start, stages)
    verdict = settled or _irregular(model, orbit)
    if verdict.kind == "undecided":
        return verdict
    for nudge in NUDGES if settled else NUDGES[:1]:
        other = _fate(model, [v * (1 + nudge) for v in start], stages if settled else STAGES[:-1])[0]
        if (other and (other.kind, other.period)) != (settled and (settled.kind, settled.period)):
            words = f"{other.kind} {other.period}" if other else "no end"
            return Verdict("undecided", None, f"{verdict.kind} {verdict.period}, but {words} after a change of the start by {nudge:.0e}")
    return verdict
