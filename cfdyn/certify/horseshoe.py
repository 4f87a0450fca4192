"""Positive entropy of a map of the plane, proved by parallelograms that cover each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, product
from typing import Any

import numpy as np
from flint import ctx

from cfdyn.certify.balls import BITS
from cfdyn.certify.borders.slopes import Slopes
from cfdyn.certify.boxes.pace import Say, saying
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.covering.excursions import Shape, covers, excursion, home
from cfdyn.certify.covering.growth import growth, log_below
from cfdyn.certify.covering.hsets import HSet, Planar, disjoint
from cfdyn.certify.covering.saddles import Plane, Saddle
from cfdyn.certify.exact import written
from cfdyn.certify.subject import Subject, in_floats, subject
from cfdyn.errors import UsageError, shown
from cfdyn.symbolic.optimizer import Optimizer

# Of the first set, along its two directions, over the box's size.
SIZES = (np.geomspace(3e-3, 0.4, 12), np.geomspace(3e-3, 0.4, 8))
TRIES = 6  # of the best candidates, to prove
NEAR, WITHIN = 1e-3, 5e-2  # distances at which orbits leave a saddle and return to it, over the box's size

NO_GROWTH = "the sets are not disjoint, or cover each other in single loops only"
Sets = list[Shape]


def horseshoe(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, period: int = 1,
    sets: Sequence[Any] | None = None, progress: Say | None = None, **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove a horseshoe of a map of two variables: disjoint parallelograms, which of them cover which, and the entropy.

    A search in doubles places the sets around a saddle and around orbits that leave it and return; the proof verifies all claims
    in ball arithmetic.

    loss, optimizer : a loss (text, `cf.Loss`) and an optimizer whose state has two entries, or a map of formulas alone
    box : ((lo, hi), (lo, hi)), in which the saddle lies; if None, the loss's own box if it has a pair for each entry of the state
    period : of the saddle
    sets : parallelograms to use in place of those of the search: (centre, (stretched column, other column)) each
    progress : called with a description, in words, of the current step: how many sizes of sets and how many coverings are tried
    vary : other values of parameters, or intervals (lo, hi) for all of which to prove the claim

    If a saddle, an orbit back to it, or a proof is missing, the certificate is not proved and states a reason.
    UsageError: a map of another dimension

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
    >>> proof = horseshoe(henon, box=((-2, 2), (-1, 1)))
    >>> proof.proved, float(proof.claim["entropy"]) > 0.2
    (True, True)

    References
    ----------
    Zgliczyński & Gidea (2004), Covering relations for multidimensional dynamical systems, J. Differential Equations 202, 32.
    """
    about, say = subject(loss, optimizer, vary), saying(progress)
    if about.dim != 2:
        raise UsageError(f"a horseshoe is proved for maps of two variables, not of {about.dim}; cf.certify.chaos is for one")
    if period < 1:
        raise UsageError(f"the period of a saddle is 1 or more, not {period}")
    with ctx.workprec(BITS):
        if sets is not None:
            proof = _proof(about, [_given(s) for s in sets], None, lambda how: say(f"proving: {how}"))
            return proof or unproved(about, "horseshoe", NO_GROWTH)
        return _searched(about, _box(loss, box), period, say)


def _searched(about: Subject, region: np.ndarray, period: int, say: Say) -> Certificate:
    """The certificate of sets around a saddle and around orbits that return to it."""
    plane = Plane(in_floats(about, "step"), in_floats(about, "jacobian"), period)
    saddles, candidates = plane.saddles(region), []
    for i, saddle in enumerate(saddles):
        at = f"saddle {i + 1} of {len(saddles)}"
        candidates = _candidates(plane, saddle, float((region[:, 1] - region[:, 0]).min()), lambda how: say(f"{at}: {how}"))  # noqa: B023
        best = sorted(candidates, key=lambda c: -c[0])[:TRIES]
        for k, (_, shapes) in enumerate(best):
            words = f"proving: {at}, sets {k + 1} of {len(best)}"
            certificate = _proof(about, [_hset(s) for s in shapes], _pairs(plane, shapes), lambda how: say(f"{words}, {how}"))  # noqa: B023
            if certificate is not None:
                return certificate
    if not saddles:
        reason = f"no saddle of period {period} was found in the box"
    elif not candidates:
        reason = "no orbit was found that leaves a saddle and returns to it so that parallelograms along it cover each other"
    else:
        reason = "parallelograms were found, but the covering of one by another could not be proved"
    return unproved(about, "horseshoe", f"{reason}; try another box, period, or sets of your own")


