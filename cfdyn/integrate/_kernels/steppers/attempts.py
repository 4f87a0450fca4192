"""One step of each method, as rules ``(z, clock, f)``: a flow compiles only those that it uses, each once.

They use the memory that `methods.tell_rules` has assigned in the `Clock`; they attempt a step of size ``tried`` or make its
polynomial.
"""

import numpy as np

from cfdyn.integrate._kernels.steppers import dop853, radau5, rkc
from cfdyn.integrate._kernels.steppers.dense import TERMS
from cfdyn.integrate._kernels.steppers.field import Field
from cfdyn.integrate._kernels.steppers.methods import EXPLICIT, IMPLICIT, SLOPES, STABILISED, TRY, WORK, Clock
from cfdyn.machine.jit import address, array_at, inline_kernel, kernel_rule, vector


@inline_kernel
def rows_of(clock, first, count):
    """Rows of the memory, (count, n)."""
    return array_at(clock.memory_place + 8 * first * clock.n, (count, clock.n), np.float64)


@inline_kernel
def field_of(clock) -> Field:
    """The right-hand side; methods need no edges."""
    counts = array_at(clock.field_counts, (2,), np.int64)
    p = array_at(clock.field_p, (clock.parameters,), np.float64)
    return Field(clock.n, 0, array_at(clock.field_rules, (2,), np.int64), p, p, counts)


@kernel_rule
def explicit(z, clock, f):
    """`dop853`."""
    c = Clock(clock)
    field, start, slope, work = field_of(c), vector(z, c.n), vector(f, c.n), rows_of(c, WORK, SLOPES - WORK)
    ends = rows_of(c, 0, 2)
    if c.task == TRY:
        c.error = dop853.attempt(field, start, slope, c.tried, c.rtol, c.atol, ends[0], ends[1], work)
    else:
        polynomial = array_at(c.polynomial, (TERMS, c.n), np.float64)
        dop853.dense(field, start, slope, c.tried, ends[0], ends[1], work, polynomial)


@kernel_rule
def implicit(z, clock, f):
    """`radau5`."""
    c = Clock(clock)
    field, start, slope, work = field_of(c), vector(z, c.n), vector(f, c.n), rows_of(c, WORK, SLOPES - WORK)
    ends, m = rows_of(c, 0, 2), c.m
    if c.task == TRY:
        pairs = array_at(c.pairs_place, (m + 1, m), np.complex128)
        pivots = array_at(c.pivots_place, (6, m), np.int64)
        c.error = radau5.attempt(field, start, slope, c.tried, c.rtol, c.atol, ends[0], ends[1], work, radau5.State(c.state),
                                 rows_of(c, SLOPES, m), rows_of(c, SLOPES + m, m + 1), pairs, pivots)  # fmt: skip
    else:
        polynomial = array_at(c.polynomial, (TERMS, c.n), np.float64)
        radau5.dense(field, start, slope, c.tried, ends[0], ends[1], work, polynomial)


@kernel_rule
def stabilised(z, clock, f):
    """`rkc`, with as many stages as the step needs."""
    c = Clock(clock)
    field, start, slope, work = field_of(c), vector(z, c.n), vector(f, c.n), rows_of(c, WORK, SLOPES - WORK)
    ends = rows_of(c, 0, 2)
    c.error = np.nan
    radius = rkc.spectral_radius(field, start, slope, work)
    if np.isfinite(radius):
        stages = rkc.stages_for(c.tried, radius)
        c.error = rkc.attempt(field, start, slope, c.tried, c.rtol, c.atol, stages, ends[0], ends[1], work)


_RULES = {EXPLICIT: explicit, IMPLICIT: implicit, STABILISED: stabilised}


def get_ready(clock: Clock) -> None:
    """Compile the current method, and those to which the loop may change by itself."""
    rules = clock.rules
    for method in {int(clock.method), *((EXPLICIT, IMPLICIT) if clock.ready == 1 else ())}:
        if rules[method] == 0:
            rules[method] = address(_RULES[method].compiled)
