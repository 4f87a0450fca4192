"""A benchmark is a list of tables, each a function that yields rows and whose docstring is the note under them."""

from __future__ import annotations

import argparse
import inspect
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from measuring import front
from measuring.report import RESULTS, Report, insert, measured
from measuring.tables import Row, Table, markdown
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
        self.parts: list[Callable[[Plan], Iterator[Table]]] = []

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
            def part(plan: Plan) -> Iterator[Table]:
                items = [(item,) for item in each(plan)] if each else [()]
                for item in items:
                    note = inspect.getdoc(rows) if item is items[-1] else ""
                    table = self._made(title, columns, partial(rows, plan, *item), note or "")
                    if table.rows or table.failed:
                        yield table

            self.parts.append(part)
            return rows

        return register

    def _made(self, title: str, columns: tuple[str, ...], make: Callable[[], Rows], note: str) -> Table:
        """The table, or what there is of it and why it ends there."""
        found, failed, open_words = list[Row](), "", dict[str, Any]()
        try:
            rows = make()
            while True:
                try:
                    found.append(next(rows))
                except StopIteration as end:
                    open_words = end.value or {}
                    break
                progress(f"{self.name}: {title}: {found[-1].task}")
        except Exception as error:
            traceback.print_exc()
            failed = reason(error)
            progress(f"{self.name}: {title}: FAILED")
        texts = (title, " ".join(note.split()))
        title, note = (text.format(**open_words) if open_words else text for text in texts)
        columns = columns or tuple(dict.fromkeys(column for row in found for column in row.cells))
        return Table(title, columns, found, "" if failed else note, failed)

    def run(self, quick: bool) -> Iterator[Table]:
        """All tables, each as soon as it is measured; one that fails says why in its place."""
        for part in self.parts:
            yield from part(Plan(quick))

    def main(self) -> None:
        """This benchmark alone, from the command line."""
        sys.exit(main({self.name: lambda: self}))


def progress(text: str) -> None:
    """A line about what is going on, to stderr."""
    print(text, file=sys.stderr, flush=True)


def reason(error: Exception) -> str:
    """A failure in one line.

    >>> reason(ValueError("no such file\\nmore")), reason(KeyError())
    ('ValueError: no such file', 'KeyError')
    """
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])


def run_one(name: str, load: Callable[[], Benchmark], quick: bool, folder: Path) -> Report:
    """The report of one benchmark. Each table is shown, and kept as JSON with those before it, as soon as it is measured."""
    begun = time.perf_counter()
    result = Report(name, [], quick)
    for table in _tables(name, load, quick):
        print(markdown(table), flush=True)
        result = Report(name, [*result.tables, table], quick)
        result.save(folder)
    progress(f"{name}: {'FAILED' if result.failed() else 'done'} in {time.perf_counter() - begun:.0f} s")
    return result


def _tables(name: str, load: Callable[[], Benchmark], quick: bool) -> Iterator[Table]:
    """The tables of a benchmark; where it cannot be loaded one that says why."""
    try:
        bench = load()
    except Exception as error:
        traceback.print_exc()
        yield Table(name, (), [], failed=reason(error))
    else:
        yield from bench.run(quick)


def main(known: Mapping[str, Callable[[], Benchmark]], arguments: list[str] | None = None, folder: Path = RESULTS) -> int:
    """The command line of some benchmarks, loaded when their turn comes; returns the exit status, 1 if one failed."""
    parser = argparse.ArgumentParser(description="Run benchmarks: tables on stdout, progress on stderr, JSON in results/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all of {', '.join(known)} if none)")
    parser.add_argument("--quick", action="store_true", help="fewer steps and repeats")
    parser.add_argument("--write", action="store_true", help="put the tables on docs/speed.md and README.md")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; there are {', '.join(known)}")
    reports = [run_one(name, known[name], chosen.quick, folder) for name in chosen.names or known]
    failed = [failure for report in reports for failure in report.failed()]
    print(measured(reports))
    for missed in (missed for report in reports for missed in report.missed()):
        print(f"missed: {missed}")
    for failure in failed:
        print(f"failed: {failure}")
    if chosen.write:
        insert([report for report in reports if not report.failed()])
        front.write()
    return 1 if failed else 0
