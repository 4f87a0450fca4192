"""Machine code of kernels on disk: one process makes it, all others load it."""

import os
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
from numba.core.caching import FunctionCache
from numba.core.compiler_lock import global_compiler_lock

from cfdyn.machine.shelf import Shelf, directory, fingerprint, refuse


@cache
def _shelf(module: str) -> Shelf:
    """Changes with the sources of the kernels in this module, numba, numpy, Python and the processor."""
    cpu = numba.core.registry.cpu_target.target_context.codegen().magic_tuple()
    own = module.removeprefix("cfdyn.") if module.startswith("cfdyn.") else "kernels"
    return Shelf("kernels", fingerprint((own, "machine.jit"), ("numba", "llvmlite", "numpy"), repr(cpu)))


class _Store:
    """The place of numba's own files: an entry of a shelf for each compiled overload."""

    def __init__(self, base: str, module: str):
        self.base, self.module = base, module
        self.claims: list[Any] = []

    def _key(self, key: tuple) -> str:
        return f"{self.base}|{(str(key[0]), *key[1:])!r}"

    def load(self, key: tuple) -> Any:
        # The checksum comes first: a damaged file must not reach the unpickler or the linker.
        shelf, name, prefix = _shelf(self.module), self._key(key), f"{self.base}-"
        blob = shelf.read(name, prefix)
        if blob is None:
            self.claims.append(shelf.claim(name, prefix))
            blob = shelf.read(name, prefix)
        return None if blob is None else pickle.loads(blob)

    def save(self, key: tuple, data: Any) -> None:
        from numba.core.serialize import dumps

        _shelf(self.module).write(self._key(key), dumps(data), f"{self.base}-")

    def flush(self) -> None:
        _shelf(self.module).remove(f"{self.base}-")

    def holds_some(self) -> bool:
        """True if any overload is kept."""
        return _shelf(self.module).holds_some(f"{self.base}-")

    def release(self, height: int) -> None:
        """Let other processes have what they wait for."""
        while len(self.claims) > height:
            self.claims.pop().release()


def keep(compiled: Any, function: Callable) -> None:
    """Give a dispatcher the checked store in place of numba's own; what two processes need is compiled by one of them."""
    folder = directory()
    if folder is None or not os.path.exists(function.__code__.co_filename):
        return
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        cached = FunctionCache(function)
    except (OSError, RuntimeError) as error:
        refuse(f"{folder} cannot be written ({error})")
        return
    finally:
        numba.config.CACHE_DIR = previous
    store = cached._cache_file = _Store(cached._impl.filename_base, function.__module__)
    compiled._cache, compile = cached, compiled.compile

    @global_compiler_lock
    def compile_once(*signature: Any) -> Any:
        height = len(store.claims)
        try:
            return compile(*signature)
        finally:
            store.release(height)

    compiled.compile = compile_once


def is_kept(compiled: Any) -> bool:
    """True if machine code of a kernel is there to be loaded; also where none is ever kept."""
    store = getattr(compiled._cache, "_cache_file", None)
    return store is None or store.holds_some()
