"""A redesign loses nothing that a user calls: what `frozen.json` holds is still there; more may have come."""

from __future__ import annotations

import json

import pytest

from tests.contract import frozen

KEPT = json.loads(frozen.FILE.read_text(encoding="utf-8"))


def lost(kept, now) -> list:
    """What was kept and is not there now: paths to it."""
    if isinstance(kept, dict):
        return [[key, *path] for key, below in kept.items()
                for path in ([["is gone"]] if key not in now else lost(below, now[key]))]  # fmt: skip
    return [[one] for one in kept if one not in now]


def test_a_loss_is_noticed():
    assert lost({"a": {"f": ["x", "y"]}}, {"a": {"f": ["y", "x", "z"], "g": []}}) == []
    assert lost({"a": {"f": ["x", "y"], "g": []}}, {"a": {"f": ["y"]}}) == [["a", "f", "x"], ["a", "g", "is gone"]]


def test_public_names_and_what_they_take():
    assert lost(KEPT["names"], frozen.public_names()) == []


def test_commands_and_their_options():
    assert lost(KEPT["commands"], frozen.commands()) == []


@pytest.mark.parametrize("line", KEPT["answers"])
def test_keys_of_json_answers(line):
    assert lost(KEPT["answers"][line], frozen.keys(frozen.answer(line))) == []


@pytest.mark.parametrize("name", KEPT["orbits"])
def test_bits_of_orbits(name):
    assert frozen.orbit_bits(name) == KEPT["orbits"][name]
