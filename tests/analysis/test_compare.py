"""`compare`: distances, slow cycles and onsets against closed forms."""

import math
import os
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.series.slow_cycles import onset, slow_cycles


def quadratic(eta=0.3, s=2.0, w0=1.5, n=40):
    """GD and gradient flow on Sw²/2: w_t = (1 − ηS)ᵗw₀, w(t) = e^{−ηSt}w₀."""
    loss, gd = cf.Loss("s*w**2/2", "w", {"s": s}), cf.optimizers.gd(lr=eta)
    orbit = cf.iterate(cf.as_map(loss, gd), [w0], n)
    path = cf.solve(cf.flows.gradient(loss, gd), [w0], n, rtol=1e-12, atol=1e-14, save_at=range(n + 1))
    r, t = 1 - eta * s, np.arange(1, n)
    middle = w0 * r ** (t - 1.0) * (1 + r) ** 2 / 4
    return loss, orbit, path, middle, w0 * np.exp(-eta * s * t), t


def test_distances_on_a_quadratic():
    _, orbit, path, middle, flow, t = quadratic()
    found = cf.analysis.compare(orbit, [path])
    (model,) = found.models
    away = np.abs(flow - middle)
    assert model.name == "gradient" and np.array_equal(found.t, t)
    np.testing.assert_allclose(found.averaged[:, 0], middle, rtol=1e-13)
    np.testing.assert_allclose(model.w[:, 0], flow, rtol=0, atol=1e-11)
    assert model.distance == pytest.approx(np.sqrt((away**2).mean()), rel=1e-9)
    assert model.max_distance == pytest.approx(away.max(), rel=1e-9)
    assert model.final_distance == pytest.approx(away[-1], rel=1e-3, abs=1e-11)
    assert model.sharpness_error == pytest.approx(0, abs=1e-13) and found.edge == pytest.approx(2 / 0.3)
    raw = 2.0 * orbit.w[:, 0] ** 2 / 2
    smooth = (raw[:-2] + 2 * raw[1:-1] + raw[2:]) / 4
    assert model.loss_error == pytest.approx(np.sqrt(((flow**2 - smooth) ** 2).mean()), rel=1e-8)
    assert found.cycles == [] and found.warnings == [] and found.orbit["crossing"] is None and "begins" not in found.orbit


def test_an_exact_two_cycle_is_averaged_away():
    """L = Sw²/2 − w⁴/4: the 2-cycle ±√(S − 2/η) has mean 0 and variance S − 2/η, and 0 is its own gradient flow."""
    s, eta = 2.5, 1.0
    loss, gd = cf.Loss("s*w**2/2 - w**4/4", "w", {"s": s}), cf.optimizers.gd(lr=eta)
    orbit = cf.iterate(cf.as_map(loss, gd), [np.sqrt(s - 2 / eta)], 60)
    path = cf.solve(cf.flows.gradient(loss, gd), [0.0], 60, save_at=range(61))
    found = cf.analysis.compare(orbit, [path], ["nothing"])
    np.testing.assert_allclose(found.averaged, 0, atol=1e-12)
    np.testing.assert_allclose(found.variance, s - 2 / eta, rtol=1e-12)
    np.testing.assert_allclose(found.sharpness, s, rtol=1e-12)
    assert found.models[0].name == "nothing" and found.models[0].distance == pytest.approx(0, abs=1e-12)
    assert found.orbit["crossing"] == 1 and found.edge == pytest.approx(2.0)


@settings(max_examples=40, deadline=None)
@given(
    period=st.integers(12, 80), depth=st.floats(0.5, 4.0), count=st.integers(3, 8), scale=st.floats(1e-12, 1e6), phase=st.floats(0.2, 0.8)
)  # fmt: skip
def test_slow_cycles_of_a_known_period(period, depth, count, scale, phase):
    """Of scale·exp(depth·cos) every maximum inside bounds a cycle, so all but the broken ones at the ends are whole."""
    t = np.arange(period * count)
    variance = scale * np.exp(depth * np.cos(2 * np.pi * (t / period - phase)))
    found = slow_cycles(variance)
    tops = [int(np.argmax(variance[k * period : (k + 1) * period])) + k * period for k in range(count)]
    want = list(zip(tops[:-1], tops[1:], strict=True))
    assert [f for f in found if f in want] == found and len(found) >= count - 2
    assert all(abs(last - first - period) <= 1 for first, last in found)


