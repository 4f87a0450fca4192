"""`Formula`: the result of parsing a text, kept as a tape, so that a text seen before needs no SymPy."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

from cfdyn.errors import FormulaError
from cfdyn.machine.fingerprints import fingerprint
from cfdyn.machine.shelf import Shelf
from cfdyn.symbolic.text.powers import powers
from cfdyn.tape.program import LEAVES, Node, Tape
from cfdyn.tape.rebuild import rebuild, tape_of, written

if TYPE_CHECKING:
    import sympy as sp

    from cfdyn.symbolic.text.conditions import Condition


class Expression(Protocol):
    """An expression of SymPy, for type checkers."""

    @property
    def free_symbols(self) -> Any:
        """Its names."""


class Function(Protocol):
    """A Python function, which unlike a map or another callable object has a name; for type checkers."""

    __name__: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Its values."""


AsFormula = str | Expression | Function
AsSystem = AsFormula | Sequence[str | Expression]  # one formula for each variable

PROGRAM = "program: "  # in the key of a formula that was never a text


@dataclass(frozen=True, eq=False)
class Formula:
    """An expression as nodes of its own tape, whose leaves are names.

    ``key``: text that equal formulas share; ``text``: for people; ``names``: the names on which it depends, in alphabetical
    order; ``root``: its node; ``switching``: the nodes at whose zeros it changes branch; ``latex``: the formula in LaTeX, or an
    empty text if that would not fit a title; ``conditions``: where it is defined as written, as far as its own operations and
    slopes do not show this: ``root`` and everything derived from it is NaN where it is undefined. ``cancelled``: names that occur
    in the text, but cancel.
    """

    key: str
    text: str
    names: tuple[str, ...]
    tape: Tape
    root: Node
    switching: tuple[Node, ...]
    latex: str
    conditions: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()

    @cached_property
    def expression(self) -> sp.Expr:
        """The SymPy expression; a FormulaError for a program that was never a text."""
        if self.key.startswith(PROGRAM):
            raise FormulaError(f"{self.text} is a program of {len(self.tape)} operations and not written out as an expression")
        from cfdyn.symbolic.text.parse import parse

        return parse(self.text)

    def on(self, tape: Tape, names: Mapping[str, Node]) -> Node:
        """The formula on another tape, its names bound to nodes there; a FormulaError for a name without a node."""
        root = self._bound(tape, [self.root], names)[0]
        # What was computed, as a gradient, has to be defined also where it is of no use.
        computed = [names[name] for name in self.cancelled if name in names and tape.ops[names[name]] not in LEAVES]
        return tape.total([root, *(tape.mul(tape.leaf("nil"), node) for node in computed)]) if computed else root

    def switching_on(self, tape: Tape, names: Mapping[str, Node]) -> list[Node]:
        """The switching functions on another tape."""
        return self._bound(tape, self.switching, names)

    def renamed(self, names: Mapping[str, str]) -> Formula:
        """The formula with some of its names replaced by names that do not occur in it yet.

        >>> formula("g/sqrt(gg)").renamed({"gg": "square"}).names
        ('g', 'square')
        """
        if not set(names) & {*self.names, *self.cancelled}:
            return self
        tape, new = Tape(), [names.get(name, name) for name in self.names]
        leaves = tape.named("name", sorted(new))
        nodes = self._bound(
            tape, [self.root, *self.switching], {old: leaves[name] for old, name in zip(self.names, new, strict=True)}
        )
        return Formula(
            f"{self.key} with {names}", self.text, tuple(sorted(new)), tape, nodes[0], tuple(nodes[1:]), "", self.conditions,
            tuple(names.get(name, name) for name in self.cancelled),
        )  # fmt: skip

    def _bound(self, tape: Tape, outputs: Iterable[Node], names: Mapping[str, Node]) -> list[Node]:
        for name in self.names:
            if name not in names:
                raise FormulaError(f"the name {name!r} has no value; declare it as a variable or a parameter")
        leaves = {leaf: names[name] for name, leaf in self.tape.named("name", self.names).items()}
        return rebuild(self.tape, list(outputs), tape, leaves)


def of_tape(tape: Tape, root: Node, names: Iterable[str], text: str, latex: str) -> Formula:
    """The smooth formula of a node on a tape with the leaves ``tape.named("name", sorted(names))``.

    For formulas that would be long as a text, such as a net of several layers, each of whose units occurs in all units of the
    next. ``text`` and ``latex`` are for people.

    >>> t = Tape()
    >>> x, y = t.named("name", ["x", "y"]).values()
    >>> f = of_tape(t, t.mul(x, y), ["y", "x"], "a product", "xy")
    >>> f.names, f.on(t, {"x": y, "y": t.const(2)}) == t.mul(t.const(2), y)
    (('x', 'y'), True)
    """
    content = hashlib.sha256(json.dumps([written(tape), root]).encode()).hexdigest()
    return Formula(f"{PROGRAM}{content}", text, tuple(sorted(names)), tape, root, (), latex)


def formula(source: str | sp.Expr, names: Iterable[str] | None = None) -> Formula:
    """The formula that a text or a SymPy expression means.

    source : text as `cfdyn.symbolic.text.parse.parse` reads it, or an expression
    names : the names it may use; None allows any

    FormulaError: it is not such a formula, or uses another name

    >>> f = formula("Abs(w - 1) + a*w**2")
    >>> f.names, len(f.switching)
    (('a', 'w'), 1)
    """
    if not isinstance(source, str):
        try:
            return _from_sympy(source)
        except RecursionError:
            raise FormulaError("the expression is nested too deeply") from None
    source = powers(source)
    read = _read(source)
    if names is not None and not set(read.names) <= set(names):
        from cfdyn.symbolic.text.parse import parse

        parse(source, names)
    return read


