"""What figures show, leave out and say of it."""

from dataclasses import fields, replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import cfdyn as cf
from cfdyn.plotting import panels, style
from cfdyn.plotting.figures.study import telling
from cfdyn.studies.landscape import landscape

RECORDS, BEFORE = Path(__file__).parent / "records", Path(__file__).parents[1] / "records" / "before"


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_first_points_are_in_view(axes):
    values = np.concatenate([[3.0, 2.5], np.ones(298) + 0.5 * (-1.0) ** np.arange(298)])
    style.clip_range(axes, values)
    assert axes.get_ylim()[1] > 3 and not axes.texts


def test_what_runs_away_is_left_out_and_counted(axes):
    style.clip_range(axes, np.concatenate([np.linspace(0, 1, 999), [1e6]]))
    assert axes.get_ylim()[1] < 2
    assert [text.get_text() for text in axes.texts] == ["1 % are beyond"]


def test_a_line_on_another_is_dashed_and_says_so():
    step, path = np.arange(50.0)[:, None], np.linspace(0, 1, 50)[:, None]
    assert panels.hidden([path, path + 1e-4, path + 0.1, path[:40], step]) == {1: 0}
    assert panels.line_style(0, {1: 0})["linestyle"] == "-"
    assert panels.line_style(1, {1: 0})["linestyle"] != "-"
    names = [text.get_text() for text in cf.plot(cf.load(RECORDS / "RunsComparison.npz")).legends[0].get_texts()]
    assert "gradient (as central)" in names


def test_where_a_scan_was_refined_there_are_no_stripes():
    values = np.sort(np.concatenate([np.linspace(0, 1, 101), np.linspace(0.5, 0.51, 50)]))
    kept = values[style.evenly(values, 100)]
    assert np.allclose(np.diff(kept), 0.01, atol=2e-3)


def test_the_plane_of_a_study_holds_the_path_from_its_start():
    loss, optimizer = cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5)
    step = cf.as_map(loss, optimizer)
    orbit = cf.iterate(step, [1.107], 300)
    assert np.abs(orbit.z[200:] - [1, 0]).max() < 1e-15
    found = landscape(loss, step, orbit, cf.analysis.classify(step, [1.107]))
    lo, hi = np.array([found.x[[0, -1]], found.y[[0, -1]]]).T
    assert (lo < orbit.z.min(axis=0)).all() and (hi > orbit.z.max(axis=0)).all()
    assert (hi - lo < 2 * np.ptp(orbit.z, axis=0)).all()


@pytest.mark.parametrize(("loss", "scale"), [("w**4/4 + w**2/2", "log"), ("(w**2-1)**2/4", "symlog"), ("w**2/2", "linear")])
def test_where_the_sharpness_runs_away_its_edge_can_still_be_seen(loss, scale):
    """Beside 1e26 the edge and the first steps would be one line at the bottom. 3w² + 1 is above 0, 3w² − 1 at some steps below."""
    from cfdyn.plotting.canvas import new_figure
    from cfdyn.plotting.figures.orbit import draw_sharpness

    made = cf.Loss(loss)
    orbit = cf.iterate(cf.as_map(made, cf.optimizers.gd(lr=2.5)), [1.2], 8)
    axes = new_figure(3, 3).add_subplot()
    draw_sharpness(axes, orbit.sharpness, 2 / 2.5)
    first, edge = axes.transAxes.inverted().transform(axes.transData.transform([(0, orbit.sharpness[0]), (0, 0.8)]))[:, 1]
    assert axes.get_yscale() == scale and 0 <= edge <= 1 and abs(first - edge) > 1e-3


