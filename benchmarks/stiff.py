"""How fast and how exact are stiff equations solved, beside LSODA, CVODE and SciPy's methods?

Problems: ``stiff_problems.py``; solvers: ``stiff_solvers.py``."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from typing import Any

import harness
import numpy as np
import report
from harness import Call, fresh_timing, interleaved, peak_memory, ratio
from report import Goal, Row, Table
from stiff_problems import IDLE, PREY, PROBLEMS, Problem, brusselator, problem
from stiff_solvers import AUTO, EXPLICIT, IMPLICIT, NUMBALSODA, RADAU5, SCIPY, SOLVERS, Solve, flow

import cfdyn as cf

TOLERANCES = tuple(10.0**-k for k in range(4, 11))
LADDER = tuple(10.0**-k for k in range(2, 13))
SAME = (RADAU5, AUTO, NUMBALSODA, "CVODE", SCIPY)
SHOWN = ("Robertson, t = 40", "Robertson, t = 1e11", "van der Pol, μ = 1e3", "van der Pol, μ = 1e6", "B5", "D6", "E5", "F4")
SLOWER, SOONER = 3.0, 50.0  # cfdyn ÷ numbalsoda at most, SciPy's Radau ÷ cfdyn at least
BASE = 1e-6  # the tolerance of the solver whose error all others must reach
RATIOS = (f"{RADAU5} ÷ {NUMBALSODA}", f"{AUTO} ÷ {NUMBALSODA}", f"{SCIPY} ÷ {RADAU5}")

NOTE = (
    "Error: max |y − y*| / (floor + |y*|) over the entries at the end, with the floor of each problem "
    "(`stiff_problems.py`) and atol = rtol × floor for all; y* is a matrix exponential in 60 digits for linear problems, else "
    "SciPy's Radau at rtol 1e-13 (less where round-off does not allow it) with a Jacobian by SymPy. Times: warm, medians, "
    "processor time. numbalsoda (LSODA) calls a right-hand side compiled by numba; CVODE (scikit-sundae) and SciPy call one "
    "through Python and difference it for Jacobians."
)
SAME_NOTE = (
    "What each needs for the error of numbalsoda's LSODA at rtol 1e-6 (of SciPy's Radau without numbalsoda): tolerances 1e-2, "
    "1e-3, … until the error is no larger, log time interpolated over log error between the last two; where 1e-2 is enough, its "
    "time. The first row is what a call takes where there is nothing to do: cfdyn makes a record with its dense output."
)
ORDER_NOTE = (
    "Fixed steps (`step=`) on predator and prey up to t = 2, largest error at the end against SciPy's DOP853 at rtol 1e-13; the "
    "order is that of the last halving."
)
GROWTH_NOTE = (
    "Time at equal error, as above. Brusselator with diffusion on a line (Hairer and Wanner II, IV.10, α = 1/50), n entries up "
    "to t = 10, stiffer with n. The exponent is the slope in the log-log plot over the last two sizes."
)
PREY_NOTE = "Lotka and Volterra's equations, B1 of NONSTIFF-DETEST, by methods for equations that are not stiff; cells as above."
START_NOTE = (
    "Wall time of whole processes that import, solve Robertson's reaction up to t = 1e11 once at rtol 1e-6, and end. First: "
    "nothing compiled is kept yet; numbalsoda's right-hand side is compiled in every process. Memory: beyond a bare Python."
)


@dataclass(frozen=True)
class Needed:
    """Tolerances with errors around the wanted one: the looser one is None where the loosest of all is enough."""

    looser: tuple[float, float] | None
    tighter: tuple[float, float]

    @property
    def tolerances(self) -> list[float]:
        return [rtol for rtol, _ in (self.looser, self.tighter) if rtol] if self.looser else [self.tighter[0]]

    def seconds(self, times: dict[float, float], error: float) -> float:
        """The time for an error, on the straight line in the log-log plot."""
        if self.looser is None:
            return times[self.tighter[0]]
        (first, worse), (second, better) = self.looser, self.tighter
        share = math.log(worse / error) / math.log(worse / max(better, 1e-300)) if worse > better else 1.0
        return times[first] ** (1 - share) * times[second] ** share


def error_of(task: Problem, solve: Solve, rtol: float) -> float:
    """The error at the end; infinite where the solver gives up."""
    y = solve(rtol)
    return math.inf if y is None else task.error(y)


def needed(task: Problem, solve: Solve, error: float) -> Needed | None:
    """Down the ladder of tolerances until the error is small enough; None if it never is."""
    last = None
    for rtol in LADDER:
        found = error_of(task, solve, rtol)
        if found <= error:
            return Needed(last, (rtol, found))
        # An infinite error is none to interpolate from.
        last = (rtol, found) if math.isfinite(found) else None
    return None


# Error against time --------------------------------------------------------------------------------------------------


def accuracy_rows(task: Problem, names: tuple[str, ...], repeats: int) -> list[Row]:
    """Errors and times of some solvers, a row for each tolerance."""
    harness.progress(f"stiff: error and time, {task.name}")
    solvers = {name: SOLVERS[name](task) for name in names}
    rows = []
    for rtol in TOLERANCES:
        errors = {name: None if solve is None else error_of(task, solve, rtol) for name, solve in solvers.items()}
        calls = {name: call(solve, rtol) for name, solve in solvers.items() if solve and math.isfinite(errors[name])}
        times = interleaved(calls, repeats)
        rows.append(Row(f"rtol = {rtol:.0e}", {name: accuracy_cell(errors[name], times.get(name)) for name in solvers}))
    return rows


def call(solve: Solve, rtol: float) -> Call:
    return lambda: solve(rtol)


def accuracy_cell(error: float | None, timing: harness.Timing | None) -> str | None:
    if error is None:
        return None
    return "gives up" if timing is None else f"{error:.0e} in {timing.median * 1e3:.3g}"


# Time at equal error -------------------------------------------------------------------------------------------------


def same_row(task: Problem, repeats: int) -> Row:
    """What each solver needs for the error that numbalsoda has."""
    harness.progress(f"stiff: time at equal error, {task.name}")
    solvers = {name: SOLVERS[name](task) for name in SAME}
    base = solvers[NUMBALSODA] or solvers[SCIPY]
    assert base is not None
    error = max(error_of(task, base, BASE), 1e-14)
    found = {name: needed(task, solve, error) for name, solve in solvers.items() if solve and solve is not base}
    found[NUMBALSODA if base is solvers[NUMBALSODA] else SCIPY] = Needed(None, (BASE, error))
    calls = {(name, rtol): call(solvers[name], rtol) for name, need in found.items() if need for rtol in need.tolerances}
    times = interleaved(calls, repeats)
    spent: dict[str, float | str | None] = {}
    for name in SAME:
        need = found.get(name)
        if solvers[name] is None:
            spent[name] = None
        elif need is None:
            spent[name] = "out of reach"
        else:
            spent[name] = need.seconds({rtol: times[name, rtol].median for rtol in need.tolerances}, error) * 1e6
    return finished_row(task.name, error, spent)


def finished_row(label: str, error: float, spent: dict[str, Any]) -> Row:
    """Times in µs, ratios and targets."""
    numbers = {name: value if isinstance(value, float) else None for name, value in spent.items()}
    values = (ratio(numbers[RADAU5], numbers[NUMBALSODA]), ratio(numbers[AUTO], numbers[NUMBALSODA]),
              ratio(numbers[SCIPY], numbers[RADAU5]))  # fmt: skip
    cells = {"error": f"{error:.1e}", **{f"{name} (µs)": value for name, value in spent.items()}, **dict(zip(RATIOS, values))}
    return Row(label, cells, (Goal(values[0], SLOWER), Goal(values[1], SLOWER), Goal(values[2], SOONER, above=True)))


def mean_row(rows: list[Row]) -> Row:
    """Geometric means of the ratios."""
    cells: dict[str, Any] = {}
    for name in RATIOS:
        values = [row.cells[name] for row in rows if isinstance(row.cells[name], float)]
        cells[name] = float(np.exp(np.mean(np.log(values)))) if values else None
    return Row("geometric mean", cells)


# Orders, growth, fresh processes -------------------------------------------------------------------------------------


def order_rows() -> list[Row]:
    """Errors for fixed steps, and how fast they fall."""
    from scipy.integrate import solve_ivp

    rows, span = [], 2.0
    exact = solve_ivp(PREY.slope, (0.0, span), PREY.start, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
    for method, counts, least in (("radau5", (20, 40, 80), 5), ("dop853", (10, 20, 40), 8), ("rkc", (400, 800, 1600), 2)):
        paths = [cf.solve(flow(PREY), PREY.start, span, step=span / count, method=method) for count in counts]
        errors = [float(np.abs(path.z[-1] - exact).max()) for path in paths]
        order = math.log2(errors[-2] / errors[-1])
        cells = {"errors": " → ".join(f"{error:.1e}" for error in errors), "order": order}
        rows.append(Row(f"{method}, {' → '.join(map(str, counts))} steps", cells, (Goal(order, least - 0.2, above=True),)))
    return rows


def growth_rows(sizes: tuple[int, ...], repeats: int) -> list[Row]:
    """Growth with the number of entries."""
    rows = [replace(same_row(brusselator(n), repeats), task=f"n = {n}", goals=()) for n in sizes]
    exponents, grown = {}, math.log(sizes[-1] / sizes[-2])
    for name in (f"{solver} (µs)" for solver in SAME):
        first, last = (row.cells[name] for row in rows[-2:])
        if isinstance(first, float) and isinstance(last, float):
            exponents[name] = math.log(last / first) / grown
    return [*rows, Row("exponent", exponents)]


def start_rows(quick: bool) -> list[Row]:
    """First and later processes; quick: later ones only, with the code that this process has kept."""
    rows, repeats, task = [], 1 if quick else 5, problem("Robertson, t = 1e11")
    with tempfile.TemporaryDirectory() as folder:
        environment = None if quick else {"CFDYN_CACHE_DIR": folder}
        for name in (RADAU5, NUMBALSODA, SCIPY):
            if SOLVERS[name](task) is None:
                rows.append(Row(name, dict.fromkeys(("first (s)", "later (s)", "peak memory (MB)"))))
                continue
            harness.progress(f"stiff: fresh processes, {name}")
            code = alone(task, name)
            cells = {} if quick else {"first (s)": harness.fresh(["-c", code], environment).seconds}
            cells["later (s)"], cells["later, processor (s)"] = fresh_timing(["-c", code], lambda: environment, repeats)
            rows.append(Row(name, {**cells, "peak memory (MB)": peak_memory(code, environment)}))
    return rows


def alone(task: Problem, name: str) -> str:
    """A program that does one solve with one solver, and imports nothing else."""
    if name == RADAU5:
        return (f"import cfdyn as cf\nflow = cf.Flow.from_text({list(task.formulas)!r}, {task.variables!r})\n"
                f"assert cf.solve(flow, {task.start!r}, {task.end!r}, rtol=1e-6, atol=1e-12, method='radau5').status == 'done'")
    if name == SCIPY:
        slope = task.source("def f(t, y):\n    out = [0] * len(y)", "y", "out")
        return (f"from scipy.integrate import solve_ivp\n{slope}    return out\n"
                f"assert solve_ivp(f, (0, {task.end!r}), {task.start!r}, method='Radau', rtol=1e-6, atol=1e-12).success")
    return (f"import numba, numpy as np\nfrom numbalsoda import lsoda, lsoda_sig\n@numba.cfunc(lsoda_sig)\n"
            f"{task.source('def f(t, y, out, p):', 'y', 'out')}"
            f"assert lsoda(f.address, np.array({task.start!r}), np.array([0.0, {task.end!r}]), rtol=1e-6, atol=1e-12)[1]")


def run(quick: bool) -> list[Table]:
    """All tables; quick: fewer problems and repeats, no process without kept code."""
    repeats, names = (3, SHOWN[:1]) if quick else (5, SHOWN)
    tasks, sizes = (PROBLEMS[:6:2], (4, 8, 16)) if quick else (PROBLEMS, (4, 8, 16, 32, 64))
    same, idle = [same_row(task, repeats) for task in tasks], replace(same_row(IDLE, repeats), goals=())
    compared = ("error", *(f"{name} (µs)" for name in SAME), *RATIOS)
    return [
        Table("time at equal error", compared, [idle, *same, mean_row(same)], SAME_NOTE),
        *(Table(f"error and time (ms): {name}", IMPLICIT, accuracy_rows(problem(name), IMPLICIT, repeats),
                NOTE if name == names[-1] else "") for name in names),
        Table("error and time (ms): nothing stiff", EXPLICIT, accuracy_rows(PREY, EXPLICIT, repeats), PREY_NOTE),
        Table("order of convergence", ("errors", "order"), order_rows(), ORDER_NOTE),
        Table("growth with the entries", compared, growth_rows(sizes, repeats), GROWTH_NOTE),
        Table("a process of its own, Robertson", ("first (s)", "later (s)", "later, processor (s)", "peak memory (MB)"),
              start_rows(quick), START_NOTE),
    ]  # fmt: skip


if __name__ == "__main__":
    report.main("stiff", run)
