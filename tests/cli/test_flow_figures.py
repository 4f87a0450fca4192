"""Figures of flows: from the command line and from Python."""

import json

import numpy as np
import pytest

import cfdyn as cf
from cfdyn import flows, losses, optimizers
from cfdyn.cli import main
from cfdyn.errors import UsageError
from cfdyn.integrate.solve import solve
from cfdyn.plotting import plot
from cfdyn.systems.orbit import iterate
from cfdyn.systems.steps import as_map

PNG = b"\x89PNG"


def labels(axes):
    return axes.get_legend_handles_labels()[1]


def lines(axes):
    return {line.get_label(): np.array(line.get_data(), dtype=float) for line in axes.lines}


@pytest.fixture(scope="module")
def usual():
    """Path, orbit and loss of the product of two weights."""
    loss, gd = cf.Loss("(1 - x*y)**2 / 2"), optimizers.gd(lr=0.8)
    rows = np.linspace(0, 10, 101)
    return solve(flows.central(loss, gd), [1.5, 0.3], 10, save_at=rows), iterate(as_map(loss, gd), [1.5, 0.3], 10), loss


def test_four_panels_show_what_the_record_says(usual):
    path, orbit, loss = usual
    plane, sharpness, losses_, variance = plot(path, orbit=orbit, loss=loss).axes
    assert {"flow", "midpoints", "iterates", "start", "end"} <= set(labels(plane)) and plane.get_xlabel() == "$x$"
    assert np.allclose(lines(plane)["flow"][:, -1], path.w[-1])
    assert np.array_equal(lines(plane)["midpoints"], orbit.midpoints().T)
    assert np.allclose(lines(sharpness)["edge 2.5"][1], 2.5)
    assert np.allclose(lines(sharpness)["enters"][:, 0], [path.events[0].t, 2.5], atol=0.02)
    assert np.array_equal(lines(losses_)["flow"][1], path.loss)
    drawn = lines(variance)["predicted tr Σ"][1]
    assert np.nanmax(drawn) == np.trace(path.covariance, axis1=1, axis2=2).max()
    swing = (2 * orbit.w[1:-1] - orbit.w[:-2] - orbit.w[2:]) / 4
    assert np.allclose(lines(variance)["iterates"][1], (swing**2).sum(1))


def test_no_line_crosses_a_jump(usual):
    path, *_ = usual
    t, predicted = lines(plot(path).axes[2])["predicted average"]
    # Nothing is predicted below the edge, and the row after the event follows a gap.
    after = np.flatnonzero(np.isfinite(predicted))[0]
    assert np.isnan(predicted[after - 1]) and t[after] >= path.events[0].t


def test_without_orbit_or_loss(usual):
    path, *_ = usual
    assert [len(axes.collections) for axes in plot(path).axes] == [0, 0, 0, 0]
    assert "iterates" not in labels(plot(path).axes[0])


@pytest.mark.parametrize(
    ("loss", "optimizer", "start", "model"),
    [
        (losses.double_well(), optimizers.gd(lr=1.2), [0.3], "central"),
        (losses.deep_linear(), optimizers.gd(lr=0.55), [0.9, 0.8, 0.7, 1.0], "gradient"),
        (cf.Loss("(1 - x*y)**2/2"), optimizers.rmsprop(lr=0.01, beta2=0.9), [1.5, 0.3], "central"),
        (cf.Loss("(1-x*y)**2/2 + (1-u*v)**2/2", "x y u v"), optimizers.gd(lr=0.8), [1.5, 0.3, 1.4, 0.1], "central"),
    ],
)
def test_other_dimensions_and_optimizers(loss, optimizer, start, model, tmp_path):
    path = solve(getattr(flows, model)(loss, optimizer), start, 20)
    orbit = iterate(as_map(loss, optimizer), start, 20)
    plot(path, tmp_path / "a.png", orbit=orbit, loss=loss)
    assert (tmp_path / "a.png").read_bytes().startswith(PNG)


def test_a_diverging_orbit_does_not_shrink_the_path(tmp_path):
    loss, gd = cf.Loss("x**2*(1 + y**2) + y**2/10"), optimizers.gd(lr=0.9)
    path, orbit = solve(flows.gradient(loss, gd), [0.5, 1.5], 20), iterate(as_map(loss, gd), [0.5, 1.5], 20)
    assert orbit.status != "done"
    width = np.diff(plot(path, tmp_path / "a.svg", orbit=orbit, loss=loss).axes[0].get_xlim())[0]
    assert width < 50


def test_a_path_of_no_length(tmp_path):
    path = solve(flows.central(cf.Loss("w**2/2"), optimizers.gd(lr=0.5)), [1.0], 0)
    plot(path, tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_only_a_path_takes_something_beneath(usual):
    path, orbit, loss = usual
    with pytest.raises(UsageError, match="does not accept loss="):
        plot(orbit, loss=loss)
    with pytest.raises(UsageError, match="does not accept orbits="):
        plot(path, orbits=orbit)


def test_the_command_line_draws(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["flow", "(1 - x*y)**2/2", "--optimizer", "gd:lr=0.8", "--start", "1.5,0.3", "--time", "5", "--json"]
    for extra, name in (([], "cfdyn-out/flow-001.png"), (["--plot", "mine.png"], "mine.png")):
        with pytest.raises(SystemExit) as end:
            main([*arguments, *extra])
        found = json.loads(capsys.readouterr().out)
        assert end.value.code in (0, None) and found["figures"] == [name]
        assert (tmp_path / name).read_bytes().startswith(PNG)
    assert found["record"] == "cfdyn-out/flow-002.npz" and (tmp_path / found["record"]).exists()


def test_an_orbit_that_runs_away_does_not_flatten_the_loss():
    """Gradient descent leaves the well of w²/2 − w⁴/20, its loss falls to −10²⁰ and below; the flow goes to its bottom."""
    loss, gd = cf.Loss("w**2/2 - w**4/20"), optimizers.gd(lr=6.0)
    path, orbit = solve(flows.gradient(loss, gd), [1.0], 10), iterate(as_map(loss, gd), [1.0], 10)
    assert orbit.status != "done" and orbit.loss.min() < -1e10
    low, high = plot(path, orbit=orbit).axes[2].get_ylim()
    assert -5 < low < 0.1 and path.loss.max() < high < 5
