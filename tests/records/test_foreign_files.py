"""Files that are no records, and folders that take none."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import RecordError, UsageError
from cfdyn.records.record import FORMAT, Record
from tests.records.samples import GD, archive, refused


@dataclasses.dataclass(frozen=True)
class Anything(Record):
    content: object


@pytest.mark.parametrize("module", ["os", "cfdyn.__main__", "cfdyn..errors", "cfdyn.absent", "../cfdyn", 5])
def test_only_modules_of_the_package_are_imported(module, tmp_path):
    record = {"__record__": "Absent", "fields": {}, "module": module}
    refused(archive(tmp_path / "x.npz", json.dumps({"format": FORMAT, "record": record})))


def test_a_missing_file_and_a_folder(tmp_path):
    refused(tmp_path / "absent.npz", "there is no file")
    refused(tmp_path, "it is a folder")


def call(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A process of its own, with half a gigabyte and a minute of processor time."""
    limits = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (60, 60)); import sys; from pathlib import Path\n"
    return subprocess.run([sys.executable, "-c", limits + code, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_and_a_device_are_no_files_to_load(tmp_path):
    """Neither waited for nor read, under their own names and behind a link."""
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "link.npz").symlink_to("/dev/zero")
    (tmp_path / "to-pipe.npz").symlink_to(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", tmp_path / "link.npz", tmp_path / "to-pipe.npz", "/dev/zero", "/dev/null"):
        refused(path, "a device or a pipe")


def test_what_is_no_path():
    for path in (5, None, ["a"], b"x.npz", 1.5, "a\0b"):
        with pytest.raises(UsageError, match="named by its path|is the path of a file"):
            cf.load(path)
        with pytest.raises(UsageError, match="named by its path|is the path of a file"):
            cf.iterate(GD, [0.5], 1).save(path)


def test_a_huge_header_is_refused_before_it_is_read(tmp_path):
    """Half a megabyte of zip for 400 MB of text: the peak of memory stays below 200 MB more than an import takes."""
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z, z.open("header.npy", "w", force_zip64=True) as entry:
        length = 96 * 2**20
        entry.write(npy_head((), f"<U{length}"))
        for _ in range(4 * length // 2**24):
            entry.write(bytes(2**24))
    assert path.stat().st_size < 2**20
    code = """
import resource, cfdyn.records.record as records
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
try:
    records.load(sys.argv[1])
except records.RecordError as error:
    print(error, peak() - before < 200_000)
"""
    done = call(code, path)
    assert "header of 384 MiB; the limit is 16 MiB True" in done.stdout, done.stderr


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    with pytest.raises(UsageError, match="too much for a file"):
        Anything("x" * 2**22).save(tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())
    assert cf.load(Anything("x" * (2**22 - 1000)).save(tmp_path / "x.npz")).content == "x" * (2**22 - 1000)


@pytest.mark.parametrize(
    "blob", [b"", b"PK", b"hello", b"\x93NUMPY", b"PK\x03\x04" + b"\0" * 100, b"\x80\x04N.", b"{}"], ids=lambda b: repr(b)[:12]
)
def test_foreign_bytes(blob, tmp_path):
    (tmp_path / "x.npz").write_bytes(blob)
    refused(tmp_path / "x.npz")


def test_cut_off_anywhere(tmp_path):
    path = cf.iterate(GD, [0.5], 50).save(tmp_path / "orbit.npz")
    blob = path.read_bytes()
    assert len(blob) > 1000
    for length in range(0, len(blob), 7):
        path.write_bytes(blob[:length])
        refused(path)


def test_a_flipped_bit_is_refused_or_harmless(tmp_path):
    record = cf.iterate(GD, [0.5], 50)
    path = record.save(tmp_path / "orbit.npz")
    blob, harmless = path.read_bytes(), 0
    for place in range(0, len(blob), 5):
        path.write_bytes(blob[:place] + bytes([blob[place] ^ (1 << place % 8)]) + blob[place + 1 :])
        try:
            found = cf.load(path)
        except RecordError:
            continue
        assert isinstance(found, Record)
        np.testing.assert_array_equal(np.asarray(found.z, dtype=float), record.z)
        harmless += 1
    assert 0 < harmless < len(blob) / 20


@pytest.mark.parametrize(
    "header",
    [
        "not json", "[]", "{}", "null", "5", '{"format": "other"}', json.dumps({"format": FORMAT}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Orbit", "fields": {}}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Path", "fields": {}}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Orbit"}}),
        json.dumps({"format": FORMAT, "record": {"__array__": "missing"}}),
        json.dumps({"format": FORMAT, "record": {}}),
        json.dumps({"format": FORMAT, "record": {"__other__": []}}),
        json.dumps({"format": FORMAT, "record": {"__record__": ["Orbit"], "fields": {}}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Orbit", "fields": []}}),
        json.dumps({"format": FORMAT, "record": 5}),
        json.dumps({"format": FORMAT, "record": {"__list__": [1, 2]}}),
        json.dumps({"format": FORMAT, "record": {"__record__": "Cycle", "fields": {"points": 1, "evil": 2}}}),
        '{"format": ' * 5000,
        json.dumps({"format": FORMAT, "record": None})[:-5] + "[" * 100_000,
    ],
    ids=range(20),
)  # fmt: skip
def test_hostile_headers(header, tmp_path):
    refused(archive(tmp_path / "x.npz", header))


def test_deep_nesting(tmp_path):
    text = '{"__list__": [' * 900 + "]}" * 900
    refused(archive(tmp_path / "x.npz", f'{{"format": "{FORMAT}", "record": {text}}}'))


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was executed')",))


def test_pickles_are_never_executed(tmp_path):
    path = tmp_path / "x.npz"
    with open(path, "wb") as file:
        record = {"__record__": "Anything", "fields": {"content": {"__array__": "a0"}}}
        header = json.dumps({"format": FORMAT, "record": record})
        np.savez(file, header=np.array(header), a0=np.array([Bomb()], dtype=object))
    refused(path)
    path.write_bytes(pickle.dumps(Bomb()))
    refused(path)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("header.npy", pickle.dumps(Bomb()))
    refused(path)


def npy_head(shape, dtype="<f8") -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue()


def test_huge_files_are_refused_before_they_fill_the_memory(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z, z.open("a0.npy", "w", force_zip64=True) as entry:
        entry.write(npy_head((2**28 + 1,)))
        zeros = bytes(2**24)
        for _ in range(2**31 // 2**24):
            entry.write(zeros)
    assert path.stat().st_size < 2**24
    refused(path, "GiB")


def test_a_header_that_promises_more_than_there_is(tmp_path):
    """The array claims 8 TiB; the file has 8 bytes of it."""
    path = tmp_path / "liar.npz"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("header.npy", npy_head((2**40,)) + b"\0" * 8)
    refused(path)


def test_saving_where_it_cannot(tmp_path):
    record = cf.iterate(GD, [0.5], 3)
    with pytest.raises(cf.CfdynError, match="cannot write"):
        record.save(tmp_path / "absent" / "orbit.npz")
    (tmp_path / "file").write_text("")
    with pytest.raises(cf.CfdynError, match="cannot write"):
        record.save(tmp_path / "file" / "orbit.npz")
    with pytest.raises(cf.CfdynError, match="cannot write"):
        record.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"], "no half-written file is left"


def test_saving_replaces_whole_files(tmp_path):
    path = tmp_path / "orbit.npz"
    cf.iterate(GD, [0.5], 3).save(path)
    cf.iterate(GD, [0.5], 30).save(path)
    assert len(cf.load(path).z) == 31 and [p.name for p in tmp_path.iterdir()] == ["orbit.npz"]
