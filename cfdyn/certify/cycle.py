"""`cycle`: exactly one cycle runs through given boxes, with its least period, its multipliers and its stability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.certify.balls import BITS
from cfdyn.certify.borders.continuity import refusal, smooth
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.shooting.candidates import candidate, smaller_period, starts
from cfdyn.certify.shooting.krawczyk import Box, Proven, balls_of, proven_cycle
from cfdyn.certify.shooting.multipliers import multipliers, product, stability
from cfdyn.certify.subject import Subject, subject
from cfdyn.words import TAKE_OUT, called, how_many

NEAR = 1e-6  # points that repeat to this are a cycle's, and multipliers this close to 1 are 1, as far as floats show


def cycle(
    loss: Any, optimizer: Any = None, points: Any = None, period: int | None = None, box: Any = None, **vary: Any
) -> Certificate:
    """Prove that exactly one cycle runs through small boxes about the given points.

    The proof applies Krawczyk's test to multiple shooting in ball arithmetic: boxes Z_0…Z_{n−1} contain exactly one z with
    g(z_i) = z_{i+1}. Disjoint boxes prove the least period; the multipliers are those of Dgⁿ. The points may be approximate:
    Newton's method refines them to a candidate, and the proof does not depend on it. Nothing is claimed about cycles elsewhere.

    Parameters
    ----------
    loss, optimizer : a `cf.Loss` or its formula, and an optimizer; or a map alone. A number means the decimal that it prints as
    points : the cycle's states in turn, (n, d), or their weights alone, (n, weights); numbers for one variable. With
        ``period`` also a single state, whose orbit is used
    box : in place of points: where to search for a cycle of that period, (lo, hi) for each weight; the first one found is used
    vary : other values of parameters: exact numbers (text, fractions), or pairs such as ``lr=("1.1", "1.2")``: the proof then
        holds for every value

    Raises
    ------
    UsageError : no points, or points of the wrong shape

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = cf.certify.cycle("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.46), [0.5], period=3)
    >>> proof.proved, proof.claim["period"], proof.claim["stable"]
    (True, 3, True)
    >>> cf.certify.cycle("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.46), [1.0, 1.0, 1.0]).reason
    "Newton's method converged to a fixed point, not to a 3-cycle; give points closer to the 3-cycle, or ask for the period 1"

    References
    ----------
    Krawczyk (1969), Computing 4, 187–201; Galias (1998), J. UCS 4, 114–124.
    """
    with ctx.workprec(BITS):
        return _proved(subject(loss, optimizer, vary), points, period, box)


def _proved(about: Subject, points: Any, period: int | None, box: Any) -> Certificate:
    z = candidate(about, points, period, box)
    if z is None:
        return unproved(about, "cycle", _no_candidate(about, points, period, box))
    smaller = smaller_period(z)
    if smaller:
        return unproved(about, "cycle", _shorter(smaller, len(z)))
    proven = proven_cycle(about, z)
    if proven is None:
        return unproved(about, "cycle", _why_not(about, z))
    why = refusal(about.enclosure("step"), [balls_of(box) for box in proven.boxes])
    if why:
        return unproved(about, "cycle", f"{why}; prove a cycle away from it")
    if overlapping(proven.boxes):
        return unproved(about, "cycle", "the boxes overlap, so the least period is not proved; use narrower parameters")
    return proved("cycle", about, claim_of(about, proven), {})


def _shorter(found: int, period: int) -> str:
    what = "a fixed point" if found == 1 else f"a {called(found)}"
    return (f"Newton's method converged to {what}, not to a {called(period)}; "
            f"give points closer to the {called(period)}, or ask for the period {found}")


def _no_candidate(about: Subject, points: Any, period: int | None, box: Any) -> str:
    if box is not None:
        return f"Newton's method found no cycle of period {period} in the box; give points"
    z = [[arb(x) for x in point] for point in starts(about, points, period)]
    step = about.enclosure("step")
    images = np.array([[float(x.mid()) for x in step(point)] for point in z])
    far = np.abs(images - np.roll(np.array(z, dtype=float), -1, axis=0)).max()
    repeats = far <= NEAR * (1 + np.abs(images).max())  # not where an image is not finite
    return (repeats and _not_isolated(about, z)) or "Newton's method found no cycle near the points; give points closer to one"


def _not_isolated(about: Subject, points: Sequence[Sequence[arb]]) -> str:
    """A text that multipliers are 1, as far as floats show; else an empty text."""
    slopes = about.enclosure("jacobian")
    total = np.eye(about.dim)
    with np.errstate(all="ignore"):
        for point in points:
            total = np.array([float(x.mid()) for x in slopes(point)]).reshape(total.shape) @ total
    ones = int((np.abs(np.linalg.eigvals(total) - 1) <= NEAR).sum()) if np.isfinite(total).all() else 0
    if not ones:
        return ""
    are = f"{how_many(ones, 'multiplier')} of the cycle at the points {'is' if ones == 1 else 'are'} 1"
    return (f"{are}, as far as floats show: it is one of a continuum, or it is at a fold or a degenerate minimum, and a proof "
            f"takes cycles without such a multiplier alone: start elsewhere, or, of a continuum, {TAKE_OUT}")  # fmt: skip


def _why_not(about: Subject, points: Sequence[Sequence[arb]]) -> str:
    slopes = about.enclosure("jacobian")
    if not all(x.is_finite() for point in points for x in slopes(point)):
        return "the map has no finite slope at the points, as where the root of 0 is taken; no such cycle can be proved"
    why = "the cycle may have a multiplier 1, it may be too close to a border, or the parameters may vary too much"
    return f"Krawczyk's test failed: {_not_isolated(about, points) or f'{why}; prove it for other or narrower values'}"


def overlapping(boxes: Sequence[Box]) -> bool:
    """True unless the first box is disjoint from each box n/p places later, for p prime: then the period n is the least one."""
    n = len(boxes)
    return any(not _disjoint(boxes[0], boxes[n // p]) for p in range(2, n + 1) if n % p == 0 and _is_prime(p))


def _disjoint(a: Box, b: Box) -> bool:
    return any(x[1] < y[0] or y[1] < x[0] for x, y in zip(a, b, strict=True))


def _is_prime(p: int) -> bool:
    return p > 1 and all(p % k for k in range(2, int(p**0.5) + 1))


def box_text(box: Box) -> list[list[str]]:
    """A box in the format of certificates."""
    return [interval_text(*side) for side in box]


def claim_of(about: Subject, proven: Proven) -> dict[str, Any]:
    """The claim of a certificate of the kind ``cycle``."""
    step = about.enclosure("step")
    whole = all(smooth(step, balls_of(box)) for box in proven.boxes)
    total = product(proven.slopes)
    rectangles = multipliers(total) if whole else None
    return {
        "period": len(proven.boxes), "names": list(about.names), "points": [box_text(box) for box in proven.boxes],
        "stable": stability(total, rectangles) if whole else None,
        "multipliers": rectangles and [[interval_text(*re), interval_text(*im)] for re, im in rectangles],
    }  # fmt: skip
