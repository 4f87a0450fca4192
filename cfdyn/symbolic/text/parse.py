"""Formulas: untrusted text → a SymPy expression, in bounded time and without ``eval``.

The text is checked character by character (``_tokens``), Python's ``ast`` builds the tree, and arithmetic that refuses
expressions which would explode (``_bounded``) evaluates every node. For any input the result is an expression or a FormulaError.
"""

import ast
import difflib
import math
from collections.abc import Iterable
from typing import NamedTuple

import sympy

from cfdyn.errors import FormulaError
from cfdyn.symbolic.text import conditions
from cfdyn.symbolic.text.bounded import MAX_EXPONENT, Arithmetic, indicator
from cfdyn.symbolic.text.conditions import Condition
from cfdyn.symbolic.text.constants import Refusal, literal
from cfdyn.symbolic.text.powers import powers
from cfdyn.symbolic.text.tokens import balanced, complaint, name_problem, tokenize

MAX_DEPTH = 64  # SymPy itself is recursive
_SUMS, _PRODUCTS = (ast.Add, ast.Sub), (ast.Mult, ast.Div)
_JOINS = {ast.And: sympy.And, ast.Or: sympy.Or, ast.BitAnd: sympy.And, ast.BitOr: sympy.Or}
_RELATIONS = {ast.Lt: sympy.StrictLessThan, ast.LtE: sympy.LessThan, ast.Gt: sympy.StrictGreaterThan, ast.GtE: sympy.GreaterThan}
_CONSTANTS = {"pi": sympy.pi, "E": sympy.E}


def symbol(name: str) -> sympy.Symbol:
    """The real symbol that stands for a variable or parameter in every formula; a FormulaError for a name with another meaning.

    >>> symbol("w") == sympy.Symbol("w", real=True)
    True
    """
    problem = name_problem(name)
    if problem:
        raise FormulaError(f"{ascii(name[:40])} cannot be a variable: {problem}", name, 0)
    return sympy.Symbol(name, real=True)


def parse(text: str, names: Iterable[str] | None = None) -> sympy.Expr:
    """The expression that a text means; decimals are exact, so 0.1 is 1/10 at any precision.

    Operators: + - * / ** and brackets.  Constants: pi and E (a lone e is an ordinary name).  Functions: those in
    ``functions.CALLEES``.  Conditions (< <= > >=, and, or, not) choose in Piecewise((a, x > 0), (b, True)); elsewhere a
    condition counts as 1 or 0, as in (x > 0)*x.

    text : the formula, at most 128 KiB
    names : the names it may use; None allows any

    The result is a sympy expression over ``symbol(name)``, real-valued where defined.

    FormulaError: the text is not such a formula; the message names the place.

    >>> parse("(w**2 - 1)**2/4")
    (w**2 - 1)**2/4
    >>> parse("a*relu(0.1 - x)", names=["a", "x"])
    a*relu(1/10 - x)
    """
    return _Builder(text, names).build().item


class AsWritten(NamedTuple):
    """The expression that a text means, the conditions as written that it does not show, and names that cancel."""

    expression: sympy.Expr
    conditions: list[Condition]
    cancelled: list[str]


def parse_as_written(text: str) -> AsWritten:
    """The expression with the written conditions and names that it does not contain.

    >>> parse_as_written("x/2 + log(x) - log(x) + 0*y")
    AsWritten(expression=x/2, conditions=[Condition(kind='> 0', expression=x, path=())], cancelled=['y'])
    """
    written = _Builder(text, None).build()
    try:
        needs = conditions.unsaid(written.item, written.needs)
        kept = written.item.free_symbols.union(*(need.free_symbols for need in needs))
        return AsWritten(written.item, needs, sorted(written.names - {s.name for s in kept}))
    except Refusal as problem:
        raise complaint(text, 0, str(problem)) from None


def parse_value(text: str) -> float:
    """A number written as such or as a constant expression; a FormulaError for free names, or if it is not a finite double.

    >>> parse_value("-1.5"), parse_value("1/3"), parse_value("2*pi")
    (-1.5, 0.3333333333333333, 6.283185307179586)
    """
    text = powers(text)
    builder = _Builder(text, None)
    expr = builder.build().item
    if expr.free_symbols:
        name = min(s.name for s in expr.free_symbols)
        position = next(token.position for token in builder.tokens if token.text == name)
        raise complaint(text, position, "a number is expected here, without names", name)
    try:
        value = expr.p / expr.q if expr.is_Rational else float(builder.arithmetic.value(expr))
    except (OverflowError, Refusal):
        value = math.inf
    if not math.isfinite(value) or value == 0 and not expr.is_zero:
        raise complaint(text, 0, "this number does not fit a double")
    return value


class _Value(NamedTuple):
    """A finished subtree: value, depth and size as written, whether it contains a Piecewise, names, conditions."""

    item: sympy.Basic
    kind: str  # "number", "condition" or "truth" (a literal True or False)
    depth: int
    size: int
    branches: bool
    names: frozenset[str]
    needs: tuple[Condition, ...]


