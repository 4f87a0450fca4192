"""The central flow of stochastic gradients against simulated runs."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from tests.flows.noisy_losses import TOY_START, X, on_rows, toy

gd, central = cf.optimizers.gd, cf.flows.central


def steps_of_sgd(w, lr, batch, steps, random, every=50):
    """Weights (rows, runs, 6) of many runs on the toy: its gradient by hand."""
    seen = [w]
    for t in range(1, steps + 1):
        x = X[random.integers(0, 12, (len(w), batch))]
        a, b, c = (w[:, None, 2 * k : 2 * k + 2] for k in range(3))
        h = np.tanh(x[:, :, None] * a + b)
        residual = ((h * c).sum(2) - np.sin(2 * x))[:, :, None]
        bent = residual * c * (1 - h * h)
        w = w - lr * np.concatenate([(bent * x[:, :, None]).mean(1), bent.mean(1), (residual * h).mean(1)], axis=1)
        if t % every == 0:
            seen.append(w)
    return np.array(seen)


@pytest.mark.parametrize(("lr", "batch"), [(0.2, 2), (0.2, 8), pytest.param(0.2, 64, marks=pytest.mark.slow)])
def test_the_mean_of_runs_stays_near_it_and_leaves_the_other_flows(lr, batch):
    """200 runs, noise-held at 40 and 80 % of the edge, and edge-held; over the last third of 2,700 steps."""
    random = np.random.default_rng(7)
    begun = steps_of_sgd(np.repeat(TOY_START[None], 200, 0), lr, batch, 300, random)[-1]
    runs = steps_of_sgd(begun, lr, batch, 2700, random)
    times, mean = np.arange(len(runs)) * 50.0, runs.mean(axis=1)
    late = times > 1800
    error = np.sqrt((runs.var(axis=1, ddof=1) / 200).sum(axis=1))[late].mean()

    def solved(flow):
        path = cf.solve(flow, mean[0], times[-1], save_at=times)
        return path, np.linalg.norm(path.w - mean, axis=1)[late].mean()

    path, distance = solved(central(toy(), gd(lr=lr), batch=batch))
    others = [solved(cf.flows.gradient(toy(), gd(lr=lr)))[1], solved(central(toy(), gd(lr=lr)))[1]]
    assert others[0] > 30 * error and distance < 0.03 * others[0] and distance < 0.5 * others[1]
    at_mean = toy().sharpness(mean[-1])
    runs_own = np.median([toy().sharpness(w) for w in runs[-1]])
    assert path.sharpness[-1] == pytest.approx(at_mean, rel=0.05) and path.sharpness[-1] == pytest.approx(runs_own, rel=0.15)
    # The variance along sharp directions, whose measured one is slow to average: 200 runs at 10 times.
    _, vectors = np.linalg.eigh(toy().hessian(mean[-1]))
    sharp = vectors[:, -2:]
    measured = np.mean([np.diag(sharp.T @ np.cov(w.T) @ sharp) for w in runs[-10:]], axis=0)
    predicted = np.diag(sharp.T @ path.covariance[-1] @ sharp)
    np.testing.assert_allclose(predicted, measured, rtol=0.2)


@pytest.mark.slow
def test_the_gap_of_a_valley_by_simulation():
    """S = y, η = .1, α = .02, σ = 1: 1.3397 by the barrier, within 3 standard errors; the expansion's 1.25 is not."""
    random, runs, lr, a = np.random.default_rng(3), 2000, 0.1, 0.02
    x, y, means = np.zeros(runs), np.full(runs, 18.5), []
    for t in range(20_000):
        noise = random.normal(size=runs)
        x, y = x - lr * (y * x + noise), y - lr * (x * x / 2 - a)
        if t >= 10_000:
            means.append(y)
    each = 20 - np.mean(means, axis=0)
    measured, error = each.mean(), each.std(ddof=1) / runs**0.5
    loss = cf.Loss("y*x**2/2 - a*y", "x y", {"a": a})
    path = cf.solve(central(loss, gd(lr=lr), noise=np.diag([1.0, 0.0])), [0.0, 15.0], 50_000)
    gap = 20 - path.sharpness[-1]
    assert error < 2e-3 and abs(gap - measured) < 3 * error and abs(1.25 - measured) > 30 * error


def test_where_the_noise_feeds_itself_the_path_ends_and_runs_spread():
    """A network that 14 random points do not fit: all runs go on, ever farther from each other."""
    random = np.random.default_rng(4)
    x = random.normal(size=(14, 2))
    table = np.column_stack([x, 2 * np.sin(2 * x[:, 0]) + x[:, 1] ** 2])
    loss = on_rows("(c1*tanh(a1*p + d1*q) + c2*tanh(a2*p + d2*q) - y)**2/2", "a1 d1 a2 d2 c1 c2", "p q y", table)
    runs = cf.iterate_many(loss, gd(lr=0.3), random.normal(size=6), 2400, batch=4, runs=400, every=300)
    path = cf.solve(central(loss, gd(lr=0.3), batch=4), runs.averaged[1], 2100)
    assert path.status.startswith("stalled") and path.radius[-1] < 1
    assert "grows without bound" in path.notes[-1] and path.notes[-1].endswith("runs spread out or escape")
    assert runs.status["done"] == 400 and runs.spread[-1] > 2 * runs.spread[1]


# η of (a − y)², b, steps; of another program with explicit small steps: sharpness of the runs, and distance of the flow.
FIRST_TABLE = [
    (0.05, 1, 4000, 10.6, 0.017), (0.1, 1, 3000, 5.2, 0.071), (0.1, 2, 3000, 8.5, 0.018), (0.1, 8, 4000, 16.2, 0.014),
    (0.2, 2, 2000, 4.2, 0.035), (0.2, 4, 2000, 5.8, 0.046), (0.4, 8, 2000, 3.7, 0.39), (0.4, 12, 2000, 4.0, 0.27),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("lr", "batch", "steps", "sharpness", "distance"), FIRST_TABLE)
def test_the_first_table_within_two_standard_errors(lr, batch, steps, sharpness, distance):
    """The toy has a ½ that the table has not: twice its rate here, half of its sharpness."""
    runs = cf.iterate_many(toy(), gd(lr=2 * lr), TOY_START, steps, batch=batch, runs=400, seed=1, every=20)
    late = runs.t > 300 + (steps - 300) * 2 / 3
    flow = central(toy(), gd(lr=2 * lr), batch=batch)
    path = cf.solve(flow, runs.mean[runs.t == 300][0], steps - 300.0, save_at=runs.t[late] - 300.0)
    found = np.linalg.norm(path.w - runs.mean[late], axis=1).mean()
    # Both means have their errors: 200 runs there, 400 here.
    error = np.sqrt(np.trace(runs.covariance[-1]) * (1 / 200 + 1 / 400))
    assert abs(found - distance) < 2 * error
    assert 2 * np.median(runs.sharpness[late][:, len(runs.levels) // 2]) == pytest.approx(sharpness, abs=0.051)
