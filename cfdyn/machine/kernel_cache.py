"""Machine code of kernels on disk: it came with the package, or one process makes it and all others load it."""

import gc
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numba
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.compiler_lock import global_compiler_lock

from cfdyn.machine import carried
from cfdyn.machine.fingerprints import fingerprint, installed
from cfdyn.machine.shelf import Shelf, directory, opened

_PACKAGES = ("numba", "llvmlite", "numpy")
# As they are when numba begins: kernels change some of them while they are compiled.
_SETTINGS = {name: str(getattr(config, name, None)) for name in
             ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "USING_SVML")}  # fmt: skip
# Releases of one minor version share bytecode and the interface in C.
_PYTHON = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"


def made_with() -> dict[str, str]:
    """What machine code depends on, apart from sources and the processor."""
    return {"Python": _PYTHON, **{name: installed(name) for name in _PACKAGES},
            **{f"numba's {name}": value for name, value in _SETTINGS.items()}}  # fmt: skip


@cache
def processor() -> tuple[str, str, str]:
    """The system, the processor and its features, for which numba compiles."""
    return numba.core.registry.cpu_target.target_context.codegen().magic_tuple()


def carried_sets() -> list[tuple[carried.CodeSet | None, str]]:
    """The sets that came with the package, the best first, and what is in the way of each, or ""."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    names = [name for name in ("CPU_NAME", "CPU_FEATURES") if getattr(config, name, None) is not None]
    named = [f"NUMBA_{name}={getattr(config, name)}" for name in names]

    def reason(one: carried.CodeSet | None) -> str:
        if config.DISABLE_JIT:
            return "nothing is compiled or loaded while NUMBA_DISABLE_JIT is set"
        why = carried.why_not(one, made_with(), processor(), features.get)
        foreign = named and one is not None and one.processor != processor()
        return why or (f"code is to be made for {' '.join(named)}" if foreign else "")

    return [(one, reason(one)) for one in carried.sets()]


@cache
def _carried() -> carried.CodeSet | None:
    """The set that is in use."""
    return next((one for one, reason in carried_sets() if one is not None and not reason), None)


@cache
def _shelf(module: str, cpu: tuple[str, str, str] | None = None) -> Shelf:
    """Changes with the sources of the kernels in this module, numba, numpy, Python and the processor."""
    own = module.removeprefix("cfdyn.") if module.startswith("cfdyn.") else "kernels"
    made = repr((cpu or processor(), _SETTINGS))
    return Shelf("kernels", fingerprint((own, "machine.jit"), _PACKAGES, made, python=_PYTHON))


class _Store:
    """The place of numba's own files: an entry of a shelf for each compiled overload."""

    def __init__(self, base: str, module: str):
        self.base, self.module = base, module
        self.claims: list[Any] = []

    def _key(self, key: tuple) -> str:
        return f"{self.base}|{(str(key[0]), *key[1:])!r}"

    def load(self, key: tuple) -> Any:
        # The checksum comes first: a damaged file must not reach the unpickler or the linker.
        blob = self._came_with(key)
        if blob is None:
            shelf, name, prefix = _shelf(self.module), self._key(key), f"{self.base}-"
            blob = shelf.read(name, prefix)
            if blob is None:
                self.claims.append(shelf.claim(name, prefix))
                blob = shelf.read(name, prefix)
        return None if blob is None else pickle.loads(blob)

    def _came_with(self, key: tuple) -> bytes | None:
        one = _carried()
        if one is None:
            return None
        name = self._key((key[0], one.processor, *key[2:]))
        blob = one.read(_shelf(self.module, one.processor).name(name, f"{self.base}-"))
        return None if blob is None else opened(name, blob)

    def save(self, key: tuple, data: object) -> None:
        from numba.core.serialize import dumps

        _shelf(self.module).write(self._key(key), dumps(data), f"{self.base}-")

    def flush(self) -> None:
        _shelf(self.module).remove(f"{self.base}-")

    def holds_some(self) -> bool:
        """True if any overload is kept, or came with the package."""
        one, prefix = _carried(), f"{self.base}-"
        came = one is not None and one.holds_some(f"kernels-{_shelf(self.module, one.processor).version}/{prefix}")
        return came or _shelf(self.module).holds_some(prefix)

    def release(self, height: int) -> None:
        """Let other processes have what they wait for."""
        while len(self.claims) > height:
            self.claims.pop().release()


class _Compiled(CompileResultCacheImpl):
    """What numba compiled, as it is kept: without a folder of numba's, and without the source, which is for people."""

    def __init__(self, function: Callable):
        code = function.__code__
        file = os.path.splitext(os.path.basename(code.co_filename))[0]
        self._filename_base = f"{file}.{function.__qualname__}-{code.co_firstlineno}.{_PYTHON}".replace("<", "").replace(">", "")
        self._locator = self

    def ensure_cache_path(self) -> None:
        """The shelf makes its folder."""

    def reduce(self, result: object) -> tuple:
        return tuple("" if isinstance(part, str) else part for part in super().reduce(result))


class _Cache(FunctionCache):
    """numba's, with a `_Store` in place of its files."""

    def __init__(self, function: Callable):
        self._name, self._py_func, self._impl = repr(function), function, _Compiled(function)
        self._cache_file, self._cache_path = _Store(self._impl.filename_base, function.__module__), ""
        self.enable()


COLLECTED = 50_000  # objects


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """numba makes many objects that stay for a while: to look through them all again and again takes a twelfth of its time."""
    often, *others = gc.get_threshold()
    if 0 < often < COLLECTED:
        gc.set_threshold(COLLECTED, *others)
    try:
        yield
    finally:
        gc.set_threshold(often, *others)


def keep(compiled: Any, function: Callable) -> None:
    """Give a dispatcher the checked store in place of numba's own; what two processes need is compiled by one of them."""
    if not os.path.exists(function.__code__.co_filename):
        return
    cached = _Cache(function)
    store = cached._cache_file
    compiled._cache, compile = cached, compiled.compile

    @global_compiler_lock
    def compile_once(*signature: object) -> Any:
        height = len(store.claims)
        try:
            with _rarely_collected():
                return compile(*signature)
        finally:
            store.release(height)

    compiled.compile = compile_once


def is_kept(compiled: Any) -> bool:
    """True if machine code of a kernel is there to be loaded; also where none is ever kept."""
    store = getattr(compiled._cache, "_cache_file", None)
    return store is None or directory() is None or store.holds_some()