def test_no_slow_cycles():
    t = np.arange(400)
    for variance in (np.zeros(400), np.ones(400), np.exp(-t / 50), 1 + 0.2 * np.cos(t / 9), np.full(400, np.nan), np.ones(2)):
        assert slow_cycles(variance) == []
    # Oscillations of the variance itself, of 2 and 3 steps, are not slow; one of 4 just is.
    assert slow_cycles(np.tile([1.0, 0.1], 50)) == slow_cycles(np.tile([1.0, 0.1, 0.2], 50)) == []
    assert slow_cycles(np.tile([0.3, 1.0, 0.3, 0.1], 5)) == [(1, 5), (5, 9), (9, 13), (13, 17)]
    # Wiggles of what has died down beside one large maximum are none.
    assert slow_cycles(np.exp(-(((t - 200) / 10.0) ** 2)) + 1e-6 * (1 + np.cos(t / 5))) == []


@pytest.mark.parametrize("low, round_off", [(1e-10, False), (1e-17, True)])
def test_onset_of_an_alternation(low, round_off):
    """(−1)ᵗ a_t about a slow drift, a_t falling to ``low`` at 300 and growing to 1 at 600."""
    t = np.arange(700)
    size = np.exp(np.log(low) * (1 - np.abs(np.minimum(t, 600) - 300) / 300))
    w = np.stack([1 + 1e-3 * t, (-1.0) ** t * size], axis=1)
    found = onset(w, np.finfo(float).eps)
    # A hundredth in the square, a tenth in size: the last third of log(low) decades, in units of 300 steps.
    begins = 600 - 300 * np.log(10) / -np.log(low)
    assert found["begins"] == pytest.approx(begins, abs=2) and found["round_off"] is round_off
    if not round_off:
        assert found["lowest"] == pytest.approx(300, abs=4) and found["size"] == pytest.approx(low, rel=0.3)


def test_no_onset():
    t = np.arange(100)[:, None]
    for w in (0.99**t, (-0.9) ** t, np.full((100, 1), 2.0), np.ones((4, 1))):
        assert onset(w, 2e-16) == {}


@pytest.mark.parametrize("start", [0.1, math.sqrt(0.5)])
def test_an_oscillation_that_is_there_from_the_start(start):
    """On S w²/2 − w⁴/4 beyond the edge the 2-cycle ±√(S − 2/η) is there after a few steps, or at once: nothing to warn of,
    and the rod, which has it exactly, predicts its variance."""
    found = cf.compare(cf.losses.quartic(S=2.5), cf.optimizers.gd(lr=1.0), ["gradient", "rod"], start=[start], steps=200)
    assert found.orbit["begins"] == 0 and found.orbit["crossing"] == 1 and found.warnings == []
    assert found.variance[-1] == pytest.approx(0.5, rel=1e-12) and found.models[1].variance_ratio == pytest.approx(1, abs=0.01)


def test_other_motion_than_a_2_cycle_is_no_oscillation():
    t = np.arange(300.0)
    slow, quick = np.stack([np.cos(t / 20), np.sin(t / 20)], axis=1), np.cos(2 * np.pi * t / 13)[:, None]
    rounding = 1 + 1e-16 * (-1.0) ** t[:, None]
    for w in (slow, quick, np.stack([t, t**2 / 100], axis=1), rounding):
        assert onset(w, 2e-16) == {}
    assert onset(slow + 0.1 * (-1.0) ** t[:, None], 2e-16)["begins"] == 0


def two_time_scales(**options):
    return cf.compare(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), ["central", "gradient"], steps=2000, **options)


def test_an_onset_set_by_round_off():
    """From (0, 3) the oscillation dies down in the stable region: 1,527 is where float64 starts, 1,640 with 30 digits."""
    plain, precise = two_time_scales(start=[0, 3]), two_time_scales(start=[0, 3], digits=30)
    assert plain.orbit["crossing"] == pytest.approx(1223, abs=2) and plain.orbit["round_off"] and precise.orbit["round_off"]
    assert plain.orbit["begins"] == pytest.approx(1527, abs=15) and precise.orbit["begins"] == pytest.approx(1640, abs=15)
    assert "round-off in float64" in plain.warnings[0] and "round-off in 30 digits" in precise.warnings[0]
    central = plain.models[0]
    assert central.events[0]["t"] == pytest.approx(1221, abs=2) and central.onset == pytest.approx(1222, abs=4)


