"""Tables of results: what was measured, on what machine, against which target; as JSON and as Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import harness

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
README = HERE / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # before anything is measured
PACKAGES = ("cfdyn", "numpy", "numba", "llvmlite", "scipy", "sympy", "matplotlib", "pynamicalsys", "jax", "casadi", "symengine",
            "heyoka", "cvxpy", "clarabel", "numbalsoda", "scikit-sundae")  # fmt: skip


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
    cells: dict[str, float | str | None]
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class Table:
    """Rows under one question; the names of the columns carry the units."""

    title: str
    columns: tuple[str, ...]
    rows: list[Row]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """The tables of one benchmark with the machine and the versions they were measured on."""

    name: str
    tables: list[Table]
    quick: bool
    date: str = field(default_factory=lambda: datetime.datetime.now().astimezone().isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(default_factory=lambda: machine())
    versions: dict[str, str] = field(default_factory=lambda: versions())

    def missed(self) -> list[str]:
        """The tasks that stay behind their target."""
        return [
            f"{row.task}: {_number(goal.measured)}, target {goal.text}"
            for table in self.tables
            for row in table.rows
            for goal in row.goals
            if goal.reached is False
        ]

    def save(self, folder: Path = RESULTS) -> Path:
        """Write ``NAME.json`` whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        document = dataclasses.asdict(self)
        for table in document["tables"]:
            for row in table["rows"]:
                row["goals"] = [{**goal, "reached": Goal(**goal).reached} for goal in row["goals"]]
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        os.replace(temporary, path)
        return path


def machine() -> dict[str, Any]:
    """Processor, cores, system, and how busy it was before and after (the benchmark itself counts as one)."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver()) or 'libc unknown'}",
        "load before": round(LOAD, 2),
        "load after": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
    }


def was_busy(where: dict[str, Any]) -> bool:
    """Whether others took more than half of the cores before, or beside the benchmark at its end."""
    spare = where["cores"] / 2
    return where["load before"] > 1 + spare or where["load after"] > 1 + spare


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of everything that takes part; "not found" for what is missing."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not found"
    found["C compiler"] = _compiler_version()
    return found


def _compiler_version() -> str:
    program = harness.compiler()
    if program is None:
        return "not found"
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    return (done.stdout.splitlines() or ["unknown"])[0]


def markdown(table: Table) -> str:
    """One table; a missing competitor reads "not found", and a target says whether it is reached."""
    has_goals = any(row.goals for row in table.rows)
    head = [table.title, *table.columns, *(["target"] if has_goals else [])]
    lines = [_line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    for row in table.rows:
        cells = [row.task, *(_cell(row, column) for column in table.columns)]
        if has_goals:
            cells.append("; ".join(f"{goal.text} {_verdict(goal)}" for goal in row.goals))
        lines.append(_line(cells))
    return "\n".join(lines) + (f"\n\n{table.note}" if table.note else "") + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cell(row: Row, column: str) -> str:
    if column not in row.cells:
        return "–"
    value = row.cells[column]
    return value if isinstance(value, str) else _number(value)


def _number(value: float | None) -> str:
    """Three significant digits, without an exponent."""
    if value is None:
        return "not found"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.1e}"


def _verdict(goal: Goal) -> str:
    return {True: "reached", False: "**missed**", None: "(not measured)"}[goal.reached]


def document(reports: list[Report]) -> str:
    """All tables under one line that says when and where they were measured."""
    if not reports:
        return ""
    first = reports[0]
    where, what = first.machine, first.versions
    parts = [
        f"Measured on {first.date[:10]}: {where['processor']}, {where['cores']} cores, {where['system']}; "
        + ", ".join(f"{name} {version}" for name, version in what.items())
        + (". A quick pass: fewer steps and repeats." if first.quick else ".")
    ]
    if any(was_busy(report.machine) for report in reports):
        loads = ", ".join(f"{r.machine['load before']}–{r.machine['load after']}" for r in reports)
        parts.append(f"The machine was busy with other things (load {loads}): repeat this run when it is not.")
    parts += [markdown(table) for report in reports for table in report.tables]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def insert(reports: list[Report], readme: Path = README) -> None:
    """Put the tables between the markers of the README, a section for each benchmark; the others' sections stay."""
    text = readme.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise harness.BenchmarkError(f"{readme} lacks the lines {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    old, after = rest.split(END, 1)
    parts = re.split(r"^### (.+)$", old, flags=re.MULTILINE)
    sections = {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    sections.update({report.name: document([report]).strip() for report in reports})
    made = "".join(f"### {name}\n\n{body}\n\n" for name, body in sections.items())
    readme.write_text(f"{before}{BEGIN}\n\n{made}{END}{after}", encoding="utf-8")


def main(name: str, run: Callable[[bool], list[Table]]) -> None:
    """One benchmark from the command line: print its tables and keep them as JSON."""
    parser = argparse.ArgumentParser(description=f"The benchmark {name!r}.")
    parser.add_argument("--quick", action="store_true", help="fewer steps and repeats")
    quick = parser.parse_args().quick
    report = Report(name, run(quick), quick)
    report.save()
    print(document([report]))
