"""The only file that configures numba: kernels and rules.

A *rule* is ``void(double *z, double *p, double *out)``: everything generated from a formula has this
one type, so a kernel that takes rules compiles once and serves every loss.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cached_property, partial
from importlib import import_module
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher
from numba.experimental import function_type as _function_type  # noqa: F401 (how to call a function by its address)
from numba.extending import intrinsic, typeof_impl

from cfdyn.machine.interrupts import hold_interrupts
from cfdyn.machine.kernel_cache import is_kept, keep
from cfdyn.machine.portable import Rooted, held_while_forking

DISABLED = bool(numba.config.DISABLE_JIT)
_POINTER = types.CPointer(types.float64)
SIGNATURE = types.void(_POINTER, _POINTER, _POINTER)
_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


hold_interrupts()
# The lock within: the one around it would tell of a compilation that there is not.
held_while_forking(global_compiler_lock._lock, 1)


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


class _Part(CPUDispatcher):
    """Without an entry from Python (1 to 9 % of the time to compile it, numba 0.68.1): there it is the function that it was."""

    def __call__(self, *arguments: Any) -> Any:
        return self.py_func(*arguments)


def inline_kernel(function: Callable) -> Callable:
    """A helper that becomes a part of the kernels and rules that call it: arrays are long to pass on."""
    options = {"nopython": True, "nogil": True, "error_model": "numpy", "forceinline": True, "boundscheck": None,
               "no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # fmt: skip
    return function if DISABLED else _Part(function, targetoptions=options)


def spliced(function: Callable) -> Callable:
    """A helper used once or twice, written into its caller before that is compiled: no machine code of its own, so it takes
    less time than `inline_kernel`."""
    return numba.njit(inline="always")(function)


def native_rule(function: Callable) -> Any:
    """Compile a function ``(z, p, out)`` with numba, in memory, to the one rule type."""
    return function if DISABLED else numba.cfunc(SIGNATURE, error_model="numpy")(function)


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


@intrinsic
def _entry_pointer(typingctx: Any, array: Any, first: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = args[0] if array == _POINTER else context.make_array(array)(context, builder, args[0]).data
        return builder.gep(data, [context.cast(builder, args[1], signature.args[1], types.intp)])

    return _POINTER(array, first), codegen


@intrinsic
def _call_from(typingctx: Any, array: Any, slot: Any, z: Any, p: Any, out: Any) -> Any:
    """Call the rule whose address is kept, as 64 bits, in an entry of a float64 array."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        import llvmlite.ir as ir

        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        address = builder.gep(data, [context.cast(builder, args[1], signature.args[1], types.intp)])
        number = ir.PointerType(ir.DoubleType())
        rule = ir.PointerType(ir.FunctionType(ir.VoidType(), [number] * 3))
        place = builder.load(builder.bitcast(address, ir.PointerType(ir.IntType(64))))
        builder.call(builder.inttoptr(place, rule), list(args[2:]))
        return context.get_dummy_value()

    return types.void(array, slot, z, p, out), codegen


@intrinsic
def _borrowed(typingctx: Any, array: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, args[0])
        view.meminfo = context.get_constant_null(types.voidptr)
        return view._getvalue()

    return array(array), codegen


@intrinsic
def _as_integers(typingctx: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int64)(address), codegen


_ANY = 1 << 40
_PLAIN_RULES: list[Callable] = []

if DISABLED:

    def pointer(array: np.ndarray, first: int) -> np.ndarray:
        """A contiguous array, or a pointer, from its entry ``first`` on, where nothing is compiled."""
        return array.reshape(-1)[first:]

    def borrowed(array: np.ndarray) -> np.ndarray:
        """The array as a loop of many calls should pass it on: references to it are not counted, which takes locks."""
        return array

    def numbers(address: np.ndarray) -> np.ndarray:
        """What a rule gets, as an array."""
        return address

    def integers(address: np.ndarray) -> np.ndarray:
        """The same memory as whole numbers of 64 bits."""
        return address.view(np.int64)

    def call_from(array: np.ndarray, slot: int, z: np.ndarray, p: np.ndarray, out: np.ndarray) -> None:
        """Call the rule that `put_rule` left in an entry of the array."""
        _PLAIN_RULES[array.view(np.int64)[slot]](z, p, out)

else:
    # A view would do the same, but costs two atomic operations for its reference count.
    pointer, borrowed, call_from = _entry_pointer, _borrowed, _call_from

    @numba.njit(inline="always")
    def numbers(address):
        """What a rule gets, as an array without end."""
        return numba.carray(address, (_ANY,))

    @numba.njit(inline="always")
    def integers(address):
        """The same memory as whole numbers of 64 bits."""
        return numba.carray(_as_integers(address), (_ANY,))


def put_rule(array: np.ndarray, slot: int, rule: Any) -> None:
    """Leave a rule's address in an entry of a float64 array, for `call_from`."""
    array.view(np.int64)[slot] = addresses(rule).view(np.int64)[0]


def addresses(*rules: Any) -> np.ndarray:
    """Rules as an array for `call_from`, an entry for each."""
    if DISABLED:
        _PLAIN_RULES.extend(rules)
        return np.arange(len(_PLAIN_RULES) - len(rules), len(_PLAIN_RULES)).view(float)
    return np.array([rule.address for rule in rules]).view(float)


def apply(array: np.ndarray, slot: int, z: np.ndarray, p: np.ndarray, out: np.ndarray) -> None:
    """`call_from` from Python."""
    if DISABLED:
        call_from(array, slot, z, p, out)
    else:
        _PROTOTYPE(int(array.view(np.int64)[slot]))(z.ctypes.data, p.ctypes.data, out.ctypes.data)


class KernelRule:
    """A rule written in Python, compiled by numba when first used and kept on disk.

    What it calls through `call_from` is compiled once, by itself: numba compiles what a kernel calls directly into
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
        """The rule as kernels and `put_rule` take it."""
        if DISABLED:
            return self.function
        self._native.compile()
        return NativeRule(self._native.address or 0)

    def is_kept(self) -> bool:
        """Whether machine code is there to be loaded; also where none is ever kept."""
        return DISABLED or is_kept(self._native)


def _rule_of(module: str, name: str) -> KernelRule:
    return getattr(import_module(module), name)


def kernel_rule(function: Callable) -> KernelRule:
    """A function ``(z, p, out)`` of pointers as a rule; `numbers` and `integers` make arrays of them."""
    return KernelRule(function)
