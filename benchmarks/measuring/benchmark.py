"""A benchmark is a list of tables, each a function that yields rows and whose docstring is the note under them."""

from __future__ import annotations

import argparse
import inspect
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from measuring.report import RESULTS, Report, document, insert
from measuring.tables import Row, Table
from measuring.timing import REPEATS

Rows = Generator[Row, None, "dict[str, Any] | None"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Plan:
    """How much is measured: everything, or in a quick pass less of it."""

    quick: bool

    def pick(self, quick: Value, full: Value) -> Value:
        """The one or the other size."""
        return quick if self.quick else full

    @property
    def repeats(self) -> int:
        """Rounds of competitors."""
        return self.pick(3, REPEATS)


class Benchmark:
    """The tables of one script, in the order in which they stand there."""

    def __init__(self, name: str):
        self.name = name
        self.parts: list[Callable[[Plan], list[Table]]] = []

    def table(
        self, title: str, columns: tuple[str, ...] = (), each: Callable[[Plan], Iterable] | None = None
    ) -> Callable[[Callable[..., Rows]], Callable[..., Rows]]:
        """A function from a plan to rows becomes a table; without rows there is none.

        Title and docstring may leave things open in braces, which the function returns at its end.

        Parameters
        ----------
        columns : in their order; if there are none, as the rows bring them
        each : what there is a table of its own for, given to the function after the plan; the note stands under the last
        """

        def register(rows: Callable[..., Rows]) -> Callable[..., Rows]:
            def part(plan: Plan) -> list[Table]:
                items = [(item,) for item in each(plan)] if each else [()]
                tables = [self._made(title, columns, rows, rows(plan, *item), item is items[-1]) for item in items]
                return [table for table in tables if table.rows]

            self.parts.append(part)
            return rows

        return register

    def _made(self, title: str, columns: tuple[str, ...], function: Callable, rows: Rows, noted: bool) -> Table:
        found = []
        while True:
            try:
                found.append(next(rows))
            except StopIteration as end:
                open_words = end.value or {}
                break
            progress(f"{self.name}: {title}: {found[-1].task}")
        note = " ".join((inspect.getdoc(function) or "").split())
        title, note = (text.format(**open_words) if open_words else text for text in (title, note))
        columns = columns or tuple(dict.fromkeys(column for row in found for column in row.cells))
        return Table(title, columns, found, note if noted else "")

    def run(self, quick: bool) -> list[Table]:
        """All tables."""
        return [table for part in self.parts for table in part(Plan(quick))]

    def main(self) -> None:
        """This benchmark alone, from the command line."""
        sys.exit(main({self.name: lambda: self}))


def progress(text: str) -> None:
    """A line about what is going on, to stderr."""
    print(text, file=sys.stderr, flush=True)


def run_one(name: str, load: Callable[[], Benchmark], quick: bool, folder: Path) -> Report | None:
    """The report of one benchmark, kept as JSON; None, with the reason on stderr, if it failed."""
    begun = time.perf_counter()
    try:
        result = Report(name, load().run(quick), quick)
        result.save(folder)
    except Exception:
        traceback.print_exc()
        progress(f"{name}: FAILED")
        return None
    progress(f"{name}: done in {time.perf_counter() - begun:.0f} s")
    return result


def main(known: Mapping[str, Callable[[], Benchmark]], arguments: list[str] | None = None, folder: Path = RESULTS) -> int:
    """The command line of some benchmarks, loaded when their turn comes; returns the exit status, 1 if one failed."""
    parser = argparse.ArgumentParser(description="Run benchmarks: tables on stdout, progress on stderr, JSON in results/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all of {', '.join(known)} if none)")
    parser.add_argument("--quick", action="store_true", help="fewer steps and repeats, under two minutes in all")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; there are {', '.join(known)}")
    results = {name: run_one(name, known[name], chosen.quick, folder) for name in chosen.names or known}
    reports = [report for report in results.values() if report is not None]
    failed = [name for name, report in results.items() if report is None]
    print(document(reports))
    for missed in (missed for report in reports for missed in report.missed()):
        print(f"missed: {missed}")
    for name in failed:
        print(f"failed: {name}")
    if chosen.write and not failed:
        insert(reports)
    return 1 if failed else 0
