"""A page's Python is run when the site is built: a wrong output ends the build, and the page shows the figures."""

import tempfile
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from .blocks import blocks
from .dark import twins
from .pictures import with_pictures
from .session import run


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", source_read)
    return {"parallel_read_safe": True}


def source_read(app: Sphinx, name: str, source: list[str]) -> None:
    """Run the page, and put its figures into the text."""
    page = app.env.doc2path(name)
    if page.suffix != ".md" or not any(block.language == "python" for block in blocks(source[0], page.parent)):
        return
    kept = app.srcdir / "_build" / "figures" / name
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, twins():
        try:
            drawn = run(page, Path(folder))
        except Exception as error:
            raise ExtensionError(f"{name}: {error}") from error
        for _, pictures in drawn:
            for picture in pictures:
                picture.replace(kept / picture.name)
    place = f"/{kept.relative_to(app.srcdir).as_posix()}"
    source[0] = with_pictures(source[0], [(block, [f"{place}/{one.name}" for one in pictures]) for block, pictures in drawn])
