"""Elimination against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from cfdyn.kernels.linear import lu


@pytest.mark.parametrize("dtype", [float, complex])
def test_elimination(dtype):
    rng = np.random.default_rng(0)
    for n in range(1, 8):
        matrix = rng.normal(size=(n + 1, n)).astype(dtype)
        if dtype is complex:
            matrix += 1j * rng.normal(size=(n + 1, n))
        matrix[0, 0] = 0.0 if n > 1 else 1.0
        square, right, pivots = matrix[:n].copy(), matrix[n].copy(), np.zeros((6, n), np.int64)
        assert lu.factor(n, matrix, pivots, 1)
        lu.solve(n, matrix, pivots, 1)
        np.testing.assert_allclose(square @ matrix[n], right, atol=1e-11)
    assert not lu.factor(2, np.zeros((3, 2), dtype), np.zeros((2, 2), np.int64), 0)
    assert not lu.factor(2, np.full((3, 2), np.nan, dtype), np.zeros((2, 2), np.int64), 0)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("filled", [0.1, 0.4, 1.0])
def test_elimination_without_the_zeros(dtype, filled):
    rng = np.random.default_rng(1)
    for n in (1, 2, 5, 12):
        square = np.where(rng.random((n, n)) < filled, rng.normal(size=(n, n)), 0.0).astype(dtype)
        if dtype is complex:
            square *= np.exp(1j * rng.normal(size=(n, n)))
        # A permutation apart, so that rows are exchanged.
        square += np.eye(n)[rng.permutation(n)] * 3
        right, pivots = rng.normal(size=n).astype(dtype), np.zeros((6, n), np.int64)
        matrix = np.concatenate([square, right[None]])
        assert lu.factor(n, matrix, pivots, 1)
        factors, spans = np.tril(matrix[:n], -1), np.triu(matrix[:n], 1)
        for i in range(n):
            assert not factors[i, : pivots[3, i]].any() and not spans[i, pivots[5, i] + 1 :].any()
        lu.solve(n, matrix, pivots, 1)
        np.testing.assert_allclose(matrix[n], np.linalg.solve(square, right), rtol=1e-9, atol=1e-12)
