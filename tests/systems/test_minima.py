"""Minima against closed forms; what is none must not be reported."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf

KNOWN = [  # loss, minima and λ in closed form
    (cf.losses.double_well(a=2.0), [(1.0, 4.0), (-1.0, 4.0)]),
    (cf.losses.quadratic_regression(y=0.72), [(1.2, 1.44), (-1.2, 1.44)]),
    (cf.losses.poisson_regression(a=2.5), [(math.log(2.5), 2.5)]),
    (cf.losses.logistic_regression(K=3.0, N=4.0), [(math.log(3), 3 / 16)]),
    (cf.losses.log_cosh(), [(0.0, 1.0)]),
    (cf.losses.huber(delta=0.5), [(0.0, 1.0)]),
    (cf.Loss("w**4/4 - w**2/2 + w/10"), None),
    (cf.Loss("-w**2/2 + w**4/4"), [(1.0, 2.0), (-1.0, 2.0)]),
]


@pytest.mark.parametrize(("loss", "known"), KNOWN, ids=[str(row[0].spec.title) for row in KNOWN])
def test_one_dimension(loss, known):
    if known is None:
        roots = np.sort(np.roots([1, 0, -1, 0.1]).real)[[0, 2]]
        known = [(r, 3 * r * r - 1) for r in roots]
    found = cf.minima(loss)
    assert len(found) == len(known)
    for w, curvature in known:
        (m,) = [m for m in found if abs(m.w[0] - w) < 1e-6]
        assert m.w[0] == pytest.approx(w, abs=1e-12)
        assert m.sharpness == pytest.approx(curvature, rel=1e-9)
        assert m.edge == pytest.approx(2 / curvature, rel=1e-9)
        assert m.kind == "isolated"
        assert m.loss == pytest.approx(loss.value([w]), abs=1e-14)
    assert [m.loss for m in found] == sorted(m.loss for m in found)


def test_a_local_minimum_of_a_cubic():
    (m,) = cf.minima(cf.losses.cubic(a=1.5))
    assert m.w[0] == pytest.approx(1, abs=1e-12) and m.edge == pytest.approx(2 / 3)


def test_kinks():
    (m,) = cf.minima(cf.Loss("Abs(x)"))
    assert m.kind == "kink" and abs(m.w[0]) < 1e-6 and math.isnan(m.edge)
    (m,) = cf.minima(cf.Loss("Abs(x - 1) + (x - 3)**2/8"))
    assert m.kind == "kink" and m.w[0] == pytest.approx(1, abs=1e-5)
    (m,) = cf.minima(cf.Loss("Abs(x) + (x - 5)**2/8"))  # the slope of the parabola wins at 0: the minimum is smooth
    assert m.kind == "isolated" and m.w[0] == pytest.approx(1, abs=1e-9)


def test_no_curvature_at_all():
    (m,) = cf.minima(cf.Loss("x**4"))
    assert m.kind == "degenerate" and abs(m.w[0]) < 1e-2 and m.edge == math.inf


def test_a_curve_of_minima():
    found = cf.minima(cf.losses.scalar_factorization(target=2.0))
    assert len(found) == 1 and found[0].kind == "continuum"
    x, y = found[0].w
    assert x * y == pytest.approx(2, abs=1e-8)
    assert found[0].sharpness == pytest.approx(x * x + y * y, rel=1e-8)
    # The flattest point of the curve has sharpness 4; what was found is near it, never below.
    assert 4 - 1e-9 <= found[0].sharpness < 4.5


@pytest.mark.parametrize("text", ["x**2 - y**2", "x*y", "x**3", "x**3 - 3*x*y**2", "-w**2", "w", "-exp(w)", "x**2*y - y**3/3"])
def test_unbounded_losses_have_none(text):
    assert cf.minima(cf.Loss(text)) == []


def test_saddles_are_not_reported():
    """(x² − 1)² + y² with the saddle 0, and a monkey saddle inside a bowl."""
    found = cf.minima(cf.Loss("(x**2 - 1)**2 + y**2"))
    assert sorted(m.w.round(8).tolist() for m in found) == [[-1.0, 0.0], [1.0, 0.0]]
    bowl = cf.minima(cf.Loss("x**3 - 3*x*y**2 + (x**2 + y**2)**2"))
    # In polar form r³ cos 3φ + r⁴: minima at r = 3/4 in three directions, λ = −6r + 12r² = 9/4 or 9r = 27/4.
    assert len(bowl) == 3
    for m in bowl:
        assert np.hypot(*m.w) == pytest.approx(0.75, abs=1e-9)
        assert m.sharpness == pytest.approx(27 / 4, rel=1e-7)


def test_real_data():
    """The gradient vanishes there, the Hessian is positive definite: one minimum, as the loss is convex."""
    loss = cf.losses.breast_cancer(features=2)
    (m,) = cf.minima(loss)
    assert np.abs(loss.gradient(m.w)).max() < 1e-12 and m.kind == "isolated"
    assert np.linalg.eigvalsh(loss.hessian(m.w))[0] > 0
    assert m.edge == pytest.approx(2 / np.linalg.eigvalsh(loss.hessian(m.w))[-1])


def test_the_seed_and_the_box():
    loss = cf.Loss("(w**2 - 1)**2/4")
    first, again = cf.minima(loss, seed=5), cf.minima(loss, seed=5)
    assert [m.w.tolist() for m in first] == [m.w.tolist() for m in again]
    assert [m.w.round(9).tolist() for m in cf.minima(loss, box=[(0.5, 2.0)])] == [[1.0]]
    for box in ([(1, 0)], [(0, 1), (0, 1)], [(0, math.inf)]):
        with pytest.raises(cf.CfdynError, match="finite interval"):
            cf.minima(loss, box=box)


@pytest.mark.parametrize(
    ("formula", "value"),
    [("Abs(x*y - 1) + 0.1*(x**2 + y**2)", 0.2), ("Max(1 - x*y, 0) + 0.05*(x**2 + y**2)", 0.1)],
)
def test_kinks_beside_which_newton_would_go_to_a_saddle(formula, value):
    """On xy = 1 the rest is least at ±(1, 1); off it the smooth pieces have their saddle at 0."""
    found = cf.minima(cf.Loss(formula))
    assert {m.kind for m in found} == {"kink"} and found[0].loss == pytest.approx(value, rel=1e-6)
    assert {tuple(m.w.round(2).tolist()) for m in found} == {(1.0, 1.0), (-1.0, -1.0)}


def test_one_minimum_that_is_flat_in_two_directions_is_one():
    """(1, 1, 1) solves xyz = 1, x + y + z = 3, as does a curve through (4, −½, −½)."""
    found = cf.minima(cf.Loss("(x*y*z - 1)**2 + 0.1*(x + y + z - 3)**2"))
    assert len(found) == 2
    assert sum(np.abs(m.w - 1).max() < 0.1 for m in found) == 1


def test_a_plateau_at_infinity_is_no_minimum():
    assert cf.minima(cf.Loss("exp(w)")) == [] and cf.minima(cf.Loss("1/(1 + w**2)")) == []


def test_a_slope_far_out_that_round_off_hides_is_no_minimum():
    """Rank 2 beside a matrix of rank 3, eigenvalues 2 and 2 ± √2: all minima leave the smallest, by Eckart and Young. One descent
    goes 10⁵ far, where the valley's slope is below the round-off of the curvature."""
    rows = [[2, 1, 0], [1, 2, 1], [0, 1, 2]]
    loss = cf.Loss("+".join(f"(u{i}1*v{j}1+u{i}2*v{j}2-{rows[i][j]})**2/2" for i in range(3) for j in range(3)))
    (m,) = cf.minima(loss, starts=12, seed=3)
    assert m.kind == "continuum" and m.loss == pytest.approx((2 - math.sqrt(2)) ** 2 / 2, rel=1e-9)
    assert m.sharpness == pytest.approx(2 * (2 + math.sqrt(2)), rel=1e-6)


