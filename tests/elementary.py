"""What the source of a generated rule may call beside arithmetic; one number in, one out."""

import math

import numpy as np

from cfdyn.machine.jit import DISABLED, inline_kernel

# Plain Python's math raises where machine code gives inf or nan; numpy does not.
_source = np if DISABLED else math
exp, log, sin, cos, tan = _source.exp, _source.log, _source.sin, _source.cos, _source.tan
sinh, cosh, tanh, sqrt, log1p = _source.sinh, _source.cosh, _source.tanh, _source.sqrt, _source.log1p
erf, rint, floor, float64 = math.erf, np.rint, np.floor, np.float64


@inline_kernel
def sign(x: float) -> float:
    """-1, 0 or 1; NaN stays NaN."""
    if x > 0.0:
        return np.float64(1.0)
    if x < 0.0:
        return np.float64(-1.0)
    return x * 0.0


@inline_kernel
def heaviside(x: float) -> float:
    """0, 1/2 or 1; NaN stays NaN."""
    return 0.5 + 0.5 * sign(x)


@inline_kernel
def maximum(a: float, b: float) -> float:
    """The larger one; NaN if one is."""
    return b if a < b or b != b else a


@inline_kernel
def minimum(a: float, b: float) -> float:
    """The smaller one; NaN if one is."""
    return b if b < a or b != b else a


@inline_kernel
def exp2i(n: float) -> float:
    """2ⁿ for a whole n of a normal number's exponent; NaN stays NaN."""
    return np.float64(math.ldexp(1.0, int(n))) if n == n else n


@inline_kernel
def exponent(x: float) -> float:
    """The e of x = m·2ᵉ, 1 ≤ m < 2, for a positive normal number."""
    return np.float64(math.frexp(x)[1] - 1.0)


@inline_kernel
def mantissa(x: float) -> float:
    """The m of x = m·2ᵉ, 1 ≤ m < 2, for a positive normal number."""
    return np.float64(2.0 * math.frexp(x)[0])
