"""How long does a verdict take, and is it right where the answer is known? How fast are Lyapunov exponents?"""

from __future__ import annotations

import ctypes
import math
import statistics
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from scipy.signal import lfilter

import cfdyn as cf
from measuring import Benchmark, Call, Cells, Goal, Plan, Row, Rows, c_function, needs, race
from measuring.report import HERE
from problems.maps import henon, logistic

bench = Benchmark("classify")

START = 0.3
FLIPS = (3.0, 1 + math.sqrt(6), 3.5440903595519228, 3.5644072660954326)  # period 1 → 2 → 4 → 8 → 16
THREE = (1 + math.sqrt(8), 3.8414990075435078)  # the stable 3-cycle and its flip
MARGIN = 1e-3  # so near a bifurcation an orbit settles too slowly for its period to be known
COLUMNS = ("verdicts", "decided", "right", "median (ms)", "slowest (ms)", "all (s)")
PEER, SOURCE = "pynamicalsys", HERE / "problems" / "lyapunov.c"



@bench.table("verdicts on the logistic map", COLUMNS)
def verdicts(plan: Plan) -> Rows:
    """The logistic map from x = 0.3 for r evenly spaced over [2.5, 4]: one fresh `classify` each, the map already compiled.
    Right: of the parameters whose regime is known in closed form (periods 1 to 8, the window of period 3, r = 4), how many
    get it. pynamicalsys' `period` looks for a return of at most 1000 steps after 10⁴ of transient, and gives −1 for all
    else."""
    step, values = logistic(3.5), np.linspace(2.5, 4.0, plan.pick(50, 200))
    known = [known_period(float(r)) for r in values]
    found, times = timed(lambda r: cf.analysis.classify(step.at(r=r), [START]), values)
    right = [None if k is None else is_right(f, k) for f, k in zip(found, known)]
    yield Row("cfdyn", verdict_cells(times, right, sum(f.kind != "undecided" for f in found)))
    for kind in sorted({f.kind for f in found}):
        chosen = [i for i, f in enumerate(found) if f.kind == kind]
        decided = 0 if kind == "undecided" else len(chosen)
        yield Row(f"cfdyn: {kind}", verdict_cells([times[i] for i in chosen], [right[i] for i in chosen], decided))
    yield Row(f"{PEER}: period", peer_cells(values, known) or dict.fromkeys(COLUMNS))


@needs(PEER)
def peer_cells(module: ModuleType, values: np.ndarray, known: Sequence[int | None]) -> Cells:
    """The peer's search for a period; it has none for a chaotic orbit."""
    system = module.DiscreteDynamicalSystem(model="logistic map")
    periods, times = timed(lambda r: int(system.period([START], 30_000, parameters=[r], transient_time=10_000)), values)
    right = [None if k is None else p == (k or -1) for p, k in zip(periods, known)]
    return verdict_cells(times, right, sum(p > 0 for p in periods))


def verdict_cells(times: Sequence[float], right: Sequence[bool | None], decided: int) -> Cells:
    """Counts and milliseconds; ``right`` is None where the answer is not known."""
    judged = [r for r in right if r is not None]
    cells = (str(len(times)), str(decided), f"{sum(judged)} of {len(judged)}", statistics.median(times), max(times),
             sum(times) / 1e3)  # fmt: skip
    return dict(zip(COLUMNS, cells))


def timed(call: Callable[[float], Any], values: np.ndarray) -> tuple[list[Any], list[float]]:
    """Answers and milliseconds for each value; the first call is made twice and counted once."""
    call(float(values[0]))
    answers, times = [], []
    for value in values:
        start = time.perf_counter()
        answers.append(call(float(value)))
        times.append((time.perf_counter() - start) * 1e3)
    return answers, times


def known_period(r: float) -> int | None:
    """The period at r, 0 for chaos, None where no closed form says it (or too near a bifurcation)."""
    if abs(r - 4.0) < 1e-12:
        return 0
    stretches = zip((1, 2, 4, 8, 3), (1.0, *FLIPS[:3], THREE[0]), (*FLIPS, THREE[1]))
    return next((period for period, low, high in stretches if low + MARGIN < r < high - MARGIN), None)


def is_right(found: Any, period: int) -> bool:
    """True if a Regime says the known period (0: chaos)."""
    return found.kind == "chaotic" if period == 0 else found.period == period


