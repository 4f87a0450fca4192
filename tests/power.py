"""A disk whose power may be cut before and after each operation of the system: what it may hold then.

The model is what POSIX promises. The content of a file is sure once `fsync` was called with it; until then it may be what it was,
empty, cut off, or new. The names in a folder are sure once `fsync` was called with the folder; until then each may be the one
before. Nothing else orders one operation after another.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

OPERATIONS = ("fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link", "open", "close", "chmod")
Names = dict[str, int]
State = dict[str, bytes | None]  # by path: the content of a file, None for a folder


class Disk:
    """What is in a folder, as processes see it, and as it is sure to be after the power was cut."""

    def __init__(self, root: Path) -> None:
        self.root, self.numbers, self.ids = root, count(), dict[tuple[int, int], int]()
        self.content: dict[int, bytes] = {}
        self.kept: dict[int, list[bytes]] = {}  # contents that a file may have
        self.names: dict[int, list[Names]] = {}  # names that a folder may have
        self.top = self.look()
        for found in (self.kept, self.names):
            found.update({number: versions[-1:] for number, versions in found.items()})

    def look(self) -> int:
        """Bring this up to date; numbers stand for files and folders, which the system may number again."""
        seen: set[tuple[int, int]] = set()

        def one(path: Path, status: os.stat_result) -> int:
            key = status.st_dev, status.st_ino
            seen.add(key)
            number = self.ids.setdefault(key, -1)
            if number < 0:
                number = self.ids[key] = next(self.numbers)
            if stat.S_ISDIR(status.st_mode):
                names = {entry.name: one(Path(entry.path), entry.stat(follow_symlinks=False)) for entry in os.scandir(path)}
                _add(self.names.setdefault(number, [{}]), names)
            else:
                _add(self.kept.setdefault(number, [b""]), path.read_bytes())
            return number

        number = one(self.root, os.stat(self.root))
        self.ids = {key: value for key, value in self.ids.items() if key in seen}
        return number

    def synced(self, handle: int) -> None:
        """`fsync` was called."""
        status = os.fstat(handle)
        number = self.ids.get((status.st_dev, status.st_ino))
        for found in (self.names, self.kept):
            if number in found:
                found[number] = found[number][-1:]  # type: ignore[index, assignment]

    def states(self) -> Iterator[State]:
        """What may be there now: all of the new, nothing of it, and each file or folder behind, or before, all others."""
        loose: dict[int, list[Any]] = {n: v for found in (self.names, self.kept) for n, v in found.items() if len(v) > 1}  # type: ignore[attr-defined]
        torn = {n: [*v, v[-1][: len(v[-1]) // 2]] if n in self.kept else v for n, v in loose.items()}
        newest = {n: v[-1] for n, v in loose.items()}
        oldest, halves = {n: v[0] for n, v in loose.items()}, {n: torn[n][-1] for n in loose}
        yield from map(self._state, (newest, oldest, {**newest, **{n: oldest[n] for n in loose if n in self.kept}},
                                     {**newest, **{n: halves[n] for n in loose if n in self.kept}},
                                     {**oldest, **{n: newest[n] for n in loose if n in self.kept}}))  # fmt: skip
        for n, versions in torn.items():
            for version in versions:
                yield self._state({**newest, n: version})
            yield self._state({**oldest, n: newest[n]})

    def _state(self, chosen: dict[int, Any]) -> State:
        found: State = {}

        def place(number: int, path: str) -> None:
            if number in self.kept:
                found[path] = chosen.get(number, self.kept[number][-1])
                return
            found[path] = None
            for name, inner in chosen.get(number, self.names[number][-1]).items():
                place(inner, f"{path}/{name}")

        place(self.top, ".")
        return found


def _add(versions: list[Any], version: Any) -> None:
    if versions[-1] != version:
        versions.append(version)


class Cuts:
    """What is found in all states in which a power cut may leave a folder, whenever it comes within the context."""

    def __init__(self, root: Path, look: Callable[[State], Any]) -> None:
        self.disk, self.look, self._found = Disk(root), look, dict[Any, Any]()
        self._busy, self._patch = False, pytest.MonkeyPatch()
        self._done = {name: getattr(os, name) for name in OPERATIONS}

    @property
    def found(self) -> set[Any]:
        """All of it until now."""
        return set(self._found.values())

    @property
    def states(self) -> int:
        """How many there were."""
        return len(self._found)

    def now(self) -> set[Any]:
        """What is found if it comes at this moment."""
        self._busy = True
        try:
            self.disk.look()
            keys = {tuple(sorted(state.items(), key=lambda item: item[0])) for state in self.disk.states()}
            for key in keys - self._found.keys():
                self._found[key] = self.look(dict(key))
            return {self._found[key] for key in keys}
        finally:
            self._busy = False

    def __enter__(self) -> Cuts:
        for name in OPERATIONS:
            self._patch.setattr(os, name, self._watched(name))
        return self

    def __exit__(self, *problem: object) -> None:
        self._patch.undo()

    def _watched(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if self._busy:
                return self._done[name](*arguments, **options)
            self.now()
            if name == "fsync":
                self.disk.synced(arguments[0])
            answer = self._done[name](*arguments, **options)
            self.now()
            return answer

        return call


def laid_out(state: State, folder: Path) -> Path:
    """The folder, filled with a state."""
    for path, content in state.items():
        place = folder / path
        if content is None:
            place.mkdir(exist_ok=True)
        else:
            place.write_bytes(content)
    return folder
