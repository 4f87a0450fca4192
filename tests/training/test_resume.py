"""Stopped anywhere, a training goes on as if it had not been; a folder that cannot is refused and left as it is."""

import shutil

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, RecordError, UsageError
from cfdyn.training.files import checkpoints
from cfdyn.training.files.store import Store
from tests.training import toy
from tests.training.runs import Stopped, arrays, killed, same, stop_at


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


@pytest.mark.slow
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
    with pytest.raises(NumericsError, match=f"{out} cannot be written, the disk is full; what was written before is intact"):
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
    with pytest.raises(RecordError, match="a run of the version 7, and this cfdyn continues runs of version 4; nothing was changed"):
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


def test_a_run_that_never_began_says_so(train):
    """The first gradient is not a number."""
    network = toy.Toy()
    network.gradient = lambda w, rows=None: np.full(4, np.nan)
    run = train(network)
    assert run.status == "diverged at step 0" and run.sentences == ["The optimizer diverged at step 0."] and run.summary == []
    assert cf.plot(run, run.folder / "figure.png")


def test_an_optimizer_goes_on_with_all_its_digits(train, tmp_path):
    """Given as an object, with a learning rate of sixteen digits."""
    for name, steps in (("whole", 160), ("first", 120)):
        settings = {**toy.SETTINGS, "steps": steps, "out": str(tmp_path / name)}
        del settings["optimizer"]
        cf.train(settings, network=toy.Toy(), optimizer=cf.optimizers.gd(lr=1 / 4.1))
    cf.train(resume=tmp_path / "first", network=toy.Toy(), steps=160)
    same(tmp_path / "whole", tmp_path / "first")
