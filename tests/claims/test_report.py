"""The report is one page that asks nothing of the network, and says all that a reader needs to disagree."""

from __future__ import annotations

import json
import re
import shutil
import sys
from html.parser import HTMLParser

import pytest

from cfdyn.claims.report import _cell
from tests.claims.test_runner import IDS, call
from tests.claims.toy import PAPER, install
from tests.processes import finished

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "1 < 2 & \"quoted\" <script>alert('no')</script> | a_b *c* {x} [d](http://example.org/)"


class Page(HTMLParser):
    """The tags, what they refer to, and their ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.references, self.ids, self.open = set[str](), list[str](), list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.references += [str(value) for key, value in attributes if key in ("src", "href", "srcset", "action", "data", "poster")]
        self.ids += [str(value) for key, value in attributes if key == "id"]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    hostile = PAPER.replace("Numbers and their squares.", HOSTILE).replace('Control("the next number"', f"Control({HOSTILE!r}")
    environment = install(folder, hostile.replace("Control(", 'figure="broken" if _k == 1 else "dots" if _k == 2 else "", control=Control('))
    call([sys.executable, "-m", "cfdyn", "claims", "--source", "toy2000", "--report", folder / "out"], environment)
    return folder / "out"


@pytest.fixture(scope="module")
def text(report):
    return (report / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_nothing_comes_from_outside(text):
    page = Page(text)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "iframe", "object", "embed", "form", "base"})
    inside = [reference for reference in page.references if reference.startswith(("#", "data:"))]
    assert inside == page.references
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in styles and "@import" not in styles and "prefers-color-scheme: dark" in styles and "@media print" in styles


def test_every_claim_is_there_and_every_link_leads_to_one(text):
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert set(IDS) <= set(page.ids)
    anchors = {reference[1:] for reference in page.references if reference.startswith("#")}
    assert anchors <= set(page.ids)
    assert text.count("<script") == 0 and "&lt;script&gt;" in text
    assert "It is 9." in text


def test_figures_are_in_the_page_and_beside_it(report, text):
    assert (report / "toy2000.dots.png").read_bytes()[:4] == b"\x89PNG"
    assert text.count("data:image/png;base64,") >= 1
    assert not (report / "toy2000.broken.png").exists()


def test_the_markdown_table_has_a_row_for_each_claim(report):
    lines = (report / "claims.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == 12
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {7}


def test_what_markdown_would_take_for_marks_is_escaped():
    text = r"f* < g* _so_ x_1 |w| [a](b) `c` \d"
    assert _cell(text) == r"f\* \< g\* \_so\_ x_1 \|w\| \[a\](b) \`c\` \\d"


@pytest.mark.slow
def test_figures_do_not_need_a_folder_to_be_kept_in(tmp_path):
    environment = {**install(tmp_path), "CFDYN_CACHE_DIR": "/proc/none"}
    call([sys.executable, "-m", "cfdyn", "claims", "--source", "toy2000", "--report", tmp_path / "out"], environment)
    assert (tmp_path / "out" / "toy2000.dots.png").read_bytes()[:4] == b"\x89PNG"


def test_the_numbers_are_those_of_the_page(report):
    record = json.loads((report / "verdicts.json").read_text())
    assert [entry["measured"] for entry in record.values()] == [{"square": k**2} for k in range(12)]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; the page without scripts or references is tested above")
@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser(width, report, tmp_path):
    """The page is as wide as the window, it logs nothing on the console and asks for nothing but itself."""
    log = tmp_path / "net.json"
    quiet = "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync"
    done = finished([
        CHROMIUM, "--headless", *quiet.split(), f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", "--enable-logging=stderr",
        f"--log-net-log={log}", f"--screenshot={tmp_path / 'page.png'}", f"file://{report / 'index.html'}",
    ])  # fmt: skip
    assert (tmp_path / "page.png").stat().st_size > 5000, done.stderr
    assert "CONSOLE" not in done.stderr
    asked = re.findall(r'"url":"(https?://[^"]+)"', log.read_text(errors="replace"))
    assert [url for url in asked if "google" not in url] == []
