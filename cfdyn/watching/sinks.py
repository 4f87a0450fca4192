"""Where the rows of a watch go while the run goes on: JSON Lines, or functions such as the adapters of loggers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from cfdyn.errors import UsageError

Sink = Callable[[int, Mapping[str, float]], None]
SECONDS = 1.0  # after which what was written is there for readers


def sinks_of(out: Any) -> list[Sink]:
    """Of a path, a function out(step, row), a list of these, or None."""
    if out is None:
        return []
    if isinstance(out, list | tuple):
        return [sink for one in out for sink in sinks_of(one)]
    if isinstance(out, str | os.PathLike):
        return [JsonLines(Path(out))]
    if callable(out):
        return [out]
    raise UsageError(f"out is a path, a function out(step, row), or a list of these, not {type(out).__name__}")


class JsonLines:
    """A line for each step, ``{"step": 12, "loss": 0.53, …}``, added to what the file has; not finite: "nan", "inf".

    Readers see it within a second or at the next measurement. If steps are written again, `cfdyn explain` takes the later ones:
    another run needs another file.
    """

    def __init__(self, path: Path):
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as problem:
            raise UsageError(f"{path} cannot be written: {problem.strerror}") from None
        self.path, self._shown = path, monotonic()

    def __call__(self, step: int, row: Mapping[str, float]) -> None:
        """Add a row."""
        line = {"step": step} | {name: value if math.isfinite(value) else _written(value) for name, value in row.items()}
        self._file.write(json.dumps(line) + "\n")
        if "probe/loss" in row or monotonic() - self._shown > SECONDS:
            self._file.flush()
            self._shown = monotonic()

    def close(self) -> None:
        """Write what is left."""
        self._file.close()


def _written(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
