"""`cycle`: exactly one cycle runs through these boxes, with its least period, its multipliers and its stability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.arguments import table
from cfdyn.certify.balls import BITS
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.continuity import refusal, smooth
from cfdyn.certify.krawczyk import Box, Proven, balls_of, proven_cycle
from cfdyn.certify.multipliers import multipliers, product, stability
from cfdyn.certify.newton import polished
from cfdyn.certify.subject import Subject, subject
from cfdyn.errors import UsageError

MEMORY_ROUNDS = 200


def cycle(
    loss: Any, optimizer: Any = None, points: Any = None, period: int | None = None, vary: Mapping[str, Any] | None = None
) -> Certificate:
    """A proof that exactly one cycle runs through small boxes about the given points.

    Krawczyk's test on multiple shooting in ball arithmetic: for boxes Z_0…Z_{n−1} one z with g(z_i) = z_{i+1}; the least period
    from boxes that are disjoint; multipliers of Dgⁿ. The points may be rough: Newton's method leads to a candidate, and the
    proof asks nothing of it. Nothing is claimed about cycles elsewhere.

    Parameters
    ----------
    loss, optimizer : a `cf.Loss` or its formula, and an optimizer; or a map alone. Numbers mean the decimals that they print as
    points : the cycle's states in turn, (n, d), or their weights alone, (n, weights); numbers for one variable. With
        ``period`` also a single state, whose orbit is taken
    vary : other values of parameters: exact numbers (text, fractions), or pairs of them: the proof then holds for every value

    Errors
    ------
    UsageError : no points, or of the wrong shape

    Examples
    --------
    >>> import cfdyn as cf
    >>> found = cf.certify.cycle("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.46), [0.5], period=3)
    >>> found.proved, found.claim["period"], found.claim["stable"]
    (True, 3, True)
    >>> cf.certify.cycle("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.46), [1.0, 1.0, 1.0]).reason
    'the points of period 3 belong to a cycle of period 1; ask for that'

    References
    ----------
    Krawczyk (1969), Computing 4, 187–201; Galias (1998), J. UCS 4, 114–124.
    """
    with ctx.workprec(BITS):
        return _proved(subject(loss, optimizer, vary), points, period)


def _proved(about: Subject, points: Any, period: int | None) -> Certificate:
    start = starts(about, points, period)
    candidate = polished(about, start)
    if candidate is None:
        return unproved("cycle", "Newton's method found no cycle near the points; give points closer to one")
    smaller = _smaller_period(candidate)
    if smaller:
        return unproved("cycle", f"the points of period {len(candidate)} belong to a cycle of period {smaller}; ask for that")
    found = proven_cycle(about, candidate)
    if found is None:
        return unproved("cycle", _why_not(about, candidate))
    why = refusal(about.enclosure("step"), [balls_of(box) for box in found.boxes])
    if why:
        return unproved("cycle", f"{why}; prove a cycle away from it")
    if overlapping(found.boxes):
        return unproved("cycle", "the boxes overlap, so the least period is not proved; use narrower parameters")
    return proved("cycle", about, claim_of(about, found), {})


def _why_not(about: Subject, points: Sequence[Sequence[arb]]) -> str:
    slopes = about.enclosure("jacobian")
    if not all(x.is_finite() for point in points for x in slopes(point)):
        return "the map has no finite slope at the points, as where the root of 0 is taken; no such cycle can be proved"
    why = "Krawczyk's test failed: a multiplier may be 1, a border may be too near, or the parameters vary too much"
    return f"{why}; prove it for other or narrower values"


def starts(about: Subject, points: Any, period: int | None = None) -> list[list[float]]:
    """Approximate states of the cycle, (n, d), from what a person gives."""
    points = getattr(points, "points", points)
    if points is None:
        raise UsageError("give the points of a cycle, such as points=[0.1, 0.9, -0.4]")
    d, given = len(about.names), np.asarray(points, dtype=object)
    if given.ndim < 2:
        in_turn = about.weights == 1 and given.size == (period or given.size)
        given = given.reshape(-1, 1) if in_turn or given.size not in (about.weights, d) else given.reshape(1, -1)
    rows = table("`points`", given.tolist(), 2)
    if period is not None and len(rows) not in (1, period):
        raise UsageError(f"{len(rows)} points are no cycle of period {period}; give {period}, or one to start from")
    if rows.shape[1] > d and about.limit:
        rows = rows[:, :d]
    if rows.shape[1] not in (about.weights, d):
        raise UsageError(
            f"a point has {d} entries ({', '.join(about.names)}) or {about.weights}, its weights, not {rows.shape[1]}"
        )
    if period is not None and len(rows) == 1:
        return _orbit(about, [*rows[0], *[0.0] * (d - rows.shape[1])], period)
    return rows.tolist() if rows.shape[1] == d else _with_memory(about, rows)


def _orbit(about: Subject, start: Sequence[float], period: int) -> list[list[float]]:
    """The last points of an orbit in floating point, settled a little."""
    step, z, seen = about.enclosure("step", 64), list(start), []
    for _ in range(MEMORY_ROUNDS * period):
        z = [float(x) for x in step([arb(x) for x in z])]
        seen.append(z)
    return seen[-period:]


def _with_memory(about: Subject, weights: np.ndarray) -> list[list[float]]:
    """The states of which only the weights are known: the memory is what it comes to when the weights go round."""
    step, k = about.enclosure("step", 64), weights.shape[1]
    memory = [0.0] * (len(about.names) - k)
    found: list[list[float]] = []
    for turn in range(MEMORY_ROUNDS):
        found = []
        for row in weights.tolist():
            found.append([*row, *memory])
            memory = [float(x) for x in step([arb(x) for x in found[-1]])[k:]]
        if turn and max((abs(a - b) for a, b in zip(found[0][k:], memory, strict=True)), default=0.0) < 1e-15:
            break
    return found


def _smaller_period(points: Sequence[Sequence[arb]]) -> int:
    """The period of which the points are repetitions; 0 if they are not."""
    n = len(points)
    for m in range(1, n):
        if n % m == 0 and all(abs(float(a - b)) < 1e-9 * (1 + abs(float(a))) for i in range(n)
                              for a, b in zip(points[i], points[(i + m) % n], strict=True)):  # fmt: skip
            return m
    return 0


def overlapping(boxes: Sequence[Box]) -> bool:
    """True unless the first box is disjoint from those a divisor of the period later: then the period is the least one."""
    n = len(boxes)
    return any(not _disjoint(boxes[0], boxes[n // p]) for p in range(2, n + 1) if n % p == 0 and _is_prime(p))


def _disjoint(a: Box, b: Box) -> bool:
    return any(x[1] < y[0] or y[1] < x[0] for x, y in zip(a, b, strict=True))


def _is_prime(p: int) -> bool:
    return p > 1 and all(p % k for k in range(2, int(p**0.5) + 1))


def box_text(box: Box) -> list[list[str]]:
    """A box as certificates have it."""
    return [interval_text(*side) for side in box]


def claim_of(about: Subject, found: Proven) -> dict[str, Any]:
    """The claim of a certificate of the kind ``cycle``."""
    step = about.enclosure("step")
    whole = all(smooth(step, balls_of(box)) for box in found.boxes)
    total = product(found.slopes)
    rectangles = multipliers(total) if whole else None
    return {
        "period": len(found.boxes), "names": list(about.names), "points": [box_text(box) for box in found.boxes],
        "stable": stability(total, rectangles) if whole else None,
        "multipliers": rectangles and [[interval_text(*re), interval_text(*im)] for re, im in rectangles],
    }  # fmt: skip
