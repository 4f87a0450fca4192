"""The power is cut at any moment: of what was there and what comes in its place one is there, whole, and at the end the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.records import files
from cfdyn.records.files import folder_for_writing
from cfdyn.training.files import checkpoints
from cfdyn.training.files.store import Store
from tests.power import Cuts, State, laid_out

GD = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
ORBIT = cf.iterate(GD, [0.5], 3)


COUNTED = dict.fromkeys((*checkpoints._COUNTS, *checkpoints._NUMBERS), 0)  # facts that a checkpoint has to have


def certificate(path: Path) -> None:
    cf.certify.cycle("w**2/2", cf.optimizers.gd(lr=1), [0.0], 1, lr="0.5").save(path)


WRITERS = {
    "record.npz": ORBIT.save, "proof.json": certificate, "figure.png": lambda path: cf.plot(ORBIT, path), "table.csv": ORBIT.to_csv
}


def outcomes(root: Path, path: Path, write, old: bytes | None) -> tuple[set[str], set[str], int]:
    """What is there when the power is cut while it is written, and after that; how many states were looked at."""
    where = f"./{path.relative_to(root)}"
    with Cuts(root, lambda state: state.get(where)) as cuts:
        write(path)
        after = cuts.now()
    names = {old: "old", path.read_bytes(): "new"}
    return {names.get(one, "half") for one in cuts.found}, {names.get(one, "half") for one in after}, cuts.states


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("old", [None, b"what was there before"], ids=["none before", "one before"])
def test_the_old_one_or_the_new_one_and_never_half(name, old, tmp_path):
    if old is not None:
        (tmp_path / name).write_bytes(old)
    during, after, states = outcomes(tmp_path, tmp_path / name, WRITERS[name], old)
    assert during == {"old", "new"} and after == {"new"} and states > 3


def test_a_folder_that_is_made_for_it_is_there_too(tmp_path):
    def write(path):
        folder_for_writing(path.parent)
        ORBIT.save(path)

    during, after, _ = outcomes(tmp_path, tmp_path / "a" / "b" / "x.npz", write, None)
    assert during == {"old", "new"} and after == {"new"}


def in_place(path: Path) -> None:
    path.write_bytes(b"new content")
    files.settle(path)
    files.settle(path.parent)


def unsettled(path: Path) -> None:
    (path.parent / "beside").write_bytes(b"new content")
    os.replace(path.parent / "beside", path)
    files.settle(path.parent)


def name_unsettled(path: Path) -> None:
    (path.parent / "beside").write_bytes(b"new content")
    files.settle(path.parent / "beside")
    os.replace(path.parent / "beside", path)


@pytest.mark.parametrize(("write", "during", "after"), [
    (in_place, {"old", "half", "new"}, {"new"}), (unsettled, {"old", "half", "new"}, {"half", "new"}),
    (name_unsettled, {"old", "new"}, {"old", "new"})])  # fmt: skip
def test_writers_that_leave_something_out_are_found_out(write, during, after, tmp_path):
    (tmp_path / "x").write_bytes(b"old content")
    assert outcomes(tmp_path, tmp_path / "x", write, b"old content")[:2] == (during, after)


@pytest.mark.slow
def test_a_checkpoint_and_the_measurements_up_to_it_are_those_before_or_the_new_ones(tmp_path):
    """Whatever checkpoint is there, all rows until then are, bit for bit."""
    run = tmp_path / "run"
    run.mkdir()
    loss, rows = np.random.default_rng(5).normal(size=40), np.random.default_rng(6).normal(size=(40, 3))
    store = Store(run)

    def save(number: int, until: int) -> None:
        store.flush(steps=until)
        checkpoints.save(run, number, {"z": loss[:until]}, {**COUNTED, "k": until, "status": "running", "models": {}})

    def put(first: int, last: int) -> None:
        for k in range(first, last):
            store.put("steps", k, {"loss": loss[k]})
            store.put("rows", k, {"eigenvalues": rows[k]})

    def look(state: State) -> object:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            left = laid_out(state, Path(folder) / "left")
            if not (told := checkpoints.checkpoints_in(left)):
                return None
            saved = checkpoints.load(told, 2**30)
            k, found = saved[1]["k"], Store(left)
            found.open()
            whole = [np.array_equal(saved[0]["z"], loss[:k]), np.array_equal(found.read("steps/loss")[:k], loss[:k]),
                     np.array_equal(found.read("rows/eigenvalues")[:k, :3], rows[:k]), found.attributes()["steps"] >= k]  # fmt: skip
            return k if all(whole) else f"half of {k}"

    with Cuts(run, look) as cuts:
        store.create({"steps/loss": (40,), "rows/eigenvalues": (40, 4)})
        store.flush(steps=0)
        put(0, 9)
        save(0, 9)
        first, begun = cuts.now(), cuts.found
        put(9, 30)
        save(1, 30)
        second = cuts.now()
        put(30, 40)
        save(2, 40)  # in place of the first
        third = cuts.now()
    assert (first, second, third) == ({9}, {30}, {40}) and begun == {None, 9} and cuts.found == {None, 9, 30, 40}
