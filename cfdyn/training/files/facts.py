"""What the arrays of a run say about it: how far they are filled, how it ended, and what its models did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cfdyn.training.config import Config


class Facts(NamedTuple):
    """As `Lockstep.flush` writes them; ``models``: {name: {status, notes, work}}; ``state``: entries of the optimizer's."""

    status: str
    steps: int
    rows: int
    remarks: tuple[str, ...]
    work: dict[str, float]
    models: dict[str, dict[str, Any]]
    weights: int
    state: int


def facts_of(given: Mapping[str, Any], config: Config) -> Facts:
    """The facts among the attributes; a ValueError where one is missing or none that a run of these settings has."""
    weights = _count(given.get("weights", 0), 2**40)
    steps = _count(given.get("steps"), config.steps)
    models = {_text(name): _model(told) for name, told in _mapping(given.get("models", {})).items()}
    return Facts(
        _text(given.get("status")), steps, _count(given.get("rows"), steps), tuple(_texts(given.get("remarks", []))),
        _numbers(given.get("work", {})), models, weights, _count(given.get("state", weights), 2**40),
    )  # fmt: skip


def _model(told: Any) -> dict[str, Any]:
    told = _mapping(told)
    return {"status": _text(told.get("status")), "notes": _texts(told.get("notes")), **_numbers({"work": told.get("work")})}


def _count(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{value!r:.40} is no number from 0 to {most}")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r:.40} has no names")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is no text")
    return value


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r:.40} is no list")
    return [_text(one) for one in value]


def _numbers(value: Any) -> dict[str, float]:
    if any(type(one) not in (int, float) or abs(one) > 1e300 for one in _mapping(value).values()):
        raise ValueError("a number is none")
    return value
