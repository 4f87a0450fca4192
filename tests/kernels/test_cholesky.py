"""Products, factors and linear systems against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from cfdyn.kernels.linear import cholesky
from cfdyn.machine.jit import kernel, pointer


@kernel
def product(sign, left, right, target):
    (count, rows), n = left.shape, right.shape[1]
    cholesky.product(count, rows, n, sign, pointer(left, 0), rows, pointer(right, 0), n, pointer(target, 0), n)


@kernel
def factor(m, beta, rows, left):
    return cholesky.factor(m, pointer(beta, 0), 1e-13, pointer(rows, 0), pointer(left, 0))


@kernel
def image(beta, x, out, sizes):
    cholesky.image(x.size, pointer(beta, 0), pointer(x, 0), pointer(out, 0), pointer(sizes, 0))


@kernel
def fit(n, count, v, inverse, b, x):
    width = v.shape[1]
    cholesky.triangle(n, count, width, 1e-300, pointer(v, 0), pointer(inverse, 0))
    cholesky.solve(n, pointer(v, count * width), width, pointer(inverse, 0), pointer(b, 0), pointer(x, 0))


def padded(n):
    return -(-n // 4) * 4


@pytest.mark.parametrize(("count", "rows", "n"), [(2, 4, 8), (4, 8, 4), (10, 12, 12)])
@pytest.mark.parametrize("sign", [0.0, 1.0, -1.0])
def test_product(count, rows, n, sign):
    rng = np.random.default_rng(count)
    left, right, before = rng.normal(size=(count, rows)), rng.normal(size=(count, n)), rng.normal(size=(rows, n))
    found = before.copy()
    product(sign, left, right, found)
    assert pytest.approx(sign * left.T @ right + before if sign else left.T @ right, abs=1e-13) == found


@pytest.mark.parametrize("m", [1, 3, 4, 10, 13])
@pytest.mark.parametrize("missing", [0, 1, 4])
def test_factor(m, missing):
    """Of any rank, also where the rank is hardly in doubt."""
    rank, width = max(m - missing, 0), padded(m)
    factors = np.random.default_rng(m).normal(size=(rank, m))
    for small in (1.0, 1e-4):
        if rank > 0:
            factors[-1] *= small
        beta = np.zeros((width, width))
        beta[:m, :m] = factors.T @ factors
        rows = np.full((width, width), np.nan)
        assert factor(m, beta, rows, np.empty(width)) == rank
        assert pytest.approx(rows[:rank].T @ rows[:rank], abs=1e-13 * m) == beta


@pytest.mark.parametrize("n", [1, 4, 6, 11])
@pytest.mark.parametrize("count", [0, 8])
def test_a_linear_system(n, count):
    rng, width = np.random.default_rng(n), padded(n) + 4
    v = np.zeros((count + padded(n), width))
    v[:count, :n] = rng.normal(size=(count, n))
    v[range(count, count + padded(n)), range(padded(n))] = rng.uniform(1.0, 2.0, padded(n))
    matrix = v[:count, :n].T @ v[:count, :n] + np.diag(v[count:].diagonal()[:n])
    b, x = np.zeros(width), np.zeros(width)
    b[:n] = rng.normal(size=n)
    expected = np.linalg.solve(matrix, b[:n])
    fit(n, count, v, np.empty(width), b, x)
    assert pytest.approx(expected, rel=1e-12, abs=1e-12) == x[:n]


def test_image():
    rng = np.random.default_rng(0)
    beta, x, out, sizes = rng.normal(size=(12, 12)), rng.normal(size=12), np.empty(12), np.empty(12)
    beta += beta.T
    image(beta, x, out, sizes)
    assert pytest.approx(beta @ x, abs=1e-13) == out
    assert pytest.approx(np.abs(beta) @ np.abs(x), abs=1e-13) == sizes
