"""Text in lines of a given width: words are not broken, long formulas after an operator, numbers never; tables in parts."""

import re
from collections.abc import Iterable, Iterator, Sequence

GAP = 2  # blanks between columns
LONG = 24  # a longer word of a table, which is a formula then, may be broken as below
NARROW = 10  # a column is not made narrower than this by wrapping, if its words fit
# Where a formula may be broken that is longer than a line: not within 1e-5.
BREAK = re.compile(r"(?<=[,;*/)])(?=[^*/,;)])|(?<![eE*/(,;+-])(?=[+-])")
CODE = ".. code-block:: python"  # stands two blocks before its lines
RULE = re.compile(r"\s*=+(?:\s+=+)+\s*")  # above and below a table of a docstring


def width_of(text: str) -> int:
    """The number of terminal columns of a text."""
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)


def wrapped(text: str, width: int, rest: str = "") -> list[str]:
    """Lines of at most ``width`` columns if words allow it, from the second on after ``rest``.

    >>> wrapped("the multiplier is -1.25", 12), wrapped("a  b", 9), wrapped("x*(y-1e-05)+2*x", 9)
    (['the', 'multiplier', 'is -1.25'], ['a  b'], ['x*(y', '-1e-05)', '+2*x'])
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line, room = "", max(1, width)
        for blank, word in re.findall(r"(\s*)(\S+)", paragraph):
            for piece, before in _pieces(blank, word, max(1, width - len(rest) * bool(lines or line))):
                if line and width_of(line) + width_of(before) + width_of(piece) > room:
                    lines.append(line)
                    line, before, room = "", "", max(1, width - len(rest))
                line += before + piece
        lines.append(line)
    return [lines[0], *(f"{rest}{line}" for line in lines[1:])]


def _pieces(blank: str, word: str, width: int) -> Iterator[tuple[str, str]]:
    """A word with its preceding blanks, in parts if it is longer than a line."""
    parts = [word] if width_of(word) <= width else BREAK.split(word)
    for k, part in enumerate(parts):
        yield part, blank if k == 0 else ""


def labelled(rows: Sequence[tuple[str, str]], width: int, most: int = 0) -> list[str]:
    """A line for each label and its value, with aligned values; long values are wrapped.

    A label of more than ``most`` columns (default: half the width) has its value on the next line.

    >>> print(*labelled([("map", "x*2"), ("start", "0.1, 0.2, 0.3")], 16), sep="\\n")
    map    x*2
    start  0.1, 0.2,
           0.3
    """
    most = most or width // 2 - GAP
    column = max((size for label, _ in rows if (size := width_of(label)) <= most), default=0) + GAP
    lines: list[str] = []
    for label, value in rows:
        first, *others = wrapped(value, width - column)
        if width_of(label) <= most:
            lines.append(_filled(label, column) + first)
        else:
            lines += [*wrapped(label, width, " " * GAP), " " * column + first]
        lines += [" " * column + line for line in others]
    return [line.rstrip() for line in lines]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[tuple[list[str], list[str]]]:
    """Parts of a table, each as the lines of its heads and of its rows; every part repeats the first column.

    Columns of words are wrapped if that is enough; otherwise the remaining columns continue below. If names in the first column
    take more than half of the width, the other columns are below each name.

    >>> table(["lr", "regime", "exponent"], [["0.1", "fixed point", "-0.5"]], 20)[1]
    (['lr   exponent'], ['0.1  -0.5'])
    """
    columns = [[head, *(row[k] for row in rows)] for k, head in enumerate(heads)]
    parts, key, others = [], columns[0], columns[1:]
    if others and _least(key) > width // 2 > _least(heads):
        return [([], _blocks(heads, rows, width))]
    while True:
        count = len(others)
        while count > 1 and sum(map(_least, (key, *others[:count]))) + GAP * count > width:
            count -= 1
        parts.append(_part([key, *others[:count]], width))
        others = others[count:]
        if not others:
            return parts


def _blocks(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each row as its first cell with the others below it, after their heads."""
    lines: list[str] = []
    for key, *cells in rows:
        below = labelled([(head, cell) for head, cell in zip(heads[1:], cells, strict=True) if cell], width - GAP)
        lines += [*wrapped(key, width), *(" " * GAP + line for line in below)]
    return lines


