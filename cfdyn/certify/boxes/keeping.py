"""A search that is saved in a file, from which it resumes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn import outside
from cfdyn.certify.boxes.search import Boxes, Search
from cfdyn.certify.boxes.solved import Solved
from cfdyn.certify.boxes.tree import Tree
from cfdyn.certify.subject import Subject
from cfdyn.errors import UsageError
from cfdyn.records.files import folder_for_writing, written_whole

EVERY = 30.0  # seconds
LISTS = ("waiting", "parked", "given_up")
PARTS = ("nodes", "lo", "hi")


def label(about: Subject, box: object, what: object) -> str:
    """Text that distinguishes searches."""
    return json.dumps([about.describe(), repr(box), str(what)])


@contextmanager
def kept(search: Search, folder: str | os.PathLike | None, name: str, about: str) -> Iterator[None]:
    """Resume from a file in a folder if it exists, and write it now and then, and when the search ends or is interrupted."""
    if folder is None:
        yield
        return
    path, last = Path(folder) / f"{name}.npz", time.monotonic()
    folder_for_writing(path.parent)
    if path.exists():
        resume(search, path, about)

    def now_and_then() -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            save(search, path, about)
            last = time.monotonic()

    search.after = now_and_then
    try:
        yield
    finally:
        save(search, path, about)


def save(search: Search, path: str | os.PathLike, about: str) -> None:
    """Save the progress of a search in a file; ``about`` identifies the search."""
    nothing = Boxes(np.zeros(0, int), *np.zeros((2, len(search.width), 0)))
    lists = {name: Boxes.joined([nothing, *getattr(search, name)]) for name in LISTS}
    arrays: dict[str, Any] = {f"{name}_{k}": getattr(boxes, k) for name, boxes in lists.items() for k in PARTS}
    arrays |= search.tree.arrays()
    solved, counts = np.array(search.solved.cycles, float), np.array([search.done, search.tested])
    with written_whole(Path(path), follow=False) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, about=np.array(about), solved=solved, counts=counts, **arrays)


def resume(search: Search, path: str | os.PathLike, about: str) -> None:
    """Resume from a file.

    UsageError: the file belongs to another search, or is not a saved search
    """
    try:
        with outside.opened(path) as opened:
            file = outside.arrays(opened)
        if str(file["about"]) != about:
            raise UsageError(f"{os.fspath(path)} keeps another search; give this one another folder")
        search.tree = Tree.of(file["letters"], file["children"])
        for name in LISTS:
            boxes = Boxes(*(file[f"{name}_{k}"] for k in PARTS))
            setattr(search, name, [boxes] if len(boxes.nodes) else [])
        search.solved = Solved(search.question.period, file["solved"].tolist() if file["solved"].size else [])
        search.done, search.tested = map(int, file["counts"])
    except UsageError:
        raise
    except Exception as error:  # whatever zipfile, zlib and numpy raise for a truncated file
        raise UsageError(f"{os.fspath(path)} is not the file of a search that can be resumed: {error}") from None
