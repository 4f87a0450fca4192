"""The door for files of others: what it takes, what it refuses, and that no other module opens files for reading."""

from __future__ import annotations

import ast
import gzip
import io
import os
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn import outside
from cfdyn.errors import RecordError, UsageError
from cfdyn.outside import Unfit
from cfdyn.training.config import read_toml

PACKAGE = Path(cf.__file__).parent
OWN = {  # files that open others, each of which the package or its user's private folder holds, or that is written
    "watching/sinks.py": "adds lines to the log of a run",
    "machine/shelf.py": "the cache, in a private folder", "machine/fingerprints.py": "the package's own text", "machine/unfinished.py": "writes",
    "networks/_first_weights.py": "the system's limits", "machine/workers.py": "its own pipes", "plotting/__init__.py": "the package's own text",
    "cli/commands/explore.py": "the browser", "explorer/document.py": "the package's own page", "explorer/module.py": "the package's own loops",
    "claims/report.py": "the package's own style", "claims/kept.py": "the text of papers that are imported", "claims/sources.py": "the clone's own settings", "cli/output/streams.py": "/dev/null",
    "cli/output/files.py": "writes", "records/files.py": "writes", "training/files/store.py": "Zarr, behind `training/files/frames.py`",
}  # fmt: skip
READERS = {"read_text", "read_bytes", "load", "loads", "fromfile", "genfromtxt", "ZipFile", "GzipFile", "memmap", "open_group", "read_csv"}
NO_FILES = {"json.loads", "pickle.loads"}  # of texts that are there already


