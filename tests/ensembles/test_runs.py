"""Many runs of an optimizer on random batches, beside plain Python, exact moments and single orbits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.ensembles.stochastic import following
from cfdyn.symbolic.loss import make_loss

ROWS = np.array([[1.0, 0.5, 0.3], [-0.25, 1.5, -0.8], [0.75, -1.0, 0.4], [0.5, 0.6, 1.1], [-0.9, 0.2, 0.7]])
START = [0.4, -0.6]
GD = cf.optimizers.gd(lr=0.3)


def linear(rows=ROWS) -> cf.Loss:
    return cf.Loss.from_spec(make_loss("(u*p + v*q - y)**2/2", ["u", "v"], {}, ["p", "q", "y"], data=np.asarray(rows)))


def curved(rows=ROWS) -> cf.Loss:
    return cf.Loss.from_spec(make_loss("(tanh(u*p) + v*q - y)**2/2", ["u", "v"], {}, ["p", "q", "y"], shapes=((2, 1),),
                                       data=np.asarray(rows)))  # fmt: skip


def philox_words(seed: int, run: int, kind: int):
    """The words of a stream, one after the other, in whole numbers without a bound."""
    for block in itertools.count():
        c, k = [block & 0xFFFFFFFF, block >> 32, run, kind], [seed & 0xFFFFFFFF, seed >> 32]
        for _ in range(10):
            a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
        yield from c


def batches(kind: str, n: int, b: int, seed: int, run: int):
    """The rows of one batch after the other."""
    words = philox_words(seed, run, 0)
    while True:
        if kind == "replacement":
            yield [next(words) * n >> 32 for _ in range(b)]
        elif kind == "independent":
            rows = list(range(n))
            for k in range(b):
                other = k + (next(words) * (n - k) >> 32)
                rows[k], rows[other] = rows[other], rows[k]
            yield rows[:b]
        else:
            order, epoch = list(range(n)), [next(words) for _ in range(n)]
            for k in range(n - 1, 0, -1):
                other = epoch[k] * (k + 1) >> 32
                order[k], order[other] = order[other], order[k]
            yield from (order[first : first + b] for first in range(0, n, b))


KINDS = {"replacement": {}, "independent": {"replace": False}, "reshuffled": {"order": "reshuffled"}}


@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize(
    ("kind", "batch"), [*itertools.product(("replacement", "independent", "reshuffled"), (1, 2, 4)), ("replacement", 13)]
)
def test_a_run_is_its_steps_in_plain_python(kind, batch, repeat):
    mu, lr, seed, run, steps = 0.5, 0.1, 2**40 + 3, 6, 150
    found = cf.iterate_many(curved(), cf.optimizers.heavy_ball(lr=lr, momentum=mu), START, steps, batch, runs=run + 1, seed=seed,
                            repeat=repeat, **KINDS[kind])  # fmt: skip
    w, velocity, made = np.array(START), np.zeros(2), batches(kind, len(ROWS), batch, seed, run)
    for t in range(steps):
        if t % repeat == 0:
            rows = ROWS[next(made)]
        error = np.tanh(w[0] * rows[:, 0]) + w[1] * rows[:, 1] - rows[:, 2]
        slope = np.stack([rows[:, 0] * (1 - np.tanh(w[0] * rows[:, 0]) ** 2), rows[:, 1]])
        velocity = mu * velocity + (slope * error).mean(axis=1)
        w = w - lr * velocity
    np.testing.assert_allclose(found.final[run], [*w, *velocity], rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(found.run(run).z[-1], found.final[run])


OPTIMIZERS = {
    "adam": cf.optimizers.adam(lr=0.02), "sam": cf.optimizers.sam(lr=0.1, rho=0.1), "muon": cf.optimizers.muon(lr=0.02),
    "gd with decay": cf.optimizers.gd(lr=0.1, weight_decay=0.2), "own": cf.Optimizer.from_text({"w": "w - lr*g/(1 + t)"}, {"lr": 0.5}),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_any_optimizer_sees_the_gradient_of_the_batch(name):
    found = cf.iterate_many(curved(), OPTIMIZERS[name], START, 40, 2, runs=3, seed=5).run(2)
    step, made = cf.as_map(curved(), OPTIMIZERS[name]), batches("replacement", len(ROWS), 2, 5, 2)
    z = step.state(START)
    for _ in range(40):
        z = cf.as_map(curved(ROWS[next(made)]), OPTIMIZERS[name])(z)
    np.testing.assert_allclose(found.z[-1], z, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["independent", "reshuffled"])
def test_a_batch_of_all_rows_is_the_orbit_itself(kind):
    found = cf.iterate_many(curved(), GD, START, 300, len(ROWS), runs=3, **KINDS[kind])
    expected = cf.iterate(cf.as_map(curved(), GD), START, 300).z[-1]
    assert (found.final == expected).all()
    assert found.spread.max() == 0


def test_a_reshuffled_epoch_is_the_epoch_through_the_rows_in_that_order():
    found = cf.iterate_many(curved(), GD, START, 6, 2, runs=4, seed=9, order="reshuffled").run(3)
    made, w = batches("reshuffled", len(ROWS), 2, 9, 3), START
    for epoch in (1, 2):
        order = sum((next(made) for _ in range(3)), [])
        assert sorted(order) == list(range(len(ROWS)))
        w = cf.epoch(curved(ROWS[order]), GD, batch=2)(w)
        np.testing.assert_allclose(found.w[3 * epoch], w, rtol=1e-12)


@pytest.mark.parametrize("batch", [3, 2000])
def test_a_batch_may_have_more_rows_than_there_are(batch):
    """Two rows: the mean of b with replacement has the label 1 as often as a binomial number says."""
    loss = cf.Loss.from_spec(make_loss("(w - y)**2/2", columns=["y"], data=[[0.0], [1.0]]))
    found = cf.iterate_many(loss, cf.optimizers.gd(lr=1.0), [9.0], 1, batch, 4000).final[:, 0]
    assert set((found * batch).round(9).tolist()) <= set(range(batch + 1))
    assert found.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(batch * 4000))
    assert found.var() == pytest.approx(0.25 / batch, rel=4 * np.sqrt(2 / 4000))


def affine(rows, lr):
    """The step on some rows of the linear loss as a matrix on (u, v, 1)."""
    x, y = rows[:, :2], rows[:, 2]
    step = np.eye(3)
    step[:2, :2] -= lr * x.T @ x / len(rows)
    step[:2, 2] = lr * x.T @ y / len(rows)
    return step


@pytest.mark.parametrize("extra", [{}, {"noise": np.array([[0.2, 0.1], [0.1, 0.3]])}, {"label_noise": 0.7}])
@pytest.mark.parametrize("kind", ["replacement", "independent"])
def test_moments_of_a_linear_problem(kind, extra):
    """E[T S Tᵀ] over all batches is exact; 20,000 runs are within 4 standard errors of it."""
    lr, batch, steps = 0.3, 2, 25
    choices = itertools.product(range(5), repeat=2) if kind == "replacement" else itertools.combinations(range(5), 2)
    steps_of = [affine(ROWS[list(rows)], lr) for rows in choices]
    added = np.zeros((3, 3))
    added[:2, :2] = lr**2 * extra.get("noise", extra.get("label_noise", 0) ** 2 * ROWS[:, :2].T @ ROWS[:, :2] / 5 / batch)
    second = np.outer([*START, 1.0], [*START, 1.0])
    for _ in range(steps):
        second = np.mean([step @ second @ step.T for step in steps_of], axis=0) + added
    found = cf.iterate_many(linear(), cf.optimizers.gd(lr=lr), START, steps, batch, 20_000, seed=1, **KINDS[kind], **extra).final
    for i, j in ((0, 2), (1, 2), (0, 0), (0, 1), (1, 1)):
        products = np.column_stack([found, np.ones(len(found))])[:, [i, j]].prod(axis=1)
        assert abs(products.mean() - second[i, j]) < 4 * products.std() / np.sqrt(len(found))
    assert np.cov(found.T)[0, 0] > 0.01


def test_noise_alone_needs_no_data():
    loss = cf.Loss("(x**2 + 3*y**2)/2")
    found = cf.iterate_many(loss, cf.optimizers.gd(lr=0.2), [0.0, 1.0], 60, None, 20_000, noise=[0.5, 0.0])
    variance = 0.2**2 * 0.5 / (1 - 0.8**2)
    assert abs(found.covariance[-1, 0, 0] - variance) < 4 * variance * np.sqrt(2 / 20_000)
    assert (found.final[:, 1] == found.final[0, 1]).all()


def same(a: cf.Runs, b: cf.Runs) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
               for name in "mean covariance averaged groups quantiles swing loss loss_error sharpness final ended".split())  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_neither_threads_nor_pieces_change_a_bit(kind, monkeypatch):
    def asked(**options):
        return cf.iterate_many(
            curved(), GD, START, 333, 2, runs=41, every=7, label_noise=0.1, noise=[0.01, 0.01], **KINDS[kind], **options
        )

    one = asked(threads=1)
    assert same(one, asked(threads=2))
    assert same(one, asked(threads=3))
    for rows in (1, 5):
        monkeypatch.setattr(following, "MEMORY", 41 * 2 * rows)
        assert same(one, asked(threads=2))
    monkeypatch.setattr(following, "STRETCH", 1000)
    assert same(one, asked(threads=2))


def test_more_runs_do_not_change_those_before():
    few, many = (cf.iterate_many(curved(), GD, START, 100, 1, runs=runs) for runs in (7, 50))
    np.testing.assert_array_equal(few.final, many.final[:7])
    np.testing.assert_array_equal(few.run(49).z[-1], many.final[49])


def test_statistics_are_those_of_the_single_runs():
    found = cf.iterate_many(curved(), GD, START, 95, 1, runs=23, every=10, measured=9)
    orbits = [found.run(k) for k in range(23)]
    w = np.array([orbit.w for orbit in orbits])
    middle = (w[:, :-2] + 2 * w[:, 1:-1] + w[:, 2:]) / 4
    np.testing.assert_array_equal(found.t, range(0, 91, 10))
    at = found.t[1:]
    np.testing.assert_allclose(found.mean, w[:, found.t].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance[5], np.cov(w[:, 50].T), rtol=1e-10)
    np.testing.assert_allclose(found.averaged[1:], middle[:, at - 1].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.groups[1:, 2], middle[[2, 22], :][:, at - 1].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.quantiles, np.quantile(w[:, found.t], found.levels, axis=0).swapaxes(0, 1), rtol=1e-12)
    swing = ((w[:, at] - middle[:, at - 1]) ** 2).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(found.swing[1:], swing, rtol=1e-10)
    loss = np.array([orbit.loss[found.t] for orbit in orbits])
    np.testing.assert_allclose(found.loss, loss.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.loss_error, loss.std(axis=0, ddof=1) / np.sqrt(23), rtol=1e-9, atol=1e-15)
    sharpness = np.array([orbit.sharpness[found.t] for orbit in orbits[:9]])
    np.testing.assert_allclose(found.sharpness, np.quantile(sharpness, found.levels, axis=0).T, rtol=1e-12)
    np.testing.assert_allclose(found.mean_sharpness[3], curved().sharpness(found.averaged[3]), rtol=1e-12)


def test_runs_that_leave_are_counted_and_left_out():
    """w ← w − ηx²w multiplies by −2 or 0.75, until |w| > 10¹⁵."""
    loss = cf.Loss.from_spec(make_loss("(w*x)**2/2", columns=["x"], data=np.sqrt([[3.0], [0.25]])))
    found = cf.iterate_many(loss, cf.optimizers.gd(lr=1.0), [1e10], 400, 1, runs=30, every=10)
    assert found.status["diverged"] > 20
    assert found.status["done"] + found.status["diverged"] == 30
    assert found.status["diverged"] == (found.ended > 0).sum() == np.isnan(found.final).all(axis=1).sum()
    orbits = [found.run(k) for k in range(30)]
    for orbit, ended in zip(orbits, found.ended, strict=True):
        assert len(orbit.z) == (ended or 401)
        assert orbit.status == (f"diverged at step {ended}" if ended else "done")
        assert np.abs(orbit.z).max() <= 1e15
    rest = np.array([orbit.w[30, 0] for orbit in orbits if len(orbit.z) > 31])
    assert found.alive[3] == len(rest)
    assert 0 < len(rest) < 30
    np.testing.assert_allclose(found.mean[3, 0], rest.mean(), rtol=1e-12)


def test_a_run_that_leaves_the_domain_says_so():
    loss = cf.Loss.from_spec(make_loss("x*w - 2*sqrt(w)", ["w"], columns=["x"], data=[[1.0], [3.0]]))
    found = cf.iterate_many(loss, cf.optimizers.gd(lr=2.0), [1.0], 50, 1, runs=5)
    assert found.status["left the domain"] == 5
    assert np.isnan(found.mean[-1]).all()
    assert found.alive[-1] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 0}, "batch is a whole number from 1"),
        ({"batch": 6, "replace": False}, "a batch without replacement has at most all 5 rows"),
        ({"batch": 6, "order": "reshuffled"}, "a batch without replacement has at most all 5 rows"),
        ({"order": "shuffled"}, "did you mean 'reshuffled'"),
        ({"runs": 0}, "runs is a whole number from 1"),
        ({"steps": 0}, "the number of steps is a whole number from 1"),
        ({"label_noise": -1.0}, "`label_noise` is the standard deviation"),
        ({"noise": [[1.0, 0.0], [0.5, 1.0]]}, "`noise` is the covariance"),
        ({"noise": np.eye(3)}, "`noise` is the covariance"),
        ({"noise": [-1.0, 1.0]}, "none of its eigenvalues is negative"),
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"repeat": 0}, "repeat is a whole number from 1"),
        ({"threads": 0}, "threads is a whole number from 1"),
        ({"start": [1.0]}, "a start has 2 entries"),
        ({"runs": 10**9}, "GiB"),
        ({"batch": 10**9}, "GiB"),
    ],
)
def test_bad_input(options, words):
    given = {"start": START, "steps": 10} | options
    with pytest.raises(cf.CfdynError, match=words):
        cf.iterate_many(curved(), GD, **given)


def test_a_batch_needs_rows():
    with pytest.raises(cf.CfdynError, match="has none"):
        cf.iterate_many(cf.losses.double_well(), GD, [0.5], 10)


def test_a_loaded_record_has_no_single_runs(tmp_path):
    found = cf.iterate_many(curved(), GD, START, 20, 1, runs=4)
    loaded = cf.load(found.save(tmp_path / "runs.npz"))
    assert same(found, loaded)
    with pytest.raises(cf.CfdynError, match="ask cf.iterate_many again"):
        loaded.run(0)


def test_progress_and_interrupts(monkeypatch):
    monkeypatch.setattr(following, "MEMORY", 10 * 2 * 4)
    told = []
    cf.iterate_many(curved(), GD, START, 100, 1, runs=10, every=5, progress=told.append)
    assert told == [20, 40, 60, 80, 100, 100]

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cf.iterate_many(curved(), GD, START, 100, 1, runs=10, every=5, progress=interrupt)
