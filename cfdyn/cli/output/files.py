"""The record and the figures of every command, written in one way."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli.input.options import FOLDER
from cfdyn.cli.input.values import given, limits, size
from cfdyn.cli.output.screen import Screen
from cfdyn.errors import UsageError
from cfdyn.machine import unfinished
from cfdyn.records.files import folder_for_writing, not_written


class Files:
    """A numbered record in the folder ``out``, and a figure in the file ``plot``; unwritable files are refused at once.

    ``figure``: whether a command draws its figure by default, in the folder unless ``plot`` names a file; None: only with
    ``plot``. ``xlim``, ``ylim``: its limits as texts; ``pixels``: its width; ``csv``: of a table. ``style``, ``figsize`` and
    ``title``: of the figure.
    """

    def __init__(
        self, out: Path, plot: Path | None = None, figure: bool | None = None, xlim: str | None = None, ylim: str | None = None,
        csv: Path | None = None, pixels: int | None = None, style: str | None = None, figsize: str | None = None,
        title: str | None = None,
    ):  # fmt: skip
        from cfdyn.plotting import check_path

        if plot and figure is False:
            raise UsageError("--plot asks for a figure and --no-figure for none; omit one of them")
        self.limits: dict[str, Any] = figure_options(xlim, ylim, bool(plot or figure), pixels, style, figsize, title)
        self.plot, self.csv = plot and check_path(plot), csv
        self.folder, self.numbered = folder_for_writing(out, "; choose another with --out"), bool(figure) and not plot
        self.figures: list[Path] = []
        self.record: Path | None = None
        self.certificates: list[Path] = []

    def write(self, result: Any, stem: str, say: Callable[[str], None], draw: Callable[..., Any] | None = None) -> None:
        """Write ``stem-001.npz``, or the next free number, with its figure; ``draw``: a function other than `cfdyn.plot`."""
        with _free(self.folder, stem, ".png", ".npz") as (beside, record):
            self.record = result.save(record)
        picture = beside if self.numbered else self.plot
        if picture is not None:
            say("drawing")
            (draw or cfdyn.plot)(result, picture, **self.limits)
            self.figures.append(picture)

    def certify(self, documents: Sequence[Mapping[str, Any]]) -> None:
        """Write certificates beside the record, ``stem-001-KIND.json``."""
        from cfdyn.certify.certificate import Certificate

        for document in documents:
            path = self.folder / f"{Path(str(self.record)).stem}-{document['kind']}.json"
            self.certificates.append(Certificate(document["kind"], document["statement"], True, "", document).save(path))

    def names(self) -> dict[str, Any]:
        """For --json."""
        table = {} if self.csv is None else {"csv": str(self.csv)}
        proofs = {"certificates": [str(f) for f in self.certificates]} if self.certificates else {}
        record = str(self.record)
        return {"figures": [str(f) for f in self.figures], **table, **proofs, "file": record, "record": record}

    def print(self, out: Screen) -> None:
        """A line for each."""
        for figure in self.figures:
            out.file("figure", figure)
        if self.csv is not None:
            out.file("table", self.csv)
        for certificate in self.certificates:
            out.file("proof", certificate)
        out.file("record", self.record)


def checked(path: Path) -> Path:
    """The path of a file, if it can be written; otherwise a UsageError."""
    from cfdyn.plotting import check_folder

    return check_folder(path)


def figure_options(
    xlim: str | None, ylim: str | None, drawn: bool, pixels: int | None = None, style: str | None = None,
    figsize: str | None = None, title: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The options of a figure, for `cfdyn.plot`; they require a figure."""
    from cfdyn.plotting import check_limits, check_sheet

    texts = {name: text for name, text in (("xlim", xlim), ("ylim", ylim)) if text is not None}
    options: dict[str, Any] = {name: check_limits(f"--{name}", limits(text, f"--{name}")) for name, text in texts.items()}
    options |= given(pixels=pixels, style=style, figsize=None if figsize is None else size(figsize), title=title)
    if options and not drawn:
        raise UsageError(f"--{next(iter(options))} is for a figure; ask for one with --plot FILE")
    if options:
        check_sheet(options.get("style", "screen"), options.get("figsize"))
    return options


def certificate_place(asked: Path | None, stem: str) -> Callable[[Any], Path]:
    """The function that saves a certificate in the requested file, or under the next number in the usual folder.

    Raises UsageError if that cannot be written.
    """
    from cfdyn.plotting import check_folder

    if asked is not None and asked.is_dir():
        raise UsageError(f"{asked} is a folder; --out names the file of the certificate, such as {asked / 'proof.json'}")
    folder = folder_for_writing(FOLDER, "; name a file with --out") if asked is None else check_folder(asked).parent

    def saved(certificate: Any) -> Path:
        if asked:
            return certificate.save(asked)
        with _free(folder, stem, ".json") as (path,):
            return certificate.save(path)

    return saved


@contextmanager
def _free(folder: Path, stem: str, *endings: str) -> Iterator[list[Path]]:
    """Paths with these endings, such as a figure's and a record's, with a number that no other process uses or reserves.

    A hidden file reserves the number, so that a power cut leaves no empty file under a visible name.
    """
    number = 0
    while True:
        number += 1
        paths = [folder / f"{stem}-{number:03d}{ending}" for ending in endings]
        taken = folder / f".{stem}-{number:03d}"
        if any(path.exists() for path in paths):
            continue
        try:
            os.close(os.open(taken, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            unfinished.begin(taken)
        except FileExistsError:
            continue
        except OSError as error:
            raise not_written(paths[-1], error, "; choose another folder with --out") from None
        try:
            if not any(path.exists() for path in paths):  # nor since that was asked
                yield paths
                return
        finally:
            taken.unlink(missing_ok=True)
            unfinished.finish(taken)
