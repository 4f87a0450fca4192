"""Requests are answered by processes, whatever becomes of one of them."""

from __future__ import annotations

import gc
import os
import warnings

from cfdyn.machine.workers import Crew, _Waiting, asked, time_left


def answered(requests, **options):
    return dict(asked("tests.machine.echo", requests, **options))


def test_one_that_dies_or_hangs_is_said_to_and_the_others_are_answered():
    found = answered(["a", "die", "b", "hang", "c"], processes=1, limit=3.0)
    assert [found[k].line.split()[0] for k in (0, 2, 4)] == ["a", "b", "c"]
    assert (found[1].line, found[1].why) == (None, "its process ended with status -9")
    assert (found[3].line, found[3].why) == (None, "did not end within 3 s")
    # One process until it dies, another until it hangs.
    pids = [found[k].line.split()[1] for k in (0, 2, 4)]
    assert len(set(pids)) == 3 and str(os.getpid()) not in pids


def test_nothing_is_left_running_where_the_answers_are_not_waited_for():
    answers = asked("tests.machine.echo", ["a", "b", "hang"], processes=2)
    pid = int(next(answers)[1].line.split()[1])
    answers.close()
    assert not os.path.exists(f"/proc/{pid}")


def test_nothing_is_left_open(recwarn):
    """Neither of one that died nor of a crew that is ended."""
    warnings.simplefilter("always")
    assert sorted(answered(["a", "die", "b"], processes=1)) == [0, 1, 2]
    crew = Crew("tests.machine.echo", 2)
    while not crew.free():
        crew.answers(wait=True)
    crew.end()
    del crew
    gc.collect()
    assert [str(one.message) for one in recwarn if one.category is ResourceWarning] == []


def test_a_process_goes_on_with_its_group():
    waiting = _Waiting(["x", "y", "x", "x", "y"])
    first, second = waiting.next(None, []), waiting.next(None, [0])
    assert (first, second) == (0, 1)  # each a group of its own
    assert waiting.next(0, [0, 1]) == 2 and waiting.next(1, [2, 1]) == 4
    assert waiting.next(4, [2, 4]) == 3  # nothing else is left
    assert waiting.next(3, [2, 3]) is None


def test_the_time_left():
    assert time_left({"a": 2.0, "b": 1.0, "c": 3.0}, ["a"], 4.0) == 8.0
