"""What ``orbit``, ``study``, ``compare`` and ``flow`` say of the edge that moves."""

from __future__ import annotations

import json

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import run

NETWORK = ["tanh_network", "--optimizer", "adam:lr=0.02,beta2=0.99", "--start", "0.5,-0.4,0.3,0.2,0.6,-0.5,0.1"]
START = [0.5, -0.4, 0.3, 0.2, 0.6, -0.5, 0.1]


def told(out):
    """The text without its line breaks."""
    return " ".join(out.split())


def own(steps):
    return cf.iterate(cf.as_map(cf.losses.tanh_network(), cf.optimizers.adam(lr=0.02, beta2=0.99)), START, steps)


def test_orbit_says_since_when_and_how_closely(capsys, tmp_path):
    want = cf.analysis.hovering(own(1500))
    code, out, _ = run(capsys, "orbit", *NETWORK, "--steps", "1500", "--plot", "orbit.png")
    assert code == 0 and want.kind == "hovers" and want.meaning in told(out) and "λ₁(P⁻¹H)" in out
    assert (tmp_path / "orbit.png").stat().st_size > 1000


def test_a_state_wider_than_the_screen_leaves_room_for_the_edge(capsys):
    """As many entries of the state as there is room for, no number cut, and how many are left out."""
    orbit = own(12)
    code, out, _ = run(capsys, "orbit", *NETWORK, "--steps", "12")
    head, *rows = [line.split() for line in out.splitlines()[1:15]]
    shown = len(head) - 5
    assert code == 0 and head == ["step", *orbit.names[:shown], "loss", "sharpness", "λ₁(P⁻¹H)", "θ"] and 1 < shown < 7
    count = len(orbit.names)
    assert f"{count - shown} of {count} entries of the state are omitted" in out
    series = (orbit.loss, orbit.sharpness, orbit.preconditioned_sharpness, orbit.theta)
    for k, row in enumerate(rows):
        assert [float(text) for text in row] == pytest.approx([k, *orbit.z[k, :shown], *(s[k] for s in series)], rel=1e-5)
    assert "omitted" not in run(capsys, "orbit", "double_well", "--optimizer", "adam:lr=0.02", "--steps", "2")[1]


def test_orbit_in_a_document(capsys):
    orbit = own(200)
    want = cf.analysis.hovering(orbit)
    found = json.loads(run(capsys, "orbit", *NETWORK, "--steps", "200", "--json")[1])
    np.testing.assert_array_equal(found["preconditioned_sharpness"], orbit.preconditioned_sharpness)
    np.testing.assert_array_equal(found["theta"], orbit.theta)
    assert found["no_hovering"] == "" and found["hovering"]["theta"] == pytest.approx(38.0)
    for key in ("kind", "since", "mean", "low", "high", "side", "crossing", "reason", "meaning"):
        assert found["hovering"][key] == getattr(want, key)


@pytest.mark.parametrize(("optimizer", "words"), [
    ("sign_gd:lr=0.05", "sign_gd is not of the form"), ("lion:lr=0.05", "lion is not of the form"), ("sam:lr=0.05", "sam is not of the form"),
    ("normalized_gd:lr=0.05", "normalized_gd is not of the form"), ("adam:lr=0.05,clip=1", "adam clips or changes the gradient"),
])  # fmt: skip
def test_what_has_none_says_so(capsys, optimizer, words):
    code, out, _ = run(capsys, "orbit", "double_well", "--optimizer", optimizer, "--start", "1.3", "--steps", "5")
    assert code == 0 and words in told(out) and "so there is no λ₁(P⁻¹H) that could be held against an edge θ" in told(out)
    found = json.loads(
        run(capsys, "orbit", "double_well", "--optimizer", optimizer, "--start", "1.3", "--steps", "5", "--json")[1]
    )
    assert found["hovering"] is None and words in found["no_hovering"] and "theta" not in found


def test_plain_maps_have_no_such_line(capsys):
    code, out, _ = run(capsys, "orbit", "--map", "x/2", "--start", "1", "--steps", "5")
    assert code == 0 and "edge" not in out


def test_compare_uses_the_same_words(capsys):
    want = cf.analysis.hovering(own(600)).meaning
    code, out, _ = run(capsys, "compare", *NETWORK, "--steps", "600", "--models", "gradient")
    assert code == 0 and want in told(out) and "it moves with the preconditioner" in out
    found = json.loads(run(capsys, "compare", *NETWORK, "--steps", "600", "--models", "gradient", "--json")[1])
    assert found["hovering"]["meaning"] == want and "preconditioned" not in found["models"]["gradient"]


def test_flow_shows_it_beside_its_own(capsys):
    want = cf.analysis.hovering(own(300)).sharpness[-1]
    found = json.loads(run(capsys, "flow", *NETWORK, "--model", "stable", "--time", "300", "--json")[1])
    assert found["orbit"]["preconditioned_sharpness"] == pytest.approx(want, rel=1e-12)
    assert f"{want:.6g}" in run(capsys, "flow", *NETWORK, "--model", "stable", "--time", "300")[1]


@pytest.mark.slow
def test_warm_is_at_ease_with_optimizers_that_have_no_central_flow(capsys):
    code, out, _ = run(capsys, "warm", "(w**2-1)**2/4", "--optimizer", "gd:clip=1")
    assert code == 0 and out.startswith("(w**2-1)**2/4: ")
