"""What is unpickled or executed was written by this user, or came with the package; no file that users exchange holds a pickle."""

from __future__ import annotations

import ast
import os
import pickle
import re
from pathlib import Path

import pytest

import cfdyn
from cfdyn.machine import carried, kernel_cache, shelf
from cfdyn.machine.shelf import Shelf

ROOT = Path(cfdyn.__file__).parent
# Machine code of numba's, from the user's own folder or with the package; requests to processes, through their pipes.
UNPICKLING = {"machine/kernel_cache.py", "studies/many.py", "certify/boxes/helping.py", "explorer/jobs.py", "explorer/worker.py", "explorer/findings.py"}
LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "yaml"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(shelf, "directory", lambda: tmp_path)
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes as on Unix")
def test_what_another_user_may_have_written_is_not_read(folder):
    one = Shelf("kernels", "0" * 20)
    one.write("key", b"content")
    file = folder / one.name("key")
    assert one.read("key") == b"content" and file.stat().st_mode & 0o777 == 0o600
    for mode in (0o620, 0o602, 0o666):
        file.chmod(mode)
        assert one.read("key") is None
    file.chmod(0o600)
    file.rename(folder / "elsewhere")
    file.symlink_to(folder / "elsewhere")
    assert one.read("key") is None
    file.unlink()
    os.mkfifo(file, 0o600)
    assert one.read("key") is None


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="who is not root cannot give files away")
def test_a_file_of_another_user_is_not_read(folder):
    one = Shelf("kernels", "0" * 20)
    one.write("key", b"content")
    os.chown(folder / one.name("key"), 12345, 12345)
    assert one.read("key") is None


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was executed')",))


def test_machine_code_is_checked_before_it_is_unpickled(folder, monkeypatch):
    """A pickle in place of an entry, of another key, of another set: the sum is of the key and of all that follows."""
    store = kernel_cache._Store("base", "cfdyn.kernels.orbits")
    monkeypatch.setattr(kernel_cache, "_carried", lambda: None)
    key = ("signature", kernel_cache.processor(), ("code",))
    own = kernel_cache._shelf(store.module)
    file = folder / own.name(store._key(key), "base-")
    file.parent.mkdir(mode=0o700)
    own.write("another key", pickle.dumps(Bomb()), "base-")
    sealed = (folder / own.name("another key", "base-")).read_bytes()
    for blob in (pickle.dumps(Bomb()), b"\0" * 32 + pickle.dumps(Bomb()), sealed, sealed[:-1], b""):
        file.write_bytes(blob)
        file.chmod(0o600)
        assert store.load(key) is None
        store.release(0)
    own.write(store._key(key), pickle.dumps("code"), "base-")
    assert store.load(key) == "code"


def test_an_entry_of_a_set_is_checked_too(tmp_path, monkeypatch):
    store = kernel_cache._Store("base", "cfdyn.kernels.orbits")
    key, one = ("signature", kernel_cache.processor(), ("code",)), kernel_cache.processor()
    name = kernel_cache._shelf(store.module, one).name(store._key(key), "base-")
    carried.write(tmp_path / "x86-64.bin", "x86-64", {}, one, {name: b"\0" * 32 + pickle.dumps(Bomb())})
    monkeypatch.setattr(kernel_cache, "_carried", lambda: carried.read(tmp_path / "x86-64.bin"))
    monkeypatch.setattr(shelf, "directory", lambda: None)
    assert store._came_with(key) is None and store.load(key) is None


def test_sets_are_read_from_the_package_alone():
    assert carried.FOLDER == ROOT / "machine" / "sets"


def loads(tree: ast.Module) -> bool:
    """True if a module can turn bytes into any object, or lets another do so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if LOADERS & {name.partition(".")[0] for name in names}:
                return True
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and not (
            isinstance(node.value, ast.Constant) and node.value.value is False
        ):
            return True
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load", "pd.read_pickle", "torch.load"):
            if not any(word.arg == "allow_pickle" for word in node.keywords):
                return True
    return False


def test_nothing_else_unpickles():
    word = re.compile(rf"pickle|\bload\(|\b({'|'.join(LOADERS)})\b")  # to parse all files takes long
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.rglob("*.py")}
    assert {name for name, text in texts.items() if word.search(text) and loads(ast.parse(text))} == UNPICKLING
