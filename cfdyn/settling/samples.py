"""The regime of one orbit at many values of a parameter: a fast scan of all, and full examination where it is doubtful."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cfdyn.cycles.shooting import multipliers
from cfdyn.kernels.orbits import CHAOTIC, ESCAPED, UNSETTLED, scan
from cfdyn.numerics.stability import stability
from cfdyn.settling.disturbed import is_stable
from cfdyn.settling.regime import default_budget, regime
from cfdyn.settling.settled import Settled
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import ESCAPE

MAX_PERIOD = 32  # that a quick scan tells from chaos
RETURN = 1e-8  # of the size of the states: an orbit so near to where it was has come back
ROUND_OFF, FAR = 1e-13, 1e-3  # of that size: a return as near as floats are, and a way left that is long
MOST_OPERATIONS = 3e9  # of a scan, some seconds
TRANSIENT, SHORTEST, LONGEST = 3e6, 300, 3000  # operations of it for one sample, and steps of it at least and most
FEWEST, MOST = 24, 2000  # samples of a scan, between which its operations decide
# Steps of a quick look at one orbit, which shows chaos; what it leaves undecided gets a longer one, then a full one.
QUICK = (8_000, 100_000)
CALL, MOST_CALLED = 1.2e8, 1.2e10  # what a look costs besides its steps, and all of them together, in operations
CALL_PERTURBED = 5e8  # the same of a look that perturbs the orbit
NARROW = 4  # stretches narrower than that many distances of samples are looked at in their middle only, see `_CloserLook.label`
NUDGE = 1 + math.pi * 1e-9  # a value beside one at which the orbit lands on an unstable cycle exactly
NEUTRAL_EXPONENT = 1e-9  # per step: smaller ones are those of neutral cycles
QUASI_PERIODIC, UNRESOLVED, LOST = -4, -5, -6  # the last: to round-off, until a closer look
KINDS = {"chaotic": CHAOTIC, "undecided": UNSETTLED, "divergent": ESCAPED, "quasi-periodic": QUASI_PERIODIC}

Run = tuple[int, int]  # the first and the last of neighbouring samples


class Samples:
    """Samples in order: ``values``, ``labels`` (a period, of KINDS or UNRESOLVED), ``exponents`` (N,), ``tails`` (N, K)."""

    def __init__(self, step: Map, parameter: str, start: np.ndarray, progress: Callable[[int, int], None] | None):
        self.step, self.parameter, self.start, self.progress = step, parameter, start, progress
        step.at(**{parameter: step.params.get(parameter, 0.0)})  # an unknown name is an error
        self.index = list(step.params).index(parameter)
        self.transient = int(np.clip(TRANSIENT / max(step.cost, 1), SHORTEST, LONGEST))
        # A Jacobian of many states is the dearest part; take fewer samples then.
        sample = self.transient * step.cost + 4 * MAX_PERIOD * (step.tangent_cost + 2 * step.dim**2)
        self.most = int(np.clip(MOST_OPERATIONS / sample, FEWEST, MOST))
        self.values, self.labels, self.exponents = np.empty(0), np.empty(0, dtype=np.int64), np.empty(0)
        self.tails = np.empty((0, 2 * MAX_PERIOD))
        self.known: dict[float, Settled] = {}  # closer looks
        self.spent = 0.0  # operations for them so far
        self.injected = False  # whether some regime is one with perturbations
        self.perturbed = False  # whether these perturb the orbit, of which the samples then say little

    def add(self, values: np.ndarray) -> None:
        """Scan more values of the parameter and sort them in."""
        if len(values) == 0:
            return
        known, new = (self.values, self.labels, self.exponents, self.tails), (values, *self._scan(values, self.transient))
        order = np.argsort(np.concatenate([self.values, values]), kind="stable")
        self.values, self.labels, self.exponents, self.tails = (
            np.concatenate(pair)[order] for pair in zip(known, new, strict=True))  # fmt: skip

    def _scan(self, values: np.ndarray, transient: int) -> tuple[np.ndarray, ...]:
        """Labels, exponents and tails, in blocks on two threads (the kernel holds no lock)."""
        blocks = np.array_split(values, min(len(values), 16))
        parts = []
        with ThreadPoolExecutor(2) as pool:
            for done, part in enumerate(pool.map(lambda block: self._block(block, transient), blocks), 1):
                parts.append(part)
                self._tell(sum(map(len, blocks[:done])), len(values))
        return tuple(np.concatenate(p) for p in zip(*parts, strict=True))

    def _block(self, values: np.ndarray, transient: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n, d = len(values), self.step.dim
        parameters = np.tile(self.step.p, (n, 1))
        parameters[:, self.index] = values
        labels, exponents = np.empty(n, dtype=np.int64), np.empty(n)
        tails = np.empty((n, 2 * MAX_PERIOD, d))
        rules = self.step.rule("step").compiled, self.step.rule("jacobian").compiled
        starts = np.tile(self.start, (n, 1))
        scan(*rules, starts, parameters, transient, MAX_PERIOD, RETURN, ESCAPE, labels, exponents, tails)
        tails[labels == ESCAPED] = np.nan
        labels[(labels > 0) & (_way_left(tails, labels) > FAR)] = UNSETTLED
        # An unstable cycle holds a float orbit at this value alone, if at all.
        for i in np.flatnonzero((labels > 0) & (exponents > 0)):
            mu = multipliers(self.step.at(**{self.parameter: float(values[i])}), tails[i, -labels[i] :])
            if stability(mu) is False or np.isnan(mu[0]):
                labels[i] = UNSETTLED
        # So does a minimum an orbit whose average of squares still falls; longer it would stay as well.
        for i in np.flatnonzero(labels == 1) if self.step.has_state else ():
            if not is_stable(self.step.at(**{self.parameter: float(values[i])}), tails[i, -1]):
                labels[i] = LOST
        return labels, exponents, tails[:, :, 0]

    def boundaries(self, most: int) -> np.ndarray:
        """Midpoints between neighbours with different labels, of the widest gaps, (k,)."""
        change = np.flatnonzero(self.labels[1:] != self.labels[:-1])
        gaps = self.values[change + 1] - self.values[change]
        widest = change[np.argsort(-gaps, kind="stable")[:most]]
        return np.sort((self.values[widest] + self.values[widest + 1]) / 2)

    def run_longer(self) -> None:
        """Up to 16 times the transient for what neither repeats nor stretches, then for what stretches, as the work allows.

        Where closer looks perturb the orbit no sample that is not periodic says anything, however long.
        """
        self.perturbed = self._is_perturbed()
        if self.perturbed:
            self.labels[np.isin(self.labels, (CHAOTIC, LOST))] = UNSETTLED
        for label in () if self.perturbed else (UNSETTLED, CHAOTIC):
            open_ones = np.flatnonzero(self.labels == label)
            if len(open_ones):
                factor = int(np.clip(MOST_OPERATIONS / (len(open_ones) * self.transient * self.step.cost), 2, 16))
                again = self._scan(self.values[open_ones], factor * self.transient)
                self.labels[open_ones], self.exponents[open_ones], self.tails[open_ones] = again
        self.labels[self.labels == LOST] = UNSETTLED

    def _is_perturbed(self) -> bool:
        """True if in the middle of the samples that are not periodic a closer look perturbs the orbit."""
        open_ones = np.flatnonzero(np.isin(self.labels, (UNSETTLED, CHAOTIC, LOST)))
        if not (len(open_ones) and self.step.has_state):
            return False
        # The sample that a closer look begins with where all are open.
        value = float(self.values[open_ones[(len(open_ones) - 1) // 2]])
        step = self.step.at(**{self.parameter: value})
        self.known[value] = regime(step, self.start)
        self.spent = _work(step, self.known[value])
        self.injected = self.known[value].inject > 0
        return self.injected

    def look_closer(self, spacing: float) -> None:
        """Label each stretch that is not periodic by a closer look, the widest first, until the work is spent.

        What is left then is unresolved. Where it does not stretch and is narrower than the distance of two samples it is
        dropped: what converges slowly beside a bifurcation.
        """
        sure, slow = self.labels > 0, self.labels == UNSETTLED
        runs = [run for run in runs_of(self.labels) if not sure[run[0]] and self._width(run) >= spacing]
        runs.sort(key=lambda run: (-self._width(run), run))

        def label(some: list[Run]) -> None:
            # Each thread has its own share of the work, so that what is done does not depend on their pace.
            look = _CloserLook(self, sure, NARROW * spacing, (MOST_CALLED - self.spent) / 2)
            for run in some:
                look.label(*run)
                self._tell(int(sure.sum()), len(sure))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(label, (runs[::2], runs[1::2])))
        self.labels[~sure] = UNRESOLVED
        left = ~sure & slow
        narrow = [run for run in runs_of(left) if left[run[0]] and self._width(run) < spacing]
        dropped = [i for first, last in narrow for i in range(first, last + 1)]
        self._drop(dropped if len(dropped) < len(sure) else [])

    def pass_over_bifurcations(self) -> None:
        """A sample on a neutral cycle that no neighbour has hits a bifurcation exactly, and makes no band.

        It is dropped, or counts to its neighbour at an end of the range.
        """
        last = len(self.labels) - 1
        alone = [i for i, j in runs_of(self.labels) if i == j and self.labels[i] > 0]
        hit = [i for i in alone if abs(self.exponents[i]) < NEUTRAL_EXPONENT]
        for end, beside in ((0, 1), (last, last - 1)):
            if end in hit and last > 0:
                self.labels[end] = self.labels[beside]
        self._drop([i for i in hit if 0 < i < last])

    def _drop(self, places: list[int]) -> None:
        for name in ("values", "labels", "exponents", "tails"):
            setattr(self, name, np.delete(getattr(self, name), places, axis=0))

    def _tell(self, done: int, total: int) -> None:
        """How many values are done in this pass."""
        if self.progress and done:
            self.progress(done, total)

    def _width(self, run: Run) -> float:
        return float(self.values[run[1]] - self.values[run[0]])


class _CloserLook:
    """Labels by `regime`, until so many operations are spent."""

    def __init__(self, samples: Samples, sure: np.ndarray, narrow: float, work: float):
        self.samples, self.sure, self.narrow, self.work = samples, sure, narrow, work
        self.slow = False  # whether all steps left the last one open, so that a look of some length would as well

    def label(self, first: int, last: int) -> None:
        """Label the samples first…last in the middle and at the ends, and so on where these differ.

        Of a narrow stretch the middle is enough where a quick scan would have told a cycle beside it: a short one of an orbit
        that is not perturbed. Where three different long cycles are in it, it is unresolved.
        """
        labels, sure, middle = self.samples.labels, self.sure, (first + last) // 2
        wide = self.samples.values[last] - self.samples.values[first] >= self.narrow
        for i in (middle, first, last):
            if not sure[i] and (i == middle or wide or self.samples.perturbed or labels[middle] > MAX_PERIOD):
                label = self._label_at(float(self.samples.values[i])) if self.work > 0 else None
                if label is None:
                    return
                labels[i], sure[i] = label, True
        seen = {int(labels[i]) for i in (middle, first, last) if sure[i]}
        if not wide and len(seen) == 3 and min(seen) > MAX_PERIOD:
            labels[first : last + 1], sure[first : last + 1] = UNRESOLVED, True
        elif len(seen) > 1 and last - first > 1:
            self.label(first, middle)
            self.label(middle, last)
        else:
            for i in range(first, last + 1):
                if not sure[i]:
                    labels[i], sure[i] = labels[middle], True

    def _label_at(self, value: float) -> int | None:
        settled = self._regime(value)
        if settled and settled.period and stability(settled.multipliers) is False:
            settled = self._regime(value * NUDGE)
        return None if settled is None else settled.period or KINDS[settled.kind]

    def _regime(self, value: float) -> Settled | None:
        """With few steps, and with all where these do not decide; None where the work does not allow that."""
        if value in self.samples.known:
            return self.samples.known[value]
        step = self.samples.step.at(**{self.samples.parameter: value})
        most, settled = default_budget(step), None
        quick = QUICK[:1] if self.slow and not self.samples.perturbed else QUICK[self.samples.perturbed :]
        for budget in dict.fromkeys(min(steps, most) for steps in (*quick, most)):
            # A look that perturbs the orbit takes no fewer steps for a smaller budget.
            if settled and settled.inject and budget < most:
                continue
            settled = regime(step, self.samples.start, budget=budget)
            self.work -= _work(step, settled)
            if settled.kind != "undecided" or budget == most:
                self.slow = settled.kind == "undecided"
                self.samples.injected |= settled.inject > 0
                return settled
            if self.work <= 0:
                break
        return None


def _work(step: Map, settled: Settled) -> float:
    """Operations of a look."""
    return (CALL_PERTURBED if settled.inject else CALL) + settled.steps * (step.cost + step.tangent_cost // 2)


def _way_left(tails: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How far orbits (n, K, D) with periods (n,) still have to go if they slow down as they do, of their size; ∞ for a drift.

    An orbit whose steps are small, not because it converges, comes back to where it was as nearly as one that does.
    """
    left = np.zeros(len(labels))
    for i in np.flatnonzero(labels > 0):
        rows, period = tails[i], int(labels[i])
        moves = np.abs(rows[period:] - rows[:-period]).max(axis=1) / max(float(np.abs(rows).max()), 1e-300)
        first, last = moves[: len(moves) // 2].max(), moves[len(moves) // 2 :].max()
        if last > ROUND_OFF:
            left[i] = last / (1 - (last / first) ** (2 * period / len(moves))) if last < first else np.inf
    return left


def runs_of(labels: np.ndarray) -> list[Run]:
    """Each run of equal labels, in order."""
    cuts = np.flatnonzero(labels[1:] != labels[:-1]).tolist()
    return list(zip([0, *(k + 1 for k in cuts)], [*cuts, len(labels) - 1], strict=True))
