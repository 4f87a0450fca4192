"""Central flows with momentum beside the optimizers themselves: distances to averaged iterates, against the flow without Σ.

Warm starts: the optimizer's whole state after some steps, so that its momentum and second moments are those of its path;
a seed is injected, without which round-off decides when the oscillation begins. Distances at the end are means over the last
twentieth, which spans bursts.
"""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf

OPT = cf.optimizers
SEED = 1e-4
TANH = ("((1 - a*tanh(b))**2 + (0.3 - c*tanh(a*b))**2)/2", "a b c", [1.5, 0.5, 0.6])
QUARTIC = ("(x**2*y**2 - 1)**2/4 + 0.01*x**2", "x y", [1.5, 0.4])
COUPLED = ("(1 - x1*y1)**2/2 + (1.2 - x2*y2)**2/2 + 0.1*x1*y2", "x1 y1 x2 y2", [1.5, 0.3, 1.3, 0.5])
PRODUCT = ("(1 - x*y)**2/2 + 0.2*(z - x*y)**2 + 0.05*x*z**2", "x y z", [1.8, 0.2, 0.3])
VALLEY = ("(1 - x*y)**2/2", "x y", [1.5, 0.3])


def slow(eps):
    """Losses whose edge is reached by a motion as slow as eps, with a rate η/(1 + β) at which it is."""
    return {
        "river": ("x**2*(2 + y**2)/2 + eps*((y - 2)**2 + x)", "x y", [0.05, 1.2], 0.5, eps),
        "cube": ("x**2*(2 + y**3)/2 + eps*((y - 2)**2 + x*y)", "x y", [0.05, 1.0], 0.5, eps),
        "wave": ("x**2*(2 + 0.4*sin(y) + 0.1*z)/2 + eps*(z**2 - y + x*z/2)", "x y z", [0.05, 0.0, 0.1], 0.9, eps / 2),
        "valley": ("(1 - x*y)**2/2 + eps*(x - 2)**2", "x y", [1.2, 1 / 1.2], 0.6, eps),
        "two scales": ("(y + x)*x**2/2 - eps*(x + y)", "x y", [0.03, 6.4], 0.3, eps),
    }


def beside(loss, optimizer, start, warm, steps):
    """The comparison of both flows with the optimizer after so many steps, and how far each is from it at the end."""
    z = cf.iterate(cf.as_map(loss, optimizer), start, warm, inject=SEED).z[-1]
    found = cf.compare(loss, optimizer, ["central", "stable"], z, steps, inject=SEED)
    assert found.orbit["status"] == "done"
    away = [np.linalg.norm(model.w - found.averaged, axis=1) for model in found.models]
    assert [e["kind"] for e in found.models[0].events][0] == "enter"
    return found, [float(a[-steps // 20 :].mean()) for a in away]


def ratios(loss, optimizer, start, warm, steps, runs, spread=0.1):
    """The distance of the central flow over that of the flow without Σ, from starts around one, (runs,)."""
    rng = np.random.default_rng(0)
    starts = np.array(start) * (1 + spread * rng.uniform(-1, 1, (runs, len(start))))
    ends = [beside(loss, optimizer, w, warm, steps)[1] for w in starts]
    return np.array([ours / without for ours, without in ends])


def effective(loss, optimizer, states):
    """λ₁(P⁻¹H) of Adam's states."""
    p, d, values = optimizer.params, loss.dim, []
    for z in states:
        scale = (np.sqrt(z[2 * d : 3 * d] / (1 - z[-1])) + p["eps"]) / p["lr"]
        values.append(np.linalg.eigvalsh(loss.hessian(z[:d]) / np.sqrt(np.outer(scale, scale)))[-1])
    return np.array(values)


@pytest.mark.parametrize(("beta", "lr", "most"), [(0.5, 0.03, 1 / 10), (0.9, 0.19, 1 / 5)])
def test_adam_on_a_small_network(beta, lr, most):
    text, names, start = TANH
    found = ratios(cf.Loss(text, names), OPT.adam(lr, beta, 0.99, eps=1e-4), start, 50, 800, 3)
    assert np.median(found) < most


def test_heavy_ball_on_a_valley():
    text, names, start, rate, eps = slow(1e-3)["river"]
    loss, optimizer = cf.Loss(text, names, {"eps": eps}), OPT.heavy_ball(rate * 1.5, 0.5)
    assert np.median(ratios(loss, optimizer, start, 20, 3300, 3)) < 1 / 3


def test_ranking_of_all_models_of_adam():
    """Central, rod, edge and gradient; the central flow is nearest, and the edge flow, whose floor is the seed, hardly farther."""
    text, names, start = QUARTIC
    loss, adam = cf.Loss(text, names), OPT.adam(0.03, 0.5, 0.99, eps=1e-4)
    z = cf.iterate(cf.as_map(loss, adam), start, 50, inject=SEED).z[-1]
    found = cf.compare(loss, adam, start=z, steps=1000, inject=SEED)
    assert [model.name for model in found.ranking][0] == "central"
    assert {model.name for model in found.models} == {"gradient", "central", "rod", "edge"} and not found.warnings
    away = {model.name: model.distance for model in found.models}
    assert away["edge"] < 0.01 < 0.2 < min(away["rod"], away["gradient"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem", [TANH, QUARTIC, COUPLED, PRODUCT, VALLEY], ids=["tanh", "quartic", "coupled", "product", "valley"]
)
@pytest.mark.parametrize(("beta", "lr", "steps", "near"), [(0.5, 0.03, 1000, 0.05), (0.9, 0.1, 1900, 0.1)])
def test_adam_stays_ten_times_nearer_to_its_central_flow(problem, beta, lr, steps, near):
    """Three of four of ten starts; S over the last third is near θ, for β₁ = 0.9 below it (0.91 to 0.97): there it bursts."""
    text, names, start = problem
    loss, adam = cf.Loss(text, names), OPT.adam(lr, beta, 0.99, eps=1e-4)
    found = ratios(loss, adam, start, 50, steps, 10)
    assert np.quantile(found, 0.75) < 1 / 10
    orbit = cf.iterate(cf.as_map(loss, adam), start, steps, inject=SEED)
    assert effective(loss, adam, orbit.z[-steps // 3 :]).mean() == pytest.approx(adam.limit, rel=near)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["river", "cube", "wave", "valley", "two scales"])
@pytest.mark.parametrize(("beta", "eps"), [(0.5, 6e-4), (0.9, 4e-5)])
def test_heavy_ball_stays_nearer_to_its_central_flow(name, beta, eps):
    """Median over ten starts below a third, where the motion is slow enough for the momentum to follow."""
    text, names, start, rate, size = slow(eps)[name]
    loss, optimizer = cf.Loss(text, names, {"eps": size}), OPT.heavy_ball(rate * (1 + beta), beta)
    found = ratios(loss, optimizer, start, 60, 10_000, 10, spread=0.05)
    assert np.median(found) < 1 / 3
