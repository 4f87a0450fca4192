"""Docstrings of cfdyn are plain text: formulas with bars and stars in them, and "name : what it means" in lists of parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# Code, the star of an item with its **first words**, **first words** of a paragraph, and *titles*.
LITERAL = re.compile(
    r"(``.+?``|`[^`]+`|^ *\* (?:\*\*[^*]+\*\*)?|^ *\*\*[A-Z][^*]*?\*\*(?!\w)|(?<![\w*])\*[^\s*][^*]*?(?<!\s)\*(?![\w*]))"
)
MARK = re.compile(r"([*|\\]|(?<=\w)_(?!\w))")  # would begin emphasis, a substitution or a link
ENTRY = re.compile(r"( *)([\w*\"`]+(?:, [\w*\"`]+)*) : (.+)")


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls: before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", plain, priority=400)
    return {"parallel_read_safe": True}


def plain(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Put the text into the words of reStructuredText."""
    lines[:] = written("\n".join(lines)).splitlines()


def written(text: str) -> str:
    """The docstring with marks of the language escaped in its prose, and what a parameter means below its name.

    >>> print(written("|w| ≥ 0\\n\\nParameters\\n----------\\nw : weights\\n"))
    \\|w\\| ≥ 0
    <BLANKLINE>
    Parameters
    ----------
    w
        weights
    <BLANKLINE>
    """
    session, formula, found = False, False, []
    lines = text.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        session = line.lstrip().startswith(">>>") or session and bool(line.strip())
        formula = line.lstrip().startswith(".. math::") or formula and line[:1] in ("", " ") and bool(line.strip())
        entry = None if session else ENTRY.fullmatch(line)
        if entry:
            begin, name, meaning = entry.groups()
            deeper = len(below) - len(below.lstrip()) if below.strip() else 0
            inside = " " * (deeper if deeper > len(begin) else len(begin) + 4)
            found += [begin + escaped(name), inside + escaped(meaning)]
        else:
            found.append(line if session or formula else escaped(line))
    return "\n".join(found)


def escaped(line: str) -> str:
    """A line of prose, its code and titles left alone."""
    pieces = LITERAL.split(line)
    return "".join(piece if k % 2 else MARK.sub(r"\\\1", piece) for k, piece in enumerate(pieces))
