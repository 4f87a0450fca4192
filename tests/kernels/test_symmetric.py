"""The eigenvalue kernel against numpy, its scales, and blocks that must stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfdyn.kernels.linear.symmetric import eigh
from cfdyn.machine.jit import DISABLED, kernel


@kernel
def call(matrix, values, vectors, work):
    return eigh(matrix, values, vectors, work)


def decompose(matrix):
    n = len(matrix)
    values, vectors = np.empty(n), np.empty((n, n))
    before = matrix.copy()
    status = call(matrix, values, vectors, np.empty(n * n + 2 * n))
    assert np.array_equal(matrix, before, equal_nan=True)
    return status, values, vectors


def check(matrix, tolerance=1e-14):
    status, values, vectors = decompose(matrix)
    n, norm = len(matrix), np.abs(matrix).max()
    assert status == 0
    assert (np.diff(values) >= 0).all()
    assert np.abs(vectors.T @ vectors - np.eye(n)).max() < tolerance
    if norm > 0:
        unit = matrix / norm
        assert np.abs(vectors @ np.diag(values / norm) @ vectors.T - unit).max() < tolerance * np.sqrt(n)
        assert np.abs(values / norm - np.linalg.eigvalsh(unit)).max() < tolerance * n


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(0, 2**32), st.integers(0, 14), st.sampled_from([1.0, 1e-250, 1e250]))
def test_agrees_with_numpy(n, seed, rank, scale):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, rank))
    check((factor * rng.normal(size=rank)) @ factor.T * scale)


@pytest.mark.parametrize("n", [1, 2, 8, 9, 20] if DISABLED else [1, 2, 8, 9, 20, 120])
def test_larger_repeated_and_tridiagonal(n):
    rng = np.random.default_rng(n)
    matrix = rng.normal(size=(n, n))
    check(matrix + matrix.T, 1e-13)
    check(np.ones((n, n)), 1e-13)
    check(np.diag(np.full(n - 1, -1.0), 1) + np.diag(np.full(n - 1, -1.0), -1) + 2 * np.eye(n), 1e-13)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_equal_eigenvalues_of_decoupled_blocks_are_not_mixed(n):
    one = np.array([[2.0, 1.0], [1.0, 2.0]])
    matrix = 3.0 * np.eye(n)
    matrix[:2, :2] = one
    vectors = decompose(matrix)[2]
    for column in vectors.T:
        assert (column[:2] == 0).all() or (column[2:] == 0).all()


def test_a_graded_matrix_keeps_its_small_eigenvalue():
    grade = np.diag([1.0, 1e-8, 1e-16])
    matrix = grade @ (np.eye(3) + 0.1 * np.ones((3, 3))) @ grade
    inner = 1.1 - 0.02 / 1.2  # the Schur complement of the last entry, scaled
    assert decompose(matrix)[1][0] == pytest.approx(inner * 1e-32, rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    matrix = np.eye(3)
    matrix[0, 2] = matrix[2, 0] = bad
    status, values, vectors = decompose(matrix)
    assert status == 1
    assert np.isnan(values).all() and np.isnan(vectors).all()


def test_only_the_upper_triangle_is_read():
    assert decompose(np.array([[1.0, 0.0], [7.0, 2.0]]))[1].tolist() == [1.0, 2.0]
