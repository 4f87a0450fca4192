"""The page about networks at their edge prints what it says."""

import doctest
from pathlib import Path

import pytest

from cfdyn.machine.jit import DISABLED

PAGE = Path(__file__).parents[2] / "docs" / "edge-of-networks.md"


@pytest.mark.skipif(DISABLED, reason="long")
def test_the_examples_of_the_page():
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried > 14 and failed == 0
