"""How long does the semidefinite complementarity problem of the central flow take, and how exactly is it solved?"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np

from cfdyn.integrate._kernels.edge.complementarity import complementarity
from measuring import Benchmark, Goal, Plan, Row, Rows, needs, race

bench = Benchmark("complementarity")

ORDERS = (1, 2, 3, 4, 8, 16)
FASTER = 50.0  # the target, up to k = 8
WHO = ("cfdyn", "cvxpy", "Clarabel")
COLUMNS = (*(f"{name} (µs)" for name in WHO), *(f"{name} ÷ cfdyn" for name in WHO[1:]), *(f"residual of {name}" for name in WHO))

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]  # A (n, m), α (m,) and β = AᵀA (m, m), as packed vectors
Solve = Callable[[Problem], np.ndarray]


@bench.table("semidefinite complementarity: one problem", COLUMNS)
def solved(plan: Plan) -> Rows:
    """The same problems for all, α Gaussian and β = AᵀA with a Gaussian A of k(k+1)/2 + 2 rows; warm. Each solver gets the
    form that it takes: cvxpy A, the others β. cvxpy: one problem with α and A as parameters, solved again with Clarabel, as
    the published code of central flows does. Clarabel: called directly, without cvxpy's reformulation. Residual: the largest
    violation of X ⪰ 0, Z ⪰ 0, XZ = 0, in units of max(‖X‖, max|α|/max|β|) and max|α| + max Σ|β||x|. cfdyn: the kernel that a
    step of a flow calls; there is no public call of it."""
    for k in ORDERS:
        given = problems(k, plan.pick(5, 20))
        solvers = dict(zip(WHO, (ours, with_cvxpy(k), with_clarabel(k))))
        calls = {name: solve and (lambda s=solve, given=given: [s(p) for p in given]) for name, solve in solvers.items()}
        cells = race(calls, plan.repeats, "µs", len(given))
        for name, solve in solvers.items():
            cells[f"residual of {name}"] = solve and f"{max(residual(p, solve(p), k) for p in given):.1e}"
        yield Row(f"k = {k}", cells, (Goal(cells["cvxpy ÷ cfdyn"], FASTER, above=True),) if k <= 8 else ())


def problems(k: int, count: int) -> list[Problem]:
    """Random problems in packed coordinates (off-diagonals times √2)."""
    rng, m = np.random.default_rng(k), k * (k + 1) // 2
    drawn = [(rng.normal(size=(m + 2, m)), rng.normal(size=m)) for _ in range(count)]
    return [(a, alpha, a.T @ a) for a, alpha in drawn]


def unpacked(x: np.ndarray, k: int) -> np.ndarray:
    """The symmetric matrix (k, k) of a packed vector."""
    matrix = np.zeros((k, k))
    i, j = np.triu_indices(k)
    matrix[i, j] = matrix[j, i] = np.where(i == j, 1.0, np.sqrt(0.5)) * x
    return matrix


def residual(problem: Problem, x: np.ndarray, k: int) -> float:
    """The largest scaled violation of the three conditions."""
    _, alpha, beta = problem
    scale = np.abs(alpha).max() + (np.abs(beta) @ np.abs(x)).max()
    # Where X = 0 an interior-point method leaves a small X, which its own size would make a large violation.
    size = max(float(np.abs(x).max()), np.abs(alpha).max() / np.abs(beta).max())
    first, second = unpacked(x / size, k), unpacked((alpha + beta @ x) / scale, k)
    return max(-np.linalg.eigvalsh(first)[0], -np.linalg.eigvalsh(second)[0], np.abs(first @ second).max()) + 0.0


def ours(problem: Problem) -> np.ndarray:
    """cfdyn's kernel."""
    _, alpha, beta = problem
    x = np.empty(alpha.size)
    complementarity(alpha, beta, x)
    return x


@needs("cvxpy", "clarabel")
def with_cvxpy(cp: ModuleType, _: ModuleType, k: int) -> Solve:
    """A problem of cvxpy that is compiled once."""
    i, j = np.triu_indices(k)
    m, weight = len(i), np.where(i == j, 1.0, np.sqrt(2.0))
    pick = np.zeros((m, k * k))
    pick[np.arange(m), i * k + j] = weight
    a, alpha, x = cp.Parameter((m + 2, m)), cp.Parameter(m), cp.Variable((k, k), PSD=True)
    packed = pick @ cp.reshape(x, (k * k,), order="C")
    task = cp.Problem(cp.Minimize(alpha @ packed + cp.sum_squares(a @ packed) / 2))

    def solve(problem: Problem) -> np.ndarray:
        a.value, alpha.value, _ = problem
        task.solve(solver="CLARABEL")
        return weight * x.value[i, j]

    return solve


@needs("clarabel", "scipy.sparse")
def with_clarabel(clarabel: ModuleType, sparse: ModuleType, k: int) -> Solve:
    """Clarabel itself, which packs the upper triangle by columns."""
    i, j = np.triu_indices(k)
    order = np.lexsort((i, j))
    m, settings = len(i), clarabel.DefaultSettings()
    settings.verbose = False
    constraint, cones = sparse.csc_matrix(-np.eye(m)), [clarabel.PSDTriangleConeT(k)]

    def solve(problem: Problem) -> np.ndarray:
        _, alpha, beta = problem
        quadratic = sparse.csc_matrix(np.triu(beta[np.ix_(order, order)]))
        solver = clarabel.DefaultSolver(quadratic, alpha[order], constraint, np.zeros(m), cones, settings)
        x = np.empty(m)
        x[order] = solver.solve().x
        return x

    return solve


if __name__ == "__main__":
    bench.main()
