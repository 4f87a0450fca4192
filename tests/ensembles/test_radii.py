"""Spectral radii of many small matrices whose eigenvalues are known: of linear maps, whose Jacobians they are."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.ensembles.orbits import Orbits

IN_THE_PLANE = cf.Map.from_text(["a*x + b*y", "c*x + d*y"], "x y", {"a": 1.0, "b": 0.0, "c": 0.0, "d": 1.0})


def radii_of(matrices: np.ndarray, turns: int = 1) -> np.ndarray:
    """Of (N, 2, 2): of so many steps of z → A z."""
    entries = np.ascontiguousarray(matrices.reshape(-1, 4))
    return Orbits(IN_THE_PLANE, np.zeros((len(entries), 2)), entries, threads=1).radii(np.full(len(entries), turns))


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e160, 1e-160])
def test_radii_of_two_are_those_of_companion_matrices(scale):
    """[[λ + μ, −λμ s], [1/s, 0]] has the eigenvalues λ and μ, real or a pair, whatever s: the scale of one entry of a state."""
    random = np.random.default_rng(3)
    first, second = random.uniform(-2, 2, 500), random.uniform(-2, 2, 500)
    size, angle = random.uniform(0, 2, 500), random.uniform(0.01, 3.13, 500)
    sums, products = np.concatenate([first + second, 2 * size * np.cos(angle)]), np.concatenate([first * second, size**2])
    known = np.concatenate([np.maximum(np.abs(first), np.abs(second)), size])
    matrices = np.array([sums, -products * scale, np.full(1000, 1 / scale), np.zeros(1000)]).T.reshape(1000, 2, 2)
    gap = np.sqrt(np.abs(sums**2 - 4 * products))
    # Rounding parts a double eigenvalue by its root: the error grows as they meet.
    assert (np.abs(radii_of(matrices) - known) <= 1e-14 * (1 + 1 / gap)).all()


def test_radii_of_matrices_that_are_not_finite_or_nothing():
    matrices = np.zeros((4, 2, 2))
    matrices[1, 0, 1], matrices[2, 1, 1], matrices[3] = np.nan, np.inf, [[1e308, 1e308], [1e308, 1e308]]
    assert radii_of(matrices).tolist() == [0, np.inf, np.inf, np.inf]
    assert radii_of(np.empty((0, 2, 2))).shape == (0,)
    known = np.array([[[0.0, -1.0], [1.0, 0.0]], [[3.0, 7.0], [0.0, -4.0]]])
    assert radii_of(known).tolist() == [1, 4]
    assert radii_of(known, 3).tolist() == [1, 64]
    assert radii_of(known, 0).tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("d", [1, 2, 3])
def test_turns_are_powers_of_the_matrix(d):
    """A triangular one, whose eigenvalues are its diagonal."""
    names, values = [f"x{i}" for i in range(d)], [0.5, -0.75, 0.25][:d]
    text = [f"{values[i]}*x{i}" + (f" + r*x{i + 1}" if i + 1 < d else "") for i in range(d)]
    step = cf.Map.from_text(text, names, {"r": 2.0})
    matrix = np.diag(values) + 2.0 * np.eye(d, k=1)
    orbits = Orbits(step, np.ones((3, d)), np.full((3, 1), 2.0), threads=1)
    turns = np.array([0, 1, 6])
    ends, jacobians = orbits.turned(turns)
    for n, end, jacobian in zip(turns, ends, jacobians, strict=True):
        power = np.linalg.matrix_power(matrix, n)
        np.testing.assert_allclose(jacobian, power, rtol=1e-14)
        np.testing.assert_allclose(end, power @ np.ones(d), rtol=1e-14)
    assert orbits.radii(turns) == pytest.approx([np.inf, 0.75 if d > 1 else 0.5, (0.75 if d > 1 else 0.5) ** 6], rel=1e-12)
    assert (orbits.states == 1).all()
