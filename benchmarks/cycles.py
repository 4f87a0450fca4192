"""How long does it take to find all cycles of a period, and are they all found?"""

from __future__ import annotations

import ctypes
import tempfile
import time
from collections.abc import Callable
from typing import Any

import harness
import numpy as np
import report
from harness import Call, interleaved, ratio
from report import Goal, Row, Table

import cfdyn as cf

LINE = {"logistic map, r = 4": ("r*x*(1-x)", {"r": 4.0}, (0, 1), 12), "cubic, full": ("3*x - x**3", {}, (-2, 2), 8)}
MILLISECONDS = 5.0  # for all periods up to 12 of the logistic map, with everything compiled
COLD = 3.0  # seconds for compiling the kernels

# Sign changes of fⁿ(x) − x on a grid, bisected; what a few lines of C would do.
C_SCAN = """
static double f(double x) { return RULE; }
long scan(int n, double lo, double hi, long points, double *out, long room)
{
    long found = 0;
    double before = 0, left = lo;
    for (long i = 0; i <= points; i++) {
        double x = lo + (hi - lo)*i/points, y = x;
        for (int k = 0; k < n; k++) y = f(y);
        double gap = y - x;
        if (i > 0 && ((gap < 0) != (before < 0))) {
            double a = left, b = x;
            for (int turn = 0; turn < 60; turn++) {
                double m = (a + b)/2, z = m;
                for (int k = 0; k < n; k++) z = f(z);
                if (((z - m) < 0) == (before < 0)) a = m; else b = m;
            }
            if (found < room) out[found] = (a + b)/2;
            found++;
        }
        before = gap; left = x;
    }
    return found;
}
"""

LINE_NOTE = (
    "All periods from 1 up to the last one, box and map given, everything compiled. Right: the numbers of prime cycles known "
    "in closed form, (1/n) Σ μ(n/d) bᵈ over the divisors d of n with b laps, and said to be all. C and Newton find what "
    "they can: C bisects sign changes of fⁿ(x) − x on a grid of 40 points for each lap of fⁿ; Newton starts at 20 random "
    "points for each solution, in NumPy, all at once."
)
PLANE_NOTE = (
    "The Hénon map (1.4, 0.3), box [−2, 2]²: numbers of prime cycles 2 1 0 1 0 2 4 7 6 10 14 for n = 1…11. Newton: on fⁿ(z) − z "
    "from 2000 random starts of the attractor's hull for each n, in NumPy, all at once."
)
COLD_NOTE = "Processor seconds of new processes that find the 3-cycles of the logistic map: caches empty, and filled."


def prime(laps: int, n: int) -> int:
    """Prime cycles of a full map with so many laps."""
    def fixed(k: int) -> int:
        return laps**k

    return (fixed(n) - sum(d * prime(laps, d) for d in range(1, n) if n % d == 0)) // n


def scan(rule: str, box: tuple[float, float], laps: int, last: int) -> Callable[[], list[int]] | None:
    """Numbers of points that C finds fixed by fⁿ, n = 1…last."""
    library = harness.compile_c(C_SCAN.replace("RULE", rule))
    types = (ctypes.c_int, ctypes.c_double, ctypes.c_double, ctypes.c_long, ctypes.c_void_p, ctypes.c_long)
    function = harness.c_function(library, "scan", ctypes.c_long, *types)
    if function is None:
        return None
    out = np.empty(2 * laps**last)

    def call() -> list[int]:
        # The grid avoids the ends, where the full maps have their fixed points.
        lo, hi = box[0] - 1e-3, box[1] + 1e-3
        return [function(n, lo, hi, 40 * laps**n + 7, out.ctypes.data, len(out)) for n in range(1, last + 1)]

    return call


def newton_line(step: Callable, slope: Callable, box: tuple[float, float], laps: int, last: int) -> Call:
    """Numbers of distinct zeros of fⁿ(x) − x that Newton reaches from random starts."""

    def zeros(n: int) -> int:
        x = np.random.default_rng(n).uniform(*box, 20 * laps**n)
        with np.errstate(all="ignore"):
            for _ in range(30):
                y, d = x, np.ones_like(x)
                for _ in range(n):
                    y, d = step(y), d * slope(y)
                x = x - (y - x) / (d - 1)
        x = np.sort(x[np.isfinite(x) & (x >= box[0] - 1e-9) & (x <= box[1] + 1e-9)])
        return int((np.diff(x) > 1e-3 / laps ** (2 * n)).sum()) + (len(x) > 0)

    return lambda: [zeros(n) for n in range(1, last + 1)]


def line_rows(quick: bool) -> list[Row]:
    """Times of each competitor for all periods, and how many it gets right."""
    rows = []
    for name, (formula, params, box, last) in LINE.items():
        last = min(last, 8) if quick else last
        laps = 2 if params else 3
        step = cf.Map.from_text(formula, params=params)
        rule, (f, slope) = ("4*x*(1-x)", (lambda x: 4 * x * (1 - x), lambda x: 4 - 8 * x)) if params else (
            "3*x - x*x*x", (lambda x: 3 * x - x**3, lambda x: 3 - 3 * x**2))  # fmt: skip
        def ours(step: cf.Map = step, box: Any = box, last: int = last) -> list:
            return [cf.analysis.cycles(step, n, [box]) for n in range(1, last + 1)]

        calls: dict[str, Call | None] = {
            "cfdyn": ours, "C": scan(rule, box, laps, last), "Newton": newton_line(f, slope, box, laps, last)}  # fmt: skip
        times = interleaved(calls, 3 if quick else harness.REPEATS)
        found = ours()
        right = [c.complete and len(c) == prime(laps, c.period) for c in found]
        cells = milliseconds(times)
        cells["right"] = f"{sum(right)} of {last}"
        solutions = [laps**n for n in range(1, last + 1)]
        for who in ("C", "Newton"):
            call = calls[who]
            counts = None if call is None else call()
            cells[f"points {who} finds"] = None if counts is None else f"{sum(counts)} of {sum(solutions)}"  # type: ignore[arg-type]
        goals = [Goal(sum(right) / last, 1.0, above=True)]
        if params and not quick:
            goals.append(Goal(cells["cfdyn (ms)"], MILLISECONDS))
        rows.append(Row(f"{name}, n ≤ {last}", cells, tuple(goals)))
    return rows


