"""No test passes without having asserted something: shown by reading the tests, not by running them.

Every way through a test must meet an assertion: an ``assert``, a ``raise``, ``pytest.raises``, ``warns`` or ``fail``, an
``assert_…`` of numpy, or the call of a helper every way through which meets one. A helper is a function of the test, of its
file or of another file under ``tests``. So these do not count, unless another assertion follows:

* an assertion in one branch of an ``if`` only, beside an ``except`` that has none, or behind an early ``return``;
* one in a ``while``, or in a ``for`` over what may be empty. Not empty are: items that are written out, in place or as the
  only value of a name; ``range(3)``; and what ``zip``, ``enumerate``, ``.items()``, a comprehension, … make of these.

An example that ``assume`` rejects and a test that is skipped are reported as such, so they are no ways through.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("test_*.py"))
ASSERTED, THROUGH, LEFT, NEXT = "asserted", "through", "left by return", "left by continue or break"  # ends of a way
OF_PYTEST = ("raises", "warns", "fail", "skip")
ITEMS_KEPT = ("enumerate", "sorted", "reversed", "list", "tuple", "set", "array", "product", "items", "keys", "values", "split")
MAYBE_NEVER = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


class Scope:
    """What the names of a file, or of a function in it, stand for."""

    def __init__(self, tree: ast.Module | ast.FunctionDef, outer: Scope | None = None) -> None:
        self.outer = outer
        self.functions: dict[str, ast.FunctionDef] = {}
        self.values: dict[str, list[ast.expr | None]] = {}  # all that a name is given; None is not read
        self.imports: dict[str, tuple[str, str]] = {}
        if isinstance(tree, ast.FunctionDef):
            self.values = {node.arg: [None] for node in ast.walk(tree.args) if isinstance(node, ast.arg)}
        for node in statements(tree.body):
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign):
                self._give(node.targets[0], node.value)
            elif isinstance(node, ast.For):
                self._give(node.target, None)
            elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "tests":
                self.imports |= {alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names}

    def _give(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple):
            for i, part in enumerate(target.elts):
                self._give(part, value.elts[i] if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None)

    def find(self, name: str) -> tuple[ast.AST | None, Scope | None]:
        """The function or the only value that a name stands for, and the scope that says so; a file is a scope alone."""
        if name in self.functions:
            return self.functions[name], self
        if name in self.values:
            return self.values[name][0] if len(self.values[name]) == 1 else None, self
        if name in self.imports:
            module, original = self.imports[name]
            path = TESTS.parent.joinpath(*module.split("."))
            return (None, scope_of(path / f"{original}.py")) if path.is_dir() else scope_of(path.with_suffix(".py")).find(original)
        return self.outer.find(name) if self.outer else (None, None)


@cache
def scope_of(path: Path) -> Scope:
    return Scope(ast.parse(path.read_text("utf-8")))


def statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """All statements of a block, without those in functions and classes."""
    found = []
    for node in body:
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            for block in (node, *getattr(node, "handlers", ())):
                found += [s for part in ("body", "orelse", "finalbody") for s in statements(getattr(block, part, []))]
    return found


def has_items(node: ast.AST | None, scope: Scope | None) -> bool:
    """True if an expression surely has an item."""
    match node:
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(values=items):
            return any(not isinstance(item, ast.Starred) or has_items(item.value, scope) for item in items)
        case ast.Constant(value=str(text)):
            return text.strip() != ""
        case ast.Name(id=name) if scope:
            return has_items(*scope.find(name))
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            return all(not part.ifs and has_items(part.iter, scope) for part in node.generators)
        case ast.BinOp(op=ast.Add() | ast.BitOr(), left=left, right=right):
            return has_items(left, scope) or has_items(right, scope)
        case ast.IfExp(body=one, orelse=other):
            return has_items(one, scope) and has_items(other, scope)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(stop))]):
            return stop > 0
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(start)), ast.Constant(value=int(stop))]):
            return stop > start
        case ast.Call(func=ast.Name(id="zip"), args=args, keywords=keywords):
            return (any if keywords else all)(has_items(a, scope) for a in args)  # with strict=True, one is as good as all
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in ITEMS_KEPT:
            return has_items(first, scope)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=args) if name in ITEMS_KEPT:
            return all(has_items(a, scope) for a in args or [value])
    return False


def ways(body: list[ast.stmt], scope: Scope, callers: tuple[ast.AST, ...]) -> set[str]:
    """How the ways through a block end; a way ends where it meets an assertion."""
    ends: set[str] = set()
    for node in body:
        found = ways_through(node, scope, callers)
        ends |= found - {THROUGH}
        if THROUGH not in found:
            return ends
    return ends | {THROUGH}


def ways_through(node: ast.stmt, scope: Scope, callers: tuple[ast.AST, ...]) -> set[str]:
    """How the ways through one statement end."""

    def inside(body: list[ast.stmt]) -> set[str]:
        return ways(body, scope, callers)

    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return {THROUGH}
        case ast.Assert() | ast.Raise():
            return {ASSERTED}
        case ast.Continue() | ast.Break():
            return {NEXT}
        case ast.If():
            return inside(node.body) | inside(node.orelse)
        case ast.For() | ast.While():
            ends = inside(node.body)
            entered = isinstance(node, ast.For) and has_items(node.iter, scope)
            return ends - {NEXT, THROUGH} | (inside(node.orelse) if not entered or ends & {NEXT, THROUGH} else set())
        case ast.With():
            if any(asserts(item.context_expr, scope, callers) for item in node.items):
                return {ASSERTED}
            return inside(node.body) | ({THROUGH} if "suppress" in ast.unparse(node.items[0]) else set())
        case ast.Try():
            ends = inside(node.body + node.orelse).union(*(inside(handler.body) for handler in node.handlers))
            return {ASSERTED} if inside(node.finalbody) == {ASSERTED} else ends
    return {ASSERTED} if asserts(node, scope, callers) else {LEFT} if isinstance(node, ast.Return) else {THROUGH}


def asserts(node: ast.AST, scope: Scope, callers: tuple[ast.AST, ...]) -> bool:
    """True if what is computed here surely calls what asserts."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="pytest"), attr=name)) if name in OF_PYTEST:
            return True
        case ast.Call(func=ast.Attribute(attr=name)) if name.startswith("assert_"):
            return True
        case ast.Call(func=ast.Name(id=name)):
            function, place = scope.find(name)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            nothing, place = scope.find(module)
            function, place = place.find(name) if place and nothing is None else (None, None)
        case _:
            function = None
    if isinstance(function, ast.FunctionDef) and function not in callers and covered(function, place, callers):
        return True
    return any(asserts(child, scope, callers) for child in ast.iter_child_nodes(node) if not isinstance(child, MAYBE_NEVER))