def test_a_study_names_the_regimes_that_can_be_seen():
    """In their bands where the names fit, else in the legend below, and none twice."""
    study = cf.load(BEFORE / "Study.npz")
    figure = cf.plot(study)
    inside = [text.get_text() for text in figure.axes[1].texts]
    below = [text.get_text() for text in figure.legends[0].get_texts()]
    widths = {}
    for lo, hi, name in study.bands.bands:
        kind = style.regime_words(style.regime_name(name))
        widths[kind] = widths.get(kind, 0) + (hi - lo) / np.ptp(study.bands.values)
    seen = {name for name, width in widths.items() if width >= 0.003}
    assert "diverges" in inside and "period 3" in below
    assert sorted({*inside, *below} & {*widths}) == sorted(seen) and len({*inside} & {*below}) == 0
    assert {*below} - {*widths} <= {"doubling", "3-cycles are born"}


@pytest.mark.parametrize(("series", "steps"), [
    (np.tile([1.0, 2.0, 3.0], 100), 60),  # repeats from the beginning
    (1000 + np.concatenate([np.arange(100.0), np.full(200, 100.0)]), 104),  # stands still from step 99 on, to a hundredth
    (0.8 ** np.arange(301.0), 301),  # falls over decades
])  # fmt: skip
def test_how_many_steps_tell_all(series, steps):
    assert telling(series) == steps


def tiles(figure):
    """(x of the left side, width, row, colour) of each, in the order in which they are drawn."""
    return [(tile.get_x(), tile.get_width(), tile.get_y() + tile.get_height() / 2, to_hex(face) if (face := tile.get_facecolor())[3] else "none")
            for tile in figure.axes[0].patches]  # fmt: skip


def test_studies_have_a_tile_each_at_their_rate_in_the_colour_of_their_regime():
    """Rows of losses and optimizers; of one rate, from another start, a row of its own; what failed stands where it was asked for."""
    found = cf.load(RECORDS / "Studies.npz")
    figure = cf.plot(found)
    rows = {}
    for x, width, row, colour in tiles(figure):
        rows.setdefault(round(row), []).append((round(x + width / 2, 9), colour))
    of = style.REGIMES
    assert rows == {
        0: [(0.5, of["fixed point"]), (1.1, of["period 2"]), (1.46, of["period 3"])], 1: [(1.1, of["period 2"])],
        2: [(0.5, of["fixed point"]), (1.2, of["chaotic"]), (1.3, of["period 6"]), (1.36, of["quasi-periodic"])], 3: [(1.2, "none")],
    }  # fmt: skip
    named = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert named[0] == r"$(w^{2}-1)^{2}/4$, gradient descent" and named[3].endswith(r", heavy ball, $\beta=0.95$")
    assert [text.get_text() for text in figure.axes[0].texts] == ["×"]
    lines = [(line.get_xdata()[0], line.get_ydata().mean()) for line in figure.axes[0].lines]
    assert lines == [(1.0, 0), (1.0, 1), (1.25, 2)]


def test_many_studies_have_tiles_that_do_not_cover_each_other():
    found = cf.load(RECORDS / "Studies.npz")
    rate = np.geomspace(0.01, 30, 300)
    one = {f.name: np.repeat(getattr(found, f.name)[:1], 300) for f in fields(found) if f.name not in ("verdict", "packed", "ends", "provenance")}
    many = replace(found, **{**one, "lr": rate, "optimizer": np.array([f"gd:lr={lr:g}" for lr in rate])}, ends=np.zeros(300, int))
    figure = cf.plot(many)
    ends = np.array([(x, x + width) for x, width, _, _ in tiles(figure)])
    assert figure.axes[0].get_xscale() == "log" and (ends[:, 0] < rate).all() and (rate < ends[:, 1]).all()
    assert (ends[1:, 0] >= ends[:-1, 1] * (1 - 1e-12)).all()


def test_studies_of_learning_rates_that_no_axis_holds_stand_at_its_ends():
    found = cf.load(RECORDS / "Studies.npz")
    axes = cf.plot(replace(found, lr=np.array([1e-300, 1e300, *found.lr[2:]]))).axes[0]
    assert axes.get_xlim() == pytest.approx((1e-100, 1e100))
    first, second = axes.patches[:2]
    assert first.get_x() < 1e-100 < first.get_x() + first.get_width()
    assert second.get_x() < 1e100 < second.get_x() + second.get_width()


