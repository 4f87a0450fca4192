"""A box that is bisected repeatedly, with a letter on each part, as text in preorder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

LEAVES = "aodqsmr?"
OPEN = ord("?")


class Tree:
    """Nodes with a letter; for a bisected node, the coordinate and the first of its two children.

    >>> tree = Tree()
    >>> children = tree.bisect(np.array([0]), np.array([1]))
    >>> tree.mark(children[:1], "a")
    >>> tree.text()
    '1a?'
    """

    def __init__(self) -> None:
        self._letters, self._children = np.full(1024, OPEN, np.uint8), np.full(1024, -1, np.int64)
        self.size = 1

    def bisect(self, nodes: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
        """Bisect nodes: add two children to each; return the lower ones, each followed by its upper one."""
        first = self.size + 2 * np.arange(len(nodes))
        self.size += 2 * len(nodes)
        while self.size > len(self._letters):
            self._letters = np.concatenate([self._letters, np.full(len(self._letters), OPEN, np.uint8)])
            self._children = np.concatenate([self._children, np.full(len(self._children), -1, np.int64)])
        self._letters[nodes], self._children[nodes] = coordinates, first
        return first

    def mark(self, nodes: np.ndarray, letter: str) -> None:
        """Assign a letter to leaves."""
        self._letters[nodes] = ord(letter)

    def counts(self) -> dict[str, int]:
        """The number of leaves with each letter."""
        leaves = self._letters[: self.size][self._children[: self.size] < 0]
        return {letter: int((leaves == ord(letter)).sum()) for letter in LEAVES}

    def text(self, coarse: int | None = None) -> str:
        """The tree in preorder; a part after ``coarse`` bisections that contains an open leaf becomes one open leaf.

        >>> tree = Tree()
        >>> first = tree.bisect(np.array([0]), np.array([0]))
        >>> second = tree.bisect(first, np.array([0]))
        >>> tree.mark(np.concatenate([second, first + 1]), "a")
        >>> tree.text(), tree.text(coarse=1)
        ('00a?a', '0?a')
        """
        letters, children = self._letters[: self.size].tolist(), self._children[: self.size].tolist()
        open_ = self._open() if coarse is not None else []
        parts, stack = [], [(0, 0)]
        while stack:
            node, depth = stack.pop()
            if coarse is not None and depth >= coarse and open_[node]:
                parts.append("?")
            elif children[node] < 0:
                parts.append(chr(letters[node]))
            else:
                parts.append(str(letters[node]) if letters[node] < 10 else f"({letters[node]})")
                stack += [(children[node] + 1, depth + 1), (children[node], depth + 1)]
        return "".join(parts)

    def _open(self) -> list[bool]:
        """For each node whether a leaf below it is open."""
        children = self._children[: self.size]
        open_ = ((children < 0) & (self._letters[: self.size] == OPEN)).tolist()
        for node in np.flatnonzero(children >= 0)[::-1].tolist():  # children follow their parents
            first = int(children[node])
            open_[node] = open_[first] or open_[first + 1]
        return open_

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that a file stores."""
        return {"letters": self._letters[: self.size], "children": self._children[: self.size]}

    @classmethod
    def of(cls, letters: np.ndarray, children: np.ndarray) -> Tree:
        """The tree stored in a file."""
        tree = cls()
        tree._letters, tree._children, tree.size = letters.copy(), children.copy(), len(letters)
        return tree


def middle(lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Where an interval is bisected: lo + (hi − lo)/2 in doubles."""
    return lo + (hi - lo) / 2


def leaves(text: str, box: list[tuple[float, float]]) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Each leaf of a tree over a box, with its part of the box.

    >>> list(leaves("0a?", [(0.0, 1.0)]))
    [('a', [(0.0, 0.5)]), ('?', [(0.5, 1.0)])]
    """
    stack, at = [list(box)], 0
    while stack:
        part = stack.pop()
        if text[at] == "(":
            close = text.index(")", at)
            k, at = int(text[at + 1 : close]), close + 1
        elif text[at].isdigit():
            k, at = int(text[at]), at + 1
        else:
            yield text[at], part
            at += 1
            continue
        lo, hi = part[k]
        m = lo + (hi - lo) / 2
        stack += [[*part[:k], side, *part[k + 1 :]] for side in ((m, hi), (lo, m))]
