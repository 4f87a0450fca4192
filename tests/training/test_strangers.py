"""The folder of a run that a stranger made: nothing in it is followed to a place outside, neither written nor read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import cfdyn as cf
from cfdyn.errors import RecordError
from cfdyn.records.files import written_whole
from tests.training import toy

SECRET = b"of somebody else"


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        toy.use(patch.setattr)
        folder = tmp_path_factory.mktemp("runs") / "run"
        return cf.train(toy.SETTINGS, network=toy.Toy(), out=str(folder), keep=0.05).folder


@pytest.fixture
def theirs(finished_run, tmp_path, monkeypatch):
    """A copy of a run, and beside it a file that is not of the run."""
    toy.use(monkeypatch.setattr)
    (tmp_path / "outside").write_bytes(SECRET)
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}


NAMES = ["config.toml", "checkpoint-0.npz", "checkpoint-1.npz", ".lock", "run.zarr", "run.zarr/zarr.json", "run.zarr/steps",
         "run.zarr/steps/loss/zarr.json", "run.zarr/steps/loss/c", "run.zarr/steps/loss/c/0", "more"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_link_is_refused_and_nothing_outside_is_touched(name, theirs, tmp_path):
    place, before = theirs / name, tmp_path / "outside"
    if place.is_dir():
        before = tmp_path / "outside-folder"
        shutil.move(place, before)
    else:
        if place.exists() and name != ".lock":
            shutil.move(place, before)
        place.unlink(missing_ok=True)
    place.symlink_to(before)
    kept = files(tmp_path)
    for call in (lambda: cf.train(resume=theirs, network=toy.Toy(), steps=160, keep=0.0), lambda: cf.load(theirs)):
        with pytest.raises(RecordError, match="is a link, which is not followed"):
            call()
    assert files(tmp_path) == kept


def test_a_pipe_is_not_waited_for(theirs):
    (theirs / "config.toml").unlink()
    os.mkfifo(theirs / "config.toml")
    for call in (lambda: cf.train(resume=theirs, network=toy.Toy()), lambda: cf.load(theirs)):
        with pytest.raises(RecordError, match="is a device or a pipe"):
            call()


def test_a_lock_that_is_another_file_is_not_emptied(theirs, tmp_path):
    (theirs / ".lock").unlink(missing_ok=True)
    os.link(tmp_path / "outside", theirs / ".lock")
    with pytest.raises(RecordError, match="under another name"):
        cf.train(resume=theirs, network=toy.Toy(), steps=160)
    assert (tmp_path / "outside").read_bytes() == SECRET


def test_files_with_a_second_name_are_replaced_and_not_written_into(theirs, tmp_path):
    """As a backup of hard links has them."""
    kept = {}
    for number, path in enumerate(sorted(theirs.rglob("*"))):
        if path.is_file() and path.name != ".lock":
            os.link(path, tmp_path / f"backup-{number}")
            kept[tmp_path / f"backup-{number}"] = path.read_bytes()
    assert cf.train(resume=theirs, network=toy.Toy(), steps=160).steps == 160
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_folder_to_begin_in_may_hold_a_link_as_little(tmp_path, monkeypatch):
    toy.use(monkeypatch.setattr)
    (tmp_path / "outside").write_bytes(SECRET)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "outside")
    with pytest.raises(RecordError, match="is a link"):
        cf.train(toy.SETTINGS, network=toy.Toy(), out=str(tmp_path / "run"))
    assert (tmp_path / "outside").read_bytes() == SECRET


def test_a_name_of_ours_is_replaced_where_it_is_a_link(tmp_path):
    """Of a checkpoint, of the settings, of a search, of a report, of a list of studies: never written through."""
    (tmp_path / "outside").write_bytes(SECRET)
    for target in (tmp_path / "outside", tmp_path / "absent", Path("/dev/null")):
        (tmp_path / "x.npz").unlink(missing_ok=True)
        (tmp_path / "x.npz").symlink_to(target)
        with written_whole(tmp_path / "x.npz", follow=False) as temporary:
            Path(temporary).write_bytes(b"new")
        assert not (tmp_path / "x.npz").is_symlink() and (tmp_path / "x.npz").read_bytes() == b"new"
    assert (tmp_path / "outside").read_bytes() == SECRET and not (tmp_path / "absent").exists()


def test_the_folder_of_a_search_leads_nowhere_either(tmp_path):
    search, outside = tmp_path / "search", tmp_path / "outside"
    outside.mkdir()

    def sought():
        return cf.certify.cycles("(w**2 - 1)**2/4", cf.optimizers.gd(lr=1), 2, (-2, 2), lr="1.1", keep=search)

    sought()
    found = list(search.iterdir())
    for file in found:
        file.rename(outside / file.name)
        file.symlink_to(outside / file.name)
    before = {file: (os.stat(file).st_mtime_ns, file.read_bytes()) for file in outside.iterdir()}
    sought()
    assert {file: (os.stat(file).st_mtime_ns, file.read_bytes()) for file in outside.iterdir()} == before
    assert found and not any(file.is_symlink() for file in found)
