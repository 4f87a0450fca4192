"""The right-hand side of a flow, and its Jacobian, as the steppers call them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn._jit import inline_kernel, pointer

PLAIN, CENTRAL, TRACE, ABLATED = range(4)


class Field(NamedTuple):
    """What a stepper needs to know of a flow dz/dt = F(z) of n states; rules as in `cfdyn._jit`."""

    kind: int
    n: int
    drift: Any
    drift_jacobian: Any
    p: np.ndarray


@inline_kernel
def derivative(field, z, out):
    """F(z) into ``out`` (n,)."""
    field.drift(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))


@inline_kernel
def jacobian(field, z, out):
    """DF(z) into ``out`` (n, n)."""
    field.drift_jacobian(pointer(z, 0), pointer(field.p, 0), pointer(out, 0))
