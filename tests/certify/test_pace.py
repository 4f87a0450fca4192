"""How many boxes are left: trees whose size is known in the end, grown at random and by searches."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.certify.boxes.helping import Helpers
from cfdyn.certify.boxes.judging import Question
from cfdyn.certify.boxes.pace import Pace, Rate
from cfdyn.certify.boxes.search import Search
from cfdyn.certify.subject import subject

MANY = 10**9
PARTS = [1.0] * 7 + [0.9, 0.8, 0.7, 0.7, 0.6, 0.6, 0.5, 0.4, 0.3, 0.2, 0.0]  # of the boxes of each depth that are bisected


def grown(seed: int, batch: int) -> list[tuple[int, float | None]]:
    """Boxes tested and those told to be left, while a tree grows at random, deepest boxes first."""
    random, pace, stack, told = np.random.default_rng(seed), Pace(np.zeros(1, int)), np.zeros(1, int), []
    while len(stack):
        taken, stack = stack[-batch:], stack[:-batch]
        cut = taken[random.random(len(taken)) < np.array(PARTS)[taken]]
        pace.tested(taken)
        pace.bisected(cut)
        stack = np.concatenate([stack, np.repeat(cut + 1, 2)])
        told.append((pace.count, pace.left(MANY)))
    return told


@pytest.mark.parametrize("batch", [64, 256, MANY])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_left_of_a_random_tree_is_told(seed, batch):
    """To a factor of three; not before the bottom was seen, and 0 in the end."""
    told = grown(seed, batch)
    total = told[-1][0]
    ratios = [(left + 30) / (total - count + 30) for count, left in told if left is not None]
    assert total > 1000 and told[-1][1] == 0 and told[6][1] is None
    assert min(ratios) > 1 / 3 and max(ratios) < 3 and len(ratios) > 1


def test_the_bottom_tells_and_nothing_before_it():
    pace = Pace(np.zeros(1000, int))
    pace.tested(np.zeros(400, int))
    pace.bisected(np.zeros(300, int))
    assert pace.left(MANY) is None  # three of four are bisected: how far that goes on nobody knows
    pace.tested(np.ones(400, int))
    pace.bisected(np.ones(80, int))
    # A fifth is bisected from there on, E = 1 + 2/5 E = 5/3; above it three of four: 1 + 3/2 · 5/3 = 7/2
    assert pace.left(MANY) == pytest.approx(600 * 7 / 2 + (200 + 160) * 5 / 3)
    assert pace.left(1234) == 1234


SEARCHES = {
    "descent": (cf.optimizers.gd(lr=1), ("0.1", "1.4"), [(-2.0, 2.0)]),
    "heavy ball": (cf.optimizers.heavy_ball(lr=1, momentum=0.3), ("0.5", "0.9"), [(-3.0, 3.0)] * 2),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_what_is_left_of_a_search_is_told_to_a_factor_of_three(name, monkeypatch):
    monkeypatch.setattr("cfdyn.certify.boxes.search.BATCH", 256)
    optimizer, rates, box = SEARCHES[name]
    with Helpers(1) as alone:
        search = Search(Question(subject("(w**2 - 1)**2/4", optimizer, {"lr": rates}), box, 3), alone)
        told = []
        search.after = lambda: told.append((search.tested, search.pace.left(MANY), sum(len(b.nodes) for b in search.waiting)))
        search.run()
    total = search.tested
    ratios = [left / (total - tested) for tested, left, _ in told[:-1] if left is not None and total - tested > 100]
    assert not search.given_up and told[-1][1:] == (0, 0) and all(left is None or left >= waiting for _, left, waiting in told)
    assert len(ratios) > 5 and min(ratios) > 1 / 3 and max(ratios) < 3
    assert search.tested == search.tree.size  # each box once


def test_seconds_are_those_of_settled_boxes():
    rate = Rate()
    assert rate.of(0.0) == 0
    for settled, seconds in ((0, 0.5), (3, 0.5), (1, 1.0)):
        rate.add(settled, seconds)
    assert rate.of(200.0) == 100.0


@pytest.mark.parametrize("rates", [("1", "9"), ("1", "11"), ("2", "10"), ("0.5", "11.8")])
def test_the_time_of_a_search_whose_proofs_are_dear_is_told_to_a_factor_of_two(rates, monkeypatch):
    """On rows of data a round takes long, however few its boxes, and a settled box a third of that; by boxes alone 0.4 was told."""
    clock, told = SimpleNamespace(now=0.0, monotonic=lambda: clock.now), []
    monkeypatch.setattr("cfdyn.certify.boxes.search.time", clock)
    about = subject(cf.losses.logistic_regression(), cf.optimizers.gd(lr=1), {"lr": rates})
    with Helpers(1) as alone:
        search = Search(Question(about, [(-6.0, 6.0)], 3), alone, progress=lambda done, waiting, left: told.append((clock.now, left)))

        def passed():
            clock.now = 0.3 * (len(told) + 1) + 0.1 * search.done

        search.after = passed
        search.run()
    ratios = [left / (clock.now - now) for now, left in told[:-1] if left is not None]
    assert not search.given_up and len(ratios) > 1 and min(ratios) > 1 / 2 and max(ratios) < 2 and told[-1][1] in (None, 0.0)
