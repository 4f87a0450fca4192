"""What a proof tells while it works: boxes done and waiting with the time left, or words."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.certify.boxes.pace import Told
from cfdyn.errors import UsageError

O = cf.optimizers  # noqa: E741
WELL = "(w**2 - 1)**2/4"
BENT = "(Abs(w) - 1)**2/2"
TREES = {
    "trapping": lambda progress: cf.certify.trapping(WELL, O.gd(lr=1.4), (-1.4, 1.4), progress=progress),
    "edge": lambda progress: cf.certify.edge("(x*y - 1)**2/2", O.gd(lr=0.5), point=[0.6, 2.0], progress=progress),
    "measure": lambda progress: cf.certify.measure(BENT, O.gd(lr=2.5), (-2.9, 2.9), progress=progress),
    "convergence": lambda progress: cf.certify.convergence(WELL, O.gd(lr=0.4), (0.1, 1.5), progress=progress),
}
WORDS = {
    "branch": lambda progress: cf.certify.branch(WELL, O.gd(lr=1), 2, [0.8], lr=("1.05", "1.2"), progress=progress),
    "bifurcation": lambda progress: cf.certify.bifurcation(WELL, O.gd(lr=1), "flip", 1, [1.0], lr=("0.9", "1.1"), progress=progress),
    "chaos": lambda progress: cf.certify.chaos(WELL, O.gd(lr=1.7), (-1.3, 1.3), progress=progress),
}


@pytest.mark.parametrize("kind", TREES)
def test_boxes_are_counted_as_the_tree_has_them(kind):
    """In the end none waits, and as many are done as the tree has leaves; each bisection adds one to both together."""
    told = []
    found = TREES[kind](lambda *counts: told.append(counts))
    tree, last = found.document["evidence"]["tree"], told[-1]
    leaves = sum(letter.isalpha() for letter in tree)
    assert found.proved and last[:2] == (leaves, 0) and leaves > 1
    assert all(waiting > 0 for _, waiting, _ in told[:-1])


@pytest.mark.parametrize("kind", TREES)
def test_what_takes_no_three_numbers_is_refused(kind):
    with pytest.raises(UsageError, match="progress is called with 3 things, boxes done, .* seconds left or None"):
        TREES[kind](lambda done: None)


@pytest.mark.parametrize("kind", WORDS)
def test_what_takes_no_words_is_refused(kind):
    with pytest.raises(UsageError, match="progress is called with 1 thing, words:"):
        WORDS[kind](lambda: None)


def test_a_branch_tells_the_part_of_the_interval():
    said = []
    found = WORDS["branch"](said.append)
    shares = [float(words.partition(" of 100 % of the interval")[0]) for words in said if "%" in words]
    assert found.proved and len(shares) == found.claim["slabs"] and shares[-1] == 100
    widths = [float.fromhex(hi) - float.fromhex(lo) for lo, hi in (slab["vary"] for slab in found.document["evidence"]["slabs"])]
    assert shares == pytest.approx(100 * np.cumsum(widths) / 0.15, abs=0.01) and said[0] == "searching for a cycle at lr = 1.05"


def test_a_bifurcation_and_chaos_tell_what_is_going_on():
    said = []
    WORDS["bifurcation"](said.append)
    assert said == ["looking for a flip from lr = 1 on", "Krawczyk's test of a flip at lr = 1", "its normal form"]
    said.clear()
    WORDS["chaos"](said.append)
    assert said[:7] == [f"searching for cycles of period {n}, up to 7" for n in range(1, 8)]
    assert said[-2].startswith("which intervals cover each other") and said[-1] == "that the map is continuous there"


@pytest.mark.parametrize("seed", range(4))
def test_the_time_of_boxes_one_by_one_is_told_to_a_factor_of_three(seed, monkeypatch):
    """Trees in order, deepest boxes first, each box a second; of ten depths fewer and fewer are bisected."""
    clock, told, random = SimpleNamespace(now=0.0), [], np.random.default_rng(seed)
    monkeypatch.setattr("cfdyn.certify.boxes.pace.time", SimpleNamespace(monotonic=lambda: clock.now))
    parts = [1.0] * 7 + [0.8, 0.6, 0.4, 0.2, 0.0]
    about, stack = Told(lambda done, waiting, left: told.append((clock.now, waiting, left))), [0]
    while stack:
        depth, clock.now = stack.pop(), clock.now + 1
        cut = random.random() < parts[depth]
        stack += [depth + 1] * (2 * cut)
        about.box(depth, cut)
    ratios = [(left + 10) / (clock.now - now + 10) for now, _, left in told if left is not None]
    assert told[-1][1] == 0 and len(ratios) > len(told) / 2 and min(ratios) > 1 / 3 and max(ratios) < 3