def opens(call: ast.Call) -> bool:
    """Whether a call may open a file for reading."""
    words = ast.unparse(call.func)
    modes = [a.value for a in [*call.args, *(k.value for k in call.keywords)] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    writes = any(set(mode) <= set("wxab+t") and set(mode) & set("wx") for mode in modes)
    if words in NO_FILES or words.startswith(("outside.", "cfdyn.", "store.open", "self._store.open")):
        return False
    name = words.rpartition(".")[2]
    if name == "open":
        return not writes
    return name in READERS and words.partition(".")[0] in ("np", "numpy", "json", "tomllib", "zipfile", "gzip", "pickle", "csv", "library") or name in ("read_text", "read_bytes")  # fmt: skip


def test_no_other_module_opens_files_for_reading():
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        if not any(name in text for name in ("open", *READERS)):
            continue
        if any(opens(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            found.add(path.relative_to(PACKAGE).as_posix())
    assert found - {"outside.py"} <= set(OWN), found - set(OWN) - {"outside.py"}
    assert set(OWN) <= found, "no longer needed"


@pytest.mark.parametrize("line", ["open(path)", "open(path, 'rb')", "path.open()", "path.read_text()", "np.load(path)", "gzip.open(path, 'rt')",
                                  "zipfile.ZipFile(path)", "json.load(file)", "tomllib.load(file)", "os.open(path, os.O_RDONLY)"])  # fmt: skip
def test_what_the_search_finds(line):
    assert opens(ast.parse(line).body[0].value)  # type: ignore[attr-defined]
    assert not opens(ast.parse("open(path, 'wb')").body[0].value)  # type: ignore[attr-defined]


# -- TOML ---------------------------------------------------------------------------------------------

TOO_MUCH = {
    "deep lists": "a = " + "[" * 100_000, "deep tables": "a = " + "{a = " * 100_000, "dots": "a" + ".a" * 100_000 + " = 1", "quoted dots": '"a"' + '."a"' * 50_000 + " = 1",
    "dots of a table": "[" + ".".join("a" * 50_000) + "]", "dots after a string": 'b = """x\\""" "#"""\na' + ".a" * 50_000 + " = 1",
    "values": "a = [" + "1," * 100_000 + "]", "lines": "\n".join(f"a{k} = 1" for k in range(30_000)), "large": "#" * 2**21,
    "deep behind a comment": "# ]]]\na = " + "[" * 5000, "deep behind a literal": "b = ']]'\nc = '''\n]]]''''\na = " + "[" * 5000,
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_settings_that_take_too_much_are_not_parsed(name, tmp_path, monkeypatch):
    """200 kB of a.a.a… = 1 took 5.9 GB, and [[[… was a RecursionError."""
    path = tmp_path / "x.toml"
    path.write_text(TOO_MUCH[name])
    monkeypatch.setattr(tomllib, "loads", lambda text: pytest.fail("it was parsed"))
    with pytest.raises(UsageError, match="nested more than|more than 32 dots|more than 20000 values|at most 1 MB|has 2 MB"):
        cf.train(path)
    with pytest.raises(RecordError):
        read_toml(path, RecordError)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_settings_are_in_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name, words in (("pipe.toml", "a device or a pipe"), ("zero.toml", "a device or a pipe"), (".", "it is a folder"), ("none.toml", "there is no file")):
        with pytest.raises(UsageError, match=words):
            read_toml(tmp_path / name, UsageError)


NAMES = st.sampled_from(["a", "b-c", '"d.e"', "'f[g'", '"h\\"]"'])
TEXTS = st.sampled_from(['"[[[ .... # "', "'{{{'", '"""\n[[[ \\"""" """', "'''\n... ''''", "1.5", "2020-01-02T03:04:05.6", "true", "[1, [2, {x.y = 3}]] # [[[ ..."])


@given(st.lists(st.tuples(NAMES, TEXTS), max_size=12, unique_by=lambda pair: pair[0]))
def test_marks_in_texts_and_comments_do_not_count(lines):
    """What the limits leave through is what `tomllib` says."""
    text = "".join(f"{name} = {value}\n" for name, value in lines)
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(Unfit, match="no TOML file"):
            outside.parsed_toml(text.encode())
    else:
        assert outside.parsed_toml((text * 1).encode()) == expected
        outside._count_toml(text * 100)


# -- archives -----------------------------------------------------------------------------------------


def npz(path: Path, compress: bool = True, **arrays: np.ndarray) -> Path:
    (np.savez_compressed if compress else np.savez)(path, **arrays)
    return path


def read(path: Path, *arguments: object, **options: object) -> dict[str, np.ndarray]:
    with outside.opened(path) as file:
        return outside.arrays(file, *arguments, **options)  # type: ignore[arg-type]


def test_arrays_come_back(tmp_path):
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.array("text"), "c": np.zeros((0, 5)), "d": np.asfortranarray(np.ones((2, 3), complex))}
    for compress in (True, False):
        found = read(npz(tmp_path / "x.npz", compress, **arrays))
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype and found[name].shape == array.shape and found[name].tobytes() == array.tobytes()
    assert read(tmp_path / "x.npz", only=("b",)).keys() == {"b"}


def test_arrays_that_are_too_large_are_not_read(tmp_path):
    path = npz(tmp_path / "x.npz", a=np.zeros(10**6))
    assert path.stat().st_size < 10**5
    with pytest.raises(Unfit, match="would need .* of memory; the limit is"):
        read(path, 10**6)
    with pytest.raises(Unfit, match="is compressed"):
        read(path, packed=False)
    assert read(npz(path, False, a=np.zeros(10**5)), packed=False)["a"].shape == (10**5,)


def test_an_archive_is_no_longer_than_it_says(tmp_path):
    """An entry that unpacks to more than its size, one name twice, and an array with something behind it."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.arange(3.0))
    for name, entries in {"twice": [("a.npy", out.getvalue())] * 2, "behind": [("a.npy", out.getvalue() + b"more")]}.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive, pytest.warns(UserWarning) if name == "twice" else _nothing():
            for entry in entries:
                archive.writestr(*entry)
        with pytest.raises(Unfit, match="two arrays of one name|longer than its header says"):
            read(tmp_path / name)


class _nothing:
    def __enter__(self): ...
    def __exit__(self, *error): ...


def test_a_packed_file_is_unpacked_no_further_than_it_is_read(tmp_path):
    """Five files of CIFAR-10 of 30 MB, of which each would be 8 GB, or a file of pictures that promises 8 GB."""
    size = 3073 * 10_000
    block = gzip.compress(bytes(2**22), 1)
    for k in range(1, 6):
        (tmp_path / f"data_batch_{k}.bin.gz").write_bytes(block * 30)
    read_until = []
    with outside.unpacked(tmp_path / "data_batch_1.bin.gz") as file:
        assert len(file.read(size + 1)) == size + 1
        read_until.append(file.fileobj.tell())  # type: ignore[attr-defined]
    assert read_until[0] < len(block) * 30 / 3
    with pytest.raises(UsageError, match=r"data_batch_1.bin is too long: the files that are published have 10000 records"):
        cf.data.cifar10(n=10, path=str(tmp_path))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\0\x7f\xff\xff" * 3) + block)
    with pytest.raises(UsageError, match="train-images is cut off: it has"):
        cf.data.mnist(path=str(tmp_path))
