"""How long does it take to find all cycles of a period, and are they all found?"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import cfdyn as cf
from measuring import Benchmark, Call, Cells, Goal, Plan, Row, Rows, c_function, race
from measuring.processes import Caches, fresh
from measuring.report import HERE
from problems.maps import henon

bench = Benchmark("cycles")


@dataclass(frozen=True)
class Full:
    """A full map of one variable: its formula and parameters, the same in C, in NumPy with its slope, and what is known."""

    formula: str
    params: dict[str, float]
    c: str
    step: Callable
    slope: Callable
    box: tuple[float, float]
    laps: int
    last: int  # period


LINE = {
    "logistic map, r = 4": Full("r*x*(1-x)", {"r": 4.0}, "4*x*(1-x)", lambda x: 4 * x * (1 - x), lambda x: 4 - 8 * x,
                                (0, 1), 2, 12),
    "cubic, full": Full("3*x - x**3", {}, "3*x - x*x*x", lambda x: 3 * x - x**3, lambda x: 3 - 3 * x**2, (-2, 2), 3, 8),
}  # fmt: skip
SCAN = HERE / "problems" / "scan.c"
HENON = (2, 1, 0, 1, 0, 2, 4, 7, 6, 10, 14)  # numbers of prime cycles
MILLISECONDS = 5.0  # for all periods up to 12 of the logistic map, with everything compiled
COLD = 3.0  # seconds for compiling the kernels

FIRST = """
import sys, time, cfdyn as cf
step = cf.Map.from_text('r*x*(1-x)', params={'r': 3.9})
cf.iterate(step, [0.1], 3)
[step.rule(what) for what in ('jacobian', 'interval:jacobian')]
begun = time.process_time()
cf.analysis.cycles(step, 3, [(0, 1)])
sys.stderr.write(f'took {time.process_time() - begun}')
"""


def prime(laps: int, n: int) -> int:
    """Prime cycles of a full map with so many laps."""
    return (laps**n - sum(d * prime(laps, d) for d in range(1, n) if n % d == 0)) // n


@bench.table("all cycles of maps of one variable",
             ("cfdyn (ms)", "C (ms)", "Newton (ms)", "C ÷ cfdyn", "Newton ÷ cfdyn", "right", "points C finds",
              "points Newton finds"))  # fmt: skip
def line(plan: Plan) -> Rows:
    """All periods from 1 up to the last one, box and map given, everything compiled. Right: the numbers of prime cycles known
    in closed form, (1/n) Σ μ(n/d) bᵈ over the divisors d of n with b laps, and said to be all. C and Newton find what they
    can: C bisects sign changes of fⁿ(x) − x on a grid of 40 points for each lap of fⁿ; Newton starts at 20 random points for
    each solution, in NumPy, all at once."""
    for name, full in LINE.items():
        last = plan.pick(min(full.last, 8), full.last)
        known = [prime(full.laps, n) for n in range(1, last + 1)]
        peers = {"C": scan(full, last), "Newton": newton_line(full, last)}
        cells, right = found_cells(cf.Map.from_text(full.formula, params=full.params), [full.box], known, peers, plan)
        goals = [Goal(right, 1.0, above=True)]
        if full.params and not plan.quick:
            goals.append(Goal(cells["cfdyn (ms)"], MILLISECONDS))
        yield Row(f"{name}, n ≤ {last}", cells, tuple(goals))


@bench.table("all cycles in the plane", ("cfdyn (ms)", "Newton (ms)", "Newton ÷ cfdyn", "right", "points Newton finds"))
def plane(plan: Plan) -> Rows:
    """The Hénon map (1.4, 0.3), box [−2, 2]²: numbers of prime cycles 2 1 0 1 0 2 4 7 6 10 14 for n = 1…11. Newton: on
    fⁿ(z) − z from 2000 random starts of the attractor's hull for each n, in NumPy, all at once."""
    last = plan.pick(7, 11)
    cells, right = found_cells(henon(), [(-2, 2), (-2, 2)], HENON[:last], {"Newton": newton_plane(last)}, plan)
    yield Row(f"Hénon map, n ≤ {last}", cells, (Goal(right, 1.0, above=True),))


