"""How fast are many runs of stochastic gradient descent, against C with the same random numbers and a loop in NumPy?"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss
from measuring import Benchmark, BenchmarkError, Call, Goal, Plan, Row, Rows, c_function, race

bench = Benchmark("runs")

X = np.linspace(-2.0, 2.0, 12)
TABLE = np.column_stack([X, np.sin(2 * X)])
START, LR, SEED = np.array([0.3, -0.4, 0.1, 0.2, 0.5, -0.5]), 0.1, 7
LOSS = cf.Loss.from_spec(
    make_loss("(a1*tanh(w1*x + b1) + a2*tanh(w2*x + b2) - y)**2/2", "w1 w2 b1 b2 a1 a2".split(), {}, ["x", "y"], data=TABLE)
)
GD = cf.optimizers.gd(lr=LR)
RUNS, SHARE, LEAST = 200, "C ÷ cfdyn", 0.5
CHECKED = 50  # steps after which every run of every competitor must be at the same place


def by_cfdyn(batch: int, steps: int, threads: int = 1, **options: int) -> cf.Runs:
    """The runs, with statistics at their start alone."""
    options = {"every": steps + 1, "measured": 0} | options
    return cf.iterate_many(LOSS, GD, START, steps, batch, RUNS, SEED, threads=threads, **options)


def by_c(batch: int) -> Callable[[int], np.ndarray] | None:
    """So many steps in C; None without a compiler."""
    real, whole = ctypes.c_double, ctypes.c_long
    types = (ctypes.c_void_p, ctypes.c_void_p, whole, real, real, whole, whole, ctypes.c_uint64)
    descend = c_function(Path(__file__).parent / "problems/runs.c", "descend", whole, *types, B=str(batch))

    def call(steps: int) -> np.ndarray:
        states = np.tile(START, (RUNS, 1))
        descend(states.ctypes.data, TABLE.ctypes.data, len(TABLE), LR, 1e15, steps, RUNS, SEED)
        return states

    return descend and call


def by_numpy(batch: int, steps: int) -> np.ndarray:
    """All runs at once, each step an array operation; the random numbers are NumPy's own."""
    w, rng = np.tile(START[:, None, None], (1, RUNS, 1)), np.random.default_rng(SEED)
    for _ in range(steps):
        x, y = TABLE[rng.integers(len(TABLE), size=(RUNS, batch))].transpose(2, 0, 1)
        hidden = np.tanh(w[:2] * x + w[2:4])
        error = ((w[4:] * hidden).sum(axis=0) - y) / batch
        slope = error * w[4:] * (1 - hidden**2)
        w = w - LR * np.concatenate([slope * x, slope, error * hidden]).sum(axis=2, keepdims=True)
    return w[:, :, 0].T


def check(batch: int) -> None:
    """C makes the same runs as cfdyn, and NumPy some with the same mean, within 6 standard errors.

    Raises
    ------
    BenchmarkError : one of them computes something else
    """
    ours, c, theirs = by_cfdyn(batch, CHECKED).final, by_c(batch), by_numpy(batch, CHECKED)
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / RUNS)
    far = (abs(theirs.mean(axis=0) - ours.mean(axis=0)) > 6 * error).any()
    if far or c and not np.allclose(c(CHECKED), ours, rtol=1e-8, atol=1e-8):
        raise BenchmarkError(f"the competitors do not make the same runs with {batch} rows in a batch")


@bench.table(f"{RUNS} runs, batches drawn with replacement: ns per step", ("cfdyn", "C", "NumPy", SHARE, "NumPy ÷ cfdyn"))
def stochastic(plan: Plan) -> Rows:
    """Two hidden tanh units on 12 points of sin 2x, 6 weights, one thread. C is compiled for this loss and this batch
    (`cc -O3 -march=native -ffp-contract=off`) and draws the same rows by the same generator; cfdyn calls the compiled step of
    the optimizer on what was drawn. NumPy takes a step of all runs at once, with its own generator. Nobody computes
    statistics, of which the last table tells."""
    steps = plan.pick(1000, 4000)
    for batch in (1, 2, 4, 8):
        check(batch)
        c = by_c(batch)
        calls: dict[str, Call | None] = {
            "cfdyn": lambda b=batch: by_cfdyn(b, steps), "C": c and (lambda c=c: c(steps)),
            "NumPy": lambda b=batch: by_numpy(b, steps // 10),
        }  # fmt: skip
        cells = race(calls, plan.repeats, "ns", RUNS * steps, {"NumPy": 0.1}, "{name}")
        yield Row(f"batch = {batch}", cells, (Goal(cells[SHARE], LEAST, above=True),))


@bench.table(f"the same with statistics, batch = 2, {RUNS} runs: ns per step")
def statistics(plan: Plan) -> Rows:
    """What means, covariances, quantiles and losses at a hundred steps cost beside the runs, and what the sharpness of each
    run does; two threads spend no more processor time than one."""
    steps = plan.pick(1000, 4000)
    for name, options in (
        ("none", {}), ("at 100 steps", {"every": steps // 100}), ("and sharpness", {"every": steps // 100, "measured": RUNS}),
        ("in two threads", {"every": steps // 100, "measured": RUNS, "threads": 2}),
    ):  # fmt: skip
        calls: dict[str, Call | None] = {"cfdyn": lambda o=options: by_cfdyn(2, steps, **o)}
        yield Row(name, race(calls, plan.repeats, "ns", RUNS * steps, label="{name}"))


if __name__ == "__main__":
    bench.main()
