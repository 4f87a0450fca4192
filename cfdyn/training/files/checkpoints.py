"""Checkpoints: everything that a run needs to go on bit for bit, in two files that take turns."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cfdyn import outside
from cfdyn.errors import CfdynError, RecordError
from cfdyn.records.files import written_whole
from cfdyn.training.files.store import full

NAMES = ("checkpoint-0.npz", "checkpoint-1.npz")
OPEN = ("times", "turning", "farthest", "sums", "numbers", "missed", "bend", "held", "top")  # arrays in which NaN has a meaning


def save(folder: Path, number: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Checkpoint ``number``, whole or not at all, in place of the one before the last."""
    header = np.array(json.dumps({**facts, "number": number}))
    path = folder / NAMES[number % len(NAMES)]
    try:
        with written_whole(path, follow=False) as temporary, open(temporary, "wb") as file:
            np.savez(file, header=header, **arrays)  # type: ignore[arg-type]
    except CfdynError as error:
        if isinstance(cause := error.__context__, OSError):
            raise full(folder, cause) from None
        raise


class Checkpoint(NamedTuple):
    """A file and the facts in it; its arrays are read once the network is there and says how large they are."""

    path: Path
    facts: dict[str, Any]


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """Those that are there and tell their facts, the last one first; none where none was written yet.

    Raises
    ------
    RecordError : there are some, and none can be read
    """
    there = [folder / name for name in NAMES if os.path.lexists(folder / name)]
    told = [Checkpoint(path, facts) for path in there if (facts := _facts(path)) is not None]
    if there and not told:
        raise _lost(folder)
    return sorted(told, key=lambda one: one.facts["number"], reverse=True)


def load(told: Sequence[Checkpoint], most: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays, of at most so many bytes, and the facts of the first that can be read.

    Raises
    ------
    RecordError : none can be read
    """
    for path, facts in told:
        with suppress(Exception):  # whatever a file that is cut off makes of zipfile, zlib and numpy
            return {name: value for name, value in _arrays(path, most, None).items() if name != "header"}, facts
    raise _lost(told[0].path.parent)


def _lost(folder: Path) -> RecordError:
    return RecordError(f"no checkpoint in {folder} can be read, so the run cannot continue; its arrays are left as they are")


def _arrays(path: Path, most: int, only: Sequence[str] | None) -> dict[str, np.ndarray]:
    with outside.opened(path) as file:
        return outside.arrays(file, most, only, packed=False)


_COUNTS, _NUMBERS = ("number", "k", "rows", "gradients", "dim"), ("largest", "value")


def _facts(path: Path) -> dict[str, Any] | None:
    """What `Lockstep.snapshot` tells, each of its kind; None of a file that does not."""
    try:
        facts = outside.parsed_json(str(_arrays(path, 2 * outside.MOST_HEADER, ("header",))["header"]))
        good = all(type(facts[name]) is int and 0 <= facts[name] < 2**62 for name in _COUNTS)
        good = good and all(type(facts[name]) in (int, float) for name in _NUMBERS) and isinstance(facts["status"], str)
        good = good and isinstance(facts.get("settings", {}), dict) and isinstance(facts["models"], dict)
        return facts if good and all(isinstance(status, str) for status in facts["models"].values()) else None
    except Exception:  # whatever a file that is cut off makes of zipfile, zlib, numpy and json
        return None


def check(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """A ValueError where an array has another shape, or a number is missing in one that has all of them."""
    for name, array in arrays.items():
        if name in shapes and array.shape != shapes[name]:
            raise ValueError(f"{name} has the shape {array.shape}, not {shapes[name]}")
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{name} is no array of numbers")
        if name.rpartition("/")[2] not in OPEN and not np.isfinite(array).all():
            raise ValueError(f"a number in {name} is not finite")


def under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Those whose names begin with ``prefix/``, without it."""
    return {name.removeprefix(f"{prefix}/"): value for name, value in arrays.items() if name.startswith(f"{prefix}/")}


def beneath(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Names with ``prefix/`` before them."""
    return {f"{prefix}/{name}": np.asarray(value) for name, value in arrays.items()}