@bench.table("answers known exactly")
def exact(plan: Plan) -> Rows:
    """The superstable parameters of all cycles up to period 6 (1 + √(1 − 4c), c a real centre of the Mandelbrot set), and
    the two Misiurewicz parameters r = 4 and 3.6785735 (c³ + 2c² + 2c + 2 = 0), where the orbit is chaotic."""
    step, cases = logistic(3.5), exact_cases(plan.pick(4, 6))
    for period in sorted({p for _, p in cases}):
        chosen = [r for r, p in cases if p == period]
        right = sum(is_right(cf.analysis.classify(step.at(r=r), [START]), period) for r in chosen)
        cells = {"parameters": str(len(chosen)), "right": f"{right} of {len(chosen)}"}
        name = f"superstable, period {period}" if period else "Misiurewicz parameters, chaotic"
        yield Row(name, cells, (Goal(right / len(chosen), 1.0, above=True),))


def exact_cases(most: int) -> list[tuple[float, int]]:
    """(r, period) of superstable cycles, and (r, 0) of the two Misiurewicz parameters."""
    cases = [(1 + math.sqrt(1 - 4 * c), n) for n in range(1, most + 1) for c in centres(n)]
    merging = next(float(c.real) for c in np.roots([1, 2, 2, 2]) if abs(c.imag) < 1e-9)
    return [*cases, (1 + math.sqrt(1 - 4 * merging), 0), (4.0, 0)]


def centres(period: int) -> list[float]:
    """Real c for which 0 has this least period under z → z² + c."""
    power = np.poly1d([1.0, 0.0])
    for _ in range(period - 1):
        power = power * power + np.poly1d([1.0, 0.0])
    real = [float(root.real) for root in power.roots if abs(root.imag) < 1e-7]
    shorter = [c for divisor in range(1, period) if period % divisor == 0 for c in centres(divisor)]
    return sorted(c for c in real if all(abs(c - s) > 1e-6 for s in shorter))


@bench.table("Lyapunov exponents, {n} steps: ns per step")
def lyapunov(plan: Plan) -> Rows:
    """Error: against log 2 for the logistic map at r = 4 (statistical, it falls like 1/√n), and of the sum against log 0.3
    for the Hénon map, which round-off alone disturbs. C and pynamicalsys renormalise at every step, cfdyn at every eighth."""
    n = plan.pick(100_000, 1_000_000)
    for name, short, step, start, total in (("logistic map, r = 4", "logistic", logistic(4.0), [START], math.log(2)),
                                            ("Hénon map, spectrum", "henon", henon(), [0.1, 0.1], math.log(0.3))):  # fmt: skip
        values = list(step.params.values())
        calls = {
            "cfdyn": lambda step=step, start=start: cf.analysis.lyapunov(step, start, n, transient=0),
            "C": c_lyapunov(short, (*start, *values), n, step.dim),
            PEER: peer_lyapunov(short, start, values, n),
        }
        cells = race(calls, plan.repeats, "ns", n, label="{name}")
        errors = {who: None if call is None else f"{abs(float(np.sum(call())) - total):.1e}" for who, call in calls.items()}
        yield Row(name, {**cells, **{f"error of {who}": error for who, error in errors.items()}})
    return {"n": n}


@bench.table("a log explained, {most} rows at most")
def logs(plan: Plan) -> Rows:
    """`explain` of a dict of one series, the second call: seconds, and the spikes that it sees in noise, where none is: a
    falling loss, whose logarithm has the standard deviation 0.1 about its trend."""
    sizes, random = plan.pick((1000, 10_000), (1000, 10_000, 100_000)), np.random.default_rng(1)
    kinds = {"Gaussian": random.normal, "Student, 4 degrees": lambda size: random.standard_t(4, size=size) / 2**0.5,
             "Gaussian, correlation 0.9": lambda size: lfilter([0.19**0.5], [1, -0.9], random.normal(size=size))}  # fmt: skip
    for name, noise in kinds.items():
        for n in sizes:
            loss = {"loss": np.exp(-np.arange(n) / n + 0.1 * noise(size=n))}
            cells = race({"cfdyn": lambda loss=loss: cf.analysis.explain(loss)}, plan.repeats, "s", label="{name} (s)")
            yield Row(f"{name}, {n} rows", {**cells, "spikes": str(len(cf.analysis.explain(loss).spikes))})
    return {"most": sizes[-1]}


def c_lyapunov(name: str, arguments: tuple[float, ...], n: int, dim: int) -> Call | None:
    """A call of the C function that returns the exponents, (dim,)."""
    function = c_function(SOURCE, name, None, *[ctypes.c_double] * len(arguments), ctypes.c_long, ctypes.c_void_p)
    if function is None:
        return None

    def call() -> np.ndarray:
        out = np.empty(dim)
        function(*arguments, n, out.ctypes.data)
        return out

    return call


@needs(PEER)
def peer_lyapunov(module: ModuleType, name: str, start: list[float], p: list[float], n: int) -> Call:
    """A call of the peer's that returns the exponents."""
    system = module.DiscreteDynamicalSystem(model=f"{name} map")
    return lambda: system.lyapunov(start, n, parameters=p)


if __name__ == "__main__":
    bench.main()
