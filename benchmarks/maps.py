"""How fast are many orbits at once, against C one by one, C in interleaved lanes (the limit), NumPy and other packages?"""

from __future__ import annotations

import ctypes
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.ensembles.orbits import Orbits
from measuring import Benchmark, BenchmarkError, Call, Goal, Plan, Row, Rows, c_function, least, measure, race, ratio
from peers.many_orbits import FEWER, PEERS, elsewhere
from problems.lanes import LIMIT, c_call, grid, periods_of
from problems.maps import CASES, Case

bench = Benchmark("maps")

LYAPUNOV = Path(__file__).parent / "problems/lyapunov.c"
ROWS = Path(__file__).parent / "problems/rows.c"
STEPS, RATE = 60, 0.2  # of losses with data: few enough for no orbit to come to rest
CHECKED = 40  # steps after which all competitors must be at the same places


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


@bench.table("kernel: ensembles of 4,800 orbits, one thread: ns per step of one orbit")
def ensembles(plan: Plan) -> Rows:
    """Each orbit has its own parameters. cfdyn looks after every state whether the orbit has escaped, and takes no more steps
    where one is, to the last bit, where it was; C does neither. Of these maps log cosh alone ends on cycles."""
    count, steps = 4800, plan.pick(1000, 4000)
    for case in PLAIN:
        calls = ensemble_calls(case, count, CHECKED, CHECKED)
        results = [call() for call in calls.values() if call]
        if not all(np.allclose(results[0], other, rtol=1e-6, atol=1e-6) for other in results[1:]):
            raise BenchmarkError(f"not all iterate the same map: {case.name}")
        timed = ensemble_calls(case, count, steps, steps // 20)
        cells = race(timed, plan.repeats, "ns", count * steps, {"numpy": 1 / 20}, "{name}")
        yield Row(case.name, cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 0.75, above=True),))


@bench.table("kernel: orbits of the logistic map, 2,000 × (2,000 + 500), one thread: ms")
def diagram(plan: Plan) -> Rows:
    """The states are kept as (500, 2,000) by cfdyn and the C in lanes, as (2,000, 500) by the other. What `orbit_diagram` takes
    stands below."""
    case, count, steps, keep = CASES[0], 2000, 2000, 500
    calls = {"cfdyn": by_cfdyn(case, count, steps, keep), "C": by_c(case, "alone", count, steps, keep),
             LIMIT: by_c(case, "together", count, steps, keep)}  # fmt: skip
    cells = race(calls, plan.repeats, "ms", label="{name}")
    yield Row("logistic map", cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 1 / 1.5, above=True),))


@bench.table("kernel: Lyapunov exponents of the logistic map, 1,000 parameters × 11,000 steps, one thread: ms")
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


@bench.table("Lyapunov spectrum of the Hénon map, 1,000,000 steps: ms")
def spectrum(plan: Plan) -> Rows:
    """C makes its tangents orthonormal in every step; as the limit, of 8 steps once, and takes a logarithm of 64 lengths."""
    n, case = plan.pick(100_000, 1_000_000), CASES[1]

    def in_c(name: str) -> Call | None:
        function = c_function(LYAPUNOV, name, None, *[ctypes.c_double] * 4, ctypes.c_long, ctypes.c_void_p)

        def call() -> np.ndarray:
            out = np.empty(2)
            function(*case.start, *case.p, n, out.ctypes.data)
            return out

        return function and call

    def ours() -> np.ndarray:
        return cf.analysis.lyapunov_spectrum(case.map, case.start, n, transient=0).exponents

    calls = {"cfdyn": ours, "C": in_c("henon"), LIMIT: in_c("henon_seldom")}
    sums = [float(call().sum()) for call in calls.values() if call]
    if not np.allclose(sums, np.log(0.3), atol=1e-9):
        raise BenchmarkError("not all sums of exponents are log b")
    cells = race(calls, plan.repeats, "ms", label="{name}")
    yield Row("Hénon map", cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 1 / 1.5, above=True),))


