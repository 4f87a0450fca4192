"""The axes of a record's arrays: names, coordinates and the quantities that vary along them."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import numpy as np


def dimensions(record: Any) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """For each array of a record the names of its axes, as its class declares them, and the array.

    A letter that occurs twice gets a number; an axis without a letter gets the name of its field and an underscore.
    """
    dims = {}
    hints = get_type_hints(type(record), include_extras=True)
    for field in dataclasses.fields(record):
        value, hint = getattr(record, field.name), hints[field.name]
        if get_origin(hint) is Annotated and isinstance(value, np.ndarray) and value.dtype != object:
            seen: Counter[str] = Counter()
            axes = []
            for k, letter in enumerate(get_args(hint)[1].split()):
                free = letter == "*" or letter.isdigit()
                seen[letter] += 1
                axes.append(f"{field.name}_{k}_" if free else letter if seen[letter] == 1 else f"{letter}{seen[letter]}")
            dims[field.name] = (tuple(axes), value)
    return dims


def placed(record: Any) -> tuple[dict[str, tuple[tuple[str, ...], np.ndarray]], dict[str, np.ndarray]]:
    """For each array of a record the names of its axes, and the values of quantities that vary along an axis, by name."""
    arrays, names = dimensions(record), getattr(record, "names", ())
    one = next((name for key in ("parameter", "name") if isinstance(name := getattr(record, key, None), str)), "")
    pairs = [("first", *names[:1]), ("second", *names[1:2]), ("values", one), ("parameter", one)]
    axes = {arrays[pair[0]][0][0]: (pair[1], arrays[pair[0]][1]) for pair in pairs
            if len(pair) == 2 and pair[0] in arrays and pair[1] and pair[1] not in arrays}  # fmt: skip
    grid = tuple(len(arrays[key][1]) for key in ("second", "first") if key in arrays)
    free = [arrays[key][0][0] for key in ("second", "first") if key in arrays]
    found = {}
    for key, (dims, array) in arrays.items():
        own = tuple(free) if array.ndim == 2 and array.shape == grid and dims != tuple(free) else dims
        found[key] = tuple(axes[dim][0] if dim in axes else dim for dim in own), array
    return found, dict(axes.values())


def named(record: Any, letter: str, size: int) -> list[str] | None:
    """The labels along an axis: the record's names for it, or None; weights, d, are the first entries of a state, D."""
    hints = get_type_hints(type(record), include_extras=True)
    for field in dataclasses.fields(record):
        value, hint = getattr(record, field.name), hints[field.name]
        if get_origin(hint) is Annotated and isinstance(value, tuple):
            known = get_args(hint)[1]
            if known == letter.rstrip("23") and len(value) == size or (known, letter.rstrip("23")) == ("D", "d"):
                return list(value[:size])
    return None


def entries_of(record: Any, letter: str, arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray]]) -> list[str] | None:
    """The names of the state, D, stored when the record was made, or None."""
    known = getattr(record, "provenance", {}).get("settings", {}).get("names") if letter.rstrip("23") == "D" else None
    size = next((array.shape[dims.index(letter)] for dims, array in arrays.values() if letter in dims), 0)
    return list(known) if isinstance(known, list | tuple) and len(known) == size else None
