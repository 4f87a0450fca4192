"""``--xlim``, ``--ylim`` of every command that draws, ``--csv`` and the conditions of ``cfdyn branch``."""

import csv
import json
import re

import pytest
import typer

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.cli.app import application
from cfdyn.errors import UsageError

BRANCH = ["branch", "--map", "r*x*(1-x)", "--vary", "r=1.5:3.9", "--box", "0.1:1", "--json"]


def run(capsys, tmp_path, *words):
    with pytest.raises(SystemExit) as end:
        main([*words, "--out", str(tmp_path)])
    out, err = capsys.readouterr()
    return end.value.code, out, err


def test_every_command_that_draws_has_limits():
    options = {name: {o for p in command.params for o in p.opts} for name, command in typer.main.get_command(application()).commands.items()}
    drawing = {name for name, own in options.items() if "--plot" in own}
    assert len(drawing) > 10 and all({"--xlim", "--ylim", "--style", "--figsize", "--title"} <= options[name] for name in drawing)
    without = {name for name, own in options.items() if "--csv" not in own}
    assert without == {"certify", "chaos", "check", "classify", "explore", "show", "warm", "watch"}, "these print no table"


def test_limits_of_a_figure():
    orbit = cf.iterate(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1)), [1.2], 50)
    first, *others = cf.plot(orbit, xlim=(10, 20), ylim=(0.5, 1.5)).axes
    assert first.get_xlim() == (10, 20) and first.get_ylim() == (0.5, 1.5)
    assert all(axes.get_xlim() == (10, 20) and axes.get_ylim() != (0.5, 1.5) for axes in others) and len(others) == 2
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
    branch = cf.analysis.continue_cycle(step, [0.6], "r", (0.5, 3.9), functions=["x = 0.5", "x = 0.7"])
    (axes,) = cf.plot(branch, xlim=(1.5, 3.2)).axes
    assert axes.get_xlim() == (1.5, 3.2) and [text.get_text() for text in axes.texts if text.get_text() and text.get_visible()] == ["2", "3"]
    for bad in ((1, 1), (2, 1), (1,), "wide", (float("nan"), 1), (-1e308, 1e308), (1, 1 + 1e-15)):
        with pytest.raises(UsageError, match="xlim"):
            cf.plot(branch, xlim=bad)


def test_limits_from_the_command_line(capsys, tmp_path):
    figure = tmp_path / "figure.svg"
    words = ["orbit", "double_well", "--steps", "30", "--plot", str(figure), "--json"]
    code, out, _ = run(capsys, tmp_path, *words, "--xlim", "10:20", "--ylim=-0.5:1/2")
    assert code == 0 and json.loads(out)["figures"] == [str(figure)] and "<svg" in figure.read_text()
    for wrong, problem in ((["--xlim", "2:1"], "--xlim takes LO:HI"), (["--ylim", "1"], "--ylim takes LO:HI"), (["--ylim", "a:b"], "is not a number")):
        code, out, err = run(capsys, tmp_path, *words, *wrong)
        assert code == 2 and problem in err and not out
    code, _, err = run(capsys, tmp_path, "orbit", "double_well", "--xlim", "0:1")
    assert code == 2 and "ask for one with --plot" in err


