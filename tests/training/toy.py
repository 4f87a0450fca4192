"""A loss whose sharpness rises to the edge and is held there, written out in numpy, and a flow of it for runs without JAX."""

from types import SimpleNamespace

import numpy as np

import cfdyn as cf
from cfdyn.integrate.options import Options
from cfdyn.training import models

LR = 0.25


class Toy:
    """L = ½ Σ (yᵢxᵢ² + aᵢ(yᵢ − cᵢ)²): curvatures y of x that rise towards c beyond the edge; dim 4."""

    title = "toy"
    dim = 4

    def __init__(self, start=(0.05, 0.03, 7.8, 7.5), rows=0):
        self.start, self.n_rows = np.array(start), rows
        self.a, self.c = np.array([0.05, 0.05]), np.array([9.0, 8.6])
        self.shifts = np.random.default_rng(1).normal(size=(rows, 4)) * 0.02

    def value(self, w):
        x, y = w[:2], w[2:]
        return float(np.sum(y * x**2) / 2 + np.sum(self.a * (y - self.c) ** 2) / 2)

    def gradient(self, w, rows=None):
        x, y = w[:2], w[2:]
        found = np.concatenate([y * x, x**2 / 2 + self.a * (y - self.c)])
        return found if rows is None else found + (self.shifts[rows] - self.shifts.mean(axis=0)).mean(axis=0)

    def hessian(self, w):
        x, y = w[:2], w[2:]
        return np.block([[np.diag(y), np.diag(x)], [np.diag(x), np.diag(self.a)]])

    def hvp(self, w, v):
        return self.hessian(w) @ v

    def sharpness(self, w):
        return float(np.linalg.eigvalsh(self.hessian(w))[-1])


class StableRun:
    """dw/dt = −η∇L by Runge and Kutta in steps of at most 1/8: what `cfdyn.integrate.large.idle_run` gives, for tests."""

    theta, status, notes, summary, options = 2.0, "", (), (), Options(1e-6, 1e-8)

    def __init__(self, flow):
        self.flow, self.t, self.count, self.oracle = flow, 0.0, 0, self

    def begin(self, z):
        self.w = np.array(z[: self.flow.network.dim])

    def advance(self, t):
        steps = max(1, int(np.ceil((t - self.t) * 8)))
        h, field = (t - self.t) / steps, lambda w: -self.flow.lr * self.flow.network.gradient(w)
        for _ in range(steps):
            k1 = field(self.w)
            k2 = field(self.w + h / 2 * k1)
            k3 = field(self.w + h / 2 * k2)
            self.w = self.w + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(self.w + h * k3))
            self.count += 4
        self.t = t

    @property
    def eigenvalues(self):
        return self.flow.lr * np.linalg.eigvalsh(self.flow.network.hessian(self.w))[::-1]

    @property
    def covariance_factors(self):
        return np.zeros((0, len(self.w))), np.zeros((0, 0))

    def equivalents(self):
        return self.count

    def snapshot(self):
        return {"w": self.w, "t": np.array(self.t), "count": np.array(self.count)}

    def restore(self, saved):
        self.w, self.t, self.count = saved["w"], float(saved["t"]), int(saved["count"])


def use(patch):
    """Flows of the toy, in place of those of networks; ``patch(module, name, value)``."""
    patch(models, "flow_of", lambda name, network, optimizer, noise: (SimpleNamespace(
        kind="toy", decay=0.0, network=network, lr=optimizer.params["lr"], n_weights=network.dim,
        at_midpoint=lambda optimizer, z, off: z[: network.dim]), ""))
    patch(models, "run_of", lambda flow, options: StableRun(flow))


SETTINGS = {"optimizer": f"gd:lr={LR}", "runs": "discrete,stable", "steps": 120, "warm_start": 10, "every": 4}


def descent(steps):
    """The iterates w (steps + 1, d) of gradient descent, and their midpoints: row t is (w_(t−1) + 2w_t + w_(t+1))/4."""
    net, w = Toy(), [Toy().start]
    for _ in range(steps):
        w.append(w[-1] - LR * net.gradient(w[-1]))
    w = np.array(w)
    return w, np.vstack([w[:1], (w[:-2] + 2 * w[1:-1] + w[2:]) / 4])


def agrees_and_goes_on(name, centre, trace, folder, patch):
    """The model beside a training is at step 40 where it is without, and goes on from a checkpoint bit by bit."""
    settings = {"optimizer": f"gd:lr={LR}", "runs": name, "steps": 60, "every": 4, "tol": 1e-5}
    run = cf.train(settings, network=Toy(), out=str(folder / "run"))
    model, row = run.models[name], run.t.tolist().index(40)
    np.testing.assert_allclose(model.distance[row], np.linalg.norm(centre - descent(60)[1][40]), rtol=1e-2)
    np.testing.assert_allclose(model.trace[row], trace, rtol=1e-2)
    patch.setattr("cfdyn.training.train.SAID", 0.0)
    first = cf.train({**settings, "steps": 41}, network=Toy(), out=str(folder / "first"))
    again = cf.train(resume=first.folder, steps=60, network=Toy()).models[name]
    assert np.array_equal(again.distance, model.distance, equal_nan=True)
    assert model.status == "done" and model.trace[row] > 1e-4
