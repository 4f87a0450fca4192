"""Published measures of SGD at a point: against their definitions over all batches, and what they say of the exact threshold."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.systems.sgd import spectrum
from cfdyn.systems.sgd.second_moments import SecondMoments
from tests.systems.second_moments import batches, quadratic_rows, random_rows

NETWORK, POINT = cf.losses.tanh_network(hidden=2), np.array([1.2, -0.7, 0.3, 0.2, 0.8, -0.5, 0.1])


def measured(found) -> dict[str, float]:
    return {m.name: m.value for m in found.measures}


@pytest.mark.parametrize(("b", "replace"), [(1, True), (2, True), (3, True), (1, False), (2, False), (5, False), (8, False)])
def test_batch_sharpness_and_interaction_are_means_over_all_batches(b, replace):
    gradients, hessians = NETWORK.row_gradients(POINT), NETWORK.row_hessians(POINT)
    drawn = batches(8, b, replace)
    g, h = gradients[drawn].mean(axis=1), hessians[drawn].mean(axis=1)
    found = measured(cf.mean_square(NETWORK, POINT, 0.3, b, replace))
    bent = np.einsum("bi,bij,bj->b", g, h, g)
    assert found["batch sharpness"] == pytest.approx(bent.mean() / np.mean(np.sum(g * g, axis=1)), rel=1e-12)
    mean = gradients.mean(axis=0)
    interaction = np.mean(np.einsum("bi,ij,bj->b", g, hessians.mean(axis=0), g)) / (mean @ mean)
    assert found["gradient–noise interaction"] == pytest.approx(interaction, rel=1e-12)


@pytest.mark.parametrize(("rows", "b"), [(2, 1), (2, 2), (1, 1)])
def test_few_rows_without_replacement(rows, b):
    hessians, gradients = random_rows(3, rows, 2, 2), np.random.default_rng(1).normal(size=(rows, 2))
    found = measured(cf.mean_square(quadratic_rows(hessians, gradients), np.zeros(2), 0.1, b, replace=False))
    drawn = batches(rows, b, False)
    g, h = gradients[drawn].mean(axis=1), hessians[drawn].mean(axis=1)
    expected = np.einsum("bi,bij,bj->", g, h, g) / np.sum(g * g)
    assert found["batch sharpness"] == pytest.approx(expected, rel=1e-12)


def test_measures_of_curvature_are_their_formulas():
    hessians, lr, n, b = random_rows(5, 6, 3, 2), 0.15, 6, 2
    found = cf.mean_square(quadratic_rows(hessians), np.zeros(3), lr, b, replace=False, cut=0)
    mean, share = hessians.mean(axis=0), (n - b) / (b * (n - 1))
    variance = np.mean(hessians @ hessians, axis=0) - mean @ mean
    values, step = np.linalg.eigvalsh(mean), np.eye(3) - lr * mean
    a, noise = np.kron(step, step), np.mean([np.kron(h - mean, h - mean) for h in hessians], axis=0)
    squares = (1 - share) * np.sum(mean**2) + share * np.mean(np.sum(hessians**2, axis=(1, 2)))
    assert measured(found) == pytest.approx({
        "mean-square radius": found.radius, "sharpness": values[-1], "generalized sharpness": 2 / found.largest_lr,
        "mean square over trace": squares / np.trace(mean), "non-uniformity": np.sqrt(np.linalg.eigvalsh(variance)[-1]),
        "contraction": np.linalg.eigvalsh(step @ step + lr**2 * share * variance)[-1],
        "noise kernel norm": np.linalg.eigvals(np.linalg.solve(np.eye(9) - a, lr**2 * share * noise)).real.max(),
        "noise kernel norm, by trace": share * np.sum(lr * values / (2 - lr * values)),
        "batch sharpness": np.nan, "gradient–noise interaction": np.nan}, rel=1e-11, nan_ok=True)  # fmt: skip
    assert {m.name: m.threshold for m in found.measures} == pytest.approx(
        dict.fromkeys(measured(found), 1.0) | dict.fromkeys(
            ("sharpness", "generalized sharpness", "mean square over trace", "batch sharpness", "gradient–noise interaction"), 2 / lr)
        | {"non-uniformity": 1 / (lr * np.sqrt(share))})  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_exact_criteria_sit_at_their_thresholds_where_the_radius_is_1_and_bounds_on_their_sides(seed):
    loss = quadratic_rows(random_rows(seed, 5, 3, 1))
    edge = cf.mean_square(loss, np.zeros(3), 0.1, 1, cut=0).largest_lr
    at = {m.name: m.ratio for m in cf.mean_square(loss, np.zeros(3), edge, 1, cut=0).measures}
    for exact in ("mean-square radius", "generalized sharpness", "noise kernel norm"):
        assert at[exact] == pytest.approx(1, abs=1e-9)
    for necessary in ("sharpness", "mean square over trace"):
        assert at[necessary] <= 1 + 1e-12
    # Non-uniformity may be beyond its threshold where SGD is stable: it is necessary for a condition that is not.
    assert at["contraction"] >= max(1, at["non-uniformity"] ** 2) - 1e-12


def test_one_batch_of_all_rows_leaves_the_sharpness():
    found = cf.mean_square(NETWORK, POINT, 0.3, 8, replace=False)
    values, g = measured(found), NETWORK.gradient(POINT)
    along = g @ NETWORK.hessian(POINT) @ g / (g @ g)
    assert values["sharpness"] == pytest.approx(NETWORK.sharpness(POINT), rel=1e-13)
    assert values["batch sharpness"] == pytest.approx(along, rel=1e-12)
    assert values["gradient–noise interaction"] == pytest.approx(along, rel=1e-12)
    assert values["noise kernel norm"] == values["noise kernel norm, by trace"] == found.dropped == 0


def test_many_sharp_directions_by_applying_the_operator():
    rng = np.random.default_rng(2)
    values, x = np.sort(rng.uniform(0.5, 2, 30))[::-1], rng.normal(size=(40, 30, 30))
    deviations = x + x.transpose(0, 2, 1)
    moments = SecondMoments(values, deviations - deviations.mean(axis=0))
    plain, scale = np.outer(1 - 0.3 * values, 1 - 0.3 * values), np.ones((30, 30))
    dense, applied = moments._largest_dense(plain, scale, 0.01), moments._largest_applied(plain, scale, 0.01)
    assert applied[0] == pytest.approx(dense[0], rel=1e-11)
    np.testing.assert_allclose(applied[1] / np.trace(applied[1]), dense[1] / np.trace(dense[1]), atol=1e-8)
    assert moments.step(0.3, 0.01 / 0.09, np.ones(30))[0] == pytest.approx(dense[0], rel=1e-11)


def test_the_way_for_many_weights_finds_the_same(monkeypatch):
    usual = cf.mean_square(NETWORK, POINT, 0.3, 2)
    monkeypatch.setattr(spectrum, "DENSE", 3)
    found = cf.mean_square(NETWORK, POINT, 0.3, 2)
    assert (found.radius, found.largest_lr) == pytest.approx((usual.radius, usual.largest_lr), rel=1e-10)
    np.testing.assert_allclose(found.matrix, usual.matrix, atol=1e-9)
    assert found.sharp == usual.sharp
    assert found.flat is None and found.sharp + found.slow == 7
    with pytest.raises(cf.CfdynError, match="cut > 0"):
        cf.mean_square(NETWORK, POINT, 0.3, 2, cut=0)


def test_more_weights_than_a_matrix_of_them_takes():
    """70 weights: products with the Hessian, and non-uniformity by Lanczos' method."""
    rng, d = np.random.default_rng(4), 70
    x = rng.normal(size=(12, d)) * np.geomspace(1, 0.01, d)
    score = " + ".join(f"w{i}*x{i}" for i in range(d))
    spec = cf.symbolic.loss.make_loss(f"({score})**2/2", [f"w{i}" for i in range(d)], columns=[f"x{i}" for i in range(d)], data=x)
    loss = cf.Loss.from_spec(spec)
    found, hessians = cf.mean_square(loss, np.zeros(d), 0.2, 2), x[:, :, None] * x[:, None, :]
    mean = hessians.mean(axis=0)
    s = np.sqrt(np.linalg.eigvalsh(np.mean(hessians @ hessians, axis=0) - mean @ mean)[-1])
    assert measured(found)["non-uniformity"] == pytest.approx(s, rel=1e-9)
    assert (found.sharp, found.flat) == ((0.2 * np.linalg.eigvalsh(mean) > 0.1).sum(), d - 12)
