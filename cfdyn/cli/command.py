"""The decorator that turns a function into a command: its options in order, and one way to save, draw and print its result."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from typer.models import ArgumentInfo

from cfdyn.cli import interrupts
from cfdyn.cli.input.options import (
    BRIEF,
    CSV,
    DRAWN_TO,
    FIGSIZE,
    FIGURE,
    FOLDER,
    JSON,
    OUT,
    PIXELS,
    PLOT,
    QUIET,
    STYLE,
    TITLE,
    XLIM,
    YLIM,
)
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.noise import Noise
from cfdyn.cli.output.document import print_json
from cfdyn.cli.output.files import Files, checked
from cfdyn.cli.output.screen import Say, Screen
from cfdyn.cli.progress import progress

FILES = ("out", "plot", "figure", "xlim", "ylim", "csv", "pixels", "style", "figsize", "title")  # options that `Files` takes
# The form of a value by its type, where an option does not say it.
FORMS: dict[Any, str] = {int: "N", float: "VALUE", Path: "FILE", str: "NAME"}
MADE: dict[str, type] = {"subject": Subject, "drawn": Noise}  # parameters of a command that are made of several options
OTHERS = "Other commands"  # the group of a command that names none
LAST = 1000  # the default place of a command


@dataclass(frozen=True)
class Answer:
    """The answer of a command.

    ``document``: makes the output of --json; ``tables``: prints the same for people; ``text``: printed unchanged in their place;
    ``headline``: the output of --brief; ``record``: saved and drawn, by ``draw(record, file, **limits)`` or by `cfdyn.plot`;
    ``figures``: further files drawn; ``certificates``: documents of `cf.certify`, saved beside the record; ``status``: the exit
    status; ``columns``: makes the table for --csv if it has more than the printed one.
    """

    document: Callable[[], dict[str, Any]]
    tables: Callable[[Screen], Any] = lambda screen: None
    text: str | None = None
    headline: str = ""
    record: Any = None
    draw: Callable[..., Any] | None = None
    figures: Sequence[Path] = ()
    certificates: Sequence[Mapping[str, Any]] = ()
    status: int = 0
    columns: Callable[[], dict[str, list[Any]]] | None = None

    def write_table(self, csv: Path) -> None:
        """Write all rows and columns of the printed table, with all digits, to a file."""
        from cfdyn.cli.output.tables import printed
        from cfdyn.records.exports import write_columns

        write_columns(csv, self.columns() if self.columns else printed(self.tables))

    def show(self, json: bool, files: Files | None, csv: Path | None, brief: bool = False) -> None:
        """Print the answer on stdout, with the names of the files; ``brief``: only the headline, unless for a document."""
        if json:
            print_json({**self.document(), **(files.names() if files else {} if csv is None else {"csv": str(csv)})})
        elif brief:
            Screen().print(self.headline)
        elif self.text is not None:
            print(self.text)
        else:
            self.tables(screen := Screen())
            if files:
                files.print(screen)
            elif csv is not None:
                screen.file("table", csv)


@dataclass(frozen=True)
class Outputs:
    """The options for the output of an answer."""

    out: OUT = FOLDER
    plot: PLOT = None
    xlim: XLIM = None
    ylim: YLIM = None
    pixels: PIXELS = None
    style: STYLE = None
    figsize: FIGSIZE = None
    title: TITLE = None
    csv: CSV = None
    figure: FIGURE = True
    brief: BRIEF = False
    json: JSON = False
    quiet: QUIET = False


@cache
def _parameters(of: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(of, eval_str=True).parameters


def _keep(record: Any, files: Files, name: str, say: Callable[[str], None], reads: bool) -> None:
    """After Ctrl-C write the finished part without its figure, and report this at the end; ``reads``: it continues a record."""
    if record is None:
        return
    with interrupts.finishing():
        files.plot, files.csv, files.numbered = None, None, False
        if files.record is None:
            files.write(record, name, say)
        again = f"; resume with: cfdyn {name} {files.record}" if reads else "; the same call resumes from there"
        goes_on = again if getattr(record, "complete", True) is False else ""
        interrupts.words(f"interrupted; the finished part is in {files.record}{goes_on}")


def _patient(say: Say) -> Say:
    """From its first words on there is a partial result: only then an interrupt leaves time to write it."""

    def told(words: str) -> None:
        interrupts.patience()
        say(words)

    return told


def _say_form(parameter: inspect.Parameter) -> None:
    """Give an option or argument the form of its values by their type, if it names none; brackets mean optional."""
    kind, about = get_args(parameter.annotation)
    if isinstance(about, ArgumentInfo):
        name = about.metavar or parameter.name.upper()
        about.metavar = name if name.startswith("[") or parameter.default is inspect.Parameter.empty else f"[{name}]"
    elif about.metavar is None:
        of = next((one for one in (get_args(kind) if isinstance(kind, UnionType) else (kind,)) if one is not type(None)), str)
        of = get_args(of)[0] if get_origin(of) is list else of
        about.metavar = FORMS.get(of)


def command(
    options: str, group: str = OTHERS, place: int = LAST, keeps: bool = False
) -> Callable[[Callable[..., Answer]], Callable[..., int]]:
    """A command with these options, in the order of its help.

    ``group``: its heading in the list of commands; ``place``: its rank there, and the least of a group that of the group;
    ``keeps``: Ctrl-C writes the finished part.

    Options that are not parameters of the function itself are fields of its `Subject` or `Noise`, or of `Outputs`: ``out`` if the
    answer has a record, which is saved, ``plot`` if that can be drawn, with its limits, ``figure`` if it is drawn by default,
    ``csv`` if a table is printed. In addition a function may take ``say``, which shows progress while it runs. The docstring is
    the help: one sentence, further sentences, and examples that begin with "$ ".
    """
    listed = [*options.replace(" plot ", " plot xlim ylim style figsize title ").split(), "quiet"]

    def decorated(own: Callable[..., Answer]) -> Callable[..., int]:
        taken, outputs = inspect.signature(own, eval_str=True).parameters, _parameters(Outputs)
        made = {name: kind for name, kind in MADE.items() if name in taken}

        @wraps(own)
        def run(**given: Any) -> int:
            files = Files(**{name: given[name] for name in FILES if name in given}) if "out" in given else None
            csv = None if given.get("csv") is None else checked(given["csv"])
            with progress(f"{own.__name__.rstrip('_').replace('_', '-')}: preparing", given["quiet"]) as said:
                say, told, record = _patient(said) if keeps else said, {**given, "say": said}, None
                built = {"say": say, **{name: kind(**{field: told[field] for field in _parameters(kind) if field in told})
                                        for name, kind in made.items()}}  # fmt: skip
                try:
                    answer = own(**{name: ({**built, **given})[name] for name in taken})
                    record = answer.record
                    if files:
                        files.write(record, own.__name__, say, answer.draw)
                        files.figures.extend(answer.figures)
                        files.certify(answer.certificates)
                    if csv is not None:
                        answer.write_table(csv)
                except KeyboardInterrupt as stopped:
                    if files and keeps:
                        _keep(getattr(stopped, "record", record), files, own.__name__, say, "loss" in given)
                    raise
            answer.show(given["json"], files, csv, given.get("brief", False))
            return answer.status

        known = {**dict(item for kind in made.values() for item in _parameters(kind).items()), **outputs, **taken}
        if "plot" in listed and "figure" not in listed:
            known["plot"] = known["plot"].replace(annotation=DRAWN_TO)
        for name in listed:
            _say_form(known[name])
        run.__signature__ = inspect.Signature([known[name] for name in listed])  # type: ignore[attr-defined]
        run.__annotations__, run.group, run.place = {}, group, place  # type: ignore[attr-defined]
        return run

    return decorated
