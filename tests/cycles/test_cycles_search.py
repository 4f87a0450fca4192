"""Cycles of maps of three and more variables: complete where boxes decide, a seeded search elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cycles.random_starts import by_random_starts
from cfdyn.cycles.symmetry import Symmetries


def alone(dim):
    return Symmetries(dim, [], bool)


SQUARE = cf.Loss("w**2/2")


def adam(**options):
    return cf.as_map(SQUARE, cf.optimizers.adam(eps_inside=True, bias_correction=False, **options))


def test_adam_has_a_stable_three_cycle_on_a_parabola():
    """lr 1, β₁ ½, β₂ 0.2: its points and multipliers, and its mirror image."""
    step = adam(lr=1.0, beta1=0.5, beta2=0.2, eps=1e-8)
    found = cf.analysis.cycles(step, 3, [(-1, 1), (-1, 1), (0, 1)])
    stable = [cycle for cycle in found if cycle.stable]
    assert found.complete and len(found) == 4 and len(stable) == 2
    points = [0.0983618809519996, 0.16114418261193642, -0.31154620264185634]
    for sign in (1, -1):
        [match] = [c for c in stable if np.sign(c.points[:, 0]).sum() == sign]
        np.testing.assert_allclose(np.sort(match.points[:, 0]), np.sort(sign * np.array(points)), atol=1e-13)
        np.testing.assert_allclose(match.multipliers, [-0.92307, -0.09297, 0.01165], atol=5e-6)


@pytest.mark.parametrize(
    ("options", "w", "size", "stable"),
    [({"lr": 0.5, "beta1": 0.2, "beta2": 0.5, "eps": 1e-6}, 0.16666366664, 0.93665, True),
     ({"lr": 1.0, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, 0.0263156, 1.10129, False)],
)  # fmt: skip
def test_adam_two_cycles_of_bock_and_weiss(options, w, size, stable):
    """c² w² = (lr c (1 − β₁) / (2 (1 + β₁)))² − ε with its largest multiplier."""
    found = cf.analysis.cycles(adam(**options), 2, [(-1, 1), (-1, 1), (0, 1)])
    amplitude = np.sqrt((options["lr"] * (1 - options["beta1"]) / (2 * (1 + options["beta1"]))) ** 2 - options["eps"])
    [cycle] = [c for c in found if abs(abs(c.points[0, 0]) - amplitude) < 1e-10]
    np.testing.assert_allclose(amplitude, w, rtol=1e-6)
    np.testing.assert_allclose(np.abs(cycle.multipliers[0]), size, atol=1e-5)
    assert cycle.stable is stable


def fixed_points(lines, n):
    """How many fixed points fⁿ has for each factor."""
    return np.prod([sum(k * len(cf.analysis.cycles(f, k, [(-1, 2)])) for k in range(1, n + 1) if n % k == 0) for f in lines])


@pytest.mark.parametrize(("period", "divisors"), [(1, []), (2, [1]), (3, [1])])
def test_a_product_of_three_logistic_maps(period, divisors):
    """As many as the factors say, in both ways."""
    rates = {"a": 4.0, "b": 3.9, "c": 3.8}
    cube = cf.Map.from_text([f"{r}*{v}*(1-{v})" for r, v in zip("abc", "xyz")], variables="x y z", params=rates)
    lines = [cf.Map.from_text("r*x*(1-x)", params={"r": value}) for value in rates.values()]
    expected = (fixed_points(lines, period) - sum(fixed_points(lines, n) for n in divisors)) // period
    box = [(-1.0, 2.0)] * 3
    found = cf.analysis.cycles(cube, period, box)
    assert (len(found), found.complete) == (expected, True)
    searched = by_random_starts(cube, period, np.array(box), 0, None, alone(3))
    assert len(searched.points) == expected and not searched.complete
    np.testing.assert_allclose(np.sort(searched.points[:, 0], axis=0), np.sort(found.points[:, 0], axis=0), atol=1e-9)


def test_two_henon_maps_side_by_side():
    """Four variables: (2² , (4² − 2²)/2) cycles of periods 1 and 2."""
    formulas = ["1 - a*x**2 + y", "b*x", "1 - a*u**2 + v", "b*u"]
    step = cf.Map.from_text(formulas, variables="x y u v", params={"a": 1.4, "b": 0.3})
    for period, count in ((1, 4), (2, 6)):
        found = cf.analysis.cycles(step, period, [(-3, 3)] * 4)
        assert (len(found), found.complete) == (count, True)


def test_the_search_is_seeded_and_says_that_it_is_one():
    """The same seed gives the same list; the method and the reason name it."""
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
    box = np.array([(-3.0, 3.0)] * 2)
    first, again = (by_random_starts(henon, 8, box, 5, None, alone(2)) for _ in range(2))
    np.testing.assert_array_equal(first.points, again.points)
    assert (first.method, first.complete) == ("davidchack-lai", False) and "seed 5" in first.reason
    complete = cf.analysis.cycles(henon, 8, box)
    for points in first.points:
        assert np.abs(complete.points - points).max(axis=(1, 2)).min() < 1e-10


def test_many_variables_are_searched():
    """Nine independent parabolas, all at the minimum: one fixed point, found without boxes."""
    names = " ".join(f"w{i}" for i in range(9))
    loss = cf.Loss(" + ".join(f"({name} - 0.3)**2/2" for name in names.split()), variables=names)
    found = cf.analysis.cycles(cf.as_map(loss, cf.optimizers.gd(lr=0.7)), 1, [(-1, 1)] * 9)
    assert not found.complete and "9 variables" in found.reason
    np.testing.assert_allclose(found.points, np.full((1, 1, 9), 0.3), atol=1e-12)


def test_a_period_that_would_not_fit_is_refused():
    """With its size in the sentence."""
    step = adam(lr=1.0, beta1=0.5, beta2=0.2, eps=1e-8)
    with pytest.raises(cf.errors.UsageError, match="3000000 unknowns.*GiB: ask for a period of at most"):
        cf.analysis.cycles(step, 10**6, [(-1, 1), (-1, 1), (0, 1)])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"seed": -1}, "a seed is a whole number"), ({"seed": "a"}, "`seed` is a whole number"), ({"budget": 0}, "a budget is a number of at least 1"),
     ({"budget": float("nan")}, "`budget` is a whole number"), ({"box": [(-1, 1), (0, 1e200)]}, "reaches to 1e\\+200 for y")],
)  # fmt: skip
def test_bad_options_get_a_sentence(options, message):
    """Seeds, budgets and boxes without meaning."""
    step = cf.Map.from_text(["x/2", "y/3"], variables="x y")
    with pytest.raises(cf.errors.UsageError, match=message):
        cf.analysis.cycles(step, 1, **{"box": [(-1, 1), (-1, 1)], **options})


@pytest.mark.parametrize("method", ["laps", "boxes", "davidchack-lai", "schmelcher-diakonos"])
def test_every_method_finds_the_closed_form(method):
    """All three 4-cycles of x → 4x(1 − x), sin² of multiples of π/15 and π/17; laps and boxes know that these are all."""
    logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
    found = cf.analysis.cycles(logistic, 4, [(0, 1)], method=method)
    at = np.concatenate([np.sin(np.pi * np.arange(1, 16) / (16 + s)) ** 2 for s in (-1, 1)])
    assert len(found) == 3 and np.abs(found.points.reshape(-1, 1) - at).min(axis=1).max() < 1e-12
    assert found.complete == (method in ("laps", "boxes"))


@pytest.mark.parametrize(("formulas", "box", "method", "words"), [
    (["x/2", "y/2"], [(-1, 1)] * 2, "laps", "for maps of one variable; this one has 2"),
    ([f"x{i}/2" for i in range(9)], [(-1, 1)] * 9, "boxes", "9 variables"),
    (["x/2"], [(-np.inf, 1)], "boxes", "finite for the method boxes"),
])  # fmt: skip
def test_methods_that_do_not_fit_say_what_does(formulas, box, method, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.analysis.cycles(cf.Map.from_text(formulas), 1, box, method=method)


def test_what_follows_the_boxes_is_told():
    """Each cycle of Hénon's map that boxes found is refined and has its multipliers computed: shares tell the time left."""
    henon, heard = cf.Map.from_text("1 - a*x**2 + y; b*x", params={"a": 1.4, "b": 0.3}), []
    found = cf.analysis.cycles(henon, 7, [(-3, 3), (-3, 3)], progress=heard.append)
    told = [words.partition(":")[0] for words in heard[-2:]]
    assert told == ["refining cycles", "computing multipliers"]
    assert len(found) == 4 and heard[-1] == "computing multipliers: 0 of 4"


def test_each_way_of_a_round_of_starts_is_told():
    """Words before each of the five matrices of a round, and after the round."""
    heard = []
    rotation = cf.Map.from_text("y; -x + y/2 + x**3", variables="x y")
    by_random_starts(rotation, 1, np.array([(-2.0, 2.0)] * 2), 0, None, alone(2), say=heard.append)
    counts = [int(words.partition(" ")[0]) for words in heard]
    rounds = sorted(set(counts))
    assert rounds[0] == 0 and all(counts.count(done) == 6 for done in rounds[1:-1]) and counts.count(0) == 5
