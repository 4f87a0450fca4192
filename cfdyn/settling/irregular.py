"""Chaotic or quasi-periodic? By the Lyapunov exponent with its error, and by weighted averages."""

import math
from collections.abc import Callable

import numpy as np

from cfdyn.cycles.angles import smooth
from cfdyn.settling.orbit import orbit_of
from cfdyn.settling.undeclared_angles import hint
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.orbit import FAR
from cfdyn.words import called

BATCHES = 20  # of steps, whose means tell the error of an exponent
SMALLEST_EXPONENT, CURVE = 1e-4, 1e-3  # per step: less is 0 whatever its error says; on a curve no more is left of 0
ERRORS, MANY_ERRORS, CLEAR = 6, 20, 5e-3  # standard errors that an exponent is off 0; that, and a size, where averages are good
QUASI_DIGITS = 7.0  # of averages over 20 000 steps: on a chaotic orbit they have two or three
FOR_LONGER = "; a larger `budget` of `classify` follows it for longer"
FEWEST = 100  # steps over which averages say anything
NARROW, LOOKED, SHORT = 1e-4, 1000, 64  # of its size an orbit stays so near to a cycle, over so many steps; of such a period
Say = Callable[[str], None]


def irregular(
    step: AnyMap, z: np.ndarray, steps: int, max_period: int, say: Say = lambda words: None
) -> tuple[str, str, float, np.ndarray | None]:
    """(kind, reason, exponent, state reached) of an orbit that is on no cycle of a period up to ``max_period``."""
    state, reach = z.copy(), np.zeros(BATCHES)
    digits = averages_digits(step, z, min(steps // 4, 20_000), say)
    # On a curve the exponent is 0: that it is small is soon seen.
    fewer = 4 if digits >= QUASI_DIGITS else 1
    exponent, error = _exponent(step, state, max(steps // (fewer * BATCHES), 1), reach, say)
    if exponent == -math.inf:
        return "undecided", (f"the orbit passes through a critical point of the map, so its Lyapunov exponent is −∞, as on a "
                             f"superstable cycle; none of a period up to {max_period} was found"), exponent, None  # fmt: skip
    if not math.isfinite(exponent):
        return "undecided", "the map's derivative is not finite on the orbit", exponent, None
    evidence = f"Lyapunov exponent {exponent:.4g} ± {error:.1g} per step over {steps // fewer} steps, no cycle found"
    if _grows(reach):
        return "undecided", f"{evidence}; the orbit still grows{hint(step, state)}", exponent, state
    margin = max(ERRORS * error, SMALLEST_EXPONENT)
    if exponent < -max(margin, CURVE):
        advice = hint(step, state) or FOR_LONGER
        return "undecided", f"{evidence} up to {max_period} although nearby orbits converge{advice}", exponent, state
    # In narrow bands chaos averages well too.
    if exponent > margin and (digits < QUASI_DIGITS or exponent > max(MANY_ERRORS * error, CLEAR)):
        return "chaotic", evidence, exponent, state
    if (step.dim > 1 or step.periodic) and abs(exponent) <= max(margin, CURVE) and digits >= QUASI_DIGITS:
        return "quasi-periodic", f"{evidence}; averages agree to {digits:.0f} digits", exponent, state
    advice = hint(step, state) or _narrow(step, z, min(steps // 2, LOOKED), max_period) or FOR_LONGER
    return "undecided", f"{evidence}: too close to zero, or not settled{advice}", exponent, state


def _narrow(step: AnyMap, z: np.ndarray, steps: int, longest: int) -> str:
    """What to do where an orbit stays very near to a cycle, as in the middle of an island; "" where it does not.

    Errors of steps add up beside its size there, so averages over a longer orbit get no better.
    """
    orbit = orbit_of(step, z, steps) if step.dim > 1 and steps >= FEWEST else None
    if orbit is None:
        return ""
    size = np.abs(orbit).max()
    for n in range(1, min(longest, SHORT) + 1):
        # Each point is back within this after n steps, all along.
        width = np.abs(orbit[n:] - orbit[:-n]).max()
        if width <= NARROW * size:
            return (f"; the orbit stays within about {width:.0e} of a {called(n)}, where errors of steps weigh most: "
                    f"start farther from it, or if it converges slowly{FOR_LONGER.replace(';', ',')}")  # fmt: skip
    return ""


def _grows(reach: np.ndarray) -> bool:
    """True if max |entry| of successive stretches rises in nearly all: on an attractor it rises in some, with bursts too."""
    return bool(reach[-1] > 2 * reach[0] and (np.diff(reach) > 0).mean() > 0.85)


def _exponent(step: AnyMap, state: np.ndarray, steps: int, reach: np.ndarray, say: Say) -> tuple[float, float]:
    """Largest exponent and its standard error over BATCHES batches, max |entry| in each in ``reach``; ``state`` moves on."""
    q = np.full((1, step.dim), 1 / math.sqrt(step.dim))
    step.stretch(state, min(steps, 1000), q, np.zeros(1))
    means = np.empty(BATCHES)
    for i in range(BATCHES):
        sums = np.zeros(1)
        reach[i], taken = _batch(step, state, steps, q, sums)
        if taken < steps:
            return math.nan, math.nan
        means[i] = sums[0] / steps
        say(f"no cycle so far; part 2 of 2, Lyapunov exponent: {(i + 1) * steps} of {BATCHES * steps} steps")
    if np.isneginf(means).any() and not np.isnan(means).any():
        return -math.inf, math.nan
    if not np.isfinite(means).all():
        return math.nan, math.nan
    return float(means.mean()), float(means.std(ddof=1) / math.sqrt(BATCHES))


def _batch(
    step: AnyMap, state: np.ndarray, steps: int, q: np.ndarray, sums: np.ndarray
) -> tuple[float, int]:
    """max |entry| in the first 1000 steps, NaN beyond the range of floats, and how many steps were taken; ``state`` moves on."""
    looked, taken = min(steps, 1000), 0
    if step.compiled is not None:
        orbit = orbit_of(step, state, looked + 1)
        return math.nan if orbit is None else float(np.abs(orbit).max()), step.stretch(state, steps, q, sums)
    # Steps of gradients are dear: none is taken twice.
    reach = float(np.abs(state).max())
    while taken < looked and step.stretch(state, 1, q, sums):
        taken, reach = taken + 1, max(reach, float(np.abs(state).max()))
    taken += step.stretch(state, steps - looked, q, sums) if taken == looked else 0
    return (reach if reach <= FAR else math.nan), taken


def bump(n: int) -> np.ndarray:
    """Weights (n,) of a Birkhoff average, exp(−1/(s(1−s))) at s = k/(n+1), with sum 1."""
    s = np.arange(1, n + 1) / (n + 1)
    weight = np.exp(-1 / (s * (1 - s)))
    return weight / weight.sum()


def averages_digits(step: AnyMap, z: np.ndarray, n: int, say: Say = lambda words: None) -> float:
    """Digits to which weighted Birkhoff averages over two stretches of n agree.

    Averaged are each coordinate (of an angle cosine and sine) and its square: a coordinate alone may average fast in chaos
    too, as x does in the Ricker map, where 1 − x is a telescoping difference. On a quasi-periodic orbit the error falls
    faster than any power of n, on a chaotic one as n^(−1/2).
    """
    if n < FEWEST:
        return 0.0
    orbit = orbit_of(step, z, 2 * n, lambda k: say(f"no cycle so far; part 1 of 2, averages: {k} of {2 * n} steps"))
    if orbit is None:
        return 0.0
    weight, values = bump(n - 1), smooth(step, orbit)
    size = np.ptp(values[:n], axis=0)
    size[size == 0] = 1.0
    # What bursts out of 1e-200 is of no size in the first stretch.
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (values - values[:n].mean(axis=0)) / size
        averages = [weight @ np.hstack([part, part**2]) for part in (scaled[1:n], scaled[n + 1 :])]
        gap = float(np.abs(averages[0] - averages[1]).max())
    return -math.log10(max(gap, 1e-17)) if math.isfinite(gap) else 0.0
