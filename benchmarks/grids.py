"""How fast are maps over a grid of cells: periods, regimes, basins, against C one by one and in lanes, and single verdicts?"""

from __future__ import annotations

import threading
import timeit
from functools import partial

import numpy as np

import cfdyn as cf
from measuring import Benchmark, Call, Goal, Plan, Row, Rows, measure, race, ratio
from measuring.report import RESULTS
from problems.lanes import LIMIT, c_call, grid, periods_of
from problems.maps import CASES, Case, descent

bench = Benchmark("grids")

FIGURE = RESULTS / "grids_growth.png"


@bench.table("kernel: periods of the Hénon map up to 32 after 1,000 steps, one thread: ms")
def periods(plan: Plan) -> Rows:
    """C looks for the first state that is near the last one; cfdyn asks whether as many states as the longest period come back,
    and whether an orbit escapes. Same: the part of the cells to which both give the same period. What
    `period_diagram` takes, which asks more, stands among the public calls of maps.py."""
    for side in plan.pick((250,), (250, 1000)):
        cells = grid(side)

        def in_c(name: str, side: int = side, cells: tuple[np.ndarray, np.ndarray] = cells) -> Call | None:
            function = c_call(CASES[1], name)

            def call() -> np.ndarray:
                states, parameters, found = cells[0].copy(), cells[1], np.empty(side * side)
                function(states.ctypes.data, parameters.ctypes.data, found.ctypes.data, side * side, 1000, 32)
                return found

            return function and call

        calls = {"cfdyn": partial(periods_of, cells, 1), "C": in_c("periods"), LIMIT: in_c("periods_together")}
        found = race(calls, plan.pick(1, plan.repeats), "ms", label="{name}")
        if calls[LIMIT]:
            found |= {"same": float((calls["cfdyn"]() == calls[LIMIT]()).mean())}
        yield Row(f"{side} × {side}", found, (Goal(found[f"{LIMIT} ÷ cfdyn"], 1 / 1.3, above=True),) if side == 1000 else ())


@bench.table("kernel: growth of those periods with cells and threads: elapsed ms")
def growth(plan: Plan) -> Rows:
    """Elapsed time says something only where nothing else runs. The machine's limit: how much more two threads do of which each
    has the whole task for itself. Slope: of the logarithms, from one row to the next; the lines are drawn in
    benchmarks/results/grids_growth.png."""
    curves: dict[str, dict[int, float]] = {"one thread": {}, "two threads": {}}
    for side in plan.pick((100, 200), (125, 250, 500, 1000)):
        cells = grid(side)
        for threads, curve in enumerate(curves.values(), 1):
            curve[side**2] = 1e3 * elapsed(partial(periods_of, cells, threads), plan.repeats)
        sizes, times = (np.log(list(numbers)) for numbers in (curves["one thread"], curves["one thread"].values()))
        slope = (times[-1] - times[-2]) / (sizes[-1] - sizes[-2]) if len(sizes) > 1 else None
        one, two = (curve[side**2] for curve in curves.values())
        both = 1e3 * elapsed(partial(twice, partial(periods_of, cells, 1)), plan.repeats)
        found = {"one thread": one, "two threads": two, "one ÷ two": one / two, "the machine's limit": 2 * one / both,
                 "slope": slope}  # fmt: skip
        yield Row(f"{side} × {side}", found, (Goal(one / two, 1.9, above=True),) if side == 1000 else ())
    draw(curves)