def milliseconds(times: dict[str, Any]) -> dict[str, Any]:
    """Medians and ratios to ours."""
    least = {who: None if timing is None else timing.median * 1e3 for who, timing in times.items()}
    cells: dict[str, Any] = {f"{who} (ms)": value for who, value in least.items()}
    cells.update({f"{who} ÷ cfdyn": ratio(value, least["cfdyn"]) for who, value in least.items() if who != "cfdyn"})
    return cells


def newton_plane(last: int) -> Call:
    """Numbers of distinct points fixed by fⁿ that Newton reaches, n = 1…last."""

    def zeros(n: int) -> int:
        rng = np.random.default_rng(n)
        x, y = rng.uniform(-1.5, 1.5, 2000), rng.uniform(-0.45, 0.45, 2000)
        with np.errstate(all="ignore"):
            for _ in range(40):
                u, v = x, y
                a, b, c, d = np.ones_like(x), np.zeros_like(x), np.zeros_like(x), np.ones_like(x)
                for _ in range(n):
                    a, b, c, d = -2.8 * u * a + c, -2.8 * u * b + d, 0.3 * a, 0.3 * b
                    u, v = 1 - 1.4 * u * u + v, 0.3 * u
                a, d = a - 1, d - 1
                det = a * d - b * c
                x, y = x - (d * (u - x) - b * (v - y)) / det, y - (a * (v - y) - c * (u - x)) / det
        x = np.sort(x[(np.hypot(u - x, v - y) < 1e-9) & (np.abs(x) < 2) & (np.abs(y) < 2)])
        return int((np.diff(x) > 1e-7).sum()) + (len(x) > 0)

    return lambda: [zeros(n) for n in range(1, last + 1)]


def plane_rows(quick: bool) -> list[Row]:
    """The Hénon map."""
    last, known = (7 if quick else 11), (2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14)
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})

    def ours() -> list:
        return [cf.analysis.cycles(henon, n, [(-2, 2), (-2, 2)]) for n in range(1, last + 1)]

    newton = newton_plane(last)
    times = interleaved({"cfdyn": ours, "Newton": newton}, 3 if quick else harness.REPEATS)
    right = [c.complete and len(c) == k for c, k in zip(ours(), known)]
    fixed = [sum(d * known[d - 1] for d in range(1, n + 1) if n % d == 0) for n in range(1, last + 1)]
    cells = {**milliseconds(times), "right": f"{sum(right)} of {last}", "points Newton finds": f"{sum(newton())} of {sum(fixed)}"}  # type: ignore[arg-type]
    return [Row(f"Hénon map, n ≤ {last}", cells, (Goal(sum(right) / last, 1.0, above=True),))]


def cold_rows(quick: bool) -> list[Row]:
    """New processes, with nothing kept and with everything kept."""
    code = "\n".join([
        "import sys, time, cfdyn as cf", "step = cf.Map.from_text('r*x*(1-x)', params={'r': 3.9})", "cf.iterate(step, [0.1], 3)",
        "[step.rule(what) for what in ('jacobian', 'interval:jacobian')]", "begun = time.process_time()",
        "cf.analysis.cycles(step, 3, [(0, 1)])", "sys.stderr.write(f'took {time.process_time() - begun}')"])  # fmt: skip
    seconds: dict[str, list[float]] = {"empty": [], "filled": []}
    for _ in range(1 if quick else 3):
        with tempfile.TemporaryDirectory() as place:
            for name in seconds:
                done = harness.fresh(["-c", code], {"CFDYN_CACHE_DIR": place})
                seconds[name].append(float(done.errors.rsplit("took ", 1)[1]))
    empty, filled = min(seconds["empty"]), min(seconds["filled"])
    return [Row("kernels for maps of one variable", {"caches empty (s)": empty, "filled (s)": filled}, (Goal(empty, COLD),))]


def run(quick: bool) -> list[Table]:
    """Maps of one variable, of two, and the time that compiling takes."""
    begun = time.perf_counter()
    harness.progress("cycles: one variable")
    line = line_rows(quick)
    harness.progress("cycles: two variables")
    plane = plane_rows(quick)
    harness.progress(f"cycles: new processes ({time.perf_counter() - begun:.0f} s so far)")
    cold = cold_rows(quick)
    who = ("cfdyn (ms)", "C (ms)", "Newton (ms)", "C ÷ cfdyn", "Newton ÷ cfdyn", "right")
    return [
        Table("all cycles of maps of one variable", (*who, "points C finds", "points Newton finds"), line, LINE_NOTE),
        Table("all cycles in the plane", ("cfdyn (ms)", "Newton (ms)", "Newton ÷ cfdyn", "right", "points Newton finds"), plane,
              PLANE_NOTE),
        Table("the first call", ("caches empty (s)", "filled (s)"), cold, COLD_NOTE),
    ]  # fmt: skip


if __name__ == "__main__":
    report.main("cycles", run)
