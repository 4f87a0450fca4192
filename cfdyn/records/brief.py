"""Records in a few lines, as Python shows them at a prompt."""

from collections.abc import Sized
from dataclasses import fields
from typing import Any

import numpy as np

MOST, LINES, WIDTH = 300, 3, 120  # characters of a record that is shown whole; lines, and their width, of a longer one
PART = 48  # characters of an entry of a longer one


def brief(record: Any) -> str:
    """A record as text: complete if it is short, otherwise its first lines, with sizes in place of arrays and lists."""
    shown = [(f.name, getattr(record, f.name)) for f in fields(record) if f.repr]
    name = type(record).__qualname__
    if sum(_least(value) for _, value in shown) <= MOST:
        whole = f"{name}({', '.join(f'{key}={_one_line(value)}' for key, value in shown)})"
        if len(whole) <= MOST:
            return whole
    headline = getattr(record, "_headline", ())
    first = [(key, value) for key, value in shown if key in headline]
    return _packed(f"{name}(", [f"{key}={_part(value, key in headline)}" for key, value in dict(first + shown).items()])


def _packed(head: str, parts: list[str]) -> str:
    """The parts on a few lines, as many as fit."""
    lines = [head]
    for k, part in enumerate(parts):
        end = ")" if k == len(parts) - 1 else ", "
        if len(lines[-1]) + len(part) + len(end) > WIDTH and lines[-1] != head:
            if len(lines) == LINES:
                return "\n".join([*lines[:-1], f"{lines[-1]}…)"])
            lines[-1] = lines[-1].rstrip()
            lines.append("    ")
        lines[-1] += part + end
    return "\n".join(lines)


def _one_line(value: Any) -> str:
    """A value as text; an array of several rows, which numpy prints below each other, on one line."""
    return " ".join(part.strip() for part in repr(value).splitlines())


def _least(value: Any) -> int:
    """The least number of characters of a value, so that an orbit of a million steps is not written out to be measured."""
    return value.size if isinstance(value, np.ndarray) else len(value) if isinstance(value, Sized) else 1


def _part(value: Any, whole: bool) -> str:
    """A value, with sizes in place of long parts; ``whole``: a sentence may fill a line."""
    if isinstance(value, np.ndarray):
        small = value.size <= 4 and value.ndim < 2
        text = np.array2string(value, precision=6, separator=", ") if small else ""
        return text if 0 < len(text) <= PART and "\n" not in text else f"<{value.shape} array>"
    if isinstance(value, list | tuple) and _least(value) > 4 and all(isinstance(x, float) for x in value):
        return f"[{value[0]!r}, {value[1]!r}, … {len(value)} numbers]"
    if isinstance(value, list | tuple | dict) and _least(value) > 4:
        return f"<{type(value).__name__} of {len(value)}>"
    if whole and isinstance(value, str):
        value = value.partition("\n")[0]
    text, most = _one_line(value), WIDTH - 12 if whole else PART
    if len(text) <= most:
        return text
    if isinstance(value, str):
        return f"{text[: most - 2]}…'"
    return f"<{type(value).__name__} of {len(value)}>" if isinstance(value, Sized) else f"<{type(value).__name__}>"
