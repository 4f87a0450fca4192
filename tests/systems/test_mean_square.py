"""Mean-square stability of SGD: against all batches written out, simulated runs, and published thresholds."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import make_loss
from tests.systems.second_moments import batches, operator_of_all_batches, quadratic_rows, random_rows, sharp_directions

CASES = [(n, b, replace) for n in (2, 3, 5, 6) for b in (1, 2, 3) for replace in (True, False) if replace or b <= n]


@pytest.mark.parametrize(("n", "b", "replace"), CASES)
@pytest.mark.parametrize(("rank", "cut"), [(1, 0.0), (None, 0.1), (2, 0.7)])
def test_radius_and_eigenmatrix_are_those_of_all_batches(n, b, replace, rank, cut):
    lr, hessians = 0.3, random_rows(10 * n + b, n, 3, rank)
    _, q = sharp_directions(hessians, lr, max(cut, 1e-9))
    exact = operator_of_all_batches(hessians, lr, b, replace, q)
    found = cf.mean_square(quadratic_rows(hessians), np.zeros(3), lr, b, replace, cut)
    assert found.sharp == len(q) > 0
    assert found.radius == pytest.approx(np.abs(np.linalg.eigvals(exact)).max(), rel=1e-12)
    block = q @ found.matrix @ q.T
    np.testing.assert_allclose(
        (exact @ block.ravel()).reshape(block.shape), found.radius * block, rtol=0, atol=1e-12 * max(1, found.radius)
    )
    np.testing.assert_allclose(found.matrix, q.T @ block @ q, rtol=0, atol=1e-14)
    assert np.trace(found.matrix) == pytest.approx(1, abs=1e-13)
    assert np.linalg.eigvalsh(found.matrix)[0] >= -1e-13


def test_directions_that_count_in_part():
    lr, cut, width, hessians = 0.3, 0.3, 2.5, random_rows(4, 5, 3, 2)
    values, q = sharp_directions(hessians, lr, cut / width)
    s = (np.log(lr * values * width / cut) / (2 * np.log(width))).clip(0, 1)
    weights = s**3 * (10 - 15 * s + 6 * s**2)
    assert 0 < weights.min() < 0.9 < weights.max() == 1
    some = np.diag(np.sqrt(weights))
    exact = np.kron(some, some) @ operator_of_all_batches(hessians, lr, 2, True, q) @ np.kron(some, some)
    found = cf.mean_square(quadratic_rows(hessians), np.zeros(3), lr, 2, cut=cut, width=width)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-13)
    assert found.radius == pytest.approx(np.linalg.eigvalsh(exact)[-1], rel=1e-12)
    at_edge = cf.mean_square(quadratic_rows(hessians), np.zeros(3), found.largest_lr, 2, cut=cut, width=width)
    assert at_edge.radius == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("lr", [0.05, 0.2, 0.31])
def test_one_batch_of_all_rows_is_gradient_descent(lr):
    hessians = random_rows(1, 6, 3, 2)
    found = cf.mean_square(quadratic_rows(hessians), np.zeros(3), lr, 6, replace=False, cut=0)
    values = np.linalg.eigvalsh(hessians.mean(axis=0))
    assert found.radius == pytest.approx(np.max((1 - lr * values) ** 2), rel=1e-14)
    assert found.full_batch == pytest.approx(found.radius, rel=1e-15)
    assert found.largest_lr == pytest.approx(2 / values[-1], rel=1e-14)


def fourth_moment_multiplier(factors) -> float:
    """The spectral radius of E[X ⊗ X ⊗ X ⊗ X]: below 1 the variance of a mean of squares exists in the limit."""
    return float(np.abs(np.linalg.eigvals(np.mean([np.kron(np.kron(x, x), np.kron(x, x)) for x in factors], axis=0))).max())


@pytest.mark.parametrize(("replace", "seed"), [(True, 0), (False, 1)])
def test_simulated_runs_grow_as_the_radius_says(replace, seed):
    """In the mean ⟨V, δδᵀ⟩ is multiplied by the radius at each step, exactly for quadratic rows that share their minimum."""
    n, b, lr, runs, hessians = 5, 2, 0.35, 100_000, random_rows(7, 5, 2, 1)
    found = cf.mean_square(quadratic_rows(hessians), np.zeros(2), lr, b, replace, cut=0)
    factors = np.eye(2) - lr * hessians[batches(n, b, replace)].mean(axis=1)
    assert fourth_moment_multiplier(factors) < 1
    rng, start = np.random.default_rng(seed), np.array([1.0, -0.5])
    state = np.tile(start, (runs, 1))
    for step in range(1, 13):
        state = np.einsum("rij,rj->ri", factors[rng.integers(len(factors), size=runs)], state)
        seen = np.einsum("ri,ij,rj->r", state, found.matrix, state)
        expected = found.radius**step * (start @ found.matrix @ start)
        assert abs(seen.mean() - expected) < 4 * seen.std(ddof=1) / np.sqrt(runs)
    assert found.radius < 0.99


def test_second_moments_follow_the_recursion_with_gradient_noise():
    """Σ⁺ = M[Σ] + η²C: exactly over all batches, and within 4 standard errors of 10⁵ runs, far from interpolation."""
    from cfdyn.systems.sgd.second_moments import SecondMoments, noise_share

    n, b, lr, runs, rng = 6, 2, 0.25, 100_000, np.random.default_rng(3)
    hessians, gradients = random_rows(11, n, 2, 1), rng.normal(size=(n, 2))
    values, q = sharp_directions(hessians, lr, 1e-9)
    rotated, g = np.einsum("ad,nde,be->nab", q, hessians, q), gradients @ q.T
    rest = np.linalg.solve(np.diag(values), -g.mean(axis=0))
    noise = g + rotated @ rest
    moments, share = SecondMoments(values, rotated - rotated.mean(axis=0)), noise_share(n, b, False)
    factors = np.eye(2) - lr * rotated[batches(n, b, False)].mean(axis=1)
    shifts = -lr * noise[batches(n, b, False)].mean(axis=1)
    assert fourth_moment_multiplier(factors) < 1
    sigma, exact, delta = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((runs, 2))
    for _ in range(40):
        plain = np.outer(1 - lr * values, 1 - lr * values)
        sigma = plain * sigma + lr**2 * share * (moments.noise(sigma) + noise.T @ noise / n)
        exact = np.mean([x @ exact @ x + np.outer(s, s) for x, s in zip(factors, shifts)], axis=0)
        drawn = rng.integers(len(factors), size=runs)
        delta = np.einsum("rij,rj->ri", factors[drawn], delta) + shifts[drawn]
    np.testing.assert_allclose(sigma, exact, rtol=1e-12)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        seen = delta[:, i] * delta[:, j]
        assert abs(seen.mean() - sigma[i, j]) < 4 * seen.std(ddof=1) / np.sqrt(runs)


@pytest.mark.parametrize(("b", "replace"), [(1, True), (2, True), (3, False), (4, False)])
def test_the_threshold_of_wu_ma_and_e_in_one_dimension(b, replace):
    """(1 − ηa)² + η² c s² = 1 at η = 2a/(a² + c s²)."""
    a = np.array([0.0, 1.0, 3.0, 4.0])
    share = 1 / b if replace else (4 - b) / (3 * b)
    found = cf.mean_square(quadratic_rows(a[:, None, None]), [0.0], 0.1, b, replace)
    assert found.largest_lr == pytest.approx(2 * 2 / (2**2 + share * 2.5), rel=1e-14)


@pytest.mark.parametrize("rows", [3, 6])
@pytest.mark.parametrize(("b", "replace"), [(1, True), (1, False), (2, False), (3, False)])
def test_the_threshold_of_mulayoff_and_michaeli(rows, b, replace):
    """2/λ₁(C†D) with Kronecker products; three rows of rank 1 in four dimensions leave a flat direction."""
    hessians = random_rows(rows, rows, 4, 1)
    mean, one, n = hessians.mean(axis=0), np.eye(4), rows
    p = 1 / b if replace else (n - b) / (b * (n - 1))
    c = (np.kron(mean, one) + np.kron(one, mean)) / 2
    d = (1 - p) * np.kron(mean, mean) + p * np.mean([np.kron(h, h) for h in hessians], axis=0)
    exact = 2 / np.linalg.eigvals(np.linalg.pinv(c) @ d).real.max()
    found = cf.mean_square(quadratic_rows(hessians), np.zeros(4), 0.1, b, replace, cut=0)
    assert (found.sharp, found.flat, found.negative) == (min(rows, 4), max(4 - rows, 0), 0)
    assert found.largest_lr == pytest.approx(exact, rel=1e-11)
    near = cf.mean_square(quadratic_rows(hessians), np.zeros(4), found.largest_lr, b, replace, cut=0)
    assert near.radius == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_rows_of_signs_have_the_bound_by_the_trace(d):
    """For x ∈ {−1, 1}ᵈ and (x·w)²/2 single rows are stable up to 2/E|x|² = 2/d, gradient descent up to 2."""
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * d)).reshape(d, -1).T
    columns = [f"x{i}" for i in range(d)]
    score = " + ".join(f"w{i}*x{i}" for i in range(d))
    loss = cf.Loss.from_spec(make_loss(f"({score})**2/2", [f"w{i}" for i in range(d)], columns=columns, data=signs))
    found = cf.mean_square(loss, np.zeros(d), 0.3, 1)
    assert found.largest_lr == pytest.approx(2 / d, rel=1e-13)
    assert found.radius == pytest.approx(1 - 2 * 0.3 + 0.3**2 * d, rel=1e-13)
    np.testing.assert_allclose(found.matrix, np.eye(d) / d, atol=1e-13)


def test_largest_rate_and_smallest_batch_are_where_the_radius_passes_1():
    hessians = random_rows(9, 6, 4, 2)
    hessians = hessians * np.array([1, 0.6, 0.1, 0.03])[:, None] * np.array([1, 0.6, 0.1, 0.03])
    loss = quadratic_rows(hessians)
    for replace in (True, False):
        for cut in (0.0, 0.1, 0.5):
            edge = cf.mean_square(loss, np.zeros(4), 0.1, 1, replace, cut).largest_lr
            below, above = (cf.mean_square(loss, np.zeros(4), edge * f, 1, replace, cut) for f in (1 - 1e-7, 1 + 1e-7))
            assert below.radius < 1 < above.radius
            assert below.largest_lr == pytest.approx(edge, rel=1e-12)
        for lr in (0.2, 0.35, 0.45):
            wanted = cf.mean_square(loss, np.zeros(4), lr, 1, replace).smallest_batch
            radii = [cf.mean_square(loss, np.zeros(4), lr, b, replace).radius for b in range(1, 7 if not replace else 40)]
            assert wanted == next((b for b, radius in enumerate(radii, 1) if radius <= 1), None)
    assert cf.mean_square(loss, np.zeros(4), 3.0, 1).smallest_batch is None


def test_flat_and_negative_directions_are_counted_and_make_no_edge():
    """Along training of a network the radius on all directions is 1 and more; on the sharp ones it is far below."""
    loss, lr = cf.losses.tanh_network(hidden=2), 0.3
    w = np.array([1.2, -0.7, 0.3, 0.2, 0.8, -0.5, 0.1])
    found = cf.mean_square(loss, w, lr, 2)
    values = np.linalg.eigvalsh(loss.hessian(w))
    assert found.negative == (values < -1e-7 * values[-1]).sum() > 0
    assert found.sharp == (lr * values > 0.1).sum() > 0
    assert found.sharp + found.slow + found.flat + found.negative == 7
    everything = operator_of_all_batches(loss.row_hessians(w), lr, 2, True, np.eye(7))
    assert np.linalg.eigvalsh(everything)[-1] > 1
    assert found.radius < 0.9
    assert found.sharpness_along == pytest.approx(np.sum(found.matrix * loss.hessian(w)), rel=1e-12)


def test_without_sharp_directions_nothing_grows():
    found = cf.mean_square(quadratic_rows([[[1.0]], [[2.0]]]), [0.0], 1e-3, 1)
    assert (found.sharp, found.slow, found.radius, found.smallest_batch) == (0, 1, 0.0, 1)
    assert found.largest_lr == pytest.approx(2 * 1.5 / (1.5**2 + 0.25))
    assert found.matrix.shape == (1, 1)
    hill = cf.mean_square(quadratic_rows([[[-1.0]], [[-2.0]]]), [0.0], 0.1, 1)
    assert (hill.negative, hill.sharp, hill.largest_lr) == (1, 0, np.inf)


def test_what_is_left_out_is_the_slope_of_the_exact_second_moments():
    """Cov(δ⁺) − η²C = ε²(M[V] + what is left out) + O(ε⁴) for δ = ±ε√V: all rows, all points written out."""
    rows = np.array([[0.5, 1.0], [-1.2, 0.3], [0.9, -1.1], [1.5, 0.8]])
    loss = cf.Loss.from_spec(make_loss("exp(x*p/2 + y*q/2) - y*p/4 + (x**2 + y**2)/4", ["x", "y"], columns=["p", "q"], data=rows))
    w, lr = np.array([0.2, -0.3]), 0.8
    found = cf.mean_square(loss, w, lr, 1, cut=0)
    assert found.sharp == 2
    sizes, axes = np.linalg.eigh(found.matrix)

    def covariance(eps):
        moves = [s * eps * np.sqrt(2 * max(size, 0)) * u for size, u in zip(sizes, axes.T) for s in (1, -1)]
        after = np.concatenate([m - lr * loss.row_gradients(w + m) for m in moves])
        return np.cov(after.T, bias=True)

    h, still = 1e-3, covariance(0.0)
    slope = (4 * (covariance(h) - still) / h**2 - (covariance(2 * h) - still) / (2 * h) ** 2) / 3
    hessians = loss.row_hessians(w)
    noise = lr**2 * np.mean([(h - hessians.mean(axis=0)) @ found.matrix @ (h - hessians.mean(axis=0)) for h in hessians], axis=0)
    left_out = np.linalg.norm(slope - found.radius * found.matrix) / np.linalg.norm(noise)
    assert found.dropped == pytest.approx(left_out, rel=1e-4)
    assert found.dropped > 0.01
    assert cf.mean_square(quadratic_rows(random_rows(2, 4, 2, 1)), np.ones(2), 0.1, 1).dropped == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"batch": 0}, "batch is a whole number from 1"), ({"batch": 5, "replace": False}, "at most all"),
     ({"lr": 0.0}, "lr > 0"), ({"lr": -1.0}, "lr > 0"), ({"lr": 1e300}, "overflow"), ({"lr": float("nan")}, "finite"), ({"w": [float("nan"), 0.0]}, "finite"),
     ({"w": [0.0]}, "2 finite coordinates"), ({"w": [float("inf"), 0.0]}, "finite"), ({"cut": -0.1}, "cut ≥ 0"), ({"width": 0.5}, "width ≥ 1"),
     ({"cut": 0.6, "width": 2.0}, "count in full"), ({"batch": 1.5}, "whole number")],
)  # fmt: skip
def test_bad_input_is_refused(change, words):
    given = {"loss": quadratic_rows(random_rows(0, 4, 2, 1)), "w": [0.0, 0.0], "lr": 0.1, "batch": 1} | change
    with pytest.raises(UsageError, match=words):
        cf.mean_square(**given)


def test_losses_without_rows_and_points_without_curvature_are_refused():
    with pytest.raises(UsageError, match="draws rows of data"):
        cf.mean_square(cf.losses.double_well(), [1.0], 0.1, 1)
    root = cf.Loss.from_spec(make_loss("p*sqrt(x)", ["x"], columns=["p"], data=np.array([[1.0], [2.0]])))
    with pytest.raises(UsageError, match="finite"):
        cf.mean_square(root, [-1.0], 0.1, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "n"), [(200, 40), (1010, 30)])
def test_many_weights(d, n):
    """Rows of log(1 + exp(−x·w)), Hessians s(1 − s)xxᵀ: on the sharp directions by NumPy's eigenvectors and power iteration."""
    rng = np.random.default_rng(d)
    x = rng.normal(size=(n, d)) * np.exp(-np.arange(d) / 60)
    score = " + ".join(f"w{i}*x{i}" for i in range(d))
    loss = cf.Loss.from_spec(
        make_loss(f"log(1 + exp(-({score})))", [f"w{i}" for i in range(d)], columns=[f"x{i}" for i in range(d)], data=x)
    )
    w, lr = 0.1 * rng.normal(size=d), 1.5
    found = cf.mean_square(loss, w, lr, 2)
    s = 1 / (1 + np.exp(x @ w))
    roots = np.sqrt(s * (1 - s))[:, None] * x
    values, vectors = np.linalg.eigh(roots.T @ roots / n)
    sharp = lr * values > 0.1
    along, values = roots @ vectors[:, sharp], values[sharp]
    assert found.sharp == sharp.sum() and 24 < found.sharp < n
    deviations = np.einsum("ni,nj->nij", along, along) - np.diag(values)
    s, radius = np.eye(len(values)), 0.0
    for _ in range(3000):
        image = np.outer(1 - lr * values, 1 - lr * values) * s
        image += lr * lr / 2 * np.einsum("nij,jk,nkl->il", deviations, s, deviations, optimize=True) / n
        before, radius = radius, np.linalg.norm(image) / np.linalg.norm(s)
        s = image / np.linalg.norm(image)
        if abs(radius - before) < 1e-14:
            break
    assert found.radius == pytest.approx(radius, rel=1e-9) and found.residual < 1e-9
