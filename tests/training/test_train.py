"""Runs of a loss that is written out: what is measured is what a few lines of numpy give, and every end is clean."""

import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, RecordError, UsageError
from cfdyn.training.config import make_config
from cfdyn.training.files import checkpoints
from cfdyn.training.files.store import Store
from tests.training import toy


@pytest.fixture
def train(monkeypatch, tmp_path):
    toy.use(monkeypatch.setattr)
    count = iter(range(100))

    def start(network=None, **settings):
        given = {"out": str(tmp_path / f"run{next(count)}"), **toy.SETTINGS, **settings}
        return cf.train(given, network=network or toy.Toy(), **({"keep": given.pop("keep")} if "keep" in given else {}))

    return start


WELL = cf.losses.double_well()


class Unmeasured:
    """Without a sharpness of its own."""

    dim, start = 1, np.ones(1)
    value, gradient, hvp = WELL.value, WELL.gradient, WELL.hvp


def arrays(folder):
    store = Store(folder)
    store.open("r")
    return {name: store.read(name) for name in store.names()}


def same(one, other):
    a, b = arrays(one), arrays(other)
    assert a.keys() == b.keys() and "rows/stable_distance" in a and len(a["steps/loss"]) > 100
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def iterates(steps, lr=toy.LR):
    net, w = toy.Toy(), [toy.Toy().start]
    for _ in range(steps):
        w.append(w[-1] - lr * net.gradient(w[-1]))
    return np.array(w)


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


class Bowl:
    """L = ½ Σ λᵢwᵢ² with rows that pull each weight; of 40 weights."""

    title, dim, n_rows = "bowl", 40, 30

    def __init__(self):
        self.start, self.curved = np.ones(40), np.linspace(0.1, 1.0, 40)
        self.pull = np.random.default_rng(2).normal(size=(30, 40))

    def value(self, w):
        return float(self.curved @ w**2) / 2

    def gradient(self, w, rows=None):
        return self.curved * w + (0.0 if rows is None else (self.pull[rows] - self.pull.mean(axis=0)).mean(axis=0))

    def hvp(self, w, v):
        return self.curved * v


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


class Stopped(BaseException):
    """As a process that is killed: nothing more is written."""


def killed(*_):
    raise Stopped


def stop_at(step):
    def progress(words):
        if words.startswith("step ") and int(words.split()[1]) >= step:
            raise Stopped

    return progress


def test_eigenvectors_grow_in_the_store_as_directions_come_and_are_read_while_they_do(tmp_path, monkeypatch):
    """With more of them than wait in memory, in files of one row, and rows that are written once more after a stop."""
    monkeypatch.setattr("cfdyn.training.files.store.PART", 7)
    monkeypatch.setattr("cfdyn.training.files.store.WAITING", 50)
    store, rows = Store(tmp_path), [np.random.default_rng(k).normal(size=(2 + 3 * (k > 3), 11)) for k in range(6)]
    store.create({"rows/vectors": (6, 4, 11), "steps/loss": (1,)})
    for _ in range(2):
        for k, row in enumerate(rows):
            store.put("rows", k, {"vectors": row})
    reader = Store(tmp_path)
    reader.open("r")
    np.testing.assert_array_equal(reader.read("rows/vectors", 4)[3, :2], rows[3])
    store.flush(rows=6)
    reader.open("r")
    found = reader.read("rows/vectors")
    assert found.shape == (6, 8, 11) and np.isfinite(found).sum() == 11 * (4 * 2 + 2 * 5)
    for row, kept in zip(rows, found, strict=True):
        np.testing.assert_array_equal(kept[: len(row)], row)