def test_names_on_axes():
    found = cf.plot(cf.iterate(cf.as_map(cf.Loss("(w1*w2 - 1)**2"), cf.optimizers.gd(lr=0.1)), [0.5, 1.0], 5))
    assert [text.get_text() for text in found.axes[0].get_legend().get_texts()] == ["$w_{1}$", "$w_{2}$"]


def test_iterates_beyond_the_axis_of_their_averages_are_said():
    """On the 3-cycle ηL″ is −1.02, 0.89 and 5.1, its means over neighbours from 0.4 to 2: two of three dots are beyond."""
    well = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46))
    figure = cf.plot(cf.iterate(well, [0.317], 60))
    [label] = [t.get_text() for axes in figure.axes for legend in [axes.get_legend()] if legend for t in legend.get_texts()
               if t.get_text().startswith("iterates")]  # fmt: skip
    share = float(label.partition("(")[2].partition(" %")[0])
    assert label.endswith("% are beyond)") and abs(share - 200 / 3) < 2


def test_chaos_beside_cycles_does_not_flatten_them():
    """States down to −100 on a part of the axis; cycles stay in view, and how many states are beyond is said."""
    axes = Figure().add_subplot()
    cycles, chaos = np.linspace(-1, 2, 300), np.linspace(-100, 2, 300)
    style.clip_range(axes, np.concatenate([cycles, chaos]), core=cycles)
    assert -5 < axes.get_ylim()[0] < -1 and 2 < axes.get_ylim()[1] < 5
    [words] = [text.get_text() for text in axes.texts]
    assert words == "48 % are beyond"


def watched(**others):
    """A loss with a spike in rows 200 to 207, with other series."""
    loss = np.exp(-np.arange(300) / 200) * (1 + 0.01 * np.random.default_rng(0).normal(size=300))
    loss[200:208] *= 4
    return cf.analysis.explain({"loss": loss, **others})


def test_the_share_of_a_run_is_above_its_loss():
    """Over the same steps, with its bracket, a line at 1, and the spikes of the loss in both panels, named by their causes."""
    share = [k / 250 if k % 10 == 0 else None for k in range(300)]
    low = [None if one is None else one - 0.1 for one in share]
    found = watched(**{"edge/share": share, "edge/low": low, "edge/high": share})
    above, below = cf.plot(found).axes
    assert above.get_shared_x_axes().joined(above, below) and below.get_xlabel() == "step" and above.get_xlabel() == ""
    lines = [line.get_xydata() for line in above.lines]
    assert any(np.array_equal(line, np.column_stack([np.arange(0, 300, 10), np.arange(0, 300, 10) / 250])) for line in lines)
    assert any(np.ptp(line[:, 0]) == 1 and (line[:, 1] == 1).all() for line in lines)  # across, in fractions of the width
    band = next(one for one in above.collections if one.get_label() == "bracket").get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(-0.1) and band[:, 1].max() == pytest.approx(290 / 250)
    assert [[(p.get_x(), p.get_width()) for p in axes.patches] for axes in (above, below)] == [[(200, 7)]] * 2
    assert [text.get_text() for text in below.get_legend().get_texts()] == ["spike: undecided"]
    assert above.get_ylim()[0] <= 0 and above.get_ylim()[1] > 290 / 250


def test_a_loss_alone_has_one_panel():
    (axes,) = cf.plot(watched()).axes
    assert axes.get_ylabel() == "loss" and axes.get_yscale() == "log"


def test_a_cause_has_its_colour():
    found = watched(grad_norm=[float("nan") if k == 199 else 1.0 for k in range(300)])
    (other,), (axes,) = cf.plot(watched()).axes, cf.plot(found).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["spike: numbers"]
    assert axes.patches[0].get_facecolor() != other.patches[0].get_facecolor()
