"""What people read: lines and short tables on stdout, progress on stderr, numbers of a few digits."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cfdyn.cli.messages import worded
from cfdyn.errors import visible
from cfdyn.words import listed

MOST_ROWS = 16  # of a table; a screen holds two such
Say = Callable[[str], None]
YES_NO = {True: "yes", False: "no", None: "neutral"}


class Screen:
    """Lines and tables on stdout, as wide as the terminal or 110 columns in a file.

    Text is shown as it is, whatever brackets, colons or control characters a user's names hold.
    """

    def __init__(self, stderr: bool = False):
        from rich.console import Console

        width = None if stderr or sys.stdout.isatty() else 110
        self.console = Console(markup=False, emoji=False, highlight=False, stderr=stderr, width=width)

    def print(self, text: str = "", wrap: bool = True, **options: Any) -> None:
        """A line; with ``wrap=False`` it may be longer than the screen."""
        self.console.print(_text(text), soft_wrap=not wrap, **options)

    def heading(self, title: str, rest: str = "", wrap: bool = True) -> None:
        """A title in bold, and what follows it on the line."""
        self.print(title, style="bold", end="")
        self.print(rest, wrap)

    def facts(self, *rows: tuple[str, str] | None, wrap: bool = True) -> None:
        """Print rows (name, value), one a line; None is left out."""
        self._table(["", ""], filter(None, rows), wrap, show_header=False)

    def table(
        self, columns: Sequence[str], items: Sequence[Any], row: Callable[[Any], Iterable[str]] = iter, indent: str = "",
        most: int | None = MOST_ROWS,
    ) -> None:  # fmt: skip
        """The first of the items, with their cells by ``row``, and how many are left out."""
        self._table(columns, map(row, items[:most]))
        if most is not None and len(items) > most:
            self.print(f"{indent}… and {len(items) - most} more (all of them with --json)")

    def kept(self, kinds: dict[str, tuple[int, int]]) -> None:
        """Print a table of the cache: for each kind, how many entries and their size, given in bytes."""
        if kinds:
            rows = [(kind, str(count), memory(size)) for kind, (count, size) in kinds.items()]
            self.table(("kind", "entries", "size"), rows, most=None)

    def _table(self, columns: Sequence[str], rows: Iterable[Iterable[str]], wrap: bool = True, show_header: bool = True) -> None:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=show_header)
        for column in columns:
            table.add_column(_text(column), header_style="dim")
        for cells in rows:
            table.add_row(*map(_text, cells))
        self.console.print(table, soft_wrap=not wrap)


def _text(text: str) -> str:
    return visible(worded(text))


@contextmanager
def progress() -> Iterator[Say]:
    """A spinner with a few words on stderr, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    from rich.text import Text

    with Screen(stderr=True).console.status("…") as status:
        yield lambda words: status.update(Text(_text(words)))


def number(value: Any) -> str:
    """Six significant digits; complex as a+bi; zero without a sign."""
    import numpy as np

    if isinstance(value, complex | np.complexfloating):
        return f"{value.real + 0.0:.6g}{value.imag + 0.0:+.6g}i"
    return f"{float(value) + 0.0:.6g}"


def vector(values: Any, most: int = 6) -> str:
    """A few significant digits of each entry."""
    import numpy as np

    items = [number(v) for v in np.asarray(values).ravel()[:most]]
    return ", ".join(items) + (", …" if np.size(values) > most else "")


def cell(value: float) -> str:
    """Four significant digits, or a dash where there is no number."""
    return "–" if value != value else number(float(f"{value:.4g}"))


def slow_cycles(cycles: Sequence[tuple[int, int]]) -> str:
    """Their lengths in steps, of the first of them."""
    return listed([str(last - first) for first, last in cycles], 8)


def memory(count: int) -> str:
    """Bytes in the unit that suits them."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def remark(chosen: dict[str, str], key: str) -> str:
    """In brackets, how the value of an option that was not given was chosen."""
    words = chosen.get(key, "given")
    return "" if words == "given" else f"  ({words})"
