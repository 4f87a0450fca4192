"""Cycles of heavy ball and Adam that papers found (claims P9 to P12), with their multipliers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cycles.shooting import multipliers, polish, residual

HALF = cf.Loss("w**2/2")


# -- heavy ball ------------------------------------------------------------------------------------------------


def test_three_cycle_of_heavy_ball_on_a_strongly_convex_loss():
    """Lessard, Recht & Packard (2016): {792, −2208, 2592}/1225, though Polyak's tuning converges on
    every quadratic of these curvatures. All points lie where the curvature is 25, so a step is there the matrix
    with the characteristic polynomial z² − (1 + β − 25α) z + β = (z + 2/3)², and both multipliers are −8/27."""
    loss = cf.Loss("Piecewise((25*w**2/2, w < 1), (w**2/2 + 24*w - 12, w < 2), (25*w**2/2 - 24*w + 36, True))")
    for w, slope in ((0.5, 12.5), (1.5, 25.5), (3.0, 51.0)):
        assert loss.gradient([w])[0] == slope
    step = cf.as_map(loss, cf.optimizers.heavy_ball(lr=1 / 9, momentum=4 / 9))
    w = np.array([792, -2208, 2592]) / 1225
    cycle = np.column_stack([w, (np.roll(w, 1) - w) / step.params["lr"]])
    assert residual(step, cycle) < 1e-13
    found = cf.analysis.classify(step, cycle[0] + [0.01, -0.01])
    assert (found.kind, found.period) == ("cycle", 3)
    np.testing.assert_allclose(np.sort(found.points[:, 0]), np.sort(w), rtol=1e-13)
    # A double multiplier in one Jordan block: its computed values are good to the root of the round-off.
    np.testing.assert_allclose(multipliers(step, found.points), -8 / 27, atol=1e-6)
    assert cf.analysis.classify(step, [0.1]).kind == "fixed point"


def goujaud(mu: float, gamma: float, beta: float) -> tuple[cf.Loss, np.ndarray, np.ndarray]:
    """Their loss for K = 3 and L = 1: μ‖x‖²/2 + (1−μ)(‖x‖² − d(x, C)²)/2, its gradient μx + (1−μ)·proj_C(x).

    C is the triangle of the c_t that make the roots of unity x_t a cycle if proj_C(x_t) = c_t. Also these x_t
    with their velocities, (3, 4), and the c_t, (3, 2).
    """
    angles = 2 * np.pi * np.arange(3) / 3
    x = np.column_stack([np.cos(angles), np.sin(angles)])
    gradients = ((1 + beta) * x - np.roll(x, -1, axis=0) - beta * np.roll(x, 1, axis=0)) / gamma
    corners = (gradients - mu * x) / (1 - mu)
    distances, inside = [], []
    for (a, b), (c, d) in zip(corners.tolist(), np.roll(corners, -1, axis=0).tolist()):
        u, v = c - a, d - b
        along = f"Max(0, Min(1, ((x - ({a!r}))*({u!r}) + (y - ({b!r}))*({v!r}))/{u * u + v * v!r}))"
        distances.append(f"(x - ({a!r}) - ({u!r})*{along})**2 + (y - ({b!r}) - ({v!r})*{along})**2")
        inside.append(f"({u!r})*(y - ({b!r})) - ({v!r})*(x - ({a!r})) > 0")
    distance = f"Piecewise((0, {' and '.join(inside)}), (Min({', '.join(distances)}), True))"
    loss = cf.Loss(f"{mu!r}*(x**2 + y**2)/2 + {(1 - mu)!r}*(x**2 + y**2 - {distance})/2", variables="x y")
    return loss, np.hstack([x, (np.roll(x, 1, axis=0) - x) / gamma]), corners


def criterion(mu: float, gamma: float, beta: float, k: int = 3) -> float:
    """Goujaud, Taylor & Dieuleveut (2023): at most 0 iff heavy ball has a K-cycle of roots of unity, L = 1."""
    c, s = math.cos(2 * math.pi / k), mu * gamma
    return s * s - 2 * (beta - c + mu * (1 - beta * c)) * s + 2 * mu * (1 - c) * (1 + beta * beta - 2 * beta * c)


def polyak(ratio: float) -> tuple[float, float, float]:
    """(μ, step, momentum) of Polyak's tuning for L = 1 and L/μ = ratio."""
    root = math.sqrt(1 / ratio)
    return 1 / ratio, 4 / (1 + root) ** 2, ((1 - root) / (1 + root)) ** 2


def test_threshold_of_roots_of_unity_cycles():
    """Polyak's tuning has a 3-cycle iff L/μ ≥ 9 + 4√5."""
    threshold = 9 + 4 * math.sqrt(5)
    assert f"{threshold:.12f}" == "17.944271909999"
    assert criterion(*polyak(threshold)) == pytest.approx(0, abs=1e-15)
    assert criterion(*polyak(17.9)) > 0 > criterion(*polyak(18.0))


