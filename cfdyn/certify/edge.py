"""`edge`: gradient flow crosses the edge of stability in a box, and in which direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.arguments import vector
from cfdyn.certify.balls import BITS, lower_double, upper_double
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.critical.sharpest import Box, Sharpest
from cfdyn.certify.exact import end
from cfdyn.certify.subject import Subject, subject
from cfdyn.certify.trapping import as_box, halves
from cfdyn.errors import UsageError
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer

MOST_LEAVES = 4000
SLACK = 0.1  # of its width, by which an enclosure is off 0: for a checker whose enclosures are a little wider
ROUNDS, CLOSE = 60, 1e-9  # of the search for the edge from a point
LARGEST, SMALLEST, SHRINK = 0.25, 1e-7, 0.6  # radius of the box around a point, over 1 + |w|
AROUND, ATTEMPTS = 200, 4096  # leaves for a box around a point; points of a box that are looked at


def edge(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, point: Sequence[Any] | None = None,
    most: int = MOST_LEAVES, **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove that gradient flow comes to the edge of stability in a box, and whether it enters or leaves there.

    λ is the Hessian's largest eigenvalue. Proved are: all others are below 2/η in the box; λ < 2/η at some of its points, λ > 2/η
    at others; wherever ηλ = 2, d(ηλ)/dt = −⟨∇(ηλ), η∇L⟩ along dw/dt = −η∇L has one sign. If it is positive, the flow goes
    from the stable to the unstable side, α < 0, and the central flow is held at the edge; if negative, it leaves the edge.

    loss, optimizer : a loss (text, `cf.Loss`) and plain gradient descent
    box : (lo, hi) for each weight
    point : in place of a box: weights near the edge, such as a point of a path; the largest box that works around the nearest
        point of the edge is taken
    most : leaves that the box is cut into; then the proof is given up
    vary : other values of parameters, or intervals (lo, hi) for all of which it is proved

    UsageError: another optimizer; both a box and a point

    Examples
    --------
    >>> import cfdyn as cf
    >>> found = edge("(x*y - 1)**2/2", cf.optimizers.gd(lr=0.5), point=[0.6, 2.0])
    >>> found.proved, found.claim["enters"]  # towards the minimum x*y = 1 the sharpness x² + y² falls
    (True, False)

    References
    ----------
    Cohen et al. (2025), Understanding optimization in deep learning with central flows; Damian, Nichani & Lee (2023), ICLR.
    """
    about = subject(loss, optimizer, vary)
    if not plain_descent(about):
        raise UsageError("the edge λ = 2/lr is proved of plain gradient descent, cf.optimizers.gd(lr=…) with lr > 0")
    if box is not None and point is not None:
        raise UsageError("give a box, or a point near the edge, not both")
    with ctx.workprec(BITS):
        if point is not None:
            start = vector("a point", point)
            if len(start) != about.dim:
                raise UsageError(f"a point has {about.dim} weight{'s' * (about.dim > 1)}, not {len(start)}")
            return _near(about, start)
        region = as_box(loss, box, about.dim)
        found = _Proof(Sharpest(about), region, most)
        return found.certificate(found.sides())


def plain_descent(about: Subject) -> bool:
    """True if the map is w ← w − lr·∇L with lr > 0 and nothing else."""
    if not isinstance(about.spec, LossMap) or about.dim != about.weights:
        return False
    o = about.spec.optimizer
    plain = {name: f.text.replace(" ", "") for name, f in o.update.items()} == {"w": "w-lr*g"}
    return plain and not o.define and o.gradient is None and o.probe is None and about.exact["lr"][0] > 0


def _near(about: Subject, z: np.ndarray) -> Certificate:
    """In the largest box around the edge near a point."""
    sharpest = Sharpest(about)
    for _ in range(ROUNDS):
        climb = sharpest.climb(z)
        gap = 2 - float(sharpest.sizes(z[:, None])[0])
        if not np.isfinite([gap, *climb]).all() or not climb.any():
            break
        if abs(gap) < CLOSE:
            return _around(sharpest, z, climb)
        z = z + gap * climb / (climb @ climb)
    return unproved("edge", "the search from the point finds no weights where lr times the largest eigenvalue is 2; "
                    "give a point nearer to the edge")  # fmt: skip


