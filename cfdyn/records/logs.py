"""`read_log`: a training log of common tools: a column that counts steps, columns with gaps, the history of a trainer."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cfdyn.errors import UsageError, unknown
from cfdyn.records.event_files import MARK, read_events
from cfdyn.records.tables import NOT_FINITE, read_csv, text_of
from cfdyn.words import how_many

CLOCKS = ("step", "steps", "global_step", "iteration", "iter", "epoch", "runtime", "timestamp", "wall time")
LARGEST = 1e300  # a number; beyond it an entry is not finite
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


@dataclass(frozen=True)
class Columns:
    """All of a log: ``names`` of columns and ``table`` (rows, columns), NaN where a row has no entry and infinity where the entry
    is not finite; the ``clock`` that counts the steps of the rows, ``at`` (rows,), or "" where the rows are the steps. ``notes``:
    what was left out, a sentence each."""

    names: tuple[str, ...]
    table: np.ndarray
    clock: str
    at: np.ndarray
    notes: tuple[str, ...] = ()


def read_columns(path: str | os.PathLike[str]) -> Columns:
    """A CSV file, a document or lines of JSON, TensorBoard's event file or a folder with one: all columns but clocks.

    UsageError: no such file, or what in it is no number
    """
    return timed(*_table(path))


def timed(names: list[str], table: np.ndarray) -> Columns:
    """Columns with their clock: the first that grows, or that grows where a resumed run has written steps again: the rows that
    it replaces are left out.

    >>> again = timed(["step", "loss"], np.array([[0.0, 3.0], [1.0, 2.0], [2.0, 9.0], [1.0, 2.5], [2.0, 2.2]]))
    >>> again.at.tolist(), again.table.ravel().tolist(), again.notes
    ([0.0, 1.0, 2.0], [3.0, 2.5, 2.2], ('2 rows whose steps are written again later are left out',))
    """
    clock, at, rows, notes = "", np.arange(len(table), dtype=float), np.arange(len(table)), tuple[str, ...]()
    for name in _clocks(names):
        times = table[:, names.index(name)]
        if not np.isfinite(times).all() or not len(times):
            continue
        later = np.minimum.accumulate(np.append(times[1:], np.inf)[::-1])[::-1]
        last = np.flatnonzero(times < later)  # no later row has this step or an earlier one
        if 2 * len(last) > len(times):
            clock, at, rows = name, times[last], last
            break
    if len(rows) < len(table):
        notes = (f"{how_many(len(table) - len(rows), 'row')} whose steps are written again later are left out",)
    kept = [k for k, name in enumerate(names) if not _counts(name) and not _is_bound(name, names)]
    return Columns(tuple(names[k] for k in kept), table[rows][:, kept], clock, at, notes)


def _table(path: str | os.PathLike[str]) -> tuple[list[str], np.ndarray]:
    source, kind = " ".join(os.fspath(path).split()), Path(path).suffix.lower()
    if MARK in Path(path).name or os.path.isdir(os.path.expanduser(path)):
        return _aligned(read_events(path), source)
    if kind == ".json":
        return _aligned(_history(text_of(path), source), source)
    if kind in (".jsonl", ".ndjson"):
        return _aligned(_lines(text_of(path), source), source)
    columns = read_csv(path, gaps=True)
    return list(columns.names), columns.values


def read_log(path: str | os.PathLike[str], column: str | None = None) -> Log:
    """A log as `read_columns` takes it: one column, or those with entries in the same rows.

    Rows with gaps are skipped, as for a validation loss that is logged only at some steps; if columns have gaps in different
    rows, the columns with the most entries together are used. The first increasing column with a name in `CLOCKS` counts the
    steps, and the others with such names are not series.

    UsageError: no such file or column, or an entry that is not a number
    """
    source = " ".join(os.fspath(path).split())
    names, table = _table(path)
    if column is not None and column not in names:
        raise unknown(f"column of {source}:", column, names)
    clocks = _clocks(names)
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


def _clocks(names: Iterable[str]) -> list[str]:
    """Those that may count steps, the most likely one first."""
    return sorted((name for name in names if _counts(name)), key=lambda name: CLOCKS.index(_bare(name)))


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


def _history(text: str, source: str) -> list[dict]:
    """The entries of a list of dicts, or of a trainer's ``log_history``."""
    try:
        history = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{source} is not a JSON document") from None
    rows = history.get("log_history") if isinstance(history, dict) else history
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{source} is not a log: it needs a list of entries with names, or a document with such a `log_history`")
    return rows


def _lines(text: str, source: str) -> list[dict]:
    """The entries of JSON Lines; the last line may be cut off, as it is while a run goes on."""
    rows, lines = [], [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for number, line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        elif number != lines[-1][0]:
            raise UsageError(f"line {number} of {source} is not a JSON object, as each line of JSON Lines is")
    return rows


def _aligned(rows: list[dict], source: str) -> tuple[list[str], np.ndarray]:
    """As `aligned`; a UsageError if there is no number at all."""
    names, table = aligned(rows)
    if not names:
        raise UsageError(f"no entry of {source} has a number: there is no series in it")
    return names, table


def aligned(rows: list[dict]) -> tuple[list[str], np.ndarray]:
    """Names and numbers (rows, columns); NaN where a row has no entry, infinity where it is not finite.

    >>> aligned([{"step": 1, "loss": 0.5}, {"step": 2, "loss": "nan", "note": "a"}, {"step": 3, "loss": None}])[1].tolist()
    [[1.0, 0.5], [2.0, inf], [3.0, nan]]
    """
    found = [(k, name, float(value)) for k, row in enumerate(rows) for name, value in row.items() if _is_entry(value)]
    place = {name: k for k, name in enumerate(dict.fromkeys(name for _, name, _ in found))}
    table, values = np.full((len(rows), len(place)), np.nan), np.array([value for _, _, value in found])
    at = [k for k, _, _ in found], [place[name] for _, name, _ in found]
    table[at] = np.where(np.abs(values) < LARGEST, values, np.inf)
    return list(place), table


def _is_entry(value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return value.bit_length() < 1024
    return isinstance(value, float) or isinstance(value, str) and value.lower() in NOT_FINITE
