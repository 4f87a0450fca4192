"""The code of a page, and what the page says that it prints.

One convention: a ``python`` block is code; a block without a language whose first word is a program is commands; any other block
without a language is what the code above it prints. Blocks in other languages, ``text`` among them, are only shown. A
``{literalinclude}`` of a file of Python is code too.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
TABLE = re.compile(r"\| `(cfdyn [^`]*)` \|")
PROGRAMS = ("cfdyn", "make", "pip", "python", "git")
SLOW = "<!-- slow"  # a page with this mark is run by the slow tests only


@dataclass
class Block:
    """Code of a page: its ``language``, "python" or "commands", its ``begin`` and ``end`` in the text, what it ``prints``."""

    language: str
    code: str
    line: int
    begin: int
    end: int
    prints: str | None = None


def pages(root: Path) -> list[Path]:
    """The front page and all pages of the site."""
    return [root / "README.md", *sorted(p for p in (root / "docs").rglob("*.md") if "_build" not in p.parts)]


def blocks(text: str, folder: Path = Path()) -> list[Block]:
    """The code of a page in order, each with what is said to be printed; the page lies in the folder.

    >>> [(b.language, b.prints) for b in blocks("```python\\nprint(1)\\n```\\n\\n```\\n1\\n```\\n")]
    [('python', '1\\n')]
    """
    found: list[Block] = []
    for fence in FENCE.finditer(text):
        language, argument, code = fence.groups()
        if language == "{literalinclude}" and argument.endswith(".py"):
            language, code = "python", (folder / argument.strip()).read_text(encoding="utf-8")
        line = text.count("\n", 0, fence.start()) + 2
        commands = not language and code.split(maxsplit=1)[0] in PROGRAMS
        if language == "python" or commands:
            found.append(Block("commands" if commands else language, code, line, fence.start(), fence.end()))
        elif not language:
            if not found or found[-1].prints is not None:
                raise ValueError(f"line {line}: a block without a language is what the code above prints, and there is none")
            found[-1].prints, found[-1].end = code, fence.end()
    return found


def commands(text: str) -> list[list[str]]:
    """Words of each command of a block or page, comments left out.

    >>> commands("cfdyn list losses; cfdyn show gd   # two")
    [['cfdyn', 'list', 'losses'], ['cfdyn', 'show', 'gd']]
    """
    found: list[list[str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars=";")
        reader.whitespace_split, words = True, [[]]
        for word in reader:
            words.append([]) if word == ";" else words[-1].append(word)
        found += filter(None, words)
    return found


def commands_of_tables(text: str) -> list[list[str]]:
    """Commands in the cells of tables."""
    return [words for cell in TABLE.findall(text) for words in commands(cell)]
