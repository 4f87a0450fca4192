"""The central flow of stochastic gradients: its formula, its limits, closed forms, the barrier, what it says and refuses."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from tests.flows.noisy_losses import TOY_START, TOY_TABLE, on_rows, toy, written_out
from tests.flows.test_references import CASES, follows
from tests.oracles import needs_compiler
from tests.systems.second_moments import quadratic_rows

gd, central = cf.optimizers.gd, cf.flows.central
VALLEY = cf.Loss("y*x**2/2 - a*y", "x y", {"a": 0.02})
COUNTS = np.random.default_rng(2).poisson(2.0, 9)
POISSON = on_rows("exp(u*p + v*q) - y*(u*p + v*q)", "u v", "p q y",
                  np.column_stack([np.random.default_rng(3).normal(size=(9, 2)), COUNTS]))  # fmt: skip
FACTORS = on_rows("(u1*v1*p + u2*v2*q - y)**2/2", "u1 v1 u2 v2", "p q y", np.random.default_rng(4).normal(size=(7, 3)))


@pytest.mark.parametrize(
    ("loss", "lr"), [(toy(), 0.1), (toy(), 0.4), (POISSON, 0.1), (FACTORS, 0.4)], ids=["toy", "toy .4", "Poisson", "factors"]
)
@pytest.mark.parametrize(("batch", "replace"), [(1, True), (3, True), (50, True), (4, False)])
@pytest.mark.parametrize("cut", [0.05, 0.2])
def test_the_drift_is_the_formula_written_out(loss, lr, batch, replace, cut):
    random, n, compared = np.random.default_rng(1), len(loss.spec.data), 0
    share = 1 / batch if replace else (n - batch) / (batch * (n - 1))
    flow = central(loss, gd(lr=lr), batch=batch, replace=replace, cut=cut)
    for _ in range(12):
        w = random.normal(size=loss.dim) * 0.6
        found = flow.drift(w)
        if np.isfinite(found).all():
            drift, sigma = written_out(loss, w, lr, share, cut)
            np.testing.assert_allclose(found, drift, rtol=1e-8, atol=1e-9 * np.abs(drift).max())
            d = loss.dim
            np.testing.assert_allclose(
                flow.observe(w[None])[0, : d * d].reshape(d, d), sigma, rtol=1e-7, atol=1e-8 * np.abs(sigma).max()
            )
            compared += 1
    assert compared >= 4


@pytest.mark.parametrize("batch", [1, 5])
def test_it_is_defined_exactly_where_the_noise_in_equilibrium_is_stable(batch):
    """R^½NR^½ < 1 and ηλ < 2; without a weight in part that is a radius of M below 1."""
    flow, points = central(POISSON, gd(lr=0.2), batch=batch, cut=0.01), 0.9 * np.random.default_rng(3).normal(size=(60, 2))
    at = [cf.mean_square(POISSON, w, lr=0.2, batch=batch, cut=0.01, width=2) for w in points]
    whole = [found for found in at if (found.weights == 1).all()]
    assert [np.isfinite(flow.drift(found.w)).all() for found in whole] == [found.radius < 1 for found in whole]
    assert {found.stable for found in whole} == {True, False} and len(whole) > 30
    beyond = [found for found in whole if found.radius > 1]
    np.testing.assert_allclose([flow.observe(found.w[None])[0, -1] for found in beyond], [f.radius for f in beyond], rtol=1e-9)
    sharp = [cf.mean_square(POISSON, w, lr=0.2, batch=batch, cut=0.1, width=2).radius for w in points]
    np.testing.assert_allclose(flow.observe(points)[:, 4], sharp, rtol=1e-9)


def test_the_radius_is_that_of_mean_square_all_along():
    path = cf.solve(central(toy(), gd(lr=0.4), batch=4), TOY_START, 1000, save_at=np.linspace(0, 1000, 21))
    wanted = [cf.mean_square(toy(), w, lr=0.4, batch=4, cut=0.1, width=2).radius for w in path.w]
    np.testing.assert_allclose(path.radius, wanted, rtol=1e-9)
    assert np.ptp(path.radius) > 0.05


def with_two_rows(case: dict) -> cf.Loss:
    """A reference's loss as a mean of two rows that are not it."""
    first = case["variables"][0]
    return on_rows(f"{case['loss']} + row*(sin({first}) + {first}**2)", " ".join(case["variables"]), "row", [[1.0], [-1.0]])


