"""Basin fractions over a parameter: against single verdicts, closed forms, and what is new or vanishes."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.2, momentum=0.5))
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
PITCHFORK = cf.Map.from_text("x + a*x - x**3", "x", {"a": 0.1})


def by_single_verdicts(found: cf.analysis.BasinFractions, step: cf.Map, k: int) -> dict:
    """(period, place of an attractor that has it or None) → the part of the same starts, by `classify`."""
    lo, hi = np.array(found.box).T
    drawn = lo + (hi - lo) * np.random.default_rng(found.seed).random((found.count, len(lo)))
    parts: dict = {}
    for z in drawn:
        end = cf.analysis.classify(step.at(**{found.parameter: found.values[k]}), z)
        mean = end.points.mean(axis=0).round(5) + 0.0 if end.period else ()
        key = end.kind, end.period or 0, tuple(mean)
        parts[key] = parts.get(key, 0) + 1 / found.count
    return parts


def by_record(found: cf.analysis.BasinFractions, k: int) -> dict:
    """The same of the record."""
    parts = {}
    for one in found.attractors:
        if one.first <= k <= one.last:
            at = k - one.first
            place = tuple(one.places[at].round(5) + 0.0) if one.periods[at] else ()
            key = one.regimes[at], int(one.periods[at]), place
            parts[key] = parts.get(key, 0) + float(one.fractions[at])
    others = {("divergent", 0, ()): float(found.divergent[k]), ("undecided", 0, ()): float(found.undecided[k])}
    return parts | {key: part for key, part in others.items() if part}


def test_the_double_well_is_followed_throughout_and_agrees_with_single_verdicts():
    found = cf.analysis.basin_fractions(HEAVY, ("lr", np.linspace(0.1, 1.1, 50)), [(-2, 2)], count=25, seed=3)
    assert [(one.first, one.last, set(one.regimes)) for one in found.attractors] == [(0, 49, {"fixed point"})] * 2
    assert found.events == found.notes == ()
    assert np.allclose(found.fractions.sum(axis=0) + found.divergent, 1)
    assert found.divergent[-1] > 0.1
    assert by_record(found, 40) == pytest.approx(by_single_verdicts(found, HEAVY, 40))


def test_fractions_are_those_of_the_box():
    """x ↦ (1 + a) x − x³ goes to √a from 0 < x < √(1 + a), so for less than half of a box from −0.3 to 0.7."""
    found = cf.analysis.basin_fractions(PITCHFORK, ("a", np.linspace(0.05, 0.2, 4)), [(-0.3, 0.7)], count=4000)
    right = next(one for one in found.attractors if one.places[0, 0] > 0)
    assert (np.abs(right.fractions - 0.7) < 4 * right.errors).all()
    assert right.errors == pytest.approx(np.sqrt(0.7 * 0.3 / 4000), rel=0.02)
    assert right.places[:, 0] == pytest.approx(np.sqrt(found.values), rel=1e-8)
    assert right.distances[1:] == pytest.approx(np.diff(np.sqrt(found.values)), rel=1e-7)


def test_what_is_new_and_what_vanishes_is_said():
    """Below a = 0 the pitchfork map has one attractor, 0, above two: from 0 to ±√0.09, farther than allowed, both are new."""
    found = cf.analysis.basin_fractions(PITCHFORK, ("a", [-0.1, 0.09]), [(-0.5, 0.5)], count=50, farthest=0.2)
    assert [(one.first, one.last) for one in found.attractors] == [(0, 0), (1, 1), (1, 1)]
    assert [value for value, _ in found.events] == [0.09] * 3
    assert sorted(words.partition(":")[0] for _, words in found.events) == ["new", "new", "vanished"]
    # Within reach one of them is what 0 has become.
    near = cf.analysis.basin_fractions(PITCHFORK, ("a", [-0.1, 0.09]), [(-0.5, 0.5)], count=50, farthest=0.4)
    assert sorted((one.first, one.last) for one in near.attractors) == [(0, 1), (1, 1)]
    assert near.fractions.sum(axis=0) == pytest.approx([1, 1])


def test_a_cycle_is_one_attractor_through_its_doublings():
    found = cf.analysis.basin_fractions(HENON, ("a", np.linspace(0.3, 1.0, 15)), [(-0.5, 0.5)] * 2, count=20, farthest=0.7)
    periods = found.attractors[0].periods.tolist()
    assert (found.attractors[0].first, found.attractors[0].last) == (0, 14)
    assert periods == sorted(periods)
    # Flips at 3(1 − b)²/4 and, of the 2-cycle, (1 − b)² + (1 + b)²/4.
    assert set(periods) == {1, 2, 4}
    expected = np.where(found.values < 0.3675, 1, np.where(found.values < 0.9125, 2, 4))
    assert periods == expected.tolist()


@pytest.mark.usefixtures("shared_however_little")
def test_threads_do_not_matter_and_fewer_starts_are_the_first():
    one, two = (cf.analysis.basin_fractions(HEAVY, ("lr", [0.5, 1.2]), [(-2, 2)], 300, threads=k) for k in (1, 2))
    assert one.to_json() == two.to_json()
    other = cf.analysis.basin_fractions(HEAVY, ("lr", [0.5, 1.2]), [(-2, 2)], 300, seed=1)
    assert not np.array_equal(other.divergent, one.divergent)


def test_ctrl_c_keeps_the_values_that_are_done():
    values = np.linspace(0.9, 1.6, 6)

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(cf.Interrupted) as stopped:
        cf.analysis.basin_fractions(HEAVY, ("lr", values), [(-2, 2)], 30, progress=stop)
    part = stopped.value.record
    whole = cf.analysis.basin_fractions(HEAVY, ("lr", values), [(-2, 2)], 30)
    assert part.values.tolist() == values[:3].tolist()
    assert part.fractions.tolist() == [row[:3] for row in whole.fractions.tolist() if any(row[:3])]
    assert part.divergent.tolist() == whole.divergent[:3].tolist()


def test_orbits_that_leave_the_domain_are_undecided():
    """x ↦ √x − c goes to its upper fixed point from beyond the lower one, else out of the domain."""
    step = cf.Map.from_text("sqrt(x) - c", "x", {"c": 0.2})
    found = cf.analysis.basin_fractions(step, ("c", [0.1, 0.2, 0.3]), [(-1, 1)], 200)
    starts = -1 + 2 * np.random.default_rng(0).random((200, 1))[:, 0]
    for c, part, beside in zip((0.1, 0.2), found.fractions[0], found.undecided, strict=False):
        assert part == pytest.approx(np.mean(starts > ((1 - np.sqrt(1 - 4 * c)) / 2) ** 2))
        assert beside == pytest.approx(1 - part)
    assert found.undecided[2] == 1 and not found.divergent.any()


@pytest.mark.slow
def test_all_attractors_of_the_double_well_agree_with_single_verdicts():
    found = cf.analysis.basin_fractions(HEAVY, ("lr", np.linspace(0.1, 2.2, 50)), [(-2, 2)], count=300)
    assert {3, 4} <= {int(period) for one in found.attractors for period in one.periods}
    for k in range(0, 50, 2):
        assert by_record(found, k) == pytest.approx(by_single_verdicts(found, HEAVY, k))


def plainly(lr: float, starts: np.ndarray) -> list[tuple[int, np.ndarray, float]]:
    """Heavy ball with momentum 1/2 on (w² − 1)²/4, step by step: (period or 0, points in order, part of the starts) of each end.

    Orbits without a period are on one attractor if they have nearly the same range.
    """
    w, v = starts.copy(), np.zeros(len(starts))
    rows = []
    with np.errstate(all="ignore"):
        for t in range(24_512):
            v = 0.5 * v + (w * w - 1) * w
            w = w - lr * v
            rows += [w] if t >= 24_000 else []
    orbits, found = np.array(rows).T, []
    for orbit in orbits[np.abs(orbits[:, -1]) < 10]:
        period = next((p for p in range(1, 33) if np.abs(orbit[p:] - orbit[:-p]).max() < 1e-7), 0)
        points = np.sort(orbit[: period or None])
        same = [k for k, (p, other, _) in enumerate(found)
                if p == period and np.abs((other - points)[[0, -1]]).max() < (1e-5 if period else 0.05)]  # fmt: skip
        place = same[0] if same else len(found)
        found += [] if same else [(period, points, 0.0)]
        found[place] = period, found[place][1], found[place][2] + 1 / len(starts)
    return found


@pytest.mark.slow
def test_fifty_learning_rates_against_a_plain_loop():
    """Fractions of each attractor at each rate, and the way of each through them: the nearest of the rate before."""
    rates, count = np.linspace(0.1, 1.65, 50), 400
    found = cf.analysis.basin_fractions(HEAVY, ("lr", rates), [(-2, 2)], count=count, seed=7)
    drawn = -2 + 4 * np.random.default_rng(7).random((count, 1))[:, 0]
    ways: list[list[tuple[int, int, np.ndarray, float]]] = []
    for k, lr in enumerate(rates.tolist()):
        before = {id(way): way for way in ways if way[-1][0] == k - 1}
        for period, points, part in plainly(lr, drawn):
            apart = {
                key: max(np.abs(way[-1][2][:, None] - points).min(axis=a).max() for a in (0, 1)) for key, way in before.items()
            }
            nearest = min(apart, key=apart.get, default=None)
            if nearest is not None and apart[nearest] <= 0.2 * 4:
                before.pop(nearest).append((k, period, points, part))
            else:
                ways.append([(k, period, points, part)])
    assert {period for way in ways for _, period, *_ in way} >= {0, 1, 2}
    assert len(found.attractors) == len(ways) and found.notes == () and not found.undecided.any()
    for one in found.attractors:
        place, first = float(one.places[0, 0]), one.first
        (way,) = [way for way in ways if way[0][0] == first and abs(way[0][2].mean() - place) < (1e-5 if way[0][1] else 0.1)]
        assert one.last == way[-1][0]
        assert one.periods.tolist() == [period for _, period, *_ in way]
        away = np.abs(one.places[:, 0] - [points.mean() for *_, points, _ in way])
        assert (away <= np.where(one.periods > 0, 1e-5, 0.1)).all()
        # Of the starts of long transients round-off decides where a few end.
        assert np.abs(one.fractions - [part for *_, part in way]).max() <= 2.5 / count
    assert (found.divergent > 0).sum() > 20


@pytest.mark.parametrize(
    ("vary", "box", "options", "words"),
    [
        (("q", [1.0]), [(-2, 2)], {}, "unknown parameter"),
        (("lr", [1.0, 0.5]), [(-2, 2)], {}, "increase"),
        (("lr", [1.0]), [(-2, 2)] * 3, {}, "a side"),
        (("lr", [1.0]), [(2, -2)], {}, "LO < HI"),
        (("lr", [1.0]), [(-2, 2)], {"farthest": 0.0}, "positive"),
        (("lr", [1.0]), [(-2, 2)], {"count": 10**9}, "GiB"),
        (("momentum", [0.5, 1.0]), [(-2, 2)], {}, "must lie in"),
        (("lr", [1.0]), [(-2, 2)], {"max_period": 10**9}, "GiB"),
        (("lr", [1.0]), [(-2, 2)], {"threads": -1}, "threads"),
        (("lr", [1.0]), [(-2, np.nan)], {}, "finite"),
    ],
)
def test_bad_input_gets_a_sentence(vary, box, options, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.basin_fractions(HEAVY, vary, box, **options)
