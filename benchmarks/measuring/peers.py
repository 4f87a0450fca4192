"""Competitors that may be missing: modules, and C compiled on the spot. Nothing is installed; what is missing is None."""

from __future__ import annotations

import atexit
import ctypes
import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from types import ModuleType
from typing import Any

from measuring.timing import BenchmarkError

FLAGS = ("-O3", "-march=native", "-ffp-contract=off")  # no fused multiply-add, as in cfdyn


def peer(name: str) -> ModuleType | None:
    """A module to be measured against, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def installed(name: str) -> bool:
    """True if a module can be found; it is not imported, for peers that get a process of their own."""
    return importlib.util.find_spec(name) is not None


def needs(*names: str) -> Callable[[Callable], Callable]:
    """For what makes a competitor: it is given these modules first, and gives None where one of them is missing."""

    def decorate(make: Callable) -> Callable:
        @wraps(make)
        def made(*arguments: Any, **options: Any) -> Any:
            modules = [peer(name) for name in names]
            return None if None in modules else make(*modules, *arguments, **options)

        return made

    return decorate


def compiler() -> str | None:
    """The C compiler of this machine."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@cache
def scratch() -> Path:
    """A folder that is gone when the process ends."""
    folder = tempfile.mkdtemp(prefix="cfdyn-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def c_function(source: Path, name: str, result: Any, *arguments: Any, **macros: str) -> Callable | None:
    """A function of a file in C that leaves macros open, with its types; None without a compiler.

    Raises
    ------
    BenchmarkError : there is a compiler and it refuses the source
    """
    library = _compiled(source, *(f"-D{name}={text}" for name, text in macros.items()))
    if library is None:
        return None
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


@cache
def _compiled(source: Path, *macros: str) -> ctypes.CDLL | None:
    program = compiler()
    if program is None:
        return None
    library = scratch() / f"code{len(list(scratch().glob('*.so')))}.so"
    command = [program, *FLAGS, *macros, "-shared", "-fPIC", str(source), "-o", str(library), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)} failed: {done.stderr.strip()[:500]}")
    return ctypes.CDLL(str(library))
