"""How long does a verdict take, and is it right where the answer is known? How fast are Lyapunov exponents?"""

from __future__ import annotations

import ctypes
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import harness
import numpy as np
import report
from harness import Call, interleaved, per_step, ratio
from report import Goal, Row, Table

import cfdyn as cf

START = 0.3
FLIPS = (3.0, 1 + math.sqrt(6), 3.5440903595519228, 3.5644072660954326)  # period 1 → 2 → 4 → 8 → 16
THREE = (1 + math.sqrt(8), 3.8414990075435078)  # the stable 3-cycle and its flip

C_LYAPUNOV = """
#include <math.h>
void logistic(double x, double r, long n, double *out)
{
    double sum = 0;
    for (long i = 0; i < n; i++) { sum += log(fabs(r - 2*r*x)); x = r*x*(1 - x); }
    out[0] = sum/n;
}
void henon(double x, double y, double a, double b, long n, double *out)
{
    double q0 = 1, q1 = 0, q2 = 0, q3 = 1, s = 0, t = 0;
    for (long i = 0; i < n; i++) {
        double u0 = -2*a*x*q0 + q1, u1 = b*q0, v0 = -2*a*x*q2 + q3, v1 = b*q2;
        double u = sqrt(u0*u0 + u1*u1);
        q0 = u0/u; q1 = u1/u;
        double along = q0*v0 + q1*v1;
        v0 -= along*q0; v1 -= along*q1;
        double v = sqrt(v0*v0 + v1*v1);
        q2 = v0/v; q3 = v1/v;
        s += log(u); t += log(v);
        double next = 1 - a*(x*x) + y;
        y = b*x; x = next;
    }
    out[0] = s/n; out[1] = t/n;
}
"""

VERDICT_NOTE = (
    "The logistic map from x = 0.3 for r evenly spaced over [2.5, 4]: one fresh `classify` each, the map already compiled. "
    "Right: of the parameters whose regime is known in closed form (periods 1 to 8, the window of period 3, r = 4), how "
    "many get it. pynamicalsys' `period` looks for a return of at most 1000 steps after 10⁴ of transient, "
    "and gives −1 for all else."
)
EXACT_NOTE = (
    "The superstable parameters of all cycles up to period 6 (1 + √(1 − 4c), c a real centre of the Mandelbrot set), and "
    "the two Misiurewicz parameters r = 4 and 3.6785735 (c³ + 2c² + 2c + 2 = 0), where the orbit is chaotic."
)
LYAPUNOV_NOTE = (
    "Error: against log 2 for the logistic map at r = 4 (statistical, it falls like 1/√n), and of the sum against log 0.3 "
    "for the Hénon map, which round-off alone disturbs. C renormalises at every step, as cfdyn and pynamicalsys do."
)


def logistic_map() -> cf.Map:
    return cf.Map.from_text("r*x*(1-x)", params={"r": 3.5})


def known_period(r: float) -> int | None:
    """The period at r, 0 for chaos, None where no closed form says it (or too near a bifurcation)."""
    margin = 1e-3
    if abs(r - 4.0) < 1e-12:
        return 0
    edges = (1.0, *FLIPS)
    for k in range(len(FLIPS)):
        if edges[k] + margin < r < edges[k + 1] - margin:
            return 2**k
    return 3 if THREE[0] + margin < r < THREE[1] - margin else None


def is_right(found: Any, period: int) -> bool:
    """Whether a Regime says the known period (0: chaos)."""
    return found.kind == "chaotic" if period == 0 else found.period == period


def peer_period() -> Callable[[float], int] | None:
    """pynamicalsys' search for a period, or None."""
    module = harness.peer("pynamicalsys")
    if module is None:
        return None
    system = module.DiscreteDynamicalSystem(model="logistic map")
    return lambda r: int(system.period([START], 30_000, parameters=[r], transient_time=10_000))