@needs_compiler
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["optimizer"]["name"] == "gd"])
def test_all_rows_without_replacement_are_the_flow_without_noise(name):
    case = CASES[name]
    flow = central(with_two_rows(case), gd(**case["optimizer"]["params"]), batch=2, replace=False)
    follows(case, cf.solve(flow, case["start"], case["t"][-1], save_at=case["t"], rtol=1e-11, atol=1e-13), 1e-9, 2e-9)


def test_the_references_with_gd_have_one_and_two_directions_at_the_edge():
    ranks = {rank for case in CASES.values() if case["optimizer"]["name"] == "gd" for _, _, rank in case["events"]}
    assert {1, 2} <= ranks


@needs_compiler
@pytest.mark.parametrize(("lr", "rank"), [(0.2, 1), (0.8, 2)])
def test_the_flow_without_noise_is_the_limit_with_one_over_b(lr, rank):
    """Away from an entry, where it is ln(b)/b, the difference is c/b with one and two directions at the edge."""
    times = [1000, 4000]
    limit = cf.solve(central(toy(), gd(lr=lr)), TOY_START, 4000, save_at=times, rtol=1e-10, atol=1e-12)
    assert limit.rank.tolist() == [rank, rank]
    constants = {}
    for batch in (10**4, 10**5, 10**6):
        path = cf.solve(central(toy(), gd(lr=lr), batch=batch), TOY_START, 4000, save_at=times, rtol=1e-10, atol=1e-12)
        assert path.status == "done" and "edge-held from t = " in path.notes[0]
        constants[batch] = batch * (path.w - limit.w)
        np.testing.assert_allclose(path.covariance, limit.covariance, atol=100 / batch * np.abs(limit.covariance).max())
    size = np.abs(constants[10**6]).max()
    assert 1 < size < 20
    np.testing.assert_allclose(constants[10**5], constants[10**6], atol=0.01 * size)
    np.testing.assert_allclose(constants[10**4], constants[10**6], atol=0.03 * size)


@pytest.mark.slow
@pytest.mark.parametrize("lr", [0.2, 0.8])
def test_far_beyond_the_crossover_it_is_the_flow_without_noise_to_nine_digits(lr):
    """So nothing has to be switched where the edge holds the sharpness: ΔS/√(2α) is some 1e-8 there."""
    limit, path = (
        cf.solve(central(toy(), gd(lr=lr), batch=batch), TOY_START, 1000, save_at=[1000], rtol=1e-11, atol=1e-13)
        for batch in (None, 2 * 10**10)
    )
    assert path.damping[-1] < 1e-6
    np.testing.assert_allclose(path.w, limit.w, atol=1e-9)


@pytest.mark.parametrize(("lr", "a", "variance"), [(0.1, 0.02, 1.0), (0.1, 0.02, 0.01), (0.3, 0.005, 0.01)])
def test_additive_noise_holds_a_valley_where_the_law_of_the_gap_says(lr, a, variance):
    """At rest ½Σ = a, Σ = ησ²/(S(2 − ηS)): ΔS(2/η − ΔS) = σ²/(2a), near the edge ΔS = ησ²/(4a)."""
    gap = 1 / lr - (1 / lr**2 - variance / (2 * a)) ** 0.5
    path = cf.solve(central(VALLEY.at(a=a), gd(lr=lr), noise=[variance, 0]), [0.0, 1 / lr], 1e6, rtol=1e-11)
    assert 2 / lr - path.sharpness[-1] == pytest.approx(gap, rel=1e-8)
    assert gap == pytest.approx(lr * variance / (4 * a), rel=0.1)
    np.testing.assert_allclose(path.covariance[-1], [[2 * a, 0], [0, 0]], atol=1e-9)
    # Once α = a balances, the two ways to say how fast Σ swings are one, but for ηS − 1 in place of 1.
    assert path.damping[-1] * (1 - lr * gap) ** 0.5 == pytest.approx(gap * (1 - lr * gap / 2) / (2 * a) ** 0.5, rel=1e-6)
    assert path.predicted_loss[-1] == pytest.approx(path.loss[-1] + path.sharpness[-1] * a, rel=1e-9)
    assert path.notes[0].startswith("not edge-held" if gap > (2 * a) ** 0.5 else "edge-held")


