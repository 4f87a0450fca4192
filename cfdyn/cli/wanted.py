"""What a user said about a map, where to begin, and where to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Wanted(NamedTuple):
    """The options that all commands about branches share, as they were given."""

    loss: str | None
    period: int
    optimizer: str
    start: str | None
    box: str | None
    settings: list[str]
    variables: str | None
    map: str | None
    out: Path
    plot: Path | None
    seed: int
    json: bool
    periodic: Sequence[str] = ()
