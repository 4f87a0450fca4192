"""Words that stand for numbers in a claim to be proved, the same in Python and on the command line."""

from __future__ import annotations

from typing import Any

ABOVE = {"above 1": 1, "above 2": 2}  # periods: all above 1, all above 2
MAX = "max"  # the upper end of an interval: the largest that can be proved


def all_above(period: Any) -> str | None:
    """The word of certificates for all periods above one, from any of its spellings; None for anything else.

    >>> all_above("above 2"), all_above("all above 2"), all_above("above 3"), all_above(3)
    ('all above 2', 'all above 2', None, None)
    """
    words = " ".join(period.split()).removeprefix("all ") if isinstance(period, str) else ""
    return f"all {words}" if words in ABOVE else None


def is_max(end: Any) -> bool:
    """True for an upper end that is searched for.

    >>> is_max("max"), is_max(None), is_max("1.5")
    (True, True, False)
    """
    return end is None or isinstance(end, str) and end.strip() == MAX
