"""Certificates, closed forms, solutions known by construction, and a conic solver as a second opinion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.complementarity import complementarity

SEEDS = st.integers(0, 2**32)
ORDERS = st.integers(1, 5)


def operator(factors):
    """β_ijkl = Σ_n A_nij A_nkl of symmetric factors (n, k, k)."""
    factors = (factors + factors.transpose(0, 2, 1)) / 2
    return np.einsum("nij,nkl->ijkl", factors, factors)


def apply(beta, x):
    return np.einsum("ijkl,kl->ij", beta, x)


def known(rng, k, rank_x, rank_z, factors):
    """(α, β, X, Z) with X and Z complementary, of these ranks."""
    q = np.linalg.qr(rng.normal(size=(k, k)))[0]
    x, z = np.zeros(k), np.zeros(k)
    x[:rank_x] = rng.uniform(0.2, 1.0, rank_x)
    z[k - rank_z :] = rng.uniform(0.2, 1.0, rank_z)
    beta = operator(factors)
    x, z = (q * x) @ q.T, (q * z) @ q.T
    return z - apply(beta, x), beta, x, z


def residuals(alpha, beta, found):
    """The KKT violations, in units that do not change with the scales of α and β."""
    x, z = found.X, alpha + apply(beta, found.X)
    size = max(np.abs(x).max(), 1e-300)
    scale = np.abs(alpha).max() + np.einsum("ijkl,kl->ij", np.abs(beta), np.abs(x)).max()
    if scale == 0:
        return 0.0
    parts = (-np.linalg.eigvalsh(x / size)[0], -np.linalg.eigvalsh(z / scale)[0], np.abs(x / size @ (z / scale)).max())
    return max(*parts, 0.0)


def check(alpha, beta, tolerance=1e-12):
    found = complementarity(alpha, beta)
    assert residuals(alpha, beta, found) <= (tolerance if found.strict else 1e-8)
    assert found.residual <= (tolerance if found.strict else 1e-8)
    assert np.array_equal(found.X, found.X.T) and found.X.shape == alpha.shape
    return found


@settings(max_examples=60, deadline=None)
@given(ORDERS, SEEDS)
def test_any_data(k, seed):
    rng = np.random.default_rng(seed)
    alpha = rng.normal(size=(k, k))
    found = check(alpha + alpha.T, operator(rng.normal(size=(k * (k + 1) // 2 + 1, k, k))))
    assert found.unique and found.rank == k * (k + 1) // 2


@settings(max_examples=60, deadline=None)
@given(ORDERS, SEEDS, st.data())
def test_known_solutions(k, seed, data):
    rank = data.draw(st.integers(0, k))
    rng = np.random.default_rng(seed)
    alpha, beta, x, z = known(rng, k, rank, k - rank, rng.normal(size=(2 * k * k + 1, k, k)))
    found = check(alpha, beta)
    assert found.strict
    assert pytest.approx(x, abs=1e-10) == found.X
    assert pytest.approx(z, abs=1e-10) == found.Z


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), SEEDS, st.data())
def test_degenerate(k, seed, data):
    """X + Z singular: strict complementarity fails and is reported to fail."""
    rank = data.draw(st.integers(0, k - 1))
    rng = np.random.default_rng(seed)
    alpha, beta, x, _ = known(rng, k, rank, k - 1 - rank, rng.normal(size=(2 * k * k + 1, k, k)))
    found = check(alpha, beta)
    assert not found.strict
    assert pytest.approx(x, abs=1e-6) == found.X


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), SEEDS, st.data())
def test_singular_operator(k, seed, data):
    """Z and β[X] are unique where X is not."""
    count = data.draw(st.integers(1, k * (k + 1) // 2 - 1))
    rank = data.draw(st.integers(0, k))
    rng = np.random.default_rng(seed)
    alpha, beta, x, z = known(rng, k, rank, k - rank, rng.normal(size=(count, k, k)))
    found = check(alpha, beta)
    assert found.rank == count and not found.unique
    assert pytest.approx(z, abs=1e-6) == found.Z
    assert np.linalg.norm(found.X) <= 10 * np.linalg.norm(x)  # the least norm is aimed at, not certified


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), SEEDS, st.floats(-150, 150), st.floats(-150, 150))
def test_scaling(k, seed, one, two):
    """Multiplying α or β by a number multiplies X, and changes neither ranks nor residuals."""
    rng = np.random.default_rng(seed)
    alpha, beta, x, _ = known(rng, k, 1, k - 1, rng.normal(size=(2 * k * k, k, k)))
    found = check(10.0**one * alpha, 10.0**two * beta)
    assert found.X / 10.0 ** (one - two) == pytest.approx(x, abs=1e-9)
    assert found.strict and found.unique


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), SEEDS, st.integers(0, 4))
def test_badly_conditioned(k, seed, rank):
    """β with eigenvalues from 1 to 1e-10."""
    rng = np.random.default_rng(seed)
    m = k * (k + 1) // 2
    q = np.linalg.qr(rng.normal(size=(m, m)))[0] * np.logspace(0, -5, m)
    factors = np.zeros((m, k, k))
    i, j = np.triu_indices(k)
    factors[:, i, j] = factors[:, j, i] = q.T * np.where(i == j, 1.0, np.sqrt(0.5))
    alpha, beta, *_ = known(rng, k, min(rank, k), k - min(rank, k), factors)
    check(alpha, beta)


@pytest.mark.parametrize(("a", "b", "x"), [(-3.0, 2.0, 1.5), (3.0, 2.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0), (2.0, 0.0, 0.0)])
def test_one_by_one(a, b, x):
    found = complementarity(a, b)
    assert found.X.tolist() == [[x]] and found.Z[0, 0] == a + b * x
    assert found.strict is (a != 0) and found.unique is (b > 0)


@pytest.mark.parametrize("first", [-2.0, 0.0, 3.0])
@pytest.mark.parametrize("second", [-5.0, 0.0, 1.0])
def test_two_diagonal(first, second):
    """α = diag(a₁, a₂), β = b₁ e₁₁², b₂ e₂₂², 1 on the rest: X_ii = max(0, −a_i/b_i)."""
    beta = operator(np.array([[[2.0, 0], [0, 0]], [[0, 0], [0, 3.0]], [[0, 1.0], [1.0, 0]]]))
    found = check(np.diag([first, second]), beta)
    assert pytest.approx(np.diag([max(0.0, -first / 4), max(0.0, -second / 9)]), abs=1e-14) == found.X
    assert found.strict is (first != 0 and second != 0)


@pytest.mark.parametrize("k", [2, 4])
def test_identity_projects(k):
    """β = 1: X is the projection of −α on the cone."""
    alpha = np.random.default_rng(k).normal(size=(k, k))
    alpha = alpha + alpha.T
    found = check(alpha, np.einsum("ik,jl->ijkl", np.eye(k), np.eye(k)))
    values, vectors = np.linalg.eigh(-alpha)
    assert pytest.approx((vectors * np.maximum(values, 0)) @ vectors.T, abs=1e-13) == found.X


def test_least_norm():
    """β sees only tr X: of all X with the trace 2, the multiple of 1 is smallest."""
    found = complementarity(-2 * np.eye(3), operator(np.eye(3)[None]))
    assert found.rank == 1 and not found.unique
    assert pytest.approx(np.eye(3) * 2 / 3, abs=1e-5) == found.X


@pytest.mark.parametrize(
    "beta", [np.zeros((2, 2, 2, 2)), operator(np.diag([1.0, 0.0])[None]), operator(np.diag([1.0, -1.0])[None])]
)
def test_no_solution(beta):
    with pytest.raises(NumericsError, match="no solution"):
        complementarity(-np.eye(2), beta)


def test_large_order_is_still_solved():
    rng = np.random.default_rng(3)
    alpha, beta, x, _ = known(rng, 8, 3, 5, rng.normal(size=(40, 8, 8)))
    assert pytest.approx(x, abs=1e-10) == check(alpha, beta).X


@pytest.mark.parametrize(
    ("alpha", "beta", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 2, 2, 2)), r"alpha must have the shape \(k, k\)"),
        (np.eye(2), np.eye(3), r"beta must have the shape \(2, 2, 2, 2\)"),
        (np.full((2, 2), np.nan), np.ones((2, 2, 2, 2)), "finite"),
        (-1.0, -1.0, "positive semidefinite"),
        (np.eye(17), np.zeros((17,) * 4), "too large"),
        ("a", 1.0, "real numbers"),
    ],
)
def test_what_is_refused(alpha, beta, message):
    with pytest.raises(UsageError, match=message):
        complementarity(alpha, beta)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2, 3, 5, 8])
def test_against_a_conic_solver(k):
    import cvxpy as cp  # of the extra "bench", which `make test-all` installs

    for seed in range(10):
        rng = np.random.default_rng(seed)
        alpha = rng.normal(size=(k, k))
        alpha, factors = alpha + alpha.T, rng.normal(size=(k * k + 1, k, k))
        factors = factors + factors.transpose(0, 2, 1)
        found = check(alpha, operator(factors))
        x = cp.Variable((k, k), PSD=True)
        images = factors.reshape(len(factors), -1) @ cp.reshape(x, (k * k,), order="C")
        cp.Problem(cp.Minimize(cp.trace(alpha @ x) + cp.sum_squares(images) / 2)).solve(solver="CLARABEL")
        assert pytest.approx(x.value, abs=1e-4) == found.X
        ours = np.sum(alpha * found.X) + np.sum(found.X * apply(operator(factors), found.X)) / 2
        assert ours <= np.sum(alpha * x.value) + np.sum(x.value * apply(operator(factors), x.value)) / 2 + 1e-8
