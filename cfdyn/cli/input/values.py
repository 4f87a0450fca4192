"""Numbers, intervals and assignments as they are written on the command line."""

import math
import re
from collections.abc import Sequence
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.symbolic.text.settings import assignments as assignments
from cfdyn.symbolic.text.settings import numbers as numbers
from cfdyn.symbolic.text.settings import value

Interval = tuple[float, float]

SIZE = re.compile(r"([0-9]{1,9}\.?[0-9]{0,9})\s*(?:[x×]\s*([0-9]{1,9}\.?[0-9]{0,9}))?\s*(cm|mm|in)?")
UNITS = {"cm": 2.54, "mm": 25.4, "in": 1.0}  # in an inch
ENDLESS = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf}


def intervals(text: str, what: str) -> list[Interval]:
    """``"-1:1,0:2"`` → [(-1, 1), (0, 2)], one for each weight."""
    return [(value(lo, "float", what), value(hi, "float", what)) for lo, hi in _ends(text, what, "weight")]


def limits(text: str, what: str) -> Interval:
    """``--xlim``: ``"0.5:2"`` → (0.5, 2)."""
    ends = intervals(text, what) if text.count(":") == 1 and "," not in text else []
    if not ends or not ends[0][0] < ends[0][1]:
        raise UsageError(f"{what} takes LO:HI with LO < HI, such as 0.5:2, not {text!r}")
    return ends[0]


def size(text: str, what: str = "--figsize") -> tuple[float, float | None]:
    """``"16x9cm"`` → (6.299…, 3.543…) inches; a width alone → (width, None), as high as the panels need.

    >>> size("6.4x4.8"), size("63.5mm"), size("2.54 x 5.08 cm")
    ((6.4, 4.8), (2.5, None), (1.0, 2.0))
    """
    match = SIZE.fullmatch(text.strip().lower())
    if not match:
        raise UsageError(f"{what} takes WxH or a width, in inches or with a unit, such as 6x4, 16x9cm or 8cm: not {text[:30]!r}")
    width, height, unit = match.groups()
    return float(width) / UNITS[unit or "in"], float(height) / UNITS[unit or "in"] if height else None


def box(text: str) -> list[Interval]:
    """``--box`` of cycles: ``"-1:1,0:inf"`` → [(-1, 1), (0, inf)], one for each variable."""
    return [(_end(lo), _end(hi)) for lo, hi in _ends(text, "--box", "variable")]


def _ends(text: str, what: str, each: str) -> list[tuple[str, str]]:
    pairs = [part.partition(":") for part in text.split(",")]
    if not all(colon for _, colon, _ in pairs):
        raise UsageError(f"{what} takes lo:hi for each {each}, such as -2:2,-1:3, not {text!r}")
    return [(lo.strip(), hi.strip()) for lo, _, hi in pairs]


def _end(text: str) -> float:
    if text.lstrip("+-").lower() == "nan":
        raise UsageError(f"the ends of a box are numbers, inf or -inf, not {text!r}")
    return ENDLESS[text] if text in ENDLESS else value(text, "float", "--box")


def varied(vary: str) -> tuple[str, Interval]:
    """``--vary``: ``"lr=0.1:2"`` → ("lr", (0.1, 2)), the parameter and its bounds."""
    if not vary.strip():
        raise UsageError("give the parameter and its range: --vary NAME=LO:HI, such as --vary lr=0.1:2")
    name, equals, text = (part.strip() for part in vary.partition("="))
    if not equals or not name or text.count(":") != 1 or "," in text:
        raise UsageError(f"--vary takes NAME=LO:HI, such as lr=0.1:2, not {vary!r}")
    lo, hi = intervals(text, f"--vary {name}")[0]
    if not lo < hi:
        raise UsageError(f"--vary {name}=LO:HI needs LO < HI, such as {name}=0.1:2, not {text}")
    return name, (lo, hi)


def scanned(vary: str, count: int = 1000) -> tuple[str, Interval, int]:
    """``--vary``: ``"lr=0.1:2:500"`` → ("lr", (0.1, 2), 500); ``count`` by default."""
    head, _, last = vary.rpartition(":")
    named = head.count(":") == 1
    if vary.count(":") > 1 and not named:
        raise UsageError(f"--vary takes NAME=LO:HI:COUNT, such as lr=0.1:2:1000, not {vary!r}")
    name, bounds = varied(head if named else vary)
    return name, bounds, value(last, "int", f"--vary {name}") if named else count


def windowed(ranges: Sequence[Interval], window: str | None) -> list[Interval]:
    """``--window``: ``"1.2:1.4,0:0.5"`` in place of the ranges, each a subinterval of its range."""
    if window is None:
        return list(ranges)
    parts = intervals(window, "--window")
    if len(parts) != len(ranges):
        raise UsageError(f"--window takes {len(ranges)} range{'s' if len(ranges) > 1 else ''} LO:HI, not {len(parts)}")
    for (lo, hi), (low, high) in zip(parts, ranges, strict=True):
        if not low <= lo < hi <= high:
            raise UsageError(f"--window {lo:g}:{hi:g} is not part of {low:g}:{high:g}")
    return parts


def periods(items: Sequence[str]) -> dict[str, float]:
    """``--periodic``: ``["x=2*pi", "y=1"]`` → {"x": 6.283…, "y": 1.0}."""
    return assignments([part for item in items for part in item.split(",")], "--periodic", "x=2*pi")


def given(**options: Any) -> dict[str, Any]:
    """Those of the options that have a value."""
    return {name: value for name, value in options.items() if value is not None}


def swept(text: str) -> tuple[str, list[float]]:
    """``--vary`` of random maps: ``"noise=0.1,0.2"`` → ("noise", [0.1, 0.2]); ``"lr=0.1:0.4:3"`` → ("lr", [0.1, 0.2, 0.4])."""
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not name or not values:
        raise UsageError(f"--vary takes NAME=A,B,… or NAME=A:B:N, such as noise=0.01:1:9, not {text!r}")
    given = spaced(values, f"--vary {name}")
    if name in ("batch", "repeat"):
        given = list(dict.fromkeys(float(round(v)) for v in given))
    return name, given


def spaced(text: str, what: str) -> list[float]:
    """``"0.1,0.4"`` → [0.1, 0.4]; ``"0.1:0.4:3"`` → [0.1, 0.2, 0.4], each by the same factor larger than the one before."""
    if ":" not in text:
        return numbers(text, what)
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3:
        raise UsageError(f"{what} takes numbers, A,B,…, or A:B:N for N of them from A to B, not {text!r}")
    low, high, count = value(parts[0], "float", what), value(parts[1], "float", what), value(parts[2], "int", what)
    if not (0 < low < high < math.inf and 2 <= count <= 1000):
        raise UsageError(f"{what} A:B:N needs 0 < A < B and N from 2 to 1000, not {text}")
    return [low * (high / low) ** (k / (count - 1)) for k in range(count - 1)] + [high]