def found_cells(step: cf.Map, box: list, known: Any, peers: dict[str, Call | None], plan: Plan) -> tuple[Cells, float]:
    """Times of all periods with known numbers of prime cycles, how many of them we get right, how many points peers find."""
    last = len(known)

    def ours() -> list:
        return [cf.analysis.cycles(step, n, box) for n in range(1, last + 1)]

    cells = race({"cfdyn": ours, **peers}, plan.repeats, "ms")
    right = sum(found.complete and len(found) == count for found, count in zip(ours(), known))
    points = sum(d * known[d - 1] for n in range(1, last + 1) for d in range(1, n + 1) if n % d == 0)
    counts = {f"points {who} finds": find and f"{sum(find())} of {points}" for who, find in peers.items()}  # type: ignore[arg-type]
    return {**cells, "right": f"{right} of {last}", **counts}, right / last


def scan(full: Full, last: int) -> Callable[[], list[int]] | None:
    """Numbers of points that C finds fixed by fⁿ, n = 1…last."""
    types = (ctypes.c_int, ctypes.c_double, ctypes.c_double, ctypes.c_long, ctypes.c_void_p, ctypes.c_long)
    function = c_function(SCAN, "scan", ctypes.c_long, *types, RULE=full.c)
    if function is None:
        return None
    out = np.empty(2 * full.laps**last)
    lo, hi = full.box[0] - 1e-3, full.box[1] + 1e-3  # the grid avoids the ends, where the full maps have their fixed points
    return lambda: [function(n, lo, hi, 40 * full.laps**n + 7, out.ctypes.data, len(out)) for n in range(1, last + 1)]


def newton_line(full: Full, last: int) -> Call:
    """Numbers of distinct zeros of fⁿ(x) − x that Newton reaches from random starts."""

    lo, hi = full.box

    def zeros(n: int) -> int:
        x = np.random.default_rng(n).uniform(lo, hi, 20 * full.laps**n)
        with np.errstate(all="ignore"):
            for _ in range(30):
                y, d = x, np.ones_like(x)
                for _ in range(n):
                    y, d = full.step(y), d * full.slope(y)
                x = x - (y - x) / (d - 1)
        return distinct(x[np.isfinite(x) & (x >= lo - 1e-9) & (x <= hi + 1e-9)], 1e-3 / full.laps ** (2 * n))

    return lambda: [zeros(n) for n in range(1, last + 1)]


def newton_plane(last: int) -> Call:
    """Numbers of distinct points of the Hénon map fixed by fⁿ that Newton reaches, n = 1…last."""

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
        return distinct(x[(np.hypot(u - x, v - y) < 1e-9) & (np.abs(x) < 2) & (np.abs(y) < 2)], 1e-7)

    return lambda: [zeros(n) for n in range(1, last + 1)]


def distinct(x: np.ndarray, apart: float) -> int:
    """How many numbers are farther apart than that."""
    return int((np.diff(np.sort(x)) > apart).sum()) + (len(x) > 0)


@bench.table("the first call")
def first_call(plan: Plan) -> Rows:
    """Processor seconds of new processes that find the 3-cycles of the logistic map: caches empty, and filled."""
    samples: list[tuple[float, float]] = []
    for _ in range(plan.pick(1, 3)):
        environment = Caches().environment
        empty, filled = (float(fresh(["-c", FIRST], environment).errors.rsplit("took ", 1)[1]) for _ in range(2))
        samples.append((empty, filled))
    least = [min(seconds) for seconds in zip(*samples)]
    cells = dict(zip(("caches empty (s)", "filled (s)"), least))
    yield Row("kernels for maps of one variable", cells, (Goal(least[0], COLD),))


if __name__ == "__main__":
    bench.main()
