"""A page's Python is run when the site is built: a wrong output ends the build, figures appear below the code that drew them."""

import os
import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .blocks import blocks
from .session import run

ROOT = Path(__file__).resolve().parents[2]


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", source_read)
    return {"parallel_read_safe": True}


def source_read(app: Sphinx, name: str, source: list[str]) -> None:
    """Run the page, and put its figures into the text."""
    page = app.env.doc2path(name)
    text = source[0]
    if page.suffix != ".md" or not any(block.language == "python" for block in blocks(text, page.parent)):
        return
    kept = app.srcdir / "_build" / "figures" / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            drawn = run(page, Path(folder))
        except Exception as error:
            raise ExtensionError(f"{name}: {error}") from error
        for end, pictures in reversed(drawn):
            shown = [shown_as(picture.replace(kept / picture.name), app.srcdir) for picture in map(Path, pictures)]
            text = text[:end] + "\n\n" + "\n\n".join(shown) + text[end:]
    source[0] = text


def shown_as(picture: Path, folder: Path) -> str:
    """A picture in the language of pages."""
    words = picture.stem.replace("_", " ").replace("-", " ")
    return f"![{words}, drawn by the code above]({os.path.join('/', picture.relative_to(folder).as_posix())})"
