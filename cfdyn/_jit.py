"""The only file that configures numba: kernels, rules, and where their machine code is kept.

A *rule* is ``void(double *z, double *p, double *out)``: everything generated from a formula has this
one type, so a kernel that takes rules compiles once and serves every loss.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.caching import FunctionCache
from numba.core.event import Listener, register
from numba.experimental import function_type as _function_type  # noqa: F401 (how to call a function by its address)
from numba.extending import intrinsic, typeof_impl

from cfdyn.cache import Shelf, directory, fingerprint, refuse

DISABLED = bool(numba.config.DISABLE_JIT)
_POINTER = types.CPointer(types.float64)
SIGNATURE = types.void(_POINTER, _POINTER, _POINTER)


@cache
def _shelf() -> Shelf:
    """Changes with the kernels' sources, numba, numpy, Python and the processor."""
    cpu = numba.core.registry.cpu_target.target_context.codegen().magic_tuple()
    return Shelf("kernels", fingerprint(("_jit.py", "kernels"), ("numba", "llvmlite", "numpy"), repr(cpu)))


class _Store:
    """What numba keeps, an entry for each compiled overload, in place of its own files."""

    def __init__(self, base: str):
        self.base = base

    def _key(self, key: tuple) -> str:
        return f"{self.base}|{(str(key[0]), *key[1:])!r}"

    def load(self, key: tuple) -> Any:
        # The checksum comes first: a damaged file must not reach the unpickler or the linker.
        blob = _shelf().read(self._key(key), f"{self.base}-")
        return None if blob is None else pickle.loads(blob)

    def save(self, key: tuple, data: Any) -> None:
        from numba.core.serialize import dumps

        _shelf().write(self._key(key), dumps(data), f"{self.base}-")

    def flush(self) -> None:
        _shelf().remove(f"{self.base}-")


def _keep(compiled: Any, function: Callable) -> None:
    """Give a dispatcher the checked store in place of numba's own."""
    folder = directory()
    if folder is None or not os.path.exists(function.__code__.co_filename):
        return
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        store = FunctionCache(function)
    except (OSError, RuntimeError) as error:
        refuse(f"{folder} cannot be written ({error})")
        return
    finally:
        numba.config.CACHE_DIR = previous
    store._cache_file = _Store(store._impl.filename_base)
    compiled._cache = store


class _HoldInterrupts(Listener):
    """Ctrl-C while numba compiles waits until it has finished.

    LLVM calls back through ctypes, which swallows exceptions: an interrupt there would leave a
    half-compiled function behind.
    """

    def __init__(self) -> None:
        self.depth, self.pending = 0, False
        self.previous: Any = None

    def on_start(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self.depth += 1
        if self.depth == 1:
            self.previous = signal.signal(signal.SIGINT, self._note)

    def on_end(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self.depth -= 1
        if self.depth == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler if self.previous is None else self.previous)
            if self.pending:
                self.pending = False
                signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: Any) -> None:
        self.pending = True


register("numba:compiler_lock", _HoldInterrupts())


def kernel(function: Callable) -> Callable:
    """Compile a numerical loop when first called: nogil, no fastmath, IEEE division, kept on disk."""
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    if not DISABLED:
        _keep(compiled, function)
    return compiled


def inline_kernel(function: Callable) -> Callable:
    """A helper that kernels and rules call."""
    return numba.njit(nogil=True, error_model="numpy", inline="never")(function)


def native_rule(function: Callable) -> Any:
    """Compile a function ``(z, p, out)`` with numba, in memory, to the one rule type."""
    return function if DISABLED else numba.cfunc(SIGNATURE, error_model="numpy")(function)


class NativeRule(types.WrapperAddressProtocol):
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
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.gep(data, [context.cast(builder, args[1], signature.args[1], types.intp)])

    return _POINTER(array, first), codegen


@intrinsic
def _apart(typingctx: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


if DISABLED:

    def stays_apart() -> None:
        """Nothing, where nothing is compiled."""

else:
    # Called first in a large helper: LLVM would copy it into all its callers, and take minutes for that.
    stays_apart = _apart


if DISABLED:

    def pointer(array: np.ndarray, first: int) -> np.ndarray:
        """A contiguous array from its entry ``first`` on, where nothing is compiled."""
        return array.reshape(-1)[first:]

else:
    # A view would do the same, but costs two atomic operations for its reference count.
    pointer = _entry_pointer
