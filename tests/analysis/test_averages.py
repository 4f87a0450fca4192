"""`averages` on orbits whose mean path is known in closed form."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

LINE = cf.Loss("x**2 + b*y", "x y", {"b": 0.5})
STEP = cf.as_map(LINE, cf.optimizers.gd(lr=1.0))  # x → −x exactly, y → y − b
PLAIN = cf.as_map(cf.Loss("x**2/2"), cf.optimizers.gd(lr=0.5))
N, X0, Y0, SLOPE = 400, 0.5, 3.0, 0.5


def line(n=N, x0=X0, **options):
    return cf.analysis.averages(cf.iterate(STEP, [x0, Y0], n), **options)


def entry(found, name):
    return next(e for e in found.entries if e.name == name)


def given_orbit(w, names=None):
    """An orbit of any weights; its map is there for the loss only."""
    w = np.atleast_2d(np.asarray(w, dtype=float).T).T
    step = PLAIN if w.shape[1] == 1 else STEP
    return cf.Orbit(w, step.names, w.shape[1], "done", step)


def rms(values):
    return math.sqrt(np.mean(np.square(values)))


# -- factors and lags ------------------------------------------------------------------------------------------


def test_the_reference_is_the_line_between_the_points():
    found = line()
    t = np.arange(N + 1)
    assert found.rows == N + 1 - 6 and np.isnan(found.reference[[0, 1, 2, -3, -2, -1]]).all()
    inside = slice(3, N - 2)
    np.testing.assert_allclose(found.reference[inside], np.column_stack([0 * t, Y0 - SLOPE * t])[inside], atol=1e-11)
    assert found.cycles == [] and found.warnings == [] and found.period == 2
    assert not found.swinging.any() and math.isnan(found.entries[0].swing_error)


def test_errors_on_a_2_cycle_along_a_line():
    found = line(decays=[0.0, 0.5, 0.9])
    t = np.arange(3, N - 2)
    assert entry(found, "iterate").error == pytest.approx(X0, rel=1e-12)
    assert entry(found, "ema=0").error == entry(found, "iterate").error
    two, middle, mean = (entry(found, name) for name in ("last_two", "midpoints", "polyak"))
    assert (two.lag, two.leaves, two.delay, middle.lag, middle.leaves, middle.delay) == (0.5, 0, 0, 0, 0, 1)
    assert two.error == pytest.approx(SLOPE / 2, rel=1e-12) and two.timed_error < 1e-12 and two.left < 1e-12
    assert middle.error < 1e-12 and middle.left < 1e-12
    away = np.hypot(np.where(t % 2 == 0, X0 / (t + 1), 0), SLOPE * t / 2)
    assert mean.error == pytest.approx(rms(away), rel=1e-12) and mean.max_error == pytest.approx(away.max(), rel=1e-12)
    assert mean.lag == N / 2 and mean.leaves == pytest.approx(1 / (2 * N + 2))
    for a in (0.5, 0.9):
        ema = entry(found, f"ema={a:g}")
        start = 1 - (1 - a) / (1 + a)
        away = np.hypot(X0 * ((1 - a) / (1 + a) * (-1.0) ** t + start * a**t), SLOPE * a / (1 - a) * (1 - a**t))
        assert ema.error == pytest.approx(rms(away), rel=1e-10)
        assert ema.lag == pytest.approx(a / (1 - a)) and ema.leaves == pytest.approx((1 - a) / (1 + a))


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.01, 10))
def test_what_an_ema_leaves_is_measured(decay, size):
    """The transient aᵗ only matters in the first rows, so the measured factor is that of the formula."""
    ema = entry(line(600, size, decays=[decay]), f"ema={decay:g}")
    assert ema.left == pytest.approx((1 - decay) / (1 + decay), rel=2e-2)
    # All that is left besides: the 2-cycle, once the delay is allowed for.
    late = np.linalg.norm(ema.w[300:, :1], axis=1)
    np.testing.assert_allclose(late, size * (1 - decay) / (1 + decay), rtol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.2, 0.2), st.floats(0.5, 5))
def test_midpoints_take_linear_growth_out_too(growth, size):
    """Of (−1)ᵗ(c + rt) the last two leave r/2, midpoints nothing, the centred averages of order 3 nothing either."""
    t = np.arange(80)
    found = cf.analysis.averages(given_orbit((-1.0) ** t * (size + growth * t)))
    np.testing.assert_allclose(np.abs(entry(found, "last_two").w), abs(growth) / 2, atol=1e-12)
    assert entry(found, "midpoints").max_error < 1e-12 and np.nanmax(np.abs(found.reference)) < 1e-12


# -- slow swings -----------------------------------------------------------------------------------------------


def swinging(length, cycles=10, drift=0.003):
    """A mean path, a slow swing about it, and a 2-cycle whose size has one maximum in each swing."""
    t = np.arange(int(cycles * length))
    phase = 2 * np.pi * t / length
    mean = 1 + drift * t
    return mean, mean + np.sin(phase) + (-1.0) ** t * 0.2 * np.exp(2 * np.cos(phase - 1))


@pytest.mark.parametrize("length", [60, 61])
def test_the_reference_is_the_mean_over_whole_slow_cycles(length):
    mean, w = swinging(length)
    found = cf.analysis.averages(given_orbit(w), decays=[0.9])
    lengths = [last - first for first, last in found.cycles]
    assert len(lengths) >= 8 and all(abs(n - length) <= 1 for n in lengths)
    there = np.isfinite(found.reference[:, 0])
    # Windows fit from half a cycle after the first maximum on to half a cycle before the end; before it only the quiet counts.
    first = found.cycles[0][0]
    assert there.sum() == found.rows and abs(there[first:].sum() - (len(w) - first - length)) <= 6
    inside = there.copy()
    inside[:first] = False
    assert np.abs(found.reference[inside, 0] - mean[inside]).max() < 0.02
    assert np.array_equal(found.swinging, inside)
    # The midpoints follow the swing, whose root mean square is 1/√2.
    assert entry(found, "midpoints").swing_error == pytest.approx(2**-0.5, rel=0.02)


def test_a_swing_that_slows_down_is_averaged_over_its_local_length():
    t = np.arange(1500)
    phase = 2 * np.pi * 40 * np.log1p(t / 800)  # periods from 20 to 57 steps
    mean, swing = 2 - 0.001 * t, np.sin(phase) * 0.5
    found = cf.analysis.averages(given_orbit(mean + swing + (-1.0) ** t * 0.1 * np.exp(2 * np.cos(phase))))
    there = np.isfinite(found.reference[:, 0])
    there[: found.cycles[0][0]] = False
    lengths = [last - first for first, last in found.cycles]
    assert lengths[0] < 25 and lengths[-1] > 50 and found.rows > 1300
    assert rms(found.reference[there, 0] - mean[there]) < 0.02 < 0.5 / math.sqrt(2)


def test_the_quiet_before_and_behind_is_not_averaged_over_cycles():
    """A curved path without oscillation, then swings, then the path alone again."""
    mean, w = swinging(60, 8, drift=0.0)
    quiet = 2.0 + 0.5 * np.sin(np.arange(400) / 120)
    w = np.concatenate([quiet - quiet[-1] + w[0], w, quiet - quiet[0] + w[-1]])
    found = cf.analysis.averages(given_orbit(w))
    for rows in (slice(10, 380), slice(len(w) - 380, len(w) - 10)):
        np.testing.assert_allclose(found.reference[rows, 0], w[rows], atol=1e-6)
    assert found.rows < len(w) - 6  # neither half a cycle around the swings
    middle = entry(found, "midpoints")
    quiet = np.linalg.norm(middle.w[~found.swinging[1:-1]] - found.reference[1:-1][~found.swinging[1:-1]], axis=1)
    assert np.nanquantile(quiet, 0.95) < 1e-4 < 0.5 < middle.swing_error and middle.error < middle.swing_error


def test_other_periods_are_told_and_taken_out():
    t = np.arange(300)
    mean = 0.01 * t
    orbit = given_orbit(mean + np.array([0.3, -0.5, 0.2])[t % 3])
    found = cf.analysis.averages(orbit, period=3)
    inside = np.isfinite(found.reference[:, 0])
    np.testing.assert_allclose(found.reference[inside, 0], mean[inside], atol=1e-12)
    assert found.warnings == [] and entry(found, "iterate").left == 1
    # Of a 3-cycle (1, 2, 1)/4 leaves (1 + cos 2π/3)/2, the last two |1 + e^{2πi/3}|/2.
    assert entry(found, "midpoints").left == pytest.approx(0.25)
    assert entry(found, "last_two").left == pytest.approx(0.5, rel=1e-2)  # the rows are no multiple of 3
    (words,) = cf.analysis.averages(orbit).warnings
    assert "its period is another one" in words and "period=3" in words


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 10), st.floats(-5, 5), st.floats(0, 6))
def test_errors_scale_with_the_weights_and_do_not_see_shifts_and_turns(seed, scale, shift, angle):
    rng = np.random.default_rng(seed)
    t = np.arange(70)
    w = np.cumsum(rng.normal(size=(70, 2)), axis=0) * 0.1 + ((-1.0) ** t)[:, None] * rng.normal(size=(1, 2))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    one, other = (cf.analysis.averages(given_orbit(z)) for z in (w, scale * w @ turn.T + shift))
    assert one.rows == other.rows and one.cycles == other.cycles
    for mine, theirs in zip(one.entries, other.entries, strict=True):
        for what in ("error", "swing_error", "max_error", "timed_error"):
            assert getattr(theirs, what) == pytest.approx(scale * getattr(mine, what), rel=1e-9, abs=1e-12, nan_ok=True)
        assert theirs.left == pytest.approx(mine.left, rel=1e-6, abs=1e-9) and theirs.lag == mine.lag


# -- as optimizers ---------------------------------------------------------------------------------------------


def test_losses_levels_and_steps_on_the_line():
    """On x = ±x₀, y = y₀ − bt the iterates have the loss x₀² + by, the last two b(y₀ − b(t − ½)), midpoints by."""
    found = line(decays=[], fractions=[0.5, 0.1])
    start, best = X0**2 + SLOPE * Y0, SLOPE * (Y0 - SLOPE * (N - 0.5))
    assert (found.start_loss, found.best_loss) == pytest.approx((start, best), rel=1e-13)
    assert found.levels == pytest.approx([(start + best) / 2, best + 0.1 * (start - best)], rel=1e-13)
    lag = {"iterate": (X0**2, 0.0, 0), "last_two": (0.0, 0.5, 0), "midpoints": (0.0, 0.0, 1)}
    for name, (extra, behind, delay) in lag.items():
        e = entry(found, name)
        assert e.final_loss == pytest.approx(extra + SLOPE * (Y0 - SLOPE * (N - delay - behind)), rel=1e-12)
        needed = [(extra + SLOPE * Y0 - level) / SLOPE**2 + behind for level in found.levels]
        assert e.reached == [math.ceil(step - 1e-9) + delay for step in needed]
        assert e.final_sharpness == pytest.approx(2.0) and len(e.loss) == len(e.w)
    assert entry(found, "polyak").reached[1] is None
    middle = (N + 1) - (N + 1) // 10 + ((N + 1) // 10 - 1) / 2
    assert entry(found, "iterate").median_loss == pytest.approx(X0**2 + SLOPE * (Y0 - SLOPE * middle), rel=1e-12)
    assert found.mean_loss == pytest.approx(entry(found, "iterate").median_loss, rel=1e-12)


def test_models_stand_beside_the_averages():
    gradient = cf.flows.gradient(LINE, cf.optimizers.gd(lr=1.0))
    orbit = cf.iterate(STEP, [X0, Y0], N)
    paths = [cf.solve(gradient, [X0, Y0], t, rtol=1e-11, save_at=range(t + 1)) for t in (N, N // 2)]
    found = cf.analysis.averages(orbit, paths, names=["all", "half"])
    t = np.arange(3, N - 2)
    model, short = entry(found, "all"), entry(found, "half")
    assert model.kind == "model" and model.error == pytest.approx(rms(X0 * np.exp(-2.0 * t)), rel=1e-6)
    assert model.timed_error == model.error and math.isnan(model.leaves) and math.isnan(model.predicted_loss)
    assert (len(short.w), short.rows, found.ended_early(short), found.ended_early(model)) == (N // 2 + 1, N // 2 - 2, True, False)
    assert found.ranking[-1] is short and [e.error for e in found.ranking[:-1]] == sorted(e.error for e in found.ranking[:-1])
    assert found.table()["name"] == [e.name for e in found.ranking]
    assert found.table().keys() >= {"error", "lag", "leaves", "left", "final_loss", "reached"} and "w" not in found.table()


def test_models_are_aligned_as_in_comparisons():
    """One whose weights lead by half a step is taken earlier, one that is a map is averaged over two steps."""
    orbit = cf.iterate(STEP, [X0, Y0], 60)
    path = cf.solve(cf.flows.gradient(LINE, cf.optimizers.gd(lr=1.0)), [X0, Y0], 60, rtol=1e-11, save_at=range(61))
    ahead, steps = dataclasses.replace(path, lead=0.5), dataclasses.replace(path, discrete=True)
    found = cf.analysis.averages(orbit, [ahead, steps], names=["ahead", "steps"])
    lead, discrete = entry(found, "ahead"), entry(found, "steps")
    t = np.arange(1, 61)
    np.testing.assert_allclose(lead.w, np.column_stack([X0 * np.exp(1 - 2.0 * t), Y0 - SLOPE * (t - 0.5)]), atol=1e-9)
    assert (lead.first, lead.delay, discrete.first, discrete.delay, len(discrete.w)) == (1, 0, 1, 1, 59)
    mean = X0 * np.exp(-2.0 * t[:-1]) * (2 + math.exp(2) + math.exp(-2)) / 4
    np.testing.assert_allclose(discrete.w[:, 0], mean, atol=1e-9)
    loss = X0**2 * np.exp(-4.0 * t[:-1]) * (2 + math.exp(4) + math.exp(-4)) / 4 + SLOPE * (Y0 - SLOPE * t[:-1])
    assert discrete.predicted_loss == pytest.approx(np.median(loss[-5:]), rel=1e-9)
    assert not found.ended_early(lead) and not found.ended_early(discrete)


def test_the_predicted_average_loss_is_that_of_the_iterates():
    """Once the swings of the minimal example have died down; the loss there is −ε(x + y) and what oscillates."""
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    found = cf.averages(loss, gd, ["central", "gradient"], start=[0.05, 6.4], steps=4000)
    central = entry(found, "central")
    assert central.predicted_loss == pytest.approx(found.mean_loss, abs=2e-5)
    assert central.predicted_loss > central.median_loss + 0.05 and entry(found, "gradient").error > 10 * central.error


def test_an_orbit_in_many_digits_and_a_record_that_is_kept(tmp_path):
    orbit = cf.iterate(STEP, [X0, Y0], 40, digits=30)
    found = cf.analysis.averages(orbit, decays=[0.5])
    again = cf.load(found.save(tmp_path / "a.npz"))
    assert [e.name for e in again.ranking] == [e.name for e in found.ranking]
    assert np.array_equal(again.reference, found.reference, equal_nan=True)
    with_floats = cf.analysis.averages(cf.iterate(STEP, [X0, Y0], 40), decays=[0.5])
    assert [e.error for e in found.entries] == pytest.approx([e.error for e in with_floats.entries], abs=1e-13)


@pytest.mark.parametrize("case", ["line", "swinging", "none"])
def test_the_figure_shows_errors_losses_and_the_ranking(case, tmp_path):
    found = cf.analysis.averages(given_orbit(swinging(60)[1])) if case == "swinging" else line()
    if case == "none":
        found = dataclasses.replace(found, reference=np.full_like(found.reference, np.nan))
    figure = cf.plot(found, tmp_path / "a.png")
    errors, ranking, losses = figure.axes
    assert errors.get_yscale() == ("linear" if case == "none" else "log") and len(losses.lines) >= len(found.entries)
    if case == "line":
        assert [text.get_text() for text in ranking.get_yticklabels()] == [e.name for e in found.ranking if e.error > 0][::-1]
    with pytest.raises(cf.CfdynError, match="does not accept orbit="):
        cf.plot(found, orbit=None)


# -- wrong input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decays": [1.0]}, r"the decay of an average lies in \[0, 1\), not 1"),
        ({"decays": [-0.1]}, "not -0.1"),
        ({"decays": [math.nan]}, "each entry of `decays` is a finite number, not nan"),
        ({"decays": [0.5, 0.5]}, "given twice"),
        ({"period": 1}, "whole number from 2 on, not 1"),
        ({"period": 2.5}, "not 2.5"),
        ({"period": 100}, "at least 302 states, not 101"),
        ({"fractions": [0.0]}, r"lies in \(0, 1\), not 0"),
    ],
)
def test_wrong_options_are_told(options, words):
    with pytest.raises(cf.CfdynError, match=words):
        line(100, **options)


def test_wrong_orbits_and_paths_are_told():
    with pytest.raises(cf.CfdynError, match="optimizer on a loss"):
        cf.analysis.averages(cf.iterate(cf.Map.from_text("r*x*(1-x)", params={"r": 3.2}), [0.3], 50))
    with pytest.raises(cf.CfdynError, match="at least 16 states, not 4: it diverged"):
        cf.analysis.averages(cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=3.0)), [1.9], 100))
    other = cf.solve(cf.flows.gradient(cf.Loss("u**2"), cf.optimizers.gd(lr=0.1)), [1.0], 50)
    with pytest.raises(cf.CfdynError, match="other weights than the orbit: u"):
        cf.analysis.averages(cf.iterate(STEP, [X0, Y0], 50), [other])
    escaping = cf.Loss("x**2/2 - y**2", "x y")
    found = cf.analysis.averages(cf.iterate(cf.as_map(escaping, cf.optimizers.gd(lr=0.5)), [1.0, 1.0], 200))
    assert found.status.startswith("diverged") and found.warnings[0] == f"the optimizer itself {found.status}"
