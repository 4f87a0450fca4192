"""A line chart in letters: eight dots of Braille to a letter, or stars where a terminal has no Braille."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.cli.output import streams

if TYPE_CHECKING:
    from rich.text import Text

BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # the bits of a letter's dots
HIGH, FARTHER = 0.9, 1.5  # a quantile, above which the axis goes on by so many times what is below it, at most
LEVEL, BAND, MARK = "white", "bright_black", "bold red"


@dataclass(frozen=True)
class Series:
    """``values`` (n,) over ``at`` (n,), in ``style``, without those that are not finite; ``title`` is above, ``marks`` are below.

    ``log``: the axis; ``low``, ``high`` (n,): a band; ``level``: a line across; ``floor``, ``ceiling``: what the axis reaches.
    """

    title: str
    at: np.ndarray
    values: np.ndarray
    log: bool = False
    low: np.ndarray = field(default_factory=lambda: np.empty(0))
    high: np.ndarray = field(default_factory=lambda: np.empty(0))
    level: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    marks: tuple[float, ...] = ()
    style: str = "cyan"


def plain() -> bool:
    """Whether the terminal, or the encoding of stdout, has no Braille."""
    return streams.ascii_only() or os.environ.get("TERM", "") in ("dumb", "linux")


def charts(series: Iterable[tuple[Series, int]], span: tuple[float, float], width: int, stars: bool) -> list[Text]:
    """One below the other, each with so many rows, over the same steps; their numbers are below the last."""
    from rich.text import Text

    made = [(one, _Axis(one, rows)) for one, rows in series]
    gutter = max((len(label) for _, axis in made for label in axis.labels.values()), default=0) + 1
    columns = max(8, width - gutter - 1)
    lines = []
    for one, axis in made:
        beyond = f", {100 * axis.beyond:.2g} % beyond" if axis.beyond else ""
        lines.append(Text(f"{one.title}{beyond}", style="bold"))
        lines += _drawn(one, axis, span, columns, gutter, stars)
        if one.marks:
            lines.append(_marked(one.marks, span, columns, gutter, "^" if stars else "▲"))
    ends = [f"{step:.7g}" for step in (span[0], (span[0] + span[1]) / 2, span[1])]
    room = columns - len(ends[0]) - len(ends[2])
    middle = ends[1].center(room) if len(ends[1]) + 2 <= room and span[1] - span[0] >= 2 else " " * room
    lines.append(Text(" " * (gutter + 1) + ends[0] + middle + ends[2], style="dim"))
    return lines


class _Axis:
    """The range of a series on its axis, and the labels by row."""

    def __init__(self, one: Series, rows: int):
        self.log, self.rows = one.log, rows
        y = self.of(one.values)
        y = y[np.isfinite(y)]
        lo, hi = (float(y.min()), float(y.max())) if len(y) else (0.0, 1.0)
        lo = lo if one.floor is None else min(lo, float(self.of(np.array(one.floor))))
        if len(y):
            bulk = float(np.quantile(y, HIGH))
            hi = min(hi, bulk + max(FARTHER * (bulk - lo), 0.0)) if bulk > lo else hi
        hi = hi if one.ceiling is None else max(hi, float(self.of(np.array(one.ceiling))))
        if hi - lo <= 1e-12 * max(1.0, abs(hi)):
            lo, hi = lo - max(0.1, 0.1 * abs(lo)), hi + max(0.1, 0.1 * abs(hi))
        self.lo, self.hi = lo, hi
        self.beyond = float((y > hi + 1e-9 * (hi - lo)).mean()) if len(y) else 0.0
        self.labels = self._labels()

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values on the axis; NaN where they have no place on it."""
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.log10(values) if self.log else np.asarray(values, dtype=float)
        return np.where(np.isfinite(y), y, np.nan)

    def place(self, y: np.ndarray, count: int) -> np.ndarray:
        """The number of the dot, of so many from the top."""
        return np.clip(np.rint((self.hi - y) / (self.hi - self.lo) * (count - 1)), 0, count - 1).astype(int)

    def _labels(self) -> dict[int, str]:
        most = max(2, self.rows // 2)
        places = np.log10(_ticks(10**self.lo, 10**self.hi, most)) if self.log else _ticks(self.lo, self.hi, most)
        for digits in ((1,), (1, 2, 5)) if self.log and self.hi - self.lo > 0.5 else ():
            round_ones = np.log10([m * 10.0**d for d in np.arange(np.floor(self.lo), self.hi + 1) for m in digits])
            inside = round_ones[(round_ones >= self.lo) & (round_ones <= self.hi)]
            if len(inside) >= 2:
                places = inside[:: -(-len(inside) // most)]
                break
        if len(places) < 2:
            places = np.array([self.lo, self.hi])
        rows = self.place(places, 4 * self.rows) // 4
        return {int(row): f"{10**y if self.log else y + 0.0:.3g}" for row, y in zip(rows, places, strict=True)}


def _ticks(lo: float, hi: float, most: int) -> np.ndarray:
    """Round numbers of a range, at most so many.

    >>> _ticks(0.0, 1.3, 4).tolist()
    [0.0, 0.5, 1.0]
    """
    unit = 10.0 ** np.floor(np.log10((hi - lo) / most))
    for step in (unit, 2 * unit, 5 * unit, 10 * unit):
        places = step * np.arange(np.ceil(lo / step), np.floor(hi / step) + 1)
        if len(places) <= most:
            break
    return places


def _drawn(one: Series, axis: _Axis, span: tuple[float, float], columns: int, gutter: int, stars: bool) -> list[Text]:
    from rich.text import Text

    across, down = (1, 1) if stars else (2, 4)
    dots = _dots(axis, span, one.at, one.values, one.values, (axis.rows * down, columns * across))
    band = _dots(axis, span, one.at, one.low, one.high, (axis.rows, columns)) if len(one.low) else np.zeros((axis.rows, columns))
    level = -1 if one.level is None else int(axis.place(axis.of(np.array(one.level)), axis.rows * down)) // down
    cells = dots.reshape(axis.rows, down, columns, across).transpose(0, 2, 1, 3)
    codes = cells.any(axis=(2, 3)).astype(int) if stars else (cells * BRAILLE).sum(axis=(2, 3))

    def letter(row: int, column: int) -> tuple[str, str]:
        if code := int(codes[row, column]):
            return one.style, "*" if stars else chr(0x2800 + code)
        if row == level:
            return LEVEL, "-" if stars else "─"
        return (BAND, ":" if stars else "░") if band[row, column] else ("", " ")

    lines = []
    for row in range(axis.rows):
        edge = "|" if stars else "┤" if row in axis.labels else "│"
        line = Text.assemble((f"{axis.labels.get(row, ''):>{gutter - 1}} {edge}", "dim"))
        for style, letters in groupby((letter(row, column) for column in range(columns)), key=itemgetter(0)):
            line.append("".join(text for _, text in letters), style)
        lines.append(line)
    return lines


def _dots(
    axis: _Axis, span: tuple[float, float], at: np.ndarray, low: np.ndarray, high: np.ndarray, size: tuple[int, int]
) -> np.ndarray:  # fmt: skip
    """Which dots are on: in each column from the least to the largest value, in between on the line, without gaps."""
    dots = np.zeros(size, dtype=bool)
    lo, hi = axis.of(low), axis.of(high)
    kept = np.isfinite(lo) & np.isfinite(hi)
    if not kept.any():
        return dots
    column, least, most = _placed(at[kept], span, size[1]), np.full(size[1], np.inf), np.full(size[1], -np.inf)
    np.minimum.at(least, column, lo[kept])
    np.maximum.at(most, column, hi[kept])
    there = np.flatnonzero(np.isfinite(least))
    every = np.arange(there[0], there[-1] + 1)
    tops = axis.place(np.interp(every, there, most[there]), size[0])
    feet = axis.place(np.interp(every, there, least[there]), size[0])
    for k, place in enumerate(every):
        above, below = tops[k], feet[k]
        if k:
            above, below = min(above, feet[k - 1]), max(below, tops[k - 1])
        dots[above : below + 1, place] = True
    return dots


def _placed(at: np.ndarray, span: tuple[float, float], columns: int) -> np.ndarray:
    width = span[1] - span[0]
    place = (at - span[0]) / width * (columns - 1) if width > 0 else np.zeros(len(at))
    return np.clip(np.rint(place), 0, columns - 1).astype(int)


def _marked(marks: tuple[float, ...], span: tuple[float, float], columns: int, gutter: int, sign: str) -> Text:
    from rich.text import Text

    line = [" "] * columns
    for place in _placed(np.array(marks), span, columns):
        line[place] = sign
    return Text(" " * (gutter + 1) + "".join(line), style=MARK)