def reflowed(text: str, width: int) -> str:
    """A docstring in lines of this width, without code markup: sentences flow; examples, tables and titles are kept.

    >>> reflowed("One sentence that is long and goes on.", 20).splitlines()
    ['One sentence that is', 'long and goes on.']
    """
    text = text.replace("``", "`")
    if max(map(width_of, text.split("\n"))) > width:
        blocks = re.split(r"(\n\s*\n)", text)
        pairs = zip(["", "", *blocks], blocks, strict=False)
        text = "".join(block if CODE in (before, block) else _flowing(block, width) for before, block in pairs)
    return text.replace(f"{CODE}\n\n", "")


def _flowing(block: str, width: int) -> str:
    """Lines of the same indentation as one, until a line that begins an entry (name : description)."""
    lines = block.split("\n")
    if ">>>" in block or not block.strip():
        return block
    if RULE.fullmatch(lines[0]) and RULE.fullmatch(lines[-1]):
        return _ruled(lines, width)
    joined: list[str] = []
    for line in lines:
        before = len(line) - len(line.lstrip())
        begins = re.match(r"\s*[\w, *]+ : |\s*[-=]+$", line) or (joined and re.fullmatch(r"\s*[-=]+", joined[-1]))
        if joined and not begins and before == len(joined[-1]) - len(joined[-1].lstrip()):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    rest = [line[: len(line) - len(line.lstrip())] + "    " * bool(re.match(r"\s*[\w, *]+ : ", line)) for line in joined]
    return "\n".join("\n".join(wrapped(line, width, indent)) for line, indent in zip(joined, rest, strict=True))


def _ruled(lines: Sequence[str], width: int) -> str:
    """A table between lines of ===, unchanged if it fits; otherwise in columns of words that wrap."""
    rows = [re.split(r" {2,}", line.strip()) for line in lines if not RULE.fullmatch(line)]
    if max(map(width_of, lines)) <= width or len({len(row) for row in rows}) > 1:
        return "\n".join(lines)
    return "\n\n".join("\n".join([*head, *below]) for head, below in table(rows[0], rows[1:], width))


def _least(column: Sequence[str]) -> int:
    """The width below which a column is not wrapped."""
    words = [word for cell in column for word in cell.split() or [""]]
    longest = max(width_of(part) for word in words for part in ([word] if width_of(word) <= LONG else BREAK.split(word)))
    return max(longest, min(NARROW, max(map(width_of, column))))


def _part(columns: Sequence[Sequence[str]], width: int) -> tuple[list[str], list[str]]:
    """These columns side by side, the widest made narrower until they fit."""
    sizes = [max(width_of(line) for cell in column for line in cell.split("\n")) for column in columns]
    least = [_least(column) for column in columns]
    over = sum(sizes) + GAP * (len(sizes) - 1) - width
    while over > 0 and (loose := [k for k in range(len(sizes)) if sizes[k] > least[k]]):
        sizes[max(loose, key=lambda k: sizes[k])] -= 1
        over -= 1
    head, *rows = (_row(cells, sizes) for cells in zip(*columns, strict=True))
    return (head if any(line.strip() for line in head) else []), [line for row in rows for line in row]


def _row(cells: Iterable[str], sizes: Sequence[int]) -> list[str]:
    pieces = [wrapped(cell, size) for cell, size in zip(cells, sizes, strict=True)]
    count = max(map(len, pieces))
    lines = [[piece[k] if k < len(piece) else "" for piece in pieces] for k in range(count)]
    return [(" " * GAP).join(map(_filled, line, sizes)).rstrip() for line in lines]


def _filled(text: str, size: int) -> str:
    return text + " " * (size - width_of(text))
