"""The JSON object of a file that anyone may have written, read in bounded time and memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cfdyn import outside
from cfdyn.certify.checker.fields import NotValid, shown

MOST_BYTES = 20 * 2**20
MOST_DIGITS = 18


def document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The object in a file; a NotValid if the file contains no such object."""
    try:
        data = outside.content(Path(path), MOST_BYTES)
        content = outside.parsed_json(data, parse_constant=_constant, parse_float=_decimal, parse_int=_whole)
    except (OSError, outside.Unfit) as problem:
        raise NotValid(f"the file {outside.why(problem)}") from None
    if not isinstance(content, dict):
        raise NotValid("the file is not a JSON object")
    return content


def _constant(word: str) -> None:
    raise NotValid(f"{word} is not a number of a certificate")


def _decimal(word: str) -> None:
    raise NotValid(f"the number {shown(word)} is not a text: exact numbers and ends of intervals are")


def _whole(word: str) -> int:
    if len(word) > MOST_DIGITS:
        raise NotValid(f"a whole number has {len(word)} digits")
    return int(word)
