"""Is a function with branches continuous where it changes from one to another?"""

import random
from collections.abc import Sequence

from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Node, Program, Tape

SEGMENTS, HALVINGS, DIGITS = 48, 90, 30  # drawn at random; down to round-off of 30 digits
ENOUGH, PLENTY = 3, 12  # crossings of the border: with fewer nothing is known, more are not asked for
LONGEST = 400  # nodes of a program that is worth it
SCALES = (0.5, 1.0, 3.0, 10.0)  # of the state, in turn


def continuous(tape: Tape, outputs: Sequence[Node], condition: Node) -> bool:
    """True if the outputs are the same on both sides of where a condition changes, wherever random segments cross that.

    Parameters are drawn between 0 and 1: continuity at special values only goes unnoticed.

    >>> t = Tape()
    >>> x, one = t.leaf("z", 0), t.const(1)
    >>> inside = t.apply("lt", x, one)
    >>> [continuous(t, [t.select(inside, t.ipow(x, 2), other)], inside) for other in (x, t.add(x, one))]
    [True, False]
    """
    nodes = tape.reachable([condition, *outputs])
    if len(nodes) > LONGEST or any(tape.ops[n] == "rowsum" or tape.by_row[n] for n in nodes):
        return False
    n_z, n_p = (1 + max((tape.args[n][0] for n in nodes if tape.ops[n] == op), default=-1) for op in ("z", "p"))
    program, algebra = Program(tape, (condition, *outputs), n_z, n_p), mp_algebra(DIGITS)
    draw, number, crossings = random.Random(1), algebra.functions["number"], 0
    for k in range(SEGMENTS):
        p = [number(draw.random()) for _ in range(n_p)]
        ends = [[number(draw.uniform(-1, 1) * SCALES[k % len(SCALES)]) for _ in range(n_z)] for _ in range(2)]
        sides = [evaluate(program, algebra, z, p) for z in ends]
        if sides[0][0] == sides[1][0]:
            continue
        for _ in range(HALVINGS):
            middle = [(x + y) / 2 for x, y in zip(*ends, strict=True)]
            values = evaluate(program, algebra, middle, p)
            side = 0 if values[0] == sides[0][0] else 1
            ends[side], sides[side] = middle, values
        if not all(abs(a - b) <= 1e-15 * (1 + abs(a) + abs(b)) for a, b in zip(sides[0][1:], sides[1][1:], strict=True)):
            return False
        crossings += 1
        if crossings == PLENTY:
            break
    return crossings >= ENOUGH
