"""A matrix known by its products: LU, banded LU and Krylov's methods give one answer, and say where there is none."""

import numpy as np
import pytest

from cfdyn.linalg.direct import solved
from cfdyn.linalg.krylov import gmres
from cfdyn.linalg.operator import Operator, shape_of

SIZE = 90


def tridiagonal(symmetric):
    rng = np.random.default_rng(2)
    matrix = np.diag(rng.uniform(2, 3, SIZE)) + np.diag(rng.uniform(-0.4, 0.4, SIZE - 1), 1)
    return (matrix + matrix.T) / 2 if symmetric else matrix + np.diag(rng.uniform(-0.4, 0.4, SIZE - 1), -1)


def full(symmetric):
    matrix = np.eye(SIZE) * 3 + 0.1 * np.random.default_rng(4).normal(size=(SIZE, SIZE))
    return (matrix + matrix.T) / 2 if symmetric else matrix


def operator(matrix, watched=None):
    def product(rows):
        return rows @ matrix.T

    return Operator(product, shape_of(product, product, np.arange(SIZE), watched))


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize(("make", "watched"), [(tridiagonal, None), (full, None), (full, 5)])
def test_bordered_systems(make, watched, symmetric):
    matrix, rng = make(symmetric), np.random.default_rng(5)
    found = operator(matrix, watched)
    assert found.shape.symmetric == symmetric and (found.matrix is None) == (watched is not None)
    assert (found.shape.width == 1) == (make is tridiagonal)
    column, row, right = rng.normal(size=(3, SIZE))
    x, converged, work = found.bordered(1.0, column, row, 0.5, np.append(right, 0.25))
    assert converged and (work == 1 if watched is None else 4 < work < 400)
    whole = np.block([[matrix - np.eye(SIZE), column[:, None]], [row[None], np.array([[0.5]])]])
    np.testing.assert_allclose(whole @ x, np.append(right, 0.25), atol=1e-8)
    two = found.bordered(1.0, column, row, 0.5, np.column_stack([np.append(right, 0.25), np.ones(SIZE + 1)]))
    np.testing.assert_allclose(two.x[:, 0], x, atol=1e-8)
    h = found.solve(right)
    np.testing.assert_allclose(matrix @ h.x - h.x, right, atol=1e-8)


@pytest.mark.parametrize("watched", [None, 5])
def test_a_singular_system_has_no_solution_and_says_so(watched):
    found = operator(np.diag(np.append(np.ones(1), np.linspace(2, 3, SIZE - 1))), watched).solve(np.ones(SIZE))
    assert not found.converged and not np.isfinite(found.x).any() and found.work > 0
    assert operator(np.eye(SIZE), watched).solve(np.zeros(SIZE))[1:] == (True, 0)


def test_gmres_begins_where_it_is_told():
    matrix, right = full(False), np.ones(SIZE)
    x = solved(matrix, right).x
    near = gmres(lambda v: matrix @ v, right, 1e-9, 800, x)
    assert near.converged and near.work < gmres(lambda v: matrix @ v, right, 1e-9, 800).work


@pytest.mark.parametrize("make", [tridiagonal, full])
def test_leading_multipliers_are_those_of_the_matrix(make):
    matrix = make(True)
    exact, found = np.linalg.eigvalsh(matrix), operator(matrix, 5).spectrum(vectors=True)
    np.testing.assert_allclose(found.values, [*exact[:5], *exact[-4:]], atol=1e-5)
    np.testing.assert_allclose(found.values[:5], exact[:5], atol=1e-9)
    np.testing.assert_allclose(
        np.linalg.norm(matrix @ found.vectors - found.vectors * found.values, axis=0), found.residuals, atol=1e-9
    )
