"""Blocks of work shared by threads: each taken once, errors and interrupts told, nothing begun after them."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfdyn.machine.threads import LITTLE, Team


def blocks(count):
    return [(10 * k, 10 * k + 10) for k in range(count)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.lists(st.integers(0, 30), max_size=5))
def test_each_block_is_taken_once_by_threads_that_are_kept(size, counts):
    team, threads = Team(size), set()
    for count in counts:
        taken, told = [], []
        team.share(blocks(count), lambda *block: (taken.append(block), threads.add(threading.get_ident())), told.append)  # noqa: B023
        assert sorted(taken) == blocks(count)
        assert told == [10 * k + 10 for k in range(count)]
    assert len(threads - {threading.get_ident()}) <= (size if size > 1 else 0)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_a_thread_raises_is_raised_and_no_more_is_begun(size):
    team, taken = Team(size), []

    def take(first, last):
        taken.append(first)
        if first == 50:
            raise MemoryError("no more")

    with pytest.raises(MemoryError, match="no more"):
        team.share(blocks(10_000), take)
    assert len(taken) < 10_000
    team.share(blocks(3), take)  # and it goes on afterwards
    assert sorted(taken[-3:]) == [0, 10, 20]


@pytest.mark.parametrize("size", [1, 3])
def test_progress_may_end_it(size):
    """Ctrl-C is raised where progress is told, in the thread that calls; what has begun is ended before that goes on."""
    team, begun, ended = Team(size), [], []

    def take(first, last):
        begun.append(first)
        sum(range(10_000))
        ended.append(first)

    def progress(done):
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        team.share(blocks(10_000), take, progress)
    assert 5 <= len(begun) < 10_000 and sorted(begun) == sorted(ended)


def test_threads_end_with_the_team():
    before, team = set(threading.enumerate()), Team(3)
    team.share(blocks(100), lambda *_: None)
    begun = set(threading.enumerate()) - before
    del team
    for thread in begun:
        thread.join()
    assert 1 <= len(begun) <= 3 and not begun & set(threading.enumerate())


@pytest.mark.parametrize(("operations", "alone"), [(0, True), (LITTLE - 1, True), (LITTLE, False)])
def test_threads_are_not_woken_for_a_little(operations, alone):
    """By the work that is counted, never by a clock: the thread that asks does a little itself, in the same blocks."""
    team, own, by = Team(2), threading.get_ident(), []
    team.share(blocks(20), lambda *block: by.append((block, threading.get_ident())), operations=operations)
    assert sorted(block for block, _ in by) == blocks(20)
    assert {thread == own for _, thread in by} == {alone}