def _box(loss: Any, box: Sequence | None) -> np.ndarray:
    given = getattr(getattr(loss, "spec", loss), "box", None) if box is None else box
    ends = np.asarray(given if given is not None else [], dtype=float)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or not (ends[:, 0] < ends[:, 1]).all():
        raise UsageError(f"the box of two variables is ((lo, hi), (lo, hi)) with lo < hi, not {shown(given)}")
    return ends


def _given(sets: Any) -> HSet:
    try:
        (x, y), ((a, b), (c, d)) = sets
        return HSet((float(x), float(y)), ((float(a), float(b)), (float(c), float(d))))
    except (TypeError, ValueError):
        raise UsageError(f"a set is (centre, (column, column)) with two numbers each, not {shown(sets)}") from None


def _hset(s: Shape) -> HSet:
    (a, b), (c, d) = s.matrix.T.tolist()
    x, y = s.centre.tolist()
    return HSet((x, y), ((a, b), (c, d)))


def _candidates(plane: Plane, saddle: Saddle, size: float, say: Say) -> list[tuple[float, Sets]]:
    """Sets with their growth rates, for first sets of many sizes."""
    orbits, candidates = plane.homoclinic(saddle, NEAR * size, WITHIN * size), []
    sizes = list(product(*(s * size for s in SIZES))) if orbits else []
    for k, (along, across) in enumerate(sizes):
        base = home(plane, saddle, along, across)
        sets = base and _with_excursions(plane, base, orbits)
        candidates += [sets] if sets else []
        say(f"{k + 1} of {len(sizes)} sizes of sets")
    return candidates


def _with_excursions(plane: Plane, base: Sets, orbits: Sequence[np.ndarray]) -> tuple[float, Sets] | None:
    """The base with as many disjoint excursions as fit, and the growth rate of the coverings."""
    shapes, loops = list(base), [list(range(len(base)))]
    for orbit in orbits:
        more = excursion(plane, base, orbit)
        if more and all(a.apart(b) for a, b in chain(product(more, shapes), combinations(more, 2))):
            loops.append([*range(len(base)), *range(len(shapes), len(shapes) + len(more))])
            shapes += more
    if len(loops) == 1:
        return None
    covered: list[set[int]] = [set() for _ in shapes]
    for loop in loops:
        for i, j in zip(loop, [*loop[1:], loop[0]]):
            covered[i].add(j)
    return float(growth([sorted(c) for c in covered])[0]), shapes


def _pairs(plane: Plane, shapes: Sets) -> list[tuple[int, int]]:
    numbered = list(enumerate(shapes))
    return [(i, j) for (i, a), (j, b) in product(numbered, numbered) if covers(plane, a, b)]


def _proof(about: Subject, sets: list[HSet], pairs: Sequence[tuple[int, int]] | None, say: Say) -> Certificate | None:
    """The certificate of the pairs that can be proved; None if the sets meet or there is no growth."""
    if not all(disjoint(a, b) for a, b in combinations(sets, 2)):
        return None
    plane = Planar(about.enclosure("step"), Slopes(about.enclosure("jacobian")))
    count, known = range(len(sets)), dict[tuple[int, int], tuple[int, int]]()
    tried = list(product(count, count)) if pairs is None else pairs
    for k, (i, j) in enumerate(tried):
        pieces = plane.covering(sets[i], sets[j])
        known |= {} if pieces is None else {(i, j): pieces}
        say(f"{k + 1} of {len(tried)} coverings")
    rate, vector = growth([[j for j in count if (i, j) in known] for i in count])
    if not vector:
        return None
    place = {i: k for k, i in enumerate(i for i in count if vector[i])}
    used = {(place[i], place[j]): pieces for (i, j), pieces in known.items() if i in place and j in place}
    claim = {"transitions": [list(pair) for pair in used], "growth": written(rate), "entropy": written(log_below(rate))}
    evidence = {"sets": list(_texts([sets[i] for i in place])), "cuts": [list(pieces) for pieces in used.values()],
                "vector": [vector[i] for i in place]}  # fmt: skip
    return proved("horseshoe", about, claim, evidence)


def _texts(sets: Sequence[HSet]) -> Iterator[dict[str, Any]]:
    for s in sets:
        yield {"centre": interval_text(*s.centre), "columns": [interval_text(*column) for column in s.columns]}
