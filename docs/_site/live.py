"""``<!-- live: cfdyn explore LOSS … #STATE | WORDS -->``: the page that this command writes, in a frame."""

from __future__ import annotations

import hashlib
import html
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MARK = re.compile(
    r"^<!-- live: (?P<command>cfdyn explore [^#]+?)(?P<state> #\S+)? \| (?P<words>.+?) -->$", re.DOTALL | re.MULTILINE
)
MOST = 400_000  # bytes of a figure: pages of the site stay light
FRAME = """<figure class="live">
<iframe src="{source}?figure{state}" title="{title}" loading="lazy" sandbox="allow-scripts allow-downloads"></iframe>
<figcaption>{words} <a href="{source}{state}">The whole page</a> is the file that
<code>{command} --out page.html</code> writes.</figcaption>
</figure>"""


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.connect("source-read", source_read)
    app.connect("build-finished", build_finished)
    return {"parallel_read_safe": True}


def source_read(app: Sphinx, name: str, source: list[str]) -> None:
    """Put a frame in the place of each mark, and write what it shows."""
    folder = Path(app.srcdir) / "_build" / "live"
    for mark in MARK.finditer(source[0]):
        write(mark["command"], folder)
    up = "../" * name.count("/") + "live"
    source[0] = MARK.sub(lambda mark: framed(mark, up), source[0])


def build_finished(app: Sphinx, error: Exception | None) -> None:
    """The pages in frames belong to the site as they are."""
    made = Path(app.srcdir) / "_build" / "live"
    if error is None and made.is_dir() and app.builder.format == "html":
        shutil.copytree(made, Path(app.outdir) / "live", dirs_exist_ok=True)


def framed(mark: re.Match[str], folder: str) -> str:
    """The frame in the language of pages.

    >>> mark = MARK.search('<!-- live: cfdyn explore "w**2" --landmarks 0 #p.lr=1 | Drag. -->')
    >>> print(framed(mark, "../live").splitlines()[1].partition(" loading")[0])
    <iframe src="../live/w-2-c67e1e18.html?figure#p.lr=1" title="Drag."
    """
    words = html.escape(" ".join(mark["words"].split()))
    command, state = " ".join(mark["command"].split()), (mark["state"] or "").strip()
    source = f"{folder}/{file_name(command)}"
    return FRAME.format(source=source, state=html.escape(state), title=words, words=words, command=html.escape(command))


def file_name(command: str) -> str:
    """The file of a command: its loss as far as names of files go, and what tells it from others."""
    loss = re.sub(r"[^a-z0-9]+", "-", shlex.split(command)[2].lower()).strip("-")[:30]
    return f"{loss}-{hashlib.sha256(command.encode()).hexdigest()[:8]}.html"


def write(command: str, folder: Path) -> None:
    """Run the command, unless its file is newer than the package."""
    command = " ".join(command.split())
    path = folder / file_name(command)
    package = Path(__file__).parents[2] / "cfdyn"
    sources = (p for end in ("py", "js", "css", "wat") for p in package.rglob(f"*.{end}"))
    if path.exists() and path.stat().st_mtime > max(p.stat().st_mtime for p in sources):
        return
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "cfdyn", *shlex.split(command)[1:], "--out", str(path), "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=package.parent, env=os.environ)
    if done.returncode or path.stat().st_size > MOST:
        from sphinx.errors import ExtensionError

        size = f"the page has {path.stat().st_size} bytes, and at most {MOST} are embedded" if path.exists() else "no page"
        raise ExtensionError(f"{command}: {done.stderr.strip() or size}")
