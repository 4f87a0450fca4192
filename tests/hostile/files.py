"""Files of every kind that users hand to each other: good ones, ones made to harm, and what opens each."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cfdyn as cf
from cfdyn.certify.checker.check import Verdict
from cfdyn.machine import carried
from cfdyn.records.tables import read_csv
from cfdyn.training.config import make_config
from tests.training import toy

CERTIFICATES = Path(__file__).resolve().parents[1] / "certify" / "examples"
SETTINGS = {**toy.SETTINGS, "steps": 24, "warm_start": 4, "every": 4}
KINDS = ("certificate", "settings", "run", "resume", "set", "table", "record")

# -- what opens them -----------------------------------------------------------------------------------


def outcome(kind: str, path: Path) -> str:
    """What becomes of a file: "good", "not valid", or the class of the package's own error, with a sentence; others are raised."""
    try:
        found = _OPENERS[kind](path)
    except cf.CfdynError as error:
        assert str(error) and "\n" not in str(error) and "defect" not in str(error), error
        return type(error).__name__
    if isinstance(found, Verdict):
        assert found.valid or (found.reason and found.statement == "" and "cannot follow" not in found.reason), found
        return "good" if found.valid else "not valid"
    return "not valid" if found is None else "good"


def _run(path: Path) -> object:
    run = cf.load(path)
    json.dumps(run.summary), json.dumps(run.sentences), run.work, repr(run)
    return [run.loss, run.coordinates, run.swing, run.turn, run.eigenvalues, run.edge, run.midpoint_loss, run.models, run.vectors]


def _resume(path: Path) -> object:
    return cf.train(resume=path, network=toy.Toy(), steps=28, keep=1e9)


def _set(path: Path) -> object:
    found = carried.read(path)
    return found and [found.read(name) for name in found.entries]


def _record(path: Path) -> object:
    return json.dumps(cf.load(path).to_json())


_OPENERS: dict[str, Callable[[Path], object]] = {
    "certificate": cf.certify.check, "settings": lambda path: make_config(path, {}), "run": _run, "resume": _resume, "set": _set,
    "table": lambda path: (read_csv(path), cf.data.csv(str(path), missing="drop")), "record": _record,
}  # fmt: skip

# -- good ones -----------------------------------------------------------------------------------------


@functools.cache
def good(kind: str, folder: Path) -> Path:
    """A file, or a folder, that is as it should be."""
    path = folder / f"good-{kind}"
    if kind == "certificate":
        return CERTIFICATES / "cycle_henon.json"
    if kind in ("run", "resume"):
        toy.use(setattr)
        return cf.train(SETTINGS, network=toy.Toy(), out=str(path), keep=0.0).folder
    if kind == "settings":
        path.with_suffix(".toml").write_text('network = "mlp:widths=4"\ndata = "digits:classes=2,n=40"\nsteps = 40\nruns = ["discrete", "central"]\ntol = 1e-5\n')
        return path.with_suffix(".toml")
    if kind == "set":
        carried.write(path, "x86-64", {"Python": "cpython-311"}, ("x86_64-unknown-linux-gnu", "znver4", ""), {"one": b"1" * 50, "two": bytes(range(99))})
    elif kind == "table":
        path.write_text("a,b,c\n" + "".join(f"{k / 7},{k * k},{k % 3}\n" for k in range(20)))
    else:
        cf.iterate(cf.Map.from_text("r*x*(1-x)", params={"r": 3.2}), [0.3], 20).save(path)
    return path


def copied(kind: str, folder: Path) -> Path:
    """The good one, or of a folder a copy, which may go on."""
    path = good(kind, folder)
    return Path(shutil.copytree(path, folder / f"again-{kind}")) if path.is_dir() else path


# -- made to harm ---------------------------------------------------------------------------------------


