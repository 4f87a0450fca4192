"""Output for people: lines and short tables on stdout, numbers with few digits."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cfdyn.cli.messages import worded
from cfdyn.cli.output.layout import GAP, labelled, table, wrapped
from cfdyn.errors import visible
from cfdyn.words import listed

MOST_ROWS = 16  # of a table; a screen holds two such
IN_FILES, LEAST = 110, 20  # columns
Say = Callable[[str], None]
LABEL = 6  # letters before a line of its own, such as "record"
WORDS = "docs/theory/words.md"
YES_NO = {True: "yes", False: "no", None: "neutral"}


class Screen:
    """Lines and tables on stdout, as wide as the terminal or COLUMNS says, or 110 columns in a file.

    Text is shown literally, also brackets, colons or control characters in a user's names. Names of files are not broken, so that
    they can be copied.
    """

    def __init__(self) -> None:
        from rich.console import Console

        self.width = width()
        self.console = Console(markup=False, emoji=False, highlight=False, width=self.width)

    def print(self, text: str = "", wrap: bool = True, style: str = "") -> None:
        """A line; with ``wrap=False`` it may be longer than the screen."""
        self._out(wrapped(_text(text), self.width) if wrap else [_text(text)], style)

    def heading(self, title: str, rest: str = "") -> None:
        """A title in bold, and the rest of the line."""
        from rich.text import Text

        before, name = title[: len(title) - len(title.lstrip("\n"))], _text(title.lstrip("\n"))
        first, *others = wrapped(name + _text(rest), self.width)
        bold = min(len(name.rstrip()), len(first))
        self.console.print(Text.assemble(before, (first[:bold], "bold"), first[bold:]), soft_wrap=True)
        self._out(others)

    def verdict(self, headline: str, bullets: Sequence[str]) -> None:
        """A headline with its bullets, and a pointer to the glossary; a command to be copied is in one piece."""
        self.heading(headline)
        for words in bullets:
            lines = [words] if words.startswith("Try next: ") else wrapped(_text(words), self.width - GAP)
            self._out([f"• {lines[0]}", *(" " * GAP + line for line in lines[1:])])
        self.print(f"Terms: {WORDS}", style="dim")

    def facts(self, *rows: tuple[str, str] | None) -> None:
        """Print rows (name, value), one per line; None is omitted."""
        self._out(labelled([(_text(name), _text(value)) for name, value in filter(None, rows)], self.width))

    def note(self, words: str, label: str = "note") -> None:
        """A warning, after its label."""
        self._out(labelled([(label.ljust(LABEL), _text(words))], self.width))

    def file(self, label: str, path: object) -> None:
        """The name of a file, or a command to be copied, after its label and in one piece."""
        self.print(f"{label.ljust(LABEL)}  {path}", wrap=False)

    def table(
        self, columns: Sequence[str], items: Sequence[Any], row: Callable[[Any], Iterable[str]] = iter, indent: str = "",
        most: int | None = MOST_ROWS,
    ) -> None:  # fmt: skip
        """The first of the items, with their cells by ``row``, and the number of omitted ones."""
        cells = [[*map(_text, row(item))] for item in items[:most]]
        for k, (head, lines) in enumerate(table([*map(_text, columns)], cells, self.width - len(indent))):
            self._out([""] * (k > 0))
            self._out([indent + line for line in head], "dim")
            self._out([indent + line for line in lines])
        if most is not None:
            self.left_out(len(items) - most, indent)

    def left_out(self, count: int, indent: str = "") -> None:
        """The number of rows of a table that are not shown, and where they are."""
        if count > 0:
            self.print(f"{indent}… and {count} more rows; all of them: --csv FILE or --json")

    def kept(self, kinds: dict[str, tuple[int, int]]) -> None:
        """Print a table of the cache: for each kind, the number of entries and their size, given in bytes."""
        if kinds:
            rows = [(kind, str(count), memory(size)) for kind, (count, size) in kinds.items()]
            self.table(("kind", "entries", "size"), rows, most=None)

    def _out(self, lines: Iterable[str], style: str = "") -> None:
        from rich.text import Text

        for line in lines:
            self.console.print(Text(line), style=style, soft_wrap=True)


def width() -> int:
    """The number of columns: of COLUMNS, of the terminal, or of a file."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked) > 0:
        return max(LEAST, int(asked))
    try:
        return max(LEAST, os.get_terminal_size(sys.stdout.fileno()).columns) if sys.stdout.isatty() else IN_FILES
    except (OSError, ValueError):
        return IN_FILES


def _text(text: str) -> str:
    return visible(worded(text))


class Shown(str):
    """The printed form of a number or several; ``value``: with all digits, for a file."""

    value: Any

    def __new__(cls, text: str, value: Any) -> "Shown":  # noqa: D102
        made = super().__new__(cls, text)
        made.value = value
        return made


def number(value: Any) -> str:
    """Six significant digits; complex as a+bi; zero without a sign."""
    import numpy as np

    if isinstance(value, complex | np.complexfloating):
        return Shown(f"{value.real + 0.0:.6g}{value.imag + 0.0:+.6g}i", complex(value))
    return Shown(f"{float(value) + 0.0:.6g}", float(value) + 0.0)


def vector(values: Any, most: int = 6) -> str:
    """A few significant digits of each entry."""
    import numpy as np

    items = [number(v) for v in np.asarray(values).ravel()[:most]]
    whole = [str(v) for v in np.asarray(values).ravel().tolist()]
    text = ", ".join(items) + (", …" if np.size(values) > most else "")
    return Shown(text, np.asarray(values).ravel().tolist()[0] if len(whole) == 1 else ", ".join(whole))


def cell(value: float) -> str:
    """Four significant digits, or a dash if there is no number."""
    return Shown("–", None) if value != value else Shown(number(float(f"{value:.4g}")), float(value))


def slow_cycles(cycles: Sequence[tuple[int, int]]) -> str:
    """The lengths of the first slow cycles, in steps."""
    return listed([str(last - first) for first, last in cycles], 8)


def memory(count: int) -> str:
    """A number of bytes in a suitable unit."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"


def remark(chosen: dict[str, str], key: str) -> str:
    """In brackets, how the value of an option that was not given was chosen."""
    words = chosen.get(key, "given")
    return "" if words == "given" else f"  ({words})"
