"""The state of an integration, and one step of it by the current method."""

from typing import Any, NamedTuple

import numpy as np

from cfdyn.integrate._kernels.steppers import dop853, radau5, rkc
from cfdyn.integrate._kernels.steppers.control import dop853_factor, radau5_factor, rkc_factor
from cfdyn.integrate._kernels.steppers.dense import hermite
from cfdyn.integrate._kernels.steppers.field import PROJECT, derivative
from cfdyn.kernels.layout import Array, Block, Integer, Integers, Real
from cfdyn.machine.jit import borrowed, call, inline_kernel, place

EXPLICIT, IMPLICIT, STABILISED = range(3)
REACHED, FULL, EVENT, STIFF, MILD, STALLED, JUMP, MISSED, NOW, CREPT, SWAYED = range(11)  # how a call of `advance` ends
TRY, INTERPOLATE = range(2)  # tasks of the rule of a method
TINY, MOST_TINY = 1e-9, 500  # this many more steps shorter than this than longer ones: no progress
NARROW = 1e-3  # a gap at which modes rotate fast
# Steps limited by stability settle at, or oscillate about, h|λ| of 3.2 to 5.7; those limited by accuracy are shorter, and
# those next to an edge for other reasons.
LIMIT, LONG, SHORT = 5.5, 4.5, 2.5


class Clock(Block):
    """The progress of an integration, and the settings for its continuation; all that persists from one call of `advance` to the
    next.

    Times t and ``end``; the next step h, the largest, a fixed one or 0, and the smallest relative to t (or ``least_t`` near 0);
    current tolerances, and the user's; size and error of the last step, and its `dop853.sway`. At an edge: how far it may be
    overstepped until a first gap has opened (``slack_in``, for X ``slack_out``), how far a held eigenvalue may fall, the ``unit``
    of X, the ``noise`` in X, and X at the last step (``above``); the last gap and margin, how fast it fell, by how much an
    event was missed.
    """

    t, end, h, most_h, fixed_h, least_h, least_t = Real.several(7)
    rtol, atol, user_rtol, user_atol, last_h, last_error, sway = Real.several(7)
    slack_in, slack_out, edge_tolerance, unit, noise, above, gap, margin, fall, miss = Real.several(10)
    # The method, whether it may change, how often it did; whether the loop has all for the implicit one; signs of stiffness, and
    # of none. Whether events are monitored, whether the phase has begun; attempts at a gap that is almost 0.
    method, auto, changes, ready, stiff_signs, mild_signs, watch, begun, crawled = Integer.several(9)
    steps, rejected, tiny = Integer.several(3)  # accepted, rejected; by how much `TINY` ones outnumber others recently
    # For the rules of the methods in `attempts`: which of them, by its address, does what; the step and its error; sizes, the
    # order of the implicit method's matrices among them, and where memory begins: of a `Field`, of `memory_for`, of a polynomial.
    tried, error = Real.several(2)
    task, n, m, parameters = Integer.several(4)
    field_rules, field_p, field_counts, memory_place, pairs_place, pivots_place, polynomial = Integer.several(7)
    rules = Integers(3)
    state = Array(radau5.STATE)


class Tools(NamedTuple):
    """Work arrays of the loop itself; ``found`` is the output of the edge's inspection."""

    found: np.ndarray
    z1: np.ndarray
    f1: np.ndarray
    point: np.ndarray
    work: np.ndarray
    slopes: np.ndarray


# Rows of the memory: z1, f1, point, work, then slopes and real where the implicit method runs.
WORK = 3
SLOPES = WORK + max(dop853.ROWS, radau5.ROWS, rkc.ROWS)


