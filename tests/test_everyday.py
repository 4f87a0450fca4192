"""What is left out of `make test` case by case: there are such cases, and others of the same test are run."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import COLLECTED
from tests.slow_cases import SLOW, THIRDS, fewer_examples


def test_cases_that_are_left_out_exist(request):
    """Of all tests that were collected with this one, `make test` collects each."""
    collected = request.config.stash[COLLECTED]
    assert {test: missing for test, cases in SLOW.items() if test in collected and (missing := set(cases) - collected[test].keys())} == {}


def test_they_have_relatives_that_are_run(request):
    collected = request.config.stash[COLLECTED]
    assert [test for test in {*SLOW, *THIRDS} if test in collected and all(collected[test].values())] == []


def test_a_third_of_the_cases_is_run(request):
    collected = request.config.stash[COLLECTED]
    run = {test: sum(not slow for slow in collected[test].values()) / len(collected[test]) for test in THIRDS & collected.keys() - SLOW.keys()}
    assert {test: share for test, share in run.items() if share > 1 / 2} == {}


def test_a_third_of_the_examples_is_drawn():
    drawn = []

    @settings(max_examples=60, database=None)
    @given(st.integers(0, 10**9))
    def ask(number):
        drawn.append(number)

    ask()
    assert len(drawn) == 60
    fewer_examples(ask)
    ask()
    assert len(drawn) == 80
