"""Epochs of SGD and averages on the command line."""

import math

import numpy as np
import pytest

from tests.cli.terminal import document, run


def test_two_rows_at_60_degrees_return_after_three_epochs(capsys):
    found = document(capsys, "orbit", "cyclic_pair", "--optimizer", "gd:lr=2", "--batch", "1", "--steps", "3", "--start", "1,0.5")
    assert found["z"][3] == pytest.approx([1.0, 0.5], abs=1e-14)
    a, b = np.array([1.0, 0.0]), np.array([math.cos(math.pi / 3), math.sin(math.pi / 3)])
    expected = [((a @ w) ** 2 + (b @ w) ** 2) / 4 for w in np.array(found["z"])]
    assert found["loss"] == pytest.approx(expected, rel=1e-12)


def test_log_cosh_epochs_have_period_3(capsys):
    found = document(capsys, "classify", "cyclic_pair:residual=log_cosh", "--optimizer", "gd:lr=2.5", "--batch", "1", "--start", "1,0.3")
    assert (found["kind"], found["period"]) == ("cycle", 3)


def test_an_epoch_of_linear_steps_has_the_exponents_of_its_product(capsys):
    """At lr 2 both eigenvalues lie on the unit circle."""
    found = document(capsys, "lyapunov", "cyclic_pair", "--optimizer", "gd:lr=2", "--batch", "1", "--steps", "50", "--start", "1,0")
    assert found["exponents"] == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("kind", ["last_two", "midpoints", "polyak", "ema=0.5"])
def test_averages_are_those_of_the_weights_printed(kind, capsys):
    found = document(capsys, "orbit", "double_well", "--optimizer", "gd:lr=1.2", "--steps", "6", "--average", kind)
    w = np.array(found["z"])[:, 0]
    ema = [w[0]]
    for value in w[1:]:
        ema.append(0.5 * ema[-1] + 0.5 * value)
    expected = {"last_two": (w[1:] + w[:-1]) / 2, "midpoints": (w[2:] + 2 * w[1:-1] + w[:-2]) / 4,
                "polyak": [w[: k + 1].mean() for k in range(7)], "ema=0.5": ema}[kind]  # fmt: skip
    assert np.array(found["average"])[:, 0] == pytest.approx(expected, rel=1e-13)
    code, out, _ = run(capsys, "orbit", "double_well", "--optimizer", "gd:lr=1.2", "--steps", "6", "--average", kind)
    assert code == 0 and "average" in out and f"{expected[1]:.6g}" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["orbit", "double_well", "--average", "mean"], "unknown average"),
        (["orbit", "double_well", "--average", "ema"], "ema=0.9"),
        (["orbit", "double_well", "--average", "ema=2"], "[0, 1)"),
        (["classify", "double_well", "--optimizer", "gd:lr=1", "--batch", "1"], "has none"),
        (["classify", "--map", "3.5*x*(1-x)", "--batch", "1"], "--map has none"),
        (["classify", "cyclic_pair", "--optimizer", "gd:lr=1", "--batch", "1", "--order", "cyclc"], "did you mean 'cyclic'"),
        (["classify", "cyclic_pair", "--optimizer", "gd:lr=1", "--batch", "0"], "--batch"),
    ],
)
def test_wrong_words_get_one_sentence(arguments, words, capsys):
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1