@pytest.mark.parametrize(
    "setting",
    [polyak(20.0), polyak(18.0), polyak(17.9), polyak(16.0), (0.01, 3.0, 0.7), (0.05, 2.8, 0.5), (0.05, 2.5, 0.5), (0.2, 2.0, 0.7)],
)
def test_roots_of_unity_are_a_cycle_of_heavy_ball_iff_the_criterion_says_so(setting):
    mu, gamma, beta = setting
    loss, cycle, corners = goujaud(*setting)
    step = cf.as_map(loss, cf.optimizers.heavy_ball(lr=gamma, momentum=beta))
    exists = criterion(*setting) <= 0
    assert (residual(step, cycle) < 1e-13) == exists
    # The loss is convex of curvatures μ to L.
    curvatures = [np.linalg.eigvalsh(loss.hessian(p)) for p in np.random.default_rng(0).normal(size=(200, 2))]
    assert mu - 1e-12 <= np.min(curvatures) and np.max(curvatures) <= 1 + 1e-12
    if not exists:
        return
    # Beside a corner of C the projection stands still: the curvature is μ, the multipliers cubes of two companion roots.
    found = cf.analysis.classify(step, cycle[0] + 1e-4 * np.array([1, -1, 1, 1]))
    assert (found.kind, found.period) == ("cycle", 3)
    order = [np.abs(found.points - z).max(axis=1).argmin() for z in cycle]
    np.testing.assert_allclose(found.points[order], cycle, atol=1e-12)
    roots = np.roots([1, -(1 + beta - gamma * mu), beta]) ** 3
    np.testing.assert_allclose(np.abs(found.multipliers), np.sort(np.repeat(np.abs(roots), 2))[::-1], rtol=1e-6)
    assert np.abs(roots).max() < 1


# -- Adam, √(v + ε) and no bias correction ---------------------------------------------------------------------


def plain_adam(eps_inside: bool = True, **options: float) -> cf.Map:
    return cf.as_map(HALF, cf.optimizers.adam(bias_correction=False, eps_inside=eps_inside, **options))


@pytest.mark.parametrize(
    ("lr", "beta1", "beta2", "eps", "amplitude", "leading"),
    [(0.5, 0.2, 0.5, 1e-6, ".16666366664", ".93665"), (1.0, 0.9, 0.999, 1e-8, ".0263156", "1.10129")],
)
def test_two_cycles_of_adam_on_a_quadratic(lr, beta1, beta2, eps, amplitude, leading):
    """Bock & Weiss (2022): w² = (lr (1−β₁)/(2(1+β₁)))² − ε for unit curvature."""
    w = math.sqrt((lr * (1 - beta1) / (2 * (1 + beta1))) ** 2 - eps)
    assert printed(w, amplitude)
    # From m₊ = −m, and v = w² for ever.
    m = -(1 - beta1) * w / (1 + beta1)
    step = plain_adam(lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    cycle = np.array([[w, m, w * w], [-w, -m, w * w]])
    assert residual(step, cycle) < 1e-15
    exact = polish(step, cycle)
    np.testing.assert_allclose(exact, cycle, rtol=1e-12)
    assert printed(abs(multipliers(step, exact)[0]), leading)
    found = cf.analysis.classify(step, cycle[0] * [1.001, 0.999, 1.0])
    assert ((found.kind, found.period) == ("cycle", 2)) == (float(leading) < 1)
    if float(leading) < 1:
        assert np.abs(found.points[:, 0]) == pytest.approx(w, rel=1e-9)


def printed(value: float, digits: str) -> bool:
    """Whether a number has the printed digits, rounded or cut off."""
    return abs(value - float(digits)) < 10.0 ** -len(digits.lstrip("-").partition(".")[2])


def test_three_cycle_of_adam_on_a_quadratic():
    start = np.array([0.0983618809519996, 0.16114418261193642, -0.31154620264185634])
    options = {"lr": 1.0, "beta1": 0.5, "beta2": 0.2, "eps": 1e-8}

    def average(values, beta):
        """What the average is before it sees values[0], when they come round for ever."""
        past = values[::-1] if len(values) else values
        return (1 - beta) * sum(beta**i * v for i, v in enumerate(past)) / (1 - beta ** len(past))

    states = [[start[i], average(np.roll(start, -i), 0.5), average(np.roll(start, -i) ** 2, 0.2)] for i in range(3)]
    step = plain_adam(**options)
    assert residual(step, np.array(states)) < 1e-13
    found = cf.analysis.classify(step, states[0])
    assert (found.kind, found.period) == ("cycle", 3)
    order = [np.abs(found.points[:, 0] - w).argmin() for w in start]
    np.testing.assert_allclose(found.points[order, 0], start, atol=5e-16)
    for value, digits in zip(found.multipliers, ("-.92307", "-.09297", ".01165")):
        assert printed(value, digits)
    outside = cf.analysis.classify(plain_adam(eps_inside=False, **options), states[0])
    assert (outside.kind, outside.period) == ("cycle", 3)
    assert printed(outside.points[np.abs(outside.points[:, 0] - 0.09836).argmin(), 0], ".0983618254")
    # It coexists with other attractors.
    others = {(r.kind, r.period) for r in (cf.analysis.classify(step, [w]) for w in (0.3, 1.0, 2.0))}
    assert others - {("cycle", 3)}