class _Builder:
    """Evaluates the tree of one formula, from the leaves up and without recursion."""

    def __init__(self, text: str, names: Iterable[str] | None):
        self.text = text
        self.names = None if names is None else frozenset(names)
        self.tokens = tokenize(text)
        self.arithmetic = Arithmetic()
        self.source, self.columns = balanced(self.tokens)

    def build(self) -> _Value:
        """The formula, a number."""
        order: list[tuple[ast.expr, list[tuple[int, ast.expr]]]] = []
        stack = [self._tree()]
        while stack:
            node = stack.pop()
            order.append((node, _children(node)))
            stack.extend(child for _, child in order[-1][1])
        values: dict[ast.expr, _Value] = {}
        for node, children in reversed(order):
            parts = [values.pop(child) for _, child in children]
            try:
                values[node] = self._value(node, [sign for sign, _ in children], parts)
            except (Refusal, RecursionError) as problem:
                words = str(problem) if isinstance(problem, Refusal) else "it is nested too deeply"
                column = min((c for c in self.columns if c >= node.col_offset), default=0)
                raise complaint(self.text, self.tokens[self.columns[column]].position, words) from None
        result = values[order[0][0]]
        if result.kind != "number":
            raise complaint(self.text, 0, "it is a condition, not a number; write Piecewise((a, condition), (b, True))")
        self._check_whole(result.item)
        return result

    def _tree(self) -> ast.expr:
        try:
            return ast.parse(self.source, mode="eval").body
        except (RecursionError, MemoryError, SystemError):
            raise FormulaError("the formula is nested too deeply", self.text) from None
        except (SyntaxError, ValueError):
            raise FormulaError(f"{ascii(self.text[:60])} is not a formula", self.text) from None

    def _value(self, node: ast.expr, signs: list[int], parts: list[_Value]) -> _Value:
        depth = _levels(node, signs) + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise Refusal(f"the formula is nested more than {MAX_DEPTH} deep")
        size = 1 + sum(part.size for part in parts)
        branches = any(part.branches for part in parts)
        if isinstance(node, (ast.Compare, ast.BoolOp)) or isinstance(node, ast.BinOp) and type(node.op) in _JOINS:
            item, kind = self._condition(node, parts, size), "condition"
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            item, kind = self.arithmetic.negated(_conditions(parts)[0], size), "condition"
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            item, kind = sympy.true if node.value else sympy.false, "truth"
        elif _callee(node) == "Piecewise":
            item, kind, branches = self.arithmetic.piecewise(_pairs(parts)), "number", True
        else:
            branches |= any(part.kind != "number" for part in parts)
            item, kind = self._number(node, signs, _numbers(parts), size), "number"
        own = {node.id} - _CONSTANTS.keys() if isinstance(node, ast.Name) else ()
        names = frozenset(own).union(*(part.names for part in parts))
        return _Value(item, kind, depth, size, branches, names, _needs(node, signs, parts))

    def _number(self, node: ast.expr, signs: list[int], items: list[sympy.Expr], size: int) -> sympy.Expr:
        run = self.arithmetic
        if isinstance(node, ast.Constant):
            index = self.columns.get(node.col_offset)  # None: a 0 or 1 that ``balanced`` inserted
            return sympy.Integer(int(node.value == 1)) if index is None else literal(self.tokens[index].text)
        if isinstance(node, ast.Name):
            return _CONSTANTS.get(node.id) or self._variable(node.id)
        if isinstance(node, ast.UnaryOp):
            return run.total([(-1 if isinstance(node.op, ast.USub) else 1, items[0])])
        if isinstance(node, ast.Call):
            return run.call(_callee(node), items, size)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            return run.power(items[0], items[1], size)
        if isinstance(node, ast.BinOp) and isinstance(node.op, _SUMS):
            return run.total(zip(signs, items))
        if isinstance(node, ast.BinOp) and isinstance(node.op, _PRODUCTS):
            minus = sympy.S.NegativeOne
            return run.product([x if s > 0 else run.power(x, minus, size) for s, x in zip(signs, items)], size)
        raise Refusal("a comma is not allowed here; it separates the arguments of a function")

    def _condition(self, node: ast.expr, parts: list[_Value], size: int) -> sympy.Basic:
        if isinstance(node, (ast.BoolOp, ast.BinOp)):
            return self.arithmetic.joined(_JOINS[type(node.op)], _conditions(parts), size)
        assert isinstance(node, ast.Compare)
        if any(part.branches or part.kind != "number" for part in parts):
            raise Refusal("a condition may not contain another condition or a Piecewise; join them with and, or")
        items = [part.item for part in parts]
        links = zip(node.ops, items, items[1:])
        relations = [self.arithmetic.relation(_RELATIONS[type(op)], a, b) for op, a, b in links]
        return relations[0] if len(relations) == 1 else self.arithmetic.joined(sympy.And, relations, size)

    def _variable(self, name: str) -> sympy.Symbol:
        if self.names is not None and name not in self.names:
            near = difflib.get_close_matches(name, sorted(self.names), n=1, cutoff=0.6)
            known = ", ".join(sorted(self.names)[:20]) or "none"
            raise Refusal(f"unknown name {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known: {known}"))
        return symbol(name)

    def _check_whole(self, expr: sympy.Expr) -> None:
        seen: set[sympy.Basic] = set()
        stack: list[sympy.Basic] = [expr]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            stack.extend(node.args)
            if node in (sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
                raise complaint(self.text, 0, "it is nowhere a finite real number")
            if node.is_Pow and node.exp.is_Rational and abs(node.exp) > MAX_EXPONENT:
                raise complaint(self.text, 0, f"an exponent beyond {MAX_EXPONENT} arises")


def _needs(node: ast.expr, signs: list[int], parts: list[_Value]) -> tuple[Condition, ...]:
    """The conditions under which an operation and its operands are defined."""
    if _callee(node) == "Piecewise":
        return _needs_of_branches(parts)
    needs = [need for part in parts for need in part.needs]
    if isinstance(node, ast.Call):
        needs += conditions.of_call(_callee(node), _numbers(parts))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, exponent = _numbers(parts)
        needs += conditions.of_power(base, exponent, bool(parts[1].names))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, _PRODUCTS):
        below = [item for sign, item in zip(signs, _numbers(parts)) if sign < 0]
        needs += [Condition(conditions.NOT_ZERO, item) for item in below]
    return tuple(needs)


