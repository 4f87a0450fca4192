"""Every start in a box converges to one fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb_mat, ctx
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cfdyn.certify.balls import BITS
from cfdyn.certify.boxes.pace import Progress, Told
from cfdyn.certify.certificate import Certificate, interval_text, proved, unproved
from cfdyn.certify.exact import end
from cfdyn.certify.regions.contraction import Ellipsoid, RoundPath, ellipsoid, fixed_points
from cfdyn.certify.regions.images import Box, Images
from cfdyn.certify.subject import Floats, Subject, in_floats, subject
from cfdyn.certify.trapping import as_box, halves
from cfdyn.errors import UsageError
from cfdyn.symbolic.optimizer import Optimizer

MOST_STEPS = 1000  # that a checker follows
STEPS = 300  # steps in which a leaf may reach the ellipsoid
MOST_LEAVES = 4000
WIDER = 20.0  # over its initial width: a wider leaf is not iterated further
ROUNDED = 2.0**-46  # over 1 + |x|: accuracy to which a checker in doubles can know how far the map moves the centre
ROOM = 4.0  # width of the box of the fixed point over the proved one
MORE = 5  # steps for which a leaf is iterated after its middle is inside
SLACK = 0.05  # of an image's width, on either side
STARTS = 7  # along each side of the box


def convergence(loss: Any, optimizer: Optimizer | None = None, box: Sequence[Any] | None = None, steps: int = STEPS,
                most: int = MOST_LEAVES, progress: Progress | None = None, **vary: Any) -> Certificate:  # fmt: skip
    """Prove that every start in a box converges to one attracting fixed point.

    The map contracts on an ellipsoid around the point; the box is cut into leaves. Each leaf either lies in the ellipsoid after
    some steps, or is mapped into other leaves without ever coming back.

    loss, optimizer : a loss (text, `cf.Loss`) and an optimizer, or a map of formulas alone, in any dimension
    box : (lo, hi) for each entry of the state (momentum too); for one variable (lo, hi) suffices
    steps : number of steps for which a leaf is iterated
    most : largest number of leaves, beyond which the proof is given up
    progress : called with the numbers of leaves done and open, and the seconds left, or None if they are unknown
    vary : other values of parameters, or intervals (lo, hi) for all of which to prove the claim

    If there is no attracting fixed point, or some starts are not shown to converge to it, the certificate is not proved and
    states a reason.

    Examples
    --------
    >>> import cfdyn as cf
    >>> proof = convergence("(w**2 - 1)**2/4", cf.optimizers.gd(lr=0.4), (0.1, 1.5))
    >>> proof.proved, convergence("(w**2 - 1)**2/4", cf.optimizers.gd(lr=0.4), (-0.1, 1.5), most=200).proved
    (True, False)
    """
    told = Told(progress)
    about = subject(loss, optimizer, vary)
    region = as_box(loss, box, about.dim)
    if not 0 <= steps <= MOST_STEPS:
        raise UsageError(f"a leaf is iterated for 0 to {MOST_STEPS} steps, not {steps}")
    with ctx.workprec(BITS):
        return _proved(about, region, steps, most, told)


def _proved(about: Subject, region: Box, steps: int, most: int, told: Told) -> Certificate:
    images = Images(about)
    go, slopes = in_floats(about, "step"), in_floats(about, "jacobian")
    grid = np.array([g.ravel() for g in np.meshgrid(*(np.linspace(lo, hi, STARTS) for lo, hi in region))])
    points = fixed_points(images, (go, slopes), grid)
    if len(points) != 1:
        return unproved(about, "convergence", f"orbits from the box converge to {len(points) or 'no'} fixed points; "
                        "a smaller box around one of them may do")  # fmt: skip
    size = max(hi - lo for lo, hi in region)
    shape = ellipsoid(images, points[0], slopes, size)
    if shape is None:
        return unproved(about, "convergence", "contraction around the fixed point could not be shown: it may not be "
                        "attracting, or the map may jump there")  # fmt: skip
    around, (q, moved) = shape
    inverse = around.inverse()
    leaves = None if inverse is None else _Leaves(images, go, around, inverse, region, steps, most, told)
    tree = None if leaves is None else leaves.tree()
    if leaves is None or tree is None:
        return unproved(about, "convergence", f"convergence of some starts could not be shown with {most} leaves; "
                        f"try a smaller box, or most={4 * most}")  # fmt: skip
    seen = ROUNDED * float(np.abs(np.linalg.inv(around.matrix)).sum(axis=1).max()) * (1 + float(np.abs(points[0]).max()))
    return _certificate(about, region, around, (ROOM * moved + seen) / (1 - q), min(steps, leaves.used + MORE), tree)


def _certificate(about: Subject, region: Box, around: Ellipsoid, radius: float, steps: int, tree: str) -> Certificate:
    point = around.hull(max(radius, 1e-12))
    claim = {"box": [interval_text(*side) for side in region], "point": [interval_text(*side) for side in point]}
    columns = [[end(v) for v in column] for column in around.matrix.T.tolist()]
    evidence = {"centre": [end(v) for v in around.centre.tolist()], "columns": columns, "steps": steps, "tree": tree}
    return proved("convergence", about, claim, evidence)


def wider(box: np.ndarray) -> np.ndarray:
    """A box with margin for a checker whose enclosures are a little wider."""
    room = SLACK * (box[:, 1] - box[:, 0]) + 1e-12 * (1 + np.abs(box).max(axis=1))
    return box + np.array([-1, 1]) * room[:, None]


@dataclass
class _Node:
    """A part of the box: bisected in coordinate ``k`` into ``parts``, or a leaf with its letter and, for g, its image."""

    box: Box
    letter: str = "?"
    image: Box | None = None
    depth: int = 0
    k: int = -1
    parts: list[_Node] = field(default_factory=list)

    def text(self) -> str:
        """The tree in preorder."""
        return f"{self.k}{self.parts[0].text()}{self.parts[1].text()}" if self.parts else self.letter


@dataclass
class _Leaves:
    images: Images
    go: Floats
    around: Ellipsoid
    inverse: arb_mat
    region: Box
    steps: int
    most: int
    told: Told
    used: int = 0  # steps, by the leaf that takes longest

    def tree(self) -> str | None:
        """The tree of the proof, or None if the leaves do not suffice."""
        root = _Node(self.region)
        leaves, new = list[_Node](), [root]
        while new:
            for n, (node, limit) in enumerate(zip(new, self._arrivals(new))):
                self.told.tell(len(leaves), len(new) - n)
                self._judge(node, limit)
            leaves += new
            bad = self._returning(leaves)
            self.told.round([node.depth for node in new], [node.depth for node in bad])
            self.told.tell(len(leaves) - len(bad), len(bad))
            if len(leaves) + len(bad) > self.most or any(self._rests(node) for node in bad):
                return None
            new = [part for node in bad for part in self._bisected(node)]
            leaves = [node for node in leaves if not node.parts]
        return root.text()

    def _arrivals(self, nodes: list[_Node]) -> list[int]:
        """How many steps to iterate each leaf: a few more than its middle needs to reach the ellipsoid, in doubles."""
        z = np.array([[(lo + hi) / 2 for lo, hi in node.box] for node in nodes]).T
        inverse = np.linalg.inv(self.around.matrix)
        limits = np.ones(len(nodes), dtype=int)
        for k in range(self.steps + 1):
            with np.errstate(all="ignore"):
                inside = np.linalg.norm(inverse @ (z - self.around.centre[:, None]), axis=0) < 1
            limits[inside & (limits == 1)] = min(self.steps, k + MORE)
            z = self.go(z)
        return [min(limit, self.steps) for limit in limits.tolist()]

    def _judge(self, node: _Node, limit: int) -> None:
        """Whether a leaf reaches the ellipsoid, or where it is mapped."""
        path = RoundPath(self.images, node.box, self.around, self.inverse)
        for k in range(limit + 1):
            if self.around.holds(self.inverse, path):
                node.letter, self.used = "i", max(self.used, k)
                return
            if k == limit:
                break
            image = path.advance()
            if k == 0:
                node.image = image
            if self._size(image) > WIDER * self._size(node.box):
                break
        whole = np.array(self.region)
        moved = None if node.image is None else wider(np.array(node.image))
        stays = moved is not None and (moved[:, 0] >= whole[:, 0]).all() and (moved[:, 1] <= whole[:, 1]).all()
        node.letter = "g" if stays else "?"

    def _returning(self, leaves: list[_Node]) -> list[_Node]:
        """Leaves that are mapped out of the box, and those on closed paths of the others."""
        going = [i for i, node in enumerate(leaves) if node.letter == "g"]
        boxes = np.array([node.box for node in leaves])
        rows, columns = [], []
        place = {i: k for k, i in enumerate(going)}
        for i in going:
            image = wider(np.array(leaves[i].image))
            met = np.flatnonzero(((boxes[:, :, 0] <= image[:, 1]) & (boxes[:, :, 1] >= image[:, 0])).all(axis=1))
            rows += [place[i]] * sum(int(j) in place for j in met)
            columns += [place[int(j)] for j in met if int(j) in place]
        n = len(going)
        loops = {a for a, b in zip(rows, columns) if a == b}
        _, label = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n)), connection="strong")
        sizes = np.bincount(label, minlength=1) if n else np.zeros(1)
        again = [leaves[i] for k, i in enumerate(going) if sizes[label[k]] > 1 or k in loops]
        return [node for node in leaves if node.letter == "?"] + again

    def _rests(self, node: _Node) -> bool:
        """True if bisection cannot help: the box is no larger than round-off."""
        return any((hi - lo) < 1e-9 * (b - a) for (lo, hi), (a, b) in zip(node.box, self.region))

    def _size(self, box: Box) -> float:
        return max((hi - lo) / (b - a) for (lo, hi), (a, b) in zip(box, self.region))

    def _bisected(self, node: _Node) -> list[_Node]:
        widths = [(hi - lo) / (b - a) for (lo, hi), (a, b) in zip(node.box, self.region)]
        node.k = widths.index(max(widths))
        node.parts = [_Node(part, depth=node.depth + 1) for part in halves(node.box, node.k)]
        return node.parts
