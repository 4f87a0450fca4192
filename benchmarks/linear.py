"""Why is there linear algebra of our own? What kernels call beside LAPACK as numba calls it, for small matrices."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np

from cfdyn.kernels.linear import cholesky, lu
from cfdyn.kernels.linear.symmetric import eigh
from cfdyn.machine.jit import kernel, pointer
from measuring import Benchmark, Goal, Plan, Row, Rows, race

bench = Benchmark("linear")

ORDERS = (2, 4, 8, 16)
CALLS = 200  # in one loop: a call from Python would take longer than what is measured
FASTER = 1.3  # what is no faster than that had better be LAPACK's
COLUMNS = ("cfdyn (ns)", "LAPACK (ns)", "LAPACK ÷ cfdyn")
lapack = numba.njit(nogil=True, error_model="numpy")


@kernel
def own_eigh(a, values, vectors, work):
    for _ in range(CALLS):
        eigh(a, values, vectors, work)


@lapack
def their_eigh(a, values):
    for _ in range(CALLS):
        values[:] = np.linalg.eigh(a)[0]


@kernel
def own_solve(rows, memory, pivots):
    n = rows.shape[1]
    for _ in range(CALLS):
        for i in range(n + 1):
            for j in range(n):
                memory[i, j] = rows[i, j]
        lu.factor(n, memory, pivots, 0)
        lu.solve(n, memory, pivots, 0)


@lapack
def their_solve(rows, x):
    n = rows.shape[1]
    for _ in range(CALLS):
        x[:] = np.linalg.solve(rows[:n], rows[n])


@kernel
def own_cholesky(n, a, factor, inverse, b, x):
    wide = a.shape[1]
    for _ in range(CALLS):
        for i in range(wide):
            for j in range(wide):
                factor[i, j] = a[i, j]
            b[i] = 1.0
        cholesky.triangle(n, 0, wide, 1e-300, pointer(factor, 0), pointer(inverse, 0))
        cholesky.solve(n, pointer(factor, 0), wide, pointer(inverse, 0), pointer(b, 0), pointer(x, 0))


@lapack
def their_cholesky(a, b, x):
    for _ in range(CALLS):
        lower = np.linalg.cholesky(a)
        x[:] = np.linalg.solve(lower.T, np.linalg.solve(lower, b))


def rows(plan: Plan, pair: Callable[[np.ndarray], tuple[Callable[[], object], Callable[[], object]]]) -> Rows:
    """A row for each order: the same random matrix for both."""
    for n in ORDERS:
        ours, theirs = pair(np.random.default_rng(n).normal(size=(n, n)))
        cells = race({"cfdyn": ours, "LAPACK": theirs}, plan.repeats, "ns", CALLS)
        yield Row(f"{n} × {n}", cells, (Goal(cells["LAPACK ÷ cfdyn"], FASTER, above=True),))
    return None


@bench.table("small matrices: eigenvalues and vectors, symmetric", COLUMNS)
def eigenvalues(plan: Plan) -> Rows:
    """`kernels/linear/symmetric.py` beside numpy.linalg.eigh, both called from machine code."""

    def pair(a: np.ndarray) -> tuple[Callable[[], object], Callable[[], object]]:
        n, s = len(a), a + a.T
        memory = np.empty(n), np.empty((n, n)), np.empty(n * n + 2 * n)
        return lambda: own_eigh(s, *memory), lambda: their_eigh(s, memory[0])

    return (yield from rows(plan, pair))


@bench.table("small matrices: a linear system", COLUMNS)
def systems(plan: Plan) -> Rows:
    """`kernels/linear/lu.py` beside numpy.linalg.solve."""

    def pair(a: np.ndarray) -> tuple[Callable[[], object], Callable[[], object]]:
        n, given = len(a), np.vstack([a, np.ones(len(a))])
        memory, pivots, x = given.copy(), np.zeros((5, n), np.int64), np.empty(n)
        return lambda: own_solve(given, memory, pivots), lambda: their_solve(given, x)

    return (yield from rows(plan, pair))


@bench.table("small matrices: a positive definite system", COLUMNS)
def definite(plan: Plan) -> Rows:
    """`kernels/linear/cholesky.py`, four numbers at a time, beside numpy.linalg.cholesky and two solutions."""

    def pair(a: np.ndarray) -> tuple[Callable[[], object], Callable[[], object]]:
        n, p = len(a), a @ a.T + len(a) * np.eye(len(a))
        wide = np.eye(-(-n // 4) * 4)
        wide[:n, :n] = p
        memory = wide.copy(), *(np.empty(len(wide)) for _ in range(3))
        one, x = np.ones(n), np.empty(n)
        return lambda: own_cholesky(n, wide, *memory), lambda: their_cholesky(p, one, x)

    return (yield from rows(plan, pair))


if __name__ == "__main__":
    bench.main()
