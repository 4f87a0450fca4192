"""`classify` in two and more variables: momentum, Adam, epochs, circles; against closed forms and published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cycles.shooting import images, multipliers, polish
from tests.oracles import derivative_tensor, loss_function, needs_compiler

DELAYED = cf.Map.from_text(["r*x*(1 - y)", "x"], "x y", {"r": 2.0})


def test_P9_heavy_ball_three_cycle():
    """Lessard, Recht & Packard: f′ = 25x, x + 24, 25x − 24."""
    loss = cf.Loss("Piecewise((25*x**2/2, x < 1), (x**2/2 + 24*x - 12, x < 2), (25*x**2/2 - 24*x + 36, True))")
    step = cf.as_map(loss, cf.optimizers.heavy_ball(lr=1 / 9, momentum=4 / 9))
    x = [792 / 1225, -2208 / 1225, 2592 / 1225]
    found = cf.analysis.classify(step, [x[0], (x[2] - x[0]) * 9])
    assert (found.kind, found.period) == ("cycle", 3)
    assert sorted(found.points[:, 0]) == pytest.approx(sorted(x), rel=1e-12)
    # L″ = 25 at all three: the cube of ((13/9 − 25/9, −4/9), (1, 0)), a double eigenvalue (−2/3)³.
    assert np.abs(found.multipliers) == pytest.approx([8 / 27, 8 / 27], abs=1e-6)


def adam(lr, beta1, beta2, eps):
    options = {"eps": eps, "bias_correction": False, "eps_inside": True}
    return cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=lr, beta1=beta1, beta2=beta2, **options))


@pytest.mark.parametrize(
    ("settings", "w", "size"),
    [((0.5, 0.2, 0.5, 1e-6), 0.16666366664, 0.93665), ((1.0, 0.9, 0.999, 1e-8), 0.0263156, 1.10129)],
)
def test_P11_adam_two_cycles(settings, w, size):
    lr, beta1, _, eps = settings
    exact = math.sqrt((lr * (1 - beta1) / (2 * (1 + beta1))) ** 2 - eps)
    assert exact == pytest.approx(w, rel=1e-6)
    step = adam(*settings)
    seed = np.array([[s * w, -s * (1 - beta1) / (1 + beta1) * w, w * w] for s in (1, -1)])
    points = polish(step, seed)
    assert np.abs(points[:, 0]) == pytest.approx([exact, exact], rel=1e-9)
    assert np.abs(multipliers(step, points)[0]) == pytest.approx(size, abs=1e-5)
    if size < 1:
        found = cf.analysis.classify(step, seed[0])
        assert (found.kind, found.period) == ("cycle", 2)
        assert np.abs(found.multipliers[0]) == pytest.approx(size, abs=1e-5)


def test_P12_adam_three_cycle():
    w = [0.0983618809519996, 0.16114418261193642, -0.31154620264185634]
    m = v = 0.0
    for k in range(60):
        m, v = 0.5 * m + 0.5 * w[k % 3], 0.2 * v + 0.8 * w[k % 3] ** 2
    found = cf.analysis.classify(adam(1.0, 0.5, 0.2, 1e-8), [w[0], m, v])
    assert (found.kind, found.period) == ("cycle", 3)
    assert sorted(found.points[:, 0]) == pytest.approx(sorted(w), rel=1e-10)
    assert sorted(found.multipliers) == pytest.approx([-0.92307, -0.09297, 0.01165], abs=1e-5)


# -- several dimensions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [2.1, 2.5, 3.0])
def test_N5_cyclic_sgd_has_period_three(lr):
    """Two unit samples at 60°, log cosh residuals: period three in epochs."""
    first = cf.as_map(cf.Loss("logcosh(x + c*y)", "x y", {"c": 0.0}), cf.optimizers.gd(lr=lr))
    second = cf.as_map(cf.Loss("logcosh(x/2 + sqrt(3)*y/2 + c)", "x y", {"c": 0.0}), cf.optimizers.gd(lr=lr))
    found = cf.analysis.classify(cf.compose(first, second), [0.9, 0.4])
    assert (found.kind, found.period) == ("cycle", 3)
    assert np.abs(found.multipliers[0]) < 1


def test_N5_quadratic_residuals_rotate():
    """At η = 2 an epoch is a rotation by exactly 120°: neutral, period three."""
    first = cf.as_map(cf.Loss("(x + c*y)**2/2", "x y", {"c": 0.0}), cf.optimizers.gd(lr=2.0))
    second = cf.as_map(cf.Loss("(x/2 + sqrt(3)*y/2 + c)**2/2", "x y", {"c": 0.0}), cf.optimizers.gd(lr=2.0))
    epoch = cf.compose(first, second)
    c, s = -0.5, math.sqrt(3) / 2
    rotation = epoch.jacobian([0.3, 0.2])
    assert np.allclose(rotation, [[c, -s], [s, c]], atol=1e-15) or np.allclose(rotation, [[c, s], [-s, c]], atol=1e-15)
    found = cf.analysis.classify(epoch, [0.3, 0.2])
    assert (found.kind, found.period) == ("cycle", 3) and "neutral" in found.reason
    assert np.abs(found.multipliers) == pytest.approx([1, 1], abs=1e-9)


@pytest.mark.parametrize("h2", [-0.125, -0.3])
def test_N6_gradient_descent_with_a_three_cycle(h2):
    loss = cf.Loss(
        "3*(x**2 + y**2)/4 + h*(x**2 + y**2 - 1)**2/2 + sqrt(3)/6*(2 - x**2 - y**2)*(x**3 - 3*x*y**2)", "x y", {"h": h2}
    )
    step = cf.as_map(loss, cf.optimizers.gd(lr=1.0))
    angles = math.pi / 6 + 2 * math.pi * np.arange(3) / 3
    cycle = np.column_stack([np.cos(angles), np.sin(angles)])
    after = images(step, cycle)
    assert np.abs(after[:, None] - cycle[None]).max(axis=2).min(axis=1).max() < 1e-14
    found = cf.analysis.classify(step, cycle[0] + [0.004, -0.003])
    assert (found.kind, found.period) == ("cycle", 3)
    # By differences of the loss; (1/64, 0) for h₂ = −1/8.
    slopes = [np.eye(2) - derivative_tensor(loss_function(loss.spec), w.tolist(), 2) for w in cycle]
    expected = np.linalg.eigvals(slopes[2] @ slopes[1] @ slopes[0])
    assert np.sort(found.multipliers) == pytest.approx(np.sort(expected), abs=1e-9)
    assert h2 == -0.3 or np.sort(expected) == pytest.approx([0, 1 / 64], abs=1e-12)


@pytest.mark.parametrize("r", [2.02, 2.1])
@needs_compiler
def test_past_a_neimark_sacker_bifurcation(r):
    """The delayed logistic map: stable for r < 2, an invariant circle beyond."""
    assert cf.analysis.classify(DELAYED.at(r=1.95), [0.4, 0.45]).kind == "fixed point"
    found = cf.analysis.classify(DELAYED.at(r=r), [0.4, 0.45])
    assert found.kind == "quasi-periodic", found.reason
    assert abs(found.lyapunov) < 1e-3


def test_edge_of_the_delayed_logistic_map():
    """The fixed point 1 − 1/r has a complex pair of modulus √(r − 1): Neimark–Sacker at r = 2, seen from 1/r."""
    shifted = cf.Map.from_text(["x + (k + 1)*(x + 1 - 1/(k + 1))*(1/(k + 1) - y) - x + 1/(k + 1) - 1", "x"], "x y", {"k": 0.5})
    found = cf.analysis.edge(shifted, [0.0, 0.0], scale=0.5, parameter="k")
    assert found.value == pytest.approx(1.0, abs=1e-9) and found.kind == "neimark-sacker"
    assert found.multiplier.real == pytest.approx(0.5, abs=1e-6)


@needs_compiler
def test_a_conservative_rotation():
    turn = 2 * math.pi * (math.sqrt(5) - 1) / 2
    step = cf.Map.from_text(["x*cos(t) - y*sin(t)", "x*sin(t) + y*cos(t)"], "x y", {"t": turn})
    found = cf.analysis.classify(step, [0.7, 0.1])
    assert found.kind == "quasi-periodic", found.reason
    assert abs(found.lyapunov) < 1e-6
