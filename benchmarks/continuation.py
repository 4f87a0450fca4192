"""How fast is a branch of cycles followed, with its flips found, and how exact are its special points?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import continuation_auto
import harness
import numpy as np
import report
from harness import interleaved, measure, ratio
from report import Goal, Row, Table
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.continuation.branch.system import CycleTracer
from cfdyn.kernels.continuation.driver import Curve, System, follow

STEPS, STEP = 2000, 2e-3
AUTO, LOOP, PYTHON = "AUTO-07p", "the loop alone", "NumPy, SciPy"
LIMIT = 11.8  # ms: what AUTO-07p takes for this branch on the machine of the targets
EXACT = 1e-8
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.0})
WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.8))
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 0.2, "b": 0.3})
PREY = cf.Map.from_text(["a*x*(1-x) - x*y", "x*y/b"], variables="x y", params={"a": 1.5, "b": 0.2})
DELAYED = cf.Map.from_text(["r*x*(1-y)", "x"], variables="x y", params={"r": 1.8})

NOTE = (
    f"The fixed point of r x(1 − x) from r = 2 on: {STEPS} steps of one length with the test for a flip at each, and the flip at "
    "r = 3 located. cfdyn: the whole call of `continue_cycle`, with the record. The loop alone: its compiled steps. NumPy, "
    "SciPy: the same pseudo-arclength method as a loop in Python, given a tenth of the steps. AUTO-07p: as many steps over the "
    "same stretch, compiled before and without diagnostics; the \"Total Time\" it reports, which does not count the start of its "
    "process, and the whole process, both wall time and the fastest of its runs, while the others are medians of processor "
    f"time. The first target is what it took on the machine of the targets, {LIMIT} ms."
)
DEMOS_NOTE = (
    f"Special points against closed forms (the 3-cycle's flip: published digits), in both programs, relative errors; {AUTO} "
    "prints eleven digits. It is given fixed points of the map, or of the map applied 2 or 3 times, in Fortran. The first target "
    "is for the error of cfdyn, the second for its difference from AUTO."
)
GROWTH_NOTE = (
    "Cycles of the logistic map (one variable) and of the Hénon map (two) on a branch: 400 steps with all tests, the compiled "
    "loop alone. Per step and point the time should stay about the same."
)
POINTS_NOTE = "Relative errors against published digits; times of whole calls, from the start of the cascade on."


def tracer_at(step: cf.Map, points: np.ndarray, name: str, bounds: tuple[float, float]) -> tuple[CycleTracer, Any]:
    """A system and a solution to start from."""
    tracer = CycleTracer(step, len(points), name, bounds, points)
    return tracer, tracer.begin(tracer.z(points, step.params[name]))


def loop(tracer: CycleTracer, start: Any, steps: int, size: float) -> int:
    """The compiled loop by itself, all steps of one length or shorter."""
    curve = Curve(*(np.empty((steps + 1, len(part))) for part in start))
    for part, first in zip(curve, start, strict=True):
        part[0] = first
    settings = np.array([size, 1e-8, size, 0.5, 0.4, 1e-10, 0.0, tracer.smooth, tracer.watched])
    origin = np.stack([start.z, start.tangent])
    system = System(tracer.corrector, tracer.block.memory, tracer.weights, tracer.limits, origin, settings, tracer.work)
    return follow(system, curve)[0]


def by_python(steps: int, size: float) -> float:
    """Pseudo-arclength continuation of r x(1 − x) = x in plain Python; the flip."""
    z, tangent = np.array([0.5, 2.0]), np.array([0.0, 1.0])
    flip = math.nan

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

    z, tangent = corrected(z, tangent)
    for _ in range(steps):
        following, turned = corrected(z + size * tangent, tangent)
        if test(z) * test(following) < 0:
            place = brentq(lambda s, z=z, t=tangent: test(corrected(z + s * t, t)[0]), 0.0, size, xtol=1e-14)
            flip = float(corrected(z + place * tangent, tangent)[0][1])
        z, tangent = following, turned
    return flip


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


def demo_rows(demo: Demo) -> list[Row]:
    """The special points of a branch by cfdyn and by AUTO."""
    value = demo.step.params[demo.parameter]
    found = cf.analysis.continue_cycle(demo.step, demo.start, demo.parameter, demo.bounds, demo.period, coefficients=False)
    runs = []
    if continuation_auto.folder() is not None:
        names = "w" if demo.formulas is WEIGHT else " ".join(demo.step.names)
        row = np.argmin(np.abs(found.points[:, 0] - demo.start).max(axis=1) + np.abs(found.parameter - value))
        first = tuple(found.points[row, 0].tolist())
        program = continuation_auto.Program(demo.formulas, names, demo.parameter, first, float(found.parameter[row]), demo.period)
        width = 1e-3 * (demo.bounds[1] - demo.bounds[0])
        runs = [point for sign in (-1, 1) for point in program.run(demo.bounds, sign * width, 5000).points]
    rows = []
    for kind, exact in demo.known:
        ours = nearest([(s.kind, s.parameter) for s in found.bifurcations], kind, exact)
        error, cells = abs(ours / exact - 1), dict[str, Any].fromkeys((f"{AUTO}: error", "difference"))
        goals = [Goal(error, EXACT), Goal(None, EXACT)]
        if runs:
            theirs = nearest(runs, kind, exact)
            cells = {f"{AUTO}: error": f"{abs(theirs / exact - 1):.1e}", "difference": f"{abs(ours / theirs - 1):.1e}"}
            goals[1] = Goal(abs(ours / theirs - 1), EXACT)
        own = {"known": f"{exact:.15g}", "cfdyn: error": f"{error:.1e}"}
        rows.append(Row(f"{demo.title}: {kind}", own | cells, tuple(goals)))
    return rows


def nearest(points: list[tuple[str, float]], kind: str, value: float) -> float:
    """The special point of a kind that is nearest to a value."""
    found = [parameter for name, parameter in points if name == kind]
    if not found:
        raise harness.BenchmarkError(f"no {kind} was found near {value:g}, but {points}")
    return min(found, key=lambda parameter: abs(parameter - value))


def speed_row(repeats: int) -> Row:
    """2,000 steps with flip detection."""
    bounds, points = (2.0, 100.0), np.array([[0.5]])

    def by_cfdyn() -> Any:
        return cf.analysis.continue_cycle(LOGISTIC, points, "r", bounds, max_steps=STEPS, max_step=STEP, coefficients=False)

    tracer, start = tracer_at(LOGISTIC, points, "r", bounds)
    found = by_cfdyn()
    flips = [s.parameter for s in found.bifurcations if s.kind == "flip"]
    other = by_python(STEPS, 1e-3)
    if len(found) <= STEPS or abs(flips[0] - 3) > EXACT or abs(other - 3) > EXACT:
        raise harness.BenchmarkError(f"not the same work: {len(found)} rows, flips at {flips} and {other}")
    calls: dict[str, Any] = {"cfdyn": by_cfdyn, LOOP: lambda: loop(tracer, start, STEPS, STEP),
                             PYTHON: lambda: by_python(STEPS // 10, 1e-2)}  # fmt: skip
    runs: list[continuation_auto.Run] = []
    if continuation_auto.folder() is not None:
        program, size = continuation_auto.Program(ONE, "x", "r", (0.5,), 2.0), float(found.parameter[-1] - 2) / STEPS
        calls[AUTO] = lambda: runs.append(program.run(bounds, size, STEPS, one_length=True))
    times = interleaved(calls, repeats)
    spent: dict[str, Any] = {name: timing.median * 1e3 for name, timing in times.items() if timing}
    spent[PYTHON] *= 10
    spent[AUTO] = min((run.own_seconds * 1e3 for run in runs), default=None)
    spent[f"{AUTO}, its process"] = min((run.seconds * 1e3 for run in runs), default=None)
    cells: dict[str, Any] = {f"{name} (ms)": value for name, value in spent.items()}
    faster = ratio(spent[AUTO], spent["cfdyn"])
    cells |= {f"{AUTO} ÷ cfdyn": faster, f"{PYTHON} ÷ cfdyn": ratio(spent[PYTHON], spent["cfdyn"])}
    cells["error of the flip"] = f"{abs(flips[0] / 3 - 1):.1e}"
    return Row(f"logistic map, {STEPS} steps", cells, (Goal(spent["cfdyn"], LIMIT), Goal(faster, 1.0, above=True)))


def growth_rows(periods: tuple[int, ...], repeats: int) -> list[Row]:
    """Time per step and point for longer and longer cycles."""
    rows = []
    for n in periods:
        harness.progress(f"continuation: period {n}")
        cells: dict[str, Any] = {}
        for name, step, parameter in (("one variable", LOGISTIC.at(r=3.99), "r"), ("two variables", HENON.at(a=1.4), "a")):
            points = some_cycle(step, n)
            value = step.params[parameter]
            tracer, start = tracer_at(step, points, parameter, (value - 1, value + 1))
            done = loop(tracer, start, 400, 1e-7) - 1
            spent = measure(lambda t=tracer, s=start: loop(t, s, 400, 1e-7), repeats).median
            cells[f"{name} (µs per step)"] = spent / done * 1e6
            cells[f"{name} (ns per step and point)"] = spent / done / n * 1e9
        rows.append(Row(f"period {n}", cells))
    return rows


def some_cycle(step: cf.Map, n: int) -> np.ndarray:
    """A cycle of period n from a close return of a chaotic orbit."""
    from cfdyn.cycles.shooting import least_period, polish

    orbit = cf.iterate(step, [0.3] * step.dim, 40_000).z[1000:]
    for k in np.argsort(np.abs(orbit[n:] - orbit[:-n]).max(axis=1))[:200]:
        points = polish(step, orbit[k : k + n].copy())
        if points is not None and least_period(points) == n:
            return points
    raise harness.BenchmarkError(f"no cycle of period {n} was found")


def point_rows(repeats: int) -> list[Row]:
    """Accumulation points against their digits."""
    rows = []
    for title, step, start, name, bounds, levels, exact in (
        ("cascade, logistic map", LOGISTIC.at(r=2.5), [0.6], "r", (1.5, 4.0), 10, 3.569945671870944902),
        ("cascade, GD on the double well", WELL, [1.0], "lr", (0.1, 2.0), 10, 1.30228346270071),
    ):
        harness.progress(f"continuation: {title}")
        found = cf.analysis.cascade(step, start, name, bounds, levels)
        spent = measure(lambda s=step, x=start, p=name, b=bounds, k=levels: cf.analysis.cascade(s, x, p, b, k), repeats).median
        row = point_row(f"{title}, accumulation from {levels} flips", found.accumulation, exact)
        rows.append(Row(row.task, {**row.cells, "time (ms)": spent * 1e3}, row.goals))
    return rows


def point_row(task: str, found: float | None, exact: float) -> Row:
    error = math.inf if found is None else abs(found / exact - 1)
    return Row(task, {"found": f"{found:.15g}", "known": f"{exact:.15g}", "error": f"{error:.1e}"}, (Goal(error, EXACT),))


def run(quick: bool) -> list[Table]:
    """All tables; quick: fewer repeats and periods."""
    repeats, periods = (3, (1, 4, 16)) if quick else (harness.REPEATS, (1, 4, 16, 64, 256))
    harness.progress("continuation: 2,000 steps")
    times = [f"{name} (ms)" for name in ("cfdyn", LOOP, AUTO, f"{AUTO}, its process", PYTHON)]
    columns = (*times, f"{AUTO} ÷ cfdyn", f"{PYTHON} ÷ cfdyn", "error of the flip")
    kinds = [f"{d} ({unit})" for d in ("one variable", "two variables") for unit in ("µs per step", "ns per step and point")]
    demos = [row for demo in DEMOS for row in demo_rows(demo)]
    return [
        Table("a branch with its flip", columns, [speed_row(repeats)], NOTE),
        Table("growth with the period", tuple(kinds), growth_rows(periods, repeats), GROWTH_NOTE),
        Table("standard demonstrations", ("known", "cfdyn: error", f"{AUTO}: error", "difference"), demos, DEMOS_NOTE),
        Table("accumulation points", ("found", "known", "error", "time (ms)"), point_rows(repeats), POINTS_NOTE),
    ]


if __name__ == "__main__":
    report.main("continuation", run)