def test_eigenvectors_are_kept_where_they_are_small_or_asked_for(train, monkeypatch):
    small, without = train(), train(vectors=False)
    assert small.vectors.shape == (29, 4, 4) and small.remarks == without.remarks == ()
    monkeypatch.setattr("cfdyn.training.lockstep.SMALL", 8 * 29 * 4 * 4 - 1)
    large, asked = train(), train(vectors=True)
    np.testing.assert_array_equal(asked.vectors, small.vectors)
    assert large.remarks == ("eigenvectors are not kept, four at each measurement would take 0.00371 MB: vectors=True (--vectors) keeps them",)
    assert set(arrays(asked.folder)) - set(arrays(large.folder)) == set(arrays(asked.folder)) - set(arrays(without.folder)) == {"rows/vectors"}
    for run in (large, without):
        with pytest.raises(UsageError, match="has not kept its eigenvectors"):
            _ = run.vectors
    again = cf.train(resume=asked.folder, network=toy.Toy(), steps=160)
    assert again.vectors.shape == (39, 4, 4) and cf.train(resume=large.folder, network=toy.Toy(), steps=160).remarks[0][:27] == large.remarks[0][:27]


@pytest.mark.parametrize(("step", "keep"), [(1, 9.0), (10, 0.0), (47, 0.0), (48, 0.0)])
def test_stopped_anywhere_a_run_goes_on_bit_for_bit(train, tmp_path, monkeypatch, step, keep):
    monkeypatch.setattr("cfdyn.training.train.SAID", 0.0)
    whole, out = train(), tmp_path / "stopped"
    with pytest.raises(Stopped):
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(out), keep=keep, progress=stop_at(step))
    assert cf.Run(out).status == "running" and not cf.Run(out).complete
    again = cf.train(resume=out, network=toy.Toy())
    assert again.status == "done"
    same(whole.folder, out)


def test_stopped_while_a_checkpoint_is_written(train, tmp_path, monkeypatch):
    whole, out, calls = train(), tmp_path / "stopped", []

    def save(folder, number, arrays, facts):
        calls.append(number)
        if number == 3 and len(calls) == 4:
            (folder / "checkpoint-1.npz").write_bytes(b"PK half of it")
            raise Stopped
        return kept(folder, number, arrays, facts)

    kept = checkpoints.save
    monkeypatch.setattr(checkpoints, "save", save)
    with pytest.raises(Stopped):
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(out), keep=0.0)
    assert calls == [0, 1, 2, 3]
    monkeypatch.setattr(checkpoints, "save", kept)
    cf.train(resume=out, network=toy.Toy())
    same(whole.folder, out)


def test_more_steps_go_on_from_the_end(train):
    whole, first = train(steps=160), train(steps=120)
    again = cf.train(resume=first.folder, network=toy.Toy(), steps=160)
    assert again.steps == 160
    same(whole.folder, first.folder)


def test_more_steps_killed_before_the_first_checkpoint_go_on(train, monkeypatch):
    whole, first = train(steps=160), train(steps=120)
    with monkeypatch.context() as patch:
        patch.setattr("cfdyn.training.train.Lockstep.flush", killed)
        with pytest.raises(Stopped):
            cf.train(resume=first.folder, network=toy.Toy(), steps=160, keep=0.0)
    assert cf.train(resume=first.folder, network=toy.Toy()).steps == 160
    same(whole.folder, first.folder)


def test_other_data_and_damaged_arrays_are_refused(train):
    run = train()
    other = toy.Toy()
    other.c = other.c + 0.1
    with pytest.raises(UsageError, match="another network, or other data"):
        cf.train(resume=run.folder, network=other, steps=160)
    chunk = next(path for path in (run.folder / "run.zarr" / "steps" / "loss").rglob("*") if path.is_file() and path.suffix == "")
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(RecordError, match="damaged"):
        cf.train(resume=run.folder, network=toy.Toy(), steps=160)


