"""All cycles of maps of two variables: published counts, closed forms, and maps that leave the box."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
PRODUCT = cf.Map.from_text(["r*x*(1-x)", "q*y*(1-y)"], variables="x y", params={"r": 4.0, "q": 3.9})


def check_cycles(found, step, period):
    """Each is one: the points follow each other, are different, and no two lists are the same up to a shift."""
    for cycle in found:
        assert cycle.points.shape == (period, step.dim)
        following = np.array([step(point) for point in cycle.points])
        np.testing.assert_allclose(following, np.roll(cycle.points, -1, axis=0), rtol=1e-9, atol=1e-9 * np.abs(cycle.points).max())
        product = np.eye(step.dim)
        for point in cycle.points:
            product = step.jacobian(point) @ product
        np.testing.assert_allclose(np.prod(cycle.multipliers), np.linalg.det(product), rtol=1e-6, atol=1e-9)
    starts = np.array([cycle.points.mean(axis=0) for cycle in found]).reshape(-1, step.dim)
    points = np.array([cycle.points for cycle in found]).reshape(-1, step.dim)
    distances = np.abs(points[:, None] - points).max(axis=2) + np.eye(len(points))
    assert len(points) < 2 or distances.min() > 1e-9, starts


@pytest.mark.parametrize(("period", "count"), list(enumerate([2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14], start=1)))
def test_henon_has_the_published_numbers_of_cycles(period, count):
    """Prime cycles of the whole plane at a = 1.4, b = 0.3, with the product of the multipliers (-b)ⁿ."""
    found = cf.analysis.cycles(HENON, period, [(-3, 3), (-3, 3)])
    assert (len(found), found.complete, len(found.undecided)) == (count, True, 0)
    check_cycles(found, HENON, period)
    assert all(np.isclose(np.prod(cycle.multipliers), (-0.3) ** period) for cycle in found)


def test_hundred_times_the_box_changes_nothing():
    """The same cycles, far away from them too."""
    near, far = (cf.analysis.cycles(HENON, 7, [(-size, size)] * 2) for size in (3, 300))
    assert far.complete
    np.testing.assert_allclose(near.points, far.points, atol=1e-12)


def test_cycles_that_leave_the_box_count():
    """One point in the box is enough: a window holds what the plane has there."""
    everywhere = cf.analysis.cycles(HENON, 11, [(-3, 3)] * 2)
    window = [(1.1, 1.2), (-0.1, 0.1)]
    low, high = np.array(window).T
    expected = [c for c in everywhere if ((c.points >= low) & (c.points <= high)).all(axis=1).any()]
    found = cf.analysis.cycles(HENON, 11, window)
    assert found.complete and 0 < len(expected) < len(everywhere)
    np.testing.assert_allclose(found.points, [c.points for c in expected], atol=1e-10)


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5])
def test_products_of_maps_of_one_variable(period):
    """fⁿ × gⁿ has the pairs of fixed points of fⁿ and gⁿ; Möbius inversion gives the cycles."""

    def fixed(name, value, n):
        line = cf.Map.from_text("r*x*(1-x)", params={"r": value})
        return sum(k * len(cf.analysis.cycles(line, k, [(-1, 2)])) for k in range(1, n + 1) if n % k == 0)

    pairs = {n: fixed("r", 4.0, n) * fixed("q", 3.9, n) for n in range(1, period + 1) if period % n == 0}
    moebius = {1: 1, 2: -1, 3: -1, 4: 0, 5: -1}
    expected = sum(moebius[period // n] * pairs[n] for n in pairs) // period
    found = cf.analysis.cycles(PRODUCT, period, [(-1, 2), (-1, 2)])
    assert (len(found), found.complete) == (expected, True)
    check_cycles(found, PRODUCT, period)


@pytest.mark.parametrize("slope", [-0.125, -0.3])
def test_gradient_descent_in_the_plane_has_a_stable_three_cycle(slope):
    """Built to order: exp(i(π/6 + 2πj/3)), with multipliers 1/64 and 0 for the first slope."""
    text = "3/4*(x**2+y**2) + h/2*(x**2+y**2-1)**2 + sqrt(3)/6*(2-x**2-y**2)*(x**3-3*x*y**2)"
    step = cf.as_map(cf.Loss(text, variables="x y", params={"h": slope}), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.cycles(step, 3, [(-2, 2), (-2, 2)])
    check_cycles(found, step, 3)
    angles = np.pi / 6 + 2 * np.pi * np.arange(3) / 3
    triangle = np.column_stack([np.cos(angles), np.sin(angles)])
    stable = [cycle for cycle in found if cycle.stable]
    # The loss is even in y, so the mirrored triangle is a cycle too.
    assert found.complete and len(stable) == 2
    for mirror in (1, -1):
        goal = triangle * [1, mirror]
        matches = [c for c in stable if all(np.abs(c.points - point).max(axis=1).min() < 1e-12 for point in goal)]
        assert len(matches) == 1
        if slope == -0.125:
            np.testing.assert_allclose(np.sort(np.abs(matches[0].multipliers)), [0, 1 / 64], atol=1e-12)


def test_a_valley_of_minima_does_not_hide_the_two_cycles():
    """(1 − xy)²/2 at lr 1.1: on the diagonal the 2-cycles of x − η x(x² − 1), all else fixed points."""
    step = cf.as_map(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=1.1))
    found = cf.analysis.cycles(step, 2, [(-3, 3), (-3, 3)])
    check_cycles(found, step, 2)
    line = cf.Map.from_text("x - lr*x*(x**2 - 1)", params={"lr": 1.1})
    for cycle in cf.analysis.cycles(line, 2, [(-3, 3)]):
        both = np.repeat(cycle.points, 2, axis=1)
        assert any(np.abs(np.roll(c.points, k, axis=0) - both).max() < 1e-9 for c in found for k in (0, 1))
    assert found.complete
    alone = cf.analysis.cycles(step, 1, [(-3, 3), (-3, 3)])
    assert not alone.complete and "continuum" in alone.reason
    np.testing.assert_allclose(alone.points, [[[0.0, 0.0]]], atol=1e-12)
    # The valley lies in the undecided boxes.
    for x in (0.4, 1.0, 2.9):
        assert any(((box[:, 0] <= [x, 1 / x]) & ([x, 1 / x] <= box[:, 1])).all() for box in alone.undecided)


@pytest.mark.parametrize(("formulas", "period"), [(["x", "y"], 1), (["-x", "-y"], 2), (["x/2", "y"], 1), (["x - 0.3*sign(x)", "y/2"], 2)])
def test_a_continuum_ends_undecided(formulas, period):
    """Quickly, with a reason, and with boxes that hold it."""
    found = cf.analysis.cycles(cf.Map.from_text(formulas, variables="x y"), period, [(-1, 1), (-1, 1)])
    assert not found.complete and found.reason and len(found.undecided)


def test_a_rotation_has_no_cycle_but_its_centre():
    """By 120 degrees: every point is on a 3-cycle, none on a 2-cycle; by another angle the centre alone is left."""
    third = cf.Map.from_text(["-x/2 - s*y", "s*x - y/2"], variables="x y", params={"s": np.sqrt(0.75)})
    box = [(-1, 1), (-1, 1)]
    assert not cf.analysis.cycles(third, 3, box).complete
    assert [len(cf.analysis.cycles(third, n, box)) for n in (1, 2)] == [1, 0]
    other = cf.Map.from_text(["c*x - s*y", "s*x + c*y"], variables="x y", params={"c": 0.6, "s": 0.8})
    for n in (2, 3, 4, 5):
        found = cf.analysis.cycles(other, n, box)
        assert (len(found), found.complete) == (0, True)


def test_a_map_defined_on_half_of_the_box():
    """x ← 3√x (1 − x) alone, with a passenger y ← y/2 + log x that exists for x > 0 only."""
    step = cf.Map.from_text(["3*sqrt(x)*(1-x)", "y/2 + log(x)"], variables="x y")
    line = cf.Map.from_text("3*sqrt(x)*(1-x)")
    for n in (1, 2, 3):
        found = cf.analysis.cycles(step, n, [(-1, 2), (-9, 9)])
        expected = cf.analysis.cycles(line, n, [(1e-6, 1)])
        assert found.complete and len(found) == len(expected)
        check_cycles(found, step, n)


def test_heavy_ball_cycles_of_lessard_recht_and_packard():
    """The 3-cycle {792, −2208, 2592}/1225 of a loss whose slope has corners."""
    loss = cf.Loss("Piecewise((25*w**2/2, w < 1), ((w**2 + 48*w - 24)/2, w < 2), ((25*w**2 - 48*w + 72)/2, True))")
    step = cf.as_map(loss, cf.optimizers.heavy_ball(lr=1 / 9, momentum=4 / 9))
    found = cf.analysis.cycles(step, 3, [(-5, 5), (-50, 50)])
    stable = [cycle for cycle in found if cycle.stable]
    assert found.complete and len(found) == 2 and len(stable) == 1
    np.testing.assert_allclose(1225 * stable[0].points[:, 0], [-2208, 2592, 792], rtol=1e-12)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([(-1, 1)], "has 1 interval; this map has 2 variables"), ([(1, -1), (0, 1)], "lo < hi; for x"), ([(0, 0), (0, 1)], "lo < hi; for x"),
        ([(0, np.nan), (0, 1)], "finite number"), ([(0, 1), (0, np.inf)], "finite .* for y"), ("xy", "`box` is a list"),
    ],
)  # fmt: skip
def test_bad_boxes_get_a_sentence(box, message):
    """Empty, reversed, infinite, not numbers."""
    with pytest.raises(cf.errors.UsageError, match=message):
        cf.analysis.cycles(HENON, 2, box)


def test_the_work_is_bounded():
    """A budget that is spent is said, with the part that is left; nothing hangs."""
    found = cf.analysis.cycles(HENON, 13, [(-3, 3), (-3, 3)], budget=200)
    assert not found.complete and "budget=2000`" in found.reason and len(found.undecided)


@pytest.mark.slow
def test_henon_has_the_published_numbers_of_longer_cycles():
    """Galias (2001), Int. J. Bifurcation Chaos 11, 2427: the numbers of cycles for n = 12…16."""
    counts = [len(cf.analysis.cycles(HENON, n, [(-3, 3), (-3, 3)])) for n in range(12, 17)]
    assert counts == [19, 32, 44, 72, 102]


@pytest.mark.parametrize(
    ("a", "counts"), [(0.3674999, (2, 0)), (0.3675001, (2, 1)), (-0.1224999, (2, 0)), (-0.1225001, (0, 0))]
)  # fmt: skip
def test_on_either_side_of_a_birth(a, counts):
    """Hénon's fixed points are born at a = −(1 − b)²/4 and the 2-cycle at 3 (1 − b)²/4; 10⁻⁷ beside, all is decided."""
    found = [cf.analysis.cycles(HENON.at(a=a), period, [(-30, 30), (-30, 30)]) for period in (1, 2)]
    assert tuple(map(len, found)) == counts and all(f.complete for f in found)


