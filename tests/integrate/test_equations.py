"""The equations of the central flow against differences: of both suppliers, where a factor of 2 would be seen."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.integrate.equations import Rates, damped, force, packed, rates, unpacked
from cfdyn.integrate.supply.dense import Dense
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

o = cf.optimizers
OPTIMIZERS = [
    o.gd(lr=0.3), o.gd(lr=0.3, weight_decay=0.1), o.heavy_ball(lr=0.5, momentum=0.6), o.nesterov(lr=0.4, momentum=0.5),
    o.rmsprop(lr=0.1, beta2=0.9), o.scalar_rmsprop(lr=0.1, beta2=0.9), o.adam(lr=0.1, beta1=0.5, beta2=0.9, bias_correction=False),
    o.adagrad(lr=0.2),
]  # fmt: skip
TURN = np.linalg.qr(np.random.default_rng(2).normal(size=(2, 2)))[0]
X = np.array([[0.03, 0.01], [0.01, 0.02]])
EPS = 1e-5


class AtEdge:
    """A cubic loss of four weights at 0, where the first two modes are at the edge of an optimizer, with both of its flows."""

    def __init__(self, optimizer):
        rng, names = np.random.default_rng(1), ["a", "b", "c", "d"]
        bent, slope = rng.normal(size=(4, 4, 4)), rng.normal(size=4)
        states = MatrixFreeFlow("central", "central", cf.Loss("a**2 + b**2 + c**2 + d**2", names), optimizer)
        self.z = np.concatenate([np.zeros(4), rng.uniform(0.5, 1.5, states.dim - 4)])
        metric = np.broadcast_to(states.edge(self.z).metric, 4)
        curvature = metric * [2.0, 2.0, 1.2, 0.5] - states.decay
        parts = [f"({slope[i]})*{v} + ({curvature[i] / 2})*{v}**2" for i, v in enumerate(names)]
        cubic = [f"({bent[i, j, k] / 6})*{p}*{q}*{r}" for i, p in enumerate(names) for j, q in enumerate(names) for k, r in enumerate(names)]
        self.loss = cf.Loss(" + ".join(parts + cubic), names)
        self.flow, self.dense = MatrixFreeFlow("central", "central", self.loss, optimizer), cf.flows.central(self.loss, optimizer)
        self.u = TURN @ np.eye(4)[:2] / np.sqrt(metric)
        self.thirds = np.array([self.loss.curvature_gradient(self.z[:4], self.u[i], self.u[j]) for i, j in ((0, 0), (0, 1), (1, 1))])
        self.g = self.flow.gradient(self.z[:4])
        self.edge = self.flow.edge(self.z, self.g)

    def gap(self, z):
        """u_iᵀ(2Q − H)u_j of the same u at other states (2, 2)."""
        hessian = self.loss.hessian(z[:4]) + self.flow.decay * np.eye(4)
        return self.u @ (2 * np.diag(np.broadcast_to(self.flow.edge(z).metric, 4)) - hessian) @ self.u.T

    def gap_rate(self, velocity):
        return (self.gap(self.z + EPS * velocity) - self.gap(self.z - EPS * velocity)) / (2 * EPS)

    def averaged(self):
        """The mean velocity of points about w with the covariance UᵀXU: exact, as g is quadratic in w, and f is in g."""
        root = np.linalg.cholesky(self.u.T @ X @ self.u + 1e-15 * np.eye(4)) * 2.0
        points = [sign * column for column in root.T for sign in (1, -1)]  # ±√4 times each column: their mean square is Σ
        means, hessian = [], self.loss.hessian(self.z[:4]) + self.flow.decay * np.eye(4)
        for off in points:
            w = self.flow.slope(self.z, self.flow.gradient(self.z[:4] + off))[:4]
            means.append(np.concatenate([w, self.flow.slope(self.z, self.g + hessian @ off)[4:]]))
        return np.mean(means, axis=0)


@pytest.fixture(scope="module", params=OPTIMIZERS, ids=str)
def case(request):
    return AtEdge(request.param)


def test_the_flow_is_the_mean_over_its_oscillation(case):
    """w′ = −M(g + ½∇⟨H, Σ⟩) and s′ = f + ½⟨∇²f, HΣH⟩ are what points that are spread by Σ do on average, of both suppliers."""
    push = force(X, case.edge, case.u, case.thirds, bool(case.flow.own.states))
    np.testing.assert_allclose(case.flow.slope(case.z, case.g, push), case.averaged(), rtol=1e-8, atol=1e-10)
    dense = Dense(case.dense)
    _, b = dense.forces(case.z, case.u)
    np.testing.assert_allclose(dense.drift(case.z) + packed(X) @ b, case.averaged(), rtol=1e-8, atol=1e-10)


def test_the_gap_moves_as_differences_say(case):
    """Z′ = α + β[X] along the mean velocity, and α without oscillation, of both suppliers."""
    found = rates(case.flow, case.flow.slope(case.z, case.g), case.edge, case.u, case.thirds)
    dense = Dense(case.dense)
    a, b = dense.forces(case.z, case.u)
    for one in (found, Rates(a @ dense.drift(case.z), a @ b.T)):
        np.testing.assert_allclose(unpacked(one.alpha, 2), case.gap_rate(case.flow.slope(case.z, case.g)), rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(unpacked(one.alpha + one.beta @ packed(X), 2), case.gap_rate(case.averaged()), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("optimizer", OPTIMIZERS[:2], ids=str)
def test_the_gap_of_weights_that_move_less_along_some_axes(optimizer):
    """w moves by (1 − 0.4 Σ axis axisᵀ) of what it would, as in the central map of gradient descent."""
    case, axes = AtEdge(optimizer), np.linalg.qr(np.random.default_rng(3).normal(size=(4, 2)))[0].T
    slope, velocity = case.flow.slope(case.z, case.g), case.averaged()
    found = damped(rates(case.flow, slope, case.edge, case.u, case.thirds), case.thirds, axes, 0.4, slope, float(case.edge.speed))
    moved = case.gap_rate(velocity - 0.4 * axes.T @ (axes @ velocity))
    np.testing.assert_allclose(unpacked(found.alpha + found.beta @ packed(X), 2), moved, rtol=1e-6, atol=1e-8)
