"""Trees of boxes: what is written is what was bisected, and the parts fill the box."""

from fractions import Fraction

import numpy as np

from cfdyn.certify.boxes.tree import Tree, leaves


def volume(box):
    total = Fraction(1)
    for lo, hi in box:
        total *= Fraction(hi) - Fraction(lo)
    return total


def test_the_parts_fill_the_box_without_overlap():
    random, tree, open_ = np.random.default_rng(2), Tree(), np.array([0])
    for _ in range(6):
        chosen = open_[random.random(len(open_)) < 0.7]
        if not len(chosen):
            continue
        first = tree.bisect(chosen, random.integers(0, 12, len(chosen)))
        open_ = np.concatenate([np.setdiff1d(open_, chosen), first, first + 1])
    tree.mark(open_[::2], "a")
    text, box = tree.text(), [(0.0, 1.0 + k) for k in range(12)]
    parts = list(leaves(text, box))
    assert sum(volume(part) for _, part in parts) == volume(box)
    assert len(parts) == len(open_)
    assert sum(letter == "a" for letter, _ in parts) == tree.counts()["a"] == len(open_[::2])
    assert "(10)" in text or "(11)" in text


def test_a_tree_of_arrays_is_the_same_tree():
    tree = Tree()
    tree.mark(tree.bisect(np.array([0]), np.array([0])), "q")
    assert Tree.of(**tree.arrays()).text() == tree.text() == "0q?"