def memory_for(n: int, implicit: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arrays memory, pairs and pivots; without the implicit method those of a single state."""
    m = n if implicit else 0
    return np.zeros((SLOPES + 2 * m + 1, n)), np.zeros((m + 1, m), np.complex128), np.zeros((6, m), np.int64)


@inline_kernel
def tools_in(found, memory, m) -> Tools:
    """The work arrays in the memory of `memory_for`; references to them are not counted, see `cfdyn.machine.jit.borrowed`."""
    return Tools(borrowed(found), borrowed(memory[0]), borrowed(memory[1]), borrowed(memory[2]),
                 borrowed(memory[WORK:SLOPES]), borrowed(memory[SLOPES : SLOPES + m]))  # fmt: skip


@inline_kernel
def tell_rules(clock, field, memory, pairs, pivots) -> None:
    """Sizes and places of memory, for the rules of the methods."""
    clock.n, clock.m, clock.parameters = field.n, pairs.shape[1], field.p.size
    clock.field_rules, clock.field_p, clock.field_counts = place(field.rules), place(field.p), place(field.counts)
    clock.memory_place, clock.pairs_place, clock.pivots_place = place(memory), place(pairs), place(pivots)


@inline_kernel
def forget_state(clock) -> None:
    """Restart the implicit method."""
    state = clock.state
    for i in range(radau5.STATE):
        state[i] = 0.0


@inline_kernel
def attempt(field, clock, z, f, h, tools) -> Any:
    """One trial step by the current method; its scaled error, at most 1 if it can be accepted."""
    clock.tried, clock.task = h, TRY
    call(clock.rules[clock.method], z, clock, f)
    return clock.error


@inline_kernel
def step_factor(clock, error, h, rejected, tools) -> float:
    """The factor from this step to the next."""
    if clock.method == EXPLICIT:
        return dop853_factor(error, rejected)
    if clock.method == IMPLICIT:
        return radau5_factor(error, h, rejected, radau5.State(clock.state))
    return rkc_factor(error, h, clock.last_error, clock.last_h, rejected)


@inline_kernel
def interpolant(field, clock, z, f, h, tools, coefficients) -> None:
    """The polynomial of the step just made, and its `sway`."""
    clock.sway = 0.0
    if clock.method == STABILISED:
        hermite(z, f, h, tools.z1, tools.f1, coefficients)
    else:
        clock.tried, clock.task, clock.polynomial = h, INTERPOLATE, place(coefficients)
        call(clock.rules[clock.method], z, clock, f)
        if clock.method == EXPLICIT:
            clock.sway = dop853.sway(z, tools.z1, clock.rtol, clock.atol, coefficients)


@inline_kernel
def project_end(field, tools) -> bool:
    """Project the end of a step onto the edge, and compute its slope."""
    if field.k == 0:
        return True
    call(field.rules[PROJECT], tools.z1, field.block, tools.found)
    derivative(field, tools.z1, tools.f1)
    return tools.found[0] == tools.found[0]


@inline_kernel
def stiffness(h, tools) -> float:
    """h times the largest eigenvalue, by the last two stages of the explicit attempt; about 6 at the stability limit."""
    slopes, points = 0.0, 0.0
    for i in range(tools.z1.size):
        slopes += (tools.f1[i] - tools.work[11, i]) ** 2
        gap = h * dop853.combine(tools.work, 11, i) - h * dop853.combine(tools.work, 10, i)
        points += gap * gap
    return h * np.sqrt(slopes / points) if points > 0.0 else 0.0


@inline_kernel
def count_stiff_signs(clock, h, tools) -> None:
    """Count signs of stiffness: is the explicit step as long as stability allows, and the implicit one no longer than that?"""
    if clock.auto == 0:
        return
    narrow = clock.watch == 1 and clock.gap < NARROW and clock.last_h < 0.1
    unclear = False
    if clock.method == EXPLICIT:
        reach = stiffness(h, tools)
        stiff, unclear = reach > LIMIT, False
        if clock.watch == 0:
            stiff, unclear = reach > LONG, reach > SHORT
        if narrow:
            clock.stiff_signs += 4
    else:
        size = 0.0
        for i in range(tools.slopes.shape[0]):
            row = 0.0
            for j in range(tools.z1.size):
                row += abs(tools.slopes[i, j])
            size = max(size, row)
        stiff = h * size > 3.0 or clock.slack_in > 0.0 or narrow
    if not unclear or stiff:
        clock.stiff_signs = clock.stiff_signs + 1 if stiff else max(clock.stiff_signs - 3, 0)
    clock.mild_signs = 0 if stiff else clock.mild_signs + 1


@inline_kernel
def note_rejection(clock, z, f, h, error, tools) -> None:
    """Record an explicit step that fails beyond the stability limit, or although the state hardly changes in it."""
    if clock.auto == 0 or clock.method != EXPLICIT or not error > 1.0:
        return
    moved = 0.0
    for i in range(z.size):
        moved += (h * f[i] / (clock.atol + clock.rtol * abs(z[i]))) ** 2
    if moved <= z.size:
        clock.stiff_signs += 16
    elif clock.watch == 0 and stiffness(h, tools) > LIMIT:
        # A step within the bounds follows, and subtracts 3. Next to an edge steps fail for other reasons.
        clock.stiff_signs += 7


@inline_kernel
def change_method(clock, z, f, h, tools) -> int:
    """STIFF or MILD if another method would do better and the caller must change it, else REACHED."""
    if clock.auto == 0:
        return REACHED
    stiff = clock.method == EXPLICIT and clock.stiff_signs >= 12
    if not (stiff or clock.method == IMPLICIT and clock.mild_signs >= 6):
        return REACHED
    if clock.ready == 0:
        return STIFF if stiff else MILD
    clock.method = IMPLICIT if stiff else EXPLICIT
    clock.stiff_signs, clock.mild_signs = 0, 0
    clock.changes += 1
    forget_state(clock)
    return REACHED