def is_formula(given: Any) -> bool:
    """True for an object that may be a formula: a text, a SymPy expression, a Python function.

    >>> is_formula("w**2"), is_formula(lambda w: w**2), is_formula(3.0)
    (True, True, False)
    """
    return isinstance(given, str) or inspect.isfunction(given) or hasattr(given, "free_symbols")


def left_side(condition: str) -> str:
    """The text of the expression that vanishes: for "a = b" and "a == b" it is a − b.

    >>> left_side("x == 0.5"), left_side("2*x = a"), left_side("x - 1 = 0"), left_side("x - 1")
    ('x - (0.5)', '2*x - (a)', 'x - 1', 'x - 1')
    """
    parts = re.fullmatch(r"([^=<>!]+)={1,2}([^=<>!]+)", condition)
    if parts is None:
        return condition
    left, right = (part.strip() for part in parts.groups())
    return left if right == "0" else f"{left} - ({right})"


def check_names(names: Iterable[object]) -> None:
    """Raise FormulaError for a declared name that means something else in a formula (E, pi, exp), or is not a name (2x).

    >>> check_names(["e", "w1"])
    >>> check_names(["E"])
    Traceback (most recent call last):
    cfdyn.errors.FormulaError: 'E' cannot name a variable or a parameter: it is the number 2.718...; take another name
    """
    for name in names:
        # Read like any formula, a name needs no SymPy the next time.
        with suppress(FormulaError):
            if isinstance(name, str) and formula(name).names == (name,):
                continue
        from cfdyn.symbolic.text.tokens import name_problem

        problem = name_problem(name) if isinstance(name, str) else "a name is a text"
        raise FormulaError(f"{ascii(name)[:60]} cannot name a variable or a parameter: {problem}; take another name")


def is_kept(text: str) -> bool:
    """True if a text was read before, so that it needs no SymPy."""
    return _shelf().read(text) is not None


@cache
def _read(text: str) -> Formula:
    stored = _shelf().read(text)
    if stored is not None:
        names, nodes, root, switching, latex, *written_only = json.loads(stored)
        return Formula(text, text, tuple(names), tape_of(nodes), root, tuple(switching), latex, *map(tuple, written_only))
    from cfdyn.symbolic.text.parse import parse_as_written

    formula = _analysed(text, text, *parse_as_written(text))
    kept = [
        formula.names,
        written(formula.tape),
        formula.root,
        formula.switching,
        formula.latex,
        formula.conditions,
        formula.cancelled,
    ]
    _shelf().write(text, json.dumps(kept).encode())
    return formula


@cache
def _shelf() -> Shelf:
    return Shelf("formulas", fingerprint(("symbolic",), ("sympy", "mpmath")))


def _from_sympy(expression: Any) -> Formula:
    """The same expression in this package's real symbols."""
    import sympy as sp

    from cfdyn.symbolic.text.conditions import of_expression, unsaid
    from cfdyn.symbolic.text.parse import symbol

    if not isinstance(expression, sp.Expr):
        raise FormulaError(f"a formula is a text, a SymPy expression or a Python function, not {type(expression).__name__}")
    symbols = [s for s in expression.free_symbols if isinstance(s, sp.Symbol)]
    if len({s.name for s in symbols}) < len(expression.free_symbols) or expression.has(sp.Sum, sp.Product, sp.Integral):
        raise FormulaError("the expression needs plain symbols, each with a name of its own, and no sums or integrals in them")
    real = expression.xreplace({s: symbol(s.name) for s in symbols})
    formula = _analysed(sp.srepr(real), str(real), real, unsaid(real, of_expression(real)))
    # The text need not read as the same expression: keep this one.
    formula.__dict__["expression"] = real
    return formula


def _analysed(
    key: str, text: str, expression: sp.Expr, conditions: Sequence[Condition], cancelled: Sequence[str] = ()
) -> Formula:  # fmt: skip
    from cfdyn.symbolic.text.functions import switching_conditions
    from cfdyn.symbolic.text.lower import defined, lower, positive

    symbols = expression.free_symbols.union(*(one.free_symbols for one in conditions))
    tape, names = Tape(), tuple(sorted(s.name for s in symbols))
    leaves = tape.named("name", names)
    root = lower(tape, expression, leaves)
    conditions = [one for one in conditions if not positive(tape, one, leaves)]
    for one in conditions:
        root = tape.add(root, defined(tape, one, leaves))
    switching = tuple(lower(tape, s, leaves) for s in switching_conditions(expression))
    return Formula(key, text, names, tape, root, switching, _latex(expression), tuple(map(str, conditions)), tuple(cancelled))


def _latex(expression: sp.Expr) -> str:
    """LaTeX for a title, or an empty text if the formula is deep or long, since its printing could take too long."""
    import sympy as sp

    depth: dict[sp.Basic, int] = {}
    for node in sp.postorder_traversal(expression):
        depth[node] = 1 + max((depth.get(a, 0) for a in node.args), default=0)
        if depth[node] > 10 or len(depth) > 100:
            return ""
    try:
        return sp.latex(expression)
    except TypeError:  # SymPy 1.14 cannot print a power of a Piecewise
        return ""