def test_an_oscillation_that_grows_from_far_below():
    """With rods for all modes Σ_xx falls to 10⁻¹² in the stable region; where it peaks again does not hang on tolerances."""
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    flow = cf.flows.rod(loss, gd, rods="all")
    (model,) = cf.compare(loss, gd, {"rods": flow}, [0.05, 6.0], 600).models
    fine = np.trace(cf.solve(flow, [0.05, 6.0], 600, rtol=1e-10, atol=1e-20, save_at=range(601)).covariance, axis1=1, axis2=2)
    assert model.variance[100:].max() == pytest.approx(fine[100:].max(), rel=0.02)
    assert 100 + model.variance[100:].argmax() == pytest.approx(100 + fine[100:].argmax(), abs=2)


def test_an_injected_seed_sets_the_onset():
    """Growth by |1 − ηy| per step from the crossing on: ln(size at the top/seed) = Σ ln|1 − ηy|."""
    begins = []
    for seed in (1e-9, 1e-6, 1e-3):
        found = two_time_scales(start=[0, 3], inject=seed)
        assert found.warnings == [] and not found.orbit["round_off"]
        first, last = found.orbit["crossing"], found.orbit["begins"]
        growth = np.log(np.abs(1 - 0.3 * found.averaged[first:last, 1])).sum()
        size = np.sqrt(found.variance.max() * 0.01)
        assert growth == pytest.approx(np.log(size / seed), abs=1.0)
        begins.append(last)
    assert begins[0] > begins[1] + 30 > begins[2] + 60


def test_the_seed_is_a_least_amplitude_and_nothing_else():
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    step = cf.as_map(loss, gd)
    orbit = cf.iterate(step, [0, 3], 400, inject=1e-5)
    w = orbit.w
    swing = (2 * w[1:-1] - w[:-2] - w[2:]) / 4
    size = np.linalg.norm(swing, axis=1)[30:]
    assert size.min() > 0.66e-5 and size.max() < 1.05e-5
    # Where the oscillation is large, it is the map itself.
    late = cf.iterate(step, [0.05, 6.4], 600, inject=1e-9)
    np.testing.assert_array_equal(late.w, cf.iterate(step, [0.05, 6.4], 600).w)


def test_whole_slow_cycles_average_the_swings():
    """The averages over whole cycles are on the central flow far better than the midpoints are."""
    found = cf.compare(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), ["gradient", "central"], [0.05, 6.4], 600)
    central = found.ranking[0]
    assert central.name == "central" and len(found.cycles) == 2
    assert central.cycle_distance < 0.05 * central.distance and 0.9 < central.variance_ratio < 1.1
    first, last = found.cycles[0]
    assert found.variance[first - 1] == found.variance[first - 2 : first + 1].max()
    mean = found.averaged[first - 1 : last - 1].mean(axis=0) - central.w[first - 1 : last - 1].mean(axis=0)
    assert np.linalg.norm(mean) <= central.cycle_distance * np.sqrt(2)


def test_a_path_that_ends_early_comes_last():
    loss, gd = cf.Loss("w**2/2 - w**4/4", "w"), cf.optimizers.gd(lr=0.5)
    orbit = cf.iterate(cf.as_map(loss, gd), [0.5], 30)
    away = cf.solve(cf.flows.gradient(loss, gd), [1.2], 30)
    assert away.status.startswith("blow-up")
    found = cf.analysis.compare(orbit, [away, cf.solve(cf.flows.gradient(loss, gd), [0.4], 30)], ["away", "near"])
    assert [m.name for m in found.ranking] == ["near", "away"] and len(found.ranking[1].w) < len(found.t)


def test_records_and_figures(tmp_path):
    found = cf.compare(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), ["gradient", "central"], [0.05, 6.4], 200)
    again = cf.load(found.save(tmp_path / "found.npz"))
    assert [m.name for m in again.ranking] == [m.name for m in found.ranking] and again.warnings == found.warnings
    np.testing.assert_array_equal(again.models[1].variance, found.models[1].variance)
    for record, options in ((found, {}), (again, {}), (again, {"loss": cf.losses.two_time_scales()})):
        figure = cf.plot(record, tmp_path / "figure.png", **options)
        assert [text.get_text() for text in figure.axes[5].get_yticklabels()] == [m.name for m in found.ranking[::-1]]
    one = cf.compare(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), ["gradient"], [1.2], 50)
    cf.plot(one, tmp_path / "one.png")
    net = cf.losses.tanh_network()
    cf.plot(cf.compare(net, cf.optimizers.gd(lr=1.0), ["gradient"], np.linspace(-1, 1, net.dim), 50), tmp_path / "net.png")


