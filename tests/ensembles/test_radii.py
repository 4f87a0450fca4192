"""Spectral radii of many small matrices whose eigenvalues are known."""

from __future__ import annotations

import numpy as np
import pytest

from cfdyn.ensembles.slow import radii_of


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
    assert radii_of(np.array([[[0.0, -1.0], [1.0, 0.0]], [[3.0, 7.0], [0.0, -4.0]]])).tolist() == [1, 4]