def timed(call: Callable[[float], Any], values: np.ndarray) -> tuple[list[Any], list[float]]:
    """Answers and milliseconds for each value; the first call is made twice and counted once."""
    call(float(values[0]))
    answers, times = [], []
    for value in values:
        start = time.perf_counter()
        answers.append(call(float(value)))
        times.append((time.perf_counter() - start) * 1e3)
    return answers, times


def verdict_row(name: str, times: list[float], right: list[bool], decided: int) -> Row:
    cells = {
        "verdicts": str(len(times)), "decided": str(decided), "right": f"{sum(right)} of {len(right)}",
        "median (ms)": statistics.median(times), "slowest (ms)": max(times), "all (s)": sum(times) / 1e3,
    }  # fmt: skip
    return Row(name, cells)


def verdict_rows(count: int) -> list[Row]:
    """All verdicts, then by kind, then the peer's."""
    step = logistic_map()
    values = np.linspace(2.5, 4.0, count)
    known = [known_period(float(r)) for r in values]
    found, times = timed(lambda r: cf.analysis.classify(step.at(r=r), [START]), values)
    right = [is_right(f, k) for f, k in zip(found, known) if k is not None]
    decided = sum(f.kind != "undecided" for f in found)
    rows = [verdict_row("cfdyn", times, right, decided)]
    for kind in sorted({f.kind for f in found}):
        chosen = [i for i, f in enumerate(found) if f.kind == kind]
        right = [is_right(found[i], known[i]) for i in chosen if known[i] is not None]
        rows.append(verdict_row(f"cfdyn: {kind}", [times[i] for i in chosen], right,
                                0 if kind == "undecided" else len(chosen)))  # fmt: skip
    return [*rows, peer_row(values, known)]


def peer_row(values: np.ndarray, known: list[int | None]) -> Row:
    period = peer_period()
    if period is None:
        columns = ("verdicts", "decided", "right", "median (ms)", "slowest (ms)", "all (s)")
        return Row("pynamicalsys: period", dict.fromkeys(columns))
    periods, times = timed(period, values)
    right = [p == (k or -1) for p, k in zip(periods, known) if k is not None]
    return verdict_row("pynamicalsys: period", times, right, sum(p > 0 for p in periods))


def centres(period: int) -> list[float]:
    """Real c for which 0 has this least period under z → z² + c."""
    power = np.poly1d([1.0, 0.0])
    for _ in range(period - 1):
        power = power * power + np.poly1d([1.0, 0.0])
    real = [float(root.real) for root in power.roots if abs(root.imag) < 1e-7]
    shorter = [c for divisor in range(1, period) if period % divisor == 0 for c in centres(divisor)]
    return sorted(c for c in real if all(abs(c - s) > 1e-6 for s in shorter))


def exact_cases(most: int = 6) -> list[tuple[float, int]]:
    """(r, period) of superstable cycles, and (r, 0) of the two Misiurewicz parameters."""
    cases = [(1 + math.sqrt(1 - 4 * c), n) for n in range(1, most + 1) for c in centres(n)]
    merging = next(float(c.real) for c in np.roots([1, 2, 2, 2]) if abs(c.imag) < 1e-9)
    return [*cases, (1 + math.sqrt(1 - 4 * merging), 0), (4.0, 0)]


def exact_rows(most: int) -> list[Row]:
    """For each period: how many superstable parameters, and how many verdicts are right."""
    step, rows = logistic_map(), []
    cases = exact_cases(most)
    for period in sorted({p for _, p in cases}):
        chosen = [r for r, p in cases if p == period]
        right = sum(is_right(cf.analysis.classify(step.at(r=r), [START]), period) for r in chosen)
        goal = (Goal(right / len(chosen), 1.0, above=True),)
        name = f"superstable, period {period}" if period else "Misiurewicz parameters, chaotic"
        rows.append(Row(name, {"parameters": str(len(chosen)), "right": f"{right} of {len(chosen)}"}, goal))
    return rows


