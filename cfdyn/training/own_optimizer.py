"""Optimizers given as objects, as texts in the folder of a run: NAME:option=value,… and, where no name makes them, formulas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cfdyn.errors import CfdynError, UsageError
from cfdyn.registry import catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import PROGRAM, Formula
from cfdyn.symbolic.text.settings import options, parts

GROUPS, SINGLE = ("update", "define", "flow"), ("gradient", "probe", "preconditioner", "threshold")
VALUES = ("params", "initial", "domain", "options")


def exactly(optimizer: Optimizer) -> str:
    """NAME:option=value,… with all digits, so that a run continues with the same numbers.

    >>> import cfdyn as cf
    >>> exactly(cf.optimizers.gd(lr=1 / 3)), str(cf.optimizers.gd(lr=1 / 3))
    ('gd:lr=0.3333333333333333', 'gd:lr=0.333333')
    """
    settings = [f"{name}={float(value)!r}" for name, value in optimizer.params.items()]
    return f"{optimizer.name}:{','.join(settings + [f'{name}={str(on).lower()}' for name, on in optimizer.options.items()])}"


def formulas_of(optimizer: Optimizer) -> str | None:
    """The formulas and numbers of an optimizer in JSON, which `read_formulas` reads; None where its name and options make it.

    >>> import cfdyn as cf
    >>> formulas_of(cf.optimizers.adam(lr=0.1)) is None
    True
    >>> own = cf.Optimizer.from_text({"w": "w - lr*v", "v": "b*v + g"}, {"lr": 0.1, "b": 0.5}, name="gd")
    >>> read_formulas(formulas_of(own))
    Optimizer(gd:lr=0.1,b=0.5; w ← w - lr*v, v ← b*v + g)
    """
    mine = _specified(optimizer)
    try:
        name, settings = parts(exactly(optimizer))
        entry = catalogue("optimizers").get(name)
        if _specified(entry(**options(entry, settings, f"optimizer {name}"))) == mine:
            return None
    except CfdynError:
        pass
    formulas = [f for f in (*optimizer.update.values(), *optimizer.define.values(), *optimizer.flow.values(),
                            *(getattr(optimizer, name) for name in SINGLE)) if f is not None]  # fmt: skip
    if type(optimizer) is not Optimizer or any(f.key.startswith(PROGRAM) for f in formulas):
        raise UsageError(f"{optimizer.name} is no text, so its run could not be resumed; write it with cf.Optimizer.from_text")
    return json.dumps(mine, ensure_ascii=False, default=float)


def read_formulas(text: str) -> Optimizer:
    """The optimizer of such a text, read as formulas are and never run; a UsageError for any other."""
    try:
        return Optimizer.from_text(**json.loads(text))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"the formulas of its optimizer cannot be read: {error}") from None


def _specified(optimizer: Optimizer) -> dict[str, Any]:
    """The arguments of `Optimizer.from_text` that make it."""
    fields: dict[str, Any] = {"name": optimizer.name}
    fields |= {name: _texts(getattr(optimizer, name)) for name in GROUPS}
    fields["shared"] = {name: fields["update"].pop(name) for name in optimizer.shared}
    for name in SINGLE:
        one = getattr(optimizer, name)
        fields[name] = None if one is None else one.text
    return fields | {name: dict(getattr(optimizer, name)) for name in VALUES}


def _texts(formulas: Mapping[str, Formula]) -> dict[str, str]:
    return {name: one.text for name, one in formulas.items()}
