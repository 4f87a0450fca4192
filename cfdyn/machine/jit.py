"""The only file that configures numba: kernels and rules.

A *rule* is ``void(double *z, double *p, double *out)``: everything generated from a formula has this
one type, so a kernel that takes rules compiles once and serves every loss.
"""

import ctypes
import math
from collections.abc import Callable
from functools import cached_property, partial
from importlib import import_module
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock
from numba.experimental import function_type as _function_type  # noqa: F401 (how to call a function by its address)
from numba.extending import intrinsic, typeof_impl

from cfdyn.machine import compiling
from cfdyn.machine.kernel_cache import is_kept, keep
from cfdyn.machine.parts import Part
from cfdyn.machine.portable import Rooted, held_while_forking

DISABLED = bool(numba.config.DISABLE_JIT)
_POINTER = types.CPointer(types.float64)
SIGNATURE = types.void(_POINTER, _POINTER, _POINTER)
_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


# The lock within: the one around it would tell of a compilation that there is not.
held_while_forking(global_compiler_lock._lock, 1)


class _Told(event.Listener):
    """Passes on what numba says."""

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]):
        self.begin, self.end = begin, end

    def on_start(self, event: Any) -> None:
        self.begin()

    def on_end(self, event: Any) -> None:
        self.end()


_held = compiling.HeldInterrupts()
event.register("numba:compiler_lock", _Told(_held.begin, _held.end))
# When a kernel is compiled, not when one is loaded.
event.register("numba:compile", _Told(lambda: compiling.begin(), lambda: compiling.end()))


def kernel(function: Callable, short: bool = False) -> Callable:
    """Compile a numerical loop when first called: nogil, no fastmath, IEEE division, kept on disk; see `_without_vectors`."""
    compiled: Any = numba.njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
    if not DISABLED:
        keep(compiled, function)
        if short:
            compiled.compile = partial(_without_vectors, compiled.compile)
    return compiled


@global_compiler_lock
def _without_vectors(compile: Callable, signature: Any) -> Any:
    # Made for vectors, short loops take 2 to 9 % longer to compile (numba 0.68.1).
    usual, numba.config.LOOP_VECTORIZE = numba.config.LOOP_VECTORIZE, 0
    try:
        return compile(signature)
    finally:
        numba.config.LOOP_VECTORIZE = usual


