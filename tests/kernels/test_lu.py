"""Elimination against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from cfdyn.kernels import lu


@pytest.mark.parametrize("dtype", [float, complex])
def test_elimination(dtype):
    rng = np.random.default_rng(0)
    for n in range(1, 8):
        matrix = rng.normal(size=(n + 1, n)).astype(dtype)
        if dtype is complex:
            matrix += 1j * rng.normal(size=(n + 1, n))
        matrix[0, 0] = 0.0 if n > 1 else 1.0
        square, right, pivots = matrix[:n].copy(), matrix[n].copy(), np.zeros((2, n), np.int64)
        assert lu.factor(matrix, pivots, 1)
        lu.solve(matrix, pivots, 1)
        np.testing.assert_allclose(square @ matrix[n], right, atol=1e-11)
    assert not lu.factor(np.zeros((3, 2), dtype), np.zeros((2, 2), np.int64), 0)
    assert not lu.factor(np.full((3, 2), np.nan, dtype), np.zeros((2, 2), np.int64), 0)
