"""How long from a formula to machine code of ∇L, Hv and T[v, v] = ∇(vᵀHv), and how fast is that code?"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
import numpy as np
import report
from compile_problems import DERIVATIVES
from report import Goal, Row, Table

POINTS = 1000
NUMBERS = 64_000  # points times variables where these grow: the caches must not decide
TOLERANCE = 1e-10  # how far the peers' derivatives may be from ours, relative to the largest entry
SLOWER = 1.1  # cfdyn ÷ numba, at most
TARGETS = {"product:20": 0.1, "net:8": 0.3, "chain:200": 2.0, "logistic:500": 0.3}  # seconds
TASKS = {
    "product:20": "product of 20 factors",
    "net:8": "2-4-1 tanh network, 8 points",
    "chain:200": "chain of 200 variables",
    "logistic:500": "logistic regression, 500 rows × 10",
}
SIGNS = {"gradient": "∇L", "hvp": "Hv", "curvature_gradient": "T[v, v]"}
MODULES = {"JAX": "jax", "CasADi": "casadi", "symengine": "symengine", "heyoka": "heyoka", "SymPy": "sympy"}
SMALL = {"SymPy": ("product", "net")}  # the problems that a peer is given, if not all
PATIENCE = 30.0  # seconds that a peer gets
HERE = Path(__file__).resolve().parent
FIGURE = "compile_growth.png"
READ, CODE, ALL = "reading (s)", "derivatives and code (s)", "all three (ns)"

COMPILE_NOTE = (
    "From the formula to three callable derivatives, in processor seconds, in a process that has imported everything and "
    "compiled one small formula before; nothing is kept on disk. cfdyn reads text, and its T[u, v] takes two directions; "
    "median of {processes} processes, all others once. numba compiles the program that cfdyn derives, printed as Python. "
    "JAX: ahead of time, `jit(vmap(…))` of grad, jvp∘grad and grad of v·(jvp∘grad), float64, the losses vectorised. "
    "CasADi: SX, gradient, jtimes, gradient of v·Hv, as a virtual machine, not machine code. symengine: `diff` and "
    "`Lambdify` (LLVM, with cse). heyoka.py: `diff_tensors` and `cfunc`, compact mode for chain and regression. SymPy: the "
    "gradient alone, `diff`, `lambdify` with cse, numba. A peer is stopped after {patience:g} s with everything."
)
SPEED_NOTE = (
    f"{POINTS} random points at a time on one core: cfdyn and numba through the same loop, which calls a pointer once for "
    "each point; JAX by `vmap`, CasADi by `Function.map` on buffers, symengine by broadcasting, heyoka.py by its batches. "
    "JAX and heyoka.py put several points into one SIMD instruction, which a single orbit cannot do. All values agreed "
    "to 1e-10 before. One process each, so only cfdyn ÷ numba was measured in turn."
)
GROWTH_NOTE = (
    "cfdyn alone, a fresh process for each size, on so many points that all sizes read the same amount of memory. "
    f"Exponent: the slope in the log-log plot (benchmarks/results/{FIGURE}); 1 is linear, 0 does not grow. "
    "The targets: those of compiling and of all three derivatives."
)
MEMORY_NOTE = "Peak of a fresh process beyond a bare Python, with all imports; the first row is what these need."


class TooDifferent(harness.BenchmarkError):
    """A peer computes other derivatives than cfdyn."""


def measured(names: str, problem: str, repeats: int, points: int = POINTS, patience: float = harness.PATIENCE) -> dict:
    """What compile_peers.py finds out in a fresh process that nothing on disk helps."""
    with tempfile.TemporaryDirectory(prefix="cfdyn-bench-") as folder:
        arguments = [str(HERE / "compile_peers.py"), names, problem, str(points), str(repeats)]
        end = harness.fresh(arguments, {"CFDYN_CACHE_DIR": str(Path(folder) / "code")}, patience)
    return json.loads(end.errors.rsplit("\nresult ", 1)[1])


def ours(problem: str, repeats: int, processes: int) -> dict[str, dict[str, Any]]:
    """cfdyn and numba; the seconds of cfdyn are medians over processes in which numba has warmed nothing up."""
    result = measured("cfdyn,numba", problem, repeats)
    check("numba", problem, result["numba"]["values"], result["cfdyn"]["values"])
    seconds = [measured("cfdyn", problem, 0)["cfdyn"]["seconds"] for _ in range(processes)]
    result["cfdyn"]["seconds"] = {part: statistics.median(s[part] for s in seconds) for part in seconds[0]}
    return result


def theirs(name: str, problem: str, repeats: int, patience: float) -> dict[str, Any] | str | None:
    """One peer; None if it is not installed, a word if it did not get there."""
    if not harness.installed(MODULES[name]):
        return None
    try:
        return measured(name, problem, repeats, patience=patience)[name]
    except harness.TooSlow:
        return f"> {patience:g} s"
    except harness.BenchmarkError as error:
        harness.progress(f"compile: {name} failed: {error}")
        return "failed"


def check(name: str, problem: str, found: dict[str, list], expected: dict[str, list]) -> None:
    """Everybody computes the same derivatives.

    Raises
    ------
    TooDifferent : one of them is not what cfdyn has
    """
    for what, values in found.items():
        a, b = np.array(values, dtype=float), np.array(expected[what], dtype=float)
        if not np.abs(a - b).max() <= TOLERANCE * np.abs(b).max():  # NaN too
            raise TooDifferent(f"{name} finds another {what} than cfdyn: {problem}, {a} instead of {b}")


def problem_rows(problem: str, repeats: int, processes: int, patience: float) -> tuple[Row, list[Row]]:
    """(the row of compiling, the rows of evaluating) of one problem."""
    found: dict[str, Any] = ours(problem, repeats, processes)
    for name in MODULES:
        if problem.partition(":")[0] in SMALL.get(name, (problem.partition(":")[0],)):
            found[name] = theirs(name, problem, repeats, patience)
            if isinstance(found[name], dict):
                check(name, problem, found[name]["values"], found["cfdyn"]["values"])
    cells = {name: sum(r["seconds"].values()) if isinstance(r, dict) else r for name, r in found.items()}
    seconds = found["cfdyn"]["seconds"]
    goals = (Goal(cells["cfdyn"], TARGETS[problem]),)
    compiling = Row(TASKS[problem], {**cells, READ: seconds["read"], CODE: seconds["code"]}, goals)
    return compiling, [speed_row(problem, what, found) for what in DERIVATIVES]


def speed_row(problem: str, what: str, found: dict[str, Any]) -> Row:
    """ns per point of one derivative; a peer that does not offer it has no cell."""
    cells: dict[str, Any] = {}
    for name, result in found.items():
        if not isinstance(result, dict):
            cells[name] = result
        elif what in result["ns"]:
            cells[name] = result["ns"][what]
    share = cells["cfdyn"] / cells["numba"]
    return Row(f"{TASKS[problem]}: {SIGNS[what]}", {**cells, "cfdyn ÷ numba": share}, (Goal(share, SLOWER),))


# Growth -------------------------------------------------------------------------------------------------------------


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of the straight line through the points in the log-log plot."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def growth_cells(problem: str, points: int) -> dict[str, float]:
    """Compiling and evaluating one size."""
    result = measured("cfdyn", problem, 3, points)["cfdyn"]
    seconds, ns = result["seconds"], result["ns"]
    cells = {"compile (s)": seconds["read"] + seconds["code"], READ: seconds["read"]}
    return {**cells, **{f"{SIGNS[what]} (ns)": ns[what] for what in DERIVATIVES}, ALL: sum(ns.values())}


def growth_rows(kind: str, unit: str, sizes: list[int], points: Callable[[int], int], bound: float) -> list[Row]:
    """One row for each size, and one with the exponents; ``bound`` is that of compiling (two sizes decide nothing)."""
    columns = []
    for size in sizes:
        harness.progress(f"compile: {kind}, {size} {unit}")
        columns.append(growth_cells(f"{kind}:{size}", points(size)))
    rows: list[Row] = [Row(f"{kind}, {size} {unit}", dict(cells)) for size, cells in zip(sizes, columns, strict=True)]
    slopes = {name: exponent(sizes, [cells[name] for cells in columns]) for name in columns[0]}
    goals = (Goal(slopes["compile (s)"], bound), Goal(slopes[ALL], 1.2))
    return [*rows, Row(f"{kind}: exponent", dict(slopes), goals if len(sizes) > 2 else ())]


def draw(groups: dict[str, tuple[list[int], list[Row]]], path: Path) -> None:
    """Compile time and time per point against the size, one column of panels for each kind."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    panels = figure.subplots(2, len(groups), sharex="col", squeeze=False)
    lines = {0: ("compile (s)", READ), 1: (*[f"{sign} (ns)" for sign in SIGNS.values()], ALL)}
    for column, (unit, (sizes, rows)) in enumerate(groups.items()):
        for line, names in lines.items():
            axes = panels[line][column]
            for name in names:
                axes.loglog(sizes, [row.cells[name] for row in rows[:-1]], "o-", label=name)
            axes.set_ylabel("processor time (s)" if line == 0 else "time per point (ns)")
            axes.grid(True, which="both", alpha=0.3)
            axes.legend()
        panels[1][column].set_xticks(sizes, [str(size) for size in sizes])
        panels[1][column].set_xticks([], minor=True)
        panels[1][column].set_xlabel(unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def memory_rows() -> list[Row]:
    """Peak memory of fresh processes that compile the three derivatives."""
    code = (
        f"import sys\nsys.path.insert(0, {str(HERE)!r})\nimport compile_peers as peers\n"
        "peers.build('cfdyn', peers.problem({problem!r}), 1)"
    )
    rows = []
    for problem, name in {"warm:1": "a small formula", "chain:200": TASKS["chain:200"]}.items():
        with tempfile.TemporaryDirectory(prefix="cfdyn-bench-") as folder:
            peak = harness.peak_memory(code.format(problem=problem), {"CFDYN_CACHE_DIR": str(Path(folder) / "code")})
        rows.append(Row(name, {"peak memory (MB)": peak}))
    return rows


def run(quick: bool) -> list[Table]:
    """All tables; quick: one problem, two sizes, less patience with the peers."""
    repeats, processes, patience = (3, 1, 4.5) if quick else (harness.REPEATS, 5, PATIENCE)
    compiling, speed = [], []
    for problem in list(TASKS)[:1] if quick else TASKS:
        harness.progress(f"compile: {TASKS[problem]}")
        row, rows = problem_rows(problem, repeats, processes, patience)
        compiling.append(row)
        speed += rows
    variables, lines = ([25, 50], [100, 1000]) if quick else ([25, 50, 100, 200, 400], [100, 1000, 10_000, 100_000])
    chain = growth_rows("chain", "variables", variables, lambda size: NUMBERS // size, 1.2)
    rows = growth_rows("logistic", "rows", lines, lambda size: min(POINTS, max(500_000 // size, 1)), 0.2)
    draw({"variables": (variables, chain), "rows": (lines, rows)}, report.RESULTS / FIGURE)
    who = ("cfdyn", "numba", *MODULES)
    growth = ("compile (s)", READ, *[f"{sign} (ns)" for sign in SIGNS.values()], ALL)
    tables = [
        Table("formula to code (s)", ("cfdyn", READ, CODE, *who[1:]), compiling,
              COMPILE_NOTE.format(processes=processes, patience=patience)),
        Table("derivatives: ns per point", (*who, "cfdyn ÷ numba"), speed, SPEED_NOTE),
        Table("growth of compiling and evaluating", growth, [*chain, *rows], GROWTH_NOTE),
    ]  # fmt: skip
    if not quick:
        harness.progress("compile: memory")
        tables.append(Table("memory of compiling", ("peak memory (MB)",), memory_rows(), MEMORY_NOTE))
    return tables


if __name__ == "__main__":
    report.main("compile", run)
