"""No cycle of a period in a box, for any parameter in an interval."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.certify.boxes.helping import Helpers
from cfdyn.certify.boxes.judging import Question
from cfdyn.certify.boxes.keeping import kept, label
from cfdyn.certify.boxes.pace import MOST, Progress
from cfdyn.certify.boxes.search import Boxes, Search
from cfdyn.certify.boxes.shooting import Box, Shooting, gap, suggested
from cfdyn.certify.boxes.unbounded import Rays, inside, parity
from cfdyn.certify.certificate import Certificate, proved, unproved
from cfdyn.certify.exact import end, exact, written
from cfdyn.certify.ledger import LONGEST, box_of, box_text, helpers, symmetries_text, turns_of
from cfdyn.certify.spellings import ABOVE, all_above, is_max
from cfdyn.certify.subject import Subject, subject
from cfdyn.errors import NumericsError, UsageError, shown

FAR, TRIALS = 2.0**10, 24  # upper limit of the search in an open interval, over lo; number of values tried
BACK = (1e-4, 1e-3, 1e-2, 5e-2, 0.2)  # distances from the birth of a cycle, relative to it


def no_cycles(loss: Any, optimizer: Any = None, period: int | str = 3, box: Any = None, *, most: int = MOST,
              jobs: int | None = None, progress: Progress | None = None, keep: str | os.PathLike | None = None,
              **vary: Any) -> Certificate:  # fmt: skip
    """Prove that a box contains no cycle of least period n, for any value of the parameters in their intervals.

    Parameters
    ----------
    loss, optimizer : as for `cf.as_map`; or a map of formulas alone
    period : n ≥ 2; for maps of one variable also "above 1" (no cycles other than fixed points), and, on the whole line for odd
        maps, "above 2"
    box : (lo, hi), or one such pair for each entry of the state; for one variable also (-inf, inf)
    vary : parameters of the map: exact numbers, or pairs such as ``lr=(0.1, 1.45)``; if the upper end of one of them is "max"
        (or None), cfdyn searches for the largest upper end that can be proved
    most : largest number of nodes in the tree of boxes
    jobs : number of parallel processes if the search takes more than half a second (default: the number of processors); the
        certificate is the same to the last byte
    progress : called with the numbers of boxes done and waiting, and the seconds left or None: see `cfdyn.certify.boxes.pace`
    keep : a folder in which an interrupted search is saved, and from which the same call resumes

    Raises
    ------
    UsageError: an invalid box, period or interval

    Examples
    --------
    >>> import cfdyn as cf
    >>> c = cf.certify.no_cycles("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1), 3, (-1.5, 1.5), lr=(0.1, 1.2))
    >>> c.proved, c.statement.partition(":")[0]
    (True, 'For every lr from 0.1 to 1.2')

    References
    ----------
    Galias, Int. J. Bifurcation Chaos 11 (2001) 2427; Sharkovskii's theorem.
    """
    n = all_above(period) or _period(period)
    open_ended = [name for name, value in vary.items()
                  if isinstance(value, tuple | list) and len(value) == 2 and is_max(value[1])]  # fmt: skip
    start = {name: value[0] if name in open_ended else value for name, value in vary.items()}
    about = subject(loss, optimizer, start)
    outer = box_of(about, box)
    if n == "all above 2" and outer != [(-math.inf, math.inf)]:
        raise UsageError("'above 2' is proved on the whole line: box=(-inf, inf)")
    if isinstance(n, str) and about.dim != 1:
        raise UsageError(f"'{n.removeprefix('all ')}' is for maps of one variable")
    if len(open_ended) > 1:
        raise UsageError(f"one interval may be open, not those of {' and '.join(open_ended)}")
    with helpers(jobs) as others:
        how = How(others, most, progress, keep)
        if open_ended:
            return _largest(about, outer, n, open_ended[0], how)
        return _refuted(about, outer, n) or _proof(about, outer, n, how)


class How(NamedTuple):
    """The options of a search."""

    others: Helpers
    most: int
    progress: Progress | None
    keep: Any

    def searched(self, question: Question, name: str, what: object) -> Search:
        """The search, run as far as it goes."""
        search = Search(question, self.others, self.most, self.progress)
        with kept(search, self.keep, f"no-cycles-{name}", label(question.subject, question.box, what)):
            search.run(patience=0)
        return search


def _period(period: Any) -> int:
    if isinstance(period, str):
        raise UsageError(f"period is a whole number from 2 on, or {' or '.join(map(repr, ABOVE))}, not {shown(period)}")
    return whole_number("period", period, 2, LONGEST)


def _proof(about: Subject, box: Box, n: int | str, how: How) -> Certificate:
    if n == "all above 2":
        return _folded(about, box, how)
    period = n if isinstance(n, int) else 2
    try:
        where = inside(about, box, period)
    except NumericsError as problem:
        return unproved(about, "no_cycles", str(problem))
    turns = [] if isinstance(n, str) else turns_of(about, where.box)
    search = how.searched(Question(about, where.box, period, unbroken=isinstance(n, str), turns=turns), str(n), (n, turns))
    if search.given_up:
        return unproved(about, "no_cycles", _why(about, search.given_up))
    claim = {"period": n, "box": box_text(box)}
    return proved("no_cycles", about, claim, {**where.evidence, **symmetries_text(turns), "tree": search.tree.text()})


def _folded(about: Subject, box: Box, how: How) -> Certificate:
    """All periods above 2, by K(x) = |g(x)| on the half-line."""
    if parity(about) != -1:
        return unproved(about, "no_cycles", "its formula does not show that the map is odd; 'above 1' and single periods ask for "
                        "no symmetry")  # fmt: skip
    rays = Rays(about)
    t = rays.tape
    slower = rays.tape.neg(rays.descent) if rays.descent is not None else t.sub(rays.z, rays.step)
    sum_ = t.add(rays.z, rays.step)
    right = rays.nearest(lambda r: rays.positive(slower, r, True) and rays.positive(sum_, r, True))
    if right is None:
        return unproved(about, "no_cycles", "it is not proved that |g(x)| < |x| far out")
    bounds = [rays.largest(h, 0.0, right) for h in (rays.step, t.neg(rays.step))]
    tops = [bound for bound in bounds if bound is not None]
    if len(tops) < 2:
        return unproved(about, "no_cycles", f"|g| is not bounded on [0, {right:g}]")
    top = max(right, *tops) * (1 + 2.0**-7)
    search = how.searched(Question(about, [(0.0, top)], 2, fold=True, unbroken=True), "fold", "fold")
    if search.given_up:
        return unproved(about, "no_cycles", _why(about, search.given_up))
    claim = {"period": "all above 2", "box": box_text(box)}
    fold = {"right": end(right), "top": end(top), "tree": search.tree.text()}
    return proved("no_cycles", about, claim, {"fold": fold})


def _refuted(about: Subject, box: Box, n: int | str) -> Certificate | None:
    """Why the claim is false: a cycle is proved to exist at an end or in the middle of the intervals."""
    shape, starts = _starts(box)
    for part in (Fraction(1), Fraction(1, 2), Fraction(0)) if about.varied else (Fraction(0),):
        values = {name: lo + part * (hi - lo) for name, (lo, hi) in about.varied.items()}
        at = about.over(values)
        for k in _periods(n):
            for orbit in suggested(at, shape, k, starts):
                if Shooting(at, shape).largest(orbit, gap(orbit, orbit[:0]) / 2.5) is not None:
                    where = " and ".join(f"{name} = {written(value)}" for name, value in values.items()) or "these parameters"
                    points = " → ".join(", ".join(f"{v:.9g}" for v in point) for point in orbit)
                    return unproved(about, "no_cycles", f"the claim is false: at {where} there is a {k}-cycle: {points}")
    return None


def _why(about: Subject, given_up: list[Boxes]) -> str:
    boxes = Boxes.joined(given_up)
    ends = zip([*about.names, *about.varied], boxes.lo[:, 0], boxes.hi[:, 0], strict=True)
    part = ", ".join(f"{name} in [{lo:.9g}, {hi:.9g}]" for name, lo, hi in ends)
    return (f"undecided: {part}; a cycle may exist in the box or close to it: try another interval of parameters, another box, "
            "or a larger `most`")  # fmt: skip


def _largest(about: Subject, box: Box, n: int | str, name: str, how: How) -> Certificate:
    """The largest upper end that can be proved: a search in floats estimates where cycles appear; proofs back off from there."""
    lo = about.exact[name][0]
    if lo <= 0:
        raise UsageError(f"an open interval begins above 0, not at {written(lo)}")
    birth = _birth(about, name, float(lo), box, n)
    last = unproved(about, "no_cycles", f"no interval that begins at {name} = {written(lo)} could be proved")
    for part in BACK:
        hi = Fraction(f"{birth * (1 - part):.5g}")
        if hi <= lo:
            break
        last = _proof(about.over({name: (lo, hi)}), box, n, how)
        if last.proved:
            break
    return last


def _birth(about: Subject, name: str, lo: float, box: Box, n: int | str) -> float:
    """An estimate, in floats, of where cycles appear as a parameter increases."""
    shape, starts = _starts(box)

    def there(value: float) -> bool:
        at = about.over({name: exact(value)})
        return any(suggested(at, shape, k, starts) for k in _periods(n))

    below, above = lo, lo
    for above in (lo * FAR ** (np.arange(1, TRIALS + 1) / TRIALS)).tolist():
        if there(above):
            break
        below = above
    else:
        return FAR * lo
    for _ in range(20):
        middle = (below + above) / 2
        below, above = (below, middle) if there(middle) else (middle, above)
    return below


def _periods(n: int | str) -> tuple[int, ...]:
    """Periods of which at least one has a cycle if the claim is false and its cycles are not too long."""
    return {"all above 1": (2,), "all above 2": (3, 4, 5, 6)}.get(str(n)) or (int(n),)


def _starts(box: Box) -> tuple[Box, np.ndarray]:
    """A finite box, and a grid of points in it, (d, points)."""
    shape = [(max(lo, -20.0), min(hi, 20.0)) for lo, hi in box]
    each = 400 if len(box) == 1 else max(4, int(1000 ** (1 / len(box))))
    axes = [np.linspace(lo, hi, each) for lo, hi in shape]
    return shape, np.stack([axis.ravel() for axis in np.meshgrid(*axes)])
