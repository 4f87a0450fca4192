"""The record and the figure that a command was asked to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cfdyn.cli import output
from cfdyn.plotting import check_path
from cfdyn.plotting import plot as draw


class Files:
    """A record in the folder ``out`` and a figure in the file ``plot``; what cannot be written is refused at once."""

    def __init__(self, out: Path | None, plot: Path | None):
        self.folder, self.plot = out and output.folder(out), plot and check_path(plot)
        self.record: Path | None = None

    def write(self, found: Any, stem: str, say: Callable[[str], None]) -> None:
        """What was asked for."""
        if self.folder is not None:
            self.record = found.save(output.numbered(self.folder, stem, (".npz",))[0])
        if self.plot is not None:
            say("drawing")
            draw(found, self.plot)

    @property
    def json(self) -> dict[str, Any]:
        """Their names for --json."""
        return {"figures": [str(self.plot)] if self.plot else [], "record": str(self.record) if self.record else None}

    def print(self) -> None:
        """Their names, a line each."""
        output.print_files([self.plot] if self.plot else [], self.record)
