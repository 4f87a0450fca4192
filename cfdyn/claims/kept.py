"""What checks measured, kept between runs until the check or the package below it changes."""

import ast
import hashlib
import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.claims.claim import Claim
from cfdyn.claims.sources import paper_named
from cfdyn.machine.shelf import Shelf, fingerprint

# Rooms on whose files no number depends.
_ABOVE = ("cli", "plotting", "claims")
_PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "numba", "llvmlite", "python-flint")


@cache
def shelf() -> Shelf:
    """Of this state of the package."""
    root = Path(cfdyn.__file__).parent
    rooms = sorted(path.name for path in root.iterdir() if (path / "__init__.py").is_file() and path.name not in _ABOVE)
    return Shelf("claims", fingerprint([*rooms, "claims.search"], _PACKAGES))


def load(claim: Claim) -> dict[str, Any] | None:
    """What its check measured, or None: it was not run yet, or has changed since."""
    content = shelf().read(key(claim.id)) if claim.measure else None
    return json.loads(content) if content else None


def save(claim_id: str, measured: dict[str, Any]) -> None:
    """Keep what a check measured; what ended in an error of the check itself is none of it."""
    if not measured["undecided"].startswith("the check failed"):
        shelf().write(key(claim_id), json.dumps(measured).encode())


def load_figure(source: str, name: str) -> bytes | None:
    """A figure of a source as PNG, or None."""
    return shelf().read(figure_key(source, name))


def save_figure(source: str, name: str, picture: bytes) -> None:
    """Keep a figure."""
    shelf().write(figure_key(source, name), picture)


def key(claim_id: str) -> str:
    """Of a claim's measurement: the text of its paper without the other claims, without the words and numbers about its own."""
    source, _, name = claim_id.partition(".")
    return f"{claim_id} {_digest(_module(source), name)}"


def figure_key(source: str, name: str) -> str:
    """Of a figure: the whole text of its paper."""
    return f"figure {source}.{name} {hashlib.sha256(_module(source).encode()).hexdigest()}"


def _module(source: str) -> str:
    return inspect.getsource(paper_named(source))


@cache
def _digest(text: str, name: str) -> str:
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if not _is_beside(node, name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            node.decorator_list = []
    return hashlib.sha256(ast.dump(_without_words(tree)).encode()).hexdigest()


def _is_beside(node: ast.stmt, name: str) -> bool:
    """Another claim, or one without a check, or figures and answers."""
    if isinstance(node, ast.FunctionDef):
        claims = any("CLAIMS" in ast.unparse(decorator) for decorator in node.decorator_list)
        return node.name == "figures" or claims and node.name != name
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id in ("QUESTIONS", "CLAIMS") for target in node.targets)
    return isinstance(node, ast.Expr) and "CLAIMS" in ast.unparse(node)


def _without_words(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and node.body and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree
