"""Files of the project that are no pages: included as ``{include}`` says, linked where a page includes them, else only named."""

import os
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

LINK = re.compile(r"(?<!\!)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")
INCLUDED = re.compile(r"^```\{include\} (\S+)\n```$", re.MULTILINE)

FETCHED = re.compile(
    r"<(?:script|link|img|iframe|video|source)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^>]*|url\([\"']?(?:https?:)?//[^)]*|@import"
)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", source_read, priority=600)
    app.connect("build-finished", build_finished)
    return {"parallel_read_safe": True}


def source_read(app: Sphinx, name: str, source: list[str]) -> None:
    """Put included files in their places, and lead links to what lies outside the folder of the pages."""
    page, folder = Path(app.env.doc2path(name)), Path(app.srcdir)
    if page.suffix != ".md":
        return
    for include in INCLUDED.finditer(source[0]):
        file = normal(page.parent / include[1])
        app.env.note_dependency(str(file))
        text = LINK.sub(lambda link, file=file: led(link, file, folder), file.read_text(encoding="utf-8"))
        source[0] = source[0].replace(include[0], text)
    source[0] = LINK.sub(lambda link: led(link, page, folder), source[0])


def build_finished(app: Sphinx, error: Exception | None) -> None:
    """No page fetches anything from elsewhere when it is read."""
    written = sorted(p for end in ("html", "css") for p in Path(app.outdir).rglob(f"*.{end}"))
    found = [f"{p.name}: {what[0]}" for p in written if error is None for what in FETCHED.finditer(p.read_text(encoding="utf-8"))]
    if found:
        raise ExtensionError("pages would fetch from elsewhere: " + "; ".join(found[:5]))


def led(link: re.Match[str], page: Path, folder: Path) -> str:
    """The link, with a target on the site."""
    words, target, anchor = link.groups()
    file = normal(page.parent / target)
    if not file.exists():
        return link[0]
    inside = file if file.is_relative_to(folder) else including(folder).get(file)
    return f"[{words}](/{inside.relative_to(folder)}{anchor or ''})" if inside else words


def including(folder: Path) -> dict[Path, Path]:
    """Files from outside, and the pages that include them."""
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(folder.rglob("*.md")) if "_build" not in page.parts}
    return {normal(page.parent / file): page for page, text in texts.items() for file in INCLUDED.findall(text)}


def normal(path: Path) -> Path:
    """A path without steps back, links left as they are."""
    return Path(os.path.normpath(path))
