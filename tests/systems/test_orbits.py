"""Orbits against plain loops and against python-flint."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from tests.oracles import MP

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.7})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 0.99), st.floats(0.5, 4.0), st.integers(0, 300))
def test_bit_for_bit_a_plain_loop(x, r, n):
    orbit = cf.iterate(LOGISTIC.at(r=r), [x], n)
    expected = [x]
    for _ in range(n):
        expected.append(r * expected[-1] * (1 - expected[-1]))
    assert orbit.z.shape == (n + 1, 1) and orbit.status == "done"
    # A product of three may be taken in either order: bit for bit one of the two.
    other = [x]
    for _ in range(n):
        other.append(r * (other[-1] * (1 - other[-1])))
    swapped = [x]
    for _ in range(n):
        swapped.append(swapped[-1] * (r * (1 - swapped[-1])))
    assert orbit.z[:, 0].tolist() in (expected, other, swapped)


def test_bit_for_bit_in_two_dimensions():
    orbit = cf.iterate(HENON, [0.1, 0.1], 1000)
    x, y = 0.1, 0.1
    for k in range(1, 1001):
        # b x is exact either way; the sum is taken from left to right.
        candidates = ((1 - 1.4 * (x * x)) + y, (1 + y) - 1.4 * (x * x), 1 + (y - 1.4 * (x * x)))
        assert orbit.z[k, 0] in candidates and orbit.z[k, 1] == 0.3 * x
        x, y = orbit.z[k].tolist()


@pytest.mark.parametrize("digits", [30, 50, 200])
def test_digits_against_flint(digits):
    import flint

    orbit = cf.iterate(LOGISTIC.at(r=3.9), [0.3], 100, digits=digits)
    saved, flint.ctx.prec = flint.ctx.prec, 2000
    try:
        x, r = flint.arb(0.3), flint.arb(3.9)
        for _ in range(100):
            x = r * x * (1 - x)
        exact = MP.mpf(x.mid().str(150, radius=False))
    finally:
        flint.ctx.prec = saved
    # Errors grow by e^0.5 per step: 22 digits are lost on the way.
    assert abs(MP.mpf(orbit.z[-1, 0]) - exact) < MP.mpf(10) ** -(min(digits, 75) - 26)
    assert orbit.z.dtype == object and orbit.z.shape == (101, 1)
    if digits == 50:
        assert abs(float(cf.iterate(LOGISTIC.at(r=3.9), [0.3], 100).z[-1, 0]) - float(exact)) > 1e-6


def test_digits_of_a_transcendental_map():
    step = cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=1.7))
    orbit = cf.iterate(step, [0.4], 60, digits=50)
    w = MP.mpf(0.4)
    for _ in range(60):
        w = w - MP.mpf(1.7) * (MP.exp(w) - 1)
    assert abs(MP.mpf(orbit.w[-1, 0]) - w) < MP.mpf(10) ** -48


def test_midpoints_cancel_a_two_cycle_exactly():
    """−w: every midpoint is 0 exactly; on a drifting 2-cycle (−1)ᵗ a + b t they are b t."""
    orbit = cf.iterate(cf.Map.from_text("-x"), [0.7], 9)
    assert orbit.midpoints().shape == (8, 1) and (orbit.midpoints() == 0).all()
    drift = cf.Map.from_text(["-x + 2*t + 1", "t + 1"], "x t")
    orbit = cf.iterate(drift, [0.5, 0.0], 9)
    assert orbit.midpoints()[:, 0].tolist() == list(range(1, 9))
    assert orbit.midpoints()[:, 1].tolist() == list(range(1, 9))


def test_midpoints_are_of_the_weights_alone():
    step = cf.as_map(cf.Loss("x**2 + y**4"), cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    orbit = cf.iterate(step, [1.0, 0.5], 5)
    assert orbit.w.shape == (6, 2) and orbit.z.shape == (6, 4) and orbit.midpoints().shape == (4, 2)
    w = orbit.w
    np.testing.assert_array_equal(orbit.midpoints()[1], (w[1] + 2 * w[2] + w[3]) / 4)


def test_loss_and_sharpness_along_an_orbit():
    loss = cf.losses.scalar_factorization()
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.heavy_ball(lr=0.1, momentum=0.5)), [1.5, 0.4], 20)
    for (x, y), value, sharpness in zip(orbit.w.tolist(), orbit.loss, orbit.sharpness):
        assert value == pytest.approx((1 - x * y) ** 2 / 2, rel=1e-12, abs=1e-16)
        b = 2 * x * y - 1  # the Hessian is ((y², b), (b, x²))
        top = (x * x + y * y) / 2 + math.hypot((x * x - y * y) / 2, b)
        assert sharpness == pytest.approx(top, rel=1e-12)
    with pytest.raises(cf.CfdynError, match="not an optimizer on a loss"):
        _ = cf.iterate(LOGISTIC, [0.3], 3).loss


@pytest.mark.parametrize("digits", [None, 40])
def test_status(digits):
    assert cf.iterate(LOGISTIC, [0.3], 10, digits=digits).status == "done"
    doubling = cf.Map.from_text("2*x")
    orbit = cf.iterate(doubling, [1.0], 100, digits=digits)
    assert orbit.status == "diverged at step 50" and len(orbit.z) == 50  # 2⁵⁰ > 10¹⁵
    assert float(orbit.z[-1, 0]) == 2.0**49
    orbit = cf.iterate(cf.Map.from_text("log(x)"), [2.0], 10, digits=digits)
    assert orbit.status == "left the domain at step 3" and len(orbit.z) == 3 and all(math.isfinite(float(v)) for v in orbit.z[:, 0])
    assert math.log(2) > 0 > math.log(math.log(2))  # so the second image exists and the third does not
    assert orbit.status.endswith("3")


def test_overflow_is_divergence_not_a_domain_error():
    """x⁹ grows past every bound before inf − inf gives NaN."""
    step = cf.Map.from_text("x**9 - x**8")
    assert cf.iterate(step, [10.0], 10).status == "diverged at step 2"


def test_zero_steps_and_bad_requests():
    assert cf.iterate(LOGISTIC, [0.3], 0).z.tolist() == [[0.3]]
    for n, words in ((-1, "from 0 on"), (10**12, "GiB")):
        with pytest.raises(cf.CfdynError, match=words):
            cf.iterate(LOGISTIC, [0.3], n)
    for digits in (0, -5, 10**6):
        with pytest.raises(cf.CfdynError, match="digits"):
            cf.iterate(LOGISTIC, [0.3], 3, digits=digits)
    seen = []
    cf.iterate(LOGISTIC, [0.3], 2500, digits=20, progress=seen.append)
    assert seen == [1000, 2000]


def test_the_start_is_not_changed():
    start = np.array([0.3])
    cf.iterate(LOGISTIC, start, 5)
    assert start.tolist() == [0.3]
    orbit = cf.iterate(LOGISTIC, start, 5)
    assert orbit.provenance["settings"]["start"] == [0.3] and orbit.provenance["settings"]["steps"] == 5
