"""``--csv``: the tables that a command prints, complete and with all digits, as a file."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cfdyn.cli.output.screen import Screen
from cfdyn.records.exports import stacked


class Tables(Screen):
    """A screen that shows nothing and keeps the tables."""

    def __init__(self) -> None:
        super().__init__()
        self.kept_tables: list[dict[str, list[Any]]] = []

    def table(
        self, columns: Sequence[str], items: Sequence[Any], row: Callable[[Any], Iterable[str]] = iter, indent: str = "",
        most: int | None = None,
    ) -> None:  # fmt: skip
        """Keep all rows, each number before rounding."""
        heads = [head or "what" for head in columns]
        heads = [head if heads.index(head) == k else f"{head} {k + 1}" for k, head in enumerate(heads)]
        rows = [[getattr(cell, "value", cell) for cell in row(item)] for item in items]
        self.kept_tables.append({head: [cells[k] if k < len(cells) else None for cells in rows] for k, head in enumerate(heads)})

    def heading(self, title: str, rest: str = "") -> None:
        """Nothing."""

    def _out(self, lines: Iterable[str], style: str = "") -> None:
        """Nothing."""


def printed(tables: Callable[[Screen], Any]) -> dict[str, list[Any]]:
    """The columns of the printed table; several tables one below the other, with their number in the first column."""
    tables(screen := Tables())
    kept = screen.kept_tables
    if len(kept) < 2:
        return kept[0] if kept else {}
    sizes = [len(next(iter(columns.values()))) for columns in kept]
    numbers = [k for k, size in enumerate(sizes, 1) for _ in range(size)]
    return {"table": numbers, **stacked(kept)}