def draw(curves: dict[str, dict[int, float]]) -> None:
    """Elapsed time against the number of cells, a line for each number of threads."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(5, 4), layout="constrained").subplots()
    for (name, curve), style in zip(curves.items(), ("o-", "s--"), strict=True):
        axes.loglog(list(curve), list(curve.values()), style, label=name)
    axes.set(xlabel="cells", ylabel="elapsed time (ms)")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    axes.figure.savefig(FIGURE, dpi=150)


def twice(call: Call) -> None:
    """The same call in two threads at once."""
    both = [threading.Thread(target=call) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()


def elapsed(call: Call, repeats: int) -> float:
    """The least elapsed seconds of a call; what else runs on either processor is seen sooner than in processor time."""
    call()
    return min(timeit.repeat(call, number=1, repeat=5 * repeats))


@bench.table("regime map of heavy ball on the double well: processor seconds")
def regimes(plan: Plan) -> Rows:
    """Growth with the cells; beside it `classify` on a hundredth of them, one by one. Undecided: the part of the cells."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    for side in plan.pick((125, 250), (125, 250, 500)):
        lr, momentum = np.linspace(0.1, 4, side), np.linspace(0, 0.95, side)

        def together(lr: np.ndarray = lr, momentum: np.ndarray = momentum) -> cf.analysis.RegimeMap:
            return cf.analysis.regimes(step, [("lr", lr), ("momentum", momentum)], [1.1])

        def alone(lr: np.ndarray = lr, momentum: np.ndarray = momentum) -> None:
            for a in lr[5::10]:
                for b in momentum[5::10]:
                    cf.analysis.classify(step.at(lr=a, momentum=b), [1.1])

        cells = {"cfdyn": measure(together, plan.repeats)}
        if side == 125:
            part = len(lr[5::10]) * len(momentum[5::10]) / side**2
            cells |= {"classify, one by one": measure(alone, 1) / part}
        cells |= {"undecided": float((together().labels == -2).mean())}
        yield Row(f"{side} × {side}", cells, (Goal(cells["cfdyn"], 2.0, above=False),) if side == 500 else ())


HIMMELBLAU = Case(
    "GD, Himmelblau's loss", descent("himmelblau", 0.01), (1.0, 1.0),
    ("z[0] - p[0]*(4.0*z[0]*(z[0]*z[0] + z[1] - 11.0) + 2.0*(z[0] + z[1]*z[1] - 7.0))",
     "z[1] - p[0]*(2.0*(z[0]*z[0] + z[1] - 11.0) + 4.0*z[1]*(z[0] + z[1]*z[1] - 7.0))"), 0.0,
)  # fmt: skip


@bench.table("basins of gradient descent on Himmelblau's loss, one thread: processor seconds")
def basins(plan: Plan) -> Rows:
    """Beside it C that is told the attractors and follows one orbit after the other until a step is below 1e-10 (same: the part
    of the cells to which both give the same attractor), and `classify` on a ten-thousandth of the starts, one by one.

    cfdyn finds the attractors from 4,096 of the starts; then orbits end where they enter a box that the step contracts.
    """
    step = HIMMELBLAU.map
    function = c_call(HIMMELBLAU, "basins")
    for side in plan.pick((250, 500), (250, 500, 1000)):
        axis = -5 + (np.arange(side) + 0.5) * (10 / side)
        starts = np.stack(np.meshgrid(axis, axis), axis=2).reshape(-1, 2)

        def together(side: int = side) -> cf.analysis.Basins:
            return cf.analysis.basins(step, [("x", (-5, 5, side)), ("y", (-5, 5, side))], threads=1)

        found = together()
        points = np.concatenate([one.points[0] for one in found.attractors])

        def in_c(starts: np.ndarray = starts, points: np.ndarray = points) -> np.ndarray:
            labels = np.empty(len(starts))
            labels[: len(points)] = points
            states, parameters = starts.copy(), np.tile(HIMMELBLAU.p, (len(starts), 1))
            function(states.ctypes.data, parameters.ctypes.data, labels.ctypes.data, len(starts), 10_000, len(points) // 2)
            return labels

        cells = {"cfdyn": measure(together, plan.repeats)}
        if function:
            cells["C"] = measure(in_c, plan.pick(1, 3))
            cells |= {"C ÷ cfdyn": ratio(cells["C"], cells["cfdyn"]), "same": float((in_c() == found.labels.ravel()).mean())}
        if side == 250:
            some = starts[:: len(starts) // 100]
            alone = measure(lambda some=some: [cf.analysis.classify(step, z) for z in some], 1)
            cells |= {"classify, one by one": alone / (len(some) / len(starts))}
        cells |= {"undecided": float((found.labels == -2).mean())}
        goals = (Goal(cells["cfdyn"], 0.5, above=False), Goal(cells.get("C ÷ cfdyn"), 5.0, above=True))
        yield Row(f"{side} × {side}", cells, goals if side == 1000 else ())


if __name__ == "__main__":
    bench.main()
