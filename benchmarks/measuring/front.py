"""What the front page shows of the page about speed: each number is a cell of a table there."""

from __future__ import annotations

import re
from pathlib import Path

from measuring.report import HERE, PAGE, between, sections
from measuring.timing import BenchmarkError

README = HERE.parent / "README.md"
# What it is, what cfdyn takes and what stands beside that: in brackets a column, where need be of another row. Then the
# benchmark, how the table begins, its row.
ROWS = [
    ("a study of the double well, warm",
     "[warm (s)] s",
     "pynamicalsys, orbit and exponent alone: [warm (s)|pynamicalsys: the double well's orbit, period, exponent; no figure] s",
     "start", "fresh processes", "`cfdyn study`, double well"),
    ("a curve of flips in the plane, 2,000 steps",
     "[cfdyn (ms)] ms",
     "AUTO-07p [AUTO-07p (ms)] ms",
     "curves", "2,000 rows", "Hénon map, flip curve"),
    ("orbit diagram with exponents, 2000 × 2500",
     "[cfdyn] ms",
     "states alone: pynamicalsys [pynamicalsys], tsdynamics [tsdynamics] ms",
     "maps", "public calls beside pynamicalsys", "orbit diagram, 2,000 × (2,000 + 500)"),
    ("a central flow to t = 1000",
     "[time (ms)] ms",
     "published scheme [published scheme (ms for 1000)] ms",
     "flows", "central flow up to t = 1000", "product, GD"),
]  # fmt: skip


def cells(section: str, title: str, task: str) -> dict[str, str]:
    """A row of the table that begins so, by its columns."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    head = next((number for number, line in enumerate(lines) if line[0].startswith(title)), len(lines))
    row = next((line for line in lines[head:] if line[0] == task), None)
    if row is None:
        raise BenchmarkError(f"no table {title!r} with a row {task!r}: benchmarks/measuring/front.py names it for the front page")
    return dict(zip(lines[head], row, strict=True))


def table(page: str) -> str:
    """The rows of the front page, and when their sections were measured."""
    shown, dates, there = [], list[str](), sections(page)
    for what, *texts, name, title, task in ROWS:

        def cell(match: re.Match[str], where: tuple[str, str, str] = (there[name], title, task)) -> str:
            return cells(*where[:2], match[2] or where[2])[match[1]]

        shown.append(" | ".join(["", what, *(re.sub(r"\[([^]|]+)\|?([^]]*)\]", cell, text) for text in texts), ""]).strip())
        dates += re.findall(r"Measured on ([\d-]+)", there[name])
    when = f"Measured {min(dates)} to {max(dates)[5:]}, 2 cores; [all tables](docs/speed.md)."
    return "\n".join(["| | here | beside it |", "|---|---:|---:|", *shown, "", when]) + "\n\n"


def write(readme: Path = README, page: Path = PAGE) -> None:
    """Put the rows between the markers of the front page."""
    readme.write_text(between(readme.read_text(encoding="utf-8"), table(page.read_text(encoding="utf-8"))), encoding="utf-8")
