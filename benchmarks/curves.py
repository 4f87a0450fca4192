"""How fast are curves of bifurcations followed in two parameters, and branches, beside AUTO-07p; how fast is switching?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import Benchmark, BenchmarkError, Goal, Plan, Row, Rows, interleaved, ratio
from peers import auto
from problems.maps import henon, logistic

bench = Benchmark("curves")

ROWS, RUNS = 2000, 15
FEIGENBAUM = 4.669
MOST = 10.0  # ms: of a switch
BOX = ((0.1, 3.0), (-0.9, 0.9))
HENON, LOGISTIC = henon(0.2), logistic(2.0)
FIXED = (1.0894541729001368, 0.32683625187004105)  # of the Hénon map at a = 0.2, b = 0.3


@dataclass(frozen=True)
class Task:
    """The same rows for cfdyn and for AUTO: ``call`` and what a program does in so many steps; ``least`` times as fast."""

    title: str
    call: Callable[[], Any]
    program: tuple[Any, ...]
    run: Callable[[auto.Program, int], auto.Run]
    least: float


def branch(step: cf.Map, start: Any, name: str, most: float) -> Callable[[], Any]:
    """So many steps along a parameter, all of one length or shorter, with what AUTO looks for too."""
    bounds = (step.params[name], 100.0)
    return lambda: cf.analysis.continue_cycle(step, start, name, bounds, max_steps=ROWS, max_step=most, coefficients=False)


def flips(step: cf.Map, points: Any, rows: int, most: float) -> Callable[[], Any]:
    """The whole record of a flip curve in both directions."""
    return lambda: cf.analysis.bifurcation_curve(step, ("flip", points), ("a", "b"), BOX, max_steps=rows // 2, max_step=most)


def along(size: float) -> Callable[[auto.Program, int], auto.Run]:
    """A branch in AUTO."""
    return lambda program, steps: program.run((0.0, 100.0), size, steps, one_length=True)


TASKS = (
    Task("logistic map, branch", branch(LOGISTIC, [0.5], "r", 2e-3), (("r*x*(1-x)",), "x", "r", (0.5,), 2.0), along(2e-3), 2.0),
    Task("Hénon map, branch", branch(HENON, FIXED, "a", 4e-5),
         (("1 - a*x**2 + y", "b*x"), "x y", "a b", FIXED, 0.2, 0.3), along(1e-3), 2.0),
    Task("Hénon map, flip curve", flips(HENON.at(a=0.3675), [[0.952381, 0.285714]], ROWS, 1e-3),
         (("1 - a*x**2 + y", "b*x"), "x y", "a b", FIXED, 0.2, 0.3),
         lambda program, steps: program.curve((-5.0, 5.0), 1e-3, steps), 1.0),
)  # fmt: skip


@bench.table("2,000 rows", ("rows", "cfdyn (ms)", "AUTO-07p (ms)", "AUTO-07p ÷ cfdyn"))
def rows(plan: Plan) -> Rows:
    """Processor time of whole calls, with the record: `continue_cycle` of a fixed point with its flip, `bifurcation_curve`
    with coefficients and tests for points of codimension two in all rows. AUTO-07p: as many steps of one length without
    diagnostics, compiled before; processor time of its process less that of one with two steps. Both the least of many."""
    for task in TASKS:
        found = len(task.call())
        if found <= ROWS:
            raise BenchmarkError(f"not the same work: {found} rows of {task.title}")
        own, theirs = min(interleaved(dict.fromkeys(range(plan.pick(1, 3)), task.call), plan.repeats).values()), None
        if auto.folder() is not None:
            program = auto.Program(*task.program)
            program.run((0.0, 100.0), 1e-3, ROWS, one_length=True)
            long, short = (min(task.run(program, steps).processor for _ in range(plan.pick(3, RUNS))) for steps in (ROWS, 2))
            theirs = (long - short) * 1e3
        faster = ratio(theirs, own * 1e3)
        cells = {"rows": found, "cfdyn (ms)": own * 1e3, "AUTO-07p (ms)": theirs, "AUTO-07p ÷ cfdyn": faster}
        yield Row(task.title, cells, (Goal(faster, task.least, above=True),))


@bench.table("flip curves by period")
def growth(plan: Plan) -> Rows:
    """Flip curves of the Hénon map's cascade, the whole call with coefficients and tests in all rows. Per row and point the
    time should not grow."""
    for step, points in cascade(plan.pick(5, 9)):
        call = flips(step, points, plan.pick(200, ROWS), 1e-4)
        found, spent, n = len(call()), interleaved({"": call}, plan.pick(1, 3))[""], len(points)
        yield Row(f"period {n}", {"rows": found, "cfdyn (ms)": spent * 1e3, "µs per row": spent / found * 1e6,
                                  "µs per row and point": spent / found / n * 1e6})  # fmt: skip


@bench.table("switching at flips")
def switching(plan: Plan) -> Rows:
    """From a flip of the Hénon map's cascade to the doubled branch: the start on it with one step, as a record, and the whole
    branch up to a = 3 with its special points and their normal forms."""
    for step, points in cascade(plan.pick(5, 9)):
        n, value = len(points), step.params["a"]
        away = 0.1 * FEIGENBAUM ** -np.log2(n)
        near = cf.analysis.continue_cycle(step, points, "a", (value - away, value + away), coefficients=False)
        flip = next(s for s in near.bifurcations if s.kind == "flip")
        times = interleaved({steps: lambda steps=steps, flip=flip: flip.switch(BOX[0], max_steps=steps) for steps in (1, 10_000)},
                            plan.repeats)  # fmt: skip
        cells = {"the start (ms)": times[1] * 1e3, "the branch (ms)": times[10_000] * 1e3,
                 "rows": len(flip.switch(BOX[0]))}  # fmt: skip
        yield Row(f"period {n} to {2 * n}", cells, (Goal(times[1] * 1e3, MOST),))


def cascade(levels: int) -> Iterator[tuple[cf.Map, np.ndarray]]:
    """The Hénon map at its first flips, with the cycles there."""
    found = cf.analysis.cascade(HENON, FIXED, "a", (0.1, 2.0), levels)
    return ((HENON.at(a=float(value)), points) for value, points in zip(found.flips, found.points, strict=True))


if __name__ == "__main__":
    bench.main()
