"""``cfdyn watch``: the view of a file that grows, what it says of each state of the run, and files that are none."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from cfdyn.cli.commands.watch import _follow, _Look
from cfdyn.cli.output.chart import Series, charts
from cfdyn.cli.output.screen import Screen
from cfdyn.records.tail import Tail
from tests.cli.terminal import command
from tests.processes import sentences

ROOT = Path(__file__).parents[2]
run, document = command("watch")


def rows(first=1, last=120, every=10):
    """A loss that falls to .009 and is 5 times as large in steps 80 to 83; a share that rises by .01 a step."""
    noise = np.random.default_rng(0).normal(size=1000)
    for k in range(first, last + 1):
        loss = 10 ** (0.05 - 2.1 * k / 120) * (1 + 0.005 * noise[k]) * (5 if 80 <= k <= 83 else 1)
        row = {"step": k, "loss": loss, "lr": 0.1, "grad_norm": 2.5}
        if k % every == 0:
            row |= {"edge/share": k / 100, "edge/low": k / 100 - 0.05, "edge/high": k / 100, "edge/growth": float(np.log(2))}
        if k == 70:
            row["forecast/steps"] = 30.0
        yield row | ({"bounce/r1": -0.9, "bounce/alternation": 0.96} if k % 5 == 0 else {})


def lines(*given):
    return "".join(json.dumps(row) + "\n" for row in given)


def log(tmp_path, text, name="run.jsonl"):
    file = tmp_path / name
    (file.write_bytes if isinstance(text, bytes) else file.write_text)(text)
    return file


@pytest.fixture
def sixty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")


def test_the_newest_numbers_are_told_in_words(tmp_path, capsys):
    status, out, err = run(capsys, log(tmp_path, lines(*rows())), "--once")
    said = " ".join(out.split())
    assert (status, err) == (0, "") and f"{tmp_path / 'run.jsonl'}: step 120, loss 0.0089"[-40:] in said
    assert "share 1.2 (bracket 1.15 to 1.2): beyond the edge of stability" in said
    assert "× 2 per step predicted by the share" in said and "r₁ -0.90, alternates in 96 % of the steps" in said
    assert "gradient norm 2.5" in said and "learning rate 0.1" in said
    assert re.search(r"1 spike since peak × level cause 80 8[0-3] (4\.\d+|5(\.\d+)?) undecided", said)
    assert "order of magnitude" not in said  # the forecast is of an earlier measurement


def test_a_forecast_is_that_of_the_last_measurement(tmp_path, capsys):
    _, out, _ = run(capsys, log(tmp_path, lines(*rows(last=72))))
    assert "at the edge about 3e+1 steps after step 70, an order of magnitude" in " ".join(out.split())
    assert "near the edge" not in out and "below the edge, at step 70" in " ".join(out.split())


def test_the_charts_are_over_the_same_steps(tmp_path, capsys, sixty):
    """The share is a straight line from corner to corner, with the line at 1 where it is 1, and the loss one on its log axis."""
    _, out, _ = run(capsys, log(tmp_path, lines(*rows(every=1))))
    shown = out.splitlines()
    head = next(k for k, line in enumerate(shown) if line.startswith("share of the edge"))
    share, axis = shown[head + 1 : head + 10], shown[head + 10]
    assert axis.split() == ["1", "60.5", "120"] and len(shown[head + 1]) <= 60
    [level] = [line for line in share if line.lstrip().startswith("1 ┤")]
    left = level.index("─")
    dots = [(k, c) for k, line in enumerate(share) for c, letter in enumerate(line) if 0x2800 < ord(letter) <= 0x28FF]
    at_one = [c for k, c in dots if share[k] is level]
    assert min(at_one) - left == pytest.approx(100 / 120 * (60 - left - 1), abs=4)
    assert max(dots)[0] - min(dots)[0] == 8 and min(dots, key=lambda one: one[1])[0] == 8
    loss = shown[head - 15 : head - 1]
    tens = [next((k for k, line in enumerate(loss) if line.lstrip().startswith(f"{label} ┤")), None) for label in ("1", "0.1", "0.01")]
    assert None not in tens and abs(tens[2] + tens[0] - 2 * tens[1]) <= 1
    mark = shown[head - 1].index("▲")
    assert mark - left == pytest.approx(80 / 120 * (60 - left - 1), abs=2)


def test_no_row_is_lost_between_columns():
    """One of 100,000 that is higher is drawn; what is not finite is not; a negative loss has a linear axis."""
    values = np.zeros(100_000) - 1
    values[51_000], values[70_000] = 1.0, np.nan
    [title, *shown, _] = charts([(Series("loss", np.arange(100_000.0), values, ceiling=1.0), 8)], (0, 99_999), 80, stars=True)
    assert str(title) == "loss"
    [top] = [line.plain for line in shown if "*" in line.plain and line is shown[0]]
    column = top.index("*") - top.index("|") - 1
    assert top.count("*") == 1 and column == pytest.approx(0.51 * (80 - top.index("|") - 1), abs=1)


def test_few_letters_and_a_plain_terminal(tmp_path, capsys, sixty, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    status, out, _ = run(capsys, log(tmp_path, lines(*rows())))
    assert status == 0 and max(map(len, out.splitlines())) <= 60
    assert "*" in out and "^" in out and not any(0x2500 <= ord(letter) <= 0x28FF for letter in out)


def test_one_document(tmp_path, capsys):
    found = document(capsys, log(tmp_path, lines(*rows())))
    assert found["step"] == 120 and found["rows"] == 120 and found["loss"] == "loss" and found["end"] == ""
    assert found["log"]["edge/share"] == 1.2 and found["log"]["forecast/steps"] == 30
    assert found["logged"]["forecast/steps"] == 70 and found["logged"]["edge/share"] == 120
    [spike] = found["spikes"]
    assert spike["since"] == 80 and spike["until"] == 83 and spike["times"] == pytest.approx(5, rel=0.05)


def test_another_column_is_the_loss(tmp_path, capsys):
    file = log(tmp_path, lines(*({"step": k, "a": 1.0 / k, "b": 2.0} for k in range(1, 30))))
    status, out, err = run(capsys, file)
    assert (status, out) == (2, "") and "choose one of a, b" in err
    assert document(capsys, file, "--column", "a")["loss"] == "a"
    status, _, err = run(capsys, file, "--column", "aa")
    assert status == 2 and "'aa'" in err and len(err.splitlines()) == 1


def test_a_run_that_has_just_begun(tmp_path, capsys):
    file = log(tmp_path, lines({"step": 1, "loss": 0.5}))
    status, out, _ = run(capsys, file)
    assert status == 0 and "step 1, loss 0.5" in out and "not measured yet" in out and "16 or more" in out
    found = document(capsys, file)
    assert found["spikes"] is None and "16 or more" in found["notes"][0]


@pytest.mark.parametrize("bad", ['"nan"', "NaN", '"inf"', "Infinity"])
def test_a_loss_that_is_no_number_any_more(tmp_path, capsys, bad):
    file = log(tmp_path, lines(*rows(last=60)) + "".join(f'{{"step": {k}, "loss": {bad}}}\n' for k in range(61, 80)))
    status, out, _ = run(capsys, file)
    assert status == 0 and "step 79, loss not finite" in out
    found = document(capsys, file)
    assert found["end"] == "not finite" and found["log"]["loss"] is None and found["logged"]["loss"] == 79


def test_nothing_but_gaps(tmp_path, capsys):
    status, out, err = run(capsys, log(tmp_path, '{"step": 1, "loss": "nan"}\n' * 3))
    assert (status, err) == (0, "") and "not finite" in out
    status, out, err = run(capsys, log(tmp_path, '{"loss": null}\n' * 3))
    assert (status, out) == (2, "") and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "has no row yet"), ("step,loss\n1,2\n", "is no JSON Lines"), (b"\x89PNG\r\n\x1a\n\0\0\xff", "is no JSON Lines"),
     ("[1, 2]\n", "is no JSON Lines"), (b"\xff\xfe{\0", "is no JSON Lines"), ('{"step": 1, "lo', "has no row yet")],
)  # fmt: skip
def test_what_is_no_log_gets_a_sentence(tmp_path, capsys, text, words):
    status, out, err = run(capsys, log(tmp_path, text))
    assert (status, out) == (2, "") and words in err and len(err.splitlines()) == 1


def test_names_that_are_no_file_get_a_sentence(tmp_path, capsys):
    for name, words in ((tmp_path / "none.jsonl", "there is no file"), (tmp_path, "it is a folder"), ("x" * 5000, "cannot be read"),
                        ("/dev/null", "a device or a pipe")):  # fmt: skip
        status, out, err = run(capsys, name)
        assert (status, out) == (2, "") and words in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("seconds", ["0", "0.1", "61", "nan", "a"])
def test_seconds_have_limits(tmp_path, capsys, seconds):
    status, out, err = run(capsys, log(tmp_path, lines(*rows())), "--every", seconds)
    assert (status, out) == (2, "") and "--every" in err and len(err.splitlines()) == 1


def test_only_what_was_added_is_read(tmp_path, monkeypatch):
    file = log(tmp_path, lines(*rows(last=50)))
    tail, taken = Tail(file), []
    take = tail._take
    monkeypatch.setattr(tail, "_take", lambda added: (taken.append(len(added)), take(added))[1])
    assert tail.read() and tail.rows == 50 and not tail.read()
    more = lines(*rows(51, 53))
    with file.open("a") as end:
        end.write(more[:-20])
    assert tail.read() and tail.rows == 52
    with file.open("a") as end:
        end.write(more[-20:])
    assert tail.read() and tail.rows == 53 and tail.columns.at.tolist() == [*range(1, 54)]
    assert taken == [len(lines(*rows(last=50))), 0, len(more) - 20, 20]


def test_all_pieces_are_as_the_whole(tmp_path):
    """Wherever the file is cut while it grows, in letters of several bytes too."""
    text = (lines(*rows(last=12)) + '{"step": 13, "λ₁": 2.0, "loss": null}\n').encode()
    whole = Tail(log(tmp_path, text, "whole.jsonl"))
    whole.read()
    file = log(tmp_path, b"")
    tail = Tail(file)
    tail.read()
    for k in range(len(text)):
        with file.open("ab") as end:
            end.write(text[k : k + 1])
        tail.read()
    assert tail.columns.names == whole.columns.names and tail.columns.names[-1] == "λ₁"
    assert np.array_equal(tail.columns.table, whole.columns.table, equal_nan=True) and tail.rows == 13


def test_a_file_that_is_begun_anew_is_read_anew(tmp_path):
    file = log(tmp_path, lines(*rows(last=50)))
    tail = Tail(file)
    tail.read()
    file.write_text(lines(*rows(last=3)))
    assert tail.read() and tail.rows == 3
    file.rename(tmp_path / "old.jsonl")
    assert not tail.read() and tail.gone and tail.rows == 3
    file.write_text(lines(*rows(last=70)))
    assert tail.read() and not tail.gone and tail.rows == 70


def test_a_run_that_was_killed_and_resumed(tmp_path):
    """Its cut-off line is left out, and its later steps are those that count."""
    again = [{"step": k, "loss": 7.0} for k in range(15, 31)]
    file = log(tmp_path, lines(*rows(last=20)) + '{"step": 21, "lo' + lines(*again))
    tail = Tail(file)
    tail.read()
    found = tail.columns
    assert found.at.tolist() == [*range(1, 31)]  # step 15 is that of before: its later line is gone
    assert found.table[-10:, found.names.index("loss")].tolist() == [7.0] * 10
    assert any("1 line of no JSON object" in note for note in found.notes)


def test_the_view_follows_the_file(tmp_path):
    """As large as the terminal, and anew after each wait; the cursor comes back."""
    file = log(tmp_path, "")
    tail, screen, shown = Tail(file), Screen(), io.StringIO()
    tail.read()
    screen.console = Console(file=shown, force_terminal=True, width=70, height=30)
    after = iter([lines(*rows(last=3)), lines(*rows(4, 100))])

    def wait():
        text = next(after, None)
        if text is None:
            raise KeyboardInterrupt
        with file.open("a") as end:
            end.write(text)

    with pytest.raises(KeyboardInterrupt):
        _follow(screen, _Look(tail, None), tail, wait)
    out = shown.getvalue()
    assert out.index("no row yet") < out.index("step 3,") < out.index("step 100,")
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l") and out.rindex("\x1b[?25h") > out.index("step 100,")


def test_on_a_terminal_until_it_is_interrupted(tmp_path):
    """Two views of a growing file, then Ctrl-C: the cursor is back, a sentence, and the status of an interrupt."""
    file, (ours, theirs) = log(tmp_path, lines(*rows(last=40))), pty.openpty()
    there = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "60", "LINES": "40"}
    process = subprocess.Popen([sys.executable, "-m", "cfdyn", "watch", str(file), "--every", "0.2"], stdin=theirs, stdout=theirs,
                               stderr=subprocess.PIPE, cwd=tmp_path, env=there, start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while b"step 40," not in shown:
            shown += os.read(ours, 1 << 16)
        with file.open("a") as end:
            end.write(lines(*rows(41, 90)))
        while b"step 90," not in shown:
            shown += os.read(ours, 1 << 16)
        process.send_signal(signal.SIGINT)
        while piece := _read(ours):
            shown += piece
        err = process.stderr.read()
        assert process.wait() == 130 and shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
        assert sentences(err) == b"cfdyn: the view is closed; the run and its file are as they were\n"
    finally:
        process.kill()
        os.close(ours)


def _read(handle):
    try:
        return os.read(handle, 1 << 16)
    except OSError:
        return b""
