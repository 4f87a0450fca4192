"""Chaotic or quasi-periodic? By the Lyapunov exponent with its error, and by weighted averages."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.kernels.orbits import DONE, advance, iterate, stretch
from cfdyn.orbits import ESCAPE
from cfdyn.systems import Map

BATCHES = 20
SMALLEST_EXPONENT = 1e-4
QUASI_DIGITS = 7.0


def irregular(step: Map, z: np.ndarray, steps: int) -> tuple[str, str, float, np.ndarray | None]:
    """(kind, reason, exponent, state reached) of an orbit that is on no cycle."""
    state = z.copy()
    exponent, error = _exponent(step, state, max(steps // BATCHES, 1))
    if not math.isfinite(exponent):
        return "undecided", "its Lyapunov exponent is not finite", exponent, None
    evidence = f"Lyapunov exponent {exponent:.4g} ± {error:.1g} per step over {steps} steps, no cycle found"
    digits = averages_digits(step, state, min(steps // 4, 20_000))
    if _reach(step, state) > 2 * _reach(step, z):
        return "undecided", f"{evidence}; the orbit still grows", exponent, state
    margin = max(6 * error, SMALLEST_EXPONENT)
    if exponent > margin and digits < QUASI_DIGITS:
        return "chaotic", evidence, exponent, state
    if step.dim > 1 and abs(exponent) <= max(margin, 1e-3) and digits >= QUASI_DIGITS:
        return "quasi-periodic", f"{evidence}; averages agree to {digits:.0f} digits", exponent, state
    return "undecided", f"{evidence}: too close to zero, or not settled", exponent, state


def _reach(step: Map, z: np.ndarray) -> float:
    """max |entry| over the next 1000 steps: on an attractor it hardly changes, on a slow escape it grows."""
    orbit = np.empty((1001, step.dim))
    orbit[0] = z
    done = iterate(step.rule("step").compiled, step.p, ESCAPE, orbit)[0]
    return float(np.abs(orbit[:done]).max())


def _exponent(step: Map, state: np.ndarray, steps: int) -> tuple[float, float]:
    """Largest exponent and its standard error over BATCHES batches; ``state`` moves on."""
    q = np.full((1, step.dim), 1 / math.sqrt(step.dim))
    rules = step.rule("step").compiled, step.rule("jacobian").compiled
    stretch(*rules, state, step.p, min(steps, 1000), q, np.zeros(1))
    means = np.empty(BATCHES)
    for i in range(BATCHES):
        sums = np.zeros(1)
        if stretch(*rules, state, step.p, steps, q, sums) < steps:
            return math.nan, math.nan
        means[i] = sums[0] / steps
    if not np.isfinite(means).all():
        return math.nan, math.nan
    return float(means.mean()), float(means.std(ddof=1) / math.sqrt(BATCHES))


def averages_digits(step: Map, z: np.ndarray, n: int) -> float:
    """Digits to which weighted Birkhoff averages over two stretches of n agree.

    Averaged are each coordinate and its square: a coordinate alone may average fast in chaos too, as
    x does in the Ricker map, where 1 − x is a telescoping difference. Weight exp(−1/(s(1−s))), s = t/n:
    on a quasi-periodic orbit the error falls faster than any power of n, on a chaotic one as n^(−1/2).
    """
    if n < 100:
        return 0.0
    s = np.arange(1, n) / n
    weight = np.exp(-1 / (s * (1 - s)))
    weight /= weight.sum()
    state, averages, centre, size = z.copy(), [], np.empty(0), np.empty(0)
    for _ in range(2):
        orbit = np.empty((n, step.dim))
        orbit[0] = state
        if iterate(step.rule("step").compiled, step.p, ESCAPE, orbit)[1] != DONE:
            return 0.0
        if not len(size):
            centre, size = orbit.mean(axis=0), np.ptp(orbit, axis=0)
            size[size == 0] = 1.0
        scaled = (orbit[1:] - centre) / size
        averages.append(weight @ np.hstack([scaled, scaled**2]))
        state = orbit[-1].copy()
        advance(step.rule("step").compiled, state, step.p, 1, ESCAPE)
    gap = np.abs(averages[0] - averages[1])
    return float(-math.log10(max(gap.max(), 1e-17)))
