"""How long from a formula to machine code of ∇L, Hv and T[v, v] = ∇(vᵀHv), and how fast is that code?"""

from __future__ import annotations

import json
import statistics
from functools import cache
from typing import Any

import numpy as np

from measuring import Benchmark, BenchmarkError, Cells, Goal, Plan, Row, Rows, TooSlow, exponent, installed, progress
from measuring.processes import MEMORY, Caches, fresh, peak_memory
from measuring.report import HERE, RESULTS
from problems.losses import DERIVATIVES

bench = Benchmark("compile")

# In a quick pass and else: over how many processes the seconds of cfdyn are medians, how many seconds a peer gets.
PROCESSES, PATIENCE = (1, 5), (4.5, 30.0)
POINTS = 1000
NUMBERS = 64_000  # points times variables where these grow: the caches must not decide
TOLERANCE = 1e-10  # how far the peers' derivatives may be from ours, relative to the largest entry
SLOWER = 1.1  # cfdyn ÷ numba, at most
TASKS = {  # names, and seconds at most
    "product:20": ("product of 20 factors", 0.1),
    "net:8": ("2-4-1 tanh network, 8 points", 0.3),
    "chain:200": ("chain of 200 variables", 2.0),
    "logistic:500": ("logistic regression, 500 rows × 10", 0.3),
}
SIGNS = {"gradient": "∇L", "hvp": "Hv", "curvature_gradient": "T[v, v]"}
MODULES = {"JAX": "jax", "CasADi": "casadi", "symengine": "symengine", "heyoka": "heyoka", "SymPy": "sympy"}
SMALL = {"SymPy": ("product", "net")}  # the problems that a peer is given, if not all
FIGURE = RESULTS / "compile_growth.png"
READ, CODE, COMPILE, ALL = "reading (s)", "derivatives and code (s)", "compile (s)", "all three (ns)"
GROWN = (COMPILE, READ, *(f"{sign} (ns)" for sign in SIGNS.values()), ALL)
PEERS = f"import sys\nsys.path.insert(0, {str(HERE)!r})\nimport peers.derivatives as peers\n"


class TooDifferent(BenchmarkError):
    """A peer computes other derivatives than cfdyn."""


@bench.table("formula to code (s)", ("cfdyn", READ, CODE, "numba", *MODULES))
def compiling(plan: Plan) -> Rows:
    """From the formula to three callable derivatives, in processor seconds, in a process that has imported everything and
    compiled one small formula before; nothing is kept on disk. cfdyn reads text, and its T[u, v] takes two directions;
    median of {processes} processes, all others once. numba compiles the program that cfdyn derives, printed as Python. JAX:
    ahead of time, `jit(vmap(…))` of grad, jvp∘grad and grad of v·(jvp∘grad), float64, the losses vectorised. CasADi: SX,
    gradient, jtimes, gradient of v·Hv, as a virtual machine, not machine code. symengine: `diff` and `Lambdify` (LLVM, with
    cse). heyoka.py: `diff_tensors` and `cfunc`, compact mode for chain and regression. SymPy: the gradient alone, `diff`,
    `lambdify` with cse, numba. A peer is stopped after {patience:g} s with everything."""
    for problem in plan.pick(list(TASKS)[:1], TASKS):
        results, (name, most) = everybody(problem, plan), TASKS[problem]
        cells = {who: sum(r["seconds"].values()) if isinstance(r, dict) else r for who, r in results.items()}
        seconds = results["cfdyn"]["seconds"]
        yield Row(name, {**cells, READ: seconds["read"], CODE: seconds["code"]}, (Goal(cells["cfdyn"], most),))
    return {"processes": plan.pick(*PROCESSES), "patience": plan.pick(*PATIENCE)}


@bench.table("derivatives: ns per point", ("cfdyn", "numba", *MODULES, "cfdyn ÷ numba"))
def evaluating(plan: Plan) -> Rows:
    """1000 random points at a time on one core: cfdyn and numba through the same loop, which calls a pointer once for each
    point; JAX by `vmap`, CasADi by `Function.map` on buffers, symengine by broadcasting, heyoka.py by its batches. JAX and
    heyoka.py put several points into one SIMD instruction, which a single orbit cannot do. All values agreed to 1e-10
    before. One process each, so only cfdyn ÷ numba was measured in turn."""
    for problem in plan.pick(list(TASKS)[:1], TASKS):
        for what, sign in SIGNS.items():
            # A peer that does not offer a derivative has no cell.
            cells = {who: r["ns"][what] if isinstance(r, dict) else r for who, r in everybody(problem, plan).items()
                     if not isinstance(r, dict) or what in r["ns"]}  # fmt: skip
            share = cells["cfdyn"] / cells["numba"]
            yield Row(f"{TASKS[problem][0]}: {sign}", {**cells, "cfdyn ÷ numba": share}, (Goal(share, SLOWER),))


@cache
def everybody(problem: str, plan: Plan) -> dict[str, Any]:
    """What cfdyn and numba, side by side, and the peers have measured, checked against each other.

    The seconds of cfdyn are medians over processes in which numba has warmed nothing up.
    """
    found: dict[str, Any] = measured("cfdyn,numba", problem, plan.repeats)
    seconds = [measured("cfdyn", problem, 0)["cfdyn"]["seconds"] for _ in range(plan.pick(*PROCESSES))]
    found["cfdyn"]["seconds"] = {part: statistics.median(s[part] for s in seconds) for part in seconds[0]}
    kind = problem.partition(":")[0]
    found |= {name: theirs(name, problem, plan.repeats, plan.pick(*PATIENCE))
              for name in MODULES if kind in SMALL.get(name, (kind,))}  # fmt: skip
    for name, result in found.items():
        if isinstance(result, dict):
            check(name, problem, result["values"], found["cfdyn"]["values"])
    return found