CHANGES = [
    ("gd:lr=0.25", "gd:lr=0.2"), ("gd:lr=0.25", "adam:lr=0.1"), ('"stable"]', '"stable", "edge"]'), ("every = 4", "every = 7"),
    ("seed = 0", "seed = 1"), ("seed = 0", "seed = 0\nexponents = 2"), ("seed = 0", "seed = 0\ntol = 0.5"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_settings_that_were_changed_in_the_folder_are_refused_and_nothing_is_lost(train, before, after):
    run = train()
    file = run.folder / "config.toml"
    text, kept = file.read_text(), arrays(run.folder)
    assert before in text
    file.write_text(text.replace(before, after))
    with pytest.raises(RecordError, match="was changed: it says"):
        cf.train(resume=run.folder, network=toy.Toy(), steps=160)
    assert all(np.array_equal(kept[name], value, equal_nan=True) for name, value in arrays(run.folder).items())
    file.write_text(text)
    assert cf.train(resume=run.folder, network=toy.Toy(), steps=160).status == "done"


def test_damaged_settings_are_said_in_words(train):
    run = train()
    file = run.folder / "config.toml"
    text = file.read_text()
    without = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("runs"))
    for other, words in [(text + "rns = 1\n", "damaged: unknown setting of a run 'rns'; did you mean 'runs'"),
                         (without, "does not say `runs`"), (without + "runs = 3\n", "`runs` is a list")]:  # fmt: skip
        file.write_text(other)
        with pytest.raises(RecordError, match=words):
            cf.train(resume=run.folder, network=toy.Toy(), steps=160)


def test_ctrl_c_keeps_what_is_done(train, tmp_path, monkeypatch):
    import signal

    monkeypatch.setattr("cfdyn.training.train.SAID", 0.0)
    whole, out, before = train(), tmp_path / "stopped", signal.getsignal(signal.SIGINT)

    def interrupt(words):
        if words.startswith("step 30 "):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as end:
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(out), progress=interrupt)
    assert end.value.record.status == "stopped at step 30" and len(end.value.record.loss) == 30
    assert signal.getsignal(signal.SIGINT) is before
    cf.train(resume=out, network=toy.Toy())
    same(whole.folder, out)


def test_divergence_ends_cleanly_and_says_where(train):
    run = train(optimizer="gd:lr=0.9", steps=200)
    w = [toy.Toy().start]
    with np.errstate(all="ignore"):
        while abs(toy.Toy().value(w[-1])) < 1e6:
            w.append(w[-1] - 0.9 * toy.Toy().gradient(w[-1]))
    assert 4 < len(w) < 200 and run.status == f"diverged at step {len(w) - 1}" and run.complete
    np.testing.assert_allclose(run.loss, [toy.Toy().value(x) for x in w[:-1]], rtol=1e-10)
    assert cf.train(resume=run.folder, network=toy.Toy()).status == run.status
    assert run.sentences[0] == f"The optimizer {run.status}; what is measured is of the steps before."
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


@pytest.mark.slow
def test_arrays_for_xarray(train):
    pytest.importorskip("xarray")
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
    xarray = pytest.importorskip("xarray")
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


def test_a_file_of_an_array_that_is_gone_is_told(train, tmp_path, monkeypatch):
    """Zarr reads NaN in its place."""
    monkeypatch.setattr("cfdyn.training.files.store.CHUNK", 6)
    out = tmp_path / "torn"
    with pytest.raises(Stopped):
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(out), progress=stop_at(60), keep=0.0)
    shutil.copytree(out, tmp_path / "whole")
    place = out / "run.zarr" / "rows" / "eigenvalues" / "c" / "1"
    shutil.rmtree(place)
    run = cf.load(out)
    assert np.isfinite(run.loss).all() and np.isfinite(run.midpoint_loss).all()
    with pytest.raises(RecordError, match=r"array rows/eigenvalues in .* is damaged \(1 of \d+ files gone\).* train again, in another"):
        print(run.sharpness)
    with pytest.raises(RecordError, match="array rows/eigenvalues"):
        cf.train(resume=out, network=toy.Toy())
    cf.train(resume=tmp_path / "whole", network=toy.Toy())
    same(train().folder, tmp_path / "whole")
    shutil.rmtree(out / "run.zarr" / "steps" / "swing")
    with pytest.raises(RecordError, match=r"array steps/swing in .* is damaged \(KeyError\)"):
        print(cf.load(out).swing)


