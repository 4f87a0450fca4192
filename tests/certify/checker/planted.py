"""A package with a bug planted in one of its files: a copy whose text is changed before it is run."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKER = "cfdyn.certify.checker"
ROOT = Path(__file__).resolve().parents[3]


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives one module of the package another text."""

    def __init__(self, package: str, file: str, old: str, new: str):
        self.path, self.name = ROOT / package.replace(".", "/") / file, f"{package}.{file.removesuffix('.py').replace('/', '.')}"
        text = self.path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.text = text.replace(old, new)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self, origin=str(self.path)) if name == self.name else None

    def get_filename(self, name: str) -> str:
        return str(self.path)

    def get_data(self, path: Any) -> bytes:
        return self.text.encode()

    def get_source(self, name: str) -> str:
        return self.text


@contextmanager
def planted(file: str, old: str, new: str, package: str = CHECKER) -> Iterator[Any]:
    """A function that imports modules of the changed package by their names in it."""
    finder, (parent, _, name) = _Changed(package, file, old, new), package.rpartition(".")

    def ours() -> list[str]:
        return [found for found in sys.modules if found == package or found.startswith(f"{package}.")]

    above, own = importlib.import_module(parent), importlib.import_module(package)
    kept = {found: sys.modules.pop(found) for found in ours()}
    sys.meta_path.insert(0, finder)
    try:
        yield lambda module: importlib.import_module(f"{package}.{module}")
    finally:
        sys.meta_path.remove(finder)
        for found in ours():
            del sys.modules[found]
        sys.modules.update(kept)
        above.__dict__[name] = own
