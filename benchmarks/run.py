"""Run all benchmarks: tables on stdout, progress on stderr, JSON in benchmarks/results/.

A benchmark that fails is reported and does not hide the others. The exit status is 1 if one failed; a missed target
is no failure, it stands in the tables.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path

import harness
import report

NAMES = ("start", "orbit", "classify", "compile", "flows", "complementarity", "stiff", "compare", "averaging", "continuation",
         "cycles")  # fmt: skip


def run_one(name: str, quick: bool, folder: Path) -> report.Report | None:
    """The report of one benchmark, kept as JSON; None, with the reason on stderr, if it failed."""
    begun = time.perf_counter()
    try:
        tables = importlib.import_module(name).run(quick)
        result = report.Report(name, tables, quick)
        result.save(folder)
    except Exception:
        traceback.print_exc()
        harness.progress(f"{name}: FAILED")
        return None
    harness.progress(f"{name}: done in {time.perf_counter() - begun:.0f} s")
    return result


def run_all(names: list[str], quick: bool, folder: Path = report.RESULTS) -> tuple[list[report.Report], list[str]]:
    """(reports, names of those that failed)."""
    results = {name: run_one(name, quick, folder) for name in names}
    return [r for r in results.values() if r is not None], [name for name, r in results.items() if r is None]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all of {', '.join(NAMES)} if none)")
    parser.add_argument("--quick", action="store_true", help="fewer steps and repeats, under two minutes")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    reports, failed = run_all(chosen.names or list(NAMES), chosen.quick)
    print(report.document(reports))
    for result in reports:
        for missed in result.missed():
            print(f"missed: {missed}")
    for name in failed:
        print(f"failed: {name}")
    if chosen.write and not failed:
        report.insert(reports)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
