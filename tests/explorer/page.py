"""The page's modules in Node, and the page in Chromium."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from cfdyn.explorer import document
from tests.explorer.browser import CHROMIUM
from tests.processes import finished, sentences

FOLDER = Path(document.__file__).with_name("page")
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: the page's modules were not run")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the page was not opened")


def scene_in(page: Path) -> dict[str, Any]:
    """What the page embeds."""
    [text] = re.findall(r'<script type="application/json" id="scene">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    return json.loads(text)


def in_node(folder: Path, script: str, given: Any) -> Any:
    """What a module prints as JSON; ``given`` is its constant of that name, and the page's modules lie beside it."""
    for file in FOLDER.glob("*.js"):
        shutil.copy(file, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "test.js").write_text(f"const given = {json.dumps(given)};\n{script}", encoding="utf-8")
    done = finished([NODE, "test.js"], cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def opened(page: Path, folder: Path, fragment: str = "", milliseconds: int = 1500) -> tuple[dict[str, str], str]:
    """The texts of the page's elements by their id in Chromium, and what its console says."""
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-extensions",
        "--no-first-run", f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--window-size=1280,800",
        f"--virtual-time-budget={milliseconds}", "--dump-dom", f"{page.as_uri()}{fragment}",
    ]  # fmt: skip
    done = finished(command)
    found = re.findall(r'<(p|h1|span) id="(\w+)"[^>]*>(.*?)</\1>', done.stdout)
    console = "\n".join(line for line in sentences(done.stderr).splitlines() if "CONSOLE" in line)
    return {name: html.unescape(re.sub("<[^>]*>", "", text)) for _, name, text in found}, console
