"""How fast is a branch of cycles followed, with its flips found, and how exact are its special points?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.continuation._kernels.driver import Curve, follow
from cfdyn.continuation.branch.system import BranchTracer
from cfdyn.cycles.same import least_period
from cfdyn.cycles.shooting import polish
from measuring import Benchmark, BenchmarkError, Cells, Goal, Plan, Row, Rows, measure, race, ratio
from peers import auto
from problems import chains
from problems.maps import descent, henon, logistic

bench = Benchmark("continuation")

STEPS, STEP = 2000, 2e-3
AUTO, LOOP, PYTHON = "AUTO-07p", "the loop alone", "NumPy, SciPy"
LIMIT = 11.8  # ms: what AUTO-07p takes for this branch on the machine of the targets
EXACT = 1e-8
LOGISTIC, WELL, HENON = logistic(2.0), descent("double_well", 0.8)(), henon(0.2)
PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], variables="x y", params={"a": 1.5, "b": 0.2})
DELAYED = cf.Map.from_text(["r*x*(1-y)", "x"], variables="x y", params={"r": 1.8})


@bench.table("a branch with its flip",
             (*(f"{name} (ms)" for name in ("cfdyn", LOOP, AUTO, f"{AUTO}, its process", PYTHON)), f"{AUTO} ÷ cfdyn",
              f"{PYTHON} ÷ cfdyn", "error of the flip"))  # fmt: skip
def speed(plan: Plan) -> Rows:
    """The fixed point of r x(1 − x) from r = 2 on: 2000 steps of one length with the test for a flip at each, and the flip at
    r = 3 located. cfdyn: the whole call of `continue_cycle`, with the record. The loop alone: its compiled steps. NumPy,
    SciPy: the same pseudo-arclength method as a loop in Python, given a tenth of the steps. AUTO-07p: as many steps over the
    same stretch, compiled before and without diagnostics; the "Total Time" it reports, which does not count the start of its
    process, and the whole process, both wall time and the fastest of its runs, while the others are medians of processor
    time. The first target is what it took on the machine of the targets, 11.8 ms."""
    bounds, points = (2.0, 100.0), np.array([[0.5]])

    def by_cfdyn() -> Any:
        return cf.analysis.continue_cycle(LOGISTIC, points, "r", bounds, max_steps=STEPS, max_step=STEP, coefficients=False)

    tracer, start = tracer_at(LOGISTIC, points, "r", bounds)
    found, other = by_cfdyn(), by_python(STEPS, 1e-3)
    flips = [s.parameter for s in found.bifurcations if s.kind == "flip"]
    if len(found) <= STEPS or abs(flips[0] - 3) > EXACT or abs(other - 3) > EXACT:
        raise BenchmarkError(f"not the same work: {len(found)} rows, flips at {flips} and {other}")
    calls: dict[str, Any] = {"cfdyn": by_cfdyn, LOOP: lambda: loop(tracer, start, STEPS, STEP),
                             PYTHON: lambda: by_python(STEPS // 10, 1e-2)}  # fmt: skip
    runs: list[auto.Run] = []
    if auto.folder() is not None:
        program, size = auto.Program(("r*x*(1-x)",), "x", "r", (0.5,), 2.0), float(found.parameter[-1] - 2) / STEPS
        calls[AUTO] = lambda: runs.append(program.run(bounds, size, STEPS, one_length=True))
    cells = race(calls, plan.repeats, "ms", less={PYTHON: 1 / 10})
    cells[f"{AUTO} (ms)"] = min((run.own_seconds * 1e3 for run in runs), default=None)
    cells[f"{AUTO}, its process (ms)"] = min((run.seconds * 1e3 for run in runs), default=None)
    cells[f"{AUTO} ÷ cfdyn"] = faster = ratio(cells[f"{AUTO} (ms)"], cells["cfdyn (ms)"])
    cells["error of the flip"] = f"{abs(flips[0] / 3 - 1):.1e}"
    yield Row(f"logistic map, {STEPS} steps", cells, (Goal(cells["cfdyn (ms)"], LIMIT), Goal(faster, 1.0, above=True)))


def tracer_at(step: cf.Map, points: np.ndarray, name: str, bounds: tuple[float, float]) -> tuple[BranchTracer, Any]:
    """A system and a solution to start from."""
    tracer = BranchTracer(step, len(points), name, bounds, points)
    return tracer, tracer.begin(tracer.z(points, step.params[name]))


def loop(tracer: BranchTracer, start: Any, steps: int, size: float) -> int:
    """The compiled loop by itself, all steps of one length or shorter; the number of rows."""
    curve = Curve(*(np.empty((steps + 1, len(part))) for part in start))
    for part, first in zip(curve, start, strict=True):
        part[0] = first
    return follow(tracer.system(start, size, size).memory, tracer.block.memory, curve)[0]


def by_python(steps: int, size: float) -> float:
    """Pseudo-arclength continuation of r x(1 − x) = x in plain Python; the flip."""

    def corrected(z: np.ndarray, border: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for _ in range(8):
            x, r = z
            matrix = np.array([[r * (1 - 2 * x) - 1, x * (1 - x)], border])
            change = np.linalg.solve(matrix, [x - r * x * (1 - x), 0.0])
            z = z + change
            if np.abs(change).max() < 1e-10:
                break
        v = np.linalg.solve(matrix, [0.0, 1.0])
        return z, v / np.linalg.norm(v)

    def test(z: np.ndarray) -> float:
        return z[1] * (1 - 2 * z[0]) + 1

    flip, (z, tangent) = math.nan, corrected(np.array([0.5, 2.0]), np.array([0.0, 1.0]))
    for _ in range(steps):
        following, turned = corrected(z + size * tangent, tangent)
        if test(z) * test(following) < 0:
            place = brentq(lambda s, z=z, t=tangent: test(corrected(z + s * t, t)[0]), 0.0, size, xtol=1e-14)
            flip = float(corrected(z + place * tangent, tangent)[0][1])
        z, tangent = following, turned
    return flip


@bench.table("growth with the period")
def growth(plan: Plan) -> Rows:
    """Cycles of the logistic map (one variable) and of the Hénon map (two) on a branch: 400 steps with all tests, the
    compiled loop alone. Per step and point the time should stay about the same."""
    for n in plan.pick((1, 4, 16), (1, 4, 16, 64, 256)):
        cells: Cells = {}
        for name, step, parameter in (("one variable", LOGISTIC.at(r=3.99), "r"), ("two variables", HENON.at(a=1.4), "a")):
            value = step.params[parameter]
            tracer, start = tracer_at(step, some_cycle(step, n), parameter, (value - 1, value + 1))
            done = loop(tracer, start, 400, 1e-7) - 1
            spent = measure(lambda t=tracer, s=start: loop(t, s, 400, 1e-7), plan.repeats)
            cells[f"{name} (µs per step)"] = spent / done * 1e6
            cells[f"{name} (ns per step and point)"] = spent / done / n * 1e9
        yield Row(f"period {n}", cells)


@bench.table("growth with the number of weights",
             ("rows", "flips found", "cfdyn (ms)", f"{AUTO} (ms)", "memory (MB)", "error of the flips"))  # fmt: skip
def weights(plan: Plan) -> Rows:
    """Descent on Σ U(wᵢ) + Σ(wᵢ − wᵢ₊₁)²/8 at a constant state, with a flip for each weight known in closed form: U = w²/2 + w⁴/4
    at w = 0, lr from 0.5 to 2.1, and U = (w² − 1)²/4 at w = 1, lr from 0.3 to 1.1. The whole call of `continue_cycle` without
    normal forms; of 1000 weights the processor time of a process that reads the formula and compiles it, and its memory; of
    100,000 weights, given as gradient and products in NumPy, the first ten flips, in a process, too. AUTO-07p (here up to 20
    weights) was measured on the machine of the targets with 0.12 s for 20 and 6.8 s for 95 of the 100 flips of 100."""
    for n in plan.pick((5, 20), (5, 10, 20, 50, 100)):
        for well in chains.CHAINS:
            yield weights_row(well, n, plan.repeats)
    for n, wells in plan.pick((), ((1000, tuple(chains.CHAINS)), (100_000, (chains.QUARTIC,)))):
        for well in wells:
            rows, seconds, memory, error = chains.apart(well, n)
            goals = Goal(error, 1e-9), Goal(seconds * 1e3, 6e4), Goal(memory, 1024.0)
            yield Row(f"{n} weights, U = {well}", weights_cells(rows, n, seconds * 1e3, error, memory=memory), goals)


def weights_row(well: str, n: int, repeats: int) -> Row:
    """So many weights in this process."""
    place, _, bounds = chains.CHAINS[well]
    step = cf.as_map(chains.chain(well, n), cf.optimizers.gd(lr=bounds[0] + 0.1))

    def followed() -> Any:
        return cf.analysis.continue_cycle(step, np.full(n, place), "lr", bounds, coefficients=False)

    found, spent, theirs = followed(), measure(followed, repeats) * 1e3, None
    error = chains.error_of(found, chains.all_flips(well, n))
    if auto.folder() is not None and n <= 20:
        program = auto.Program(*chains.steps_in_words(well, n), "lr", (place,) * n, bounds[0])
        theirs = program.run(bounds, (bounds[1] - bounds[0]) / 1650, 1650, one_length=True).own_seconds * 1e3
    goals = [Goal(error, 1e-9), *(Goal(spent, most) for size, most in ((20, 50.0), (100, 1000.0)) if size == n)]
    others = {"theirs": theirs} if n <= 20 else {}
    return Row(f"{n} weights, U = {well}", weights_cells(len(found), n, spent, error, **others), tuple(goals))


def weights_cells(rows: int, n: int, spent: float, error: float, **others: float | None) -> Cells:
    """A row of the table."""
    flips = f"{n} of {n}" if n <= chains.MOST_FORMULA else f"the first {chains.FIRST}"
    names = {"theirs": f"{AUTO} (ms)", "memory": "memory (MB)"}
    return {"rows": rows, "flips found": flips, "cfdyn (ms)": spent, "error of the flips": f"{error:.1e}",
            **{names[key]: value for key, value in others.items()}}  # fmt: skip


def some_cycle(step: cf.Map, n: int) -> np.ndarray:
    """A cycle of period n from a close return of a chaotic orbit, (n, d)."""
    orbit = cf.iterate(step, [0.3] * step.dim, 40_000).z[1000:]
    for k in np.argsort(np.abs(orbit[n:] - orbit[:-n]).max(axis=1))[:200]:
        points = polish(step, orbit[k : k + n].copy())
        if points is not None and least_period(points) == n:
            return points
    raise BenchmarkError(f"no cycle of period {n} was found")


@dataclass(frozen=True)
class Demo:
    """A branch that starts at the cycle through ``start``, its map once more for AUTO, and its special points by kind."""

    title: str
    step: cf.Map
    formulas: tuple[str, ...]
    start: tuple[float, ...]
    parameter: str
    bounds: tuple[float, float]
    known: tuple[tuple[str, float], ...]
    period: int = 1


ONE, TWO, WEIGHT = ("r*x*(1-x)",), ("1 - a*x**2 + y", "3*x/10"), ("w - lr*(w**3 - w)",)
DEMOS = (
    Demo("logistic map", LOGISTIC.at(r=2.5), ONE, (0.6,), "r", (1.5, 4.0), (("flip", 3.0),)),
    Demo("logistic map, 2-cycle", LOGISTIC.at(r=3.2), ONE, (0.5130445095,), "r", (3.1, 3.6), (("flip", 1 + 6**0.5),), 2),
    Demo("logistic map, 3-cycle", LOGISTIC.at(r=3.835), ONE, (0.1520744067,), "r", (3.7, 3.9),
         (("fold", 1 + 8**0.5), ("flip", 3.841499007543507846)), 3),
    Demo("Hénon map, b = 0.3", HENON, TWO, (1.0895, 0.32685), "a", (-0.5, 1.0), (("fold", -0.1225), ("flip", 0.3675))),
    Demo("Hénon map, b = 0.3, 2-cycle", HENON.at(a=0.6), TWO, (1.3, -0.04), "a", (0.4, 1.0), (("flip", 0.9125),), 2),
    Demo("delayed logistic map", DELAYED, ("r*x*(1-y)", "x"), (4 / 9, 4 / 9), "r", (1.2, 2.4), (("neimark-sacker", 2.0),)),
    Demo("predator and prey, β = 1/5", PREY, ("a*x*(1-x) - x*y", "5*x*y"), (0.2, 0.2), "a", (1.3, 2.4),
         (("neimark-sacker", 5 / 3),)),
    Demo("GD, double well", WELL, WEIGHT, (1.0,), "lr", (0.5, 1.2), (("flip", 1.0),)),
    Demo("GD, double well, 2-cycle", WELL.at(lr=1.1), WEIGHT, (1.2,), "lr", (1.05, 1.3), (("flip", 5**0.5 - 1),), 2),
)  # fmt: skip


@bench.table("standard demonstrations", ("known", "cfdyn: error", f"{AUTO}: error", "difference"))
def demonstrations(plan: Plan) -> Rows:
    """Special points against closed forms (the 3-cycle's flip: published digits), in both programs, relative errors; AUTO-07p
    prints eleven digits. It is given fixed points of the map, or of the map applied 2 or 3 times, in Fortran. The first
    target is for the error of cfdyn, the second for its difference from AUTO."""
    for demo in DEMOS:
        yield from demo_rows(demo)


def demo_rows(demo: Demo) -> list[Row]:
    """The special points of a branch by cfdyn and by AUTO."""
    found = cf.analysis.continue_cycle(demo.step, demo.start, demo.parameter, demo.bounds, demo.period, coefficients=False)
    runs, rows = special_points(demo, found), []
    for kind, exact in demo.known:
        ours = nearest([(s.kind, s.parameter) for s in found.bifurcations], kind, exact)
        theirs = nearest(runs, kind, exact) if runs else None
        error, apart = abs(ours / exact - 1), abs(ours / theirs - 1) if theirs else None
        cells = {"known": f"{exact:.15g}", "cfdyn: error": f"{error:.1e}",
                 f"{AUTO}: error": theirs and f"{abs(theirs / exact - 1):.1e}",
                 "difference": None if apart is None else f"{apart:.1e}"}  # fmt: skip
        rows.append(Row(f"{demo.title}: {kind}", cells, (Goal(error, EXACT), Goal(apart, EXACT))))
    return rows


def special_points(demo: Demo, found: Any) -> list[tuple[str, float]]:
    """What AUTO finds on both sides of the point of our branch that is nearest to the start; nothing where it is missing."""
    if auto.folder() is None:
        return []
    value = demo.step.params[demo.parameter]
    names = "w" if demo.formulas is WEIGHT else " ".join(demo.step.names)
    row = np.argmin(np.abs(found.points[:, 0] - demo.start).max(axis=1) + np.abs(found.parameter - value))
    first = tuple(found.points[row, 0].tolist())
    program = auto.Program(demo.formulas, names, demo.parameter, first, float(found.parameter[row]), period=demo.period)
    width = 1e-3 * (demo.bounds[1] - demo.bounds[0])
    return [point for sign in (-1, 1) for point in program.run(demo.bounds, sign * width, 5000).points]


def nearest(points: list[tuple[str, float]], kind: str, value: float) -> float:
    """The special point of a kind that is nearest to a value."""
    found = [parameter for name, parameter in points if name == kind]
    if not found:
        raise BenchmarkError(f"no {kind} was found near {value:g}, but {points}")
    return min(found, key=lambda parameter: abs(parameter - value))


@bench.table("accumulation points")
def accumulations(plan: Plan) -> Rows:
    """Relative errors against published digits; times of whole calls, from the start of the cascade on."""
    for title, *call, exact in (
        ("cascade, logistic map", LOGISTIC.at(r=2.5), [0.6], "r", (1.5, 4.0), 10, 3.569945671870944902),
        ("cascade, GD on the double well", WELL, [1.0], "lr", (0.1, 2.0), 10, 1.30228346270071),
    ):
        found = cf.analysis.cascade(*call).accumulation
        spent = measure(lambda call=call: cf.analysis.cascade(*call), plan.repeats)
        yield accumulation_row(f"{title}, accumulation from {call[-1]} flips", found, exact, spent)


def accumulation_row(task: str, found: float | None, exact: float, seconds: float) -> Row:
    """A point against its published digits; one that is not found has an infinite error."""
    error = math.inf if found is None else abs(found / exact - 1)
    cells = {"found": f"{found:.15g}", "known": f"{exact:.15g}", "error": f"{error:.1e}", "time (ms)": seconds * 1e3}
    return Row(task, cells, (Goal(error, EXACT),))


if __name__ == "__main__":
    bench.main()
