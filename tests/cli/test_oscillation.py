"""``cfdyn oscillation`` on files as users have them."""

import json

import numpy as np
import pytest

from cfdyn.cli import main

T = np.arange(300)
LOSS = np.cos(2 * np.pi * T / 3) * (T >= 100) + 0.01 * T + 0.1 * np.random.default_rng(0).normal(size=300)
NOISE = np.random.default_rng(1).normal(size=300)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["oscillation", *map(str, arguments)])
    streams = capsys.readouterr()
    return stopped.value.code, streams.out, streams.err


@pytest.fixture
def table(tmp_path):
    np.savetxt(tmp_path / "log.csv", np.column_stack([LOSS, NOISE]), delimiter=",", header="loss,noise", comments="")
    return tmp_path / "log.csv"


def test_json(table, capsys):
    status, out, _ = run(capsys, table, "--json")
    found = json.loads(out)
    assert status == 0
    assert {"kind", "period", "since", "until", "amplitude", "evidence", "directions"} <= set(found)
    assert (found["kind"], found["period"], found["leading"]) == ("periodic", 3, "loss")
    assert abs(found["since"] - 100) <= 12 and found["until"] >= 296
    assert [d["kind"] for d in found["directions"]] == ["periodic", "none"]


def test_a_plain_column_and_a_figure(tmp_path, capsys):
    np.savetxt(tmp_path / "plain.txt", LOSS)
    status, out, _ = run(capsys, tmp_path / "plain.txt", "--plot", tmp_path / "log.png")
    assert status == 0 and "period 3" in out
    assert (tmp_path / "log.png").read_bytes().startswith(b"\x89PNG")


def test_one_column(table, capsys):
    status, out, _ = run(capsys, table, "--column", "noise")
    assert status == 0 and "no oscillation" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--column", "los"], "did you mean 'loss'"),
        (["--max-period", "1"], "max"),
        (["--plot", "x.doc"], "cannot be written as"),
    ],
)
def test_errors_are_one_sentence(table, capsys, arguments, words):
    status, out, err = run(capsys, table, *arguments)
    assert status == 2 and out == "" and words in err and len(err.splitlines()) == 1


def test_a_short_or_missing_file(tmp_path, capsys):
    np.savetxt(tmp_path / "short.csv", LOSS[:9])
    assert run(capsys, tmp_path / "short.csv")[0] == 2
    assert run(capsys, tmp_path / "absent.csv")[0] == 2
