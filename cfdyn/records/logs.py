"""`read_log`: a training log of common tools: a column that counts steps, columns with gaps, the history of a trainer."""

import json
import os
from dataclasses import dataclass

import numpy as np

from cfdyn.errors import UsageError, unknown
from cfdyn.records.tables import read_csv, text_of

CLOCKS = ("step", "steps", "global_step", "iteration", "iter", "epoch", "runtime", "timestamp", "wall time")
TWICE = ("__MIN", "__MAX")  # of W&B: what a column of the same name without it is when runs are not grouped


@dataclass(frozen=True)
class Log:
    """Series on the same rows: ``values`` (rows, columns) without gaps, the ``clock`` that counts their steps, ``at`` (rows,).

    Without such a column the rows are the steps, and ``clock`` is "". ``notes``: the omissions, one sentence each.
    """

    names: tuple[str, ...]
    values: np.ndarray
    clock: str
    at: np.ndarray
    notes: tuple[str, ...]

    @property
    def every(self) -> float | None:
        """The number of clock steps between two rows; None if it varies."""
        steps = np.diff(self.at)
        return float(steps[0]) if (steps == steps[0]).all() else None


def read_log(path: str | os.PathLike[str], column: str | None = None) -> Log:
    """A CSV file of a log, or the ``trainer_state.json`` of HuggingFace: one column, or those with entries in the same rows.

    Rows with gaps are skipped, as for a validation loss that is logged only at some steps; if columns have gaps in different
    rows, the columns with the most entries together are used. The first increasing column with a name in `CLOCKS` counts the
    steps, and the others with such names are not series.

    UsageError: no such file or column, or an entry that is not a number
    """
    source = " ".join(os.fspath(path).split())
    if source.lower().endswith(".json"):
        names, table = _history(text_of(path), source)
    else:
        columns = read_csv(path, gaps=True)
        names, table = list(columns.names), columns.values
    if column is not None and column not in names:
        raise unknown(f"column of {source}:", column, names)
    clocks = sorted((name for name in names if _counts(name)), key=lambda name: CLOCKS.index(_bare(name)))
    series = [name for name in names if name not in clocks and not _is_bound(name, names)] if column is None else [column]
    if not series:
        raise UsageError(f"{source} has no column beside {', '.join(clocks)}: there is no series in it")
    filled = {name: np.isfinite(table[:, names.index(name)]) for name in series}
    together: dict[bytes, list[str]] = {}
    for name in series:
        together.setdefault(filled[name].tobytes(), []).append(name)
    kept = max(together.values(), key=lambda group: len(group) * int(filled[group[0]].sum()))
    rows = filled[kept[0]]
    notes = _notes(table, filled, kept)
    clock, at = "", np.flatnonzero(rows).astype(float)
    for name in clocks:
        times = table[rows, names.index(name)]
        if np.isfinite(times).all() and (np.diff(times) > 0).all():
            clock, at = name, times
            break
    return Log(tuple(kept), table[rows][:, [names.index(name) for name in kept]], clock, at, notes)


def _bare(name: str) -> str:
    return name.lower().strip("_ ")


def _counts(name: str) -> bool:
    return _bare(name) in CLOCKS


def _is_bound(name: str, names: list[str]) -> bool:
    """True for a column with the least or the largest values of another column."""
    return any(name.endswith(end) and name.removesuffix(end) in names for end in TWICE)


def _notes(table: np.ndarray, filled: dict[str, np.ndarray], kept: list[str]) -> tuple[str, ...]:
    """The omissions, in words."""
    count, entries = len(table), int(filled[kept[0]].sum())
    notes = [f"{', '.join(kept)}: {entries} entries in {count} rows; the gaps are skipped"] if entries < count else []
    others = [f"{name} ({int(rows.sum())} entries)" for name, rows in filled.items() if name not in kept]
    notes += [f"not analysed, because their entries are in other rows: {', '.join(others)}; --column takes one"] if others else []
    return tuple(notes)


def _history(text: str, source: str) -> tuple[list[str], np.ndarray]:
    """Names and numbers (rows, columns) of a list of dicts, or of a trainer's ``log_history``; NaN for a missing entry."""
    try:
        history = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{source} is not a JSON document") from None
    rows = history.get("log_history") if isinstance(history, dict) else history
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{source} is not a log: it needs a list of entries with names, or a document with such a `log_history`")
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if _is_entry(value)))
    table = np.array([[float(row[name]) if _is_entry(row.get(name)) else np.nan for name in names] for row in rows])
    return names, table.reshape(len(rows), len(names))


def _is_entry(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
