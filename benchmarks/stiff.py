"""How fast and how exact are stiff equations solved, beside LSODA, CVODE and SciPy's methods?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import Benchmark, Call, Cells, Goal, Plan, Row, Rows, exponent, interleaved, ratio
from measuring.processes import COLD, MEMORY, WARM, Caches, process_cells
from peers.solvers import AUTO, EXPLICIT, IMPLICIT, NUMBALSODA, RADAU5, SCIPY, SOLVERS, Solve, alone, flow
from problems.stiff import IDLE, PREY, PROBLEMS, Problem, brusselator, problem

bench = Benchmark("stiff")

ROUNDS = (3, 5)  # in a quick pass and else: fewer than elsewhere, since there are many problems
TOLERANCES = tuple(10.0**-k for k in range(4, 11))
LADDER = tuple(10.0**-k for k in range(2, 13))
SAME = (RADAU5, AUTO, NUMBALSODA, "CVODE", SCIPY)
SHOWN = ("Robertson, t = 40", "Robertson, t = 1e11", "van der Pol, μ = 1e3", "van der Pol, μ = 1e6", "B5", "D6", "E5", "F4")
SLOWER, SOONER = 3.0, 50.0  # cfdyn ÷ numbalsoda at most, SciPy's Radau ÷ cfdyn at least
BASE = 1e-6  # the tolerance of the solver whose error all others must reach
PAIRS = ((RADAU5, NUMBALSODA), (AUTO, NUMBALSODA), (SCIPY, RADAU5))
RATIOS = tuple(f"{first} ÷ {second}" for first, second in PAIRS)
COMPARED = ("error", *(f"{name} (µs)" for name in SAME), *RATIOS)


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


def call(solve: Solve, rtol: float) -> Call:
    """A solver at one tolerance."""
    return lambda: solve(rtol)


# Time at equal error -------------------------------------------------------------------------------------------------


@bench.table("time at equal error", COMPARED)
def equal_error(plan: Plan) -> Rows:
    """What each needs for the error of numbalsoda's LSODA at rtol 1e-6 (of SciPy's Radau without numbalsoda): tolerances
    1e-2, 1e-3, … until the error is no larger, log time interpolated over log error between the last two; where 1e-2 is
    enough, its time. The first row is what a call takes where there is nothing to do: cfdyn makes a record with its dense
    output."""
    yield replace(same_row(IDLE, plan.pick(*ROUNDS)), goals=())
    rows = []
    for task in plan.pick(PROBLEMS[:6:2], PROBLEMS):
        rows.append(same_row(task, plan.pick(*ROUNDS)))
        yield rows[-1]
    yield mean_row(rows)


def needed(task: Problem, solve: Solve, error: float) -> Needed | None:
    """Down the ladder of tolerances until the error is small enough; None if it never is."""
    last = None
    for rtol in LADDER:
        found = error_of(task, solve, rtol)
        if found <= error:
            return Needed(last, (rtol, found))
        last = (rtol, found) if math.isfinite(found) else None  # an infinite error is none to interpolate from
    return None


def same_row(task: Problem, rounds: int) -> Row:
    """What each solver needs for the error that numbalsoda has."""
    solvers = {name: SOLVERS[name](task) for name in SAME}
    base = NUMBALSODA if solvers[NUMBALSODA] else SCIPY
    error = max(error_of(task, solvers[base], BASE), 1e-14)
    found = {name: needed(task, solve, error) for name, solve in solvers.items() if solve and name != base}
    found[base] = Needed(None, (BASE, error))
    times = interleaved({(name, rtol): call(solvers[name], rtol) for name, need in found.items() if need
                         for rtol in need.tolerances}, rounds)  # fmt: skip
    spent: dict[str, float | str | None] = {}
    for name in SAME:
        need = found.get(name)
        if need is None:
            spent[name] = "out of reach" if solvers[name] else None
        else:
            spent[name] = need.seconds({rtol: times[name, rtol] for rtol in need.tolerances}, error) * 1e6
    return finished_row(task.name, error, spent)


def finished_row(label: str, error: float, spent: dict[str, Any]) -> Row:
    """Times in µs, ratios and targets."""
    numbers = {name: value if isinstance(value, float) else None for name, value in spent.items()}
    values = [ratio(numbers[first], numbers[second]) for first, second in PAIRS]
    cells = {"error": f"{error:.1e}", **{f"{name} (µs)": value for name, value in spent.items()}, **dict(zip(RATIOS, values))}
    return Row(label, cells, (Goal(values[0], SLOWER), Goal(values[1], SLOWER), Goal(values[2], SOONER, above=True)))


def mean_row(rows: list[Row]) -> Row:
    """Geometric means of the ratios."""
    cells: Cells = {}
    for name in RATIOS:
        values = [row.cells[name] for row in rows if isinstance(row.cells[name], float)]
        cells[name] = float(np.exp(np.mean(np.log(values)))) if values else None
    return Row("geometric mean", cells)


# Error against time --------------------------------------------------------------------------------------------------


@bench.table("error and time (ms): {name}", IMPLICIT, each=lambda plan: plan.pick(SHOWN[:1], SHOWN))
def accuracy(plan: Plan, name: str) -> Rows:
    """Error: max |y − y*| / (floor + |y*|) over the entries at the end, with the floor of each problem
    (`problems/stiff.toml`) and atol = rtol × floor for all; y* is a matrix exponential in 60 digits for linear problems, else
    SciPy's Radau at rtol 1e-13 (less where round-off does not allow it) with a Jacobian by SymPy. Times: warm, medians,
    processor time. numbalsoda (LSODA) calls a right-hand side compiled by numba; CVODE (scikit-sundae) and SciPy call one
    through Python and difference it for Jacobians."""
    yield from accuracy_rows(problem(name), IMPLICIT, plan.pick(*ROUNDS))
    return {"name": name}


@bench.table("error and time (ms): nothing stiff", EXPLICIT)
def not_stiff(plan: Plan) -> Rows:
    """Lotka and Volterra's equations, B1 of NONSTIFF-DETEST, by methods for equations that are not stiff; cells as above."""
    yield from accuracy_rows(PREY, EXPLICIT, plan.pick(*ROUNDS))


