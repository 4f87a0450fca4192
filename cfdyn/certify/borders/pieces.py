"""The smooth pieces of a map in a box, and whether they agree where they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from flint import arb

from cfdyn.certify.balls import BITS, Enclosure, ball_algebra
from cfdyn.certify.borders.rational import Field, Rational, TooHard
from cfdyn.tape.evaluate import evaluate
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

MOST_BORDERS = 3  # that cross one box; there are 3^k pieces
MOST_NODES = 20_000  # nodes of a program with a part for each row of data
_SIGNS = frozenset("abs sign heaviside".split())
_COMPARED = frozenset("lt le eq max min".split())
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
DEPTH = 4  # of a function in a message
_ZERO, _ONE = ("0", "1"), ("1", "1")
# Values of functions at which a border is likely.
_AT: dict[tuple, Fraction] = {
    **{(f, _ZERO): Fraction(0) for f in "sin tan sinh tanh sqrt log1p erf logcosh".split()}, ("log", _ONE): Fraction(0),
    **{(f, _ZERO): Fraction(1) for f in "exp cos cosh sech2".split()}, ("sqrt", _ONE): Fraction(1),
    ("sigmoid", _ZERO): Fraction(1, 2),
}  # fmt: skip
_ODD, _EVEN = frozenset("sin tan sinh tanh erf sign".split()), frozenset("cos cosh logcosh sech2 abs".split())
Signs = Mapping[int, int]  # of a border: −1, 0 or 1


class Pieces:
    """A step as a program without rows of data, whose branches are chosen one at a time."""

    def __init__(self, step: Enclosure):
        self.step, self.tape = step, Tape()
        self.outputs = without_rows(step, self.tape)
        self.order = self.tape.reachable(self.outputs)
        self.switches = [n for n in self.order if self.tape.ops[n] in _SIGNS | _COMPARED | {"floor"}]
        self.places = {n: self._place(n) for n in self.switches if self.tape.ops[n] != "floor"}

    def _place(self, node: Node) -> Node:
        """The function whose sign decides the branch."""
        args = self.tape.args[node]
        return args[0] if self.tape.ops[node] in _SIGNS else self.tape.sub(args[0], args[1])

    def refusal(self, box: Sequence[arb]) -> str:
        """Why the step may jump in the box; nothing if it is continuous there."""
        if len(self.tape) > MOST_NODES:
            return "the map has too many rows of data for its borders to be compared"
        decided, borders = self._decided(box)
        if decided is None:
            return "floor may jump"
        if len(borders) > MOST_BORDERS:
            return f"{len(borders)} borders cross the box"
        try:
            for k in range(len(borders)):
                others = [i for i in range(len(borders)) if i != k]
                for signs in product((-1, 0, 1), repeat=len(others)):
                    if not self._agree(box, decided, borders, dict(zip(others, signs, strict=True)), k):
                        return f"the map may jump where {self._words(borders[k])} = 0"
        except TooHard as problem:
            return f"the sides of a border cannot be compared: {problem}"
        return ""

    def _decided(self, box: Sequence[arb]) -> tuple[dict[Node, int] | None, list[Node]]:
        """The sign (of floor: the value) at each switch where it is constant over the box, and the places of the others."""
        wanted = sorted({*self.places.values(), *(self.tape.args[n][0] for n in self.switches if self.tape.ops[n] == "floor")})
        program = Program(self.tape, tuple(wanted), len(box), len(self.step.parameters))
        results = evaluate(program, ball_algebra(BITS), list(box), self.step.parameters)
        values, decided, borders = dict(zip(wanted, results, strict=True)), dict[Node, int](), list[Node]()
        for node in self.switches:
            if self.tape.ops[node] == "floor":
                inner = values[self.tape.args[node][0]]
                low, high = inner.lower().floor().unique_fmpz(), inner.upper().floor().unique_fmpz()
                if low is None or low != high:
                    return None, []
                decided[node] = int(low)
                continue
            place = self.places[node]
            value = values[place]
            if value > 0 or value < 0 or value.is_zero():
                decided[node] = 1 if value > 0 else -1 if value < 0 else 0
            elif place not in borders and self.tape.neg(place) not in borders:
                borders.append(place)
        return decided, borders

    def _agree(
        self, box: Sequence[arb], decided: Mapping[Node, int], borders: Sequence[Node], signs: dict[int, int], k: int
    ) -> bool:
        """True if the pieces before, at and beyond border k are equal wherever its function is 0."""
        field = Field()
        runs = [self._run(field, decided, borders, {**signs, k: side}, {}) for side in (0, -1, 1)]
        border = runs[0][1][k]
        if border is None or any(run[1][k] is None or run[1][k].key != border.key for run in runs):
            raise TooHard("a border that depends on its own side")
        if border.p.is_zero():
            raise TooHard("a border everywhere")
        if all(
            self._vanishes(field, box, a, b, border) for run in runs[1:] for a, b in zip(_all(runs[0]), _all(run), strict=True)
        ):
            return True
        there = field.solved(border)
        if there is None:
            return False
        on = [self._run(field, decided, borders, {**signs, k: side}, dict([there])) for side in (0, -1, 1)]
        return all(a.key == b.key for run in on[1:] for a, b in zip(_all(on[0]), _all(run), strict=True))

    def _vanishes(self, field: Field, box: Sequence[arb], a: Rational, b: Rational, border: Rational) -> bool:
        """True if a − b is 0 wherever the border's function is 0: all its factors that can be 0 in the box divide a − b."""
        difference = field.sub(a, b).p
        if difference.is_zero():
            return True
        factors = [factor for factor, _ in border.p.factor()[1]]
        return all(divmod(difference, f)[1].is_zero() for f in factors if self._can_vanish(field, box, f))

    def _can_vanish(self, field: Field, box: Sequence[arb], factor: Any) -> bool:
        values = {i: {"z": box, "p": self.step.parameters}[key[0]][key[1]] for key, i in field.atoms.items()
                  if isinstance(key, tuple) and key[0] in ("z", "p")}  # fmt: skip
        total = arb(0)
        for powers, coefficient in factor.terms():
            term = arb(coefficient)
            for i, power in enumerate(powers):
                if power and i not in values:
                    return True
                term = term * values[i] ** power if power else term
            total += term
        return not (total > 0 or total < 0)

    def _run(
        self, field: Field, decided: Mapping[Node, int], borders: Sequence[Node], signs: Signs, known: Mapping
    ) -> tuple[list, list]:
        """The outputs and the borders' functions of the piece with these signs; ``known`` atoms have values."""
        values: dict[Node, Any] = {}
        for node in self.tape.reachable([*self.outputs, *borders]):
            values[node] = self._value(field, node, values, decided, borders, signs, known)
        return [values[n] for n in self.outputs], [values[n] for n in borders]

    def _value(
        self, field: Field, node: Node, values: dict, decided: Mapping, borders: Sequence, signs: Signs, known: Mapping
    ) -> Any:
        op, args = self.tape.ops[node], self.tape.args[node]
        if op == "const":
            return field.constant(args[0])
        if op in ("z", "p"):
            return known.get((op, args[0])) or field.atom((op, args[0]))
        if op == "ipow":
            return field.power(values[args[0]], args[1])
        if op == "neg":
            return field.sub(field.constant(0), values[args[0]])
        if op in _INFIX:
            return getattr(field, op)(values[args[0]], values[args[1]])
        if op == "floor":
            return field.constant(decided[node])
        if op in _SIGNS or op in _COMPARED:
            return _branch(field, op, [values[a] for a in args], self._sign(node, decided, borders, signs))
        if op == "not":
            return not values[args[0]]
        if op in ("and", "or"):
            return (all if op == "and" else any)(values[a] for a in args)
        if op == "select":
            return values[args[1] if values[args[0]] else args[2]]
        if op in ("pi", "e", "nil"):
            return field.atom((op,))
        return function(field, op, [values[a] for a in args])

    def _sign(self, node: Node, decided: Mapping[Node, int], borders: Sequence[Node], signs: Signs) -> int:
        if node in decided:
            return decided[node]
        place = self.places[node]
        return signs[borders.index(place)] if place in borders else -signs[borders.index(self.tape.neg(place))]

    def _words(self, node: Node, depth: int = DEPTH) -> str:
        """A function for a message, truncated if it is long."""
        op, args = self.tape.ops[node], self.tape.args[node]
        if op == "z":
            return self.step.names[args[0]] if args[0] < len(self.step.names) else f"z{args[0]}"
        if op == "const":
            return str(args[0])
        if depth == 0:
            return "…"
        parts = [self._words(a, depth - 1) for a in self.tape.children(node)]
        if op in _INFIX:
            text = f"{parts[0]} {_INFIX[op]} {parts[1]}"
            return text if depth == DEPTH else f"({text})"
        return f"{op}({', '.join(parts)})"