def test_the_settings_of_a_run_train_again(train, tmp_path):
    """A network that is an object is not in the file, and is asked for."""
    run = train()
    settings = run.folder / "config.toml"
    with pytest.raises(UsageError, match="the network of the run of .* was given as an object: give it again, network="):
        cf.train(settings, out=tmp_path / "none")
    same(cf.train(settings, network=toy.Toy(), out=str(tmp_path / "again")).folder, run.folder)
    optimizer = cf.Optimizer.from_text({"w": "w - lr*v", "v": "b*v + g"}, {"lr": 0.1, "b": 0.5}, name="gd")
    own = cf.train(network=toy.Toy(), optimizer=optimizer, runs="discrete", steps=12, out=str(tmp_path / "own"))
    again = cf.train(own.folder / "config.toml", network=toy.Toy(), out=str(tmp_path / "formulas"))
    assert np.array_equal(again.loss, own.loss) and again.config.formulas == own.config.formulas
    other = cf.train(own.folder / "config.toml", network=toy.Toy(), optimizer="gd:lr=0.1", out=str(tmp_path / "other"))
    assert other.config.formulas is None and not np.array_equal(other.loss, own.loss)


def test_a_full_disk_is_a_sentence_and_nothing_is_lost(train, tmp_path, monkeypatch):
    import errno

    whole, out, savez = train(), tmp_path / "full", np.savez
    calls = []

    def fails(file, **arrays):
        calls.append(1)
        if len(calls) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(file, **arrays)

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(NumericsError, match=f"{out} cannot be written, the disk is full; what was written before is whole"):
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(out), keep=0.0)
    monkeypatch.setattr(np, "savez", savez)
    cf.train(resume=out, network=toy.Toy())
    same(whole.folder, out)


def test_folders_that_cannot_go_on_are_refused_and_left_as_they_are(train, tmp_path):
    from filelock import FileLock

    run = train()
    with pytest.raises(UsageError, match="holds a run already"):
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(run.folder))
    with pytest.raises(RecordError, match="no run of cfdyn train"):
        cf.train(resume=tmp_path)
    with pytest.raises(RecordError, match="is no folder"):
        cf.train(resume=tmp_path / "nothing")
    with FileLock(run.folder / ".lock"), pytest.raises(RecordError, match="another process is writing"):
        cf.train(resume=run.folder, network=toy.Toy())
    assert cf.train(resume=run.folder).status == "done"  # nothing is left to do
    with pytest.raises(UsageError, match="give it again"):
        cf.train(resume=run.folder, steps=200)
    with pytest.raises(UsageError, match="not fewer"):
        cf.train(resume=run.folder, steps=20)
    text = (run.folder / "config.toml").read_text()
    (run.folder / "config.toml").write_text(text.replace("version = 4", "version = 7"))
    with pytest.raises(RecordError, match="a run of the version 7, and this cfdyn goes on with version 4; nothing was changed"):
        cf.train(resume=run.folder, network=toy.Toy())
    (run.folder / "config.toml").write_text(text[:40])
    with pytest.raises(RecordError):
        cf.train(resume=run.folder, network=toy.Toy())
    (run.folder / "config.toml").write_text(text)
    before = arrays(run.folder)
    for name in checkpoints.NAMES:
        (run.folder / name).write_bytes((run.folder / name).read_bytes()[:100] if (run.folder / name).exists() else b"")
    with pytest.raises(RecordError, match="no checkpoint in .* can be read"):
        cf.train(resume=run.folder, network=toy.Toy())
    assert all(before[name].tobytes() == values.tobytes() for name, values in arrays(run.folder).items())
    (run.folder / "run.zarr" / "zarr.json").write_text("{")
    with pytest.raises(RecordError, match="cannot be read"):
        cf.Run(run.folder)


def test_gradients_alone_are_trained(tmp_path):
    """Of ‖w‖² without its value: descent keeps 0.9 of the weights in a step, its flow e^−0.1; with η = 2 each step triples them."""
    net = cf.networks.from_gradient(lambda w: 2 * w, 2, start=[1.0, 0.5])
    settings = {"runs": "discrete,central,stable", "steps": 40, "tol": 1e-6}
    run = cf.train(settings, network=net, optimizer="gd:lr=0.05", out=str(tmp_path / "bowl"))
    assert run.status == "done" and np.isnan(run.loss).all() and run.summary and "no number" in run.remarks[-1]
    first, passed = np.linalg.norm(net.start) * (0.9**9 + 2 * 0.9**10 + 0.9**11) / 4, run.t[-1] - 10
    expected = first * (np.exp(-0.1 * passed) - 0.9**passed)
    np.testing.assert_allclose([row.distance[-1] for row in run.models.values()], [expected] * 2, rtol=1e-3)
    assert cf.plot(run, tmp_path / "figure.png")
    beyond = cf.train(settings, network=net, optimizer="gd:lr=2.0", out=str(tmp_path / "beyond"))
    assert beyond.status == "diverged at step 12" and beyond.sentences  # 3¹³ > 10⁶ > 3¹²