def _needs_of_branches(parts: list[_Value]) -> tuple[Condition, ...]:
    needs: list[Condition] = []
    before: conditions.Path = ()
    for value, test in zip(parts[::2], parts[1::2]):
        path = (*before, *conditions.branch(test.item, True))
        needs += [*test.needs, *(need._replace(path=(*path, *need.path)) for need in value.needs)]
        before = (*before, *conditions.branch(test.item, False))
    return tuple(needs)


def _callee(node: ast.expr) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _children(node: ast.expr) -> list[tuple[int, ast.expr]]:
    """The operands, each with +1 or -1; chains of + - and of * / count as one operation."""
    if isinstance(node, ast.Call):
        pairs = [pair.elts for pair in node.args if isinstance(pair, ast.Tuple) and len(pair.elts) == 2]
        if _callee(node) == "Piecewise" and len(pairs) == len(node.args):
            return [(1, part) for pair in pairs for part in pair]
        # An odd number of parts is refused when the pairs are formed.
        return [(1, argument) for argument in (node.args if _callee(node) != "Piecewise" else node.args[:1])]
    if isinstance(node, ast.BinOp):
        return _chain(node)
    if isinstance(node, ast.UnaryOp):
        return [(1, node.operand)]
    if isinstance(node, ast.Compare):
        return [(1, part) for part in (node.left, *node.comparators)]
    return [(1, part) for part in getattr(node, "values", getattr(node, "elts", ()))]


def _chain(node: ast.BinOp) -> list[tuple[int, ast.expr]]:
    kinds = next((kinds for kinds in (_SUMS, _PRODUCTS) if isinstance(node.op, kinds)), (type(node.op),))
    if ast.Pow in kinds:
        return [(1, node.left), (1, node.right)]
    terms: list[tuple[int, ast.expr]] = []
    stack: list[tuple[int, ast.expr]] = [(1, node)]
    while stack:
        sign, part = stack.pop()
        if isinstance(part, ast.BinOp) and isinstance(part.op, kinds) and (sign > 0 or kinds is _SUMS):
            flip = isinstance(part.op, (ast.Sub, ast.Div))
            stack += [(-sign if flip else sign, part.right), (sign, part.left)]
        else:
            terms.append((sign, part))
    return terms


def _levels(node: ast.expr, signs: list[int]) -> int:
    """The number of levels of the expression that this node becomes: a/b is a*b**-1, and --a is a.

    SymPy itself is recursive: printing and differentiating have to fit Python's stack.
    """
    signed = isinstance(node, ast.UnaryOp) and isinstance(node.operand, (ast.UnaryOp, ast.Constant, ast.Name))
    if signed or isinstance(node, (ast.Constant, ast.Name)):
        return 0
    divides = -1 in signs and isinstance(node, ast.BinOp) and isinstance(node.op, _PRODUCTS)
    return 2 if divides or _callee(node) == "Piecewise" else 1


def _conditions(parts: list[_Value]) -> list[sympy.Basic]:
    if any(part.kind == "number" for part in parts):
        raise Refusal("and, or, not join conditions such as x > 0; put each in brackets before & or |")
    return [part.item for part in parts]


def _numbers(parts: list[_Value]) -> list[sympy.Expr]:
    if any(part.kind == "truth" for part in parts):
        raise Refusal("True and False belong into conditions")
    return [indicator(part.item) if part.kind == "condition" else part.item for part in parts]


def _pairs(parts: list[_Value]) -> list[tuple[sympy.Expr, sympy.Basic]]:
    if len(parts) % 2:
        raise Refusal("Piecewise takes pairs: Piecewise((a, condition), (b, True))")
    return list(zip(_numbers(parts[::2]), _conditions(parts[1::2])))
