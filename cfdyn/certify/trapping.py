"""A box, or a region of boxes, that a map takes into its own interior."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from flint import ctx

from cfdyn.certify.balls import BITS
from cfdyn.certify.boxes.pace import Progress, Told
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.regions.images import Box, Images, interior
from cfdyn.certify.subject import Subject, in_floats, subject
from cfdyn.errors import UsageError, shown
from cfdyn.symbolic.optimizer import Optimizer

DEPTH = 14  # bisections of the box
FINEST = {1: 12, 2: 9, 3: 5}  # bisections of each coordinate, by dimension
SLACK = 0.02  # of an image's width, on either side, for a checker whose enclosures are a little wider
TRANSIENT, SEEDS = 2000, 500  # steps of the orbit whose cells a region begins with


def trapping(
    loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, start: Sequence[Any] | None = None,
    progress: Progress | None = None, **vary: Any,
) -> Certificate:  # fmt: skip
    """Prove that a map takes a box into its own interior, so that no orbit leaves the box.

    loss, optimizer : a loss (text, `cf.Loss`) and an optimizer, or a map of formulas alone
    box : (lo, hi) for each entry of the state; for one variable (lo, hi) suffices
    start : a state whose orbit stays: if the box itself is not trapping, a region of small boxes around that orbit is tried
    progress : called with the numbers of boxes done and waiting, and the seconds left, or None if they are unknown
    vary : other values of parameters, or intervals (lo, hi) for all of which to prove the claim (without a region)

    If a point is mapped out of the box or the enclosures are too wide, the certificate is not proved and states a reason.

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = trapping("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.4), (-1.4, 1.4))
    >>> proof.proved, trapping("(w**2 - 1)**2/4", cf.optimizers.gd(lr=2.2), (-1.4, 1.4)).proved
    (True, False)
    """
    about = subject(loss, optimizer, vary)
    region = as_box(loss, box, about.dim)
    begin = None if start is None or about.varied else np.asarray(start, dtype=float).ravel()
    if begin is not None and begin.shape != (about.dim,):
        raise UsageError(f"a start has {about.dim} number{'s' * (about.dim > 1)}, not {shown(start)}")
    with ctx.workprec(BITS):
        images, told = Images(about), Told(progress)
        tree = _tree(images, region, region, 0, told)
        if tree is None and begin is not None:
            tree = _region(images, region, begin)
    if tree is not None:
        return _certificate(about, region, tree)
    return unproved(about, "trapping", "it could not be shown that the image of the box lies in its interior; try a larger box"
                    + (", or start=… for a region of boxes around an orbit" if start is None else ""))  # fmt: skip


def as_box(loss: Any, box: Sequence | None, dim: int, names: Sequence[str] = ()) -> Box:
    """A box of states as pairs of doubles; the loss's own box if None. ``names``: of the states, for messages."""
    given = getattr(getattr(loss, "spec", loss), "box", None) if box is None else box
    try:
        ends = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        ends = np.empty(0)
    ends = ends[None] if ends.shape == (2,) else ends
    if ends.shape != (dim, 2) or not np.isfinite(ends).all() or not (ends[:, 0] < ends[:, 1]).all():
        pairs = "one pair (lo, hi)" if dim == 1 else f"a pair (lo, hi) for each of {', '.join(names) or f'{dim} variables'}"
        raise UsageError(f"a box is {pairs} with lo < hi, not {shown(given)}")
    return [(float(lo), float(hi)) for lo, hi in ends]


def _certificate(about: Subject, region: Box, tree: str) -> Certificate:
    claim = {"box": [interval_text(*side) for side in region], "whole": "x" not in tree}
    return proved("trapping", about, claim, {"tree": tree})


def _tree(images: Images, whole: Box, part: Box, depth: int, told: Told) -> str | None:
    """The tree of a proof that the part is mapped into the interior of the whole, or None."""
    image = images.after(part)
    if interior([(lo - SLACK * (hi - lo), hi + SLACK * (hi - lo)) for lo, hi in image], whole):
        told.box(depth, False)
        return "i"
    middle = [((lo + hi) / 2,) * 2 for lo, hi in part]
    if depth == DEPTH or not interior(images.after(middle), whole):
        return None
    told.box(depth, True)
    widths = [(hi - lo) / (b - a) for (lo, hi), (a, b) in zip(part, whole)]
    k = widths.index(max(widths))
    left, right = halves(part, k)
    first = _tree(images, whole, left, depth + 1, told)
    second = first and _tree(images, whole, right, depth + 1, told)
    return f"{k}{first}{second}" if first and second else None


def halves(box: Box, k: int) -> tuple[Box, Box]:
    """The box bisected in one coordinate."""
    lo, hi = box[k]
    middle = (lo + hi) / 2
    return [*box[:k], (lo, middle), *box[k + 1 :]], [*box[:k], (middle, hi), *box[k + 1 :]]


def _region(images: Images, whole: Box, start: np.ndarray) -> str | None:
    """The tree of a region around an orbit, on the coarsest grid that suffices."""
    for depth in range(3, FINEST.get(len(whole), 3) + 1):
        cells = _closed(images, whole, start, depth)
        if cells:
            return _written(cells, depth, len(whole))
    return None


def _closed(images: Images, whole: Box, start: np.ndarray, depth: int) -> set[tuple[int, ...]] | None:
    """Cells of a grid: those that an orbit visits, and all that their images meet; None if an image leaves the box."""
    edges = [_edges(lo, hi, depth) for lo, hi in whole]
    queue = deque(_visited(in_floats(images.about, "step"), edges, start))
    cells = set(queue)
    while queue:
        cell = queue.popleft()
        image = images.after([(float(e[j]), float(e[j + 1])) for e, j in zip(edges, cell)])
        room = [SLACK * (hi - lo) for lo, hi in image]
        image = [(lo - r, hi + r) for (lo, hi), r in zip(image, room)]
        if not interior(image, whole):
            return None
        spans = [_met(e, *side) for e, side in zip(edges, image)]
        for other in product(*spans):
            if other not in cells:
                cells.add(other)
                queue.append(other)
    return cells


def _met(edges: np.ndarray, lo: float, hi: float) -> range:
    """The closed cells that contain a point of [lo, hi]."""
    return range(int(np.searchsorted(edges[1:], lo)), int(np.searchsorted(edges[:-1], hi, "right")))


def _visited(step: Any, edges: list[np.ndarray], start: np.ndarray) -> set[tuple[int, ...]]:
    """The cells of an orbit's points after a transient; no cells if the orbit leaves the box."""
    z, cells = start[:, None], set()
    for n in range(TRANSIENT + SEEDS):
        z = step(z)
        place = tuple(int(np.searchsorted(e, x)) - 1 for e, x in zip(edges, z[:, 0]))
        if not all(0 <= j < len(e) - 1 for j, e in zip(place, edges)):
            return set()
        if n >= TRANSIENT:
            cells.add(place)
    return cells


def _edges(lo: float, hi: float, depth: int) -> np.ndarray:
    """The ends of the cells, by bisection as in a tree."""
    edges = [lo, hi]
    for _ in range(depth):
        edges = [x for a, b in zip(edges, edges[1:]) for x in (a, (a + b) / 2)] + [hi]
    return np.array(edges)


def _written(cells: set[tuple[int, ...]], depth: int, dim: int) -> str:
    """The tree of the cells: coordinates are bisected in turn; a part that contains no cell has the letter x."""
    if not cells:
        return "x"
    if depth == 0:
        return "i"

    def build(chosen: set[tuple[int, ...]], level: int) -> str:
        if not chosen:
            return "x"
        if level == depth * dim:
            return "i"
        k, bit = level % dim, depth - 1 - level // dim
        upper = {c for c in chosen if c[k] >> bit & 1}
        return f"{k}{build(chosen - upper, level + 1)}{build(upper, level + 1)}"

    return build(cells, 0)
