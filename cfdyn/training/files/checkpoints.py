"""Checkpoints: everything that a run needs to go on bit for bit, in two files that take turns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.errors import CfdynError, RecordError
from cfdyn.records.files import open_regular, written_whole
from cfdyn.training.files.store import full

NAMES = ("checkpoint-0.npz", "checkpoint-1.npz")


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


def load(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """The last checkpoint that can be read, with its facts; None where none was written yet.

    Raises
    ------
    RecordError : there are some, and none can be read
    """
    there = [folder / name for name in NAMES if (folder / name).exists()]
    found = [checkpoint for path in there if (checkpoint := _read(path)) is not None]
    if there and not found:
        raise RecordError(f"no checkpoint in {folder} can be read, so that the run cannot go on; its arrays are left as they are")
    return max(found, key=lambda checkpoint: checkpoint[1]["number"], default=None)


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(str(arrays.pop("header")))
        return (arrays, facts) if isinstance(facts["number"], int) else None
    except Exception:  # whatever a file that is cut off makes of zipfile, zlib, numpy and json
        return None


def under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Those whose names begin with ``prefix/``, without it."""
    return {name.removeprefix(f"{prefix}/"): value for name, value in arrays.items() if name.startswith(f"{prefix}/")}


def beneath(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Names with ``prefix/`` before them."""
    return {f"{prefix}/{name}": np.asarray(value) for name, value in arrays.items()}
