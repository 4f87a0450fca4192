"""Homoclinic points and tangencies of Hénon's map, against orbits, brute force and 60-digit numbers."""

import mpmath as mp
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.machine.jit import DISABLED
from tests.manifolds.reference import tangency

BOX = [(-1.5, 1.5), (-0.5, 0.5)]
long = pytest.mark.skipif(DISABLED, reason="long")
ARAI_MISCHAIKOW = (1.392419807915, 1.392419807931)


def henon(a=1.4, b=0.3):
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": a, "b": b})


@pytest.fixture(scope="module")
def found():
    return cf.analysis.homoclinic(henon(), [0.63, 0.19], box=BOX, length=10)


def crossings_by_brute_force(a, b):
    """Of two chains of pieces: all pairs at once."""
    count = 0
    (bx, by), (dbx, dby) = b[:-1].T, np.diff(b, axis=0).T
    for start, end in zip(a[:-1], a[1:], strict=True):
        ax, ay = end - start
        dx, dy = bx - start[0], by - start[1]
        with np.errstate(all="ignore"):
            area = ax * dby - ay * dbx
            u, v = (dx * dby - dy * dbx) / area, (dx * ay - dy * ax) / area
        count += int(((u >= 0) & (u < 1) & (v >= 0) & (v < 1)).sum())
    return count


@long
def test_all_crossings_are_found(found):
    unstable, stable = found.manifolds
    inside = [half[(abs(half) < [1.6, 0.7]).all(axis=1) | np.r_[True, [False] * (len(half) - 1)]] for half in stable.halves]
    # Only the piece through the saddle is in both lists: its own point is no homoclinic one.
    assert len(found) > 50 and all(len(half) > 20 for half in inside)
    count = 0
    for half in unstable.halves:
        for other in stable.halves:
            near = (abs(other) < [1.6, 0.7]).all(axis=1)
            for piece in np.split(np.arange(len(other)), np.flatnonzero(np.diff(near.astype(int))) + 1):
                if near[piece[0]]:
                    count += crossings_by_brute_force(half, other[max(piece[0] - 1, 0) : piece[-1] + 2])
    assert len(found) <= count <= len(found) + 4  # the saddle itself, met by up to four pairs of halves


@long
def test_orbits_come_from_the_saddle_and_go_there(found):
    x0 = (0.3 - 1 + np.sqrt(0.7**2 + 4 * 1.4)) / 2.8
    saddle = np.array([x0, 0.3 * x0])
    for way in ("forward", "backward"):
        x, y = found.points.T.copy()
        nearest = np.full(len(x), np.inf)
        for _ in range(30):
            nearest = np.minimum(nearest, np.hypot(x - saddle[0], y - saddle[1]))
            with np.errstate(all="ignore"):
                x, y = (1 - 1.4 * x * x + y, 0.3 * x) if way == "forward" else (y / 0.3, x - 1 + 1.4 * (y / 0.3) ** 2)
        # Round-off of 1e-15 grows by 1.9 or 6.4 a step, the distance falls by as much of the other: both meet at these.
        assert nearest.max() < (1e-5 if way == "forward" else 2e-3), way
    assert found.gap < 1e-11 and not found.heteroclinic


@long
def test_images_belong_to_one_orbit_and_primary_ones_are_primary(found):
    points = found.points
    images = np.stack([1 - 1.4 * points[:, 0] ** 2 + points[:, 1], 0.3 * points[:, 0]], axis=1)
    apart = np.linalg.norm(images[:, None] - points[None], axis=2)
    pairs = np.argwhere(apart < 1e-8)
    assert len(pairs) > 30 and all(found.orbits[i] == found.orbits[j] and found.primary[i] == found.primary[j] for i, j in pairs)
    assert len(set(found.orbits[found.primary].tolist())) == 2  # of Hénon's map: two orbits of the horseshoe


def test_the_same_saddle_given_twice_has_homoclinic_points():
    options = {"box": BOX, "length": 3}
    twice = cf.analysis.homoclinic(henon(), [0.63, 0.19], [0.6314, 0.1894], **options)
    assert not twice.heteroclinic and len(twice) > 0
    two = cf.analysis.homoclinic(henon(), [0.63, 0.19], [-1.13, -0.34], **options)
    assert two.heteroclinic