@pytest.mark.slow
def test_figures_of_many_models_have_all_their_words_inside():
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    flows = {f"edge:secant=true,floor=1e-{k}": cf.flows.edge(loss, gd, secant=True, floor=10.0**-k) for k in (3, 4, 5, 6, 7, 8)}
    flows |= {name: getattr(cf.flows, name)(loss, gd) for name in ("gradient", "central", "rod", "self_stabilization")}
    for models in (flows, {"gradient": flows["gradient"]}):
        figure = cf.plot(cf.compare(loss, gd, models, [0.05, 6.4], 100))
        figure.canvas.draw()
        width = figure.bbox.width
        boxes = [text.get_window_extent() for text in (figure.axes[5].xaxis.label, *figure.axes[5].get_yticklabels())]
        for box in (*boxes, figure.legends[0].get_window_extent()):
            assert box.x0 >= 0 and box.x1 <= width
        said = [text.get_text() for text in figure.legends[0].get_texts()]
        assert {"iterates", "averaged iterates", "gradient"} <= set(said)


def test_a_full_disk_leaves_no_half_files(tmp_path, monkeypatch):
    found = cf.compare(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), ["gradient"], [1.2], 30)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cfdyn.records.files.os.replace", full)
    for write in (lambda file: cf.plot(found, f"{file}.png"), lambda file: found.save(f"{file}.npz"),
                  lambda file: cf.animate(found, f"{file}.gif", frames=2)):  # fmt: skip
        with pytest.raises(NumericsError, match="No space left"):
            write(tmp_path / "result")
    assert list(tmp_path.iterdir()) == []


def test_films(tmp_path):
    from PIL import Image

    found = cf.compare(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), ["gradient", "central"], [0.05, 6.4], 60)
    seen = []
    file = cf.animate(found, tmp_path / "film.gif", frames=5, progress=seen.append)
    with Image.open(file) as film:
        assert film.n_frames == 5 and seen == [1, 2, 3, 4, 5]
        first = np.asarray(film.convert("RGB"), dtype=int)
        film.seek(4)
        assert np.abs(np.asarray(film.convert("RGB"), dtype=int) - first).max() > 50
    assert cf.animate(found) is not None
    for wrong in ("film.avi", "no/folder/film.gif"):
        with pytest.raises(UsageError):
            cf.animate(found, tmp_path / wrong)
    with pytest.raises(UsageError, match="2 to 2000 frames"):
        cf.animate(found, tmp_path / "film.gif", frames=1)
    with pytest.raises(UsageError, match="Comparison"):
        cf.animate(found.models[0], tmp_path / "film.gif")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.gif"]


@pytest.mark.parametrize(("said", "error", "words"), [
    ("av_interleaved_write_frame(): No space left on device", NumericsError, "film.mp4: No space left on device"),
    ("Unknown encoder", UsageError, "film.mp4: ffmpeg failed: Unknown encoder"),
])  # fmt: skip
def test_what_ffmpeg_says_is_told(said, error, words, tmp_path, monkeypatch):
    """It ends before all pictures are read; a full disk has its own status."""
    program, film = tmp_path / "bin" / "ffmpeg", tmp_path / "film.mp4"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    program.chmod(0o755)
    film.write_text("old")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    found = cf.compare(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), ["gradient"], [0.05, 6.4], 20)
    with pytest.raises(error, match=re.escape(words)):
        cf.animate(found, film, frames=3)
    assert film.read_text() == "old" and sorted(path.name for path in tmp_path.iterdir()) == ["bin", "film.mp4"]