def _all(run: tuple[list, list]) -> list:
    return [*run[0], *run[1]]


def function(field: Field, op: str, args: list[Rational]) -> Rational:
    """A function treated as an atom: f(−u) is rewritten in f(u) if f is odd or even."""
    if (op in _ODD or op in _EVEN) and args[0].p.leading_coefficient() < 0:
        turned = function(field, op, [field.sub(field.constant(0), args[0])])
        return turned if op in _EVEN else field.sub(field.constant(0), turned)
    key = (op, *(a.key for a in args))
    return field.constant(_AT[key]) if key in _AT else field.atom(key)


def _branch(field: Field, op: str, args: list, sign: int) -> Any:
    if op == "abs":
        return args[0] if sign >= 0 else field.sub(field.constant(0), args[0])
    if op in ("sign", "heaviside"):
        return field.constant(sign if op == "sign" else Fraction(1 + sign, 2))
    if op in ("max", "min"):
        return args[0 if (sign >= 0) == (op == "max") else 1]
    return {"lt": sign < 0, "le": sign <= 0, "eq": sign == 0}[op]


def without_rows(step: Enclosure, target: Tape) -> list[Node]:
    """The outputs on another tape: exact parameters as constants, a sum over rows of data as a sum of terms."""
    source = step.program.tape
    order = source.reachable(step.program.outputs)
    known: dict[Node, Node] = {}
    for node in order:
        op, args = source.ops[node], source.args[node]
        if op == "p" and step.exact and step.exact[args[0]][0] == step.exact[args[0]][1]:
            known[node] = target.const(step.exact[args[0]][0])
        elif op == "rows":
            known[node] = target.const(len(step.rows))
        elif op == "rowsum":
            columns = [n for n in source.reachable([args[0]]) if source.ops[n] == "col"]
            terms = []
            for row in step.rows:
                values = {n: target.const(row[source.args[n][0]]) for n in columns}
                terms += rebuild(source, [args[0]], target, {**known, **values})
            known[node] = target.total(terms)
    return rebuild(source, list(step.program.outputs), target, known)
