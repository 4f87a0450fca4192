"""What a claim is, how what was measured is held against it, and what `cfdyn claims` and `show` say."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.claims import Claims, Control, Question, above, at_least, at_most, below, between, interval, near
from cfdyn.claims.answers import filled
from cfdyn.claims.expected import as_expected
from cfdyn.claims.verdict import judge, measure, shown
from cfdyn.cli import main
from cfdyn.errors import UsageError
from tests.claims.test_runner import call
from tests.claims.toy import PAPER, install

CFDYN = [sys.executable, "-m", "cfdyn"]
finite = st.floats(-1e6, 1e6)


@given(finite, finite, st.floats(0, 1e3))
def test_near_is_a_closed_interval(value, found, within):
    assert near(value, within).agrees(found) == (value - within <= found <= value + within)


@given(finite, finite)
def test_bounds(bound, found):
    assert at_least(bound).agrees(found) == (found >= bound)
    assert at_most(bound).agrees(found) == (found <= bound)
    assert above(bound).agrees(found) == (found > bound)
    assert below(bound).agrees(found) == (found < bound)


@given(finite, finite, finite)
def test_an_interval_across_a_bound_is_undecided(low, width, bound):
    found = interval(low, low + abs(width), "20 seeds")
    expected = True if low >= bound else False if low + abs(width) < bound else None
    assert at_least(bound).agrees(found) is expected


@pytest.mark.parametrize("found", [float("nan"), None, "3", True, [3.0, 3.0], [], [[3.0]], {"low": 3.0}, 10**400, {"a": 3.0}])
def test_what_is_no_number_is_near_nothing(found):
    assert near(3.0, 10.0).agrees(found) is False


def test_lists_agree_entry_by_entry():
    assert near([1.0, 2.0], 0.1).agrees([1.05, 1.95]) is True
    assert near([1.0, 2.0], 0.1).agrees([1.05, 2.2]) is False
    assert near([1.0, 2.0], 0.1).agrees([1.05]) is False
    assert between(1, 2).agrees([1.5]) is True


@pytest.mark.parametrize(("value", "text"), [(3, "3"), ("cycle", "cycle"), (True, "yes"), ([1, 2], "1, 2"), ([True, "-8/27"], "yes, -8/27"), (near(0.1, 1e-9), "0.1 ± 1e-09")])
def test_what_is_expected_is_said(value, text):
    assert as_expected(value).text == text


def test_a_number_needs_a_tolerance():
    with pytest.raises(UsageError, match="needs a tolerance"):
        as_expected(0.5)
    with pytest.raises(UsageError, match="how near"):
        near(0.5)


def one(expected, found, **options):
    claims = Claims("papers.x2000", "A. X, *Y*, 2000.", read="the paper")
    claims.add("page 1", expected, Control("another", expected={"value": 99}), **options)(found)
    (claim,) = claims
    return judge(claim, measure(claim))


def test_verdicts():
    def value():
        """A value.

        Returned
        as it is.
        """
        return {"value": 3.0, "more": [1, 2]}

    assert one({"value": near(3.0, 0)}, value).verdict == "reproduced"
    assert one({"value": near(3.0, 0)}, value, proof="by counting").verdict == "proved"
    assert one({"value": near(2.0, 0.5)}, value).verdict == "contradicted"
    assert one({"value": near(2.0, 0.5)}, value, proof="by counting").verdict == "contradicted"
    assert one({"value": near(2.0, 0.5)}, value, settled="contradicted").as_settled
    assert one({"other": 3}, value).verdict == "undecided"
    found = one({"value": near(3.0, 0)}, value)
    assert (found.statement, found.how, found.measured) == ("A value.", "Returned as it is.", {"value": 3.0, "more": [1, 2]})


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "the check returns {name: value}, not NoneType"),
        ([3], "the check returns {name: value}, not list"),
        ({"value": 10**5000}, "ValueError: Exceeds the limit"),
        ({"value": "\ud800"}, "UnicodeEncodeError"),
    ],
)
def test_what_cannot_be_written_down_is_no_measurement(found, reason):
    verdict = one({"value": 3}, lambda: found)
    assert (verdict.verdict, verdict.measured) == ("undecided", {})
    assert reason in verdict.reason


def test_control_characters_are_shown_as_escapes():
    assert shown(["\x1b[2J", 1.5]) == "\\x1b[2J, 1.5"


def test_a_claim_without_a_check_was_never_computed():
    claims = Claims("papers.x2000", "A. X, *Y*, 2000.", read="the paper")
    claims.undecided("it", "page 1", "It holds.", needs="a proof")
    verdict = judge(next(iter(claims)), None)
    assert (verdict.verdict, verdict.reason, verdict.date, verdict.version) == ("undecided", "needs a proof", "", "")


def test_two_claims_of_one_name_and_an_unknown_verdict_are_refused():
    claims = Claims("papers.x2000", "A. X, *Y*, 2000.", read="the paper")
    claims.undecided("it", "page 1", "It holds.", needs="a proof")
    with pytest.raises(UsageError, match="two claims"):
        claims.undecided("it", "page 2", "It holds again.", needs="a proof")
    with pytest.raises(UsageError, match="settled as"):
        claims.add("page 1", {}, Control("no"), settled="sure")(dict)
    with pytest.raises(UsageError, match="read is one of"):
        Claims("papers.x2000", "A. X, *Y*, 2000.", read="some of it")


def test_a_verdict_is_a_record(tmp_path):
    verdict = one({"value": 3}, lambda: {"value": 3})
    assert cf.load(verdict.save(tmp_path / "verdict.npz")) == verdict


def test_answers_hold_what_was_measured():
    def measured():
        return {"value": 3.0, "list": [0.125, 2.0]}

    verdict = one({"value": near(3.0, 0)}, measured)
    name = verdict.id
    question = Question("Q", "?", "", f"{{{name}:value}}, {{{name}:list.0|.2f}}, {{{name}:gone}}, {{{name}:list|.2f}}, {{{name}:list.7}}", (name,))
    assert filled(question, {name: verdict}) == "3, 0.12, …, …, …"
    with pytest.raises(UsageError, match="does not rest on"):
        filled(Question("Q", "?", "", "{other.claim:value}", (name,)), {})


def test_a_file_of_claims(tmp_path):
    """It needs no package: the claims of a file are checked by its path, and the processes that check them find it."""
    environment, file = install(tmp_path), tmp_path / "mine2026.py"
    own = PAPER.partition("QUESTIONS =")[0]
    file.write_text(own)
    done = call([*CFDYN, "claims", str(file)], environment)
    assert "mine2026.square_5" in done.stdout and "toy2000" not in done.stdout
    file.write_text(own.replace('{"square": number**2}', '{"square": number**2 + (number == 5)}'))
    done = call([*CFDYN, "claims", str(file)], environment, expected=1)
    assert "mine2026.square_5. Recorded: reproduced. Now: contradicted. square = 26, expected 25." in done.stdout
    for wrong, words in (("none.py", "there is no file"), ("a-b.py", "letters, digits and _"), ("empty.py", "holds no claims")):
        (tmp_path / wrong).write_text("") if wrong != "none.py" else None
        assert words in call([*CFDYN, "claims", str(tmp_path / wrong)], environment, expected=2).stderr
    assert "cfdyn claims FILE.py" in call([*CFDYN, "claims", "mine.edge"], environment, expected=2).stderr


def test_the_exit_status_tells_of_a_verdict_that_is_not_the_settled_one(tmp_path):
    environment = install(tmp_path, PAPER.replace('{"square": number**2}', '{"square": number**2 + (number == 5)}'))
    done = call([*CFDYN, "claims", "--source", "toy2000"], environment, expected=1)
    assert "toy2000.square_5. Recorded: reproduced. Now: contradicted. square = 26, expected 25." in done.stdout
    found = json.loads(call([*CFDYN, "claims", "--source", "toy2000", "--json"], environment, expected=1).stdout)
    assert found["different"] == ["toy2000.square_5"]


@pytest.mark.slow
def test_what_is_not_computed_now_is_shown_as_it_is_on_record(tmp_path):
    environment = install(tmp_path)
    report = tmp_path / "report"
    call([*CFDYN, "claims", "--source", "toy2000", "--report", report], environment)
    record = json.loads((report / "verdicts.json").read_text())
    for k, entry in enumerate(record.values()):
        entry |= {"seconds": 1.0 + k, "date": "2001-02-03", "version": "0.0.1"}
    (tmp_path / "site" / "toy_papers" / "verdicts.json").write_text(json.dumps(record))
    found = json.loads(call([*CFDYN, "claims", "--source", "toy2000", "--within", "3.5", "--json"], environment).stdout)["claims"]
    assert [claim["now"] for claim in found] == [True, True] + [False] * 10
    assert found[3]["date"] == "2001-02-03"
    said = call([*CFDYN, "claims", "--source", "toy2000", "--within", "3.5"], environment).stdout
    assert "It is 9." in said and "2001-02-03, version 0.0.1" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["claims", "may1976.first_flop"], "unknown claim 'may1976.first_flop'; did you mean 'may1976.first_flip'?"),
        (["claims", "--source", "mai1976"], "unknown source 'mai1976'; did you mean 'may1976'?"),
        (["claims", "may1976.first_flip", "--report", "/proc/none/here"], "cannot write to the folder /proc/none/here"),
        (["claims", "--within", "-1"], "--within"),
        (["claims", "may1976.first_flip", "--source", "may1974"], "may1976.first_flip is not a claim of may1974"),
        (["show", "may1976.first_flop"], "unknown name 'may1976.first_flop'; did you mean 'may1976.first_flip'?"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments, words, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, err = capsys.readouterr()
    assert end.value.code == 2 and words in err and out == "" and len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_wrong_names_of_another_package_are_told_too(tmp_path):
    done = call([*CFDYN, "claims", "toy2000.sqare_3", "--source", "toy2000"], install(tmp_path), expected=2)
    assert "did you mean 'toy2000.square_3'?" in done.stderr and done.stdout == ""


def test_a_claim_is_shown_with_all_that_one_needs_to_disagree(tmp_path):
    environment = install(tmp_path)
    call([*CFDYN, "claims", "toy2000.square_3"], environment)
    said = call([*CFDYN, "show", "toy2000.square_3"], environment).stdout
    for words in ("The square of 3 is 9.", "Journal of Toys", "page 1", "number: 3", "9; expected 9", "reproduced", "the next number"):
        assert words in said
    listed = json.loads(call([*CFDYN, "list", "claims", "--json"], environment).stdout)["items"]
    assert "toy2000.square_3" in [item["name"] for item in listed]
    assert "Journal of Toys" in call([*CFDYN, "show", "toy2000"], environment).stdout


@pytest.mark.parametrize(("text", "words"), [
    ("raise SystemExit(0)\n", "SystemExit"),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in (("def (:\n", "SyntaxError"), ("1 / 0\n", "ZeroDivisionError"))),
])  # fmt: skip
def test_a_paper_that_cannot_be_imported_is_named(text, words, tmp_path):
    """Where all are asked for."""
    done = call([*CFDYN, "list", "claims"], install(tmp_path, text), expected=2)
    assert f"toy_papers.toy2000, which holds claims, cannot be imported: {words}" in done.stderr and done.stdout == ""


def test_of_another_paper_no_more_is_imported_than_that(tmp_path):
    assert "R. M. May" in call([*CFDYN, "show", "may1976"], install(tmp_path, "def (:\n")).stdout


@pytest.mark.parametrize("content", ['{"toy2000.square_1": {"measured": {"squ', "[]", '{"toy2000.square_1": 5}', '{"toy2000.square_1": {"measured": {}}}'])
def test_a_damaged_record_is_named(content, tmp_path):
    environment = install(tmp_path)
    (tmp_path / "site" / "toy_papers" / "verdicts.json").write_text(content)
    done = call([*CFDYN, "show", "toy2000.square_1"], environment, expected=2)
    assert "verdicts.json cannot be read, is truncated or holds no verdicts" in done.stderr


def test_what_was_not_computed_yet_is_no_other_verdict(tmp_path):
    done = call([*CFDYN, "claims", "--source", "toy2000", "--within", "0"], install(tmp_path))
    assert "not computed yet" in done.stdout and "Recorded:" not in done.stdout