@pytest.mark.parametrize(("at", "weight"), [(3, 1e-7), (0, 1e-7), (100, 1e-9)])
def test_at_the_end_of_a_long_valley_is_its_minimum_and_none_on_the_way(at, weight):
    """v = sin w, w = at: on the slope from the start to there Newton's method rests, as it takes the floor for flat."""
    loss = cf.Loss(f"1000*(v - sin(w))**2 + {weight}*(w - {at})**2")
    found = cf.minima(loss, starts=6)
    assert found and all(m.loss < 3e-12 and m.w == pytest.approx([math.sin(at), at], abs=0.05) for m in found)


def test_a_valley_that_falls_for_ever_has_no_minimum_on_its_way():
    """z → ∞ is the infimum. Where exp(−z) is below 1e-12, the floor is flat as far as floats tell."""
    assert all(m.loss < 1e-12 for m in cf.minima(cf.Loss("(x*y - 1)**2 + exp(-z)")))
    assert not any(9e3 < abs(m.w[1]) < 1e6 for m in cf.minima(cf.Loss("1/(1 + w**2) + v**2")))
    assert not any(abs(m.w[1]) < 1e8 for m in cf.minima(cf.Loss("v**2 - log(1 + w**2)/10**9")))


@pytest.mark.parametrize(("text", "w"), [("(w-1e5)**2 + 1", [1e5]), ("v**2 + (w-1e5)**2/10**10", [0, 1e5]), ("(v-1)**2 + (w-1e6)**2/2", [1, 1e6])])
def test_a_minimum_far_out_is_one(text, w):
    (m,) = cf.minima(cf.Loss(text))
    assert m.kind == "isolated" and sorted(m.w) == pytest.approx(w, rel=1e-9, abs=1e-9)
