"""Runs of a loss that is written out: what is measured is what a few lines of numpy give, and every end is clean."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.training.config import make_config
from tests.training import toy
from tests.training.runs import Bowl, Stopped, iterates, same, stop_at


def test_what_is_measured_is_what_numpy_gives(train):
    run, w, net = train(), iterates(121), toy.Toy()
    assert run.status == "done" and run.complete and run.steps == 120
    np.testing.assert_allclose(run.loss, [net.value(x) for x in w[:121]], rtol=1e-14)
    middle = (w[:-2] + 2 * w[1:-1] + w[2:]) / 4  # of steps 1, 2, …
    assert run.t.tolist() == list(range(4, 120, 4))
    for row, t in enumerate(run.t.astype(int)):
        values, vectors = np.linalg.eigh(net.hessian(middle[t - 1]))
        kept = np.isfinite(run.eigenvalues[row])
        assert kept.sum() == max(2, 1 + (values > 0.9 * 8).sum())
        np.testing.assert_allclose(run.eigenvalues[row][kept], values[::-1][: kept.sum()], rtol=1e-12)
        own = run.vectors[row, : kept.sum()]
        np.testing.assert_allclose(np.abs(own @ vectors[:, ::-1][:, : kept.sum()]), np.eye(kept.sum()), atol=1e-9)
        np.testing.assert_allclose(run.coordinates[t, : len(own)], own @ (w[t] - middle[t - 1]), rtol=1e-6, atol=1e-13)
        assert np.isnan(run.vectors[row, kept.sum() :]).all()
        size = np.abs(vectors[:, -1] @ (w[t] - middle[t - 1]))
        np.testing.assert_allclose(np.abs(run.coordinates[t, 0]), size, rtol=1e-6)
    np.testing.assert_allclose(run.swing[1:120], np.sum((w[1:120] - middle[:119]) ** 2, axis=1), rtol=1e-12)
    np.testing.assert_allclose(run.edge, 8.0)


def test_the_sharpness_is_held_and_the_iterates_are_a_two_cycle(train):
    run = train(steps=400)
    assert run.oscillation.period == 2 and run.since > 10
    assert abs(run.sharpness[-50:].mean() / 8 - 1) < 0.02
    assert run.models["stable"].sharpness[-1] > 1.08 * 8, "the stable flow goes on"


@pytest.mark.parametrize(("lr", "batch", "kind"), [(0.5, None, None), (0.5, 2, "none"), (1.95, None, "periodic")])
def test_a_smooth_path_is_no_oscillation_and_noise_is_no_two_cycle(train, lr, batch, kind):
    """The swing of noise reverses at nearly every step, as a second difference does; its direction turns all the same."""
    run = train(Bowl(), optimizer=f"gd:lr={lr}", runs="discrete", batch=batch, steps=160)
    wave = run.oscillation
    assert (None if wave is None else wave.kind) == kind and (kind != "periodic" or (wave.period, run.on_a_line) == (2, True))
    assert batch is None or (abs(np.median(run.turn[20:150]) + 0.5) < 0.1 and np.mean(run.turn[20:150] < 0) > 0.95)


def test_a_model_begins_at_the_midpoint_of_the_warm_start(train):
    run, w = train(), iterates(121)
    begun = toy.StableRun(type("Flow", (), {"network": toy.Toy(), "lr": toy.LR}))
    begun.begin((w[9] + 2 * w[10] + w[11]) / 4)
    begun.advance(30.0)
    middle = (w[39] + 2 * w[40] + w[41]) / 4
    row = run.t.tolist().index(40)
    np.testing.assert_allclose(run.models["stable"].distance[row], np.linalg.norm(begun.w - middle), rtol=1e-6)
    assert np.isnan(run.models["stable"].distance[:2]).all()


def test_only_as_many_directions_as_are_near_the_edge_are_followed():
    from cfdyn.training.modes import Modes

    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    modes, counts = Modes(60), []
    for near in (1, 1, 3, 5, 5, 2, 1):
        values = np.linspace(0.0, 0.5, 60)
        values[:near] = 1.0 - 0.01 * np.arange(near)
        modes.update(lambda v, values=values: basis @ (values * (v @ basis)), 1.0, None)
        counts.append(len(modes.values))
        np.testing.assert_allclose(modes.values[:near], values[:near], atol=1e-5)
        np.testing.assert_allclose(np.abs(np.diag(modes.vectors @ basis))[:near], 1.0, atol=1e-3)
    assert counts == [2, 2, 4, 6, 6, 3, 2]


def test_divergence_ends_cleanly_and_says_where(train):
    run = train(optimizer="gd:lr=0.9", steps=200)
    w = [toy.Toy().start]
    with np.errstate(all="ignore"):
        while abs(toy.Toy().value(w[-1])) < 1e6:
            w.append(w[-1] - 0.9 * toy.Toy().gradient(w[-1]))
    assert 4 < len(w) < 200 and run.status == f"diverged at step {len(w) - 1}" and run.complete
    np.testing.assert_allclose(run.loss, [toy.Toy().value(x) for x in w[:-1]], rtol=1e-10)
    assert cf.train(resume=run.folder, network=toy.Toy()).status == run.status
    assert run.sentences[0] == f"The optimizer {run.status}; the measurements are from the steps before."
    assert not any("nan" in words for words in run.sentences)
    assert train(optimizer="gd:lr=30", steps=200).summary == [], "nothing was measured"


def test_a_model_that_ended_before_the_slow_cycles_is_averaged_over_its_own_steps(train):
    run = train()
    known = run.t <= 40
    run.models["stable"].predicted_loss[~known] = np.nan
    run.__dict__["slow_cycles"] = [(60, 80), (80, 100)]
    found = run.averages("stable")
    steps = np.arange(run.t[known & np.isfinite(run.models["stable"].predicted_loss)][0], 41).astype(int)
    assert found["over"] == f"all steps of the model, steps {steps[0]} to 40"
    assert found["measured"] == pytest.approx(run.average_loss[steps].mean(), rel=1e-14)
    run.__dict__["slow_cycles"] = [(20, 30), (60, 80)]
    assert run.averages("stable")["over"] == "1 slow cycle, steps 20 to 30"


@pytest.mark.parametrize(("start", "late", "warm"), [([1e-5, 6.3], True, 10), ([0.05, 6.6], False, 10), ([1e-4, 6.5], True, 150)])
def test_a_swing_that_begins_long_after_the_edge_says_why(start, late, warm, tmp_path):
    """Sharpness grows along the valley; across it the swing is multiplied by 1 − ηλ, beyond the edge by more than 1."""
    loss, lr = cf.losses.two_time_scales(), 0.3
    net = SimpleNamespace(dim=2, start=np.array(start), value=loss.value, gradient=loss.gradient, hvp=loss.hvp)
    run = cf.train(network=net, optimizer=f"gd:lr={lr}", steps=500, every=1, warm_start=warm, runs="discrete",
                   out=str(tmp_path / "run"))  # fmt: skip
    w = [net.start]
    for _ in range(500):
        w.append(w[-1] - lr * loss.gradient(w[-1]))
    w = np.array(w)
    middle = (w[:-2] + 2 * w[1:-1] + w[2:]) / 4
    swing = np.linalg.norm(w[1:-1] - middle, axis=1)  # of step 1, 2, …
    passed = next(k for k, x in enumerate(middle, 1) if loss.sharpness(x) > 2 / lr)
    grown = next(k for k in range(passed, 499) if swing[k - 1] > swing[9:].max() / 100)
    told = [words for words in run.sentences if words.startswith("The sharpness passed the edge")]
    assert bool(told) == late == (swing[passed - 1 : max(grown, passed + 1)].min() < swing.max() / 1000)
    found = [float(number) for words in told for number in re.findall(r"(?:step|at most) ([\d.]+(?:e-\d+)?)", words)]
    assert found == pytest.approx([passed, swing[passed - 1 : grown].min(), grown] if late else [], rel=0.05)


def test_an_edge_that_is_passed_again_or_between_measurements_is_said_to_be(tmp_path):
    loss = cf.losses.two_time_scales()
    net = SimpleNamespace(dim=2, start=np.array([1e-5, 6.3]), value=loss.value, gradient=loss.gradient, hvp=loss.hvp)
    run = cf.train(network=net, optimizer="gd:lr=0.3", steps=500, every=5, runs="discrete", out=str(tmp_path / "run"))
    passed = run.t[np.argmax(run.sharpness > run.edge)]
    assert sum(words.startswith(f"The sharpness passed the edge by step {passed:g}, where") for words in run.sentences) == 1
    run.eigenvalues[:3, 0] = 2 * run.edge[0]  # as of one that began beyond the edge and came back
    del run.__dict__["sentences"]
    assert sum(words.startswith(f"The sharpness passed the edge again by step {passed:g}, where") for words in run.sentences) == 1


def test_arrays_for_xarray(train):
    run = train()
    found = run.to_xarray()
    assert found.loss.dims == ("step",) and found.eigenvalues.dims == ("t", "direction") and found.step.units == "optimizer steps"
    np.testing.assert_array_equal(found.loss, run.loss)
    np.testing.assert_array_equal(found.t, run.t)
    np.testing.assert_array_equal(found.stable_trace, run.models["stable"].trace)
    np.testing.assert_array_equal(found.coordinates, run.coordinates)
    assert json.loads(found.provenance)["settings"]["optimizer"] == "gd:lr=0.25"


@pytest.mark.slow
def test_arrays_for_xarray_of_a_run_whose_directions_became_more_than_its_models(tmp_path):
    """Nothing but what is in a file again; a model that ended early knows fewer directions than were measured after it."""
    import xarray

    settings = {"data": "digits:classes=2,n=40", "optimizer": "gd:lr=0.6", "runs": "discrete,central", "exponents": 2, "steps": 20}
    run = cf.train(settings, network="mlp:widths=2", out=str(tmp_path / "run"))
    width = run.eigenvalues.shape[1]
    run.__dict__["eigenvalues"] = np.hstack([run.eigenvalues, run.eigenvalues])
    found = run.to_xarray()
    assert found.sizes["direction"] == 2 * width and found.exponents.dims == ("t", "exponent")
    np.testing.assert_array_equal(found.central_variance[:, :width], run.models["central"].variance)
    assert np.isnan(found.central_variance[:, width:]).all() and np.isnan(found.coordinates[:, width:]).all()
    found.to_netcdf(tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc") as again:
        assert again.identical(found) and again.t.units == "optimizer steps"


def test_mini_batches_are_drawn_by_seed_and_step_alone(train, tmp_path, monkeypatch):
    from cfdyn.training.built import OnBatches

    monkeypatch.setattr("cfdyn.training.train.SAID", 0.0)
    batches = OnBatches(toy.Toy(rows=20), 5, 3)
    drawn = []
    for batches.k in (7, 8, 7):
        drawn.append(batches.rows.tolist())
    assert drawn[0] == drawn[2] != drawn[1] and len(set(drawn[0])) == 5 and max(drawn[0]) < 20
    whole = train(toy.Toy(rows=20), batch=5, seed=3)
    other = train(toy.Toy(rows=20), batch=5, seed=4)
    assert np.abs(whole.loss - other.loss).max() > 1e-6
    out = tmp_path / "stopped"
    with pytest.raises(Stopped):
        cf.train({**toy.SETTINGS, "batch": 5, "seed": 3}, network=toy.Toy(rows=20), out=str(out), keep=0.0, progress=stop_at(50))
    cf.train(resume=out, network=toy.Toy(rows=20))
    same(whole.folder, out)


@pytest.mark.parametrize("classes", [3, 6])
def test_all_copies_of_a_multiple_eigenvalue_are_measured(classes, tmp_path):
    """The Hessian of a net without hidden layers is XᵀX/n once for each output, so that each eigenvalue is there as often."""
    data = cf.data.digits(classes=classes, n=60)
    x = np.column_stack([data.inputs.reshape(60, -1), np.ones(60)])
    own = np.linalg.eigvalsh(x.T @ x / 60)[::-1]
    settings = {"data": f"digits:classes={classes},n=60", "optimizer": f"gd:lr={2 / (1.05 * own[0])}", "runs": "discrete"}
    run = cf.train(settings, network="mlp:widths=", steps=20, every=5, out=str(tmp_path / "run"))
    expected = np.repeat(own[:2], [classes, 1])  # all that are within a tenth of the edge, and one more
    np.testing.assert_allclose(run.eigenvalues[:, : classes + 1], np.tile(expected, (len(run.t), 1)), rtol=1e-4)
    assert np.isnan(run.eigenvalues[:, classes + 1 :]).all() and len(run.t) == 3
    u = run.vectors[-1, : classes + 1]
    np.testing.assert_allclose(u @ u.T, np.eye(classes + 1), atol=1e-6)


def test_momentum_that_has_not_forgotten_the_first_steps_is_remarked(train):
    """A pair of multipliers on a valley has the size √β = 0.9: 0.9¹⁰ of the start is left after ten steps, 0.01 after 44; not of descent."""
    beta = 0.81
    step = np.array([[1 - 0.1 * 8 + beta, -beta], [1.0, 0.0]])  # w and the one before, heavy ball at lr 0.1 on 8w²/2
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(step)), 0.9)
    early, late = (train(optimizer=f"heavy_ball:lr=0.1,momentum={beta}", warm_start=warm).remarks for warm in (10, 44))
    assert late == () and len(early) == 1 and f"up to {0.9**10:.2g} of what" in early[0] and "of 44 steps leaves 0.01" in early[0]
    assert train().remarks == () and train(optimizer=f"heavy_ball:lr=0.1,momentum={beta}", runs="discrete").remarks == ()


def test_a_short_training_has_a_shorter_warm_start():
    assert [make_config(None, {"steps": steps}).warm_start for steps in (300, 12, 11, 4)] == [10, 10, 9, 2]
    with pytest.raises(UsageError, match="`warm_start` is a whole number from 1 to 8, not 10"):
        make_config(None, {"steps": 10, "warm_start": 10})


@pytest.mark.parametrize(("curvature", "careful"), [(0.01, True), (3.0, False)])
def test_small_exponents_over_few_steps_come_with_a_caution(train, curvature, careful):
    """Of a bowl all are ln(1 − ηλ) a step, from every tangent: −0.001, which no 20 steps tell from 0, and −0.36."""
    bowl = SimpleNamespace(dim=2, start=np.ones(2), value=lambda w: curvature * w @ w / 2, gradient=lambda w: curvature * w,
                           hvp=lambda w, v: curvature * v)  # fmt: skip
    run = train(bowl, optimizer="gd:lr=0.1", runs="discrete", steps=40, every=2, exponents=1)
    assert run.lyapunov().exponents[0] == pytest.approx(np.log(1 - 0.1 * curvature))
    said = [words for words in run.sentences if words.startswith("Lyapunov exponents per step, from step 20 on: ")]
    assert [words.endswith("on the tangents that they begin with.") for words in said] == [careful]


def test_iterates_that_do_not_move_have_no_swing_to_follow(tmp_path):
    rest = cf.networks.from_gradient(lambda w: np.array([3.0, 1.0]) * w, 2)
    run = cf.train(network=rest, optimizer="gd:lr=0.3", runs="central,rod,edge", steps=20, out=str(tmp_path / "run"))
    assert run.models["edge"].status.startswith("ended before it began: flows.edge takes the direction of oscillation from")
    assert [run.models[name].status for name in ("central", "rod")] == ["done", "done"]
    assert (run.distances["central"], run.distances["rod"], run.distances["edge"]) == (0, 0, None)


def test_exponents_that_there_are_none_of_are_said_to_be_none(train):
    """At rest √ν has no slope, so that tangents have no image."""
    bowl = SimpleNamespace(dim=2, start=np.zeros(2), value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    run = train(bowl, optimizer="rmsprop:lr=0.1", runs="discrete", steps=20, every=2, exponents=1)
    assert np.isnan(run.exponents).all() and any(words.startswith("There are no Lyapunov exponents") for words in run.sentences)


@pytest.mark.parametrize("optimizer", [cf.optimizers.rmsprop(lr=0.1, beta2=0.9, eps=1e-3), cf.optimizers.scalar_rmsprop(lr=0.1, beta2=0.9),
                                       cf.optimizers.adam(lr=0.1, beta1=0.5, beta2=0.9, eps=1e-3)])  # fmt: skip
def test_the_preconditioner_of_many_weights_is_that_of_a_formula(optimizer):
    from cfdyn.training.edge import Edge

    loss = cf.Loss("x**2 + y**4 + x*y", "x y")
    orbit = cf.iterate(cf.as_map(loss, optimizer), [1.0, -0.7], 3)
    alone = SimpleNamespace(dim=2, value=loss.value, gradient=loss.gradient, hvp=loss.hvp)
    scale, theta = Edge(optimizer).at(alone, orbit.z[2])
    np.testing.assert_allclose(scale, orbit.preconditioners[2][2:4], rtol=1e-12)
    np.testing.assert_allclose(theta, orbit.theta[2], rtol=1e-12)
