"""The regime of one orbit of a matrix-free map, with steps and products alone."""

import math
from collections.abc import Callable

import numpy as np

from cfdyn.cycles.matrix_free import Found, cycle_near
from cfdyn.cycles.same import least_period
from cfdyn.settling.approach import Approach, approach
from cfdyn.settling.high_precision import noise
from cfdyn.settling.irregular import irregular
from cfdyn.settling.orbit import orbit_of
from cfdyn.settling.returns import record_returns
from cfdyn.settling.settled import FIRST_STEPS, LAST, ULP, Settled
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.orbit import ESCAPE
from cfdyn.words import called

LONGEST = 64  # of the cycles that are looked for
CLOSE, TRIED = 0.05, 4  # of the size: a return worth Newton's work, and how many such
LOOKED = "that products found"


def matrix_free_regime(step: AnyMap, start: np.ndarray, longest: int, most: int, say: Callable[[str], None]) -> Settled:
    """What the orbit of z (D,) ends on: cycles up to the period 64, with leading multipliers; ``say`` hears what is done."""
    z, used = start, 0
    longest, steps = min(longest, LONGEST), min(FIRST_STEPS, most)
    while used < most:
        before = used
        z, taken, _ = step.ahead(z, steps, ESCAPE, lambda k: say(f"{before + k} steps, {most} at most"))  # noqa: B023
        if taken < steps:
            return _without(step, "divergent", f"after {used + taken} steps |z| > {ESCAPE:.0e} or is no number", used + taken)
        used += steps
        say(f"searching for a cycle near step {used}")
        settled = _cycle_nearby(step, z, longest, used, most)
        if settled is not None:
            return settled
        steps = min(used, most - used)
    if _at_rest(step, z, longest):
        words = ("the weights are at rest because of round-off, while states of the optimizer still change: the exact "
                 "orbit need not rest")  # fmt: skip
        return _without(step, "undecided", words, used)
    kind, reason, exponent, _ = irregular(step, z, most, longest, say)
    return _without(step, kind, reason, used, exponent)


def _at_rest(step: AnyMap, z: np.ndarray, longest: int) -> bool:
    """Whether the weights stand still to their last digit; exponents of an adaptive step say nothing there."""
    orbit = orbit_of(step, z, 2 * longest + 1)
    if orbit is None:
        return False
    weights = orbit[:, : step.n_weights]
    return bool((np.ptp(weights, axis=0) <= ULP * np.abs(weights).max(axis=0)).all())


def _without(step: AnyMap, kind: str, reason: str, used: int, exponent: float = math.nan) -> Settled:
    return Settled(kind, None, np.empty(0), exponent, math.nan, np.empty((0, step.dim)), reason, used)


def _cycle_nearby(step: AnyMap, z: np.ndarray, longest: int, used: int, most: int) -> Settled | None:
    """The cycle that the orbit contracts to, if there is one among its close returns."""
    orbit = orbit_of(step, z, 2 * longest + 1)
    if orbit is None:
        return None
    # A velocity at rest has the size of the round-off of the weights before.
    extent = np.maximum(np.abs(orbit).max(axis=0), noise(step, orbit[-LAST:], steps=2) / ULP)
    lags, distances = record_returns(orbit, extent)
    seen = list[int]()
    for lag in lags[(distances <= CLOSE) & (lags <= longest)][:TRIED].tolist():
        near = cycle_near(step, z, lag)
        period = 0 if near is None else least_period(near.points, extent=extent, weights=step.n_weights)
        if near is None or period in seen or not len(near.leading.values):
            continue
        seen.append(period)
        own = near if period == lag else cycle_near(step, z, period)
        verdict = None if own is None else _judged(step, z, own, extent, used, max(most - used, FIRST_STEPS))
        if verdict is not None:
            return verdict
    return None


def _judged(step: AnyMap, z: np.ndarray, cycle: Found, extent: np.ndarray, used: int, spare: int) -> Settled | None:
    """What the orbit ends on, if it goes to this cycle."""
    points, n = cycle.points, len(cycle.points)
    mu = cycle.leading.values[np.argsort(-np.abs(cycle.leading.values), kind="stable")]
    how, more, _ = approach(step, z, points, mu, spare, extent)
    if how is Approach.NO:
        return None
    size = float(abs(mu[0]))
    if how is Approach.STUCK:
        words = f"the float orbit sits on an unstable {called(n)}, |multiplier| = {size:.10g}: the exact one need not"
        return _without(step, "undecided", words, used)
    reason = f"{how.value}; |multiplier| = {size:.10g}, the largest {LOOKED}, after {used + more} steps"
    exponent = math.log(size) / n if size > 0 else -math.inf
    return Settled("fixed point" if n == 1 else "cycle", n, mu, exponent, cycle.residual, points, reason, used + more)
