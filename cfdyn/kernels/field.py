"""The right-hand side of a flow, as the steppers call it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn._jit import inline_kernel, pointer

SLOPES, JACOBIANS = range(2)


class Field(NamedTuple):
    """A flow dz/dt = F(z) of n states; rules as in `cfdyn._jit`.

    ``slope`` and ``slope_jacobian`` are F and DF and read ``p``. Where the flow has an edge, ``project``,
    ``inspect`` and ``renew`` belong to it and read ``block`` (see `cfdyn.kernels.edge`); ``k`` modes are held there.
    ``counts`` are of evaluations.
    """

    n: int
    k: int
    slope: Any
    slope_jacobian: Any
    project: Any
    inspect: Any
    renew: Any
    p: np.ndarray
    block: np.ndarray
    counts: np.ndarray


@inline_kernel
def derivative(field, z, out):
    """F(z) into ``out`` (n,)."""
    field.counts[SLOPES] += 1
    field.slope(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))


@inline_kernel
def jacobian(field, z, out):
    """DF(z) into ``out`` (n, n)."""
    field.counts[JACOBIANS] += 1
    field.slope_jacobian(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))
