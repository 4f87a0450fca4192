"""A tanh net on real digits at its edge: what optimizers do there, beside the central flow, which knows nothing of the run.

64-32-32-4, 500 digits of four classes, mean squares, float64, seed 0. Optimizers are measured by themselves: midpoints
(w₋ + 2w + w₊)/4, eigenvalues by scipy's Arnoldi method. Flows start at the midpoint of a stated step of the optimizer.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigsh

import cfdyn as cf
from cfdyn.integrate.large import large_run
from cfdyn.series.slow_cycles import slow_cycles

pytestmark = pytest.mark.slow
EVERY = 5  # steps between measurements


@functools.cache
def network() -> Any:
    return cf.networks.mlp(cf.data.digits(classes=4, n=500), widths=(32, 32), seed=0)


class Case(NamedTuple):
    """An optimizer, its steps, the step at which flows start, and the one from which averages are taken."""

    name: str
    settings: tuple[tuple[str, float], ...]
    steps: int
    warm: int
    late: int

    @property
    def optimizer(self) -> Any:
        return getattr(cf.optimizers, self.name)(**dict(self.settings))


class Path(NamedTuple):
    """A flow at the steps ``t`` (m,): weights, rank of Σ, predicted loss, and predicted squares of each gradient (m, d)."""

    t: np.ndarray
    w: np.ndarray
    rank: np.ndarray
    loss: np.ndarray
    squares: np.ndarray


@functools.cache
def orbit(case: Case) -> Any:
    found = cf.iterate(cf.as_map(network(), case.optimizer), network().start, case.steps)
    assert found.status == "done"
    return found


def midpoints(z: np.ndarray) -> np.ndarray:
    """Row t − 1 is about step t."""
    return (z[:-2] + 2 * z[1:-1] + z[2:]) / 4


@functools.cache
def path(case: Case, name: str) -> Path:
    net, rows = network(), []
    run = large_run(cf.flows.get(name)(net, case.optimizer), net.start, warm=case.warm)
    steps = np.arange(case.warm + EVERY, case.steps, EVERY)
    for t in steps:
        run.advance(float(t - case.warm))
        assert run.status == ""
        g, (u, x) = net.gradient(run.w), run.covariance_factors
        curved = np.array([net.hvp(run.w, v) for v in u]).reshape(u.shape)
        rank = int((np.linalg.eigvalsh(x) > 1e-14).sum())
        rows.append((run.w, rank, net.value(run.w) + np.trace(x @ curved @ u.T) / 2, g**2 + ((x @ curved) * curved).sum(axis=0)))
    return Path(steps, *(np.array(column) for column in zip(*rows, strict=True)))


def distances(case: Case, name: str) -> np.ndarray:
    found = path(case, name)
    return np.linalg.norm(found.w - midpoints(orbit(case).w)[found.t - 1], axis=1)


@functools.cache
def leading(case: Case, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Steps, and the leading eigenvalues of P⁻¹H over θ at the optimizer's midpoints, descending, (m, count)."""
    step, z, found = cf.as_map(network(), case.optimizer), orbit(case).z, []
    d, steps, v0 = network().dim, np.arange(case.late, case.steps, EVERY), None
    for t in steps:
        held, w = midpoints(step.preconditioners(z[t - 1 : t + 2]))[0], midpoints(z[t - 1 : t + 2])[0, :d]
        root = 1 / np.sqrt(2 * held[:d])  # θP
        product = LinearOperator((d, d), matvec=lambda v, w=w, root=root: root * network().hvp(w, root * v.ravel()), dtype=float)
        values, vectors = eigsh(product, k=count, which="LA", tol=1e-4, v0=v0)
        v0 = vectors[:, -1]
        found.append(np.sort(values)[::-1])
    return steps, np.array(found)


def whole_cycles(case: Case) -> tuple[int, int]:
    """The steps from the first to the last maximum of the swing about the midpoints after ``late``."""
    swing = ((orbit(case).w[1:-1] - midpoints(orbit(case).w)) ** 2).sum(axis=1)
    cycles = slow_cycles(swing[case.late - 1 :])
    assert cycles
    return case.late + cycles[0][0], case.late + cycles[-1][1]


def loss_predicted(case: Case) -> float:
    """Predicted over measured mean loss, over whole slow cycles."""
    (first, last), found = whole_cycles(case), path(case, "central")
    steps = np.arange(first, last)
    return float(np.interp(steps, found.t, found.loss).mean() / orbit(case).loss[steps].mean())


def mean_squares(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """E g² of each coordinate after ``late``: of the central flow, and of the optimizer."""
    found = path(case, "central")
    measured = np.mean([network().gradient(w) ** 2 for w in orbit(case).w[case.late : case.steps]], axis=0)
    return found.squares[found.t >= case.late].mean(axis=0), measured


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def gd(lr: float, warm: int, late: int) -> Case:
    return Case("gd", (("lr", lr),), 900, warm, late)


@pytest.mark.parametrize(("case", "held", "ratio"), [(gd(0.6, 150, 160), 1, 13), (gd(0.75, 10, 60), 2, 13), (gd(1.0, 200, 210), 2, 10)])
def test_descent_is_at_the_edge_and_the_central_flow_beside_it(case, held, ratio):
    """As many eigenvalues at the edge as Σ has modes; the rest below. The first start is after the second of two modes has left."""
    values, found = leading(case)[1].mean(axis=0), path(case, "central")
    assert np.abs(values[:held] - 1).max() < 0.02 and values[held] < 0.98
    assert np.median(found.rank[found.t >= case.late + 50]) >= held - 0.5 and found.rank.max() == held
    assert np.median(distances(case, "gradient") / distances(case, "central")) > ratio
    assert loss_predicted(case) == pytest.approx(1, abs=0.02)
