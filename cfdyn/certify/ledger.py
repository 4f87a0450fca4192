"""All cycles of a period in a box, each proved, and a proof that the rest of the box contains none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from cfdyn.arguments import whole_number
from cfdyn.certify.borders.symmetry import symmetries
from cfdyn.certify.boxes.greater import Turn
from cfdyn.certify.boxes.helping import Helpers
from cfdyn.certify.boxes.judging import Question
from cfdyn.certify.boxes.keeping import kept, label
from cfdyn.certify.boxes.pace import MOST, Progress
from cfdyn.certify.boxes.proving import prove
from cfdyn.certify.boxes.search import Boxes, Search
from cfdyn.certify.boxes.shooting import Box
from cfdyn.certify.boxes.solved import Points
from cfdyn.certify.boxes.unbounded import Inside, inside
from cfdyn.certify.certificate import Certificate, interval_text, proved
from cfdyn.certify.subject import Subject, subject
from cfdyn.errors import UsageError, shown
from cfdyn.records.brief import brief

LEVELS = tuple(2.0**-k for k in (8, 12, 16, 20, 24, 28, 32, 36, 40))
LONGEST = 64
CROWD = 1000  # number of boxes: if more remain at each level, no level suffices
CELLS = 16  # along each side, for boxes that are left
COARSE = 12  # bisections of each coordinate: open boxes closer together than such a part of the whole are joined
LINKED = 3000  # boxes that are joined one at a time
MANY = "more boxes than `most`: raise it, or take a smaller box"
NARROW = "no test succeeds, and there are no doubles left at which to bisect it: take a wider box"
CLOSE = "no test succeeds: cycles may be too close to each other, or to a cycle whose period divides this one"


@dataclass(frozen=True)
class Ledger:
    """The cycles of a period in a box.

    ``proven``: for each cycle its points' boxes, in the order of iteration; ``undecided``: the remaining boxes, each with the
    reason: if there is any other cycle in the box, the greatest point of it and its images under symmetries of the map lies there
    (the point with the largest first coordinate; among equal ones the largest second, …); ``excluded``: the fraction of the box's
    volume that contains no such point; ``complete``: no boxes remain;
    ``count``: cycles of this least period (a lower bound if the ledger is not complete); ``fixed_points``: of gⁿ, None
    unless all ledgers are complete; ``divisors``: the ledgers of the periods that divide n; ``certificate``: the whole as a file.
    """

    period: int
    box: Box
    proven: list[Points]
    excluded: float
    undecided: list[tuple[Box, str]]
    divisors: Mapping[int, Ledger]
    tree: str
    certificate: Certificate | None = None
    __repr__ = brief

    @property
    def complete(self) -> bool:
        return not self.undecided

    @property
    def count(self) -> int:
        return len(self.proven)

    @property
    def fixed_points(self) -> int | None:
        parts = [*self.divisors.values(), self]
        return sum(p.period * p.count for p in parts) if all(p.complete for p in parts) else None

    def to_json(self) -> dict[str, Any]:
        """The ledger as JSON-ready data."""
        undecided = [{"box": [list(ends) for ends in box], "reason": reason} for box, reason in self.undecided]
        return {"period": self.period, "box": [list(ends) for ends in self.box], "count": self.count, "complete": self.complete,
                "fixed points": self.fixed_points, "excluded": self.excluded, "undecided": undecided,
                "proven": [[[list(ends) for ends in box] for box in cycle] for cycle in self.proven]}  # fmt: skip


def cycles(loss: Any, optimizer: Any = None, period: int = 1, box: Any = None, *, most: int = MOST,
           jobs: int | None = None, progress: Progress | None = None, keep: str | os.PathLike | None = None,
           **vary: Any) -> Ledger:  # fmt: skip
    """All cycles of least period n whose points lie in a box: each proved in a box of its own, and no other exists.

    Parameters
    ----------
    loss, optimizer : as for `cf.as_map`; or a map of formulas alone
    period : n
    box : (lo, hi), or one such pair for each entry of the state; for one variable also (-inf, inf)
    most : largest number of nodes in a tree of boxes; boxes that then remain are undecided
    jobs : number of parallel processes if a search takes more than half a second (default: the number of processors); the
        certificate is the same to the last byte
    progress : called with the numbers of boxes done and waiting, and the seconds left in this pass (there is one for each divisor
        and width of boxes) or None: see `cfdyn.certify.boxes.pace`
    keep : a folder in which an interrupted search is saved, and from which the same call resumes
    vary : other values of parameters, exact: numbers, text such as "1/3"

    Raises
    ------
    UsageError: an invalid box or period
    NumericsError: an infinite box outside which nothing can be proved

    Examples
    --------
    >>> import cfdyn as cf
    >>> ledger = cf.certify.cycles("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.7), period=3, box=(-2, 2))
    >>> ledger.count, ledger.complete, ledger.fixed_points
    (4, True, 15)

    References
    ----------
    Tucker, Validated Numerics (2011), ch. 5; Galias, Int. J. Bifurcation Chaos 11 (2001) 2427.
    """
    n = whole_number("period", period, 1, LONGEST)
    about = subject(loss, optimizer, vary)
    if about.varied:
        raise UsageError(f"cycles are counted at one value of each parameter; {', '.join(about.varied)} is an interval")
    outer = box_of(about, box)
    where = inside(about, outer, n)
    turns, ledgers = turns_of(about, where.box), dict[int, Ledger]()
    with helpers(jobs) as others:
        for d in (k for k in range(1, n + 1) if n % k == 0):
            ledgers[d] = _ledger(Search(Question(about, where.box, d, turns=turns), others, most, progress), keep)
    last = replace(ledgers.pop(n), box=outer, divisors=ledgers)
    return replace(last, certificate=_certificate(about, last, where, turns))


def box_of(about: Subject, box: Any) -> Box:
    """A box as pairs of doubles, one for each entry of the state."""
    try:
        pairs = np.array(box, dtype=float)
        pairs = pairs[None] if pairs.ndim == 1 else pairs
        good = pairs.shape == (about.dim, 2) and bool((pairs[:, 0] < pairs[:, 1]).all())
    except (TypeError, ValueError):
        good = False
    if not good:
        raise UsageError(f"a box is a pair (lo, hi) with lo < hi for each of {', '.join(about.names)}, not {shown(box)}")
    if about.dim > 1 and not np.isfinite(pairs).all():
        raise UsageError("an infinite box needs a map of one variable")
    if np.isinf(pairs).sum() == 1:
        raise UsageError("an infinite box is (-inf, inf)")
    return [(float(lo), float(hi)) for lo, hi in pairs]


def turns_of(about: Subject, box: Box) -> list[Turn]:
    """The identity, and the other signed permutations that take the box to itself and commute with the map."""
    return [tuple(range(1, about.dim + 1)), *symmetries(about, box)]


def symmetries_text(turns: Sequence[Turn]) -> dict[str, Any]:
    """The symmetries in the format of certificates: nothing if there is only the identity."""
    return {"symmetries": [list(turn) for turn in turns[1:]]} if len(turns) > 1 else {}


def helpers(jobs: int | None) -> Helpers:
    """The given number of processes."""
    return Helpers(jobs if jobs is None else whole_number("jobs", jobs, 1, 1024))


def _ledger(search: Search, keep: Any) -> Ledger:
    about, box, n, *_, turns = search.question
    failed: dict[tuple, str] = {}
    with kept(search, keep, f"cycles-{n}", label(about, box, (n, turns))):
        before = CROWD
        for level in LEVELS:
            search.unpark()
            search.run(level)
            count = sum(len(boxes.nodes) for boxes in search.parked)
            if not count:
                break
            failed |= prove(search)
            if count > 1.5 * before and level <= LEVELS[min(len(box), 2)]:
                break
            before = max(count, CROWD)
    left = Boxes.joined([*search.given_up, *search.parked]) if search.given_up or search.parked else None
    plain = MANY if search.crowded() else NARROW if search.given_up else CLOSE
    undecided = [] if left is None else _left(left, failed, plain, search.width)
    volume = 1.0 if left is None else 1.0 - float(np.prod((left.hi - left.lo) / search.width[:, None], axis=0).sum())
    text = search.tree.text(None if left is None else COARSE * len(box))
    return Ledger(n, box, search.solved.cycles, volume, undecided, {}, text)


def _left(left: Boxes, failed: Mapping[tuple, str], plain: str, width: np.ndarray) -> list[tuple[Box, str]]:
    """The remaining boxes as boxes that do not touch, with the reasons."""
    undecided = []
    for box in _merged(left, width * 2.0**-COARSE):
        reasons = [why for point, why in failed.items()
                   if all(lo - 1e-6 <= v <= hi + 1e-6 for v, (lo, hi) in zip(point, box, strict=True))]  # fmt: skip
        undecided.append((box, reasons[0] if reasons else plain))
    return undecided


def _merged(left: Boxes, near: np.ndarray) -> list[Box]:
    """Hulls of boxes that are close to each other; for very many in several variables, of those in one cell of a coarse grid."""
    order = np.argsort(left.lo[0], kind="stable")
    lo, hi = left.lo[:, order], left.hi[:, order]
    if len(lo) == 1:
        group = np.concatenate([[0], np.cumsum(lo[0, 1:] > np.maximum.accumulate(hi[0])[:-1] + near[0])])
    elif lo.shape[1] <= LINKED:
        joined = np.ones((lo.shape[1], lo.shape[1]), dtype=bool)
        for a, b, room in zip(lo, hi, near, strict=True):
            joined &= (a[:, None] <= b + room) & (a <= b[:, None] + room)
        group = connected_components(joined, directed=False)[1]
    else:
        least, most = lo.min(1, keepdims=True), hi.max(1, keepdims=True)
        cells = np.minimum((lo - least) / (most - least) * CELLS, CELLS - 1).astype(int)
        group = np.unique(cells, axis=1, return_inverse=True)[1].ravel()
    ends = [np.full((len(lo), group.max() + 1), fill) for fill in (np.inf, -np.inf)]
    for k in range(len(lo)):
        np.minimum.at(ends[0][k], group, lo[k])
        np.maximum.at(ends[1][k], group, hi[k])
    return [list(zip(a.tolist(), b.tolist(), strict=True)) for a, b in zip(ends[0].T, ends[1].T, strict=True)]


def _certificate(about: Subject, ledger: Ledger, where: Inside, turns: Sequence[Turn]) -> Certificate:
    parts = {**ledger.divisors, ledger.period: ledger} if ledger.fixed_points is not None else {ledger.period: ledger}
    claim = {"period": ledger.period, "box": box_text(ledger.box), "count": ledger.count,
             "complete": ledger.complete, "fixed points": ledger.fixed_points}  # fmt: skip
    ledgers = {
        str(d): {"tree": part.tree, "proven": [list(map(box_text, cycle)) for cycle in part.proven]} for d, part in parts.items()
    }
    return proved("cycles", about, claim, {**where.evidence, **symmetries_text(turns), "ledgers": ledgers})


def box_text(box: Sequence[tuple[float, float]]) -> list[list[str]]:
    """A box in the format of certificates."""
    return [interval_text(*ends) for ends in box]
