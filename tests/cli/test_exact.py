"""``cfdyn exact`` against the same call in Python."""

import json
import math

import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, _ = command("exact")

pytestmark = pytest.mark.usefixtures("algebra_at_hand")


def test_json_holds_the_record(capsys, tmp_path):
    figure = tmp_path / "figure.png"
    code, out, _ = run(capsys, "double_well", "--period", "2", "--json", "--plot", str(figure))
    found = json.loads(out)
    want = cf.symbolic.cycles(cf.losses.double_well(), cf.optimizers.gd(lr=1.0), 2)
    assert code == 0 and found["complete"] and figure.stat().st_size > 10_000
    assert [b["value"] for b in found["bifurcations"]] == [root.value for _, root in want.bifurcations]
    assert found["bifurcations"][1]["value"] == pytest.approx(math.sqrt(5) - 1, abs=1e-15)
    assert found["families"][1]["multipliers"][0]["text"] == want.families[1].multipliers[0].text
    assert found["latex"] == want.latex() and r"\\eta" in json.dumps(found["latex"])


def test_in_words(capsys):
    code, out, _ = run(capsys, "--map", "r*x*(1-x)", "--set", "r=3.5", "--period", "3")
    words = " ".join(out.split())
    assert code == 0 and "r**2 - 2*r - 7 = 0" in words and "3.82842712474619 fold 1 + 2*sqrt(2)" in words
    code, out, _ = run(capsys, "double_well:a=2", "--period", "1", "--optimizer", "heavy_ball:lr=1,momentum=0.5")
    words = " ".join(out.split())
    assert code == 0 and "(momentum + 1)/a" in words and "0.75 flip 3/4" in words


def test_a_parameter_that_is_named_needs_no_value(capsys):
    code, out, _ = run(capsys, "--map", "r*x*(1-x)", "--period", "3", "--parameters", "r")
    words = " ".join(out.split())
    assert code == 0 and "3.82842712474619 fold 1 + 2*sqrt(2)" in words
    assert "birth by tripling r**2 + r + 1 = 0 (for no real r)" in words
    code, out, err = run(capsys, "--map", "r*x*(1-x) + s", "--parameters", "r,s")
    assert code == 2 and "--set s=1" in err
    code, out, err = run(capsys, "--map", "r*x*(1-x)")
    assert code == 2 and "--set r=1" in err and "names r, x" in err


def test_minima_without_an_edge_have_a_reason(capsys):
    code, out, _ = run(capsys, "w**4/4", "--period", "1")
    words = " ".join(out.split())
    assert code == 0 and "Minima (at the critical point w = 0 the sharpness is 0, so there is no edge)" in words


def test_latex(capsys):
    code, out, _ = run(capsys, "double_well", "--latex", "--period", "1")
    assert code == 0 and out.count(r"\begin{gathered}") == 2 and r"\lambda = 2 a" in out and "multiplier" not in out


def test_nothing_in_closed_form_is_an_answer(capsys):
    code, out, _ = run(capsys, "poisson_regression", "--period", "3")
    assert code == 0 and "transcendental" in out
    code, out, _ = run(capsys, "poisson_regression", "--period", "3", "--json")
    assert code == 0 and json.loads(out)["families"] == [] and not json.loads(out)["complete"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "or --map FORMULA"),
        (["double_wel"], "did you mean 'double_well'"),
        (["double_well", "--period", "0"], "period"),
        (["double_well", "--period", "1000000"], "from 1 to 64"),
        (["double_well", "--parameters", "b"], "unknown parameter 'b'"),
        (["double_well", "--time-limit", "0"], "time limit"),
        (["double_well", "--time-limit", "nan"], "time limit"),
        (["double_well", "--latex", "--json"], "both want stdout"),
        (["double_well", "--vary", "lr=1:2"], "needs --plot"),
        (["double_well", "--plot", "figure.png", "--vary", "a=1:2"], "over lr, not a"),
        (["double_well", "--plot", "figure.png", "--vary", "lr=2:1"], "lo < hi"),
        (["double_well", "--plot", "figure.doc"], "figure cannot be written"),
        (["poisson_regression", "--period", "3", "--plot", "figure.png"], "nothing to draw"),
    ],
)
def test_wrong_usage(capsys, arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert code == 2 and words in err and out == "" and len(err.strip().splitlines()) == 1