def test_a_run_that_never_began_says_so(train):
    """The first gradient is not a number."""
    network = toy.Toy()
    network.gradient = lambda w, rows=None: np.full(4, np.nan)
    run = train(network)
    assert run.status == "diverged at step 0" and run.sentences == ["The optimizer diverged at step 0."] and run.summary == []
    assert cf.plot(run, run.folder / "figure.png")


def test_momentum_that_has_not_forgotten_the_first_steps_is_remarked(train):
    """A pair of multipliers on a valley has the size √β = 0.9: 0.9¹⁰ of the start is left after ten steps, 0.01 after 44; not of descent."""
    beta = 0.81
    step = np.array([[1 - 0.1 * 8 + beta, -beta], [1.0, 0.0]])  # w and the one before, heavy ball at lr 0.1 on 8w²/2
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(step)), 0.9)
    early, late = (train(optimizer=f"heavy_ball:lr=0.1,momentum={beta}", warm_start=warm).remarks for warm in (10, 44))
    assert late == () and len(early) == 1 and f"up to {0.9**10:.2g} of what" in early[0] and "of 44 steps leaves 0.01" in early[0]
    assert train().remarks == () and train(optimizer=f"heavy_ball:lr=0.1,momentum={beta}", runs="discrete").remarks == ()


def test_settings_that_make_no_sense_are_refused(tmp_path):
    for settings, words in [({"stepps": 3}, "did you mean 'steps'"), ({"runs": "discrete,centrl"}, "did you mean 'central'"),
                            ({"warm_start": 300}, "`warm_start` is a whole number from 1 to 298"), ({"steps": 2}, "`steps` of"),
                            ({"network": "mpl"}, "did you mean 'mlp'"), ({"network": "mlp:width=3"}, "did you mean 'widths'"),
                            ({"data": "digits:n=x"}, "not a number"), ({"tol": 2.0}, "`tol`"), ({"runs": "central,central"}, "twice"),
                            ({"own": True}, "unknown setting"), ({"vectors": 1.5}, "`vectors` is true or false"), ({"runs": 5}, "`runs` is a list"),
                            ({"optimizer": "rmsprop:beta2=0.9"}, "rmsprop needs its learning rate"),
                            ({"optimizer": "lion:lr=0.1"}, "`runs='discrete'` trains it without flows")]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            cf.train(settings, out=str(tmp_path / "never"))
    assert not (tmp_path / "never").exists()


def test_an_optimizer_goes_on_with_all_its_digits(train, tmp_path):
    """Given as an object, with a learning rate of sixteen digits."""
    for name, steps in (("whole", 160), ("first", 120)):
        settings = {**toy.SETTINGS, "steps": steps, "out": str(tmp_path / name)}
        del settings["optimizer"]
        cf.train(settings, network=toy.Toy(), optimizer=cf.optimizers.gd(lr=1 / 4.1))
    cf.train(resume=tmp_path / "first", network=toy.Toy(), steps=160)
    same(tmp_path / "whole", tmp_path / "first")


OWN = [
    ({"w": "w - lr*v", "v": "beta*v + g"}, {"lr": 1 / 6.7, "beta": 0.1}, {"name": "delayed"}),
    ({"w": "w - lr*(g + pull*(w - v))/d", "v": "w"}, {"lr": 1 / 4.1, "pull": 0.1},
     {"name": "gd", "define": {"d": "1 + exp(-t)"}, "initial": {"v": 0.2}}),
]  # fmt: skip


