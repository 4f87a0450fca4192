"""Slow swings about the edge: the 2-cycle they turn about, the law of their energy, one critical mode and two."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import cfdyn as cf

LR = 0.3
# Two modes, each with a wall of its own; with z x₁x₂ the walls can turn as well, and z has no drift.
APART = "(y1 + zeta*x1)*x1**2/2 + (y2 + zeta*x2)*x2**2/2 - eps*(x1 + y1 + 1.3*(x2 + y2))"
COUPLED = APART + " + z*x1*x2"


def slow_period(eps):
    """2π/(√2 η √ε): the swings are harmonic where they are small."""
    return 2 * math.pi / (math.sqrt(2 * eps) * LR)


def two_cycle(zeta, eps, lr=LR):
    """The points (2, 2) of the 2-cycle of gradient descent, by Newton's method, and the determinant of both steps."""
    step = cf.as_map(cf.losses.two_time_scales(zeta=zeta, eps=eps), cf.optimizers.gd(lr=lr))
    z = np.array([math.sqrt(2 * eps), 2 / lr])
    for _ in range(12):
        jacobian = step.jacobian(step(z)) @ step.jacobian(z)
        z = z - np.linalg.solve(jacobian - np.eye(2), step(step(z)) - z)
    assert np.abs(step(step(z)) - z).max() < 1e-14 and abs(step(z)[0] - z[0]) > math.sqrt(eps)
    return np.array([z, step(z)]), np.linalg.det(step.jacobian(step(z)) @ step.jacobian(z))


# -- the 2-cycle -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [0.3, 0.5])
@pytest.mark.parametrize("zeta", [1.0, 0.6, 0.2, -0.5])
def test_the_2_cycle_is_the_root_of_a_cubic(zeta, lr):
    """With x = m ± d and y = Y ± e the four equations of a 2-cycle give e = ηmd/2, m² + d² = 2ε,
    Y + 3ζm = 2/η − ηm²/2, which is H_xx at the centre, and m (2/η + ηε − 3ζm − ηm²) = ε (1 − 3ζ)."""
    eps = 0.01
    points, _ = two_cycle(zeta, eps, lr)
    m, y = points.mean(axis=0)
    roots = np.roots([-lr, -3 * zeta, 2 / lr + lr * eps, -eps * (1 - 3 * zeta)])
    assert m == pytest.approx(roots[np.abs(roots).argmin()].real, rel=1e-11)
    assert (points[:, 0] ** 2).mean() == pytest.approx(2 * eps, rel=1e-12)
    hessian = cf.losses.two_time_scales(zeta=zeta, eps=eps).hessian([m, y])
    assert hessian[0, 0] == pytest.approx(2 / lr - lr * m**2 / 2, rel=1e-13)


@pytest.mark.parametrize("zeta", [1.0, 0.6, 0.2, -0.5])
def test_its_offset_from_the_edge(zeta):
    """y − 2/η = (3/2) ζ (3ζ − 1) η ε up to a term in ε²."""
    law = 1.5 * zeta * (3 * zeta - 1) * LR
    found = {eps: two_cycle(zeta, eps)[0][:, 1].mean() - 2 / LR for eps in (1e-2, 1e-3)}
    wrong = {eps: offset - law * eps for eps, offset in found.items()}
    assert abs(wrong[1e-2]) < 6e-3 * abs(law) * 1e-2
    assert wrong[1e-2] / wrong[1e-3] == pytest.approx(100, rel=0.02)


# -- the law of the energy -------------------------------------------------------------------------------------


def energy_ratio(zeta, eps, size):
    """dE/d(εk) over ⟨y₁²⟩, both over one slow cycle between two maxima of the 2-cycle's size; a starts at ``size``.

    y₁ = (y − 2/η)/√ε and a = |x|/√ε from averages of three steps, (w₋ + 2w + w₊)/4 and (w₋ − 2w + w₊)/4.
    """
    step = cf.as_map(cf.losses.two_time_scales(zeta=zeta, eps=eps), cf.optimizers.gd(lr=LR))
    w = cf.iterate(step, [size * math.sqrt(eps), 2 / LR], int(3.2 * slow_period(eps))).w
    y1 = (w[:-2, 1] + 2 * w[1:-1, 1] + w[2:, 1] - 8 / LR) / 4 / math.sqrt(eps)
    a = np.abs(w[:-2, 0] - 2 * w[1:-1, 0] + w[2:, 0]) / 4 / math.sqrt(eps)
    t = np.arange(len(a), dtype=float)
    size_of = CubicSpline(t, np.log(a))
    turns = size_of.derivative().roots(extrapolate=False)
    first, last = [s for s in turns if size_of(s, 2) < 0 and s > 2][:2]
    energy, square = CubicSpline(t, y1**2 / 2 + a**2 / 4 - np.log(a)), CubicSpline(t, y1**2)
    return (energy(last) - energy(first)) / eps / square.integrate(first, last)


