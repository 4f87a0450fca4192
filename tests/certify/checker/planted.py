"""The checker with a bug planted in one of its files: a copy of its package whose text is changed before it is run."""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = "cfdyn.certify.checker"
ROOT = Path(__file__).resolve().parents[3] / "cfdyn" / "certify" / "checker"


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives one module of the package another text."""

    def __init__(self, file: str, old: str, new: str):
        self.path, self.name = ROOT / file, f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}"
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
def planted(file: str, old: str, new: str) -> Iterator[Any]:
    """A function that imports modules of the changed package by their names in it."""
    finder = _Changed(file, old, new)
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name == PACKAGE or name.startswith(f"{PACKAGE}.")}
    above, own = importlib.import_module("cfdyn.certify"), getattr(importlib.import_module("cfdyn.certify"), "checker", None)
    sys.meta_path.insert(0, finder)
    try:
        yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
            del sys.modules[name]
        sys.modules.update(kept)
        if own is not None:
            above.__dict__["checker"] = own
