"""Measurements of checks, kept between runs until the check or the package below it changes."""

import ast
import hashlib
import inspect
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.claims.claim import Claim
from cfdyn.claims.sources import paper_named
from cfdyn.claims.verdict import FAILED, is_measurement
from cfdyn.machine.fingerprints import fingerprint
from cfdyn.machine.shelf import Shelf

# Rooms on whose files no number depends; the appearance of a figure depends on plotting.
_ABOVE = ("cli", "plotting", "claims")
_PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "numba", "llvmlite", "python-flint")


@cache
def shelf() -> Shelf:
    """The store of measurements, for this state of the package."""
    return Shelf("claims", fingerprint([*_rooms(), "claims.search", "claims.proofs"], _PACKAGES))


@cache
def _pictures() -> Shelf:
    return Shelf("figures", fingerprint([*_rooms(), "claims.search", "claims.proofs", "plotting"], (*_PACKAGES, "matplotlib")))


def _rooms() -> list[str]:
    root = Path(cfdyn.__file__).parent
    return sorted(path.name for path in root.iterdir() if (path / "__init__.py").is_file() and path.name not in _ABOVE)


def begin() -> None:
    """Store the results of this process under the present state of the package: its files may change during the computation."""
    shelf()


def read(source: str) -> None:
    """Store the results of this process for a paper under the paper's present text."""
    _module(source)


def load(claim: Claim) -> dict[str, Any] | None:
    """The measurement of its check, or None if the check was not run or has changed since."""
    content = shelf().read(key(claim.id)) if claim.measure else None
    entry = json.loads(content) if content else None
    return entry if is_measurement(entry) else None


def save(claim_id: str, measured: dict[str, Any]) -> None:
    """Store the measurement of a check, unless the check itself raised an error."""
    if not measured["undecided"].startswith(FAILED):
        shelf().write(key(claim_id), json.dumps(measured).encode())


def load_figure(source: str, name: str) -> bytes | None:
    """A figure of a source as PNG, or None."""
    return _pictures().read(figure_key(source, name))


def save_figure(source: str, name: str, picture: bytes) -> None:
    """Keep a figure."""
    _pictures().write(figure_key(source, name), picture)


def key(claim_id: str) -> str:
    """The key of a claim's measurement: the text of its paper without words and without claims that its check does not call."""
    source, _, name = claim_id.partition(".")
    return f"{claim_id} {_digest(_module(source), name)}"


def figure_key(source: str, name: str) -> str:
    """The key of a figure: the whole text of its paper."""
    return f"figure {source}.{name} {hashlib.sha256(_module(source).encode()).hexdigest()}"


@cache
def _module(source: str) -> str:
    """The text of a paper, and of its whole package if it imports from the package."""
    paper = paper_named(source)
    text, package = inspect.getsource(paper), paper.__name__.partition(".")[0]
    if not re.search(rf"^\s*(from|import)\s+(\.|{package}\b)", text, re.MULTILINE):
        return text
    folder = Path(str(paper.__file__)).parent
    others = b"".join(file.read_bytes() for file in sorted(folder.rglob("*.py")))
    return f"{text}\nOTHERS = {hashlib.sha256(others).hexdigest()!r}\n"


@dataclass(frozen=True)
class _Part:
    """A statement of a paper without words: the name of a function, whether it can be left out, and the names in it."""

    name: str
    beside: bool
    text: str
    names: frozenset[str]


@cache
def _digest(text: str, name: str) -> str:
    left = [part for part in _parts(text) if part.beside and part.name != name]
    taken = [part for part in _parts(text) if part not in left]
    while called := [part for part in left if any(part.name in other.names for other in taken)]:
        taken += called
        left = [part for part in left if part not in called]
    return hashlib.sha256("\n".join(part.text for part in _parts(text) if part in taken).encode()).hexdigest()


@cache
def _parts(text: str) -> tuple[_Part, ...]:
    return tuple(map(_part, ast.parse(text).body))


def _part(node: ast.stmt) -> _Part:
    beside = _is_beside(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef):
            inner.decorator_list = [decorator for decorator in inner.decorator_list if not _adds(decorator)]
            inner.body = inner.body[ast.get_docstring(inner, clean=False) is not None :]
    names = frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
    return _Part(node.name if isinstance(node, ast.FunctionDef) else "", beside, ast.dump(node), names)


def _is_beside(node: ast.stmt) -> bool:
    """A claim, with its check or without, figures, answers, or the words about the paper."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "figures" or any(map(_adds, node.decorator_list))
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id in ("QUESTIONS", "CLAIMS") for target in node.targets)
    return isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or _adds(node))


def _adds(node: ast.AST) -> bool:
    """True of what adds a claim."""
    return "CLAIMS" in ast.unparse(node)
