"""The right-hand side of a flow, as the steppers call it."""

from typing import NamedTuple

import numpy as np

from cfdyn.machine.jit import borrowed, call, inline_kernel

SLOPES, JACOBIANS = range(2)
SLOPE, SLOPE_JACOBIAN, PROJECT, INSPECT, RENEW = range(5)  # places of the rules


class Field(NamedTuple):
    """A flow dz/dt = F(z) of n states.

    ``rules`` are addresses, as `cfdyn.machine.jit.addresses` makes them (numba takes long to inspect functions): F and DF read
    ``p``. If the flow has an edge, PROJECT, INSPECT and RENEW belong to it and read ``block`` (see
    `cfdyn.kernels.edge`); ``k`` modes are held there. ``counts`` are of evaluations.
    """

    n: int
    k: int
    rules: np.ndarray
    p: np.ndarray
    block: np.ndarray
    counts: np.ndarray


@inline_kernel
def borrowed_field(n, k, rules, p, block, counts) -> Field:
    """A Field for a loop; see `cfdyn.machine.jit.borrowed`."""
    return Field(n, k, borrowed(rules), borrowed(p), borrowed(block), borrowed(counts))


@inline_kernel
def derivative(field, z, out):
    """F(z) into ``out`` (n,)."""
    field.counts[SLOPES] += 1
    call(field.rules[SLOPE], z, field.p, out)


@inline_kernel
def jacobian(field, z, out):
    """DF(z) into ``out`` (n, n)."""
    field.counts[JACOBIANS] += 1
    call(field.rules[SLOPE_JACOBIAN], z, field.p, out)
