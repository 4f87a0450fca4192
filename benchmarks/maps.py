"""How fast are many orbits at once, against C one by one, C in interleaved lanes (the limit), NumPy and single verdicts?"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.ensembles.orbits import Orbits
from measuring import Benchmark, BenchmarkError, Call, Goal, Plan, Row, Rows, c_function, measure, race
from problems.maps import CASES, Case

bench = Benchmark("maps")

LANES = Path(__file__).parent / "problems/lanes.c"
CHECKED = 40  # steps after which all competitors must be at the same places
LIMIT = "C in lanes"


def c_call(case: Case, name: str) -> Any:
    """A function of problems/lanes.c for this map; None without a compiler."""
    step = " ".join(f"y[{k}] = {text};" for k, text in enumerate(case.formulas)).replace(*case.in_c or ("", ""))
    macros = {"D": str(case.dim), "NP": str(len(case.p)), "STEP": f"double e = {case.before}; (void)e; {step}"}
    if case.name == "logistic map":
        macros["SLOPE"] = "p[0]*(1.0 - 2.0*z[0])"
    pointers, whole = [ctypes.c_void_p] * 3, ctypes.c_long
    return c_function(LANES, name, None, *pointers, whole, whole, *([whole] if name in ("alone", "together") else []), **macros)


def varied(case: Case, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and parameters of so many orbits, a percent apart in the last parameter."""
    parameters = np.tile(case.p, (count, 1))
    parameters[:, -1] *= np.linspace(0.97, 0.98, count)
    return np.tile(case.start, (count, 1)).astype(float), parameters


def by_c(case: Case, name: str, count: int, steps: int, keep: int = 0) -> Call | None:
    """The orbits in C; the call returns the last states, or what is kept."""
    function = c_call(case, name)

    def call() -> np.ndarray:
        states, parameters = varied(case, count)
        kept = np.empty((count, keep))
        function(states.ctypes.data, parameters.ctypes.data, kept.ctypes.data, count, steps, keep)
        return kept if keep else states

    return function and call


def by_cfdyn(case: Case, count: int, steps: int, keep: int = 0, threads: int = 1) -> Call:
    """The same by cfdyn, which also looks whether an orbit escapes."""

    def call() -> np.ndarray:
        orbits = Orbits(case.map, *varied(case, count), threads=threads)
        orbits.advance(steps)
        return orbits.keep(keep) if keep else orbits.states

    return call


def by_numpy(case: Case, count: int, steps: int) -> Call:
    """All orbits at once, each step an array operation."""

    def call() -> np.ndarray:
        states, parameters = varied(case, count)
        z, p = list(states.T), list(parameters.T)
        for _ in range(steps):
            z = list(case.step(z, p))
        return np.column_stack(z)

    return call


def ensemble_calls(case: Case, count: int, steps: int, fewer: int) -> dict[str, Call | None]:
    """All competitors; NumPy, for polynomial maps alone, takes fewer steps."""
    numpy = {"numpy": by_numpy(case, count, fewer)} if case.least < 0.5 else {}
    return {"cfdyn": by_cfdyn(case, count, steps), "C": by_c(case, "alone", count, steps),
            LIMIT: by_c(case, "together", count, steps), **numpy}  # fmt: skip


PLAIN = [case for case in CASES if case.before == "0.0"]


@bench.table("ensembles of 4,800 orbits, one thread: ns per step of one orbit")
def ensembles(plan: Plan) -> Rows:
    """Each orbit has its own parameters. cfdyn looks after every state whether the orbit has escaped; C does not."""
    count, steps = 4800, plan.pick(1000, 4000)
    for case in PLAIN:
        calls = ensemble_calls(case, count, CHECKED, CHECKED)
        results = [call() for call in calls.values() if call]
        if not all(np.allclose(results[0], other, rtol=1e-6, atol=1e-6) for other in results[1:]):
            raise BenchmarkError(f"not all iterate the same map: {case.name}")
        timed = ensemble_calls(case, count, steps, steps // 20)
        cells = race(timed, plan.repeats, "ns", count * steps, {"numpy": 1 / 20}, "{name}")
        yield Row(case.name, cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 0.75, above=True),))


