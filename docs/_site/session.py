"""The Python of a page run from top to bottom in one session, its output held against the page, its figures kept."""

import contextlib
import doctest
import io
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from .blocks import Block, blocks

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE  # as in docstrings
PICTURES = (".png", ".svg", ".gif", ".webm")  # what a browser shows


def agree(said: str, printed: str) -> bool:
    """Whether a page says what was printed; "..." stands for anything, white space counts once.

    >>> agree("took ... s", "took 1.2 s"), agree("1.3", "1.4")
    (True, False)
    """
    return doctest.OutputChecker().check_output(said, printed, FLAGS)


def within(said: str, printed: str) -> bool:
    """Whether a part of what was printed is what a page says, as for `agree`.

    >>> within("two words.", "here are two  words. And more"), within("two words", "two or three words"), within("two", "two")
    (True, False, True)
    """
    return agree(f"... {said.strip()} ...", f"| {printed} |")


def run(page: Path, folder: Path) -> list[tuple[Block, list[Path]]]:
    """Each block of Python, and the pictures that it wrote to the folder.

    Raises
    ------
    AssertionError : a block printed something else than the page says
    """
    name, names = page.name, {"__name__": "__main__"}
    root = Path(__file__).resolve().parents[2]
    shutil.copytree(root / "examples", folder / "examples", dirs_exist_ok=True)
    drawn = []
    with contextlib.chdir(folder), quiet(), shown_on_screens():
        for block in blocks(page.read_text(encoding="utf-8"), page.parent):
            if block.language != "python":
                continue
            before = set(pictures(folder))
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)
            said, printed = block.prints or "", out.getvalue()
            if not agree(said, printed):
                raise AssertionError(f"{name}, line {block.line}: the page says\n{said}\nand the code prints\n{printed}")
            drawn.append((block, [p for p in pictures(folder) if p not in before]))
    return drawn


def pictures(folder: Path) -> list[Path]:
    """Pictures that lie in a folder, the oldest first."""
    return sorted((p for p in folder.iterdir() if p.suffix in PICTURES), key=lambda p: p.stat().st_mtime_ns)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """While it lasts, libraries log warnings and errors only."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def shown_on_screens() -> Iterator[None]:
    """While it lasts, a record that is drawn into a PDF is drawn into a PNG beside it, which a browser shows in a page."""
    import cfdyn.plotting

    save = cfdyn.plotting.save

    def twice(figure: Any, path: Any, *options: Any) -> Path:
        if Path(path).suffix == ".pdf":
            save(figure, Path(path).with_suffix(".png"), 1200)
        return save(figure, path, *options)

    with mock.patch.object(cfdyn.plotting, "save", twice):
        yield
