"""``cfdyn averages`` against the same calls in Python."""

import numpy as np
import pytest

import cfdyn as cf
from tests.cli.terminal import command

run = command("averages")[0]
document = command("averages", after=["--no-figure"])[1]

FORMULA = "(1 - x*y)**2 / 2"
USUAL = [FORMULA, "--optimizer", "gd:lr=0.8", "--start", "1.5,0.3", "--steps", "60"]


def test_the_numbers_are_those_of_averages(capsys, tmp_path):
    shown = document(capsys, *USUAL, "--decays", "0.5,0.8", "--models", "gradient")
    found = cf.averages(cf.Loss(FORMULA), cf.optimizers.gd(lr=0.8), ["gradient"], start=[1.5, 0.3], steps=60, decays=[0.5, 0.8])
    assert [row["name"] for row in shown["averages"]] == [e.name for e in found.ranking]
    for row, entry in zip(shown["averages"], found.ranking, strict=True):
        for key, value in row.items():
            mine = getattr(entry, key)
            assert value == mine or (value is None and np.isnan(mine)), key
    assert {"rows", "cycles", "levels", "best_loss", "mean_loss", "warnings"} <= set(shown) and shown["steps"] == 60
    assert shown["levels"] == list(found.levels) and shown["chosen"] == {}
    kept = cf.load(tmp_path / shown["record"])
    assert np.array_equal(kept.reference, found.reference, equal_nan=True)


def test_models_that_are_not_named_are_those_that_the_optimizer_has(capsys):
    names = {row["name"] for row in document(capsys, *USUAL)["averages"]}
    assert {"gradient", "central", "ema=0.99"} <= names
    none = {row["name"] for row in document(capsys, *USUAL, "--models", "none", "--decays", "")["averages"]}
    assert none == {"iterate", "last_two", "midpoints", "polyak"}
    shown = document(capsys, FORMULA, "--optimizer", "sign_gd:lr=0.01", "--start", "1.5,0.3")
    assert any("central was omitted" in words for words in shown["warnings"])


def test_what_is_chosen_is_said(capsys):
    shown = document(capsys, "double_well", "--steps", "40", "--models", "none")
    assert shown["chosen"] == {"lr": "1.1 × the edge", "start": "near the lowest minimum"} and shown["status"] == "done"


@pytest.mark.slow
def test_the_text_and_the_files(capsys, tmp_path):
    for number in ("001", "002"):
        code, out, err = run(capsys, *USUAL)
        assert code == 0 and err == "" and f"averages-{number}.png" in out and f"averages-{number}.npz" in out
    for words in ("nearest first", "as an optimizer", "ema=0.9", "central", "55 of 61 steps", "10 %"):
        assert words in out
    assert (tmp_path / "cfdyn-out" / "averages-002.png").stat().st_size > 10_000
    code, out, _ = run(capsys, *USUAL, "--plot", str(tmp_path / "mine.svg"))
    assert code == 0 and (tmp_path / "mine.svg").exists() and "mine.svg" in out


def test_an_orbit_that_diverges_is_an_answer(capsys):
    shown = document(capsys, "x**2/2 - y**2", "--optimizer", "gd:lr=0.5", "--start", "1,1", "--steps", "200", "--models", "none")
    assert shown["status"].startswith("diverged") and shown["warnings"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "needs a LOSS"),
        (["double_wel"], "did you mean 'double_well'"),
        (["double_well", "--models", "centrl"], "unknown flow 'centrl'; did you mean 'central'"),
        (["double_well", "--models", "central,central"], "twice"),
        (["double_well", "--models", ","], "--models takes names"),
        (["double_well", "--decays", "0.5,1"], "lies in [0, 1), not 1"),
        (["double_well", "--decays", "0.5,often"], "--decays: entry 2"),
        (["double_well", "--decays", "0.5,0.5"], "given twice"),
        (["double_well", "--decay", "0.5"], "did you mean --decays"),
        (["double_well", "--period", "1"], "--period"),
        (["double_well", "--period", "20", "--steps", "20"], "at least 62 states, not 21"),
        (["double_well", "--steps", "0"], "--steps"),
        (["double_well", "--start", "1,2"], "1 entry"),
        (["double_well", "--optimizer", "gd:rate=1"], "unknown option of the optimizer gd"),
        (["double_well", "--no-figure", "--plot", "a.png"], "omit one"),
        (["double_well", "--plot", "a.doc"], "cannot be written as"),
        (["double_well", "--out", "/proc/none"], "cannot write to the folder"),
    ],
)
def test_wrong_words_get_one_sentence(arguments, words, capsys):
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1
