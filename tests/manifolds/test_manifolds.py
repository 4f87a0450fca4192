"""Manifolds of saddles against maps whose manifolds are known, and against orbits that are run without them."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.machine.jit import DISABLED

BOX = [(-1.5, 1.5), (-0.5, 0.5)]


def henon(a=1.4, b=0.3):
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": a, "b": b})


def bent(grow=3.0, shrink=0.5):
    """u → grow·u, v → shrink·v in the variables x = u + v², y = v + x²: the manifolds are y = x² and (v², v + v⁴)."""
    u, v = "(x - (y - x**2)**2)", "(y - x**2)"
    first = f"(g*{u} + (h*{v})**2)"
    return cf.Map.from_text([first, f"h*{v} + {first}**2"], "x y", {"g": grow, "h": shrink})


@pytest.mark.parametrize(("grow", "shrink"), [(3.0, 0.5), (-3.0, 0.5), (1.2, -0.9)])
def test_the_manifolds_of_a_bent_saddle_are_known(grow, shrink):
    found = cf.analysis.manifolds(bent(grow, shrink), [0.0, 0.0], box=[(-2, 2), (-2, 4)], length=4)
    unstable, stable = found
    assert (unstable.multiplier, stable.multiplier) == pytest.approx((grow, shrink), rel=1e-12)
    x, y = unstable.curve.T
    assert abs(y - x**2).max() < 1e-12 and x.min() < -1.4 and x.max() > 1.4
    x, y = stable.curve.T
    v = y - x**2
    assert abs(x - v**2).max() < 1e-11 and v.min() < -1.0 and v.max() > 1.0


def test_a_curve_in_three_dimensions_and_the_strongest_of_two():
    step = cf.Map.from_text(["2*x", "y/2 + x**2", "z/5 + x*y"], "x y z")
    unstable, stable = cf.analysis.manifolds(step, [0.0, 0.0, 0.0], length=3.0)
    x, y, z = unstable.curve.T
    # z = 2·(2/7)x³/(8 − 1/5)… from z(2x) = z(x)/5 + x·y(x), y = 2x²/7
    assert abs(y - 2 / 7 * x**2).max() < 1e-12 and abs(z - (2 / 7) / (8 - 0.2) * x**3).max() < 1e-12
    assert stable.strong and not unstable.strong and stable.multiplier == pytest.approx(0.2)
    assert abs(stable.curve[:, :2]).max() == 0.0


def test_images_of_a_manifold_of_a_two_cycle_lie_on_it():
    [found] = cf.analysis.manifolds(henon(), [0.9758, -0.1427], ["unstable"], BOX, length=6, period=2)
    assert found.period == 2 and len(found.halves) == 4 and found.multiplier < -1
    from scipy.spatial import cKDTree

    tree = cKDTree(found.curve)
    for half in found.halves:
        short = half[: len(half) // 4]
        image = np.stack([1 - 1.4 * short[:, 0] ** 2 + short[:, 1], 0.3 * short[:, 0]], axis=1)
        assert tree.query(image)[0].max() < 0.02
        near = np.linalg.norm(np.diff(half, axis=0), axis=1)
        assert near.max() < 0.02


@pytest.mark.skipif(DISABLED, reason="long")
def test_a_stable_set_over_folds_leads_to_the_saddle():
    """Descent in two weights that is not invertible: points of the curve, run forward, come to the saddle."""
    step = cf.as_map(cf.Loss("(x**2 - 1)**2/4 + y**2/2 + x*y/3"), cf.optimizers.gd(lr=0.8))
    [found] = cf.analysis.manifolds(step, [0.0, 0.0], ["stable"], [(-3, 3), (-5, 5)])
    assert "not invertible" in found.reason
    inside = found.curve[(abs(found.curve) < [3, 5]).all(axis=1)]
    assert len(inside) > 3000
    x, y = inside.T.copy()
    nearest = np.full(len(x), np.inf)
    turned = np.zeros(len(x), bool)
    for _ in range(60):
        nearest = np.minimum(nearest, np.hypot(x, y))
        # Beyond a turn of w − 0.8 (w³ − w + y/3) the curve is on another branch of the inverse.
        turned |= 1 - 0.8 * (3 * x**2 - 1) < 0
        x, y = x - 0.8 * (x**3 - x + y / 3), y - 0.8 * (y + x / 3)
    assert nearest.max() < 1e-4 and turned.mean() > 0.3
    steps = np.linalg.norm(np.diff(found.halves[0], axis=0) / [6, 10], axis=1)
    beyond = np.maximum(abs(found.halves[0] / [6, 10]).max(axis=1) - 0.5, 0)[1:]
    assert (steps <= 0.02 * (1 + beyond)).all()


@pytest.mark.slow
@pytest.mark.skipif(DISABLED, reason="long")
def test_the_stable_manifold_bounds_the_basins_of_heavy_ball():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9))
    found = cf.analysis.manifolds(step, [0.0, 0.0], box=[(-2.5, 2.5), (-1.5, 1.5)], basins=60)
    unstable, stable = found
    assert all("ends on a cycle at w = " in end for end in unstable.ends) and stable.reason == ""
    assert sorted(found.attractors[:, 0].round(9).tolist()) == [-1.0, 1.0] and set(np.unique(found.basins)) == {0, 1}
    points = stable.curve[(abs(stable.curve) < [2.4, 1.4]).all(axis=1)]
    for point in points[:: max(1, len(points) // 40)]:
        ends = []
        for side in (-1e-3, 1e-3):
            w, v = point[0] + side, point[1]
            for _ in range(3000):
                v = 0.9 * v + w**3 - w
                w -= 0.1 * v
            ends.append(round(w))
        assert sorted(ends) == [-1, 1]
    labels = found.basins.reshape(-1)
    middles = (np.arange(60) + 0.5) / 60 - 0.5
    grid = np.stack([part.ravel() for part in np.meshgrid(5 * middles, 3 * middles)], axis=1)
    w, v = grid.T.copy()
    for _ in range(3000):
        v = 0.9 * v + w**3 - w
        w = w - 0.1 * v
    assert (found.attractors[labels, 0].round() == w.round()).all()


def test_where_a_manifold_ends():
    def ends(step, **options):
        [found] = cf.analysis.manifolds(step, [0.0, 0.0], ["unstable"], **options)
        return found.ends

    linear = cf.Map.from_text(["2*x", "y/2"], "x y")
    assert ends(linear, length=3.0) == ["length 3 reached"] * 2
    assert ends(linear, length=3.0, most=12) == ["12 points used up"] * 2
    assert ends(linear, box=[(-1, 1), (-1, 1)]) == ["moves away from the box by more than 1e+06 times its width"] * 2
    jumps = cf.Map.from_text(["2*x", "y/2 + 5*Heaviside(x - 1)"], "x y")
    right, left = ends(jumps, length=8.0)
    assert "the map jumps or ends there" in right and left == "length 8 reached"


@pytest.mark.parametrize(("words", "call"), {
    "no manifold": ("has no unstable manifold", lambda f: f(cf.Map.from_text(["x/2", "y/3"], "x y"), [0, 0], length=1)),
    "complex": ("is complex", lambda f: f(cf.Map.from_text(["2*y", "-2*x"], "x y"), [0, 0], length=1)),
    "zero": ("a multiplier is 0", lambda f: f(cf.Map.from_text(["2*x", "x*y"], "x y"), [0, 0], ["stable"], length=1)),
    "alike": ("have the same modulus", lambda f: f(cf.Map.from_text(["2*x", "2*y"], "x y"), [0, 0], length=1)),
    "no saddle in the box": ("is a saddle", lambda f: f(cf.Map.from_text(["x/2", "y/3"], "x y"), box=[(-1, 1), (-1, 1)])),
}.values())  # fmt: skip
def test_what_has_no_curve(words, call):
    with pytest.raises(NumericsError, match=words):
        call(cf.analysis.manifolds)


@pytest.mark.parametrize(("words", "options"), {
    "neither": ("to a length or in a box", {}), "kind": ("kind of manifold", {"kinds": ["centre"], "length": 1.0}),
    "length": ("positive number", {"length": -1.0}), "box": ("finite intervals", {"box": [(0, 1)]}),
    "basins": ("on a grid over the box", {"length": 1.0, "basins": 5}),
}.values())  # fmt: skip
def test_wrong_usage(words, options):
    with pytest.raises(UsageError, match=words):
        cf.analysis.manifolds(henon(), [0.63, 0.19], **options)


def test_maps_of_one_variable_and_angles_are_refused():
    with pytest.raises(UsageError, match="crises"):
        cf.analysis.manifolds(cf.Map.from_text("2*x"), [0.0], length=1.0)
    with pytest.raises(UsageError, match="angles"):
        cf.analysis.manifolds(cf.Map.from_text(["2*x", "y/2"], "x y", periodic={"x": 1.0}), [0.0, 0.0], length=1.0)


def test_one_manifold_of_one_cycle():
    """Of the bent saddle, whose manifolds are y = x² and x = (y − x²)²; without a cycle or a saddle there is none."""
    x, y = cf.analysis.manifold(bent(), [0.0, 0.0], length=3.0).curve.T
    assert abs(y - x**2).max() < 1e-12 and x.min() < -1.2 and x.max() > 1.2
    found = cf.analysis.manifold(bent(), [0.0, 0.0], stable=True, length=3.0)
    x, y = found.curve.T
    assert found.kind == "stable" and abs(x - (y - x**2) ** 2).max() < 1e-11 and np.ptp(y) > 2
    with pytest.raises(UsageError, match="takes one cycle"):
        cf.analysis.manifold(bent(), None, length=3.0)
    with pytest.raises(NumericsError):
        cf.analysis.manifold(bent(0.5, 0.5), [0.0, 0.0], length=3.0)
