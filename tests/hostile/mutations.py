"""Files that are nearly good, by a seed: bytes, lengths, repetitions, numbers and depth are changed."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np

from cfdyn import outside
from tests.hostile.files import CERTIFICATES, good

SHORT = [path for path in sorted(CERTIFICATES.glob("*.json")) if path.stat().st_size < 8000]

NUMBERS = [b"0", b"-1", b"1e400", b"-1e308", b"1e-320", b"9" * 400, b"NaN", b"null", b"true", b'""', b"[]", b"{}", b"0x1p+2000", b"2147483648", b"1.5"]
NUMBER = re.compile(rb"-?(?:0x[0-9a-f.]+p[+-]\d+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three changes."""
    for _ in range(int(rng.integers(1, 4))):
        data = _ONE[int(rng.integers(len(_ONE)))](data, rng)
    return data


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 5)) if found else 0):
        found[int(rng.integers(len(found)))] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _span(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    first = int(rng.integers(len(data) + 1))
    return first, min(len(data), first + int(rng.integers(1, 200)))


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    a, b = _span(data, rng)
    return data[:b] + data[a:b] * int(rng.choice([1, 2, 50])) + data[b:]


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    a, b = _span(data, rng)
    return data[:a] if rng.random() < 0.3 else data[:a] + data[b:]


def _number(data: bytes, rng: np.random.Generator) -> bytes:
    places = [found.span() for found in NUMBER.finditer(data)]
    if not places:
        return data
    a, b = places[int(rng.integers(len(places)))]
    return data[:a] + NUMBERS[int(rng.integers(len(NUMBERS)))] + data[b:]


def _deepen(data: bytes, rng: np.random.Generator) -> bytes:
    places = [found.span() for found in NUMBER.finditer(data)] or [_span(data, rng)]
    a, b = places[int(rng.integers(len(places)))]
    depth = int(rng.choice([3, 200, 50_000]))
    return data[:a] + b"[" * depth + data[a:b] + b"]" * depth + data[b:]


_ONE = (_flip, _repeat, _cut, _number, _number, _deepen)


def archived(data: bytes, rng: np.random.Generator) -> bytes:
    """An .npz with an entry changed and its sums made anew; now and then the file itself is."""
    if rng.random() < 0.2:
        return mutated(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = "header.npy" if rng.random() < 0.5 else sorted(entries)[int(rng.integers(len(entries)))]
    if name == "header.npy":
        text = str(np.load(io.BytesIO(entries[name])))
        out = io.BytesIO()
        np.save(out, np.array(mutated(text.encode(), rng).decode("utf-8", "replace").replace("\0", " ")))
        entries[name] = out.getvalue()
    else:
        entries[name] = mutated(entries[name], rng) if rng.random() < 0.5 else _another(entries[name], rng)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _another(entry: bytes, rng: np.random.Generator) -> bytes:
    array = np.load(io.BytesIO(entry))
    others = [array * np.nan if array.dtype.kind == "f" else array, array[:-1] if array.ndim and len(array) else array, array.astype("U9"), array[None],
              np.zeros((0, 3)), -array if array.dtype.kind in "fi" else array]  # fmt: skip
    out = io.BytesIO()
    np.save(out, others[int(rng.integers(len(others)))])
    return out.getvalue()


def mutation(kind: str, folder: Path, seed: int) -> Path:
    """A file or a folder of a kind, by a seed."""
    rng = np.random.default_rng([seed, *kind.encode()])
    target = folder / f"{kind}-{seed}{'.toml' if kind == 'settings' else ''}"
    if kind not in ("run", "resume"):
        data = outside.content(SHORT[int(rng.integers(len(SHORT)))] if kind == "certificate" else good(kind, folder))
        target.write_bytes(archived(data, rng) if kind == "record" else mutated(data, rng))
        return target
    shutil.copytree(good(kind, folder), target)
    files = sorted(path for path in target.rglob("*") if path.is_file() and path.name != ".lock")
    chosen = [path for path in files if path.suffix == ".npz"] if kind == "resume" and rng.random() < 0.5 else [files[int(rng.integers(len(files)))]]
    for path in chosen:
        path.write_bytes((archived if path.suffix == ".npz" else mutated)(path.read_bytes(), rng))
        if path == target / "run.zarr" / "zarr.json":
            _sum_anew(path)
    return target


def _sum_anew(path: Path) -> None:
    from cfdyn.training.files.store import CHECK, checksum

    try:
        about = json.loads(path.read_bytes())
        about["attributes"][CHECK] = checksum(about["attributes"])
        path.write_text(json.dumps(about))
    except (ValueError, KeyError, TypeError, RecursionError):
        return