def test_quadratic_rows_are_exact():
    """Least squares with labels of noise σ: Σ = ησ²/(b(2 − ηλ)) along each sharp direction, and the mean is not moved."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    table = np.column_stack([x, x @ [1.0, -1.0, 0.5]])
    loss = on_rows("(u*p + v*q + w*r - y)**2/2", "u v w", "p q r y", table)
    lr, sigma = 0.5, 0.3
    path = cf.solve(central(loss, gd(lr=lr), label_noise=sigma), [1.0, -1.0, 0.5], 10)
    values, vectors = np.linalg.eigh(loss.hessian(path.w[0]))
    assert lr * values[0] > 0.1
    wanted = vectors @ np.diag(lr * sigma**2 / (20 * (2 - lr * values))) @ vectors.T
    np.testing.assert_allclose(path.covariance[-1], wanted, rtol=1e-10)
    np.testing.assert_allclose(path.w[-1], [1, -1, 0.5], atol=1e-12)
    assert path.neglected[-1] == 0.0
    batches = central(loss, gd(lr=lr), batch=5, label_noise=sigma).observe(path.w[-1:])[0, :9].reshape(3, 3)
    more = written_out(loss, path.w[-1], lr, 1 / 5, 0.01, sigma**2 / 5 * loss.hessian(path.w[-1]))[1]
    np.testing.assert_allclose(batches, more, rtol=1e-9)


def test_rows_twice_or_in_another_order_make_the_same_flow():
    times = [0, 300, 1000, 2000]

    def path(table):
        return cf.solve(central(toy(table), gd(lr=0.2), batch=2), TOY_START, 2000, save_at=times, rtol=1e-10, atol=1e-12)

    once = path(TOY_TABLE)
    for table in (np.concatenate([TOY_TABLE, TOY_TABLE]), TOY_TABLE[np.random.default_rng(1).permutation(12)]):
        other = path(table)
        np.testing.assert_allclose(other.w, once.w, atol=1e-8)
        np.testing.assert_allclose(other.covariance, once.covariance, atol=1e-8)


@pytest.mark.parametrize(("lr", "batch"), [(0.1, 1), (0.2, 1), (0.2, 2), (0.2, 8), (0.4, 2), (0.4, 4), (0.4, 16)])
def test_half_and_twice_the_cut_hardly_change_the_sharpness(lr, batch):
    ends = [cf.solve(central(toy(), gd(lr=lr), batch=batch, cut=cut), TOY_START, 3000).sharpness[-1] for cut in (0.005, 0.01, 0.02)]
    assert np.ptp(ends) > 0
    np.testing.assert_allclose(ends, ends[1], rtol=0.02)


@needs_compiler
@pytest.mark.parametrize("method", ["dop853", "rkc"])
def test_methods_agree(method):
    flow = central(toy(), gd(lr=0.2), batch=4)
    found, wanted = (cf.solve(flow, TOY_START, 400, method=m, rtol=1e-9).w[-1] for m in (method, "radau5"))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_weight_decay_is_a_penalty_without_noise():
    plain = on_rows("(u*p - y)**2/2 + 0.1*u**2", "u", "p y", [[1.0, 2.0], [2.0, 1.0]])
    decayed = on_rows("(u*p - y)**2/2", "u", "p y", [[1.0, 2.0], [2.0, 1.0]])
    at = np.array([[0.3]])
    one, two = central(plain, gd(lr=0.3), batch=1), central(decayed, gd(lr=0.3, weight_decay=0.2), batch=1)
    np.testing.assert_allclose(two.drift(at[0]), one.drift(at[0]), rtol=1e-14)
    np.testing.assert_allclose(two.observe(at), one.observe(at), rtol=1e-12)


def test_what_a_note_says_where_the_flow_fails():
    """Rows that can all be fitted, drawn one by one: runs come to L = 0, the flow rests where Σ is large, and says so."""
    x = np.random.default_rng(0).normal(size=(8, 2))
    loss = on_rows("((a*p + b*q)*u + (c*p + d*q)*v - y)**2/2", "a b c d u v", "p q y", np.column_stack([x, x @ [1.5, -1]]))
    paths = [cf.solve(central(loss, gd(lr=lr), batch=b), [0.3, 0.2, 0.3, -0.1, 0.5, 0.4], 3000) for lr, b in ((0.2, 1), (0.3, 4))]
    assert paths[0].loss[-1] > 0.4 and abs(paths[0].neglected[-1]) > 1.5 and "too much" in paths[0].notes[1]
    assert paths[1].loss[-1] < 1e-20 and "too much" not in paths[1].notes[1]


def test_a_start_beyond_mean_square_stability_says_how_far():
    with pytest.raises(NumericsError, match=r"second moments of the sharp directions by 1\.21; start where"):
        cf.solve(central(VALLEY, gd(lr=0.1), noise=[1, 0]), [0, 21], 10)


def test_learning_rates_without_measure_are_beyond_it_too():
    for lr in (1e10, 1e300):
        with pytest.raises(NumericsError, match=r"second moments of the sharp directions by more than 1e12; start"):
            cf.solve(central(POISSON, gd(lr=lr), batch=2), [0.1, 0.1], 10)


def test_noise_is_not_said_to_hold_what_nothing_moves():
    """Quadratic rows have their curvature, ηλ = 1.5 here; hardly any noise, on the way to the edge, holds nothing either."""
    rows = on_rows("a*(w - y)**2/2", "w", "a y", [[1, 1], [2, 0], [3, -1]])
    for path in (cf.solve(central(rows, gd(lr=0.75), batch=10**6), [1.0], 100),
                 cf.solve(central(toy(), gd(lr=0.1), batch=10**6), TOY_START, 2500)):  # fmt: skip
        assert 1 < path.edge[-1] < 1.9
        assert path.notes[0].startswith("not edge-held: ") and "; nothing " in path.notes[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 0}, "batch`? is a whole number"), ({"batch": 13, "replace": False}, "at most all 12 rows"),
        ({"batch": 1.5}, "batch`? is a whole number"), ({"batch": 1, "cut": 0.0}, "`cut`"), ({"batch": 1, "cut": 0.7}, "`cut`"),
        ({"noise": [1, 2]}, "or 6 variances"), ({"noise": -np.eye(6)}, "negative"), ({"noise": np.triu(np.ones((6, 6)))}, "symmetric"),
        ({"label_noise": -1}, "standard deviation"), ({"noise": [np.nan] * 6}, "variances"),
    ],
)  # fmt: skip
def test_bad_noise(options, words):
    with pytest.raises(UsageError, match=words):
        central(toy(), gd(lr=0.1), **options)


def test_what_has_no_flow_with_noise():
    for loss, optimizer, options, words in [
        (VALLEY, gd(lr=0.1), {"batch": 2}, "rows of data"),
        (VALLEY, gd(lr=0.1), {"label_noise": 0.1}, "rows of data"),
        (toy(), cf.optimizers.nadam(lr=0.1), {"batch": 2}, "gd, heavy_ball, nesterov, ema_momentum, rmsprop"),
        (POISSON.at(), gd(lr=0.1), {"label_noise": 0.1, "noise": [1, 2, 3]}, "variances"),
        (on_rows("(u*p - y)**4", "u", "p y", [[1, 2]]), gd(lr=0.1), {"label_noise": 0.1}, "linear in the label"),
        (on_rows("(u*p - z)**2", "u", "p z", [[1, 2]]), gd(lr=0.1), {"label_noise": 0.1}, "column 'y'"),
    ]:
        with pytest.raises(UsageError, match=words):
            central(loss, optimizer, **options)
    wide = on_rows(" + ".join(f"w{i}**2*p" for i in range(41)), " ".join(f"w{i}" for i in range(41)), "p", [[1.0], [2.0]])
    with pytest.raises(UsageError, match="at most 40 weights"):
        central(wide, gd(lr=0.1), batch=1)


def doubled(hessians, gradients, optimizer):
    """E[X ⊗ X] and the source E[c ⊗ c] of (w, v) on quadratic rows drawn one by one, all directions kept."""
    p, d = optimizer.params, np.shape(hessians)[1]
    beta, lr = p["momentum"], p["lr"]
    share = 1 - (beta if optimizer.name == "ema_momentum" else p.get("dampening", 0.0))
    unit, maps, kicks = np.eye(d), [], []
    # Nesterov's step is −η(g + βv⁺), the others' −ηv⁺, v⁺ = βv + share·g.
    at_once, kept = (1 + beta, beta * beta) if optimizer.name == "nesterov" else (share, beta)
    for h, g in zip(hessians, gradients, strict=True):
        maps.append(np.block([[unit - lr * at_once * h, -lr * kept * unit], [share * h, beta * unit]]))
        kicks.append(np.concatenate([-lr * at_once * g, share * g]))
    return np.mean([np.kron(x, x) for x in maps], axis=0), np.mean([np.kron(c, c) for c in kicks], axis=0)


@pytest.mark.parametrize(
    "optimizer",
    [cf.optimizers.heavy_ball(lr=0.5, momentum=0.6), cf.optimizers.heavy_ball(lr=0.4, momentum=-0.4),
     cf.optimizers.heavy_ball(lr=0.5, momentum=0.5, dampening=0.3), cf.optimizers.ema_momentum(lr=1.2, momentum=0.7),
     cf.optimizers.nesterov(lr=0.4, momentum=0.6), cf.optimizers.nesterov(lr=0.5, momentum=0.2),
     cf.optimizers.nesterov(lr=0.4, momentum=-0.3)],
)  # fmt: skip
def test_momentum_on_quadratic_rows_is_exact(optimizer):
    """Against second moments of the doubled state (w, v), rows drawn one by one; the mean of their gradients is 0 at w = 0."""
    operator, source, seen, _ = moments_with_momentum(optimizer)
    radius = np.abs(np.linalg.eigvals(operator)).max()
    assert radius < 1 and seen[4] == pytest.approx(radius, rel=1e-9)
    moments = np.linalg.solve(np.eye(16) - operator, source.ravel()).reshape(4, 4)[:2, :2]
    np.testing.assert_allclose(seen[:4].reshape(2, 2), moments, rtol=1e-9)


@pytest.mark.parametrize(
    "optimizer", [cf.optimizers.heavy_ball(lr=3.0, momentum=0.2), cf.optimizers.nesterov(lr=2.5, momentum=0.3)]
)
def test_momentum_beyond_mean_square_stability(optimizer):
    operator, _, seen, drift = moments_with_momentum(optimizer)
    radius = np.abs(np.linalg.eigvals(operator)).max()
    assert radius > 1 and seen[4] == pytest.approx(radius, rel=1e-9) and np.isnan(seen[:4]).all() and np.isnan(drift).all()


def moments_with_momentum(optimizer):
    """`doubled` on four rows of two weights, all sharp, and what the flow tells of w = 0."""
    random = np.random.default_rng(6)
    half = random.normal(size=(4, 2, 2)) * 0.35
    hessians = np.einsum("nij,nkj->nik", half, half) + 0.7 * np.eye(2)
    gradients = random.normal(size=(4, 2))
    gradients -= gradients.mean(axis=0)
    flow = central(quadratic_rows(hessians, gradients), optimizer, batch=1)
    return *doubled(hessians, gradients, optimizer), flow.observe(np.zeros((1, 2)))[0], flow.drift([0.0, 0.0])