def test_a_linear_saddle_has_no_crossings():
    step = cf.Map.from_text(["2*x", "y/2"], "x y")
    assert len(cf.analysis.homoclinic(step, [0.0, 0.0], box=[(-1, 1), (-1, 1)])) == 0


@pytest.fixture(scope="module")
def t():
    [found] = cf.analysis.tangencies(henon(), [0.63, 0.19], "a", (1.391, 1.394), box=BOX, length=8, samples=2)
    return found


@long
def test_the_tangency_of_arai_and_mischaikow(t):
    assert ARAI_MISCHAIKOW[0] < t.parameter < ARAI_MISCHAIKOW[1]
    precise = tangency(t.parameter, "0.3", t.s, t.t)[0]
    assert abs(t.parameter - float(precise)) < 5e-15 and mp.nstr(precise, 30) == "1.3924198079228513970340674254"
    assert t.error < 1e-14 and t.quadratic and t.crisis == "undecided"


@pytest.mark.slow
@long
def test_a_tangency_in_two_parameters(t):
    curve = cf.analysis.tangency_curve(t, ("a", "b"), ((1.3, 1.5), (0.27, 0.33)))
    assert set(curve.ends) == {"b = 0.27", "b = 0.33"} and curve.parameters[curve.start, 0] == pytest.approx(t.parameter, abs=1e-15)
    for row in (0, -1):
        a, b = curve.parameters[row].tolist()
        precise = tangency(a, b, curve.s[row], curve.t[row])[0]
        assert abs(a - float(precise)) < 1e-12


def test_the_first_tangency_also_of_a_loaded_record(tmp_path):
    options = {"box": BOX, "length": 3, "samples": 2, "crises": False}
    found = cf.analysis.tangencies(henon(), [0.63, 0.19], "a", (1.152, 1.158), **options)
    first = cf.load(found.save(tmp_path / "found.npz"))[0]
    precise = tangency(first.parameter, "0.3", first.s, first.t)[0]
    assert abs(first.parameter - float(precise)) < 1e-12 and first.step.params == {"a": first.parameter, "b": 0.3}
    curve = cf.analysis.tangency_curve(first, ("a", "b"), ((1.153, 1.154), (0.2999, 0.3001)))
    assert set(curve.ends) == {"b = 0.2999", "b = 0.3001"}


def test_the_tangency_next_to_the_map():
    options = {"box": BOX, "length": 3, "samples": 2, "crises": False}
    t = cf.analysis.tangency(henon(a=1.15), [0.63, 0.19], "a", (1.152, 1.158), **options)
    assert abs(t.parameter - float(tangency(t.parameter, "0.3", t.s, t.t)[0])) < 1e-12
    with pytest.raises(NumericsError, match="no tangency was found for a from 1.2 to 1.201"):
        cf.analysis.tangency(henon(), [0.63, 0.19], "a", (1.2, 1.201), **{**options, "length": 1})


@pytest.mark.slow
def test_many_tangencies_and_the_boundary_crisis():
    several = cf.analysis.tangencies(henon(), [0.63, 0.19], "a", (1.15, 1.16), box=BOX, length=12, crises=False)
    for t in several:
        assert abs(t.parameter - float(tangency(t.parameter, "0.3", t.s, t.t)[0])) < 1e-12
    assert len(several) >= 2
    last = cf.analysis.tangency(henon(a=1.2), [0.63, 0.19], "a", (1.15, 1.16), box=BOX, length=12, crises=False)
    assert last.parameter == pytest.approx(max(t.parameter for t in several), abs=1e-13)
    options = {"other": [-1.13, -0.34], "box": [(-2, 2), (-0.6, 0.6)], "length": 8}
    first = cf.analysis.tangencies(henon(), [0.63, 0.19], "a", (1.42, 1.43), **options)[0]
    assert first.crisis == "boundary" and first.parameter == pytest.approx(1.42692, abs=1e-5)


def test_what_is_refused():
    with pytest.raises(UsageError, match="a map of two variables and a `box`"):
        cf.analysis.homoclinic(henon(), [0.63, 0.19], length=1.0)
    with pytest.raises(UsageError, match="2 saddles of period 1"):
        cf.analysis.homoclinic(henon(), box=[(-2, 2), (-2, 2)])
    with pytest.raises(UsageError, match="a map of two variables and a `box`"):
        cf.analysis.tangencies(henon(), [0.63, 0.19], "a", (1.3, 1.4))
