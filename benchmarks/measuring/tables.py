"""Tables of results: a row for each task, its targets beside it, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Cells = dict[str, Any]  # by column: a number, a text, None for what was not found


@dataclass(frozen=True)
class Goal:
    """A measured number and the bound it must keep: at most ``bound``, or at least where ``above``."""

    measured: float | None
    bound: float
    above: bool = False

    @property
    def text(self) -> str:
        return f"{'≥' if self.above else '≤'} {self.bound:g}"

    @property
    def reached(self) -> bool | None:
        """None where there was nothing to compare with."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.above else self.measured <= self.bound


@dataclass(frozen=True)
class Row:
    """One task; a cell that is None was not found, one that is absent does not apply."""

    task: str
    cells: Cells
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows under one question; the names of the columns carry the units. ``failed``: why there are no more rows, or ""."""

    title: str
    columns: tuple[str, ...]
    rows: list[Row]
    note: str = ""
    failed: str = ""


def markdown(table: Table) -> str:
    """One table; a missing competitor reads "not found", and a target says whether it is reached."""
    has_goals = any(row.goals for row in table.rows)
    head = [table.title, *table.columns, *(["target"] if has_goals else [])]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for row in table.rows:
        cells = [row.task, *(number(row.cells[column]) if column in row.cells else "–" for column in table.columns)]
        if has_goals:
            cells.append("; ".join(f"{goal.text} {_verdict(goal)}" for goal in row.goals))
        lines.append(_line(cells))
    words = [f"**Failed**: {table.failed}" if table.failed else "", table.note]
    return "\n\n".join(["\n".join(lines), *filter(None, words)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def number(value: float | str | None) -> str:
    """A cell as text: three significant digits, without an exponent where they do without."""
    if value is None:
        return "not found"
    if isinstance(value, str):
        return value
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.1e}"


def _verdict(goal: Goal) -> str:
    return {True: "reached", False: "**missed**", None: "(not measured)"}[goal.reached]