def test_at_a_birth_nothing_is_claimed():
    """A multiplier of −1 or 1 itself leaves the place undecided, and no crowd of cycles that only nearly close."""
    flip = cf.analysis.cycles(HENON.at(a=0.3675), 2, [(-30, 30), (-30, 30)])
    assert not flip.complete and len(flip) == 0
    fold = cf.analysis.cycles(HENON.at(a=-0.1225), 1, [(-30, 30), (-30, 30)])
    assert not fold.complete and len(fold) <= 1
    x = 0.7 / (2 * 0.1225)
    assert any(((box[:, 0] <= [x, 0.3 * x]) & ([x, 0.3 * x] <= box[:, 1])).all() for box in fold.undecided)


CUBIC = cf.Map.from_text(["y + c0 + c1*x + c2*x**2 + c3*x**3", "b*x"], variables="x y",
                         params={"c0": 0.0, "c1": 0.0, "c2": 0.0, "c3": 0.0, "b": 0.0})  # fmt: skip


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.floats(-0.8, 0.8))
@settings(max_examples=40, deadline=None)
def test_cubic_henon_maps_against_the_roots_of_polynomials(coefficients, b):
    """x_{i+1} = b x_{i−1} + q(x_i): fixed points and 2-cycles are the real roots of polynomials of degree 3 and 9."""
    assume(abs(coefficients[3]) > 0.1)
    q = np.polynomial.Polynomial(coefficients)
    x = np.polynomial.Polynomial([0, 1])
    fixed, twice = (q - (1 - b) * x).roots(), (q(q / (1 - b)) - (1 - b) * x).roots()
    for roots in (fixed, twice):
        apart = np.abs(roots[:, None] - roots) + 10 * np.eye(len(roots))
        assume(apart.min() > 1e-3 and np.abs(roots).max() < 50)
    real = [np.sort(roots.real[np.abs(roots.imag) < 1e-5]) for roots in (fixed, twice)]
    step = CUBIC.at(b=b, **{f"c{k}": value for k, value in enumerate(coefficients)})
    found = [cf.analysis.cycles(step, n, [(-60, 60), (-60, 60)]) for n in (1, 2)]
    assert all(f.complete for f in found)
    np.testing.assert_allclose(np.sort(found[0].points[:, 0, 0]), real[0], atol=1e-7)
    np.testing.assert_allclose(np.sort(np.concatenate([real[0], found[1].points[:, :, 0].ravel()])), real[1], atol=1e-7)