def _zeros(path: Path, size: int) -> None:
    """A checkpoint whose state is so many bytes of zeros, in a file of a hundredth of that or less."""
    head, facts = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (size // 8,)})
    with np.load(path) as stored:
        np.save(facts, stored["header"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        z.writestr("header.npy", facts.getvalue(), zipfile.ZIP_STORED)
        with z.open("z.npy", "w", force_zip64=True) as entry:
            entry.write(head.getvalue())
            for _ in range(size // 2**24):
                entry.write(bytes(2**24))


def _frame(size: int) -> bytes:
    """Some zstd that says that it unpacks to so many bytes, all of them the same: RLE blocks of 128 kB."""
    block = (1 << 1 | (2**17 << 3)).to_bytes(3, "little") + b"\0"
    last = (1 | 1 << 1 | (2**17 << 3)).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\xc0\x58" + size.to_bytes(8, "little") + block * (size // 2**17 - 1) + last


def _changed(run: Path, **attributes: Any) -> None:
    """What the arrays of a run say of themselves, with the sum over it made anew."""
    from cfdyn.training.files.store import CHECK, checksum

    group = run / "run.zarr" / "zarr.json"
    about = json.loads(group.read_text())
    about["attributes"] |= attributes
    about["attributes"][CHECK] = checksum(about["attributes"])
    group.write_text(json.dumps(about))


def _checkpoint(run: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """All checkpoints with their arrays changed."""
    for path in run.glob("checkpoint-*.npz"):
        with np.load(path) as stored:
            arrays = dict(stored)
        change(arrays)
        np.savez(path, **arrays)


def _array(run: Path, name: str, **changes: Any) -> None:
    path = run / "run.zarr" / name / "zarr.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _instead(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink(missing_ok=True)
    make(path)


CHUNK = "run.zarr/steps/loss/c/0"
FOLDERS: dict[str, Callable[[Path], object]] = {
    **{f"{key} {value!r:.12}": functools.partial(lambda run, key, value: _changed(run, **{key: value}), key=key, value=value) for key, value in (
        ("steps", -3), ("steps", True), ("steps", 10**12), ("steps", "9" * 4000), ("rows", 1e12), ("rows", 10**9), ("rows", None), ("models", [1, 2]),
        ("models", {"stable": 3}), ("models", {"stable": {"status": 1, "notes": "x", "work": []}}), ("status", ["done"]), ("remarks", 7), ("work", [0]),
        ("weights", -1), ("state", 1.5), ("work", {"discrete": "1"}))},
    "steps of 4,000 digits": lambda run: (run / "run.zarr/zarr.json").write_text((run / "run.zarr/zarr.json").read_text().replace('"steps": 24', '"steps": ' + "9" * 4000)),
    "deep attributes": lambda run: (run / "run.zarr/zarr.json").write_text('{"attributes": ' + "[" * 100_000),
    "a chunk of 2 GB": lambda run: (run / CHUNK).write_bytes(_frame(2**31)),
    "a chunk without a size": lambda run: (run / CHUNK).write_bytes(b"\x28\xb5\x2f\xfd\x00\x58" + _frame(2**28)[14:]),
    "a chunk that is a pipe": lambda run: _instead(run / CHUNK, os.mkfifo), "a chunk of /dev/zero": lambda run: _instead(run / CHUNK, lambda p: p.symlink_to("/dev/zero")),
    "a chunk from elsewhere": lambda run: _instead(run / CHUNK, lambda p: p.symlink_to("/etc/passwd")),
    "chunks of 1e12": lambda run: _array(run, "steps/loss", chunk_grid={"name": "regular", "configuration": {"chunk_shape": [10**12]}}),
    "another codec": lambda run: _array(run, "steps/loss", codecs=[{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "gzip", "configuration": {"level": 1}}]),
    "1e12 columns": lambda run: _array(run, "steps/coordinates", shape=[25, 10**11]), "no array": lambda run: _array(run, "steps/loss", node_type="group"),
    "texts": lambda run: _array(run, "steps/loss", data_type="string"), "settings that are a pipe": lambda run: _instead(run / "config.toml", os.mkfifo),
    "settings of /dev/zero": lambda run: _instead(run / "config.toml", lambda p: p.symlink_to("/dev/zero")), "deep settings": lambda run: (run / "config.toml").write_text("a = " + "[" * 10**5),
}  # fmt: skip
CHECKPOINTS: dict[str, Callable[[Path], object]] = {
    "NaN": lambda run: _checkpoint(run, lambda arrays: arrays.update(z=arrays["z"] * np.nan)), "another shape": lambda run: _checkpoint(run, lambda arrays: arrays.update(z=np.zeros((9, 9)))),
    "no state": lambda run: _checkpoint(run, lambda arrays: arrays.pop("z")), "a state of texts": lambda run: _checkpoint(run, lambda arrays: arrays.update(older=np.array(["a"] * 4))),
    "no header": lambda run: _checkpoint(run, lambda arrays: arrays.pop("header")), "a deep header": lambda run: _checkpoint(run, lambda arrays: arrays.update(header=np.array("[" * 10**5))),
    "a list for facts": lambda run: _checkpoint(run, lambda arrays: arrays.update(header=np.array('{"number": [], "models": 3}'))),
    "zeros, packed": lambda run: [_zeros(path, 2**29) for path in run.glob("checkpoint-*.npz")],
    "a pipe": lambda run: [_instead(path, os.mkfifo) for path in run.glob("checkpoint-*.npz")], "a model of NaN": lambda run: _checkpoint(run, lambda arrays: arrays.update({"stable/w": np.full(4, np.nan)})),
    "a model of another shape": lambda run: _checkpoint(run, lambda arrays: arrays.update({"stable/w": np.zeros(7)})),
    "more steps than there are": lambda run: _checkpoint(run, lambda arrays: arrays.update(header=np.array(str(arrays["header"]).replace('"k": 24', '"k": 999999999')))),
}  # fmt: skip
TEXTS: dict[str, dict[str, bytes]] = {
    "certificate": {"deep": b"[" * 10**6, "twice": b"{" + b"".join(b'"k%d": 0,' % k for k in range(30_000)) + b'"k29999": 0}', "lists": b"[" + b"[]," * 5_000_000 + b"[]]"},
    "settings": {"deep": b"a = " + b"[" * 10**5, "dots": b"a" + b".a" * 10**5 + b" = 1", "zeros": bytes(10**5), "digits": b"steps = " + b"9" * 10**5, "many": b"a = [" + b"1," * 10**5 + b"]"},
    "set": {"nested": b"cfdyn machine code 1\n" + (10**5).to_bytes(8, "little") + b"[" * 10**5, "infinite": b"cfdyn machine code 1\n\x40" + bytes(7) + b'{"entries": {"one": [1e400, 2]}}' + b" " * 64},
    "table": {"formula": b"a,b\n=1+1,2\n3,4\n", "quotes": b'"' * 10**5, "wide": b"1," * 10**5 + b"1\n" + b"2," * 10**5 + b"2\n", "digits": b"a\n" + b"1" * 10**6 + b"\n2\n", "zeros": bytes(1000)},
    "record": {"empty": b"", "pickle": b"\x80\x04cos\nsystem\n(S'touch was-run'\ntR."},
}  # fmt: skip


def corpus(kind: str, folder: Path) -> dict[str, Path]:
    """All that is made to harm of a kind, in a folder."""
    found: dict[str, Path] = {}
    if kind in ("run", "resume"):
        for name, change in (FOLDERS if kind == "run" else {**FOLDERS, **CHECKPOINTS}).items():
            found[name] = Path(shutil.copytree(good(kind, folder), folder / f"{kind} {name}".replace("/", "_")))
            change(found[name])
        return found
    for name, text in TEXTS[kind].items():
        found[name] = folder / f"{kind} {name}{'.toml' if kind == 'settings' else ''}"
        found[name].write_bytes(text)
    for name, make in (("a pipe", os.mkfifo), ("zero", lambda p: p.symlink_to("/dev/zero")), ("a folder", os.mkdir)):
        found[name] = folder / f"{kind} {name}{'.toml' if kind == 'settings' else ''}"
        make(found[name])
    return found