def accuracy_rows(task: Problem, names: tuple[str, ...], rounds: int) -> Rows:
    """Errors and times of some solvers, a row for each tolerance."""
    solvers = {name: SOLVERS[name](task) for name in names}
    for rtol in TOLERANCES:
        errors = {name: None if solve is None else error_of(task, solve, rtol) for name, solve in solvers.items()}
        calls = {name: call(solve, rtol) for name, solve in solvers.items() if solve and math.isfinite(errors[name])}
        times = interleaved(calls, rounds)
        yield Row(f"rtol = {rtol:.0e}", {name: accuracy_cell(errors[name], times.get(name)) for name in solvers})


def accuracy_cell(error: float | None, seconds: float | None) -> str | None:
    """An error and its time; None for a solver that is not found."""
    if error is None:
        return None
    return "gives up" if seconds is None else f"{error:.0e} in {seconds * 1e3:.3g}"


# Orders, growth, fresh processes -------------------------------------------------------------------------------------


@bench.table("order of convergence")
def orders(plan: Plan) -> Rows:
    """Fixed steps (`step=`) on predator and prey up to t = 2, largest error at the end against SciPy's DOP853 at rtol 1e-13;
    the order is that of the last halving."""
    from scipy.integrate import solve_ivp

    span = 2.0
    exact = solve_ivp(PREY.slope, (0.0, span), PREY.start, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1]
    for method, counts, least in (("radau5", (20, 40, 80), 5), ("dop853", (10, 20, 40), 8), ("rkc", (400, 800, 1600), 2)):
        paths = [cf.solve(flow(PREY), PREY.start, span, step=span / count, method=method) for count in counts]
        errors = [float(np.abs(path.z[-1] - exact).max()) for path in paths]
        order = math.log2(errors[-2] / errors[-1])
        cells = {"errors": " → ".join(f"{error:.1e}" for error in errors), "order": order}
        yield Row(f"{method}, {' → '.join(map(str, counts))} steps", cells, (Goal(order, least - 0.2, above=True),))


@bench.table("growth with the entries", COMPARED)
def growth(plan: Plan) -> Rows:
    """Time at equal error, as above. Brusselator with diffusion on a line (Hairer and Wanner II, IV.10, α = 1/50), n entries
    up to t = 10, stiffer with n. The exponent is the slope in the log-log plot over the last two sizes."""
    sizes, rows = plan.pick((4, 8, 16), (4, 8, 16, 32, 64)), []
    for n in sizes:
        rows.append(replace(same_row(brusselator(n), plan.pick(*ROUNDS)), task=f"n = {n}", goals=()))
        yield rows[-1]
    last = {column: [row.cells[column] for row in rows[-2:]] for column in COMPARED if column.endswith("(µs)")}
    yield Row("exponent", {column: exponent(sizes[-2:], seconds) for column, seconds in last.items()
                           if all(isinstance(value, float) for value in seconds)})  # fmt: skip


@bench.table("a process of its own, Robertson")
def processes(plan: Plan) -> Rows:
    """Wall time of whole processes that import, solve Robertson's reaction up to t = 1e11 once at rtol 1e-6, and end. Cold:
    nothing compiled is kept yet; numbalsoda's right-hand side is compiled in every process. Memory: beyond a bare Python."""
    task, caches = problem("Robertson, t = 1e11"), plan.pick(None, Caches())
    for name in (RADAU5, NUMBALSODA, SCIPY):
        if SOLVERS[name](task) is None:
            yield Row(name, dict.fromkeys((COLD, WARM, MEMORY)))
        else:
            yield Row(name, process_cells(["-c", alone(task, name)], plan.pick(1, 5), caches, cold=1, emptied=False))


if __name__ == "__main__":
    bench.main()
