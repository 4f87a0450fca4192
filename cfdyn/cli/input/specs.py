"""Losses, optimizers, flows, data and networks from names with options, such as ``heavy_ball:lr=0.1,momentum=0.9``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import cfdyn
from cfdyn.errors import UsageError, shown, unknown
from cfdyn.registry import catalogue
from cfdyn.symbolic.text.settings import CALLED, DECIMAL, assignments, options, parts

if TYPE_CHECKING:
    from cfdyn.symbolic.optimizer import Optimizer
    from cfdyn.systems.flow import Flow
    from cfdyn.systems.loss import Loss

STOCHASTIC = "stochastic"  # the central flow with the noise of the runs beside it
CATALOGUES = ("losses", "optimizers", "flows", "networks", "data")
FILE = re.compile(r"[^\s()*+]+\.(npz|csv|tsv|json|toml|txt)", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z_]\w*(:.*)?", re.ASCII | re.DOTALL)


def make_loss(text: str, settings: Sequence[str], variables: str | None) -> Loss:
    """A catalogue name with options, or a formula; ``--set`` and ``--variables`` applied."""
    params = assignments(settings, "--set")
    if NAME.fullmatch(text.strip()):
        if variables:
            raise UsageError("--variables belongs to a formula; the catalogue's losses name their own")
        name, given = parts(text.strip())
        entry = catalogue("losses").get(name)
        loss = entry(**options(entry, given, f"loss {name}"))
        return loss.at(**params) if params else loss
    if (called := CALLED.fullmatch(text.strip())) and called[1] in catalogue("losses").names():
        parts(text)
    if text.strip().lower().endswith(".py"):
        raise UsageError(f"{shown(text.strip())} is a Python file; give a formula or a loss from the catalogue. "
                         "In Python, cf.study takes a function")  # fmt: skip
    if FILE.fullmatch(text.strip()):
        raise UsageError(f"{shown(text.strip())} is a file name; give a formula or a loss from the catalogue. "
                         "A table of data belongs to a loss, as in logistic:FILE.csv,target=COLUMN")  # fmt: skip
    return cfdyn.Loss(text.strip(), variables, params)


def check_flow(text: str) -> None:
    """Raise an error for an unknown flow before anything is computed."""
    name, known = parts(text)[0], catalogue("flows")
    if name not in known.names():
        raise unknown("flow", name, known.names(), "cfdyn list flows")


def make_flow(text: str, loss: Loss, optimizer: Optimizer) -> Flow:
    """``"edge:secant=true"`` → that model of the optimizer on the loss."""
    check_flow(text)
    name, settings = parts(text)
    entry = partial(catalogue("flows").get(name), loss, optimizer)
    return entry(**options(entry, settings, f"flow {name}"))


def make_flows(names: dict[str, str] | None, loss: Loss, optimizer: Optimizer) -> dict[str, str | Flow] | None:
    """Models by the names of `flow_names`; those without options are left to `cfdyn.compare`, which knows the noise."""
    if names is None:
        return None
    return {name: text if ":" not in text else make_flow(text, loss, optimizer) for name, text in names.items()}


def flow_names(text: str | None, noisy: bool = False) -> dict[str, str] | None:
    """``"central,edge:secant=true,tol=1e-6"`` → {"central": "central", "edge": "edge:secant=true,tol=1e-6"}; None for None.

    ``noisy``: "stochastic" is also a model.
    """
    if text is None:
        return None
    models: list[str] = []
    for part in (piece.strip() for piece in text.split(",")):
        # Options, and the numbers of a list, belong to the model before them.
        if models and ":" not in part and ("=" in part or ("=" in models[-1] and DECIMAL.fullmatch(part))):
            models[-1] += f",{part}"
        elif part:
            models.append(part)
    if not models:
        from cfdyn.studies.comparison import MODELS

        raise UsageError(f"--models takes names such as {','.join(MODELS)}, not {text!r}")
    if len(set(models)) < len(models):
        raise UsageError("--models names a model twice")
    for model in models:
        if not (noisy and model == STOCHASTIC):
            check_flow(model)
    short = [model.partition(":")[0] for model in models]
    # Options distinguish two variants of one model.
    return {name if short.count(name) == 1 else model: model for name, model in zip(short, models, strict=True)}
