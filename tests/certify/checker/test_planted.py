"""Bugs planted in the checker are noticed: a wrong number, a wrong slope, an example that fails, or a false certificate that passes."""

import numpy as np
import pytest

from tests.certify.checker.bugs import BUGS, maps_are_wrong, numbers_are_wrong
from tests.certify.checker.corruptions import all_corruptions
from tests.certify.checker.examples import EXAMPLES, document
from tests.certify.checker.planted import planted

QUICK = ("+ rounds its lower end to nearest", "branches need not meet")


def noticed(use, file: str) -> str:
    """What is wrong with a checker, empty if nothing is; of the certificates only those of its kind where the bug is in the file of a kind, or in what one kind alone uses."""
    with np.errstate(all="ignore"):
        wrong = numbers_are_wrong(use) or maps_are_wrong(use)
    if wrong:
        return wrong
    check, kind = use("check").check, file.removesuffix(".py").rpartition("kinds/")[2]
    kinds = {"growth": ("chaos", "horseshoe"), "lines": ("cycles", "no_cycles"), "fold": ("no_cycles",), "sides": ("measure",), "recursion": ("edge",)}.get(kind, (kind,))

    def asked(found) -> bool:
        return "kinds/" not in file and file != "sides.py" or found["kind"] in kinds

    for name in EXAMPLES:
        if asked(document(name)) and not check(document(name)):
            return name
    return next((name for name, found in all_corruptions() if asked(found) and check(found)), "")


def test_nothing_is_wrong_with_the_checker_as_it_is():
    file, old, _ = BUGS["+ rounds its lower end to nearest"]
    with planted(file, old, old) as use:
        assert not numbers_are_wrong(use) and not maps_are_wrong(use)


def test_there_are_more_than_60_bugs():
    assert len(BUGS) >= 60


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in BUGS])
def test_a_planted_bug_is_noticed(name):
    file, old, new = BUGS[name]
    with planted(file, old, new) as use:
        assert noticed(use, file)
