"""How fast are sections and Lyapunov exponents of flows, beside SciPy's integrator of the same order?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

import cfdyn as cf
from measuring import Benchmark, BenchmarkError, Goal, Plan, Row, Rows, measure, ratio

bench = Benchmark("equations")

LORENZ = "s*(y-x); x*(r-z)-y; x*y-b*z", "x y z", {"s": 10.0, "r": 28.0, "b": 8 / 3}
ROSSLER = "-y - z; x + a*y; b + z*(x - c)", "x y z", {"a": 0.2, "b": 0.2, "c": 5.7}
VAN_DER_POL = "y; mu*(1 - x**2)*y - x", "x y", {"mu": 1.0}
FASTER, AGREE = 30.0, 1e-8  # times SciPy; of the size of a point
TIMES = {"rtol": 1e-12, "atol": 1e-14, "method": "DOP853"}
Slope = Callable[[float, np.ndarray], Any]


def lorenz(t: float, z: np.ndarray) -> list[float]:
    x, y, w = z
    return [10.0 * (y - x), x * (28.0 - w) - y, x * y - 8 / 3 * w]


def rossler(t: float, z: np.ndarray) -> list[float]:
    x, y, w = z
    return [-y - w, x + 0.2 * y, 0.2 + w * (x - 5.7)]


def van_der_pol(t: float, z: np.ndarray) -> list[float]:
    x, y = z
    return [y, (1 - x * x) * y - x]


SECTIONS = (("Lorenz, z = 27", LORENZ, "z = 27", lorenz, 2, 27.0, [-4.4, -1.3]),
            ("Rössler, y = 0", ROSSLER, "y = 0", rossler, 1, 0.0, [-7.0, 0.03]),
            ("van der Pol, y = 0", VAN_DER_POL, "y = 0", van_der_pol, 1, 0.0, [1.5]))  # fmt: skip


@bench.table("sections of flows", ("steps of a map a second", "with its Jacobian", "SciPy", "SciPy ÷ cfdyn"))
def sections(plan: Plan) -> Rows:
    """From one crossing, on the way down, to the next, one after the other, both with rtol 1e-12 and atol 1e-14 by DOP853:
    `cf.poincare_map` beside `solve_ivp` with a terminal event and the equations in Python. The first images agree to 10⁻⁸."""
    count, few = plan.pick(100, 1000), plan.pick(5, 20)
    for name, equations, surface, slope, place, level, start in SECTIONS:
        step = cf.poincare_map(cf.Flow.from_text(*equations), surface, "down")
        x = np.array(start)
        theirs = scipy_step(slope, place, level)
        full = theirs(step.full(x))
        if not np.abs(step.full(step(x)) - full).max() <= AGREE * np.abs(full).max():
            raise BenchmarkError(f"{name}: {step.full(step(x))} is not {full}")
        ours = measure(lambda step=step, x=x: many(step.step, x, count), plan.repeats) / count
        tangents = measure(lambda step=step, x=x: many(lambda z: step.tangent(z)[0], x, count), plan.repeats) / count
        other = measure(lambda step=step, x=x, theirs=theirs: many(theirs, step.full(x), few), plan.repeats) / few
        times = ratio(other, ours)
        cells = {"steps of a map a second": 1 / ours, "with its Jacobian": 1 / tangents, "SciPy": 1 / other,
                 "SciPy ÷ cfdyn": times}  # fmt: skip
        yield Row(name, cells, (Goal(times, FASTER, above=True),))


def many(step: Callable[[np.ndarray], np.ndarray], x: np.ndarray, count: int) -> np.ndarray:
    """So many steps."""
    for _ in range(count):
        x = step(x)
    return x


def scipy_step(slope: Slope, place: int, level: float) -> Callable[[np.ndarray], np.ndarray]:
    """The next crossing of a level on the way down."""

    def gap(t: float, z: np.ndarray) -> float:
        return z[place] - level if t > 1e-9 else 1.0

    gap.terminal, gap.direction = True, -1  # type: ignore[attr-defined]

    def step(z: np.ndarray) -> np.ndarray:
        begun = solve_ivp(slope, (0.0, 1e-2), z, **TIMES).y[:, -1]
        return solve_ivp(slope, (1e-2, 1000.0), begun, events=gap, **TIMES).y[:, -1]

    return step


@bench.table("Lyapunov exponents of a flow", ("time (s)", "SciPy (s)", "SciPy ÷ cfdyn", "sum + s + 1 + b", "SciPy's sum"))
def exponents(plan: Plan) -> Rows:
    """All three of the Lorenz flow over some units of time. Both DOP853 with rtol 1e-10 for the path and its tangents; SciPy: a
    loop in NumPy with the equations in Python, tangents orthonormal again after each half unit. The sum is −(s + 1 + b)."""
    flow, time = cf.Flow.from_text(*LORENZ), plan.pick(50, 1000)
    theirs_time = min(time, 100)
    ours = measure(lambda: cf.analysis.lyapunov_spectrum(flow, [1.0, 1.0, 20.0], time, 0), plan.repeats)
    other = measure(lambda: scipy_exponents(theirs_time), 1) * time / theirs_time
    found = cf.analysis.lyapunov_spectrum(flow, [1.0, 1.0, 20.0], time, 0)
    exact, times = 10 + 1 + 8 / 3, ratio(other, ours)
    yield Row(f"Lorenz, {time} units of time", {
        "time (s)": ours, "SciPy (s)": other, "SciPy ÷ cfdyn": times, "sum + s + 1 + b": f"{abs(found.total + exact):.0e}",
        "SciPy's sum": f"{abs(scipy_exponents(theirs_time).sum() + exact):.0e}"}, (Goal(times, FASTER, above=True),))  # fmt: skip


def scipy_exponents(time: float) -> np.ndarray:
    """By a loop over half units."""

    def slope(t: float, both: np.ndarray) -> np.ndarray:
        x, y, w = both[:3]
        matrix = np.array([[-10.0, 10.0, 0.0], [28.0 - w, -1.0, -x], [y, x, -8 / 3]])
        return np.concatenate([lorenz(t, both[:3]), (matrix @ both[3:].reshape(3, 3)).ravel()])

    z, q, sums = np.array([1.0, 1.0, 20.0]), np.eye(3), np.zeros(3)
    for _ in range(round(2 * time)):
        both = solve_ivp(slope, (0.0, 0.5), np.concatenate([z, q.ravel()]), method="DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
        z = both[:3]
        q, triangle = np.linalg.qr(both[3:].reshape(3, 3))
        sums += np.log(np.abs(np.diag(triangle)))
    return sums / time


if __name__ == "__main__":
    bench.main()
