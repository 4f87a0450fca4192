"""Chaos of a map of one variable, proved: an odd cycle, and entropy by covering relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import ctx

from cfdyn.certify.balls import BITS, ball
from cfdyn.certify.borders.continuity import refusal
from cfdyn.certify.boxes.pace import Say, saying
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.covering.growth import growth, log_below
from cfdyn.certify.covering.line_cycles import line_cycles
from cfdyn.certify.covering.marks import Marks, marks
from cfdyn.certify.exact import end, written
from cfdyn.certify.shooting.krawczyk import proven_cycle
from cfdyn.certify.subject import Floats, Subject, in_floats, subject
from cfdyn.errors import UsageError, shown
from cfdyn.symbolic.optimizer import Optimizer

MOST_MARKS = 300
LONGEST_ODD = 15
WIDTHS = (1e-11, 1e-8, 1e-12)  # first half-widths of proven boxes, over 1 + |x|
DEPTH = 6  # bisections in the proof of continuity
NOTHING = "no odd cycle and no intervals that cover each other with growth above 1 were found; try another box, or longest=9"
TURNS = 20_000  # points at which the sign of the slope is evaluated

Box = tuple[float, float]


def chaos(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, period: int | None = None, longest: int = 7,
    progress: Say | None = None, **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove an odd cycle and a lower bound of the entropy, for a map of one variable.

    A search in doubles finds cycles and turning points; the proof verifies what follows from them in ball arithmetic.

    loss, optimizer : a loss (text, `cf.Loss`) and an optimizer, or a map of formulas alone
    box : (lo, hi), in which to search for cycles; the loss's own box if None
    period : the odd period to prove; the least one up to 15 if None
    longest : cycles up to this period make the intervals that cover each other: more of them, more entropy
    progress : called with a description, in words, of the current step: the period of the cycles searched for, then what is
        proved
    vary : other values of parameters, or intervals (lo, hi) for all of which to prove the claim

    If no odd cycle and no covering with growth above 1 is found, the certificate is not proved and states a reason.
    UsageError: a map of several variables (use `horseshoe` for two)

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = chaos(cf.Map.from_text("r*x*(1-x)", params={"r": 3.9}), box=(0, 1), longest=8)
    >>> proof.proved, proof.claim["period"], proof.claim["entropy"]
    (True, 3, '0.539792497')

    References
    ----------
    Sharkovskii (1964), Ukr. Math. J. 16, 61. Li & Yorke (1975), Amer. Math. Monthly 82, 985. Misiurewicz & Szlenk (1980), Studia
    Math. 67, 45 (entropy of covering intervals).
    """
    about = subject(loss, optimizer, vary)
    if about.dim != 1:
        raise UsageError(f"chaos is proved for maps of one variable, not of {about.dim}; cf.certify.horseshoe is for two")
    if period is not None and (period < 3 or period % 2 == 0):
        raise UsageError(f"an odd period from 3 on proves chaos, not {period}")
    with ctx.workprec(BITS):
        return _Line(about, saying(progress)).prove(_interval(loss, box), period, longest)


def _interval(loss: Any, box: Sequence | None) -> Box:
    given = getattr(getattr(loss, "spec", loss), "box", None) if box is None else box
    if given is None:
        raise UsageError("give a box (lo, hi) in which to search for cycles")
    ends = np.asarray(given, dtype=float).ravel()
    if ends.shape != (2,) or not ends[0] < ends[1] or not np.isfinite(ends).all():
        raise UsageError(f"the box of one variable is (lo, hi) with lo < hi, not {shown(given)}")
    return float(ends[0]), float(ends[1])


