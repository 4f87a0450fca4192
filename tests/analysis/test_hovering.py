"""Whether a curvature hovers at the edge: series with known answers, and what theory says of optimizers there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.series.hover import hover

OPT = cf.optimizers


def steps(n):
    return np.arange(float(n))


def sharpening(n, arrival, after, swing=1.0):
    """A ratio that rises in a straight line to 1 at a step and then is what ``after`` says, and weights that oscillate from there."""
    t = steps(n)
    return np.where(t < arrival, t / arrival, after(t - arrival)), np.where(t < arrival, 0.0, swing)


def sawtooth(low, high, length):
    return lambda t: low + (high - low) * (t % length) / length


@settings(max_examples=60, deadline=None)
@given(st.integers(300, 3000), st.floats(0.1, 0.5), st.floats(0.6, 0.97), st.floats(1.03, 1.1), st.integers(12, 25))
def test_bursts_after_sharpening_hover(n, share, low, high, length):
    arrival = int(share * n)
    ratio, swing = sharpening(n, arrival, sawtooth(low, high, length))
    found = hover(ratio, swing)
    assert found.kind == "hovers" and 0.97 * arrival <= found.since <= arrival + 4 * length + 0.05 * n
    assert found.mean == pytest.approx((low + high) / 2, abs=0.03)
    top = high - (0.05 + 1 / length) * (high - low)  # the last step of a tooth is below its end
    assert found.low == pytest.approx(low + 0.05 * (high - low), abs=0.08) and found.high == pytest.approx(top, abs=0.05)
    assert found.side == ("below" if found.mean < 0.98 else "above" if found.mean > 1.02 else "on")


@pytest.mark.parametrize(("after", "mean", "side"), [
    (lambda t: 1 + 0.03 * np.cos(t / 11), 1.0, "on"), (lambda t: 1.03 + 0.01 * np.cos(t / 7), 1.03, "above"),
    (lambda t: 1 + 0.2 * np.cos(t / 20) * np.exp(-t / 300), 1.0, "on"), (lambda t: 0.99 + 0 * t, 0.99, "on"),
], ids=["about it", "above it", "slow cycles that die out", "a 2-cycle"])  # fmt: skip
def test_sides(after, mean, side):
    found = hover(*sharpening(2000, 500, after))
    assert (found.kind, found.side) == ("hovers", side) and found.mean == pytest.approx(mean, abs=0.006)
    assert 480 <= found.since <= 700


@pytest.mark.parametrize(("ratio", "swing", "kind", "reason"), [
    (0.7 - 0.3 * np.exp(-steps(1000) / 50), np.exp(-steps(1000)), "never", ""),
    (np.full(1000, 0.95), np.full(1000, 1.0), "never", ""),
    (0.3 + 0.4 * steps(1000) / 1000, np.zeros(1000), "undecided", "still rises"),
    (0.01 * np.exp(steps(1000) / 300), np.zeros(1000), "undecided", "still rises"),
    (0.95 + 0.05 * steps(100) / 60, np.full(100, 1.0), "undecided", "just reached"),
    (1.3 - 0.4 * (1 - np.exp(-steps(1000) / 30)), 0.9 ** steps(1000), "left", ""),
    (np.full(1000, 1.4), np.full(1000, 1.0), "beyond", ""),
    (0.5 + (steps(1000) % 2), np.full(1000, 1.0), "beyond", ""),
    (1 + 4 * np.abs(np.sin(steps(1000) ** 2)), np.full(1000, 1.0), "beyond", ""),
    (np.full(1000, 1.001), np.exp(steps(1000) / 20), "undecided", "oscillation grew"),
    (np.full(1000, 1.0), 0.98 ** steps(1000), "undecided", "oscillation died down"),
    (np.full(1000, 1.0), np.zeros(1000), "undecided", "oscillate only by round-off"),
    (np.exp(steps(1000) / 100), np.ones(1000), "undecided", "still changes"),
    (np.full(1000, 1e5), np.zeros(1000), "undecided", "inject a seed"),
    (np.full(49, 1.0), np.full(49, 1.0), "undecided", "too few"),
    (np.append(np.full(200, 1.0), np.nan), np.full(201, 1.0), "undecided", "not finite"),
], ids=["converges below", "rests below", "rises", "rises as a power", "arrives", "leaves", "far above", "two values", "scattered", "grows",
        "dies", "rests", "runs away", "stands still", "short", "NaN"])  # fmt: skip
def test_what_does_not_hover(ratio, swing, kind, reason):
    found = hover(ratio, swing)
    assert found.kind == kind and reason in found.reason and bool(found.reason) == (kind == "undecided")


def test_an_oscillation_far_smaller_than_an_early_one_counts():
    t = steps(2000)
    swing = np.where(t < 100, 1.0, 1e-12)
    assert hover(np.where(t < 100, 0.2, 1 + 0.05 * np.sin(t / 9)), swing).kind == "hovers"
    assert hover(np.where(t < 100, 0.2, 1 + 0.05 * np.sin(t / 9)), swing * 0.99**t).kind == "undecided"


def orbit(loss, optimizer, start, n):
    return cf.iterate(cf.as_map(loss, optimizer), start, n)


@pytest.mark.parametrize(("beta1", "mean", "low", "high"), [(0.9, (0.925, 0.95), 0.8, 1.03), (0.5, (0.975, 0.99), 0.77, 1.22)])
@pytest.mark.parametrize("beta2", [0.99, 0.999])
def test_adam_on_a_quadratic_bursts_below_its_edge(beta1, beta2, mean, low, high):
    """ε = 0: the steady 2-cycle of w²/2, x = η/θ, is unstable from β₁ = 3 − 2√2 on; for β₁ = 0.9 S/θ is .93–.95, from .8 to 1.03."""
    lr = 0.01
    adam = OPT.adam(lr, beta1, beta2, 0.0, bias_correction=False)
    x = lr / adam.limit
    found = cf.analysis.hovering(orbit(cf.Loss("w**2/2"), adam, [1.2 * x, 0.0, 1.5 * x**2], 20_000))
    assert (found.kind, found.side) == ("hovers", "below" if beta1 == 0.9 else found.side) and found.since < 500
    assert mean[0] <= found.mean <= mean[1]
    assert found.low == pytest.approx(low, abs=0.04) and found.high == pytest.approx(high, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_adam_on_a_network_holds_at_37(seed):
    """S = λ₁(P⁻¹H) over the last third of 3,000 steps is 3 to 5 % below 38 (Cohen et al. 2022: 38/η)."""
    start = 0.7 * np.random.default_rng(seed).normal(size=7)
    found = cf.analysis.hovering(orbit(cf.losses.tanh_network(), OPT.adam(0.02, beta2=0.99), start, 3000))
    assert (found.kind, found.side) == ("hovers", "below") and found.moving
    assert 0.94 * 38 < found.sharpness[2000:].mean() < 0.985 * 38 and found.low > 0.75 and found.high < 1.06
    assert found.meaning.startswith(f"λ₁(P⁻¹H) at the averaged iterate hovers at its edge θ = 38 from step {found.since} on, below it: ")


def test_gradient_descent_hovers_after_progressive_sharpening():
    """On ½(1 − xy)² from near the saddle the sharpness at the averaged weights rises to 2/η and stays, a 2-cycle about (1, 1)."""
    path = orbit(cf.Loss("(1 - x*y)**2/2"), OPT.gd(1.02), [0.3, 0.02], 1000)
    found = cf.analysis.hovering(path)
    assert found.ratio[0] < 0.7 and found.kind == "hovers" and found.since <= 10 and found.side == "on"
    np.testing.assert_allclose(found.sharpness[-10:], 2.0, rtol=0.005)
    # At the iterates it alternates, on both sides of the edge.
    assert path.preconditioned_sharpness[-2:].min() < 1.8 and path.preconditioned_sharpness[-2:].max() > 2.2


def test_momentum_hovers_at_its_own_edge():
    """Two time scales: 2(1 + β) for heavy ball at a rate 1 + β times as large, where gradient descent is at 2."""
    loss = cf.losses.two_time_scales(eps=0.0005)
    for optimizer, theta in ((OPT.gd(0.3), 2.0), (OPT.heavy_ball(0.45, 0.5), 3.0)):
        found = cf.analysis.hovering(orbit(loss, optimizer, [0.05, 6.4], 15_000))
        assert found.kind == "hovers" and found.mean == pytest.approx(1.0, abs=0.03)
        np.testing.assert_allclose(found.theta, theta, rtol=1e-14)
        assert not found.moving and found.crossing is not None and f"The sharpness at the averaged iterate hovers at its edge (θ = {theta:g}) " in found.meaning


def test_what_converges_never_reaches_it():
    found = cf.analysis.hovering(orbit(cf.Loss("w**2/2"), OPT.gd(1.0), [1.0], 100))
    assert found.kind == "never"
    assert found.meaning == "The sharpness does not reach its edge (θ = 2) in 100 steps: at most 0.5 of it, at step 1."


def test_a_catapult_leaves_the_edge_below():
    """From beyond the edge gradient descent on ½(1 − xy)² ends at a flatter minimum, of sharpness x² + y²."""
    path = orbit(cf.Loss("(1 - x*y)**2/2"), OPT.gd(0.8), [1.5, 0.3], 1000)
    found = cf.analysis.hovering(path)
    end = 0.4 * (path.w[-1] ** 2).sum()
    assert found.kind == "left" and found.crossing == 1 and found.since == 2 and end < 1
    assert found.meaning == f"The sharpness is below its edge (θ = 2) from step 2 on: {end:.3g} of it at step 999."


def test_a_two_cycle_far_from_the_edge_does_not_hover():
    """L = Sw²/2 − w⁴/4: in its 2-cycle ±√(S − 2/η) the averaged weights stay at the top, where ηS/2 = 1.25."""
    found = cf.analysis.hovering(orbit(cf.Loss("s*w**2/2 - w**4/4", "w", {"s": 2.5}), OPT.gd(1.0), [np.sqrt(0.5)], 400))
    assert found.kind == "beyond" and found.mean == pytest.approx(1.25, rel=1e-9)
    assert "The sharpness passes its edge (θ = 2) at step 1 and does not stay near it: 1.25 of it on average" in found.meaning


@pytest.mark.parametrize(("n", "reason"), [(0, "0 steps"), (1, "1 steps"), (2, "1 steps"), (30, "29 steps")])
def test_short_records_are_undecided(n, reason):
    found = cf.analysis.hovering(orbit(cf.losses.double_well(), OPT.adam(0.01), [1.5], n))
    assert found.kind == "undecided" and found.reason.startswith(reason) and len(found.t) == max(n - 1, 0)
    assert "undecided" in found.meaning and len(cf.plot(found).axes) == 1


def test_an_orbit_that_diverges_is_undecided():
    found = cf.analysis.hovering(orbit(cf.losses.double_well(), OPT.gd(4.0), [1.5], 100))
    assert found.kind == "undecided" and "the orbit diverged" in found.meaning


def test_many_digits_say_the_same():
    step = cf.as_map(cf.Loss("(1 - x*y)**2/2"), OPT.gd(1.02))
    first, second = (cf.analysis.hovering(cf.iterate(step, [0.5, 0.05], 200, digits=digits)) for digits in (None, 40))
    assert first.meaning == second.meaning and first.kind == "hovers"


def test_it_is_saved_and_drawn(tmp_path):
    found = cf.analysis.hovering(orbit(cf.losses.tanh_network(), OPT.adam(0.02, beta2=0.99), np.full(7, 0.3), 300))
    again = cf.load(found.save(tmp_path / "held.npz"))
    assert again.meaning == found.meaning and len(cf.plot(again).axes) == 1
    with pytest.raises(UsageError, match="needs the orbit of an optimizer"):
        cf.analysis.hovering(cf.iterate(cf.Map.from_text("x/2"), [1.0], 100))


@pytest.mark.parametrize(("optimizer", "panels"), [(OPT.adam(0.02, beta2=0.99), 7), (OPT.gd(0.5), 6), pytest.param(OPT.sign_gd(0.01), 6, marks=pytest.mark.slow)],
                         ids=["adam", "gd", "sign_gd"])  # fmt: skip
def test_comparisons_say_it_too(optimizer, panels):
    loss, start = cf.losses.tanh_network(), np.full(7, 0.3)
    found = cf.compare(loss, optimizer, ["rod"] if optimizer.name == "sign_gd" else ["gradient"], start, 200)
    path = orbit(loss, optimizer, start, 200)
    if optimizer.name == "sign_gd":
        assert found.hovering is None and "no λ₁(P⁻¹H)" in found.no_hovering and found.models[0].preconditioned is None
    else:
        own = cf.analysis.hovering(path)
        assert found.hovering.meaning == own.meaning and found.orbit["crossing"] == own.crossing
        np.testing.assert_array_equal(found.hovering.t, found.t)
        assert found.models[0].preconditioned.shape == found.t.shape
    assert len(cf.plot(found, loss=loss).axes) == panels
    assert len(cf.plot(path).axes) == (2 if optimizer.name == "sign_gd" else 3)