@pytest.mark.parametrize(("update", "params", "more"), OWN)
def test_an_optimizer_of_ones_own_goes_on_from_its_folder(train, tmp_path, update, params, more):
    """Also one with the name of another; the steps are those of its formulas."""
    own = cf.Optimizer.from_text(update, params, **more)
    for name, steps in (("whole", 160), ("first", 120)):
        settings = {**toy.SETTINGS, "steps": steps, "out": str(tmp_path / name)}
        del settings["optimizer"]
        run = cf.train(settings, network=toy.Toy(), optimizer=own)
    run = cf.train(resume=tmp_path / "first", network=toy.Toy(), steps=160)
    same(tmp_path / "whole", tmp_path / "first")
    w, v, loss = toy.Toy().start, np.full(4, more.get("initial", {}).get("v", 0.0)), []
    for t in range(1, 162):
        loss, g = [*loss, toy.Toy().value(w)], toy.Toy().gradient(w)
        with_pull = w - params["lr"] * (g + 0.1 * (w - v)) / (1 + np.exp(-t))
        w, v = (with_pull, w) if more["name"] == "gd" else (w - params["lr"] * v, 0.1 * v + g)
    np.testing.assert_allclose(run.loss, loss, rtol=1e-6)


def test_formulas_of_an_optimizer_that_were_changed_are_read_and_not_run(train, tmp_path):
    own, out = cf.Optimizer.from_text({"w": "w - lr*g"}, {"lr": 0.1}), tmp_path / "run"
    settings = {name: value for name, value in toy.SETTINGS.items() if name != "optimizer"}
    cf.train({**settings, "runs": "discrete", "out": str(out)}, network=toy.Toy(), optimizer=own)
    text = (out / "config.toml").read_text()
    for bad in ("__import__('os').getcwd()", "w - lr*q", "w.real", "9**9**9**9"):
        (out / "config.toml").write_text(text.replace("w - lr*g", bad))
        with pytest.raises(RecordError, match="is damaged"):
            cf.train(resume=out, network=toy.Toy(), steps=160)
    (out / "config.toml").write_text(text.replace("update", "updates"))
    with pytest.raises(RecordError, match="formulas of its optimizer cannot be read"):
        cf.train(resume=out, network=toy.Toy(), steps=160)


def test_a_loss_that_cannot_be_trained_says_why():
    for network, settings, words in [(WELL, {}, "has `start`"), (object(), {}, "has no dim"), (toy.Toy(), {"keep": -1.0}, "`keep`"),
                                     (Unmeasured(), {"optimizer": "gd"}, "needs its learning rate")]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            cf.train(toy.SETTINGS | {"optimizer": settings.pop("optimizer", "gd:lr=0.1")}, network=network, **settings)


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


def test_a_network_of_ones_own_is_on_no_data_of_the_catalogue(train, capsys):
    """The data that a training has by default are nowhere said to be those of the toy."""
    run = train()
    assert repr(run).startswith("Run(toy, gd:lr=0.25: done") and "data" not in run.provenance
    assert cf.plot(run).get_suptitle() == "toy, gd:lr=0.25"
    with pytest.raises(UsageError, match="leave `data` out"):
        train(data="digits")


def test_products_that_are_not_those_of_the_gradient_are_refused(train):
    class Wrong(toy.Toy):
        def hvp(self, w, v):
            return -super().hvp(w, v)

    with pytest.raises(UsageError, match="not the derivative of gradient"):
        train(Wrong())


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


def test_a_network_in_the_place_of_settings_is_told():
    with pytest.raises(UsageError, match="a network has a name: network='mlp:widths=8'"):
        cf.train("mlp:widths=8", data="digits")
    with pytest.raises(UsageError, match=r"a network has a name: cf\.train\(network=net"):
        cf.train(toy.Toy(), optimizer="gd:lr=0.5")


def test_a_toml_file_says_the_same(train, tmp_path):
    file = tmp_path / "training.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in toy.SETTINGS.items()))
    run = cf.train(file, network=toy.Toy(), out=str(tmp_path / "toml"))
    same(train().folder, run.folder)
    assert cf.load(run.folder).provenance["settings"]["optimizer"] == "gd:lr=0.25"
    file.write_text("steps = ")
    with pytest.raises(UsageError, match="is no TOML file"):
        cf.train(file)


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