@pytest.mark.parametrize("size", [2.0, 3.0])
@pytest.mark.parametrize("zeta", [1.0, 0.6, 0.3, 0.0])
def test_the_energy_of_the_swings(zeta, size):
    """dE/d(εk) = η² (2 − 9ζ²) ⟨y₁²⟩ for E = y₁²/2 + a²/4 − ½ ln a², whatever the size of the swing."""
    law = LR**2 * (2 - 9 * zeta**2)
    near, far = energy_ratio(zeta, 1e-5, size), energy_ratio(zeta, 1e-4, size)
    assert near == pytest.approx(law, rel=1e-3)
    if zeta == 1:  # what is missing is of the order of ε; smaller ζ leave so little that it is round-off
        assert (far - law) / (near - law) == pytest.approx(10, rel=0.2)


def test_small_swings_grow_or_die_by_the_multipliers_of_the_2_cycle():
    """Small, ⟨y₁²⟩ is E above its minimum, so two steps multiply it by 1 + 2ε η² (2 − 9ζ²): the determinant of their Jacobian."""
    for zeta in (1.0, 0.6, 0.2, 0.0):
        rate = (two_cycle(zeta, 1e-5)[1] - 1) / (2e-5 * LR**2)
        assert rate == pytest.approx(2 - 9 * zeta**2, rel=1e-4)


def test_they_are_damped_from_two_ninths_on():
    """The ζ² at which the determinant is 1 goes to 2/9 as ε."""
    for eps in (1e-3, 1e-5):
        low, high = 0.4, 0.55
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if two_cycle(middle, eps)[1] > 1 else (low, middle)
        assert low**2 == pytest.approx(2 / 9, abs=0.06 * eps)


# -- one mode and two ------------------------------------------------------------------------------------------


def swings(text, variables, start, zeta=1.0, eps=0.01, cycles=200):
    """The averaged iterates over many slow cycles, in ten parts."""
    loss = cf.Loss(text, variables, {"zeta": zeta, "eps": eps})
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=LR)), start, int(cycles * slow_period(eps)))
    assert orbit.status == "done"
    return orbit, np.array_split(orbit.midpoints(), 10)


def spread(parts, column, eps=0.01):
    """Standard deviations in units of √ε, the scale of the swings."""
    return [float(part[:, column].std()) / math.sqrt(eps) for part in parts]


def test_one_damped_mode_comes_to_rest_and_an_undamped_one_does_not():
    text = "(y + zeta*x)*x**2/2 - eps*(x + y)"
    for zeta, damped in ((1.0, True), (0.6, True), (0.3, False)):
        _, parts = swings(text, "x y", [0.05, 6.4], zeta, cycles=60 if damped else 8)
        found = spread(parts, 1)
        assert found[0] > 0.5
        # dE/d(εk) = −η²(9ζ² − 2) E once they are small: from part to part the size falls by that much.
        if damped:
            steps = sum(map(len, parts)) / 10
            law = math.exp(-(LR**2) * (9 * zeta**2 - 2) * 0.01 * steps / 2)
            assert found[3] / found[2] == pytest.approx(law, rel=0.1)
            assert found[-1] < 2 * found[3] * law**6
        else:
            assert found[-1] > found[1]


def test_two_critical_modes_keep_swinging_unless_they_are_apart():
    """At rest ½⟨xxᵀ⟩ = ε diag(1, 1.3) for coupled modes: of rank two, while a 2-cycle has one vector x, of rank one.
    So the coupled modes can only reach it as an average over slow swings; modes apart only have to have the sizes right."""
    goal = 0.01 * np.diag([1.0, 1.3])
    orbit, parts = swings(APART, "x1 x2 y1 y2", [0.05, 0.04, 6.4, 6.45])
    assert max(spread(parts, 2)[2:] + spread(parts, 3)[2:]) < 1e-8
    late = orbit.w[len(orbit.w) // 2 :, :2]
    mean = late.T @ late / len(late) / 2
    np.testing.assert_allclose(np.diag(mean), np.diag(goal), rtol=1e-9)
    assert np.linalg.matrix_rank(mean, tol=1e-4 * mean[0, 0]) == 1
    orbit, parts = swings(COUPLED, "x1 x2 y1 y2 z", [0.05, 0.04, 6.4, 6.45, 0.02])
    for column in (2, 3, 4):
        found = spread(parts, column)
        assert min(found) > 0.1 and found[-1] == pytest.approx(found[5], rel=0.05)
    late = orbit.w[len(orbit.w) // 2 :, :2]
    np.testing.assert_allclose(late.T @ late / len(late) / 2, goal, atol=2e-3 * goal[0, 0] + 3e-5)


@pytest.mark.slow
def test_two_coupled_modes_keep_swinging_at_smaller_forces_too():
    for zeta, eps in ((1.0, 1e-3), (0.6, 1e-3), (2.0, 1e-3)):
        _, parts = swings(COUPLED, "x1 x2 y1 y2 z", [0.05, 0.04, 6.4, 6.45, 0.02], zeta, eps, cycles=400)
        assert min(min(spread(parts, column, eps)) for column in (2, 3)) > 0.1
