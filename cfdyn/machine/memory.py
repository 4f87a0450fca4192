"""What machine code makes of the blocks of `cfdyn.kernels.layout`: names are loads, arrays are addresses with extents.

numba's own arrays would do the same, but references to them are counted and indices may be negative: more to compile.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import lower_builtin, lower_getattr_generic, lower_setattr_generic, models, register_model, type_callable

from cfdyn.machine.jit import address_in

if TYPE_CHECKING:
    from llvmlite.ir import IRBuilder, Value
    from numba.core.base import BaseContext
    from numba.core.typing import Signature


_WHOLE = ir.IntType(64)
_POINTERS = {types.float64: ir.DoubleType().as_pointer(), types.int64: _WHOLE.as_pointer()}


class BlockType(types.Type):
    """A block of one layout; in machine code its address."""

    def __init__(self, layout: Any):
        self.layout = layout
        super().__init__(f"{layout.__module__}.{layout.__qualname__}")

    def kind(self, name: str) -> Any:
        """The type of what has this name."""
        field = self.layout.fields[name]
        entry = types.float64 if field.entry is float else types.int64
        return ViewType(entry, len(field.extents)) if field.extents else entry

    def head(self, builder: IRBuilder, block: Value, name: str, kind: Any) -> Value:
        """The address of its entry of the head."""
        return builder.bitcast(builder.gep(block, [_WHOLE(self.layout.fields[name].slot)]), _POINTERS[kind])

    def address(self, builder: IRBuilder, block: Value) -> Any:
        """Where its numbers begin."""
        return block


class ViewType(types.Type):
    """An array of a block; in machine code its address and all extents but the first."""

    def __init__(self, entry: Any, dimensions: int):
        self.entry, self.dimensions = entry, dimensions
        super().__init__(f"view({entry}, {dimensions})")

    def place(self, context: BaseContext, builder: IRBuilder, view: Value, index: Value, kind: Any) -> Value:
        """The address of an entry."""
        several = isinstance(kind, types.BaseTuple)
        indices = zip(cgutils.unpack_tuple(builder, index, len(kind)), kind.types) if several else [(index, kind)]
        place = _WHOLE(0)
        for axis, (part, of) in enumerate(indices):
            place = builder.mul(place, builder.extract_value(view, axis)) if axis else place
            place = builder.add(place, context.cast(builder, part, of, types.int64))
        return builder.gep(builder.extract_value(view, 0), [place])

    def address(self, builder: IRBuilder, view: Value) -> Any:
        """Where its numbers begin."""
        return builder.bitcast(builder.extract_value(view, 0), _POINTERS[types.float64])


@register_model(BlockType)
class _BlockModel(models.PrimitiveModel):
    def __init__(self, manager: object, kind: Any):
        super().__init__(manager, kind, _POINTERS[types.float64])


@register_model(ViewType)
class _ViewModel(models.StructModel):
    def __init__(self, manager: object, kind: Any):
        extents = [(f"extent{axis}", types.int64) for axis in range(1, kind.dimensions)]
        super().__init__(manager, kind, [("data", types.CPointer(kind.entry)), *extents])


def name_in_kernels(layout: Any) -> None:
    """``layout(memory)`` in kernels, for a pointer, an array, or an array of a block."""
    named = BlockType(layout)
    type_callable(layout)(lambda context: lambda memory: named)

    @lower_builtin(layout, types.Any)
    def _(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
        return address_in(context, builder, signature.args[0], args[0])


@infer_getattr
class _Names(AttributeTemplate):
    key = BlockType

    def generic_resolve(self, block: Any, name: str) -> Any:
        return block.kind(name)


@lower_getattr_generic(BlockType)
def _get(context: BaseContext, builder: IRBuilder, kind: Any, block: Value, name: str) -> Value:
    def extent(formula: Any) -> Any:
        if isinstance(formula, ast.BinOp):
            combine = builder.add if isinstance(formula.op, ast.Add) else builder.mul
            return combine(extent(formula.left), extent(formula.right))
        if isinstance(formula, ast.Constant):
            return _WHOLE(formula.value)
        return builder.load(kind.head(builder, block, formula.id, types.int64))

    field, member = kind.layout.fields[name], kind.kind(name)
    if not field.extents:
        return builder.load(kind.head(builder, block, name, member))
    first = builder.load(kind.head(builder, block, name, types.int64))
    members = [builder.bitcast(builder.gep(block, [first]), _POINTERS[member.entry])]
    members += [extent(ast.parse(str(formula), mode="eval").body) for formula in field.extents[1:]]
    return cgutils.pack_struct(builder, members)


@lower_setattr_generic(BlockType)
def _set(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value], name: str) -> None:
    builder.store(args[1], signature.args[0].head(builder, args[0], name, signature.args[1]))


@infer_global(operator.getitem)
class _Get(AbstractTemplate):
    def generic(self, args: Sequence[Value], kws: Any) -> Any:
        if isinstance(args[0], ViewType):
            return signature(args[0].entry, *args)


@infer_global(operator.setitem)
class _Set(AbstractTemplate):
    def generic(self, args: Sequence[Value], kws: Any) -> Any:
        if isinstance(args[0], ViewType):
            return signature(types.void, args[0], args[1], args[0].entry)


@lower_builtin(operator.getitem, ViewType, types.Any)
def _get_entry(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
    return builder.load(signature.args[0].place(context, builder, *args, signature.args[1]))


@lower_builtin(operator.setitem, ViewType, types.Any, types.Any)
def _set_entry(context: BaseContext, builder: IRBuilder, signature: Signature, args: Sequence[Value]) -> Value:
    builder.store(args[2], signature.args[0].place(context, builder, *args[:2], signature.args[1]))
    return context.get_dummy_value()
