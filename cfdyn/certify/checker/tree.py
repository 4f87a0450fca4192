"""The tree over a box: bisections in preorder, so that the leaves fill the box by construction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cfdyn.certify.checker.fields import NotValid, shown
from cfdyn.certify.checker.numbers.boxes import Interval

CHUNK = 1 << 14
MOST_DEPTH = 600


class Leaves(NamedTuple):
    """Some leaves: their letters, and their boxes (N, coordinates)."""

    letters: np.ndarray
    boxes: Interval


def leaves(text: str, box: Interval, allowed: str, what: str = "the tree", chunk: int = CHUNK) -> Iterator[Leaves]:
    """The leaves of a tree over a box (coordinates,), in the order of the text, in chunks; a NotValid for an invalid tree.

    >>> [
    ...     ("".join(part.letters), part.boxes.hi[:, 0].tolist())
    ...     for part in leaves("0a0qa", Interval(np.zeros(1), np.ones(1)), "aq")
    ... ]
    [('aqa', [0.5, 0.75, 1.0])]
    """
    d = box.shape[0]
    if not np.isfinite([box.lo, box.hi]).all():
        raise NotValid(f"{what} is over a box without bounds")
    stack = [(tuple(box.lo.tolist()), tuple(box.hi.tolist()))]
    letters: list[str] = []
    los: list[tuple[float, ...]] = []
    his: list[tuple[float, ...]] = []
    for symbol in _symbols(text, d, what):
        if not stack:
            raise NotValid(f"{what} continues after its last leaf")
        lo, hi = stack.pop()
        if isinstance(symbol, int):
            a, b = lo[symbol], hi[symbol]
            m = a + (b - a) / 2
            if not a < m < b or len(stack) > MOST_DEPTH:
                raise NotValid(f"{what} bisects an interval that has no double between its ends, or is too deep")
            stack.append(((*lo[:symbol], m, *lo[symbol + 1 :]), hi))
            stack.append((lo, (*hi[:symbol], m, *hi[symbol + 1 :])))
            continue
        if symbol not in allowed:
            raise NotValid(f"{what} has a leaf {shown(symbol)}; its leaves are {', '.join(allowed)}")
        letters.append(symbol)
        los.append(lo)
        his.append(hi)
        if len(letters) == chunk:
            yield _packed(letters, los, his)
            letters, los, his = [], [], []
    if stack:
        raise NotValid(f"{what} ends before its last leaf")
    if letters:
        yield _packed(letters, los, his)


def _packed(letters: list[str], los: list, his: list) -> Leaves:
    return Leaves(np.array(letters), Interval(np.array(los), np.array(his)))


def _symbols(text: str, d: int, what: str) -> Iterator[int | str]:
    """The coordinates of bisections as numbers, the letters of leaves."""
    digits = {str(k): k for k in range(min(d, 10))}
    at = 0
    while at < len(text):
        symbol = text[at]
        at += 1
        if symbol == "(":
            end = text.find(")", at, at + 5)
            inner = text[at:end] if end > 0 else ""
            if not (inner.isascii() and inner.isdigit() and 10 <= int(inner) < d and inner[0] != "0"):
                raise NotValid(f"{what} bisects a coordinate that is not there")
            at = end + 1
            yield int(inner)
        elif symbol in digits:
            yield digits[symbol]
        elif symbol in "0123456789":
            raise NotValid(f"{what} bisects the coordinate {symbol}, which is not there")
        else:
            yield symbol


def gathered(text: str, box: Interval, allowed: str, most: int, what: str = "the tree") -> Leaves:
    """All leaves at once; a NotValid for more than ``most``."""
    parts, count = [], 0
    for part in leaves(text, box, allowed, what):
        parts.append(part)
        count += len(part.letters)
        if count > most:
            raise NotValid(f"{what} has more than {most} leaves")
    lo, hi = (np.concatenate([getattr(p.boxes, end) for p in parts]) for end in ("lo", "hi"))
    return Leaves(np.concatenate([p.letters for p in parts]), Interval(lo, hi))


def halves(parts: Interval, root: Interval) -> Interval:
    """Each part (N, coordinates) bisected along its longest side relative to the whole."""
    lo, hi, whole = parts.lo.copy(), parts.hi.copy(), np.maximum(root.hi - root.lo, 1e-300)
    rows, k = np.arange(len(lo)), ((hi - lo) / whole).argmax(axis=1)
    left, right, m = hi.copy(), lo.copy(), parts.middle[rows, k]
    left[rows, k], right[rows, k] = m, m
    return Interval(np.concatenate([lo, right]), np.concatenate([left, hi]))