@bench.table("orbit diagram of the logistic map, 2,000 × (2,000 + 500), one thread: ms")
def diagram(plan: Plan) -> Rows:
    """The states are kept as (500, 2,000) by cfdyn and the C in lanes, as (2,000, 500) by the other."""
    case, count, steps, keep = CASES[0], 2000, 2000, 500
    calls = {"cfdyn": by_cfdyn(case, count, steps, keep), "C": by_c(case, "alone", count, steps, keep),
             LIMIT: by_c(case, "together", count, steps, keep)}  # fmt: skip
    cells = race(calls, plan.repeats, "ms", label="{name}")
    yield Row("logistic map", cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 1 / 1.5, above=True),))


@bench.table("Lyapunov exponents of the logistic map, 1,000 parameters × 11,000 steps, one thread: ms")
def exponents(plan: Plan) -> Rows:
    """C takes a logarithm in every step, C in lanes one of 16; cfdyn gives an error besides and works in any dimension."""
    case, count, steps = CASES[0], 1000, 11_000

    def ours() -> np.ndarray:
        return Orbits(case.map, *varied(case, count), threads=1).exponents(steps)[0]

    def theirs(name: str) -> Call | None:
        function = c_call(case, name)

        def call() -> np.ndarray:
            (states, parameters), found = varied(case, count), np.empty(count)
            function(states.ctypes.data, parameters.ctypes.data, found.ctypes.data, count, steps)
            return found

        return function and call

    calls = {"cfdyn": ours, "C": theirs("exponents"), LIMIT: theirs("exponents_together")}
    results = [call() for call in calls.values() if call]
    if not all(np.allclose(results[0], other, atol=0.05) for other in results[1:]):
        raise BenchmarkError("not all find the same exponents")
    cells = race(calls, plan.repeats, "ms", label="{name}")
    yield Row("logistic map", cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 1 / 1.2, above=True),))


@bench.table("regime map of heavy ball on the double well: processor seconds")
def regimes(plan: Plan) -> Rows:
    """Growth with the cells; beside it `classify` on a hundredth of them, one by one. Undecided: the part of the cells."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    for side in plan.pick((125, 250), (125, 250, 500)):
        lr, momentum = np.linspace(0.1, 4, side), np.linspace(0, 0.95, side)

        def together(lr: np.ndarray = lr, momentum: np.ndarray = momentum) -> cf.analysis.RegimeMap:
            return cf.analysis.regimes(step, ("lr", lr), ("momentum", momentum), [1.1])

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


@bench.table("basins of gradient descent on Himmelblau's loss: processor seconds")
def basins(plan: Plan) -> Rows:
    """Beside it the transient alone, in lanes, and `classify` on a ten-thousandth of the starts, one by one.

    What finding and telling the attractors takes beyond the transient is the goal's.
    """
    step = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.01))
    for side in plan.pick((250, 500), (250, 500, 1000)):
        axis = -5 + (np.arange(side) + 0.5) * (10 / side)
        starts = np.stack(np.meshgrid(axis, axis), axis=2).reshape(-1, 2)

        def together(side: int = side) -> cf.analysis.Basins:
            return cf.analysis.basins(step, [(-5, 5)] * 2, side)

        def transient(starts: np.ndarray = starts) -> None:
            Orbits(step, starts, np.tile(list(step.params.values()), (len(starts), 1))).advance(1000)

        cells = {"cfdyn": measure(together, plan.repeats), "transient": measure(transient, plan.repeats)}
        if side == 250:
            some = starts[:: len(starts) // 100]
            alone = measure(lambda some=some: [cf.analysis.classify(step, z) for z in some], 1)
            cells |= {"classify, one by one": alone / (len(some) / len(starts))}
        cells |= {"beyond it": cells["cfdyn"] - cells["transient"], "undecided": float((together().labels == -2).mean())}
        yield Row(f"{side} × {side}", cells, (Goal(cells["beyond it"], 0.5, above=False),) if side == 1000 else ())


if __name__ == "__main__":
    bench.main()
