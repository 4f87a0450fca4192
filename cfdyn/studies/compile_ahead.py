"""Compile in a second process the kernels that a study needs last."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from cfdyn.machine import ahead

MODULE = "cfdyn.studies.compile_ahead"


def _rules(line: bool) -> list[Any]:
    """The rules for continuation, then for cycles of one variable, those that are called last first."""
    from cfdyn.cycles._kernels import cyclic, shooting
    from cfdyn.cycles.line._kernels import closing, expanding, itineraries, paths, words

    of_lines = (itineraries.walk, expanding.single_cycle, words.cycles_of_word, paths.trace_path, closing.close_cycle,
                closing.newton)  # fmt: skip
    return [shooting.shooting, cyclic.reduce, cyclic.solved, *(of_lines if line else ())]


def _follow_nothing() -> None:
    from cfdyn.continuation._kernels.driver import Curve, System, follow

    memory, row = System.make().memory, np.zeros((1, 2))
    follow(memory, memory, Curve(row, row, row))  # a curve of one row is complete


# A study of the double well, empty cache: 15.4 s instead of 23.5 on two busy processors (numba 0.68.1).
@contextmanager
def compiling_ahead(line: bool) -> Iterator[None]:
    """A context in which a silent process fills the cache, if there are two processors and anything is missing.

    It compiles what continuation needs, and for maps of one variable (``line``) what the search for cycles needs.
    """
    with ahead.beside(_started(line) if _useful(line) else None):
        yield


def _useful(line: bool) -> bool:
    return ahead.useful() and not all(rule.is_kept() for rule in _rules(line))


def _started(line: bool) -> "subprocess.Popen[bytes] | None":
    return ahead.started(MODULE, *(["line"] if line else []))


def main() -> None:
    """Compile one kernel after the other."""
    first, *others = (partial(getattr, rule, "compiled") for rule in _rules("line" in sys.argv))
    ahead.one_after_the_other([first, _follow_nothing, *others])


if __name__ == "__main__":
    main()
