"""Is a map continuous over a box? Continuity is proved, or refused with the reason.

If no border of Piecewise, sign, floor, … crosses the box, nothing can jump; |u| and max never jump. Otherwise the pieces on both
sides of each border are compared on the border, exactly, as rational functions. A map that is a continuous choice among smooth
pieces has its increments in the hull of their slopes (Scholtes, Introduction to Piecewise Differentiable Equations, 2012, ch. 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from flint import arb, ctx

from cfdyn.certify.balls import BITS, Enclosure, ball_algebra
from cfdyn.certify.borders.pieces import Pieces
from cfdyn.tape.evaluate import Algebra, evaluate

_COMPARED = frozenset("lt le eq max min".split())
_SIGNS = frozenset("abs sign heaviside".split())
_NEVER_JUMP = frozenset("abs max min".split())
MOST_PARTS = 64  # of a box that is cut until few borders cross each part


def refusal(step: Enclosure, boxes: Sequence[Sequence[arb]]) -> str:
    """Why the map may jump somewhere in one of the boxes; nothing if it is continuous over each of them.

    >>> import cfdyn as cf
    >>> from cfdyn.certify.balls import ball
    >>> from cfdyn.certify.subject import subject
    >>> box = [[ball(-0.5, 0.75)]]
    >>> refusal(
    ...     subject("Piecewise((w**2/2, Abs(w) < 1/2), (Abs(w)/2 - 1/8, True))", cf.optimizers.gd(lr=1)).enclosure("step"), box
    ... )
    ''
    >>> refusal(subject("Abs(w)", cf.optimizers.gd(lr=1)).enclosure("step"), box)
    'the map may jump where w = 0'
    """
    return next(filter(None, (_refused(step, list(box)) for box in boxes)), "")


def continuous(step: Enclosure, z: Sequence[arb]) -> bool:
    """True if the map is proved to be continuous over the box."""
    return not refusal(step, [z])


def smooth(step: Enclosure, z: Sequence[arb]) -> bool:
    """True if no branch at all is open over the box, not even that of |u| or max."""
    undecided = _open(step, z)
    return undecided is not None and not undecided


def _open(step: Enclosure, z: Sequence[arb]) -> set[str] | None:
    """The operations whose branch is not decided over a box; None if the map is not defined everywhere."""
    watched, seen = _watching()
    seen.clear()
    with ctx.workprec(BITS):
        outputs = evaluate(step.program, watched, list(z), step.parameters, step.data)
    return set(seen) if all(x.is_finite() for x in outputs) else None


def _refused(step: Enclosure, box: list[arb]) -> str:
    undecided = _open(step, box)
    if undecided is None:
        return "the map is not known to be defined in the whole box"
    if undecided <= _NEVER_JUMP:
        return ""
    with ctx.workprec(BITS):
        pieces, parts, last = Pieces(step), [box], ""
        for _ in range(MOST_PARTS):
            part = parts.pop()
            why = pieces.refusal(part)
            if why:
                parts, last = parts + _halves(part), why
            if not parts:
                return ""
    return last


def _halves(box: list[arb]) -> list[list[arb]]:
    """Two boxes that cover the box, cut across its longest side."""
    k = max(range(len(box)), key=lambda i: float(box[i].rad()))
    middle, halves = box[k].mid(), []
    for end in (box[k].lower(), box[k].upper()):
        halves.append([*box[:k], end.union(middle), *box[k + 1 :]])
    return halves


@cache
def _watching() -> tuple[Algebra, list[str]]:
    """Arb balls as the numbers of a tape, and the list of the operations whose branch was not decided."""
    plain, seen = ball_algebra(BITS), list[str]()

    def watched(name: str, function: Callable) -> Callable:
        def call(*args: Any) -> Any:
            if _undecided(name, args):
                seen.append(name)
            return function(*args)

        return call

    names = _COMPARED | _SIGNS | {"floor"}
    table = {name: watched(name, f) if name in names else f for name, f in plain.functions.items()}
    return Algebra(plain.constant, table, plain.pi, plain.e), seen


def _undecided(name: str, args: Sequence[Any]) -> bool:
    if name in _SIGNS:
        return not (args[0] > 0 or args[0] < 0)
    if name == "floor":
        return bool(args[0].lower().floor() != args[0].upper().floor())
    if name in ("lt", "le", "eq") and args[0].is_exact() and args[1].is_exact():
        return False
    return not (args[0] < args[1] or args[0] > args[1])
