"""A file that anyone may have written → its JSON object, in bounded time and memory."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from cfdyn.certify.checker.fields import NotValid, shown

MOST_BYTES = 20 * 1024 * 1024
MOST_PARTS = 4_000_000  # lists, objects and their entries
MOST_DIGITS = 18


def document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The object in a file; a NotValid for what is no such file."""
    data = _bytes(Path(path))
    if data.count(b"[") + data.count(b"{") + data.count(b",") > MOST_PARTS:
        raise NotValid(f"the file has more than {MOST_PARTS} entries")
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_decimal, parse_int=_whole
        )
    except UnicodeDecodeError:
        raise NotValid("the file is no text in UTF-8") from None
    except json.JSONDecodeError as problem:
        raise NotValid(
            f"the file is no JSON, or cut off: {problem.msg} at line {problem.lineno}, column {problem.colno}"
        ) from None
    except RecursionError:
        raise NotValid("the file is nested too deeply") from None
    if not isinstance(found, dict):
        raise NotValid("the file is no JSON object")
    return found


def _bytes(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotValid("it is no file")
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise NotValid(f"the file cannot be read: {getattr(problem, 'strerror', None) or 'no such name is possible'}") from None
    if len(data) > MOST_BYTES:
        raise NotValid(f"the file has more than {MOST_BYTES // 2**20} MB")
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise NotValid(f"the key {shown(next(n for n in names if names.count(n) > 1))} occurs twice")
    return found


def _constant(word: str) -> None:
    raise NotValid(f"{word} is no number of a certificate")


def _decimal(word: str) -> None:
    raise NotValid(f"the number {shown(word)} is not a text: exact numbers and ends of intervals are")


def _whole(word: str) -> int:
    if len(word) > MOST_DIGITS:
        raise NotValid(f"a whole number has {len(word)} digits")
    return int(word)
