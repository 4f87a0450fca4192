"""An expanding map of an interval: an invariant measure with a density, and no stable cycle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor, inf, log10
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.arguments import number, whole_number
from cfdyn.certify.balls import BITS, ball, lower_double
from cfdyn.certify.borders.sides import Sides
from cfdyn.certify.boxes.pace import Progress, Told
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.exact import above, below, written
from cfdyn.certify.regions.images import outward
from cfdyn.certify.subject import Subject, in_floats, subject
from cfdyn.certify.trapping import as_box, halves
from cfdyn.errors import UsageError
from cfdyn.symbolic.optimizer import Optimizer

MOST_LEAVES, DEPTH, MOST_STEPS = 4000, 40, 16
SLACK = 1e-9  # of the interval's length, between an image and its ends; of the growth, for a checker that rounds more coarsely
PLACES = 6  # of the growth, rounded down
LOOKED_AT, AFTER = 2000, 100  # starts of orbits that suggest the number of steps for expansion, after a transient
MARGINS, ROUNDS = (0.1, 0.03, 0.01, 0.003, 0.001), 20  # margin around an interval's image, over its length; widenings
Box = list[tuple[float, float]]


def measure(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, start: float | None = None,
    steps: int | None = None, most: int = MOST_LEAVES, progress: Progress | None = None, **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove that a map of one variable has an invariant measure with a density in an interval, and no stable cycle there.

    The proof verifies the hypotheses of Lasota and Yorke's theorem: g maps [lo, hi] into itself; it consists of finitely many
    pieces, each of them C² up to its ends (corners and jumps may lie between them); and |(gᵐ)′| ≥ r > 1 on all pieces of gᵐ for
    some m. Then there is an invariant probability measure that is absolutely continuous. The proof does not show that this
    measure is unique.

    loss, optimizer : a loss (text, `cf.Loss`) and an optimizer, or a map of formulas alone
    box : (lo, hi), the interval; the loss's own box if None
    start : in place of a box: a state; the proof uses an interval around its orbit
    steps : m; if None, the least one, up to 16, that orbits suggest
    most : largest number of leaves that the interval is cut into, beyond which the proof is given up
    progress : called with the numbers of boxes done and waiting, and the seconds left, or None if they are unknown
    vary : other values of parameters, or intervals (lo, hi) for all of which to prove the claim

    If the map does not expand, takes a point out of the interval, or has a piece without bounded curvature, the certificate is
    not proved and states a reason.
    UsageError: a map of several variables; both a box and a start

    Examples
    --------
    The curvature is 1 on both sides of the corner: beyond η = 2 nothing is stable, and up to 3 nothing diverges.

    >>> import cfdyn as cf
    >>> proof = measure("(Abs(w) - 1)**2/2", cf.optimizers.gd(lr=2.5), (-2.9, 2.9))
    >>> proof.proved, proof.claim["steps"], proof.claim["growth"]
    (True, 1, '1.499999')

    References
    ----------
    Lasota & Yorke (1973), On the existence of invariant measures for piecewise monotonic transformations, Trans. Amer. Math. Soc.
    186, 481, theorem 1.
    """
    about = subject(loss, optimizer, vary)
    if about.dim != 1:
        raise UsageError(f"an invariant density is proved for maps of one variable, not of {about.dim}")
    if steps is not None:
        steps = whole_number("steps", steps, 1, MOST_STEPS)
    if box is not None and start is not None:
        raise UsageError("give a box, or a start whose orbit stays in an interval, not both")
    whole = as_box(loss, box, 1) if start is None else _around(about, number("a start", start, finite=True))
    if whole is None:
        return unproved(about, "measure", "no interval around the orbit of the start is found to map into itself; give a box")
    suggested, why = (steps, "") if steps else _suggested(about, whole[0])
    if suggested is None:
        return unproved(about, "measure", why)
    with ctx.workprec(BITS):
        return _Proof(about, whole, suggested, most, Told(progress)).certificate()


def _around(about: Subject, start: float) -> Box | None:
    """An interval around an orbit, with margins, that is mapped into itself as far as doubles show."""
    values = list(product(*[(lo, (lo + hi) / 2, hi) for lo, hi in about.varied.values()]))
    maps = [in_floats(about.over(dict(zip(about.varied, value))), "step") for value in values]
    z = np.repeat(np.array([[start]]), len(maps), axis=1)
    for n in range(AFTER + LOOKED_AT):
        z = np.concatenate([step(z[:, k : k + 1]) for k, step in enumerate(maps)], axis=1)
        if not np.isfinite(z).all():
            return None
        if n == AFTER:
            lo = hi = z[0, 0]
        if n >= AFTER:
            lo, hi = min(lo, z.min()), max(hi, z.max())
    for margin in MARGINS:
        room, low, high = margin * (hi - lo), float(lo), float(hi)
        for _ in range(ROUNDS):
            images = [step(np.linspace(low, high, LOOKED_AT)[None]) for step in maps]
            least, most = float(min(z.min() for z in images)), float(max(z.max() for z in images))
            if low < least - room / 2 and most + room / 2 < high:
                digits = ceil(-log10(room / 4))
                return [(round(low, digits), round(high, digits))]
            low, high = min(low, least - room), max(high, most + room)
            if not np.isfinite([low, high]).all():
                break
    return None