@pytest.mark.parametrize("periodic", [None, {"x": 1.0}])
def test_limits_at_a_jump_are_no_cycles(periodic):
    """The cat map has |det(Aⁿ − 1)| = 1, 5, 16 points of fⁿ(z) = z on the torus: 1, 2 and 5 cycles, each closing in fractions."""
    step = cf.Map.from_text(["mod(2*x+y, 1)", "mod(x+y, 1)"], "x y", periodic=periodic)
    for n, count in ((1, 1), (2, 2), (3, 5)):
        found = cf.analysis.cycles(step, n, [(0, 1), (0, 1)])
        assert len(found) == count
        for cycle in found:
            rational = [[Fraction(float(x)).limit_denominator(16) for x in point] for point in cycle.points]
            assert np.abs(np.array(rational, dtype=float) - cycle.points).max() < 1e-12
            for (x, y), after in zip(rational, [*rational[1:], rational[0]], strict=True):
                assert [(2 * x + y) % 1, (x + y) % 1] == after


def test_a_fixed_point_of_the_baker_map_is_not_at_its_far_corner():
    """(mod(2x, 1), (y + floor(2x))/2) = (x, y) asks for mod(2x, 1) = x in [0, 1), thus x = 0 and y = 0."""
    step = cf.Map.from_text(["mod(2*x, 1)", "(y+floor(2*x))/2"], "x y")
    assert cf.analysis.cycles(step, 1, [(0, 1), (0, 1)]).points.tolist() == [[[0.0, 0.0]]]