def measured(names: str, problem: str, repeats: int, points: int = POINTS, patience: float | None = None) -> dict:
    """What `peers.derivatives` finds out in a fresh process that nothing on disk helps."""
    code = f"{PEERS}peers.main({names!r}, {problem!r}, {points}, {repeats})"
    return json.loads(fresh(["-c", code], Caches().environment, patience).errors.rsplit("\nresult ", 1)[1])


def theirs(name: str, problem: str, repeats: int, patience: float) -> dict[str, Any] | str | None:
    """One peer; None if it is not installed, a word if it did not get there."""
    if not installed(MODULES[name]):
        return None
    try:
        return measured(name, problem, repeats, patience=patience)[name]
    except TooSlow:
        return f"> {patience:g} s"
    except BenchmarkError as error:
        progress(f"compile: {name} failed: {error}")
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


@bench.table("growth of compiling and evaluating", GROWN)
def growth(plan: Plan) -> Rows:
    """cfdyn alone, a fresh process for each size, on so many points that all sizes read the same amount of memory. Exponent:
    the slope in the log-log plot (benchmarks/results/compile_growth.png); 1 is linear, 0 does not grow. The targets: those
    of compiling and of all three derivatives."""
    curves: dict[str, dict[int, Cells]] = {}
    for kind, unit, sizes, points, bound in (
        ("chain", "variables", plan.pick([25, 50], [25, 50, 100, 200, 400]), lambda d: NUMBERS // d, 1.2),
        ("logistic", "rows", plan.pick([100, 1000], [10**k for k in range(2, 6)]), lambda n: min(POINTS, 500_000 // n), 0.2),
    ):
        curve = curves[unit] = {}
        for size in sizes:
            curve[size] = growth_cells(f"{kind}:{size}", points(size))
            yield Row(f"{kind}, {size} {unit}", curve[size])
        slopes = {name: exponent(sizes, [cells[name] for cells in curve.values()]) for name in GROWN}
        goals = (Goal(slopes[COMPILE], bound), Goal(slopes[ALL], 1.2))
        yield Row(f"{kind}: exponent", slopes, goals if len(sizes) > 2 else ())  # two sizes decide nothing
    draw(curves)


def growth_cells(problem: str, points: int) -> Cells:
    """Compiling and evaluating one size."""
    result = measured("cfdyn", problem, 3, points)["cfdyn"]
    seconds, ns = result["seconds"], result["ns"]
    return dict(zip(GROWN, (sum(seconds.values()), seconds["read"], *(ns[what] for what in DERIVATIVES), sum(ns.values()))))


def draw(curves: dict[str, dict[int, Cells]]) -> None:
    """Compile time and time per point against the size, one column of panels for each kind."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    panels = figure.subplots(2, len(curves), sharex="col", squeeze=False)
    for column, (unit, curve) in enumerate(curves.items()):
        for line, names, label in ((0, GROWN[:2], "processor time (s)"), (1, GROWN[2:], "time per point (ns)")):
            axes = panels[line][column]
            for name in names:
                axes.loglog(list(curve), [cells[name] for cells in curve.values()], "o-", label=name)
            axes.set_ylabel(label)
            axes.grid(True, which="both", alpha=0.3)
            axes.legend()
        panels[1][column].set_xticks(list(curve), [str(size) for size in curve])
        panels[1][column].set_xticks([], minor=True)
        panels[1][column].set_xlabel(unit)
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, dpi=150)


@bench.table("memory of compiling")
def memory(plan: Plan) -> Rows:
    """Peak of a fresh process beyond a bare Python, with all imports; the first row is what these need."""
    for problem, name in () if plan.quick else (("warm:1", "a small formula"), ("chain:200", TASKS["chain:200"][0])):
        code = f"{PEERS}peers.build('cfdyn', peers.problem({problem!r}), 1)"
        yield Row(name, {MEMORY: peak_memory(code, Caches().environment)})


NETS = ("16-16", "32-64-32", "64-100-32")  # widths of the hidden layers: 10² to 10⁴ weights
WARM = 1.0  # seconds at most for λ₁ of 10⁴ weights
LARGE = """
import sys, time
import numpy as np
import cfdyn as cf
rng, seconds = np.random.default_rng(0), time.process_time
net = cf.losses.mlp(widths={widths!r}, outputs=4, data=rng.normal(size=(50, 10)))
w = 0.3 * rng.normal(size=net.dim)
times = [seconds()]
for call in (lambda: net.hvp(w, w), lambda: net.sharpness(w), lambda: net.sharpness(1.1 * w)):
    call()
    times.append(seconds())
print("\\nresult ", net.dim, *np.diff(times), file=sys.stderr)
"""


@bench.table("a net of many weights (s)")
def many_weights(plan: Plan) -> Rows:
    """A tanh net of 6 inputs and 4 outputs on 50 rows, in processor seconds of a fresh process that nothing on disk helps: from
    the net to its first Hessian-vector product, then λ₁ by Lanczos' method at another point than the first."""
    for widths in plan.pick(NETS[:1], NETS):
        errors = fresh(["-c", LARGE.format(widths=widths)], Caches().environment, 600.0).errors
        dim, compiling, _, warm = (float(part) for part in errors.rsplit("\nresult ", 1)[1].split())
        yield Row(f"{dim:.0f} weights", {"hvp compiled": compiling, "λ₁, warm": warm}, (Goal(warm, WARM),))


if __name__ == "__main__":
    bench.main()