def _around(sharpest: Sharpest, z: np.ndarray, climb: np.ndarray) -> Certificate:
    radius, way = LARGEST, climb / np.abs(climb).max()
    last = unproved("edge", "no box")
    while radius > SMALLEST:
        reach = radius * (1 + np.abs(z))
        box = [(a - r, a + r) for a, r in zip(z.tolist(), reach.tolist())]
        last = _Proof(sharpest, box, AROUND).certificate((z - 0.9 * reach * way, z + 0.9 * reach * way))
        if last.proved:
            break
        radius *= SHRINK
    return last


@dataclass
class _Proof:
    """In one box: the tree of leaves, of which each is below, above, or at the edge with a rate of one sign."""

    sharpest: Sharpest
    box: Box
    most: int
    rates: list[tuple[float, float]] = field(default_factory=list)
    leaves: int = 0
    why: str = ""

    def sides(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Two points of the box with the least and the greatest ηλ that a grid sees."""
        each = max(2, int(ATTEMPTS ** (1 / len(self.box))))
        if each**len(self.box) > 4 * ATTEMPTS:
            lo, hi = np.array(self.box).T
            grid = np.random.default_rng(0).uniform(lo, hi, (ATTEMPTS, len(self.box))).T
        else:
            grid = np.stack([g.ravel() for g in np.meshgrid(*(np.linspace(lo, hi, each) for lo, hi in self.box))])
        sizes = self.sharpest.sizes(grid)
        if not np.isfinite(sizes).any():
            return None
        return grid[:, np.nanargmin(sizes)], grid[:, np.nanargmax(sizes)]

    def certificate(self, sides: tuple[np.ndarray, np.ndarray] | None) -> Certificate:
        """Of the whole claim, or why there is none."""
        heights = [self._height([(v, v) for v in z.tolist()]) for z in sides or ()]
        if not heights or heights[0] != "b" or heights[1] != "a":
            return unproved("edge", "no points of the box are seen below and above the edge, with one eigenvalue above; "
                            "try a larger box")  # fmt: skip
        text = self._tree(list(self.box))
        if text is None:
            return unproved("edge", self.why)
        lo, hi = min(r[0] for r in self.rates), max(r[1] for r in self.rates)
        claim = {"box": [interval_text(*side) for side in self.box], "enters": lo > 0, "rate": interval_text(lo, hi)}
        below, above = ([end(v) for v in z.tolist()] for z in sides or ())
        return proved("edge", self.sharpest.about, claim, {"below": below, "above": above, "tree": text})

    def _height(self, box: Box) -> str:
        side = self.sharpest.over(box)
        return "" if side is None else "b" if _off(-side.height) else "a" if _off(side.height) else "e"

    def _tree(self, box: list[tuple[float, float]]) -> str | None:
        """Its tree, or None with the reason in ``why``."""
        letter = self._letter(box)
        if letter:
            self.leaves += 1
            return letter
        widths = [(hi - lo) / (b - a) for (lo, hi), (a, b) in zip(box, self.box)]
        k = widths.index(max(widths))
        if self.leaves >= self.most or self.why or max(widths) < 2.0**-40:
            ends = ", ".join(f"{name} in [{lo:.9g}, {hi:.9g}]" for name, (lo, hi) in zip(self.sharpest.about.names, box))
            self.why = self.why or f"undecided: {ends}; a second eigenvalue may come to the edge, or the rate change its sign; " \
                "try a smaller box"  # fmt: skip
            return None
        left, right = halves(box, k)
        first = self._tree(left)
        second = first and self._tree(right)
        return f"{k if k < 10 else f'({k})'}{first}{second}" if first and second else None

    def _letter(self, box: Box) -> str:
        """Of a leaf on which something is proved; nothing where it is not."""
        side = self.sharpest.over(box)
        if side is None:
            return ""
        if _off(side.height) or _off(-side.height):
            return "a" if side.height > 0 else "b"
        rate = side.rate()
        sign = 1 if _off(rate) else -1 if _off(-rate) else 0
        if not sign:
            return ""
        if self.rates and (self.rates[0][0] > 0) != (sign > 0):
            self.why = self.why or "in one part of the box the edge is entered, in another it is left; take a part of it"
            return ""
        wide = SLACK * 2 * rate.rad() + 1e-12 * (1 + abs(rate.mid()))
        lo, hi = lower_double(rate - wide), upper_double(rate + wide)
        self.rates.append((max(lo, lower_double(rate) / 2), hi) if sign > 0 else (lo, min(hi, upper_double(rate) / 2)))
        return "e"


def _off(x: arb) -> bool:
    """True if all of a ball is well above 0."""
    return bool(x.is_finite() and x - 2 * SLACK * x.rad() > 1e-11)