@bench.table("Lyapunov spectra of the Hénon map, 1,000 parameters × 9,600 steps, one thread: ms")
def spectra(plan: Plan) -> Rows:
    """C one parameter after the other: its tangents are made orthonormal in every step, or of 8 steps once. cfdyn gives errors
    besides."""
    case, count, steps = CASES[1], plan.pick(200, 1000), 9600
    values = np.linspace(1.2, 1.4, count)

    def in_c(name: str) -> Call | None:
        function = c_function(LYAPUNOV, name, None, *[ctypes.c_double] * 4, ctypes.c_long, ctypes.c_void_p)

        def call() -> np.ndarray:
            found = np.empty((count, 2))
            for k, a in enumerate(values):
                function(*case.start, a, case.p[1], steps, found[k:].ctypes.data)
            return found

        return function and call

    def ours() -> np.ndarray:
        return cf.analysis.lyapunov_spectra(case.map, [("a", values)], case.start, n=steps, transient=0, threads=1).exponents[0]

    calls = {"cfdyn": ours, "C": in_c("henon"), "C, seldom": in_c("henon_seldom")}
    if not all(np.allclose(call().sum(axis=1), np.log(0.3), atol=1e-8) for call in calls.values() if call):
        raise BenchmarkError("not all sums of exponents are log b")
    yield Row("Hénon map", race(calls, plan.repeats, "ms", label="{name}"))


def on_data(step: cf.Map, starts: np.ndarray, steps: int) -> np.ndarray:
    """The states after so many steps."""
    orbits = Orbits(step, starts, np.tile(list(step.params.values()), (len(starts), 1)), threads=1)
    orbits.advance(steps)
    return orbits.states


def on_data_in_c(function: Any, table: np.ndarray, starts: np.ndarray, steps: int) -> np.ndarray:
    """The same."""
    states = starts.copy()
    function(states.ctypes.data, table.ctypes.data, len(states), steps, len(table), RATE)
    return states


TERMS = {"least squares": ("({y} - {t})**2/2", "t - y"), "logistic": ("log(1 + exp(-{y}*{t}))", "-y/(1 + exp(y*t))")}


@bench.table("kernel: losses with data, two weights, one thread: ns per step of one orbit")
def data(plan: Plan) -> Rows:
    """Gradient descent from 960 starts; C one start after the other, and in lanes with the rows outside, as cfdyn. Its exp is the
    library's, one number at a time."""
    random = np.random.default_rng(0)
    for name, (term, slope) in TERMS.items():
        for rows in plan.pick((2, 16), (2, 8, 32, 128, 512)):
            table = np.column_stack([random.normal(size=(rows, 2)), np.where(random.random(rows) < 0.5, -1.0, 1.0)])
            loss = cf.Loss(f"{term.format(y='y', t='(x1*v + x2*w)')} + (v**2 + w**2)/20", "v w",
                           data=dict(zip(("x1", "x2", "y"), table.T, strict=True)))  # fmt: skip
            step, starts = cf.as_map(loss, cf.optimizers.gd(lr=RATE)), random.normal(size=(960, 2))

            calls = {"cfdyn": partial(on_data, step, starts)}
            for label, which in (("C", "alone"), (LIMIT, "together")):
                whole = [ctypes.c_long] * 3
                function = c_function(ROWS, which, None, *[ctypes.c_void_p] * 2, *whole, ctypes.c_double, SLOPE=slope)
                if function:
                    calls[label] = partial(on_data_in_c, function, table, starts)
            if not all(np.allclose(call(CHECKED), calls["cfdyn"](CHECKED), atol=1e-9) for call in calls.values()):
                raise BenchmarkError("not all descend on the same loss")
            timed = {label: partial(call, STEPS) for label, call in calls.items()}
            cells = race(timed, plan.repeats, "ns", len(starts) * STEPS, label="{name}")
            yield Row(f"{name}, {rows} rows", cells, (Goal(cells[f"{LIMIT} ÷ cfdyn"], 0.75, above=True),))


