"""Four numbers at a time, as a type: the compiler makes vectors of long loops only, and first tests whether pointers overlap.

``+``, ``-``, ``*``, also with a number, and ``abs`` act on all four. A value stays inside one function.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from cfdyn.machine.jit import DISABLED, inline_kernel

if TYPE_CHECKING:
    from llvmlite.ir import IRBuilder, Value
    from numba.core.base import BaseContext
    from numba.core.typing import Context, Signature


_POINTER = types.CPointer(types.float64)
_VECTOR = ir.VectorType(ir.DoubleType(), 4)


class _Lanes(types.Type):
    """The numba type of four numbers."""


_LANES = _Lanes("lanes")


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: object, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _vector(builder: IRBuilder, value: Any, kind: Any) -> Value:
    """The value itself, or a number in all lanes."""
    if kind == _LANES:
        return value
    none = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(none, value, ir.IntType(32)(0))
    return builder.shuffle_vector(first, none, ir.Constant(ir.VectorType(ir.IntType(32), 4), None))


def _define(symbol: Callable, name: str) -> None:
    """Give an operator its instruction."""

    def lower(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
        return getattr(builder, name)(*(_vector(builder, value, kind) for value, kind in zip(args, signature.args)))

    kinds = (_LANES, types.float64)
    type_callable(symbol)(lambda context: lambda a, b: _LANES if _LANES in (a, b) and a in kinds and b in kinds else None)
    for pair in ((_LANES, _LANES), (_LANES, types.float64), (types.float64, _LANES)):
        lower_builtin(symbol, *pair)(lower)


@lower_builtin(abs, _LANES)
def _abs(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.fabs.v4f64")
    return builder.call(function, args)


type_callable(abs)(lambda context: lambda a: _LANES if a == _LANES else None)
for _symbol, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _define(_symbol, _name)


def _place(builder: IRBuilder, args: Sequence[Value]) -> Value:
    return builder.bitcast(builder.gep(args[0], [args[1]]), _VECTOR.as_pointer())


@intrinsic
def _four(typingctx: Context, address: Any, first: Any) -> Any:
    def codegen(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
        return builder.load(_place(builder, args), align=8)

    return _LANES(_POINTER, types.intp), codegen


@intrinsic
def _put_four(typingctx: Context, address: Any, first: Any, lanes: Any) -> Any:
    def codegen(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
        builder.store(args[2], _place(builder, args), align=8)
        return context.get_dummy_value()

    return types.void(_POINTER, types.intp, _LANES), codegen


if DISABLED:

    def four(address: np.ndarray, first: int) -> np.ndarray:
        """The four numbers at address[first]."""
        return address[first : first + 4].copy()

    def put_four(address: np.ndarray, first: int, lanes: np.ndarray) -> None:
        """Write them there."""
        address[first : first + 4] = lanes

else:
    four, put_four = _four, _put_four


@inline_kernel
def clear(n, target) -> None:
    """target = 0."""
    for i in range(n):
        target[i] = 0.0


@inline_kernel
def add(n, factor, source, target) -> None:
    """target += factor · source."""
    for i in range(0, n - 3, 4):
        put_four(target, i, four(target, i) + factor * four(source, i))
    for i in range(n // 4 * 4, n):
        target[i] += factor * source[i]


@inline_kernel
def add_two(n, factor, source, other_factor, other, target) -> None:
    """target += factor · source + other_factor · other."""
    for i in range(0, n - 3, 4):
        put_four(target, i, four(target, i) + (factor * four(source, i) + other_factor * four(other, i)))
    for i in range(n // 4 * 4, n):
        target[i] += factor * source[i] + other_factor * other[i]


@inline_kernel
def rotate(n, c, s, one, two) -> None:
    """one, two = c·one − s·two, s·one + c·two."""
    for i in range(0, n - 3, 4):
        x, y = four(one, i), four(two, i)
        put_four(one, i, c * x - s * y)
        put_four(two, i, s * x + c * y)
    for i in range(n // 4 * 4, n):
        x, y = one[i], two[i]
        one[i], two[i] = c * x - s * y, s * x + c * y
