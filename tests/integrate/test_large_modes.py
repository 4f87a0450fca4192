"""Eigenvectors that are followed: corrections by residuals, one by one and in conjugate directions, beside NumPy's eigh."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import lobpcg

import cfdyn as cf
from cfdyn.integrate.large import large_run, mode_solver
from cfdyn.integrate.large.modes import recombine, refined
from tests.integrate.test_large import Plain

NET, START = cf.losses.tanh_network(), 0.7 * np.random.default_rng(1).normal(size=7)

D = 60


def crowded(seed, k, off):
    """A matrix with eigenvalues 2, 1.99… close behind each other and others below, its eigenvectors, and k rows near them."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.standard_normal((D, D)))[0]
    values = np.r_[2 - 0.01 * np.arange(k), 2 - 0.01 * k - 0.05 - 3 * random.random(D - k)]
    rows = turn[:, :k].T + off * random.standard_normal((k, D)) / D**0.5
    return (turn * values) @ turn.T, turn[:, :k].T, np.linalg.qr(rows.T)[0].T


def corrected(matrix, start, rounds, length, at_once, enough=0.0):
    """The Ritz values and vectors, their products, what turned them, and how many products that took."""
    asked, basis, products = [], start.copy(), start @ matrix

    def product(rows):
        asked.extend(rows)
        return rows @ matrix

    def choose(values, sizes):
        return dict.fromkeys(range(len(values)), enough)

    values, turn = refined(product, basis, products, choose, rounds, at_once, length)
    return values, basis, products, turn, len(asked)


@pytest.mark.parametrize("seed", range(4))
def test_conjugate_directions_come_as_near_as_those_of_scipy(seed, monkeypatch):
    """Of one mode 0.05 above others that reach 3 below, 12 products: to rounding; as many residuals without what they moved it by
    leave more than three times the angle."""
    monkeypatch.setattr("cfdyn.integrate.large.modes.DONE", 0.0)
    matrix, exact, start = crowded(seed, 1, 0.1)
    with warnings.catch_warnings():  # it has not converged
        warnings.simplefilter("ignore")
        expected = lobpcg(matrix, start.T.copy(), largest=True, maxiter=11, tol=1e-30)[0]
    values, basis, _, _, asked = corrected(matrix, start, 1, 12, 1)
    assert asked == 12
    assert values == pytest.approx(expected, rel=1e-13)
    alone = corrected(matrix, start, 12, 1, 1)[1]
    assert np.linalg.norm(exact - (exact @ basis.T) @ basis) < np.linalg.norm(exact - (exact @ alone.T) @ alone) / 3


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 5), st.booleans(), st.floats(1e-6, 0.5))
def test_what_comes_back_are_ritz_vectors_with_their_products(seed, k, length, block, off):
    """Orthonormal, with products that are theirs, values that are no less than before and no more than the largest; ``turn``
    is what is left of the old vectors."""
    matrix, _, start = crowded(seed, k, off)
    values, basis, products, turn, _ = corrected(matrix, start, 1, length, k if block else 1)
    np.testing.assert_allclose(basis @ basis.T, np.eye(k), atol=1e-9)
    np.testing.assert_allclose(products, basis @ matrix, atol=1e-9)
    np.testing.assert_allclose(basis @ matrix @ basis.T, np.diag(values), atol=1e-9)
    # To the second order where one is corrected after another and the old ones are not kept.
    np.testing.assert_allclose(basis @ start.T, turn, atol=1e-9 if length > 1 or block or k == 1 else off**2)
    before = np.linalg.eigvalsh(start @ matrix @ start.T)[::-1]
    assert np.all(values > before - 1e-9) and values[0] < 2 + 1e-9


def test_directions_end_where_residuals_will_do():
    """The first one is used in any case; where no residual does, until it is a fifth of the largest."""
    matrix, _, start = crowded(1, 3, 0.1)
    asked = [corrected(matrix, start, 1, 9, 1, enough)[-1] for enough in (10.0, 0.03, 0.0)]
    assert asked[0] == 3 < asked[1] < asked[2] < 27
    _, basis, products, _, _ = corrected(matrix, start, 1, 9, 1, 0.03)
    values = np.sum(basis * products, axis=1)
    assert np.linalg.norm(products - values[:, None] * basis, axis=1).max() < 0.06


def test_an_exact_mode_stays_as_it_is():
    matrix, exact, _ = crowded(0, 2, 0.0)
    values, basis, _, _, _ = corrected(matrix, exact, 1, 4, 1)
    np.testing.assert_allclose(values, [2.0, 1.99], rtol=1e-12)
    np.testing.assert_allclose(np.abs(basis @ exact.T), np.eye(2), atol=1e-12)


def test_rows_and_what_is_beside_them_are_recombined_in_their_places():
    """As the product with both, over more entries than are taken at a time."""
    random = np.random.default_rng(0)
    rows, more, turn = (random.standard_normal(shape) for shape in ((3, 9000), (2, 9000), (4, 5)))
    whole = turn @ np.concatenate([rows, more])
    kept = more[1].copy()
    recombine(turn, rows, more)
    np.testing.assert_allclose(np.concatenate([rows, more[:1]]), whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(more[1], kept)


@pytest.mark.parametrize(("rtol", "on", "long", "method", "length"), [
    (1e-3, False, 100, "auto", 1), (3e-4, False, 100, "auto", 4), (1e-3, True, 100, "auto", 4), (3e-4, True, 7, "auto", 1),
    (1e-5, False, 100, "map", 1),
])  # fmt: skip
def test_conjugate_directions_are_for_few_weights_where_modes_are_to_be_exact(rtol, on, long, method, length, monkeypatch):
    """At tight tolerances, and where modes turn into others; not where memory counts, nor where no error tells."""
    monkeypatch.setattr(mode_solver, "LONG", long)
    run = large_run(cf.flows.central(Plain(NET), cf.optimizers.gd(lr=1.2)), START, rtol=rtol, method=method)
    lengths = []

    def refine(*given):
        lengths.append(given[-1])
        return refined(*given)

    monkeypatch.setattr(mode_solver, "refined", refine)
    run.rotation.on = on
    run.advance(5.0)
    assert max(lengths) == length


def test_the_modes_of_the_central_map_are_as_exact_as_its_tolerance_says():
    """Its steps are whole, so that a mode that is not exact is an error of the path."""
    paths = []
    for rtol in (1e-8, 1e-6, 1e-5):
        run = large_run(cf.flows.central(Plain(NET), cf.optimizers.gd(lr=1.2)), START, rtol=rtol, method="map")
        run.advance(20.0)
        paths.append(run.w)
    np.testing.assert_allclose(paths[1], paths[0], atol=2e-6)
    np.testing.assert_allclose(paths[2], paths[0], atol=2e-5)
