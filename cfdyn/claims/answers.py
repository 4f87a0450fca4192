"""Answers to questions, filled with the numbers that claims measured."""

import re
from collections.abc import Mapping
from typing import Any

from cfdyn.claims.claim import Question
from cfdyn.claims.verdict import Verdict
from cfdyn.errors import UsageError

# {source.claim:name}, {source.claim:name.2} for an entry of a list, with a format such as |.4f behind.
_NUMBER = re.compile(r"\{(\w+\.\w+):([^{}|.]+)((?:\.\w+)*)(?:\|([^{}]*))?\}")


def filled(question: Question, verdicts: Mapping[str, Verdict], text: str | None = None) -> str:
    """The answer, or another text about the question, as a reader sees it; "…" replaces a number that was not measured.

    Raises
    ------
    UsageError : the text refers to a claim that is not among those of the question

    Examples
    --------
    >>> question = Question("Q0", "Where?", "Early.", "At r = {may1976.first_flip:flip|.3f}.", ("may1976.first_flip",))
    >>> filled(question, {})
    'At r = ….'
    """

    def number(match: re.Match[str]) -> str:
        name, key, entries, form = match.groups()
        if name not in question.claims:
            raise UsageError(f"{question.id} does not rest on {name}")
        value: Any = verdicts[name].measured.get(key) if name in verdicts else None
        try:
            for entry in entries.split(".")[1:]:
                value = value[int(entry)] if isinstance(value, list) else value[entry]
            return "…" if value is None else format(value, form or ("" if isinstance(value, str | int) else ".6g"))
        except (KeyError, IndexError, TypeError, ValueError):  # another kind of thing was measured
            return "…"

    return _NUMBER.sub(number, question.answer if text is None else text)
