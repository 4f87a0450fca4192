"""Positive entropy of a map of the plane, proved by parallelograms that cover each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np

from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.exact import written
from cfdyn.certify.excursions import Shape, covers, excursion, home
from cfdyn.certify.floats import in_floats
from cfdyn.certify.growth import growth, log_below
from cfdyn.certify.hsets import HSet, Planar, disjoint
from cfdyn.certify.saddles import Plane
from cfdyn.certify.subject import Subject, subject
from cfdyn.errors import UsageError, shown
from cfdyn.symbolic.optimizer import Optimizer

SIZES = (np.geomspace(2e-3, 0.5, 16), np.geomspace(5e-3, 1, 8))  # of the first set, along its two directions, over the box's size
TRIES = 6  # of the best candidates, to prove
NEAR, WITHIN = 1e-3, 5e-2  # where orbits leave a saddle and come back to it, over the box's size

Sets = list[Shape]


def horseshoe(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence | None = None, period: int = 1, sets: Sequence | None = None,
    **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove a horseshoe of a map of two variables: disjoint parallelograms, which of them cover which, and the entropy that follows.

    The sets are found around a saddle and orbits that leave it and come back, in doubles; what is claimed is verified in ball arithmetic.

    loss, optimizer : a loss (text, `cf.Loss`) and an optimizer whose state has two entries, or a map of formulas alone
    box : ((lo, hi), (lo, hi)), in which the saddle lies; the loss's own box if None and there is one for each entry of the state
    period : of the saddle
    sets : parallelograms to take in place of those that are searched for: (centre, (stretched column, other column)) each
    vary : other values of parameters, or intervals (lo, hi) for all of which it is proved

    The certificate is not proved, with a reason, where no saddle, no orbit back to it, or no proof is found.
    UsageError: a map of another dimension

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
    >>> found = horseshoe(henon, box=((-2, 2), (-1, 1)))
    >>> found.proved, float(found.claim["entropy"]) > 0.2
    (True, True)

    References
    ----------
    Zgliczyński & Gidea (2004), Covering relations for multidimensional dynamical systems, J. Differential Equations 202, 32.
    """
    about = subject(loss, optimizer, vary)
    if about.dim != 2:
        raise UsageError(f"a horseshoe is proved of maps of two variables, not of {about.dim}; cf.certify.chaos is for one")
    if sets is not None:
        return _proof(about, [_given(s) for s in sets], None) or unproved("horseshoe", NO_GROWTH)
    plane = Plane(in_floats(about, "step"), in_floats(about, "jacobian"), period)
    region, saddles, candidates = _box(loss, box), 0, []
    for saddles, saddle in enumerate(plane.saddles(region), 1):
        size = float((region[:, 1] - region[:, 0]).min())
        orbits = plane.homoclinic(saddle, NEAR * size, WITHIN * size)
        for along, across in product(*(s * size for s in SIZES)):
            base = home(plane, saddle, along, across)
            found = base and _with_excursions(plane, base, orbits)
            candidates += [found] if found else []
    for rate, shapes in sorted(candidates, key=lambda c: -c[0])[:TRIES]:
        certificate = _proof(about, [_hset(s) for s in shapes], _pairs(plane, shapes))
        if certificate is not None:
            return certificate
    reason = (f"no saddle of period {period} was found in the box" if not saddles else
              "no orbit was found that leaves a saddle and comes back so that parallelograms along it cover each other" if not candidates
              else "parallelograms were found, but the covering of one by another could not be proved")  # fmt: skip
    return unproved("horseshoe", f"{reason}; try another box, period, or sets of your own")


NO_GROWTH = "the sets are not disjoint, or cover each other in single loops only"


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


def _with_excursions(plane: Plane, base: Sets, orbits: Sequence[np.ndarray]) -> tuple[float, Sets] | None:
    """The base with as many excursions as have room beside each other, and the growth rate of what they cover."""
    shapes, loops = list(base), [list(range(len(base)))]
    for orbit in orbits:
        more = excursion(plane, base, orbit)
        if more and all(_apart(a, b) for a, b in [*product(more, shapes), *combinations(more, 2)]):
            loops.append([*range(len(base)), *range(len(shapes), len(shapes) + len(more))])
            shapes += more
    if len(loops) == 1:
        return None
    covered: list[set[int]] = [set() for _ in shapes]
    for loop in loops:
        for i, j in zip(loop, [*loop[1:], loop[0]]):
            covered[i].add(j)
    return float(growth([sorted(c) for c in covered])[0]), shapes


def _apart(one: Shape, other: Shape) -> bool:
    ends = np.array([-1.0, 1.0])
    for a, b in ((one, other), (other, one)):
        corners = b.centre[:, None] + b.matrix @ np.array([np.repeat(ends, 2), np.tile(ends, 2)])
        u = a.coordinates(corners)
        if (u.min(axis=1) > 1.001).any() or (u.max(axis=1) < -1.001).any():
            return True
    return False


def _pairs(plane: Plane, shapes: Sets) -> list[tuple[int, int]]:
    numbered = list(enumerate(shapes))
    return [(i, j) for (i, a), (j, b) in product(numbered, numbered) if covers(plane, a, b)]


def _proof(about: Subject, sets: list[HSet], pairs: Sequence[tuple[int, int]] | None) -> Certificate | None:
    """The certificate of the pairs that can be proved; None where the sets meet or nothing grows."""
    if not all(disjoint(a, b) for a, b in combinations(sets, 2)):
        return None
    plane = Planar(about.enclosure("step"), about.enclosure("jacobian"))
    count = range(len(sets))
    cut = {(i, j): plane.covering(sets[i], sets[j]) for i, j in (product(count, count) if pairs is None else pairs)}
    known = {pair: pieces for pair, pieces in cut.items() if pieces is not None}
    rate, vector = growth([[j for j in count if (i, j) in known] for i in count])
    if not vector:
        return None
    used = {pair: pieces for pair, pieces in known.items() if vector[pair[0]] and vector[pair[1]]}
    claim = {"transitions": [list(pair) for pair in used], "growth": written(rate), "entropy": written(log_below(rate))}
    evidence = {"sets": list(_texts(sets)), "cuts": [list(pieces) for pieces in used.values()], "vector": vector}
    return proved("horseshoe", about, claim, evidence)


def _texts(sets: Sequence[HSet]) -> Iterator[dict[str, Any]]:
    for s in sets:
        yield {"centre": interval_text(*s.centre), "columns": [interval_text(*column) for column in s.columns]}
