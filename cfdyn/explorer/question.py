"""What a page asks a server about, as texts: parsed as on the command line, never by eval, and naming no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.explorer.scene import refuse
from cfdyn.explorer.subject import Subject, subject_of
from cfdyn.studies.defaults import completed
from cfdyn.symbolic.text.settings import assignments, make_optimizer, numbers
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map

ARROW = "->"  # of a map
MOST_TEXT = 4000  # characters of a field


@dataclass(frozen=True)
class Question:
    """A loss by its formula ("" for the loss that the server was started with), or a map, such as "x -> r*x*(1 - x)"; parameters
    "a=1,b=2", an optimizer, a start."""

    formula: str = ""
    variables: str = ""
    params: str = ""
    optimizer: str = "gd"
    start: str = ""

    @classmethod
    def of(cls, given: Any) -> Question:
        """From JSON of a page; a UsageError unless it is an object of short texts under these names."""
        names = [field.name for field in fields(cls)]
        if not isinstance(given, Mapping) or not set(given) <= set(names):
            raise UsageError(f"a question is an object with the keys {', '.join(names)}")
        if not all(isinstance(text, str) and len(text) <= MOST_TEXT for text in given.values()):
            raise UsageError(f"each field is a text of at most {MOST_TEXT} characters")
        return cls(**given)

    def subject(self, own: Loss | Map | None) -> Subject:
        """What is asked about; ``own``: what the server shows where no formula is typed."""
        params = assignments([part for part in self.params.split(",") if part.strip()], "parameters")
        start = numbers(self.start, "start") if self.start.strip() else None
        formula = self.formula.strip().replace("→", ARROW)
        if ARROW in formula:
            return Subject(_map(formula, params), None, start)
        if isinstance(own, Map) and not formula:
            return Subject(own.at(**params), None, start)
        loss = own.at(**params) if isinstance(own, Loss) and not formula else Loss(formula, self.variables or None, params)
        optimizer, open_lr = make_optimizer(self.optimizer.strip())
        optimizer, chosen, _ = completed(refuse(loss), optimizer, start, open_lr)
        return subject_of(loss, optimizer, list(chosen))


def _map(formula: str, params: dict[str, float]) -> Map:
    """From "NAME -> FORMULA" for each variable, separated by ";"."""
    pairs = [part.partition(ARROW) for part in formula.split(";") if part.strip()]
    names = [name.strip() for name, _, _ in pairs]
    if not all(arrow for _, arrow, _ in pairs) or not all(map(str.isidentifier, names)) or len({*names}) < len(names):
        raise UsageError("a map is NAME -> FORMULA for each variable, separated by ;, such as x -> 1 - a*x**2 + y; y -> b*x")
    return Map.from_text([text for _, _, text in pairs], names, params)
