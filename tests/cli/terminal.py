"""A command in the process of the test: its exit status and what it printed."""

from __future__ import annotations

import json

import pytest

from cfdyn.cli import main


def run(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return (end.value.code, *capsys.readouterr())


def document(capsys, *words):
    """What a command that succeeds prints with ``--json``."""
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def command(*before, after=()):
    """Both, of words that begin and end so."""
    return (lambda capsys, *words: run(capsys, *before, *words, *after),
            lambda capsys, *words: document(capsys, *before, *words, *after))  # fmt: skip