def inline_kernel(function: Callable) -> Callable:
    """A helper that becomes a part of the kernels and rules that call it: arrays are long to pass on."""
    options = {"nopython": True, "nogil": True, "error_model": "numpy", "forceinline": True, "boundscheck": None,
               "no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # fmt: skip
    return function if DISABLED else Part(function, targetoptions=options)


def spliced(function: Callable) -> Callable:
    """A helper used once or twice, written into its caller before that is compiled: no machine code of its own, so it takes
    less time than `inline_kernel`."""
    return numba.njit(inline="always")(function)


class NativeRule(Rooted, types.WrapperAddressProtocol):
    """The address of machine code as what a kernel takes for a rule."""

    def __init__(self, address: int):
        self.address = address

    def __wrapper_address__(self) -> int:
        return self.address

    def signature(self) -> Any:
        return SIGNATURE


_RULE_TYPE = types.FunctionType(SIGNATURE)


@typeof_impl.register(NativeRule)
def _rule_type(value: NativeRule, context: Any) -> Any:
    # numba would make this type anew at every call of a kernel.
    return _RULE_TYPE


def address_in(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """In machine code, where the numbers of a pointer, an array, or what else knows its ``address`` begin."""
    if isinstance(kind, types.Array):
        return context.make_array(kind)(context, builder, value).data
    return value if kind == _POINTER else kind.address(builder, value)


@intrinsic
def _entry_pointer(typingctx: Any, memory: Any, first: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = address_in(context, builder, memory, args[0])
        return builder.gep(data, [context.cast(builder, args[1], signature.args[1], types.intp)])

    return _POINTER(memory, first), codegen


@intrinsic
def _call(typingctx: Any, rule: Any, z: Any, p: Any, out: Any) -> Any:
    """Call a rule by its address, a whole number."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        import llvmlite.ir as ir

        number = ir.PointerType(ir.DoubleType())
        kind = ir.PointerType(ir.FunctionType(ir.VoidType(), [number] * 3))
        memory = [address_in(context, builder, *pair) for pair in zip(signature.args[1:], args[1:], strict=True)]
        builder.call(builder.inttoptr(args[0], kind), memory)
        return context.get_dummy_value()

    return types.void(types.int64, z, p, out), codegen


@intrinsic
def _borrowed(typingctx: Any, array: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, args[0])
        view.meminfo = context.get_constant_null(types.voidptr)
        return view._getvalue()

    return array(array), codegen


@intrinsic
def _place(typingctx: Any, memory: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(address_in(context, builder, memory, args[0]), context.get_value_type(types.int64))

    return types.int64(memory), codegen


@intrinsic
def _memory_at(typingctx: Any, number: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), codegen


_ANY = 1 << 40
_PLAIN_RULES: list[Callable] = []

if DISABLED:

    def pointer(memory: Any, first: int) -> np.ndarray:
        """Memory, as for an array or a pointer, from its entry ``first`` on, where nothing is compiled."""
        return np.asarray(memory).reshape(-1)[first:]

    def borrowed(array: np.ndarray) -> np.ndarray:
        """The array as a loop of many calls should pass it on: references to it are not counted, which takes locks."""
        return array

    def numbers(address: np.ndarray) -> np.ndarray:
        """The numbers that a rule gets, as an array: nothing is compiled, so that it is one already."""
        return address

    def vector(address: np.ndarray, n: int) -> np.ndarray:
        """As `numbers`, where it is known how many there are."""
        return address[:n]

    def place(memory: Any) -> int:
        """Where the memory of an array or a block begins, as a whole number; `array_at` gives it back."""
        return int(np.asarray(memory).ctypes.data)

    def array_at(address: int, shape: tuple[int, ...], kind: Any) -> np.ndarray:
        """The array of this shape and kind of numbers that begins there; whoever calls keeps it alive."""
        size = math.prod(shape) * np.dtype(kind).itemsize
        return np.ndarray(shape, kind, (ctypes.c_char * size).from_address(int(address)))

    def call(rule: int, z: Any, p: Any, out: Any) -> None:
        """Call the rule that has this address, see `addresses`, with pointers, arrays or blocks."""
        _PLAIN_RULES[rule](pointer(z, 0), pointer(p, 0), pointer(out, 0))

else:
    # A view would do the same, but costs two atomic operations for its reference count.
    pointer, borrowed, call, place = _entry_pointer, _borrowed, _call, _place

    @numba.njit(inline="always")
    def numbers(address):
        """The numbers at the pointer that a rule gets, as an array (2⁴⁰,): it does not know how many there are."""
        return numba.carray(address, (_ANY,))

    @numba.njit(inline="always")
    def vector(address, n):
        """As `numbers`, where it is known how many there are."""
        return numba.carray(address, (n,))

    @numba.njit(inline="always")
    def array_at(address, shape, kind):
        """The array of this shape and kind of numbers that begins there; whoever calls keeps it alive."""
        return numba.carray(_memory_at(address), shape, kind)


def address(rule: Any) -> int:
    """The whole number by which kernels `call` a compiled rule."""
    if DISABLED:
        _PLAIN_RULES.append(rule)
        return len(_PLAIN_RULES) - 1
    return rule.address


def addresses(*rules: Any) -> np.ndarray:
    """`address` of several rules."""
    return np.array([address(rule) for rule in rules], np.int64)


def apply(rule: int, z: np.ndarray, p: np.ndarray, out: np.ndarray) -> None:
    """`call` from Python, with arrays."""
    if DISABLED:
        call(rule, z, p, out)
    else:
        _PROTOTYPE(int(rule))(z.ctypes.data, p.ctypes.data, out.ctypes.data)


class KernelRule:
    """A rule written in Python, compiled by numba when first used and kept on disk.

    What it calls by an address is compiled once, by itself: numba compiles what a kernel calls directly into
    every caller anew.
    """

    def __init__(self, function: Callable):
        self.function = function

    def __reduce__(self) -> tuple:
        return _rule_of, (self.function.__module__, self.function.__name__)

    @cached_property
    def _native(self) -> Any:
        from numba.core.ccallback import CFunc

        native = CFunc(self.function, (SIGNATURE.args, SIGNATURE.return_type), {}, {"error_model": "numpy"})
        keep(native, self.function)
        return native

    @cached_property
    def compiled(self) -> Any:
        """The rule as kernels and `addresses` take it."""
        if DISABLED:
            return self.function
        with compiling.told():
            self._native.compile()
        return NativeRule(self._native.address or 0)

    def is_kept(self) -> bool:
        """True if machine code is there to be loaded; also where none is ever kept."""
        return DISABLED or is_kept(self._native)


def _rule_of(module: str, name: str) -> KernelRule:
    return getattr(import_module(module), name)


def kernel_rule(function: Callable) -> KernelRule:
    """A function ``(z, p, out)`` of pointers as a rule; `numbers` and the blocks of `cfdyn.kernels.layout` read them."""
    return KernelRule(function)
