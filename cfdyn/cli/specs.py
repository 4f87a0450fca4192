"""Text of the command line into losses, optimizers and numbers."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cfdyn.errors import UsageError, shown, unknown
from cfdyn.registry import Catalogue, catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import check_names, formula
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import Orbit

AVERAGES = ("last_two", "midpoints", "polyak")
# Not so long that it could overflow or lose all its digits without a word.
DECIMAL = re.compile(r"[+-]?\d{1,15}(\.\d{1,30})?(e[+-]?\d{1,2})?", re.ASCII)
SIDE = 5.0  # of the box where nothing says better
ENDLESS = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
FILE = re.compile(r"[^\s()*+]+\.(npz|csv|tsv|json|toml|txt)", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z_]\w*(:.*)?", re.ASCII | re.DOTALL)

Box = list[tuple[float, float]]


def build(entries: Catalogue, text: str, kind: str) -> Any:
    """``"name:a=1,b=2"`` → the entry called with those options; ``"name:data.csv,a=1"`` where the first is a text.

    Raises
    ------
    UsageError : unknown name or option, or a value that is not a number, true or false
    """
    name, _, settings = text.partition(":")
    entry = entries.get(name.strip())
    return entry(**options(entry, settings, f"{kind} {name.strip()}"))


def options(entry: Callable, settings: str, what: str) -> dict[str, Any]:
    """``"a=1,flag=true"`` checked against the entry's signature.

    The first item may stand without a name if the first option is a text, such as a file. Texts are taken
    as they are, so they may hold anything but a comma.
    """
    known = inspect.signature(entry).parameters
    found: dict[str, Any] = {}
    for place, item in enumerate(filter(None, (part.strip() for part in settings.split(",")))):
        key, equals, value = (s.strip() for s in item.partition("="))
        if not equals and place == 0 and known and _is_text(next(iter(known.values()))):
            key, value = next(iter(known)), item
        elif not equals:
            commas = " (a file name cannot hold a comma)" if any(map(_is_text, known.values())) else ""
            raise UsageError(f"{what}: write options as name=value, not {item!r}{commas}")
        if key not in known:
            raise unknown(f"option of the {what}:", key, known)
        if key in found:
            raise UsageError(f"{what}: {key} is given twice")
        found[key] = value if _is_text(known[key]) else _value(value, known[key].annotation, f"{what}: {key}")
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in found:
            example = "data.csv" if _is_text(parameter) else f"{key}=0.1"
            raise UsageError(f"{what} needs {key}, such as {what.split()[-1]}:{example}")
    return found


def _is_text(parameter: inspect.Parameter) -> bool:
    """Annotated as str, or as str or something else."""
    wanted = getattr(parameter.annotation, "__name__", parameter.annotation)
    return "str" in (part.strip() for part in str(wanted).split("|"))


def _value(text: str, wanted: Any, what: str) -> Any:
    """The text as the annotated type: bool, int or float."""
    wanted = getattr(wanted, "__name__", wanted)
    if wanted == "bool":
        if text.lower() not in ("true", "false"):
            raise UsageError(f"{what} is true or false, not {text!r}")
        return text.lower() == "true"
    try:
        value = number(text)
    except UsageError as error:
        raise UsageError(f"{what}={text!r} is not a number: {error}") from None
    if wanted == "int" and value != int(value):
        raise UsageError(f"{what} is a whole number, not {text!r}")
    return int(value) if wanted == "int" else value


def check_flow(text: str) -> None:
    """An unknown flow is an error before anything is computed."""
    name, known = text.partition(":")[0].strip(), catalogue("flows")
    if name not in known.names():
        raise unknown("flow", name, known.names(), "cfdyn list flows")


def build_flow(text: str, loss: Loss, optimizer: Optimizer) -> Flow:
    """``"edge:secant=true"`` → that model of the optimizer on the loss."""
    check_flow(text)
    name, _, settings = text.partition(":")
    entry = partial(catalogue("flows").get(name.strip()), loss, optimizer)
    return entry(**options(entry, settings, f"flow {name.strip()}"))


def number(text: str) -> float:
    """A plain decimal, or a constant expression such as 1/3 or 2*pi, which takes SymPy to read."""
    if DECIMAL.fullmatch(text):
        return float(text)
    from cfdyn.symbolic.text.parse import parse_value

    return parse_value(text)


def make_loss(text: str, settings: list[str], variables: str | None) -> Loss:
    """A catalogue name with options, or a formula; ``--set`` and ``--variables`` applied."""
    params = assignments(settings)
    if NAME.fullmatch(text.strip()):
        if variables:
            raise UsageError("--variables belongs to a formula; the catalogue's losses name their own")
        loss = build(catalogue("losses"), text.strip(), "loss")
        return loss.at(**params) if params else loss
    if FILE.fullmatch(text.strip()):
        raise UsageError(f"{shown(text.strip())} is the name of a file, where a formula or a loss of the catalogue is wanted; "
                         "a table of data is part of one, as in logistic:FILE.csv,target=COLUMN")  # fmt: skip
    return Loss(text.strip(), variables, params)


def make_optimizer(text: str) -> tuple[Optimizer, bool]:
    """The optimizer, and whether its learning rate is still to be chosen."""
    name, _, settings = text.partition(":")
    entry = catalogue("optimizers").get(name.strip())
    open_lr = not any(part.partition("=")[0].strip() == "lr" for part in settings.split(","))
    if open_lr:
        settings = ",".join(filter(None, [settings, "lr=1"]))
    return entry(**options(entry, settings, f"optimizer {name.strip()}")), open_lr


def make_map(text: str, settings: list[str], variables: str | None, periodic: Sequence[str] = ()) -> Map:
    """``--map``: one formula for each variable, separated by semicolons; ``--periodic``: which of them are angles."""
    formulas = [part for part in text.split(";") if part.strip()]
    return Map.from_text(formulas, variables, assignments(settings), periods(periodic))


def periods(items: Sequence[str]) -> dict[str, float]:
    """``--periodic``: ``["x=2*pi", "y=1"]`` → {"x": 6.283…, "y": 1.0}."""
    return assignments([part for item in items for part in item.split(",")], "--periodic", "x=2*pi")


def with_values(settings: list[str], text: str, values: dict[str, float]) -> list[str]:
    """``--set`` with values for those names of the formulas that were given none."""
    check_names(values)
    used = {name for part in text.split(";") if part.strip() for name in formula(part).names}
    known = {item.partition("=")[0].strip() for item in settings}
    return [*settings, *(f"{name}={value!r}" for name, value in values.items() if name in used - known)]


def assignments(settings: list[str], option: str = "--set", example: str = "a=2") -> dict[str, float]:
    """``["a=2", "b=1/3"]`` → {"a": 2.0, "b": 0.333…}."""
    found: dict[str, float] = {}
    for item in settings:
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not name:
            raise UsageError(f"{option} takes NAME=VALUE, such as {option} {example}, not {item!r}")
        found[name] = _value(value, "float", f"{option} {name}")
    return found


def numbers(text: str, what: str) -> list[float]:
    """``"1.5,-0.3"`` → [1.5, -0.3]."""
    parts = [part.strip() for part in text.split(",")]
    return [_value(part, "float", f"{what}: entry {i}") for i, part in enumerate(parts, 1)]


def intervals(text: str, what: str) -> list[tuple[float, float]]:
    """``"-1:1,0:2"`` → [(-1, 1), (0, 2)]."""
    found = []
    for part in text.split(","):
        lo, colon, hi = part.partition(":")
        if not colon:
            raise UsageError(f"{what} takes lo:hi for each weight, such as -2:2,-1:3, not {text!r}")
        found.append((_value(lo, "float", what), _value(hi, "float", what)))
    return found


def box(text: str) -> Box:
    """``--box`` of cycles: ``"-1:1,0:inf"`` → [(-1, 1), (0, inf)]."""
    found: Box = []
    for part in text.split(","):
        lo, colon, hi = (end.strip() for end in part.partition(":"))
        if not colon:
            raise UsageError(f"--box takes lo:hi for each variable, such as -2:2,-1:3, not {text!r}")
        found.append((_end(lo), _end(hi)))
    return found


def _end(text: str) -> float:
    if text.lstrip("+-").lower() == "nan":
        raise UsageError(f"the ends of a box are numbers, inf or -inf, not {text!r}")
    return ENDLESS[text] if text in ENDLESS else _value(text, "float", "--box")


def usual_box(step: Map, loss: Loss | None = None) -> Box:
    """Where cycles are looked for unless the user says: the loss's own box, the whole line, or 5 to either side of 0."""
    if step.periodic:
        return [(0.0, step.periodic[name]) if name in step.periodic else (-SIDE, SIDE) for name in step.names]
    if loss is None and step.dim == 1:
        return [(-math.inf, math.inf)]
    usual = list(loss.spec.box or []) if loss is not None else []
    usual = usual or [(-SIDE, SIDE)] * (loss.dim if loss is not None else step.dim)
    return usual + [(-SIDE, SIDE)] * (step.dim - len(usual))


def average(orbit: Orbit, text: str) -> Any:
    """``--average``: one of the orbit's averages, (m, d)."""
    kind, equals, decay = text.partition("=")
    if kind == "ema":
        if not equals:
            raise UsageError("--average ema needs its decay, such as ema=0.9")
        return orbit.ema(_value(decay, "float", "--average ema"))
    if text not in AVERAGES:
        raise unknown("average", text, [*AVERAGES, "ema=0.9"])
    return getattr(orbit, text)()
