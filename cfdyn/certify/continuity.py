"""Is a map continuous over a box? Proved, or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flint import arb, ctx

from cfdyn.certify.balls import BITS, ball_algebra
from cfdyn.certify.subject import Subject
from cfdyn.tape.evaluate import Algebra, evaluate

_COMPARED = frozenset("lt le eq".split())
_SIGNS = frozenset("abs sign heaviside".split())


def refusal(subject: Subject, boxes: Sequence[Sequence[arb]]) -> str:
    """Why the map may jump somewhere in the boxes; nothing where it is continuous over each of them."""
    for box in boxes:
        if borders(subject, box):
            return "a border of Piecewise, Abs, Max or sign runs through a box of the cycle"
    return ""


def borders(subject: Subject, box: Sequence[arb]) -> list[str]:
    """The operations whose branch is not decided over a box; empty where the map is smooth there."""
    step = subject.enclosure("step")
    seen: list[str] = []
    with ctx.workprec(BITS):
        outputs = evaluate(step.program, _watching(seen), list(box), step.parameters, step.data)
    return seen if all(x.is_finite() for x in outputs) else [*seen, "undefined"]


def _watching(seen: list[str]) -> Algebra:
    """Arb balls as the numbers of a tape, with a note of each branch that is not decided."""
    plain = ball_algebra(BITS)

    def watched(name: str, function: Callable) -> Callable:
        def call(*args: Any) -> Any:
            if _undecided(name, args):
                seen.append(name)
            return function(*args)

        return call

    table = {
        name: watched(name, f) if name in _COMPARED | _SIGNS | {"max", "min", "floor"} else f
        for name, f in plain.functions.items()
    }
    return Algebra(plain.constant, table, plain.pi, plain.e)


def _undecided(name: str, args: Sequence[Any]) -> bool:
    if name in _SIGNS:
        return not (args[0] > 0 or args[0] < 0)
    if name == "floor":
        return not args[0].floor().is_exact()
    return not (args[0] < args[1] or args[0] > args[1])
