"""``cfdyn mean-square`` against the same call in Python."""

import re

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, document = command("mean-square")

POINT = [1.2, -0.7, 0.3, 0.2, 0.8, -0.5, 0.1]
USUAL = ["tanh_network", "--optimizer", "gd:lr=0.8", "--start", ",".join(map(str, POINT)), "--batch", "2"]


@pytest.mark.parametrize("replace", [True, False])
def test_the_numbers_are_those_of_mean_square(capsys, tmp_path, replace):
    flags = ["--no-figure", "--cut", "0.2", "--width", "2", "--replace" if replace else "--no-replace"]
    shown = document(capsys, *USUAL, *flags)
    found = cf.mean_square(cf.losses.tanh_network(), POINT, 0.8, 2, replace, cut=0.2, width=2)
    for key in ("radius", "full_batch", "largest_lr", "smallest_batch", "sharp", "slow", "flat", "negative", "dropped", "stable"):
        assert shown[key] == getattr(found, key), key
    np.testing.assert_array_equal(shown["matrix"], found.matrix)
    assert [(m["name"], m["value"]) for m in shown["measures"]] == [(m.name, m.value) for m in found.measures]
    assert shown["chosen"] == {} and shown["rates"] == []
    kept = cf.load(tmp_path / shown["record"])
    assert kept.radius == found.radius
    np.testing.assert_array_equal(kept.matrix, found.matrix)


def test_what_people_read(capsys, tmp_path):
    code, out, err = run(capsys, *USUAL, "--plot", "figure.png")
    assert code == 0, err
    found = cf.mean_square(cf.losses.tanh_network(), POINT, 0.8, 2)
    assert f"a step multiplies it by {found.radius:.6g}" in " ".join(out.split())
    assert re.search(rf"largest stable learning rate +{found.largest_lr:.6g}", out)
    for m in found.measures:
        assert m.name in out
    assert "3 sharp, 4 of negative curvature" in out
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_without_sharp_directions_nothing_is_said_to_die_out(capsys):
    code, out, _ = run(capsys, "tanh_network", "--optimizer", "gd:lr=1e-9", "--no-figure")
    assert code == 0 and "0 sharp, 7 slow" in out and "No direction is sharp" in out and "dies out" not in out


def test_the_point_and_the_rate_that_are_chosen_are_said(capsys):
    shown = document(capsys, "tanh_network", "--batch", "2")
    minimum = cf.minima(cf.losses.tanh_network())[0]
    assert shown["chosen"] == {"start": "the lowest minimum", "lr": "half the edge of gradient descent"}
    assert shown["lr"] == pytest.approx(minimum.edge / 2, rel=1e-9)
    rates, radii = np.array(shown["rates"]), np.array(shown["radii"])
    assert len(rates) == 80 and rates[-1] == pytest.approx(1.2 * minimum.edge, rel=1e-9)
    assert (radii[rates < shown["largest_lr"]] < 1).all() and (radii[rates > shown["largest_lr"]] > 1).all()


def test_figures_of_records_with_and_without_a_curve():
    loss = cf.losses.tanh_network()
    bars = cf.plot(cf.mean_square(loss, POINT, 0.8, 2))
    both = cf.plot(cf.mean_square(loss, POINT, 0.8, 2, rates=30))
    assert (len(bars.axes), len(both.axes)) == (1, 2)
    ratios = [m.ratio for m in cf.mean_square(loss, POINT, 0.8, 2).measures]
    assert [patch.get_width() for patch in bars.axes[0].patches][::-1] == pytest.approx(ratios)
    flat = cf.plot(cf.mean_square(loss, POINT, 1e-3, 2, rates=5))
    assert "not defined" in {text.get_text() for text in flat.axes[1].texts}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["double_well", "--start", "1"], "draws rows of data"), (["tanh_network", "--optimizer", "adam:lr=0.1"], "not for adam"),
     ([*USUAL[:-1], "9", "--no-replace"], "at most all"), ([*USUAL[:-1], "0"], "--batch"), ([], "needs a LOSS"),
     (["tanh_network", "--start", "1,2"], "7 "), ([*USUAL, "--cut", "2"], "count in full")],
)  # fmt: skip
def test_refusals(capsys, arguments, words):
    code, out, err = run(capsys, *arguments)
    assert code in (1, 2) and words in err and "defect" not in err
