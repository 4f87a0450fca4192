"""A place for Zarr's files where they are written as all others are: whole, and on disk before anything says that they are."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from zarr.core.buffer import default_buffer_prototype
from zarr.storage import LocalStore

from cfdyn.machine import unfinished
from cfdyn.records.files import made, settle


class Chunks(LocalStore):
    """Zarr's folder of files; what is set waits in memory until `commit`, which is what makes many files cost little."""

    def __init__(self, root: Path | str, *, read_only: bool = False) -> None:
        super().__init__(root, read_only=read_only)
        self.waiting: dict[str, bytes] = {}

    def with_read_only(self, read_only: bool = False) -> Chunks:  # noqa: D102
        chunks = type(self)(self.root, read_only=read_only)
        chunks.waiting = self.waiting
        return chunks

    async def set(self, key: str, value: Any) -> None:  # noqa: D102
        self._check_writable()
        self.waiting[key] = value.to_bytes()

    async def set_if_not_exists(self, key: str, value: Any) -> None:  # noqa: D102
        if not await self.exists(key):
            await self.set(key, value)

    def set_sync(self, key: str, value: Any) -> None:  # noqa: D102 (of later versions of Zarr)
        self._check_writable()
        self.waiting[key] = value.to_bytes()

    def _waits(self, key: str, prototype: Any) -> Any:
        return (prototype or default_buffer_prototype()).buffer.from_bytes(self.waiting[key])

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:  # noqa: D102
        return self._waits(key, prototype) if key in self.waiting else await super().get(key, prototype, byte_range)

    def get_sync(self, key: str, **how: Any) -> Any:  # noqa: D102 (of later versions of Zarr)
        return self._waits(key, how.get("prototype")) if key in self.waiting else super().get_sync(key, **how)

    async def exists(self, key: str) -> bool:  # noqa: D102
        return key in self.waiting or await super().exists(key)

    def commit(self) -> None:
        """Write what waits: all contents first, then their names, so that each file is the one before or the new one."""
        places: dict[str, Path] = {}
        try:
            for key, content in self.waiting.items():
                handle, temporary = unfinished.temporary(self.root.parent, mode=0o666)
                places[temporary] = self.root / key
                with open(handle, "wb") as file:
                    file.write(content)
            for temporary in places:
                settle(temporary)
            for temporary, target in places.items():
                made(target.parent)
                os.replace(temporary, target)
            for folder in {target.parent for target in places.values()}:
                settle(folder)
            self.waiting.clear()
        finally:
            for temporary in places:
                with suppress(FileNotFoundError):
                    os.unlink(temporary)
                unfinished.finish(temporary)
