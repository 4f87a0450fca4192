"""``cfdyn watch``: a training run that `cf.watch` logs, seen while it goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from cfdyn.cli import interrupts
from cfdyn.cli.command import Answer, command
from cfdyn.cli.output.screen import Screen, width
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.cli.output.watched import Seen
    from cfdyn.records.tail import Tail

PART = 0.1  # of the time, that may go into explaining anew
ENDED = "the view is closed; the run and its file are as they were"


@command("run column once every json", group="Orbits", place=25)
def watch(
    run: Annotated[Path, Argument(help="The file that cf.watch writes with out=, JSON Lines.", metavar="RUN")],
    column: Annotated[str | None, Option("--column", help="The loss; by default the column called so.", metavar="NAME")] = None,
    once: Annotated[bool, Option("--once", help="Print one view and exit, as without a terminal.")] = False,
    every: Annotated[float, Option("--every", min=0.2, max=60, help="Seconds between two views.", metavar="SECONDS")] = 1.0,
) -> Answer:
    """A training run seen live: its loss, its share of the edge, its spikes.

    Follows the file of cf.watch(…, out="run.jsonl") while it grows, until Ctrl-C; a file that is begun anew is read anew. --json
    prints the newest numbers once.

    $ cfdyn watch examples/run.jsonl --once
    $ cfdyn watch examples/run.jsonl --json
    """
    from cfdyn.records.tail import Tail

    tail = Tail(run)
    tail.read()
    look = _Look(tail, column)
    return Answer(lambda: _document(_known(look, tail)), lambda screen: _show(screen, look, tail, once, every))


class _Look:
    """What is known of a run at each look; explained anew as often as a tenth of the time allows."""

    def __init__(self, tail: Tail, column: str | None):
        self._tail, self._column = tail, column
        self._found: Any = None
        self._why, self._rows, self._next = "", -1, 0.0

    def now(self) -> Seen | None:
        """None as long as nothing is logged."""
        from cfdyn.analysis.training.explain import chosen
        from cfdyn.cli.output.watched import Seen

        if not self._tail.rows:
            return None
        columns = self._tail.columns
        loss = chosen(columns.names, self._column)
        begun = time.monotonic()
        if self._tail.rows != self._rows and begun >= self._next:
            self._explain(columns, loss)
            self._rows, now = self._tail.rows, time.monotonic()
            self._next = now + (now - begun) * (1 - PART) / PART
        gone = [f"{self._tail.source} is gone; this is what was read of it"] if self._tail.gone else []
        return Seen(self._tail.source, columns, loss, self._found, "; ".join([*gone, *filter(None, [self._why])]))

    def _explain(self, columns: Any, loss: str) -> None:
        import cfdyn

        try:
            self._found, self._why = cfdyn.analysis.explain(columns, loss), ""
        except UsageError as error:  # there are too few rows as yet
            self._found, self._why = None, f"{error}"


def _known(look: _Look, tail: Tail) -> Seen:
    seen = look.now()
    if seen is None:
        raise UsageError(f"{tail.source} has no row yet: a watch writes them within a second, or at its next measurement")
    return seen


def _document(seen: Seen) -> dict[str, Any]:
    from cfdyn.cli.output.document import fields

    newest = seen.newest()
    found = fields(seen.found, "spikes period oscillation end headline") if seen.found else dict.fromkeys(
        ("spikes", "period", "oscillation", "end", "headline"))  # fmt: skip
    return {"run": seen.run, "rows": len(seen.columns.at), "step": seen.step, "loss": seen.loss,
            "log": {name: value for name, (value, _) in newest.items()},
            "logged": {name: step for name, (_, step) in newest.items()}, **found,
            "notes": [*filter(None, [seen.why]), *seen.columns.notes]}  # fmt: skip


def _show(screen: Screen, look: _Look, tail: Tail, once: bool, every: float) -> None:
    """One view, or one after the other on a terminal that can move its cursor."""
    from cfdyn.cli.output.chart import plain
    from cfdyn.cli.output.watched import view

    console = screen.console
    if once or not console.is_terminal or console.is_dumb_terminal:
        for line in view(_known(look, tail), screen.width, stars=plain()):
            console.print(line, soft_wrap=True)
    else:
        _follow(screen, look, tail, lambda: time.sleep(every))


def _follow(screen: Screen, look: _Look, tail: Tail, wait: Callable[[], Any]) -> None:
    """Views until `wait` is interrupted, each as large as the terminal is then."""
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from cfdyn.cli.output.chart import plain
    from cfdyn.cli.output.watched import view

    interrupts.words(ENDED)
    interrupts.patience()  # so that the cursor comes back
    console = screen.console
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            console.width = width()
            seen = look.now()
            lines = [Text(f"{tail.source}: no row yet")] if seen is None else view(seen, console.width, _height() - 1, plain())
            live.update(Group(*lines), refresh=True)
            wait()
            tail.read()


def _height() -> int:
    try:
        return os.get_terminal_size().lines or 24
    except OSError:
        return 24
