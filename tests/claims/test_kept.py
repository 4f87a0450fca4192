"""What is kept of a claim belongs to the text of its check and of all that the check calls, and to nothing else."""

from __future__ import annotations

import pytest

from cfdyn.claims import kept
from cfdyn.claims.verdict import is_measurement, measurement
from tests.claims.test_runner import ALL, call
from tests.claims.toy import PAPER, install, noted

TEXT = '''"""A. Toy, 2000."""
from functools import cache
CLAIMS = Claims(__name__, __doc__, read="the paper")
SEEDS = (1, 2)


def _helper():
    return 1


@CLAIMS.add("page 1", {"a": 1}, Control("no"))
def one():
    """One."""
    return {"a": _helper() + two()["a"]}


@CLAIMS.add("page 2", {"a": 2}, Control("no"))
@cache
def two():
    """Two."""
    return {"a": 2}


@CLAIMS.add("page 3", {"a": 3}, Control("no"))
def three():
    """Three."""
    return {"a": 3}


def figures():
    return {}
'''


def changed(old: str, new: str) -> set[str]:
    """The claims to compute again after this edit."""
    assert old in TEXT
    edited = TEXT.replace(old, new)
    return {name for name in ("one", "two", "three") if kept._digest(TEXT, name) != kept._digest(edited, name)}


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("return 1", "return 1.0", {"one", "two", "three"}),
        ("SEEDS = (1, 2)", "SEEDS = (1, 3)", {"one", "two", "three"}),
        ('{"a": 3}\n', '{"a": 4}\n', {"three"}),
        ('{"a": 2}\n', '{"a": 1 + 1}\n', {"one", "two"}),
        ("@cache\n", "@once\n", {"one", "two"}),
        ('"page 3", {"a": 3}', '"page 4", {"a": 5}', set()),
        ('"""Three."""', '"""The number three."""', set()),
        ("return {}", "return {1: 2}", set()),
        ("def three", "# said anew\ndef three", set()),
    ],
)
def test_what_an_edit_computes_again(old, new, again):
    assert changed(old, new) == again


@pytest.mark.slow
def test_a_module_beside_the_paper_is_part_of_it(tmp_path):
    claim = (
        '\n\nfrom toy_papers._beside import number\n\n@CLAIMS.add("page 1", {"square": 4}, Control("no", expected={"square": 5}))\n'
        'def two():\n    """A square."""\n    _noted(2)\n    return {"square": number() ** 2}\n'
    )
    environment = install(tmp_path, PAPER.split("for _k in range")[0] + claim)
    beside = tmp_path / "site" / "toy_papers" / "_beside.py"
    beside.write_text("def number():\n    return 2\n")
    call(ALL, environment)
    call(ALL, environment)
    assert noted(tmp_path) == ["2"]
    beside.write_text("def number():\n    return 3\n")
    call(ALL, environment, expected=1)
    assert noted(tmp_path) == ["2", "2"]


@pytest.mark.slow
def test_a_paper_that_is_edited_while_it_is_computed_is_computed_again(tmp_path):
    claim = (
        '\n\n@CLAIMS.add("page 1", {"square": 4}, Control("no", expected={"square": 5}))\ndef two():\n    """A square."""\n'
        "    _noted(2)\n    text = open(__file__).read()\n    open(__file__, 'w').write(text.replace('number = 2', 'number = 3'))\n"
        '    number = 2\n    return {"square": number**2}\n'
    )
    environment = install(tmp_path, PAPER.split("for _k in range")[0] + claim)
    call(ALL, environment)
    assert "9, expected" not in call(ALL, environment, expected=1).stderr
    assert noted(tmp_path) == ["2", "2"]


def test_a_kept_entry_of_another_form_is_none():
    whole = measurement({"a": 1}, "", 1)
    assert is_measurement(whole)
    assert not any(is_measurement(entry) for entry in (None, [], {}, {**whole, "more": 1}, {**whole, "seconds": "1"}))


def test_figures_change_with_how_things_are_drawn_and_measurements_do_not():
    assert "plotting" not in kept._rooms()
    assert kept._pictures().version != kept.shelf().version
