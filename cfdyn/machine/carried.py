"""Machine code that came with the package: made when the wheel was built, read where it fits, never written by who uses it.

A set is a file of `FOLDER`: a head, in JSON, that says what it was made with and for, then entries as a shelf keeps them,
compressed. Nothing but data for a linker: a wheel with sets is a wheel for every system, which compiles where none fits.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cfdyn import outside

FOLDER = Path(__file__).with_name("sets")
# What a processor of each level has, as LLVM calls it; the later, the better.
LEVELS: dict[str, tuple[str, ...]] = {
    "x86-64": ("sse2",),
    "x86-64-v3": ("avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sahf", "sse4.2", "xsave"),
}
_MARK = b"cfdyn machine code 1\n"
MOST = 2**28  # bytes of an entry, unpacked


@dataclass(frozen=True)
class CodeSet:
    """A set as its head tells it: the level, ``made`` with what, the processor as numba names it, where each entry lies."""

    path: Path
    level: str
    made: dict[str, str]
    processor: tuple[str, str, str]
    entries: dict[str, tuple[int, int]] = field(repr=False)

    def read(self, name: str) -> bytes | None:
        """An entry as it was written, or None where there is none or it is damaged."""
        if name not in self.entries:
            return None
        start, length = self.entries[name]
        try:
            with outside.opened(self.path) as file:
                file.seek(start)
                unpacking = zlib.decompressobj()
                content = unpacking.decompress(file.read(length), MOST)
            return content if unpacking.eof else None
        except (OSError, zlib.error):
            return None

    def holds_some(self, beginning: str) -> bool:
        """True if the name of any entry begins so."""
        return any(name.startswith(beginning) for name in self.entries)


def write(path: Path, level: str, made: dict[str, str], processor: Iterable[str], entries: dict[str, bytes]) -> None:
    """A set of these entries; the same for the same ones, byte for byte."""
    packed = {name: zlib.compress(entries[name], 9) for name in sorted(entries)}
    places, start = {}, 0
    for name, blob in packed.items():
        places[name] = (start, len(blob))
        start += len(blob)
    head = json.dumps({"level": level, "made": made, "processor": list(processor), "entries": places}, sort_keys=True).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join([_MARK, len(head).to_bytes(8, "little"), head, *packed.values()]))


def read(path: Path) -> CodeSet | None:
    """The set in a file, or None if that is damaged."""
    try:
        with outside.opened(path) as file:
            if file.read(len(_MARK)) != _MARK:
                return None
            length = int.from_bytes(file.read(8), "little")
            head = outside.parsed_json(file.read(min(length, 2**24)))
            behind, end = file.tell(), os.fstat(file.fileno()).st_size
        places = {}
        for name, (start, size) in head["entries"].items():
            if type(start) is not int or type(size) is not int or not 0 <= start <= start + size <= end - behind:
                return None
            places[name] = (behind + start, size)
        triple, name, features = map(str, head["processor"])
        return CodeSet(path, str(head["level"]), dict(head["made"]), (triple, name, features), places)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@cache
def sets() -> tuple[CodeSet | None, ...]:
    """All that came, the best first; None for a damaged one."""
    order = list(LEVELS)
    files = sorted(FOLDER.glob("*.bin"), key=lambda path: order.index(path.stem) if path.stem in order else -1, reverse=True)
    return tuple(read(path) for path in files)


def why_not(one: CodeSet | None, made: dict[str, str], processor: tuple[str, str, str], has: Callable[[str], object]) -> str:
    """What is in the way of a set in a process that makes code so, for this processor, which ``has`` some features; else ""."""
    if one is None:
        return "the file is damaged"
    for what, theirs in one.made.items():
        if made.get(what) != theirs:
            return f"made with {what} {theirs}, and this is {made.get(what, 'none')}"
    if processor == one.processor:
        return ""
    if processor[0] != one.processor[0]:
        return f"made for {one.processor[0]}, and this is {processor[0]}"
    lacking = [feature for feature in LEVELS.get(one.level, ("a level that is known",)) if not has(feature)]
    return f"the processor lacks {', '.join(lacking)}" if lacking else ""
