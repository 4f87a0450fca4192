"""`classify`: what an orbit settles on, or an honest "undecided"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.cycles.angles import at_home, hint, opened
from cfdyn.cycles.shooting import least_period, log_growth, multipliers, polish, regularity, residual
from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.records.record import Record, provenance
from cfdyn.settling.approach import Approach, approach
from cfdyn.settling.escape import escape
from cfdyn.settling.high_precision import MAX_OPERATIONS, noise, stays
from cfdyn.settling.irregular import irregular
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import ESCAPE, FAR

FIRST_STEPS = 1000
# States at which round-off is looked at, and its unit.
LAST, ULP = 3, 2.0**-53
# An orbit from so many times farther out may have lost its way to round-off, if that is this part of what follows.
AFAR, NOISY, TINY = 1e4, 1e-7, 1e-200
RETURNS = 16
# An orbit that grows so much from one half of the states looked at to the other has no scale yet.
GROWS = 1e3
SHORT, LONG, MOST_GROWTH = 8, 64, math.log(20.0)


@dataclass(frozen=True)
class Regime(Record):
    """The long-time behaviour of one orbit.

    ``kind``: "fixed point", "cycle", "quasi-periodic", "chaotic", "divergent" or "undecided".
    ``period``: 1 for a fixed point, n for a cycle, else None. ``points`` (period, D) and
    ``multipliers`` (D,) of the cycle; empty for the other kinds. ``lyapunov``: the largest exponent
    per step (−inf for a superstable cycle, NaN if unknown). ``residual``: max |f(x_i) − x_{i+1}|.
    ``reason``: the evidence in one sentence. ``steps``: how many steps were run for it.
    """

    kind: str
    period: int | None
    multipliers: Annotated[np.ndarray, "*", complex]
    lyapunov: float
    residual: float
    points: Annotated[np.ndarray, "* *"]
    reason: str
    steps: int = 0


def classify(
    step: Map,
    z0: Any,
    max_period: int = 4096,
    budget: int | None = None,
    digits: int = 60,
) -> Regime:
    """The regime of the orbit of z0.

    The orbit runs until it demonstrably contracts onto a cycle: its close returns are polished by
    Newton on all n points, the least period is taken over the divisors, and the distance between
    orbit and cycle must shrink stage after stage. An orbit that sits on an unstable cycle is
    repeated with ``digits`` digits. What never settles is chaotic if its Lyapunov exponent is
    significantly positive, quasi-periodic if its weighted Birkhoff averages converge fast, and
    otherwise undecided. Angles (`Map.from_text`, ``periodic``) count modulo their periods. Floating-point evidence, not proof.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    max_period : longest cycle looked for
    budget : most steps to run (2·10⁶ for a cheap map, fewer for one with many data rows)
    digits : precision of the repetition in doubt

    Returns
    -------
    Regime

    Raises
    ------
    UsageError : a start of the wrong length or not finite, or a period or budget below 1

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.83})
    >>> found = cf.analysis.classify(step, [0.3])
    >>> found.kind, found.period, found.multipliers.round(4)
    ('cycle', 3, array([0.3299]))
    >>> cf.analysis.classify(step.at(r=4.0), [0.3]).kind
    'chaotic'

    References
    ----------
    Multiple shooting: Kuznetsov, Elements of Applied Bifurcation Theory, §10.2. Weighted averages:
    Sander & Meiss (2020), Birkhoff averages and rotational invariant circles, Physica D 411, eq. (4).
    """
    from cfdyn.errors import UsageError

    if max_period < 1 or (budget is not None and budget < 1):
        raise UsageError("max_period and budget must be at least 1")
    require_map(step)
    z, most = step.state(z0), int(budget or default_budget(step))
    for cut in opened(step):
        found = _Search(cut, z, int(max_period), most, digits).run()
        if not (step.periodic and found.kind == "undecided" and "jump" in found.reason):
            break
    return at_home(step, found)


def default_budget(step: Map) -> int:
    """Steps worth about half a second: 2·10⁶ for a one-line map, never below 2·10⁴."""
    return int(np.clip(5e8 / max(step.cost, 1), 2e4, 2e6))


class _Search:
    """One orbit on its way, with what has been learnt about it."""

    def __init__(self, step: Map, z0: np.ndarray, max_period: int, budget: int, digits: int):
        self.step, self.z0, self.z = step, z0, z0.copy()
        self.max_period, self.budget, self.digits = max_period, budget, digits
        self.used = self.returns = 0
        self.note = ""
        self.provenance = provenance(map=step.title, params=step.params, start=z0, budget=budget)

    def run(self) -> Regime:
        chunk = min(FIRST_STEPS, self.budget)
        while self.used < self.budget:
            stopped = self.forward(chunk)
            if stopped is not None:
                return stopped
            if self.used == chunk:
                self.from_afar()
            settled = self.settle(min(self.max_period, max(64, self.used // 4)))
            if settled is not None:
                return settled
            chunk = min(self.used, self.budget - self.used)
        return self.unsettled()

    def forward(self, steps: int) -> Regime | None:
        """Run the orbit on; a Regime if it escapes."""
        compiled, before = self.step.rule("step").compiled, self.z.copy()
        done, status = advance(compiled, self.z, self.step.p, steps, FAR)
        if status == DONE:
            self.used += done
            return None
        advance(compiled, before, self.step.p, done - 1, FAR)
        self.used += done - 1
        found = escape(self.step, before, self.used, self.digits)
        if found.kind != "returns":
            return self.report(found.kind, found.reason, lyapunov=math.nan)
        self.z, self.used, self.note, self.returns = found.z, self.used + found.steps, found.reason, self.returns + 1
        if self.returns > RETURNS:
            return self.report("undecided", "the orbit leaves the range of floats again and again", lyapunov=math.nan)
        return None

    def from_afar(self) -> None:
        """Repeat the first steps with digits where their round-off is not small beside the orbit that follows."""
        rows = np.empty((2, 65, self.step.dim))
        for orbit, start in zip(rows, (self.z0, self.z), strict=True):
            orbit[0] = start
            if iterate(self.step.rule("step").compiled, self.step.p, FAR, orbit)[1] != DONE:
                return
        first, then = np.abs(rows).max(axis=1)
        if np.all(first <= AFAR * then) or self.used * self.step.cost > MAX_OPERATIONS:
            return
        farthest = np.argsort(-np.abs(rows[0] / np.fmax(then, TINY)).max(axis=1))[:LAST]
        if np.all(noise(self.step, rows[0, farthest]) <= NOISY * np.fmax(then, TINY)):
            return
        precise = self.step.precise(self.digits)
        state = [precise.number(v) for v in self.z0.tolist()]
        for _ in range(self.used):
            state = precise(state)
        self.z, self.note = np.array([float(v) for v in state]), f"; its first steps with {self.digits} digits"

    def settle(self, lags: int) -> Regime | None:
        """The cycle that the orbit contracts to, if there is one among its close returns."""
        orbit = np.empty((lags + 1, self.step.dim))
        orbit[0] = self.z
        if iterate(self.step.rule("step").compiled, self.step.p, FAR, orbit)[1] != DONE:
            return None
        half = len(orbit) // 2
        if np.abs(orbit[half:]).max() > GROWS * np.abs(orbit[:half]).max():
            return None
        rejected: list[np.ndarray] = []
        self.extent = _extent(self.step, orbit)
        for lag in self.promising(orbit):
            points = polish(self.step, orbit[:lag], extent=self.extent.max())
            if points is None:
                continue
            points = points[: least_period(points, extent=self.extent.max())]
            if any(len(r) == len(points) and np.allclose(r, points, rtol=1e-6, atol=0) for r in rejected):
                continue
            found = self.judge(points)
            if found is not None:
                return found
            rejected.append(points)
        return None

    def promising(self, orbit: np.ndarray) -> list[int]:
        """Close returns that may belong to a cycle worth Newton's work, the shortest first.

        Over a long return near an attracting cycle tangent vectors do not grow; in chaos they do.
        """
        lags, distance = _record_returns(orbit, self.extent)
        growth = log_growth(self.step, orbit[: lags[-1]])[lags - 1]
        tame = (lags <= SHORT) | (growth <= MOST_GROWTH)
        worth = (tame & ((lags <= LONG) | (distance <= 1e-4))) | (distance <= 1e-11)
        return [int(lag) for lag in lags[worth]]

    def judge(self, points: np.ndarray) -> Regime | None:
        """A Regime if the orbit demonstrably goes to (or stays on) this cycle."""
        spare = max(self.budget - self.used, FIRST_STEPS)
        mu = multipliers(self.step, points)
        how, used, z = approach(self.step, self.z, points, mu, spare, self.extent)
        if how is Approach.NO:
            return None
        kink = regularity(self.step, points, float(self.extent.max())) if self.step.switching else "smooth"
        if kink == "jump":
            reason = f"the orbit lands on a jump of the map (a {_noun(points)} there rests on what happens exactly at it)"
            return self.report("undecided", reason + hint(self.step, self.z), lyapunov=math.nan)
        if kink == "corner":
            # Newton's method does not converge across a corner: only an orbit that closes to round-off is on it.
            if abs(mu[0]) > 1 and residual(self.step, points) > 1e-13 * max(float(np.abs(points).max()), 1e-300):
                return None
            return self.cycle(points, mu, "the orbit has reached it; the map has a corner there: the multiplier is one-sided")
        if how is Approach.STUCK:
            return self.doubt(points, mu)
        if how is Approach.ON_NEUTRAL and np.abs(points).max() > ESCAPE:
            reason = f"at |z| = {np.abs(points).max():.2g} floats do not resolve the steps"
            return self.report("undecided", reason, lyapunov=math.nan)
        self.z, self.used = z, self.used + used
        return self.cycle(points, mu, how.value)

    def doubt(self, points: np.ndarray, mu: np.ndarray) -> Regime | None:
        """The float orbit sits on an unstable cycle: is that true of the exact orbit?"""
        verdict, z = stays(self.step, self.z0, points, self.used, self.digits)
        if verdict is None:
            reason = f"the float orbit sits on an unstable {_noun(points)}, too late to check with {self.digits} digits"
            return self.report("undecided", reason, lyapunov=math.nan)
        if verdict:
            return self.cycle(points, mu, f"unstable: the start lies on its stable set ({self.digits} digits agree)")
        self.z, self.note = z, f"; followed with {self.digits} digits away from an unstable {_noun(points)}"
        return None

    def cycle(self, points: np.ndarray, mu: np.ndarray, evidence: str) -> Regime:
        size = abs(mu[0])
        exponent = math.log(size) / len(points) if size > 0 else -math.inf
        kind = "fixed point" if len(points) == 1 else "cycle"
        reason = f"{evidence}; |multiplier| = {size:.10g} after {self.used} steps{self.note}"
        return self.report(kind, reason, exponent, points, mu)

    def unsettled(self) -> Regime:
        """Chaotic, quasi-periodic, or not decided; looked at once more for a late cycle."""
        kind, reason, exponent, z = irregular(self.step, self.z, min(self.budget, 200_000), self.max_period)
        if z is not None:
            self.z = z
            late = self.settle(self.max_period)
            if late is not None:
                return late
        return self.report(kind, reason + self.note, exponent)

    def report(
        self, kind: str, reason: str, lyapunov: float, points: np.ndarray | None = None, mu: np.ndarray | None = None
    ) -> Regime:
        if points is None or mu is None:
            nothing = np.empty((0, self.step.dim))
            return Regime(kind, None, np.empty(0), lyapunov, math.nan, nothing, reason, self.used, provenance=self.provenance)
        error = residual(self.step, points)
        return Regime(kind, len(points), mu, lyapunov, error, points, reason, self.used, provenance=self.provenance)


def _extent(step: Map, orbit: np.ndarray) -> np.ndarray:
    """The size of each coordinate of an orbit (n, D), (D,): what round-off is measured against.

    Near 0 it is the size of the terms that cancel there: the round-off of a step in units of the last place.
    """
    return np.maximum(np.abs(orbit).max(axis=0), noise(step, orbit[-LAST:]) / ULP)


def _record_returns(orbit: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lags, distances) at which the orbit comes closer to its first row than ever before."""
    size = np.maximum(np.abs(orbit).max(axis=0), 1e-3 * extent)
    size[size == 0] = 1.0
    distance = (np.abs(orbit[1:] - orbit[0]) / size).max(axis=1)
    before = np.minimum.accumulate(np.concatenate([[np.inf], distance[:-1]]))
    # A return at round-off cannot be improved on in a meaningful way.
    lags = np.flatnonzero((distance < before) & (before > 1e-13)) + 1
    return lags, distance[lags - 1]


def _noun(points: np.ndarray) -> str:
    return "fixed point" if len(points) == 1 else f"{len(points)}-cycle"
