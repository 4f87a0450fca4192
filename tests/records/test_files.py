"""What is written where something is already, or nothing yet: modes, links, pipes and devices."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import cfdyn as cf
from cfdyn import outside
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.files import can_write, written_whole
from tests.processes import sentences

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="modes, links and pipes as on Unix")

GD = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))


def record(path):
    cf.iterate(GD, [0.5], 3).save(path)


def figure(path):
    cf.plot(cf.iterate(GD, [0.5], 3), path)


def film(path):
    found = cf.compare(cf.losses.double_well(), cf.optimizers.gd(lr=1.1), ["gradient"], start=[1.2], steps=4)
    cf.animate(found, path, frames=2)


WRITERS = {"record": (record, "x.npz", b"PK"), "figure": (figure, "x.png", b"\x89PNG"), "film": (film, "x.gif", b"GIF8")}


@pytest.fixture(params=WRITERS)
def writer(request):
    return WRITERS[request.param]


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002, 0o000])
def test_a_new_file_has_the_mode_that_the_umask_allows(mask, tmp_path):
    previous = os.umask(mask)
    try:
        record(tmp_path / "x.npz")
        (tmp_path / "usual").write_text("")
    finally:
        os.umask(previous)
    assert mode(tmp_path / "x.npz") == mode(tmp_path / "usual") == 0o666 & ~mask


def test_a_file_that_is_there_keeps_its_mode(writer, tmp_path):
    write, name, magic = writer
    path = tmp_path / name
    for kept in (0o600, 0o664, 0o644):
        path.write_text("old")
        path.chmod(kept)
        write(path)
        assert mode(path) == kept and path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_link_is_followed_and_stays_one(writer, tmp_path):
    """To a file in another folder, to another link, and to what is not there yet."""
    write, name, magic = writer
    (tmp_path / "far").mkdir()
    there = tmp_path / "far" / "real"
    there.write_text("old")
    (tmp_path / "second").symlink_to(there)
    (tmp_path / name).symlink_to(tmp_path / "second")
    write(tmp_path / name)
    assert (tmp_path / name).is_symlink() and (tmp_path / "second").is_symlink()
    assert there.read_bytes().startswith(magic)
    there.unlink()
    write(tmp_path / name)
    assert there.read_bytes().startswith(magic) and sorted(os.listdir(tmp_path)) == sorted(["far", name, "second"])


def test_a_pipe_gets_the_whole_content_and_stays_a_pipe(writer, tmp_path):
    write, name, magic = writer
    path, got = tmp_path / name, []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write(path)
    reader.join()
    assert stat.S_ISFIFO(os.stat(path).st_mode) and got[0].startswith(magic)
    if magic == b"PK":
        (tmp_path / "copy.npz").write_bytes(got[0])
        assert cf.load(tmp_path / "copy.npz").z.shape == (4, 1)


def test_a_device_stays_a_device(writer, tmp_path):
    """What is written to /dev/null is gone, what is written to /dev/full does not fit."""
    write, name, _ = writer
    before = os.lstat("/dev/null"), os.lstat("/dev/full")
    (tmp_path / name).symlink_to("/dev/null")
    write(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/full")
    with pytest.raises(NumericsError, match="cannot write .*No space left"):
        write(tmp_path / name)
    after = os.lstat("/dev/null"), os.lstat("/dev/full")
    assert [(s.st_mode, s.st_ino, s.st_rdev) for s in before] == [(s.st_mode, s.st_ino, s.st_rdev) for s in after]


def test_a_failure_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "x.npz"
    path.write_text("old")
    path.chmod(0o640)
    for error, seen in ((ZeroDivisionError(), ZeroDivisionError), (OSError(28, "no space"), NumericsError), (OSError(13, "no"), UsageError)):
        with pytest.raises(seen), written_whole(path) as temporary:
            Path(temporary).write_text("half")
            raise error
    assert path.read_text() == "old" and mode(path) == 0o640 and os.listdir(tmp_path) == ["x.npz"]


def test_a_private_file_is_never_readable_in_between(tmp_path):
    path = tmp_path / "x.npz"
    path.write_text("old")
    path.chmod(0o600)
    with written_whole(path) as temporary:
        assert mode(temporary) == 0o600


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_what_is_protected_is_not_replaced(tmp_path):
    path = tmp_path / "x.npz"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(UsageError, match="protected"):
        record(path)
    assert path.read_text() == "old" and not can_write(path)


def test_a_pipe_whose_reader_leaves(tmp_path):
    path = tmp_path / "x.npz"
    os.mkfifo(path)
    reader = subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'rb').read(1)"])
    with pytest.raises(UsageError, match="cannot write .*Broken pipe"), written_whole(path) as temporary:
        Path(temporary).write_bytes(bytes(2**20))
    assert reader.wait() == 0


def test_whether_one_can_write_is_known_before(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent" / "x")
    can = {"new": True, "pipe": True, "null": True, "dangling": False, "absent/x": False, ".": False, "pipe/x": False}
    assert {name: can_write(tmp_path / name) for name in can} == can


def test_reading_opens_files_only(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to("file")
    assert outside.opened(tmp_path / "link").read() == b"content"
    for name in (tmp_path / "pipe", tmp_path, tmp_path / "absent", "/dev/zero"):
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        with pytest.raises(OSError):
            outside.opened(name)
        assert before == (len(os.listdir("/proc/self/fd")) if before else 0), "a descriptor is left open"


@pytest.mark.skipif(shutil.which("bash") is None, reason="process substitution is a thing of bash")
def test_a_process_of_the_shell_reads_what_is_saved():
    code = "import sys, cfdyn as cf; cf.iterate(cf.Map.from_text('2*x'), [1.0], 3).save(sys.argv[1])"
    done = subprocess.run(["bash", "-c", '"$0" -c "$1" >(head -c 2; cat >/dev/null)', sys.executable, code], capture_output=True)
    assert (done.stdout, sentences(done.stderr), done.returncode) == (b"PK", b"", 0)
