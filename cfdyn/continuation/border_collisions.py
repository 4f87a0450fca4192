"""Border collisions: a point of a cycle meets a surface at which the map is not smooth."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.continuation.branch.system import CycleTracer
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.tracer import Solved

Bordered = CycleTracer | CurveTracer
REAL = 1e-9  # an imaginary part less than this, relative: a real multiplier
CRITICAL = 1e-3  # how near to 1 or −1 a multiplier decides nothing
HALVINGS = 60
NEAR = 1e-5  # of a length: how far from a corner steps may have stalled
ASIDE = 1e-7
ON = 1e-9  # of a switching function: a point is on its border


class Corner(NamedTuple):
    """Where the watched test ``switch`` vanishes: the last solution before, and the sign that the test has behind it."""

    z: np.ndarray
    last: Solved
    switch: int
    way: float


def corner(tracer: Bordered, last: Solved, beyond: Solved | None) -> Corner | None:
    """The corner that ended a piece at ``last``; None if no switching function is about to vanish there."""
    last = narrowed(tracer, last, beyond)
    k = tracer.width - tracer.watched
    step = 1e-6
    moved = tracer.evaluate(last.z - step * last.tangent, tracer.weights * last.tangent)[2][k:]
    slope = (last.values[k:] - moved) / step
    with np.errstate(all="ignore"):
        distance = -last.values[k:] / slope
    distance[~(distance >= 0)] = np.inf
    j = int(np.argmin(distance))
    if not distance[j] <= NEAR:
        return None
    return Corner(last.z + distance[j] * last.tangent, last, j, float(np.sign(slope[j])))


def across(tracer: Bordered, last: Solved, beyond: Solved | None) -> tuple[Solved, np.ndarray, Solved] | None:
    """The corner that ended a piece, between a solution before it and one on its other side that leads away."""
    met = corner(tracer, last, beyond)
    start = None if met is None else other_side(tracer, met)
    return None if met is None or start is None else (met.last, met.z, start)


def collision(before: np.ndarray, after: np.ndarray, n: int) -> str:
    """What a border collision does, in words, from the multipliers on both sides of it.

    Feigin's rules: both cycles exist on one side of it only if the number of real multipliers above 1 on both sides
    together is odd, and a cycle of twice the period is born if that of real multipliers below −1 is.

    References
    ----------
    di Bernardo, Feigin, Hogan, Homer (1999), Local analysis of C-bifurcations in n-dimensional piecewise-smooth dynamical
    systems, Chaos Solitons Fractals 10, §3.
    """
    found = np.concatenate([np.ravel(before), np.ravel(after)])
    if min(np.abs(found - 1).min(), np.abs(found + 1).min()) <= CRITICAL:
        return f"undecided: a multiplier is 1 or −1 on one side of it, to {CRITICAL:g}"
    real = [mu.real[np.abs(mu.imag) <= REAL * np.abs(mu)] for mu in (np.asarray(before), np.asarray(after))]
    above, below = (sum(int(test(mu).sum()) for mu in real) for test in (lambda m: m > 1, lambda m: m < -1))
    words = "fold: both cycles are on one side of it" if above % 2 else "persistence: the cycle goes on across it"
    return words + (f"; a {2 * n}-cycle is born" if below % 2 else "")


def aside(tracer: Bordered, start: Solved) -> Solved:
    """The start, or where it is on a border a solution beside it, from which the border is met."""
    for j in np.flatnonzero(np.abs(start.values[tracer.width - tracer.watched :]) <= ON):
        for way in (1.0, -1.0):
            found = other_side(tracer, Corner(start.z, start, int(j), way))
            if found is not None:
                return found
    return start


def narrowed(tracer: Bordered, last: Solved, beyond: Solved | None) -> Solved:
    """The last solution before the corner, to within round-off of it, by halving the step to the point beyond."""
    if beyond is None:
        return last
    border, k = tracer.weights * last.tangent, tracer.width - tracer.watched
    lo, hi, sides = 0.0, float(border @ (beyond.z - last.z)), np.sign(last.values[k:])
    start, tangent = last.z, last.tangent
    for _ in range(HALVINGS):
        middle = (lo + hi) / 2
        found = tracer.solve(start + middle * tangent, border)
        if found is not None and (np.sign(found.values[k:]) == sides).all():
            lo, last = middle, found
        else:
            hi = middle
        if hi - lo <= 1e-9:
            break
    return last


def other_side(tracer: Bordered, met: Corner) -> Solved | None:
    """A solution behind the corner, with its tangent away from it."""
    corner, last, j, way = met
    k, i = tracer.width - tracer.watched + j, j // tracer.switches
    normal = np.zeros(tracer.m)
    border = tracer.weights * last.tangent

    def switch(z: np.ndarray) -> float:
        return float(tracer.evaluate(z, border)[2][k])

    scales = tracer.weights[:-1] ** -0.5
    for entry in range(i * tracer.stride, i * tracer.stride + tracer.d):
        shift = np.zeros(tracer.m)
        shift[entry] = ASIDE * scales[entry]
        normal[entry] = (switch(corner + shift) - switch(corner - shift)) / (2 * ASIDE) * scales[entry]
    if not normal.any():
        # It depends on the parameter alone.
        normal[-1] = 1.0
    aside = corner + way * ASIDE * normal / tracer.length(normal)
    for direction in (last.tangent, tracer.weights**-0.5 * np.ones(tracer.m)):
        side = tracer.at(aside, direction)
        if side is not None:
            break
    else:
        return None
    ahead = way * (switch(aside + ASIDE * side.tangent) - switch(aside))
    tangent = side.tangent if ahead > 0 else -side.tangent
    for h in (1e-4, 1e-5, 1e-3):
        found = tracer.solve(corner + h * tangent, tracer.weights * tangent)
        if found is not None and np.sign(found.values[k]) == way and tracer.length(found.z - corner) < 5 * h:
            return found
    return None
