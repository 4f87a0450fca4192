"""What kept things depend on: the files that a module is made of, its own and through all folders those that they import."""

import ast
import hashlib
import re
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# Parsing these lines alone takes a tenth of the time that whole files take, at every start.
_STATEMENT = re.compile(rb"^[ \t]*((?:from|import)[ \t]+cfdyn\b[^(\n#]*(?:\([^)]*\))?)", re.MULTILINE)


installed = cache(version)


def fingerprint(modules: Iterable[str], packages: tuple[str, ...], *more: str, python: str = sys.version) -> str:
    """Changes with the files that these modules are made of, these packages, Python, and what else is named."""
    digest = hashlib.sha256()
    for path in reached(modules):
        digest.update(path.read_bytes())
    digest.update(repr((python, [installed(p) for p in packages], more)).encode())
    return digest.hexdigest()[:20]


def reached(modules: Iterable[str]) -> list[Path]:
    """The files of these modules or packages, ``codegen`` or ``kernels.orbits``, and of all that they import, sorted."""
    paths: set[Path] = set()
    left = {path for name in modules for path in _files(f"cfdyn.{name}")}
    while left:
        path = left.pop()
        paths.add(path)
        left |= imported(path) - paths
    return sorted(paths)


@cache
def imported(path: Path) -> frozenset[Path]:
    """The files of the package that a file imports, within functions too."""
    statements = b"\n".join(_STATEMENT.findall(path.read_bytes()))
    names: set[str] = set()
    for node in ast.parse(statements).body:
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{name.name}" for name in node.names} | {str(node.module)}
        elif isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
    return frozenset(file for name in names if (file := _file(name)))


@cache
def _file(module: str) -> Path | None:
    base = PACKAGE.parent.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _files(module: str) -> list[Path]:
    file = _file(module)
    if file is None:
        raise ModuleNotFoundError(module)
    return list(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