def _suggested(about: Subject, ends: tuple[float, float]) -> tuple[int | None, str]:
    """The least m for which |(gᵐ)′| > 1 on orbits of the interval, in doubles; or why there is none."""
    step, slope = in_floats(about, "step"), in_floats(about, "jacobian")
    z = np.linspace(*ends, LOOKED_AT + 2)[None, 1:-1]
    sizes = []
    for _ in range(MOST_STEPS):
        sizes.append(np.abs(slope(z)[0]))
        z = step(z)
        if not np.isfinite(z).all() or z.min() < ends[0] or z.max() > ends[1]:
            return None, "orbits leave the interval, or are not defined in it; try another box"
        product = np.prod(sizes, axis=0)
        if product.min() > 1:
            return len(sizes), ""
    start = float(np.linspace(*ends, LOOKED_AT + 2)[1:-1][product.argmin()])
    return None, f"the map is not shown to expand: from {start:.6g} on, {MOST_STEPS} steps have the slope {product.min():.3g}"


class _Proof:
    """A proof over the interval and the parameters' intervals: leaves on which the hypotheses hold."""

    def __init__(self, about: Subject, interval: Box, steps: int, most: int, told: Told):
        self.about, self.interval, self.steps, self.most, self.told = about, interval, steps, most, told
        self.sides = Sides(about.enclosure("step"))
        self.room = SLACK * (interval[0][1] - interval[0][0])
        self.leaves, self.growth, self.why = 0, inf, ""

    def certificate(self) -> Certificate:
        """The certificate of the whole claim, or why there is none."""
        if not self.sides.small:
            return unproved(self.about, "measure", "the map has too many rows of data for its pieces to be distinguished")
        root = self.interval + [(below(lo), above(hi)) for lo, hi in self.about.varied.values()]
        tree = "".join(self._tree(root, root))
        growth = Fraction(floor(self.growth * (1 - SLACK) * 10**PLACES), 10**PLACES) if np.isfinite(self.growth) else 0
        if self.why or growth <= 1:
            return unproved(self.about, "measure", self.why or "the map expands by less than the claim has digits for")
        claim = {"interval": interval_text(*self.interval[0]), "steps": self.steps, "growth": written(Fraction(growth))}
        return proved("measure", self.about, claim, {"tree": tree})

    def _tree(self, part: Box, root: Box, depth: int = 0) -> Iterator[str]:
        """The letters of the tree; if the proof is given up, ``why`` states the reason."""
        growth, problem = self._leaf(part)
        if growth > 1:
            self.growth = min(self.growth, growth)
            self.leaves += 1
            self.told.box(depth, False)
            yield "e"
            return
        if depth == DEPTH or self.leaves >= self.most or self.why:
            names = [*self.about.names, *self.about.varied]
            ends = ", ".join(f"{name} in [{lo:.9g}, {hi:.9g}]" for name, (lo, hi) in zip(names, part))
            self.why = self.why or f"undecided: {ends}; {problem}"
            return
        widths = [(hi - lo) / (b - a) for (lo, hi), (a, b) in zip(part, root)]
        k = widths.index(max(widths))
        self.told.box(depth, True)
        yield str(k)
        for half in halves(part, k):
            yield from self._tree(half, root, depth + 1)

    def _leaf(self, part: Box) -> tuple[float, str]:
        """A lower bound of the expansion by m steps, from all pieces of a part; 0 and the reason if it is not known."""
        values = dict(zip(self.about.varied, part[1:]))
        parameters = [ball(*values[n]) if n in values else p for n, p in zip(self.about.spec.params, self.about.parameters())]
        rows = [(ball(*part[0]), arb(1))]
        for k in range(self.steps):
            after = []
            for x, size in rows:
                pieces = self.sides.over(x, parameters)
                if pieces is None:
                    return 0.0, "a piece may have unbounded curvature there, or end more than once"
                if k == 0 and not all(self._inside(piece.image) for piece in pieces):
                    return 0.0, "the image may leave the interval; try a slightly larger one, or start=…"
                after += [(self._cut(piece.image), size * piece.slope.abs_lower()) for piece in pieces]
            rows = [(cut, size) for cut, size in after if cut is not None]
        least = min((lower_double(size) for _, size in rows), default=0.0)
        return least, f"{self.steps} step{'s' * (self.steps > 1)} may not expand"

    def _inside(self, image: arb) -> bool:
        (lo, hi), (low, high) = self.interval[0], outward(image)
        return lo + self.room < low and high < hi - self.room

    def _cut(self, image: arb) -> arb | None:
        """The part of an image in the interval; points of the interval are mapped nowhere else."""
        (lo, hi), (low, high) = self.interval[0], outward(image)
        return ball(max(lo, low), min(hi, high)) if low <= hi and lo <= high else None
