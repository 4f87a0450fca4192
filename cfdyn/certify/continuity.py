"""Is the map continuous on a box: no pole, nothing outside a domain, no floor or sign that changes, no branch that is open?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from flint import arb, ctx

from cfdyn.certify.balls import BITS, Enclosure, ball_algebra
from cfdyn.tape.evaluate import Algebra, evaluate


def continuous(step: Enclosure, z: Sequence[arb]) -> bool:
    """True if the map is known to be continuous on the box; the two sides of a branch that is open there are taken to jump.

    >>> import cfdyn as cf
    >>> from cfdyn.certify.balls import ball
    >>> from cfdyn.certify.subject import subject
    >>> step = subject(cf.Map.from_text("1/(x - 1) + abs(x)")).enclosure("step")
    >>> continuous(step, [ball(-1.0, 0.5)]), continuous(step, [ball(0.0, 2.0)])
    (True, False)
    """
    watched, jumps = _watched()
    before, ctx.prec = ctx.prec, BITS
    try:
        jumps.clear()
        values = evaluate(step.program, watched, list(z), step.parameters, step.data)
    finally:
        ctx.prec = before
    return not jumps and all(v.is_finite() for v in values)


@cache
def _watched() -> tuple[Algebra, list[str]]:
    """Balls, and a list that notes each operation that may jump."""
    usual, jumps = ball_algebra(BITS), list[str]()

    def noted(name: str, may_jump: Callable[..., bool]) -> Callable:
        function = usual.functions[name]

        def watched(*args: Any) -> Any:
            if may_jump(*args):
                jumps.append(name)
            return function(*args)

        return watched

    tests: dict[str, Callable[..., bool]] = {
        "select": lambda condition, a, b: condition is None and a is not b,
        "sign": lambda x: not (x > 0 or x < 0), "heaviside": lambda x: not (x > 0 or x < 0),
        "floor": lambda x: not x.lower().floor().overlaps(x.upper().floor()),
    }  # fmt: skip
    return replace(usual, functions={**usual.functions, **{name: noted(name, test) for name, test in tests.items()}}), jumps