def lyapunov_row(name: str, n: int, repeats: int, calls: dict[str, Call | None], error: Callable[[Any], float]) -> Row:
    """ns per step of each competitor and the error of each."""
    times = interleaved(calls, repeats)
    steps = {who: per_step(timing, n) for who, timing in times.items()}
    cells: dict[str, Any] = {**steps, "C ÷ cfdyn": ratio(steps["C"], steps["cfdyn"])}
    cells["pynamicalsys ÷ cfdyn"] = ratio(steps["pynamicalsys"], steps["cfdyn"])
    for who, call in calls.items():
        cells[f"error of {who}"] = None if call is None else f"{error(call()):.1e}"
    return Row(name, cells)


def c_lyapunov(name: str, arguments: tuple[float, ...], n: int, dim: int) -> Call | None:
    """A call of the C function that returns the exponents, (dim,)."""
    types = (*[ctypes.c_double] * len(arguments), ctypes.c_long, ctypes.c_void_p)
    function = harness.c_function(harness.compile_c(C_LYAPUNOV), name, None, *types)
    if function is None:
        return None

    def call() -> np.ndarray:
        out = np.empty(dim)
        function(*arguments, n, out.ctypes.data)
        return out

    return call


def lyapunov_rows(n: int, repeats: int) -> list[Row]:
    """The exponent of the logistic map at r = 4 and the spectrum of the Hénon map."""
    module = harness.peer("pynamicalsys")

    def theirs(model: str, start: list[float], p: list[float]) -> Call | None:
        if module is None:
            return None
        system = module.DiscreteDynamicalSystem(model=model)
        return lambda: np.atleast_1d(system.lyapunov(start, n, parameters=p))

    logistic = logistic_map().at(r=4.0)
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    one = {
        "cfdyn": lambda: cf.analysis.lyapunov(logistic, [START], n, transient=0),
        "C": c_lyapunov("logistic", (START, 4.0), n, 1),
        "pynamicalsys": theirs("logistic map", [START], [4.0]),
    }
    two = {
        "cfdyn": lambda: cf.analysis.lyapunov(henon, [0.1, 0.1], n, transient=0),
        "C": c_lyapunov("henon", (0.1, 0.1, 1.4, 0.3), n, 2),
        "pynamicalsys": theirs("henon map", [0.1, 0.1], [1.4, 0.3]),
    }
    return [
        lyapunov_row("logistic map, r = 4", n, repeats, one, lambda found: abs(float(found[0]) - math.log(2))),
        lyapunov_row("Hénon map, spectrum", n, repeats, two, lambda found: abs(float(np.sum(found)) - math.log(0.3))),
    ]


def run(quick: bool) -> list[Table]:
    """Verdicts, known answers, exponents; quick: a quarter of the verdicts, a tenth of the steps."""
    n, repeats = (100_000, 3) if quick else (1_000_000, harness.REPEATS)
    harness.progress("classify: verdicts")
    verdicts = verdict_rows(50 if quick else 200)
    harness.progress("classify: known answers")
    exact = exact_rows(4 if quick else 6)
    harness.progress("classify: Lyapunov exponents")
    exponents = lyapunov_rows(n, repeats)
    who = ("cfdyn", "C", "pynamicalsys")
    errors = tuple(f"error of {name}" for name in who)
    columns = ("verdicts", "decided", "right", "median (ms)", "slowest (ms)", "all (s)")
    return [
        Table("verdicts on the logistic map", columns, verdicts, VERDICT_NOTE),
        Table("answers known exactly", ("parameters", "right"), exact, EXACT_NOTE),
        Table(f"Lyapunov exponents, {n} steps: ns per step", (*who, "C ÷ cfdyn", "pynamicalsys ÷ cfdyn", *errors),
              exponents, LYAPUNOV_NOTE),
    ]  # fmt: skip


if __name__ == "__main__":
    report.main("classify", run)
