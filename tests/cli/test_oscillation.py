"""``cfdyn oscillation`` on files as users have them."""

import json

import numpy as np
import pytest

from tests.cli.terminal import command

run, _ = command("oscillation")

T = np.arange(300)
LOSS = np.cos(2 * np.pi * T / 3) * (T >= 100) + 0.01 * T + 0.1 * np.random.default_rng(0).normal(size=300)
NOISE = np.random.default_rng(1).normal(size=300)


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


def flips(n: int, seed: int = 4) -> np.ndarray:
    """A 2-cycle on a slow fall, with noise."""
    rng = np.random.default_rng(seed)
    return np.exp(-np.arange(n) / n) + 0.1 * (-1.0) ** np.arange(n) + 0.01 * rng.normal(size=n)


@pytest.mark.parametrize("gap", ["", "NaN", "nan", "None"])
def test_a_loss_on_validation_data_is_read_where_it_is_logged(tmp_path, capsys, gap):
    """Every 5th step: a period of 2 entries is 10 steps of the log."""
    values = flips(60)
    rows = [f"{100 + t},{0.001 * t},{values[t // 5] if t % 5 == 0 else gap}" for t in range(300)]
    (tmp_path / "log.csv").write_text("\n".join(["step,lr,val_loss", *rows]))
    status, out, _ = run(capsys, tmp_path / "log.csv", "--column", "val_loss")
    out = " ".join(out.split())
    assert status == 0 and "val_loss: 60 entries in 300 rows; the gaps are skipped" in out
    assert "60 rows: period 2, rows " in out and "(in step, 5 a row; period 10; " in out
    steps = json.loads(run(capsys, tmp_path / "log.csv", "--column", "val_loss", "--json")[1])["steps"]
    assert (steps["column"], steps["every"], steps["period"]) == ("step", 5, 10)
    assert 100 <= steps["since"] <= 120 and 380 <= steps["until"] <= 395
    status, out, _ = run(capsys, tmp_path / "log.csv", "--json")
    assert [d["name"] for d in json.loads(out)["directions"]] == ["lr"]  # the steps are no series, and gaps lie elsewhere


def test_a_table_of_weights_and_biases_has_its_steps_and_no_bounds(tmp_path, capsys):
    values = flips(200).tolist()
    rows = [f'"{10 * t}","{v}","{v}","{v}"' for t, v in enumerate(values)]
    (tmp_path / "wandb.csv").write_text("\n".join(['"Step","run - loss","run - loss__MIN","run - loss__MAX"', *rows]))
    status, out, _ = run(capsys, tmp_path / "wandb.csv", "--json")
    found = json.loads(out)
    assert status == 0 and [d["name"] for d in found["directions"]] == ["run - loss"] and found["period"] == 2
    steps = found["steps"]
    assert (steps["column"], steps["every"], steps["period"]) == ("Step", 10, 20) and steps["since"] <= 40 and steps["until"] >= 1950


def test_the_state_of_a_trainer_is_read(tmp_path, capsys):
    """`log_history` of HuggingFace: a loss every 10 steps, one on validation data every 100, in entries of their own."""
    history = []
    for t, v in enumerate(flips(120).tolist(), 1):
        history.append({"epoch": t / 50, "grad_norm": 1.0 + v, "learning_rate": 1e-4, "loss": v, "step": 10 * t})
        if t % 10 == 0:
            history.append({"epoch": t / 50, "eval_loss": v, "eval_runtime": 1.5, "step": 10 * t})
    file = tmp_path / "trainer_state.json"
    file.write_text(json.dumps({"best_metric": None, "global_step": 1200, "log_history": history}))
    status, out, _ = run(capsys, file, "--json")
    found = json.loads(out)
    assert status == 0 and {d["name"] for d in found["directions"]} == {"loss", "grad_norm", "learning_rate"}
    assert (found["period"], found["steps"]["column"], found["steps"]["period"]) == (2, "step", 20)
    assert "eval_loss (12 entries)" in run(capsys, file)[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [("[" * 100_000, "not a JSON document"), ("{}", "is not a log"), ("[1, 2]", "is not a log"), ('[{"step": 1}]', "no series")],
)
def test_other_documents_are_refused_in_a_sentence(tmp_path, capsys, text, words):
    (tmp_path / "x.json").write_text(text)
    status, out, err = run(capsys, tmp_path / "x.json")
    assert status == 2 and out == "" and words in err and len(err.splitlines()) == 1
