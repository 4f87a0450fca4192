"""What a page asks a server about, as texts: parsed as on the command line, never by eval, and naming no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cfdyn.errors import UsageError
from cfdyn.explorer.scene import refuse
from cfdyn.studies.defaults import completed
from cfdyn.symbolic.optimizer import Optimizer
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

    def map(self) -> tuple[Map, list[float] | None]:
        """The map and its start, if the formula is one: "NAME -> FORMULA" for each variable, separated by ";"."""
        pairs = [part.partition(ARROW) for part in self.formula.split(";") if part.strip()]
        names = [name.strip() for name, _, _ in pairs]
        if not all(arrow for _, arrow, _ in pairs) or not all(map(str.isidentifier, names)) or len({*names}) < len(names):
            raise UsageError("a map is NAME -> FORMULA for each variable, separated by ;, such as x -> 1 - a*x**2 + y; y -> b*x")
        step = Map.from_text([text for _, _, text in pairs], names, self._params())
        return step, numbers(self.start, "start") if self.start.strip() else None

    def _params(self) -> dict[str, float]:
        return assignments([part for part in self.params.split(",") if part.strip()], "parameters")

    def subject(self, own: Loss | None) -> tuple[Loss, Optimizer, list[float]]:
        """The loss, the optimizer and the start; ``own``: the server's loss."""
        params = self._params()
        if self.formula.strip() or own is None:
            loss = refuse(Loss(self.formula.strip(), self.variables or None, params))
        else:
            loss = own.at(**params) if params else own
        optimizer, open_lr = make_optimizer(self.optimizer.strip())
        start = numbers(self.start, "start") if self.start.strip() else None
        optimizer, chosen, _ = completed(loss, optimizer, start, open_lr)
        return loss, optimizer, list(chosen)