@dataclass
class _Line:
    about: Subject
    say: Say

    def __post_init__(self) -> None:
        self.step = self.about.enclosure("step")
        self.floats: tuple[Floats, Floats] = (in_floats(self.about, "step"), in_floats(self.about, "jacobian"))

    def prove(self, interval: Box, period: int | None, longest: int) -> Certificate:
        """The certificate from the cycles in the interval."""
        cycles = self._cycles(interval, max(longest, 1))
        odd = self._odd(interval, cycles, period)
        if period is not None and odd is None:
            where = f"[{interval[0]:g}, {interval[1]:g}]"
            return unproved(self.about, "chaos", f"no {period}-cycle of the map was found and proved in {where}; "
                            "try another box, or no period")  # fmt: skip
        others = [c for group in cycles.values() for c in group if c is not odd]
        for used, numbers in ((others, self._turning(interval)), ([], [])):
            self.say(f"which intervals cover each other, between points of {len(used) + (odd is not None)} cycles")
            known = self._marks(odd, used, numbers)
            if known is None:
                continue
            self.say("that the map is continuous there")
            tree = self._continuous(*_hull(known[0]))
            if tree is not None:
                return self._certificate(odd, *known, tree)
        if odd is None:
            return unproved(self.about, "chaos", NOTHING)
        return unproved(self.about, "chaos", "the map may jump, or is not defined, between the points of the cycle: "
                        "these theorems are about continuous maps")  # fmt: skip

    def _cycles(self, interval: Box, longest: int) -> dict[int, list[list[Box]]]:
        """Proven cycles by period, up to the limit on their number."""
        cycles: dict[int, list[list[Box]]] = {}
        taken: list[Box] = []
        for n in range(1, longest + 1):
            cycles[n] = []
            self.say(f"searching for cycles of period {n}, up to {longest}")
            for points in line_cycles(*self.floats, interval, n):
                if len(taken) + n > MOST_MARKS:
                    break
                boxes = self._proven(points)
                if boxes is not None and _apart([*taken, *boxes]):
                    cycles[n].append(boxes)
                    taken += boxes
        return cycles

    def _odd(self, interval: Box, cycles: Mapping[int, list[list[Box]]], period: int | None) -> list[Box] | None:
        for n in range(3, LONGEST_ODD + 1, 2) if period is None else (period,):
            if cycles.get(n):
                return cycles[n][0]
            self.say(f"searching for an odd cycle, of period {n}")
            for points in [] if n in cycles else line_cycles(*self.floats, interval, n):
                boxes = self._proven(points)
                if boxes is not None and _apart(boxes):
                    return boxes
        return None

    def _proven(self, points: np.ndarray) -> list[Box] | None:
        proven = proven_cycle(self.about, [[x] for x in points.tolist()], WIDTHS)
        return None if proven is None else [box[0] for box in proven.boxes]

    def _turning(self, interval: Box) -> list[float]:
        """Approximate points where the slope changes its sign."""
        x = np.linspace(*interval, TURNS + 1)
        with np.errstate(invalid="ignore"):
            at = np.flatnonzero(np.diff(np.sign(self.floats[1](x[None])[0])))
        return [float(v) for v in (x[at] + x[at + 1])[: MOST_MARKS // 2] / 2]

    def _marks(self, odd: list[Box] | None, others: list[list[Box]], numbers: list[float]) -> tuple[Marks, list, list] | None:
        """The marks with the other cycles and the numbers added, except those that would meet others."""
        taken = list(odd or [])
        used, places = [], []
        for cycle in others:
            if _apart([*taken, *cycle]):
                used.append(cycle)
                taken += cycle
        for x in numbers:
            if _apart([*taken, (x, x)]):
                places.append(x)
                taken.append((x, x))
        ordered = marks(self.step, [*([odd] if odd else []), *used], places) if len(taken) > 1 else None
        return None if ordered is None else (ordered, used, places)

    def _continuous(self, lo: float, hi: float, depth: int = 0) -> str | None:
        """The tree of a proof that the map is continuous on [lo, hi], or None."""
        if not refusal(self.step, [[ball(lo, hi)]]):
            return "c"
        middle = (lo + hi) / 2
        if depth == DEPTH or not lo < middle < hi:
            return None
        left = self._continuous(lo, middle, depth + 1)
        right = left and self._continuous(middle, hi, depth + 1)
        return f"0{left}{right}" if left and right else None

    def _certificate(self, odd: list[Box] | None, known: Marks, used: list, numbers: list[float], tree: str) -> Certificate:
        rate, vector = growth(known.covers)
        if odd is None and not vector:
            return unproved(self.about, "chaos", NOTHING)
        claim = {
            "interval": interval_text(*_hull(known)), "period": None if odd is None else len(odd),
            "points": None if odd is None else _points(odd), "growth": written(rate) if vector else None,
            "entropy": written(log_below(rate)) if vector else None,
        }  # fmt: skip
        evidence = {"continuous": tree, "cycles": [_points(c) for c in used], "numbers": [end(x) for x in sorted(numbers)],
                    "vector": vector}  # fmt: skip
        return proved("chaos", self.about, claim, evidence)


def _hull(known: Marks) -> Box:
    return known.boxes[0][0], known.boxes[-1][1]


def _apart(boxes: Sequence[Box]) -> bool:
    ordered = sorted(boxes)
    return all(a[1] < b[0] for a, b in zip(ordered, ordered[1:]))


def _points(cycle: Sequence[Box]) -> list[list[list[str]]]:
    return [[interval_text(*box)] for box in cycle]
