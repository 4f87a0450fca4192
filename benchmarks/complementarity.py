"""How long does the semidefinite complementarity problem of the central flow take, and how exactly is it solved?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import harness
import numpy as np
import report
from harness import interleaved, ratio
from report import Goal, Row, Table

from cfdyn.kernels.edge.complementarity import complementarity

ORDERS = (1, 2, 3, 4, 8, 16)
FASTER = 50.0  # the target, up to k = 8

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]  # A (n, m), α (m,) and β = AᵀA (m, m), as packed vectors
NOTE = (
    "The same problems for all, α Gaussian and β = AᵀA with a Gaussian A of k(k+1)/2 + 2 rows; warm. Each solver gets the form "
    "that it takes: cvxpy A, the others β. cvxpy: one problem with α and A as parameters, solved again with Clarabel, as the "
    "published code of central flows does. Clarabel: called directly, without cvxpy's reformulation. Residual: the largest "
    "violation of X ⪰ 0, Z ⪰ 0, XZ = 0, in units of max(‖X‖, max|α|/max|β|) and max|α| + max Σ|β||x|."
)


def problems(k: int, count: int) -> list[Problem]:
    """Random problems in packed coordinates (off-diagonals times √2)."""
    rng, m = np.random.default_rng(k), k * (k + 1) // 2
    drawn = [(rng.normal(size=(m + 2, m)), rng.normal(size=m)) for _ in range(count)]
    return [(a, alpha, a.T @ a) for a, alpha in drawn]


def unpacked(x: np.ndarray, k: int) -> np.ndarray:
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


def ours(k: int) -> Callable[[Problem], np.ndarray]:
    def solve(problem: Problem) -> np.ndarray:
        _, alpha, beta = problem
        x = np.empty(alpha.size)
        complementarity(alpha, beta, x)
        return x

    return solve


def with_cvxpy(k: int) -> Callable[[Problem], np.ndarray] | None:
    cp = harness.peer("cvxpy")
    if cp is None or harness.peer("clarabel") is None:
        return None
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


def with_clarabel(k: int) -> Callable[[Problem], np.ndarray] | None:
    clarabel = harness.peer("clarabel")
    if clarabel is None:
        return None
    from scipy import sparse

    # Clarabel packs the upper triangle by columns.
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


def row(k: int, count: int, repeats: int) -> Row:
    """Microseconds for one problem and the largest residual, for each solver."""
    given = problems(k, count)
    solvers = {"cfdyn": ours(k), "cvxpy": with_cvxpy(k), "Clarabel": with_clarabel(k)}
    calls = {name: None if solve is None else lambda s=solve: [s(p) for p in given] for name, solve in solvers.items()}
    times = interleaved(calls, repeats)
    spent = {name: None if t is None else t.median / count * 1e6 for name, t in times.items()}
    cells: dict[str, Any] = {f"{name} (µs)": value for name, value in spent.items()}
    for other in ("cvxpy", "Clarabel"):
        cells[f"{other} ÷ cfdyn"] = ratio(spent[other], spent["cfdyn"])
    for name, solve in solvers.items():
        cells[f"residual of {name}"] = None if solve is None else f"{max(residual(p, solve(p), k) for p in given):.1e}"
    goals = (Goal(cells["cvxpy ÷ cfdyn"], FASTER, above=True),) if k <= 8 else ()
    return Row(f"k = {k}", cells, goals)


def run(quick: bool) -> list[Table]:
    """All orders; quick: fewer problems and repeats."""
    count, repeats = (5, 3) if quick else (20, harness.REPEATS)
    rows = []
    for k in ORDERS:
        harness.progress(f"complementarity: k = {k}")
        rows.append(row(k, count, repeats))
    who = ("cfdyn", "cvxpy", "Clarabel")
    columns = (*(f"{name} (µs)" for name in who), "cvxpy ÷ cfdyn", "Clarabel ÷ cfdyn", *(f"residual of {name}" for name in who))
    return [Table("semidefinite complementarity: one problem", columns, rows, NOTE)]


if __name__ == "__main__":
    report.main("complementarity", run)