def test_conditions_stops_and_a_table(capsys, tmp_path):
    table = tmp_path / "branch.csv"
    words = [*BRANCH, "--condition", "x = 0.5", "--condition", "modulus1 - 0.25", "--stop", "x = 0.7", "--csv", str(table)]
    code, out, _ = run(capsys, tmp_path, *words)
    document = json.loads(out)
    branch, *_ = document["branches"]  # a start behind the stop begins another
    found = [(zero["function"], zero["parameter"]) for zero in branch["zeros"]]
    assert [name for name, _ in found] == ["modulus1 - 0.25", "x = 0.5", "modulus1 - 0.25", "x = 0.7"]
    assert [value for _, value in found] == pytest.approx([1.75, 2, 2.25, 10 / 3], abs=1e-13) and code == 0
    assert branch["ends"] == ["r = 1.5", "stop: x - (0.7) = 0 at r = 3.333333333"] and document["csv"] == str(table)
    assert branch["quantities"]["x = 0.5"] == pytest.approx([0.5 - 1 / r for r in branch["parameter"]], abs=1e-14)
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["point"] for row in rows if row["point"] and row["branch"] == "1"] == ["modulus1 - 0.25", "x = 0.5", "modulus1 - 0.25", "flip", "x = 0.7"]
    code, out, _ = run(capsys, tmp_path, *[word for word in words if word != "--json"])
    assert code == 0 and "zero of" in out and "x = 0.5" in out and f"table   {table}" in out.replace("\n", "")
    code, _, err = run(capsys, tmp_path, "branch", document["record"], "--condition", "x")
    assert code == 2 and "was saved with its options" in err
    for wrong, problem in (("x +", "ends after '+'"), ("loss = 1", "unknown name 'loss'")):
        code, _, err = run(capsys, tmp_path, *BRANCH, "--condition", wrong)
        assert code == 2 and problem in err


def test_columns_that_do_not_fit_are_said(capsys, tmp_path, monkeypatch):
    names = ",".join(f"w{k}" for k in range(1, 13))
    loss = " + ".join(f"w{k}**2/{k}" for k in range(1, 13))
    code, out, _ = run(capsys, tmp_path, "orbit", loss, "--variables", names, "--start", ",".join(["0.123456789012"] * 12), "--steps", "2")
    first = next(line for line in out.splitlines() if line.startswith("step"))
    shown = [word for word in first.split() if word.startswith("w")]
    assert code == 0 and 3 < len(shown) < 12 and "loss" in first and "…" not in first
    assert f"{12 - len(shown)} of 12 entries of the state are omitted" in out and "0.123456789 " in out


@pytest.mark.parametrize("words", [
    ["orbit", "double_well"], ["certify", "cycle", "double_well", "--period", "2"], ["train", "mlp"], ["flow", "double_well"],
], ids=lambda words: words[0])  # fmt: skip
def test_an_unknown_style_is_refused_before_anything_is_computed(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, tmp_path / "out", *words, "--plot", "x.png", "--style", "dusk")
    assert (code, out, err) == (2, "", "cfdyn: unknown style of figures 'dusk'; known: dark, paper, screen.\n")
    assert not list(tmp_path.glob("**/*.*"))


@pytest.mark.parametrize(("size", "points"), [("8x6cm", (226.77, 170.08)), ("5.5 x 4", (396, 288)), ("160mm", (453.54, None))])
def test_a_figure_has_the_size_that_is_asked_for(capsys, tmp_path, size, points):
    """The box of the PDF's page, in points, 72 of them an inch."""
    file = tmp_path / "orbit.pdf"
    code, _, err = run(capsys, tmp_path, "orbit", "double_well", "--steps", "20", "--plot", str(file), "--figsize", size)
    page = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", file.read_bytes())
    width, height = (float(side) for side in page.groups())
    assert (code, err) == (0, "") and width == pytest.approx(points[0], abs=0.01)
    assert height == pytest.approx(points[1] or height, abs=0.01) and 72 < height < 4 * width


@pytest.mark.parametrize(("size", "problem"), [
    ("big", "takes WxH or a width"), ("8x", "takes WxH or a width, in"), ("1x2x3", "takes WxH"),
    ("8x6furlong", ": not '8x6furlong'"), ("80x60", "a side of a figure is 0.5 to 40 inches"), ("0x3", "a side of a figure"),
    ("nan", "takes WxH"), ("", "takes WxH"),
])  # fmt: skip
def test_a_size_that_is_none_is_refused(capsys, tmp_path, size, problem):
    code, out, err = run(capsys, tmp_path, "orbit", "double_well", "--plot", str(tmp_path / "x.png"), "--figsize", size)
    assert (code, out) == (2, "") and problem in err and not list(tmp_path.glob("*.*"))