def covered(function: ast.FunctionDef, scope: Scope | None, callers: tuple[ast.AST, ...] = ()) -> bool:
    """True if every way through a function meets an assertion."""
    return ways(function.body, Scope(function, scope), (*callers, function)) == {ASSERTED}


def uncovered(scope: Scope) -> list[str]:
    """The tests of a file that could pass without an assertion."""
    return [name for name, function in scope.functions.items() if name.startswith("test_") and not covered(function, scope)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_no_test_can_pass_without_an_assertion(path):
    assert uncovered(scope_of(path)) == []


BLIND = {
    "nothing": "compute()",
    "an if": "if x: assert a",
    "an elif": "if x:\n assert a\nelif y:\n compute()\nelse:\n assert b",
    "a computed list": "for a in found(): assert a",
    "a filtered list": "for a in [b for b in (1, 2) if b > 1]: assert a",
    "a list of another's": "few = found()\nfor a in few: assert a",
    "a list given twice": "few = (1,)\nfew = found()\nfor a in few: assert a",
    "a list handed in": "for a in given: assert a",
    "a name that hides a constant": "ITEMS = found()\nfor a in ITEMS: assert a",
    "an empty range": "for a in range(2, 2): assert a",
    "zip of unknown lengths": "for a, b in zip((1, 2), found()): assert a == b",
    "a while": "while x: assert a",
    "a continue": "for a in (1, 2):\n if a > 1: continue\n assert a",
    "a return": "if x: return\nassert a",
    "a return in a loop": "for a in found():\n return\nassert b",
    "an except": "try:\n compute()\nexcept ValueError:\n assert a",
    "beside an except": "try:\n assert compute()\nexcept ValueError:\n pass",
    "what is suppressed": "with suppress(ValueError):\n assert compute()",
    "a lambda": "compute(lambda: pytest.fail())",
    "an and": "x and pytest.fail()",
    "a function that is not called": "def check(): assert a",
    "a helper that may not": "def check():\n if x: assert a\ncheck()",
    "a helper of the file that may not": "seldom()",
    "helpers that call each other": "around()",
    "a comprehension of helpers": "[check(a) for a in found()]",
}
SEEING = {
    "an assert": "assert a",
    "both branches": "if x:\n assert a\nelse:\n with pytest.raises(ValueError): compute()",
    "a return behind it": "if x:\n assert a\n return\nassert b",
    "a tuple": "for a in (1, 2): assert a",
    "a constant of the file": "for a, b in ITEMS.items(): assert a",
    "one list and another": "for a in found() + [*found(), *ITEMS]: assert a",
    "one list or another": "for a in (1, 2) if x else (3,): assert a",
    "made of a constant": "few = [2 * a for a in ITEMS]\nfor i, a in enumerate(sorted(few), 1): assert a",
    "as many as another": "for a, b in zip(found(), (1, 2), strict=True): assert a",
    "a range": "for a in range(1, 4): assert a",
    "behind an empty loop": "for a in found(): assert a\nassert b",
    "the else of a loop": "for a in found():\n if a: break\nelse:\n assert b\nassert c",
    "numpy's": "x = np.testing.assert_allclose(a, b)",
    "a try": "try:\n compute()\nexcept ValueError:\n assert a\nelse:\n pytest.fail()",
    "a finally": "try:\n compute()\nfinally:\n assert a",
    "a helper": "def check(): assert a\ncheck()",
    "a helper of the file": "number = always(1)",
    "an imported helper": "test_no_test_can_pass_without_an_assertion(a)",
    "a helper in an imported file": "test_assertions.test_no_test_can_pass_without_an_assertion(a)",
    "a decorated helper": "@given(x)\ndef check(a):\n assume(a)\n assert a\ncheck()",
    "a with": "with always(): compute()",
}
FRAME = """
from tests import test_assertions
from tests.test_assertions import test_no_test_can_pass_without_an_assertion
ITEMS = {{1: 2}}
def seldom():
    for a in found(): assert a
def around(): return about()
def about(): return around()
def always(): assert a
def test_it(given):
{}
"""


@pytest.mark.parametrize(("text", "expected"), [
    *(pytest.param(text, ["test_it"], id=name) for name, text in BLIND.items()),
    *(pytest.param(text, [], id=name) for name, text in SEEING.items()),
])  # fmt: skip
def test_a_test_that_may_assert_nothing_is_seen(text, expected):
    body = "\n".join(f"    {line}" for line in text.split("\n"))
    assert uncovered(Scope(ast.parse(FRAME.format(body)))) == expected
