"""What a command prints where its numerics fail: a sentence on stderr, and with --json a document on stdout."""

import json

import pytest

from tests.cli.terminal import run

FAILURES = {
    "a continuum": (["cycles", "--map", "x", "--period", "1", "--box=-1:1"], "continuum"),
    "no cycle": (["branch", "--map", "x**2 + 1 + q", "--vary", "q=0:1"], "no cycle of period 1"),
    "no flip": (["cascade", "--map", "r*x*(1-x)", "--vary", "r=1:2"], "does not flip"),
    "no curve": (["curve", "--map", "r*x*(1-x) + s", "--vary", "r=1:2", "--vary", "s=0:0.1", "--kind", "flip"], "no flip"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_the_reason_is_in_the_document(capsys, case):
    arguments, words = FAILURES[case]
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 1 and words in err and err.count("\n") == 1
    assert err == f"cfdyn: {json.loads(out)['error']}\n"
    code, out, again = run(capsys, *arguments)
    assert (code, out, again) == (1, "", err)


def test_a_defect_has_a_document_too(capsys, monkeypatch):
    monkeypatch.setattr("cfdyn.analysis.cycles", lambda *a, **k: [1][2])
    code, out, err = run(capsys, "cycles", "--map", "x**2 - 1", "--json")
    assert code == 1 and "defect" in json.loads(out)["error"] and "IndexError" in err


def test_wrong_usage_leaves_stdout_empty(capsys):
    code, out, err = run(capsys, "cycles", "--map", "x**2 - 1", "--period", "0", "--json")
    assert code == 2 and out == "" and "at least 1" in err


@pytest.mark.parametrize(("rest", "words"), [
    (["--ode", "--set", "a=1"], "--ode needs a value; --set follows it"),
    (["--ode", "--set=a=1"], "--ode needs a value; --set=a=1 follows it"),
    (["--ode", "-x", "--start"], "--start needs a value"),
])  # fmt: skip
def test_an_option_without_its_value_takes_no_other_option_for_it(capsys, rest, words):
    assert run(capsys, "flow", *rest) == (2, "", f"cfdyn: {words}. See: cfdyn flow --help\n")


@pytest.mark.parametrize(("text", "why"), [
    ("big", "give one such as 1.46, 1/3 or 2*pi"), ("1/0", "it divides by zero"), ("(1", "this bracket is never closed"),
])  # fmt: skip
def test_what_is_no_number_is_said_once(capsys, text, why):
    code, _, err = run(capsys, "orbit", "a*w**2", "--set", f"a={text}")
    assert (code, err) == (2, f"cfdyn: --set a={text!r} is not a number: {why}\n")