def test_what_cannot_be_compared():
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    orbit = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 10)
    other = cf.solve(cf.flows.gradient(cf.Loss("a**2/2"), gd), [1.0], 1)
    with pytest.raises(UsageError, match="other weights"):
        cf.analysis.compare(orbit, [other])
    with pytest.raises(UsageError, match="orbit of an optimizer on a loss"):
        cf.analysis.compare(cf.iterate(cf.Map.from_text("x/2"), [1.0], 10), [])
    with pytest.raises(UsageError, match="at least 3 states"):
        cf.analysis.compare(cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 1), [])
    for options in ({"models": ["centrl"]}, {"models": []}, {"steps": 1}, {"start": None}, {"inject": -1.0}, {"models": [3]}):
        with pytest.raises(UsageError):
            cf.compare(loss, gd, **{"models": ["central"], "start": [0.05, 6.4], "steps": 10, **options})
    with pytest.raises(UsageError, match="with digits"):
        cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 10, digits=20, inject=1e-3)
    with pytest.raises(UsageError, match="lion"):
        cf.compare(loss, cf.optimizers.lion(lr=0.1), ["central"], [0.05, 6.4], 10)


def test_models_with_an_oscillation_of_their_own():
    """Near the edge: root mean squares in y against midpoints .111 (central), .034 (rod), .031 (edge), as published."""
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    found = cf.compare(loss, gd, ["central", "rod", "edge"], [0.05, 6.4], 600)
    central, rod, edge = (np.sqrt(((m.w - found.averaged)[:, 1] ** 2).mean()) for m in found.models)
    assert rod == pytest.approx(0.034, abs=1e-3) and edge == pytest.approx(0.031, abs=1e-3)
    assert central == pytest.approx(0.110, abs=2e-3) and max(rod, edge) < 0.4 * central
    assert [m.name for m in found.ranking] == ["edge", "rod", "central"]
    assert all(m.onset == pytest.approx(found.orbit["begins"], abs=6) for m in found.models[1:])
    assert all(m.variance_ratio == pytest.approx(1, abs=0.05) for m in found.models[1:])


def test_half_a_step_between_a_rod_and_the_midpoints():
    """On a quadratic below the edge z̄(t) is the mean of w_t and w_{t+1}: the rod is compared half a step earlier."""
    loss, gd = cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.05)
    orbit = cf.iterate(cf.as_map(loss, gd), [1.0], 40)
    path = cf.solve(cf.flows.rod(loss, gd), [1.0], 40, rtol=1e-10, save_at=np.arange(81) / 2)
    aligned = cf.analysis.compare(orbit, [path]).models[0].distance
    shifted = np.sqrt(((path(np.arange(1.0, 40))[:, 0] - orbit.midpoints()[:, 0]) ** 2).mean())
    assert path.lead == 0.5 and aligned < 0.05 * shifted


def test_a_map_is_averaged_like_the_iterates():
    """Self-stabilization predicts the iterates themselves, swings included."""
    loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    flow = cf.flows.self_stabilization(loss, gd, variant="generalised")
    found = cf.compare(loss, gd, {"generalised": flow}, [0.05, 6.4], 600)
    (model,) = found.models
    assert model.distance < 0.01 and model.variance_ratio == pytest.approx(1, abs=0.02)
    assert np.abs(model.w[1:, 0] - model.w[:-1, 0]).max() < 0.1 * np.sqrt(found.variance.max())


def test_models_begin_at_the_whole_state_after_some_steps():
    """As from that state given as a start, and not at its weights alone, behind which the second moments would be new."""
    loss, adam = cf.Loss("(x**2*y**2 - 1)**2/4 + 0.01*x**2"), cf.optimizers.adam(0.03, 0.5, 0.99, eps=1e-4)
    orbit = cf.iterate(cf.as_map(loss, adam), [1.5, 0.4], 150)
    names = ["central", "rod", "edge"]
    warm, whole, cold = (cf.compare(loss, adam, names, start, steps, after=after) for start, steps, after in (
        ([1.5, 0.4], 150, 50), (orbit.z[50], 100, 0), (orbit.w[50], 100, 0)))  # fmt: skip
    np.testing.assert_array_equal(warm.iterates, whole.iterates)
    for name, ours, same, other in zip(names, warm.models, whole.models, cold.models):
        np.testing.assert_array_equal(ours.w, same.w)
        assert np.abs(ours.w - other.w).max() > 1e-3, name
    assert any("whole state after 50 steps" in words for words in warm.warnings) and not whole.warnings
    for after in (-1, 149):
        with pytest.raises(UsageError, match="2 after those of `after`"):
            cf.compare(loss, adam, names, [1.5, 0.4], 150, after=after)
