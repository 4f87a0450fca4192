"""Steps of a map made of a flow, over a period or to the next crossing of a surface: for many states, one after the other."""

from typing import NamedTuple

import numpy as np

from cfdyn.integrate._kernels.steppers import methods
from cfdyn.integrate._kernels.steppers.methods import Clock
from cfdyn.integrate._kernels.steppers.stepping import advance
from cfdyn.kernels.layout import Block, Integer, Real, Rule
from cfdyn.kernels.orbits import DIVERGED, LEFT_DOMAIN, copy, length
from cfdyn.machine.jit import call, inline_kernel, kernel

TANGENT = 1e-9  # relative to |∇g||F|: a rate that counts as 0
MOST_CROSSINGS = 4  # before one in the right direction
RUN_OFF = 1e3, 1e6  # times the size before the step; a size: a flow that stalls beyond one of them has diverged to infinity
ARRIVED, TOUCHES, TO_AND_FRO = 100, 101, 102  # how a step ends, in addition to the codes of `methods`


class Way(Block):
    """The definition of a step: of a flow of m entries, n of which move, with k tangents; d entries are those of the map.

    Over the time ``lasting`` from the time ``begin``, or with ``out`` ≥ 0 to the next crossing of a surface in the direction
    ``wanted`` within that time: g = 0 determines the entry ``out``. ``surface`` computes g, ∇g and ∂g/∂(parameters); ``by``: the
    parameter that drives the last tangent, or −1. ``anywhere``: 1 if a state is one of the flow. ``turned``: 1 if the first
    tangent is normalized to length 1 after each step. ``drift`` is the address of F, ``most`` the largest number of steps of the
    flow per state; ``held`` is 0.
    """

    m, n, d, k, out, wanted, by, anywhere, turned, drift, most, held, parameters = Integer.several(13)
    lasting, begin = Real.several(2)
    surface = Rule()


class Memory(NamedTuple):
    """The working memory of a course, as `stepping.advance` has it. ``clock`` is made of ``fresh`` for each step.

    F by itself reads ``own`` and writes ``slope`` (m,), the surface reads ``given`` and writes ``g`` (1 + m + n_p,).
    """

    rules: np.ndarray
    p: np.ndarray
    block: np.ndarray
    counts: np.ndarray
    fresh: np.ndarray
    clock: np.ndarray
    z: np.ndarray
    f: np.ndarray
    found: np.ndarray
    memory: np.ndarray
    pairs: np.ndarray
    pivots: np.ndarray
    times: np.ndarray
    coefficients: np.ndarray
    own: np.ndarray
    slope: np.ndarray
    given: np.ndarray
    g: np.ndarray


class Many(NamedTuple):
    """States (N, d), tangents (N, k, d), ``ended`` and ``codes`` (N,), as those of `cfdyn.ensembles.orbits`.

    An orbit stops where no entry differs by more than ``reach`` (P,) from one of ``points`` (P, d); ``near`` (N,) receives its
    index. ``kept`` (N, steps) receives an entry, ``sums`` (N, parts) the logarithms of the lengths of the first tangent in that
    many parts of the orbit, ``lasted`` (N,) the time of the last step and ``verdict`` (N,) how it ended.
    """

    states: np.ndarray
    tangents: np.ndarray
    ended: np.ndarray
    codes: np.ndarray
    points: np.ndarray
    reach: np.ndarray
    near: np.ndarray
    kept: np.ndarray
    sums: np.ndarray
    lasted: np.ndarray
    verdict: np.ndarray


@inline_kernel
def finite(z) -> bool:
    """Whether all numbers are finite."""
    total = 0.0
    for i in range(z.size):
        total += 0.0 * z[i]
    return total == 0.0


@inline_kernel
def largest(z, n) -> float:
    """max |entry| of the first n; NaN if one of them is."""
    size = 0.0
    for i in range(n):
        size = size if abs(z[i]) <= size else abs(z[i])
    return size


@inline_kernel
def put_in(way, own, state, tangents) -> None:
    """Write a state of the map with its tangents into ``z``: on the surface and along it, if there is one."""
    z, g, n, m, out = own.z, own.g, way.n, way.m, way.out
    section = out >= 0 and way.anywhere == 0
    for i in range(n):
        z[i] = 0.0 if section and i == out else state[i - (1 if section and i > out else 0)]
    if m > n:
        z[n] = way.begin
    if section:
        call(way.surface, z, own.given, g)
        z[out] = -g[0] / g[1 + out]
    if out >= 0:
        call(way.surface, z, own.given, g)
    for r in range(way.k):
        first, moved = m + r * n, 0.0
        for i in range(n):
            z[first + i] = 0.0 if out >= 0 and i == out else tangents[r, i - (1 if out >= 0 and i > out else 0)]
            moved += z[first + i] * g[1 + i] if out >= 0 else 0.0
        if out >= 0:
            moved += g[1 + m + way.by] if way.by >= 0 and r == way.k - 1 else 0.0
            z[first + out] = -moved / g[1 + out]


