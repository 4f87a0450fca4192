"""Elementary functions that generated rules call, stable over the whole float range."""

from __future__ import annotations

import math

import numpy as np

from cfdyn._jit import DISABLED, inline_kernel

# Plain Python's math raises where machine code gives inf or nan; numpy does not.
_source = np if DISABLED else math
exp, log, sin, cos, tan = _source.exp, _source.log, _source.sin, _source.cos, _source.tan
sinh, cosh, tanh, sqrt, log1p = _source.sinh, _source.cosh, _source.tanh, _source.sqrt, _source.log1p
erf = math.erf
LOG2 = math.log(2.0)


@inline_kernel
def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow; one path for both signs, which a chaotic orbit would mispredict."""
    y = exp(-abs(x))
    return (1.0 if x >= 0.0 else y) / (1.0 + y)


@inline_kernel
def softplus(x: float) -> float:
    """log(1 + exp(x)), without overflow or cancellation."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


@inline_kernel
def logcosh(x: float) -> float:
    """log cosh x: the series near 0, where the closed form cancels."""
    y = abs(x)
    if y < 0.03:
        s = y * y
        return s * (0.5 + s * (-1.0 / 12.0 + s * (1.0 / 45.0 + s * (-17.0 / 2520.0 + s * (31.0 / 14175.0)))))
    if y < 1.0:
        s = sinh(0.5 * y)
        return log1p(2.0 * s * s)
    return y + log1p(exp(-2.0 * y)) - LOG2


@inline_kernel
def sign(x: float) -> float:
    """-1, 0 or 1; NaN stays NaN."""
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return x * 0.0


@inline_kernel
def heaviside(x: float) -> float:
    """0, 1/2 or 1; NaN stays NaN."""
    return 0.5 + 0.5 * sign(x)


@inline_kernel
def maximum(a: float, b: float) -> float:
    """The larger one; the first where they tie or one is NaN."""
    return b if a < b else a


@inline_kernel
def minimum(a: float, b: float) -> float:
    """The smaller one; the first where they tie or one is NaN."""
    return b if b < a else a
