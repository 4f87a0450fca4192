"""Generated modules as files in the private cache folder, named by what they were made from."""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from cfdyn._jit import cache_directory, code_version, write_atomically


def load_module(key: str, source: Callable[[], str]) -> ModuleType:
    """The module generated from ``source()``, made only if no intact file for ``key`` exists.

    The first line of a file is the checksum of the rest; a damaged one is written again. Two
    processes may make the same file at once: each replaces it whole, with the same text.
    """
    digest = hashlib.sha256(f"{code_version()}\n{key}".encode()).hexdigest()[:32]
    name = f"_cfdyn_rule_{digest}"
    folder = cache_directory()
    path = folder / code_version() / f"{name}.py" if folder else None
    text = _intact(path) if path else None
    if text is None:
        text = _sealed(source())
        if path and not write_atomically(path, text.encode()):
            path = None
    return _execute(name, path, text)


def _sealed(body: str) -> str:
    return f"# sha256 {hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def _intact(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    _, _, body = text.partition("\n")
    return text if text == _sealed(body) else None


class _Loader(importlib.abc.InspectLoader):
    """Loads the text it was given; the file on disk is only what numba's store refers to."""

    def __init__(self, text: str, path: Path | None):
        self.text, self.path = text, path

    def get_source(self, fullname: str) -> str:
        return self.text

    def get_code(self, fullname: str):  # type: ignore[no-untyped-def]
        return self.source_to_code(self.text, str(self.path or f"<{fullname}>"))

    def is_package(self, fullname: str) -> bool:
        return False


def _execute(name: str, path: Path | None, text: str) -> ModuleType:
    loader = _Loader(text, path)
    spec = importlib.util.spec_from_loader(name, loader, origin=str(path or f"<{name}>"))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # numba looks a function's module up by name while it compiles.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
