"""The flows beside a training on mini-batches: the one with their noise written out in numpy, and what the others say."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import RecordError, UsageError
from cfdyn.training import models
from cfdyn.training.built import OnBatches
from tests.flows.noisy_losses import TOY_START, toy, written_out
from tests.integrate.test_large_noisy import Warm, net_on_digits
from tests.training.runs import Stopped, arrays, same, stop_at

LR, BATCH, WARM, EVERY, STEPS = 0.1, 4, 4, 4, 104
SETTINGS = {"optimizer": f"gd:lr={LR}", "batch": BATCH, "seed": 3, "steps": STEPS, "every": EVERY, "warm_start": WARM, "tol": 1e-6}


class Units(Warm):
    """Two tanh units on 12 points, as a network to train."""

    title, start = "units", TOY_START


class Alone(Units):
    """The same, which tells nothing of its rows along directions."""

    rows_along = property()


@pytest.fixture
def train(tmp_path):
    count = iter(range(100))

    def start(network=None, **settings):
        given = {**SETTINGS, "out": str(tmp_path / f"run{next(count)}"), **settings}
        return cf.train({name: value for name, value in given.items() if value is not None}, network=network or Units())

    return start


def iterates():
    """Of SGD by the rows that a training draws."""
    net = Units()
    drawn, w = OnBatches(net, BATCH, 3), [net.start]
    for drawn.k in range(STEPS):
        w.append(w[-1] - LR * net.loss.row_gradients(w[-1])[drawn.rows].mean(axis=0))
    return np.array(w)


def test_the_central_flow_has_the_noise_of_the_batches_that_are_drawn(train):
    """Runge and Kutta on the drift with Σ from one linear system, share (n − b)/(b(n − 1)), from the midpoint of step 4."""
    run, w, loss, share = train(runs="central,stable"), iterates(), toy(), (12 - BATCH) / (BATCH * 11)
    np.testing.assert_allclose(run.loss, [loss.value(x) for x in w], rtol=1e-10)
    middle, v = (w[:-2] + 2 * w[1:-1] + w[2:]) / 4, (w[WARM - 1] + 2 * w[WARM] + w[WARM + 1]) / 4
    paths = [v]
    for _ in range(0, STEPS - WARM, 2):
        slopes = [written_out(loss, v, LR, share, 0.1)[0]]
        for part in (1, 1, 2):
            slopes.append(written_out(loss, v + part * slopes[-1], LR, share, 0.1)[0])
        v = v + np.dot([1, 2, 2, 1], slopes) / 3
        paths.append(v)
    rows = run.t >= 2 * EVERY
    found = run.models["central"]
    beside = [(paths[(t - WARM) // 2], middle[t - 1], written_out(loss, paths[(t - WARM) // 2], LR, share, 0.1)[1]) for t in run.t[rows].astype(int)]
    np.testing.assert_allclose(found.distance[rows], [np.linalg.norm(v - m) for v, m, _ in beside], rtol=1e-3)
    np.testing.assert_allclose(found.trace[rows], [np.trace(sigma) for *_, sigma in beside], rtol=1e-3)
    predicted = [loss.value(v) + np.sum(loss.hessian(v) * sigma) / 2 for v, _, sigma in beside]
    np.testing.assert_allclose(found.predicted_loss[rows], predicted, rtol=1e-4)
    np.testing.assert_allclose(found.sharpness[rows], [np.linalg.eigvalsh(loss.hessian(v))[-1] for v, *_ in beside], rtol=1e-4)
    assert np.nanmin(found.trace) > 1e-5 and "edge-held" in found.notes[-1]
    assert run.models["stable"].notes == [models.NOISELESS] and np.nanmax(run.models["stable"].trace) == 0.0


def test_the_summary_has_means_of_the_later_half(train):
    run = train(runs="central")
    late, rows = run.t >= STEPS / 2, {row[0]: row[1:] for row in run.summary}
    held = [run.sharpness[late].mean(), run.models["central"].sharpness[late].mean()]
    assert len(run.t[late]) == 13 and rows["held sharpness, mean of later half"] == pytest.approx(held)
    swing = [run.swing[STEPS // 2 : 101].mean(), run.models["central"].trace[late].mean()]
    assert rows["swing, mean of later half (models: tr Σ)"] == pytest.approx(swing)
    words = f"From step 52 on the sharpness is {held[0]:.4g} on average, {100 * held[0] / 20:.3g} % of the edge; the central flow has {held[1]:.4g}"
    assert any(said.startswith(words) for said in run.sentences)
    assert not any("on average" in said for said in train(batch=None).sentences)


@pytest.mark.parametrize(("lr", "batch"), [(0.3, 2), (0.5, 4), (0.8, 4)])
def test_the_sharpness_at_which_a_training_is_held(train, lr, batch):
    """Within 5 % over the later half of one run, where the stable flow beside it has over a third more."""
    held = train(optimizer=f"gd:lr={lr}", batch=batch, warm_start=20, runs="central,stable", tol=1e-3).held_sharpness
    assert held["central"] == pytest.approx(held["discrete"], rel=0.05) and held["stable"] > 1.33 * held["discrete"]


MOMENTUM = {"warm_start": 40, "steps": 800}, 0.05, 2, 4, "edge-held"
PRECONDITIONED = {"warm_start": 100, "steps": 500, "cut": 0.02}, 0.08, 10, 5, ""


@pytest.mark.parametrize(("optimizer", "case"), [
    ("heavy_ball:lr=0.1,momentum=0.7", MOMENTUM), pytest.param("nesterov:lr=0.1,momentum=0.7", MOMENTUM, marks=pytest.mark.slow),
    pytest.param("ema_momentum:lr=0.3,momentum=0.5", MOMENTUM, marks=pytest.mark.slow),
    ("adam:lr=0.02,beta2=0.99,eps=1e-3", PRECONDITIONED), pytest.param("scalar_rmsprop:lr=0.05", PRECONDITIONED, marks=pytest.mark.slow),
    pytest.param("rmsprop:lr=0.02,eps=1e-3", PRECONDITIONED, marks=pytest.mark.slow),
])  # fmt: skip
def test_with_momentum_or_a_preconditioner_the_sharpness_at_which_a_training_is_held(train, optimizer, case):
    """λ₁(P⁻¹H) over the later half of one run; the stable flow beside it has more and is farther (its P knows no noise)."""
    settings, within, sharper, farther, words = case
    run = train(optimizer=optimizer, batch=4, runs="central,stable", tol=1e-3, **settings)
    held, away, central = run.held_sharpness, run.distances, run.models["central"]
    assert held["central"] == pytest.approx(held["discrete"], rel=within) and held["stable"] > sharper * held["discrete"]
    assert away["stable"] > farther * away["central"] and central.status == "done" and words in "".join(central.notes[-1:])


@pytest.mark.parametrize(("step", "keep"), [(3, 9.0), (30, 0.0)])
def test_stopped_anywhere_it_goes_on_bit_for_bit(train, tmp_path, monkeypatch, step, keep):
    monkeypatch.setattr("cfdyn.training.train.SAID", 0.0)
    whole, out = train(tol=1e-3), tmp_path / "stopped"
    with pytest.raises(Stopped):
        cf.train({**SETTINGS, "tol": 1e-3}, network=Units(), out=str(out), keep=keep, progress=stop_at(step))
    cf.train(resume=out, network=Units())
    same(whole.folder, out)
    assert np.isfinite(arrays(out)["rows/central_trace"][-1])


@pytest.mark.parametrize("name", ["central", "stable", "gradient", "edge", "rod"])
def test_a_model_goes_on_without_a_look_at_the_loss(name):
    """Where the iterates are now, which need not be a place where the flow could begin."""
    net, gd, noise = Units(), cf.optimizers.gd(lr=LR), {"batch": BATCH, "replace": False, "cut": None}
    first, second = (models.Model(name, net, gd, None, noise) for _ in range(2))
    first.begin(net.start, np.full(6, 1e-3))
    first.advance(10.0)
    kept = {**first.snapshot()}
    net.value = net.gradient = net.hvp = net.rows_along = net.curvature_gradient = None
    second.restore(kept)
    assert first._run.t == second._run.t == 10.0 and np.array_equal(first._run.z, second._run.z)


def test_all_rows_in_each_batch_are_no_noise(train):
    whole, batches = train(batch=None), train(batch=12)
    assert not any(row.notes for row in batches.models.values()) and batches.models["central"].trace[-1] == 0.0
    for name, values in arrays(whole.folder).items():
        np.testing.assert_allclose(arrays(batches.folder)[name], values, rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("network", "optimizer", "why"), [
    (Units, "nadam:lr=0.01", "of nadam the momentum moves, too"), (Alone, f"gd:lr={LR}", "Alone has no rows_along"),
])  # fmt: skip
def test_where_there_is_no_flow_with_noise_the_one_without_says_so(train, network, optimizer, why):
    run = train(network(), optimizer=optimizer, runs="central")
    (note,) = run.models["central"].notes
    assert note.startswith(f"{models.NOISELESS}: ") and why in note


def test_a_start_beyond_mean_square_stability_ends_the_flow_and_not_the_run(train):
    """One row of twelve a step, η = 0.8: a run goes on where second moments would grow."""
    run = train(optimizer="gd:lr=0.8", batch=1, runs="central,stable")
    assert run.status == "done" and run.held_sharpness["central"] is None and run.held_sharpness["stable"] > 0
    status = run.models["central"].status
    assert status.startswith("ended before it began: the start: ") and "beyond mean-square stability" in status and "warm_start=100" in status


def test_settings_of_batches_that_make_no_sense_are_refused(train):
    for settings, words in [({"batch": None, "cut": 0.2}, "`cut` is of the central flow of mini-batches"), ({"cut": 0.7}, "from 1e-6 to 0.5"),
                            ({"cut": "x"}, "`cut` is a number"), ({"batch": 13}, "no row twice"), ({"replace": True}, "unknown setting")]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            train(**settings)
    with pytest.raises(UsageError, match="SimpleNamespace has no `n_rows`: leave `batch` out"):
        train(SimpleNamespace(dim=1, start=np.ones(1), value=np.sum, gradient=np.ones_like, hvp=lambda w, v: v))


def test_a_folder_of_an_older_version(train, monkeypatch):
    """Its central flow of batches was that of all rows, and does not go on as another; all else does."""
    whole, plain = train(batch=None, steps=STEPS + 8), train(batch=None)
    with monkeypatch.context() as patch:
        patch.setattr(models, "why_noiseless", lambda flow: "as it was")
        old = train()
    for run in (plain, old):
        text = (run.folder / "config.toml").read_text()
        (run.folder / "config.toml").write_text(text.replace("version = 3", "version = 2"))
    cf.train(resume=plain.folder, network=Units(), steps=STEPS + 8)
    same(whole.folder, plain.folder)
    before = arrays(old.folder)
    with pytest.raises(RecordError, match="started with a central flow that is another one in this cfdyn"):
        cf.train(resume=old.folder, network=Units(), steps=STEPS + 8)
    assert cf.load(old.folder).status == "done" and all(before[name].tobytes() == x.tobytes() for name, x in arrays(old.folder).items())


def test_the_flow_beside_a_net_on_digits_is_that_of_solve(tmp_path):
    """From the same midpoint, and not at the sharpness of the flow of all rows."""
    net, gd, w = cf.networks.mlp(cf.data.digits(classes=2, n=20), widths=2), cf.optimizers.gd(lr=0.3), []
    settings = {"optimizer": "gd:lr=0.3", "runs": "central", "batch": 8, "cut": 0.4, "steps": 10, "every": 8, "warm_start": 4, "tol": 1e-3}
    run = cf.train(settings, network=net, out=str(tmp_path / "run"))
    drawn, w = OnBatches(net, 8, 0), [net.start]
    for drawn.k in range(5):
        w.append(w[-1] - 0.3 * net.gradient(w[-1], drawn.rows))
    flow = cf.flows.central(net, gd, batch=8, replace=False, cut=0.4)
    path = cf.solve(flow, (w[3] + 2 * w[4] + w[5]) / 4, 4.0, save_at=[4.0], rtol=1e-3)
    found = run.models["central"]
    np.testing.assert_allclose(found.sharpness, path.sharpness, rtol=2e-3)
    np.testing.assert_allclose(found.trace, np.nansum(path.variances, axis=1), rtol=2e-2)
    assert found.trace.min() > 1e-6 and json.dumps(found.notes)


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "below"), [(10, 0.65), (20, 0.85)])
def test_the_sharpness_at_which_a_training_is_held_on_digits(batch, below, tmp_path):
    """tanh 64-32-32-4 on 500 digits, η = 0.6: within 15 %, where the gradient flow beside it has a fifth more."""
    settings = {"optimizer": "gd:lr=0.6", "runs": "central,gradient", "batch": batch, "cut": 0.2, "steps": 800, "every": 40, "warm_start": 60}
    run = cf.train(settings, network=net_on_digits(), out=str(tmp_path / "run"))
    held = run.held_sharpness
    assert run.status == run.models["central"].status == "done" and held["discrete"] < below * 2 / 0.6
    assert held["central"] == pytest.approx(held["discrete"], rel=0.15) and held["gradient"] > 1.2 * held["discrete"]
    assert run.distances["gradient"] > 1.2 * run.distances["central"]
