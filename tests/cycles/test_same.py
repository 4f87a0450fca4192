"""One answer to whether two cycles are the same, and one to whether a cycle is stable, wherever it is shown."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cycles import same
from cfdyn.cycles.same import blur, distinct, from_smallest, least_period, same_cycle
from cfdyn.numerics.stability import NEUTRAL, stability

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
@pytest.mark.parametrize("dim", [1, 3])
def test_a_cycle_is_itself_from_any_of_its_points_on(n, dim):
    points = RANDOM.normal(size=(n, dim))
    assert same_cycle(points, points, 0.0)
    for k in range(n):
        moved = np.roll(points, k, axis=0) + 1e-9 * RANDOM.uniform(-1, 1, (n, dim))
        assert same_cycle(points, moved, 1e-9) and same_cycle(points, moved, np.full(dim, 1e-9))
        assert not same_cycle(points, moved + 3e-9, 1e-9)
        assert np.array_equal(from_smallest(np.roll(points, k, axis=0)), from_smallest(points))


def test_other_orders_of_the_points_are_other_cycles():
    points = np.array([[0.0], [1.0], [2.0]])
    assert not same_cycle(points, points[::-1].copy(), 1e-3)
    assert same_cycle(points, points[[1, 2, 0]], 0.0)


def test_the_nearer_a_multiplier_is_to_one_the_less_is_told_apart():
    assert blur(np.array([[3.0], [1 + 1e-4], [1.0], [np.nan]])).tolist() == pytest.approx([1e-11, 1e-9, 1e-6, 1e-6])
    pair = np.array([[[0.5]], [[0.5 + 1e-7]]])
    assert len(distinct(pair, np.array([[0.2], [0.2]]), 1.0)[0]) == 2
    assert len(distinct(pair, np.array([[1.0], [1.0]]), 1.0)[0]) == 1


@pytest.mark.parametrize("dim", [1, 2])
def test_each_cycle_is_kept_once_with_its_mirror_image(dim):
    points = RANDOM.normal(size=(40, 5, dim))
    again = np.roll(points, 2, axis=1) * (1 + 1e-13)
    every, multipliers = np.concatenate([points, -points, again]), RANDOM.normal(size=(120, dim)) * 5
    kept, slopes = distinct(every, multipliers, 1.0)
    assert len(kept) == len(slopes) == 80
    assert all(sum(same_cycle(a, b, 1e-9) for b in kept) == 1 for a in kept)


def test_many_cycles_of_one_mean_are_told_apart_without_comparing_each_with_all(monkeypatch):
    compared = []
    monkeypatch.setattr(same, "same_cycle", lambda *given: compared.append(given) or same_cycle(*given))
    # Those of x ↦ x exp(r(1 − x)), of which all have the mean 1.
    points = RANDOM.uniform(0.0, 1.0, (20_000, 6, 1))
    points += 1.0 - points.mean(axis=1, keepdims=True)
    assert len(distinct(points, np.full((20_000, 1), 7.0), 1.0)[0]) == 20_000
    assert len(compared) < 100


def test_cycles_with_one_smallest_point_and_one_mean_are_told_apart_too(monkeypatch):
    compared = []
    monkeypatch.setattr(same, "same_cycle", lambda *given: compared.append(given) or same_cycle(*given))
    # Those of x ↦ a tan(x) through two of its poles, evenly spaced.
    shift = np.arange(2000.0)
    points = np.stack([np.full(2000, -1e5), shift - 9e4, 5e4 - shift], axis=1)[:, :, None]
    assert len(distinct(points, np.full((2000, 1), 7.0), 1.0)[0]) == 2000
    assert len(compared) < 100


def test_the_least_period_is_a_divisor():
    two = np.array([[0.1], [0.7]])
    assert [least_period(np.tile(two, (k, 1))) for k in (1, 2, 3)] == [2, 2, 2]
    assert least_period(np.array([[0.1], [0.7], [0.1]])) == 3


@pytest.mark.parametrize(("radius", "answer"), [
    (0.0, True), (1 - 2 * NEUTRAL, True), (1 - NEUTRAL / 2, None), (1.0, None), (1 + NEUTRAL / 2, None), (1 + 2 * NEUTRAL, False),
    (np.inf, False), (np.nan, None)])  # fmt: skip
def test_the_largest_modulus_decides(radius, answer):
    for turn in (1.0, -1.0, 0.6 + 0.8j):
        assert stability(np.array([radius * turn, 0.0])) is answer


def test_a_neutral_cycle_is_neither_stable_nor_unstable_wherever_it_is_shown():
    # The area is kept: about the elliptic fixed point both multipliers are on the unit circle.
    step = cf.Map.from_text(["1 - a*x**2 + y", "-x"], "x y", {"a": 0.3})
    found = cf.analysis.cycles(step, 1, [(-1, 4), (-4, 1)])
    [centre] = [cycle for cycle in found if np.abs(cycle.multipliers.imag).max() > 0]
    assert centre.stable is None
    branch = cf.analysis.continue_cycle(step, centre, "a", (0.2, 0.4), coefficients=False)
    assert branch.at(branch.start).stable is None and not branch.stable[branch.start]
