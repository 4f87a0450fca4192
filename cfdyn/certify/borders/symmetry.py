"""Signed permutations that commute with a map: suggested by values in floats, shown by exact algebra."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import numpy as np

from cfdyn.certify.borders.pieces import MOST_NODES, function, without_rows
from cfdyn.certify.borders.rational import Field, Rational, TooHard
from cfdyn.certify.subject import Subject, in_floats
from cfdyn.tape.program import Node, Tape

MOST_STATES, MOST = 4, 47  # entries of the state; symmetries: of a cube
POINTS, NEAR = 7, 1e-9  # random points where a symmetry is suggested
_ORDERS = frozenset(("lt", "le", "eq"))


def symmetries(about: Subject, box: Sequence[tuple[float, float]]) -> list[tuple[int, ...]]:
    """Signed permutations, except the identity, that map the box to itself and commute with the map for all its parameters.

    One is (2, -1): it maps (x, y) to (y, −x).

    >>> import cfdyn as cf
    >>> from cfdyn.certify.subject import subject
    >>> gd = cf.optimizers.gd(lr=1)
    >>> symmetries(subject("(w**2 - 1)**2/4", gd), [(-2.0, 2.0)]), symmetries(subject("(w**2 - 1)**2/4", gd), [(-2.0, 3.0)])
    ([(-1,)], [])
    >>> symmetries(subject("(x*y - 1)**2/2", gd), [(-2.0, 2.0), (-2.0, 2.0)])
    [(2, 1), (-1, -2), (-2, -1)]
    """
    suggested = _suggested(about, box)
    if not suggested:
        return []
    tape = Tape()
    outputs = without_rows(about.enclosure("step"), tape)
    if len(tape) > MOST_NODES:
        return []
    field = Field()
    states = [field.atom(("z", k)) for k in range(about.dim)]
    return [turn for turn in suggested if _commutes(lambda at: _values(field, tape, outputs, at), field, states, turn)]


def _commutes(
    values: Callable[[Sequence[Rational]], list[Rational]], field: Field, states: Sequence[Rational], turn: tuple[int, ...]
) -> bool:
    """True if g(Sx) and S g(x) are the same functions."""
    try:
        after, before = values(_turned(field, states, turn)), _turned(field, values(states), turn)
    except TooHard:
        return False
    return all(a.key == b.key for a, b in zip(after, before, strict=True))


def _turned(field: Field, x: Sequence[Rational], turn: tuple[int, ...]) -> list[Rational]:
    return [x[k - 1] if k > 0 else _negative(field, x[-k - 1]) for k in turn]


def _negative(field: Field, x: Rational) -> Rational:
    return field.sub(field.constant(0), x)


def _suggested(about: Subject, box: Sequence[tuple[float, float]]) -> list[tuple[int, ...]]:
    """Signed permutations that map the box to itself and seem to commute with the map at some points."""
    (lo, hi), d = np.array(box, float).T, about.dim
    if d > MOST_STATES or not np.isfinite([lo, hi]).all():
        return []
    fitting = [turn for turn in _signed(d) if _keeps(lo, hi, turn)]
    if not fitting:
        return []
    step = in_floats(about, "step")
    x = np.random.default_rng(1).uniform(lo[:, None], hi[:, None], (d, POINTS))
    with np.errstate(all="ignore"):
        y, turns = step(x), []
        for turn in fitting:
            places, signs = np.abs(turn) - 1, np.sign(turn)[:, None]
            gap = np.abs(step(signs * x[places]) - signs * y[places]).max(0)
            known = np.isfinite(gap)  # not where a root is undefined
            if known.any() and (gap[known] <= NEAR * (1 + np.abs(y[:, known]).max())).all():
                turns.append(turn)
    return turns if len(turns) <= MOST else [turn for turn in turns if sorted(map(abs, turn)) == list(map(abs, turn))]


def _keeps(lo: np.ndarray, hi: np.ndarray, turn: tuple[int, ...]) -> bool:
    """True if the box is its own image."""
    places, minus = np.abs(turn) - 1, np.array(turn) < 0
    return bool((lo == np.where(minus, -hi[places], lo[places])).all() and (hi == np.where(minus, -lo[places], hi[places])).all())


def _signed(d: int) -> Iterator[tuple[int, ...]]:
    for signs in product((1, -1), repeat=d):
        for order in permutations(range(1, d + 1)):
            turn = tuple(s * k for s, k in zip(signs, order, strict=True))
            if turn != tuple(range(1, d + 1)):
                yield turn


def _values(field: Field, tape: Tape, outputs: Sequence[Node], states: Sequence[Rational]) -> list[Rational]:
    """The outputs as rational functions; a choice between branches is a function of its alternatives."""
    values: dict[Node, Any] = {}
    for node in tape.reachable(outputs):
        values[node] = _value(field, tape, node, values, states)
    return [values[n] for n in outputs]


def _value(field: Field, tape: Tape, node: Node, values: Mapping[Node, Any], states: Sequence[Rational]) -> Any:
    op, args = tape.ops[node], tape.args[node]
    if op == "z":
        return states[args[0]]
    if op == "const":
        return field.constant(args[0])
    if op == "p":
        return field.atom(("p", args[0]))
    if op == "ipow":
        return field.power(values[args[0]], args[1])
    parts = [values[a] for a in args]
    if op in ("add", "sub", "mul", "div"):
        return getattr(field, op)(*parts)
    if op == "neg":
        return _negative(field, parts[0])
    if op in ("max", "min"):
        away = function(field, "abs", [field.sub(*parts)])
        both = (field.add if op == "max" else field.sub)(field.add(*parts), away)
        return field.mul(both, field.constant(Fraction(1, 2)))
    if op in _ORDERS:
        return op, field.sub(*parts).key
    if op in ("and", "or", "not"):
        return op, *sorted(parts, key=repr)
    if op == "select":
        return _chosen(field, *parts)
    return field.atom((op,)) if op in ("pi", "e", "nil") else function(field, op, parts)


def _chosen(field: Field, condition: Any, a: Rational, b: Rational) -> Rational:
    """A choice; the choice of −a and −b is minus that of a and b."""
    if (b if a.p.is_zero() else a).p.leading_coefficient() < 0:
        return _negative(field, _chosen(field, condition, _negative(field, a), _negative(field, b)))
    return a if a.key == b.key else field.atom(("select", condition, a.key, b.key))
