"""``cfdyn explain``: files as tools write them, and files that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.cli.terminal import command

run, _ = command("explain")


def log(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text)
    return str(file)


def spiked(n=300, at=200):
    loss = np.exp(-np.arange(n) / 200) * (1 + 0.01 * np.random.default_rng(0).normal(size=n))
    loss[at : at + 8] *= 4
    return loss


def test_a_table_of_wandb_and_a_trainer_say_the_same(tmp_path, capsys):
    loss = spiked()
    rows = "\n".join(f'"{k}","{x!r}","{x!r}","{x!r}"' for k, x in enumerate(loss.tolist()))
    table = log(tmp_path, "wandb.csv", '"Step","train/loss","train/loss__MIN","train/loss__MAX"\n' + rows)
    history = [{"step": k, "loss": x} for k, x in enumerate(loss.tolist())] + [{"step": 300, "eval_loss": 0.3}]
    state = log(tmp_path, "trainer_state.json", json.dumps({"log_history": history}))
    lines = log(tmp_path, "log.jsonl", "\n".join(map(json.dumps, history)))
    answers = []
    for file in (table, state, lines):
        status, out, _ = run(capsys, file, "--json")
        assert status == 0
        answers.append(json.loads(out))
    assert [one["spikes"] for one in answers[1:]] == [answers[0]["spikes"]] * 2
    [spike] = answers[0]["spikes"]
    assert spike["since"] == 200 and spike["until"] == 207 and spike["cause"] == "undecided" and answers[0]["loss"] == "train/loss"


def test_the_verdict_comes_first(tmp_path, capsys):
    file = log(tmp_path, "log.csv", "step,loss\n" + "\n".join(f"{k},{x!r}" for k, x in enumerate(spiked().tolist())))
    status, out, _ = run(capsys, file, "--plot", tmp_path / "run.png")
    assert status == 0
    assert out.startswith("loss: 1 spike in 300 rows.") and "begins at step 200" in out and "undecided" in out
    assert (tmp_path / "run.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "step,loss\n", "rows of numbers"), ("a.jsonl", "[1, 2]\n{}\n", "line 1 of"), ("a.json", "{", "not a JSON document"),
        ("a.csv", "step,loss\n1,2\n2,3\n", "16 or more"), ("a.tfevents.1", "step,loss", "no event file"),
    ],
)  # fmt: skip
def test_what_is_no_log_gets_a_sentence(tmp_path, capsys, name, text, words):
    status, out, err = run(capsys, log(tmp_path, name, text))
    assert status == 2 and out == "" and words in err and len(err.splitlines()) == 1
