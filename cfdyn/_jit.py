"""The only file that configures numba: kernels, rules, and where their machine code is kept.

A *rule* is ``void(double *z, double *p, double *out)``: everything generated from a formula has this
one type, so a kernel that takes rules compiles once and serves every loss.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pickle
import signal
import stat
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.caching import FunctionCache
from numba.core.event import Listener, register
from numba.extending import intrinsic

DISABLED = bool(numba.config.DISABLE_JIT)
_POINTER = types.CPointer(types.float64)
SIGNATURE = types.void(_POINTER, _POINTER, _POINTER)
_PROTOTYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


@cache
def cache_directory() -> Path | None:
    """The private folder for compiled code, or None (with one warning) if there is none to be had.

    ``$CFDYN_CACHE_DIR``, else ``$XDG_CACHE_HOME/cfdyn``, else ``~/.cache/cfdyn``; mode 0700. Its
    files are executed when loaded, so a folder that others own or may write to is refused.
    """
    chosen = os.environ.get("CFDYN_CACHE_DIR")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = Path(chosen) if chosen else base / "cfdyn"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            return no_cache(f"{path} belongs to another user")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return no_cache(f"others may write to {path}")
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"0" * 65536)
            probe.flush()
    except (OSError, RuntimeError) as error:
        return no_cache(f"{path} cannot be written ({error})")
    return path


@cache
def no_cache(reason: str) -> None:
    """Say once that compiled code is kept in memory only, and why."""
    if not _said:
        _said.append(reason)
        warnings.warn(f"compiled code is not kept between runs: {reason}", RuntimeWarning, stacklevel=2)


_said: list[str] = []


@cache
def code_version() -> str:
    """Changes with the kernels' sources, numba, numpy, Python and the processor."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in [Path(__file__), *sorted((here / "kernels").glob("*.py"))]:
        digest.update(source.read_bytes())
    cpu = numba.core.registry.cpu_target.target_context.codegen().magic_tuple()
    digest.update(repr((numba.__version__, np.__version__, sys.version, cpu)).encode())
    return digest.hexdigest()[:20]


class _Store:
    """One checksummed file for each compiled overload, replaced atomically."""

    def __init__(self, folder: Path, base: str):
        self.folder, self.base = folder, base

    def _path(self, key: tuple) -> Path:
        name = hashlib.sha256(repr((str(key[0]), *key[1:])).encode()).hexdigest()[:16]
        return self.folder / f"{self.base}-{name}.bin"

    def load(self, key: tuple) -> Any:
        try:
            blob = self._path(key).read_bytes()
        except OSError:
            return None
        # A damaged file must not reach the unpickler or the linker: rebuild it instead.
        if hashlib.sha256(blob[32:]).digest() != blob[:32]:
            return None
        return pickle.loads(blob[32:])

    def save(self, key: tuple, data: Any) -> None:
        from numba.core.serialize import dumps

        blob = dumps(data)
        write_atomically(self._path(key), hashlib.sha256(blob).digest() + blob)

    def flush(self) -> None:
        for path in self.folder.glob(f"{self.base}-*.bin"):
            path.unlink(missing_ok=True)


def write_atomically(path: Path, blob: bytes) -> bool:
    """Write a whole file or none; False (and one warning) where the disk refuses."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(blob)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        no_cache(f"{path.parent} cannot be written ({error})")
        return False
    return True


def _keep(compiled: Any, function: Callable) -> None:
    """Give a dispatcher or cfunc the checked store in place of numba's own."""
    folder = cache_directory()
    if folder is None or not os.path.exists(function.__code__.co_filename):
        return
    folder = folder / code_version()
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        store = FunctionCache(function)
    except (OSError, RuntimeError) as error:
        no_cache(f"{folder} cannot be written ({error})")
        return
    finally:
        numba.config.CACHE_DIR = previous
    store._cache_file = _Store(folder, store._impl.filename_base)
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
            signal.signal(signal.SIGINT, self.previous or signal.default_int_handler)
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


def rule(function: Callable) -> Callable:
    """Compile a generated function ``(z, p, out)`` at once, to the one rule type."""
    if DISABLED:
        return function
    from numba.core.ccallback import CFunc

    compiled = CFunc(function, (SIGNATURE.args, SIGNATURE.return_type), {}, {"error_model": "numpy"})
    _keep(compiled, function)
    compiled.compile()
    return compiled


def python_call(compiled: Any) -> Callable[[np.ndarray, np.ndarray, np.ndarray], None]:
    """The rule as a Python function of three contiguous float64 arrays."""
    if DISABLED:
        return compiled
    native = _PROTOTYPE(compiled.address)

    def call(z: np.ndarray, p: np.ndarray, out: np.ndarray) -> None:
        native(z.ctypes.data, p.ctypes.data, out.ctypes.data)

    return call


@intrinsic
def _entry_pointer(typingctx: Any, array: Any, first: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.gep(data, [context.cast(builder, args[1], signature.args[1], types.intp)])

    return _POINTER(array, first), codegen


if DISABLED:

    def pointer(array: np.ndarray, first: int) -> np.ndarray:
        """A contiguous array from its entry ``first`` on, where nothing is compiled."""
        return array.reshape(-1)[first:]

else:
    # A view would do the same, but costs two atomic operations for its reference count.
    pointer = _entry_pointer
