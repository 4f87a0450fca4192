"""``cfdyn studies``: tables that are none, and what Ctrl-C leaves."""

from __future__ import annotations

import importlib

import pytest

import cfdyn as cf
from cfdyn.cli import interrupts, main
from cfdyn.machine.workers import Answer
from cfdyn.studies import many

TABLE = "loss,optimizer\nw**2/2 + w**4/20,gd:lr=0.3\nw**2/2 + w**4/20,gd:lr=0.4\n"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("loss,loss\nw**2/2,w**4\n", "list.csv has two columns loss"), ("loss,lr\nw**2,1\n", "unknown column of list.csv: 'lr'"),
        ("loss\n", "list.csv has no rows below a line of names"), ("loss\nw**2/2,gd\n", "line 2 of list.csv: there are more cells"),
        ("loss\n=1+1\n", "line 2 of list.csv: formula has '='"), ('loss\n"w**2\n', "cannot be split into cells"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_said(table, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text(table)
    with pytest.raises(SystemExit) as end:
        main(["studies", "list.csv"])
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "") and words in err and err.count("\n") == 1


def test_after_an_interrupt_the_same_call_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text(TABLE)
    ends = []
    monkeypatch.setattr(interrupts, "end", lambda: ends.append(interrupts._words[0]))

    def stopped(module, requests, processes=None, groups=None):
        yield 0, Answer('{"failure": "first"}', "", 0.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.import_module("cfdyn.studies.many"), "asked", stopped)
    with pytest.raises(SystemExit) as end:
        main(["studies", "list.csv", "--quiet"])
    assert end.value.code == 130 and not capsys.readouterr().out
    name = "cfdyn-out/studies-001.npz"
    assert ends == [f"interrupted; the finished part is in {name}; the same call resumes from there"]
    part = cf.load(name)
    assert part.failures == {0: "first", 1: many.STOPPED} and not part.complete
