"""ARCHITECTURE.md says which files data enters, and they are those."""

from __future__ import annotations

import configparser

import pytest

from tests.journeys import CALLS, GROUND, PAGE, ROOT, block, journey, listed, room

MOST = 33  # files on one walk; a study knocks at nine doors of analyses
GIVEN = ("numerics", "tape", *GROUND)  # these call back what they were given: a root finder its function


@pytest.fixture(scope="module", params=CALLS)
def walk(request) -> tuple[str, list[str], set[tuple[str, str]]]:
    return request.param, *journey(request.param)


def layers() -> dict[str, int]:
    """How far down each room lies."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / "setup.cfg")
    rows = contracts["importlinter:contract:layers"]["layers"].split("\n")
    return {name.strip(): depth for depth, row in enumerate(rows) for name in row.split("|") if name.strip()}


def test_the_page_names_every_file_in_order(walk):
    """Stale? `python -m tests.journeys` writes the lists anew."""
    name, files, _ = walk
    found = block(name, PAGE.read_text(encoding="utf-8"))
    assert found is not None and found[2] == f"{listed(files)}\n"
    assert len(files) <= MOST


def test_no_call_climbs_back(walk):
    _, _, calls = walk
    depth = layers()
    climbing = [(a, b) for a, b in calls if room(a) in depth and room(b) in depth and depth[room(b)] < depth[room(a)]]
    assert len(calls) > 20
    assert [pair for pair in climbing if room(pair[0]) not in GIVEN] == []


def test_every_room_is_on_the_page():
    page = PAGE.read_text(encoding="utf-8")
    rooms = [path for path in (ROOT / "cfdyn").iterdir() if path.name[0] not in "_." and path.suffix in ("", ".py")]
    assert len(rooms) > 20
    assert [path.name for path in rooms if f"`{path.name}{'' if path.suffix else '/'}`" not in page] == []
