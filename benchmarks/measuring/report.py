"""What was measured, when and on which machine: as JSON, on the terminal, on the page about speed."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from measuring import peers
from measuring.tables import Goal, Table, markdown, number
from measuring.timing import BenchmarkError

HERE = Path(__file__).resolve().parents[1]
RESULTS, PAGE = HERE / "results", HERE.parent / "docs" / "speed.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
LOAD = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # before anything is measured
PACKAGES = ("cfdyn", "numpy", "numba", "llvmlite", "scipy", "sympy", "matplotlib", "pynamicalsys", "jax", "casadi", "symengine",
            "heyoka", "cvxpy", "clarabel", "numbalsoda", "scikit-sundae")  # fmt: skip


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
        rows = [row for table in self.tables for row in table.rows]
        return [f"{row.task}: {number(goal.measured)}, target {goal.text}"
                for row in rows for goal in row.goals if goal.reached is False]  # fmt: skip

    def failed(self) -> list[str]:
        """The tables that have no end, each with the reason."""
        return [f"{self.name}: {table.title}: {table.failed}" for table in self.tables if table.failed]

    def save(self, folder: Path = RESULTS) -> Path:
        """Write ``NAME.json`` whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        content = dataclasses.asdict(self)
        for table in content["tables"]:
            for row in table["rows"]:
                row["goals"] = [{**goal, "reached": Goal(**goal).reached} for goal in row["goals"]]
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False), encoding="utf-8")
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
    """True if others took more than half of the cores before, or beside the benchmark at its end."""
    spare = where["cores"] / 2
    return where["load before"] > 1 + spare or where["load after"] > 1 + spare


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of everything that takes part; "not found" for what is missing."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not found"
    program = peers.compiler()
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout if program else "not found"
    return {**found, "C compiler": (said.splitlines() or ["unknown"])[0]}


def document(reports: list[Report]) -> str:
    """All tables under one line that says when and where they were measured."""
    return "\n\n".join([measured(reports), *(markdown(table).strip() for report in reports for table in report.tables)]) + "\n"


def measured(reports: list[Report]) -> str:
    """When and where that was, and whether the machine was busy."""
    first = reports[0]
    where, what = first.machine, ", ".join(f"{name} {version}" for name, version in first.versions.items())
    words = [f"Measured on {first.date[:10]}: {where['processor']}, {where['cores']} cores, {where['system']}; {what}"
             + (". A quick pass: fewer steps and repeats." if first.quick else ".")]  # fmt: skip
    if any(was_busy(report.machine) for report in reports):
        loads = ", ".join(f"{r.machine['load before']}–{r.machine['load after']}" for r in reports)
        words.append(f"The machine was busy with other things (load {loads}): repeat this run when it is not.")
    return "\n\n".join(words)


def insert(reports: list[Report], page: Path = PAGE) -> None:
    """Put the tables between the markers of the page, a section for each benchmark; the others' sections stay."""
    text = page.read_text(encoding="utf-8")
    kept = sections(text) | {report.name: document([report]).strip() for report in reports}
    page.write_text(between(text, "".join(f"## {name}\n\n{body}\n\n" for name, body in kept.items())), encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """What stands under the name of each benchmark between the markers of a page."""
    parts = re.split(r"^## (.+)$", text.partition(BEGIN)[2].partition(END)[0], flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def between(text: str, made: str) -> str:
    """The page with something else between its markers."""
    if BEGIN not in text or END not in text:
        raise BenchmarkError(f"the page lacks the lines {BEGIN} and {END}")
    return f"{text.partition(BEGIN)[0]}{BEGIN}\n\n{made}{END}{text.partition(END)[2]}"
