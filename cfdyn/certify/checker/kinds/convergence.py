"""Every start in a box converges to one fixed point: an ellipsoid that contracts, and a tree that leads into it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap, finite
from cfdyn.certify.checker.numbers.boxes import Array, Interval, down, meet, point, root, square, up
from cfdyn.certify.checker.numbers.matrices import applied, inverse_enclosed, product, row_sums, transposed
from cfdyn.certify.checker.numbers.meeting import Meeting
from cfdyn.certify.checker.tree import CHUNK, gathered

MOST_LEAVES, MOST_ARROWS = 400_000, 5_000_000


class Ellipsoid(NamedTuple):
    """c + M u with |u| ≤ 1, in which g contracts; ``inverse`` encloses M⁻¹, ``half``: half-widths of its hull, rounded up."""

    centre: Array
    matrix: Array
    inverse: Interval
    half: Array


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """The ellipsoid contracts, its fixed point is in the claimed box, and each leaf leads into it."""
    claim = fields.mapping(document["claim"], "the claim", ["box", "point"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["centre", "columns", "steps", "tree"])
    box, aim = fields.box(claim["box"], "the box", g.d), fields.box(claim["point"], "the point", g.d)
    target = _ellipsoid(evidence, g.d)
    _check_contracts(g, target, aim)
    steps = fields.integer(evidence["steps"], "the steps", 0, 1000)
    over = Interval(np.concatenate([box.lo, g.lines.lo]), np.concatenate([box.hi, g.lines.hi]))
    letters, boxes = gathered(fields.text(evidence["tree"], "the tree", 20 * 2**20), over, "ig", MOST_LEAVES)
    inner = boxes[letters == "i"]
    for start in range(0, len(inner.lo), CHUNK):
        if not _reaches(g, inner[start : start + CHUNK], target, steps).all():
            raise NotValid("a leaf i is not known to come into the ellipsoid")
    _check_arrows(g, boxes, letters == "g", box)


def _ellipsoid(evidence: dict[str, Any], d: int) -> Ellipsoid:
    def vector(given: Any, where: str) -> Array:
        numbers = np.array([fields.end(x, where) for x in fields.sequence(given, where, d)])
        if not np.isfinite(numbers).all():
            raise NotValid(f"{where} is not finite")
        return numbers

    centre = vector(evidence["centre"], "the centre")
    matrix = np.array([vector(c, "a column") for c in fields.sequence(evidence["columns"], "the columns", d)]).T
    inverted = inverse_enclosed(matrix)
    if inverted is None:
        raise NotValid("the columns of the ellipsoid are not known to be independent")
    return Ellipsoid(centre, matrix, inverted, _length(point(matrix)))


def _length(x: Interval) -> Array:
    """An upper bound of the Euclidean length of vectors (..., d)."""
    total = square(x[..., 0])
    for k in range(1, x.shape[-1]):
        total = total + square(x[..., k])
    return root(total).hi


def _check_contracts(g: CheckedMap, target: Ellipsoid, aim: Interval) -> None:
    hull = Interval(down(target.centre - target.half), up(target.centre + target.half))
    natural, slopes = g.slopes(hull, g.lines)
    if not finite(natural, slopes):
        raise NotValid("the map is not known to be continuous on the ellipsoid")
    q = _stretch(target, slopes)
    moved = applied(target.inverse, g.value(point(target.centre), g.lines) - point(target.centre))
    rho = _length(moved)
    if not up(q + rho) < 1:
        raise NotValid("the ellipsoid is not known to contract into itself")
    far = up(rho / down(1 - q))
    reach = up(target.half * far)
    if not Interval(down(target.centre - reach), up(target.centre + reach)).within(aim).all():
        raise NotValid("the fixed point is not known to lie in its box")


def _stretch(target: Ellipsoid, slopes: Interval) -> Array:
    """An upper bound of the factor by which matrices (..., d, d) lengthen a vector in the ellipsoid's norm."""
    turned = product(product(target.inverse, slopes), point(target.matrix))
    return root(point(row_sums(product(transposed(turned), turned)).max(axis=-1))).hi


def _reaches(g: CheckedMap, boxes: Interval, target: Ellipsoid, steps: int) -> Array:
    """True for each leaf that has an image in the ellipsoid."""
    d = g.d
    x, lines = boxes[:, :d], boxes[:, d:]
    m = p = point(x.middle)
    total = point(np.broadcast_to(np.eye(d), (len(x.lo), d, d)))
    # an orbit that may be undefined reaches nothing, even if the next step does not depend on its position
    reached, continuous, defined = np.zeros(len(x.lo), dtype=bool), *np.ones((2, len(x.lo)), dtype=bool)
    start = x - m
    radius = _length(applied(target.inverse, start))
    for k in range(steps + 1):
        straight = _length(applied(target.inverse, x - point(target.centre))) <= 1
        offset = applied(target.inverse, p - point(target.centre))
        bent, far = offset + applied(product(target.inverse, total), start), _length(offset)
        reached |= defined & (straight | continuous & ((_length(bent) <= 1) | (up(far + radius) <= 1)))
        if reached.all() or k == steps:
            break
        natural, slopes = g.slopes(x, lines)
        good = finite(natural, slopes)
        continuous &= good
        middle = point(x.middle)
        one = g.value(middle, lines) + applied(slopes, x - middle)
        defined &= (np.isfinite(natural.lo) & np.isfinite(natural.hi)).all(axis=-1)
        p, total, radius = g.value(p, lines), product(slopes, total), up(_stretch(target, slopes) * radius)
        reach = up(radius[:, None] * target.half)
        turned = meet(p + applied(total, start), p + Interval(-reach, reach))
        x = meet(_where(good, meet(natural, one), natural), _where(continuous, turned, natural))
    return reached


def _where(condition: Array, a: Interval, b: Interval) -> Interval:
    return Interval(np.where(condition[:, None], a.lo, b.lo), np.where(condition[:, None], a.hi, b.hi))


def _check_arrows(g: CheckedMap, boxes: Interval, going: Array, box: Interval) -> None:
    """Each leaf g is mapped into the box; no path along the leaves that meet its image returns to it."""
    which = np.flatnonzero(going)
    if not len(which):
        return
    image = g.image(boxes[which])
    if not image.within(box).all():
        raise NotValid("the image of a leaf g is not in the box")
    # leaves are compared together with their parts of the parameters
    image = Interval(
        np.concatenate([image.lo, boxes.lo[which][:, g.d :]], axis=1),
        np.concatenate([image.hi, boxes.hi[which][:, g.d :]], axis=1),
    )
    meeting, place = Meeting(boxes), {int(leaf): k for k, leaf in enumerate(which)}
    before: list[list[int]] = [[] for _ in which]
    open_, arrows = np.zeros(len(which), dtype=int), 0
    for k in range(len(which)):
        met = meeting.met(image.lo[k], image.hi[k])
        met = met[going[met]]
        arrows += len(met)
        if arrows > MOST_ARROWS:
            raise NotValid("the images of the leaves meet too many leaves")
        open_[k] = len(met)
        for leaf in met:
            before[place[int(leaf)]].append(k)
    ready = [k for k in range(len(which)) if not open_[k]]
    done = 0
    while ready:
        k = ready.pop()
        done += 1
        for earlier in before[k]:
            open_[earlier] -= 1
            if not open_[earlier]:
                ready.append(earlier)
    if done < len(which):
        raise NotValid("the leaves that continue contain a closed path")
