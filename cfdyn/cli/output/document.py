"""Output for programs: one JSON document on stdout."""

import json
from collections.abc import Iterator
from typing import Any

from cfdyn.cli.messages import worded
from cfdyn.cli.output import streams

PIECE = 10_000  # numbers of an array that are made a text at once


def print_json(values: dict[str, Any]) -> None:
    """One JSON document; floats in their shortest exact form, NaN and infinities as null. Long arrays are printed in pieces."""
    mark = "{"
    for key, value in values.items():
        print(f"{mark}\n {json.dumps(key)}: ", end="")
        for piece in _pieces(value):
            print(piece, end="")
        mark = ","
    print("\n}")


def _pieces(value: Any) -> Iterator[str]:
    import numpy as np

    from cfdyn.records.record import plain

    options: Any = {"ensure_ascii": streams.ascii_only()}
    if not isinstance(value, np.ndarray) or np.size(value) <= PIECE:
        yield worded(json.dumps(plain(value), indent=1, **options)).replace("\n", "\n ")
        return
    rows = max(1, PIECE * len(value) // value.size)
    for first in range(0, len(value), rows):
        yield ("[", ",\n  ")[first > 0] + json.dumps(plain(value[first : first + rows]), **options)[1:-1]
    yield "]"


def fields(record: Any, names: str) -> dict[str, Any]:
    """Some fields of a record, named with blanks between them.

    >>> fields(3 + 4j, "real imag")
    {'real': 3.0, 'imag': 4.0}
    """
    return {name: getattr(record, name) for name in names.split()}


def moving_edge(held: Any, why: str) -> dict[str, Any]:
    """The contents of a record of `cfdyn.analysis.hovering`, without its series; or why there is none."""
    keys = "kind since mean low high side crossing reason meaning"
    return {"hovering": held and {"theta": float(held.theta[-1]) if len(held.theta) else None, **fields(held, keys)},
            "no_hovering": why}  # fmt: skip