def public(threads: int | None = None) -> dict[str, tuple[str, Call, Call]]:
    """Of each task what it is, the public call with its defaults apart from ``threads``, and what that is made of at least."""
    (logistic, henon), (a, b) = (case.map for case in CASES[:2]), (np.linspace(0, 1.5, 1000), np.linspace(-0.5, 0.5, 1000))
    many, fewer = 3.9 * np.linspace(0.97, 0.98, 2000), 3.9 * np.linspace(0.97, 0.98, 1000)
    begin, start = CASES[0].start, CASES[1].start

    def alone(values: np.ndarray, steps: int) -> Orbits:
        orbits = Orbits(logistic, np.tile(begin, (len(values), 1)).astype(float), values[:, None].copy(), threads=threads)
        orbits.advance(steps)
        return orbits

    cells = grid(1000)
    return {
        "diagram": ("orbit diagram, 2,000 × (2,000 + 500)",
                    lambda: cf.analysis.orbit_diagram(logistic, ("r", many), begin, threads=threads),
                    lambda: alone(many, 2000).keep(500)),
        "states": ("the same with averaged=0: states alone",
                   lambda: cf.analysis.orbit_diagram(logistic, ("r", many), begin, averaged=0, threads=threads),
                   lambda: alone(many, 2000).keep(500)),
        "exponents": ("exponents, 1,000 × 11,000",
                      lambda: cf.analysis.lyapunov_spectra(logistic, [("r", fewer)], begin, n=11_000, threads=threads),
                      lambda: alone(fewer, 1000).exponents(11_000)),
        "periods": ("periods, 1000 × 1000",
                    lambda: cf.analysis.period_diagram(henon, [("a", a), ("b", b)], z0=start, threads=threads),
                    lambda: periods_of(cells, threads or 1)),
    }  # fmt: skip


@bench.table("public calls beside their kernels, one thread: ms")
def calls(plan: Plan) -> Rows:
    """In turn, in processor time, the least of many. Kernel: orbits, exponents or returns alone. The calls do more:
    `orbit_diagram` finds the Lyapunov exponent of each orbit with its error over 2,000 more steps; `period_diagram` asks whether
    a cycle attracts, follows what has not come back 15 times as far, looks for slow cycles by Newton's method, takes the
    exponents of the rest, and puts some cells to `classify`."""
    for name, call, kernel in public(1).values():
        repeats = plan.pick(2, 5) if name.startswith("periods") else plan.pick(20, 100)
        spent = least({"call": call, "kernel": kernel}, repeats)
        cells = {what: 1e3 * seconds for what, seconds in spent.items()}
        yield Row(name, {**cells, "call ÷ kernel": ratio(spent["call"], spent["kernel"])})


@bench.table("public calls beside {peers}: ms")
def beside(plan: Plan) -> Rows:
    """Our calls with their defaults, in processor time of all threads; see the table above for what they do more. Other packages,
    each in an environment of its own below the folder that CFDYN_PEERS names, find states, exponents and periods by returns
    alone. They take one parameter at a time where they have no call for many; of the periods they do 30 × 30 cells, and times are
    for a million."""
    steps = plan.pick(100_000, 1_000_000)
    found = {name: seconds for name in PEERS if (seconds := elsewhere(name, steps, plan.repeats))}
    tasks = {task: (name, call) for task, (name, call, _) in public().items() if task != "states"}
    tasks["spectrum"] = (f"Hénon spectrum, {steps:,} steps",
                         lambda: cf.analysis.lyapunov_spectrum(CASES[1].map, CASES[1].start, steps))  # fmt: skip
    for task, (name, ours) in tasks.items():
        cells: dict[str, float | None] = {"cfdyn": 1e3 * measure(ours, plan.repeats)}
        scale = 1e6 / FEWER**2 if task == "periods" else 1.0
        cells |= {peer: 1e3 * scale * seconds[task] for peer, seconds in found.items() if task in seconds}
        cells |= {f"{peer} ÷ cfdyn": value / cells["cfdyn"] for peer, value in cells.items() if peer != "cfdyn"}
        yield Row(name, cells)
    return {"peers": ", ".join(found) or "other packages, of which none was found"}


if __name__ == "__main__":
    bench.main()