@inline_kernel
def take_out(way, own, state, tangents) -> None:
    """Read back what `put_in` has written; tangents are projected to the surface along the flow."""
    z, g, n, m, out, slope = own.z, own.g, way.n, way.m, way.out, own.slope
    for i in range(n):
        if out < 0 or way.anywhere == 1 or i != out:
            state[i - (1 if out >= 0 and way.anywhere == 0 and i > out else 0)] = z[i]
    rate = 1.0
    if out >= 0 and way.k > 0:
        call(way.surface, z, own.given, g)
        call(way.drift, z, own.own, slope)
        rate = 0.0
        for i in range(n):
            rate += g[1 + i] * slope[i]
    for r in range(way.k):
        first, shift = m + r * n, 0.0
        if out >= 0:
            for i in range(n):
                shift += z[first + i] * g[1 + i]
            shift += g[1 + m + way.by] if way.by >= 0 and r == way.k - 1 else 0.0
            shift /= rate
        for i in range(n):
            if i != out:
                moved = z[first + i] - shift * slope[i] if out >= 0 else z[first + i]
                tangents[r, i - (1 if out >= 0 and i > out else 0)] = moved


@inline_kernel
def begin(way, own) -> tuple[float, float]:
    """The side of the surface on which the course begins, and the unit in which g is measured; (0, 0) if it cannot begin."""
    g, z, slope, n = own.g, own.z, own.slope, way.n
    call(way.drift, z, own.own, slope)
    rate, steep, fast = 0.0, 0.0, 0.0
    for i in range(n):
        rate, steep, fast = rate + g[1 + i] * slope[i], steep + g[1 + i] * g[1 + i], fast + slope[i] * slope[i]
    on_it = way.anywhere == 0 or g[0] == 0.0
    if not np.isfinite(rate + g[0]) or (on_it and not abs(rate) > TANGENT * np.sqrt(steep) * np.sqrt(fast)):
        return 0.0, 0.0
    return np.sign(rate if on_it else g[0]), np.sqrt(steep) * max(largest(z, n), 1e-300)


@inline_kernel
def step_of(way, own) -> int:
    """Integrate ``z`` over a period, or to the surface; returns how it ended."""
    clock = Clock(own.clock)
    copy(own.fresh, own.clock)
    side, unit, crossings, ended = 0.0, 1.0, 0, methods.FULL
    if way.out >= 0:
        side, unit = begin(way, own)
        if side == 0.0:
            return TOUCHES
    while True:
        if way.out >= 0:
            own.block[way.parameters] = 2.0 * side / unit
            clock.margin = -1.0
        ended = methods.FULL
        while ended == methods.FULL and clock.steps < way.most and finite(own.z):
            ended = advance(way.held, own.rules, own.p, own.block, own.counts, own.clock, own.z, own.f, own.found, own.memory,
                            own.pairs, own.pivots, own.times, own.coefficients)[1]  # fmt: skip
        if way.out < 0 or ended != methods.EVENT or not finite(own.z):
            break
        if way.wanted == 0 or way.wanted == -side:
            return ARRIVED
        side, crossings = -side, crossings + 1
        if crossings == MOST_CROSSINGS:
            return TO_AND_FRO
    return ARRIVED if way.out < 0 and ended == methods.REACHED and finite(own.z) else ended


@inline_kernel
def turn(tangent) -> float:
    """Normalize a tangent to length 1; returns the logarithm of its length before."""
    size = length(tangent)
    for i in range(tangent.size):
        tangent[i] = tangent[i] / size if size > 0.0 else tangent[i]
    return np.log(size)


@inline_kernel
def place_near(state, points, reach) -> int:
    """The first of the points to which a state is close; −1 if there is none."""
    for place in range(reach.size):
        gap = 0.0
        for i in range(points.shape[1]):
            gap = max(gap, abs(state[i] - points[place, i]))
        if gap <= reach[place]:
            return place
    return -1


@inline_kernel
def note_end(way, own, many, cell, ended, done, escape, before) -> bool:
    """Record that an orbit has diverged, if it has: its next state is far off, or there is none."""
    size = largest(own.z, way.n)
    if ended == ARRIVED and size <= escape:
        return False
    many.ended[cell] = done
    stuck = ended in (methods.STALLED, methods.CREPT) and size > min(RUN_OFF[0] * before, RUN_OFF[1])
    gone = ended == ARRIVED or stuck or not np.isfinite(size)
    many.codes[cell] = DIVERGED if gone else LEFT_DOMAIN
    return True


@kernel
def map_steps(block, own, many, cells, since, steps, escape, coordinate) -> None:
    """Advance the orbits with the numbers ``cells`` by the given number of steps, in place, after those ``since``; see `Many`.

    An orbit that diverges keeps its last state.
    """
    way, parts = Way(block), many.sums.shape[1]
    for place in range(cells.size):
        cell = cells[place]
        for step in range(steps if many.ended[cell] == 0 else 0):
            put_in(way, own, many.states[cell], many.tangents[cell])
            before = largest(own.z, way.n)
            ended = step_of(way, own)
            many.lasted[cell], many.verdict[cell] = Clock(own.clock).t, ended
            if note_end(way, own, many, cell, ended, since + step + 1, escape, before):
                break
            take_out(way, own, many.states[cell], many.tangents[cell])
            if many.kept.shape[1] > 0:
                many.kept[cell, since + step] = many.states[cell, coordinate]
            if way.turned == 1:
                many.sums[cell, min(step * parts // steps, parts - 1)] += turn(many.tangents[cell, 0])
            if many.reach.size > 0:
                many.near[cell] = place_near(many.states[cell], many.points, many.reach)
                if many.near[cell] >= 0:
                    break
