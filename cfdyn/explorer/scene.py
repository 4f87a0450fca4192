"""What a page knows of its loss and optimizer: their map as WebAssembly, parameters with ranges, a start, what is in view."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import cfdyn
from cfdyn.errors import CfdynError, UsageError
from cfdyn.explorer.module import assemble, slow
from cfdyn.explorer.terms import TERMS
from cfdyn.explorer.tour import tour_of
from cfdyn.kernels.orbits import DONE
from cfdyn.plotting.style import REGIMES
from cfdyn.registry import catalogue, title
from cfdyn.studies.defaults import edge_at, start_near
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.settings import parts
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum, minima
from cfdyn.systems.orbit import ESCAPE

LABELS = {"lr": "learning rate η", "momentum": "momentum β", "weight_decay": "weight decay", "beta1": "β₁", "beta2": "β₂",
          "eps": "ε"}  # fmt: skip
MOST_MINIMA, MARGIN = 8, 0.25  # that the page begins its own search at; of what is in view
BELOW, BEYOND, TRIED, TRIED_STEPS = 0.6, 6.0, 160, 400  # of the edge, and learning rates between at which the orbit is tried
UNITS = ("fraction", "unit", "inside unit")
FAR = 30.0  # times the learning rate: an edge there is not what the reader wants to see
SMALL = 1e-4  # a positive parameter below has a logarithmic slider


def scene_of(step: Map, loss: Loss, optimizer: Optimizer, start: Sequence[float] | None, ranges: Mapping[str, tuple[float, float]]) -> dict[str, Any]:  # noqa: E501
    """All that `document` embeds of a loss and an optimizer, ready for JSON."""
    known = minima(loss)
    state = step.state(start_near(loss, known) if start is None else start)
    params = _parameters(step, loss, optimizer, _rates(step, loss, optimizer, known, state) | dict(ranges))
    return of_any(step, state, params, next(iter(ranges), "lr" if "lr" in step.params else params[0]["name"])) | {
        "formula": loss.spec.title, "loss": True, "optimizer": optimizer.name, "title": _title(optimizer),
        "flows": bool(slow(step)),
        "rows": 0 if loss.spec.table is None else len(loss.spec.table), "view": _view(loss, known, state),
        "minima": [minimum.w.tolist() for minimum in known[:MOST_MINIMA]],
        "recipe": _recipe(loss, optimizer), "tour": tour_of(loss, optimizer),
    }  # fmt: skip


def of_any(step: Map, state: np.ndarray, params: list[dict[str, Any]], over: str) -> dict[str, Any]:
    """What every page has; ``over``: the parameter of its orbit diagram."""
    return {
        "version": cfdyn.__version__, "names": list(step.names), "weights": step.n_weights, "start": state.tolist(),
        "params": params, "labels": LABELS, "over": over, "shown": 100, "table": step.p[len(step.params) :].tolist(),
        "colours": REGIMES, "terms": TERMS, "bibtex": cfdyn.cite().bibtex,
        "wasm": base64.b64encode(assemble(step).wasm).decode(),
    }  # fmt: skip


def _title(optimizer: Optimizer) -> str:
    """What figures call it."""
    return title("optimizers", optimizer.name) if optimizer.name in catalogue("optimizers").names() else optimizer.name


def _rates(
    step: Map, loss: Loss, optimizer: Optimizer, known: list[Minimum], state: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Learning rates from below the edge to where the orbit diverges, the present one among them."""
    lr = step.params.get("lr")
    if lr is None:
        return {}
    try:
        border = edge_at(loss, optimizer, known[0])[0] if known else None
    except CfdynError:
        border = None
    edge = lr if border is None or not lr / FAR <= border.value <= lr * FAR else border.value
    rates = edge * np.linspace(1, BEYOND, TRIED)
    with np.errstate(all="ignore"):
        ends = next((rate for rate in rates if step.at(lr=rate).orbit(state, TRIED_STEPS, ESCAPE)[1] != DONE), 2.5 * edge)
    return {"lr": (float(f"{min(BELOW * edge, 0.8 * lr):.3g}"), max(float(f"{ends:.3g}"), 1.1 * lr))}


def _parameters(step: Map, loss: Loss, optimizer: Optimizer, ranges: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Those of the loss and of the optimizer, in the order of the map, each with its range."""
    own = {name: (plain, "optimizer", optimizer.domain.get(plain)) for plain, name in optimizer.beside(loss.params).items()}
    own |= {name: (name, "loss", None) for name in loss.params}
    rows = []
    for name, value in step.params.items():
        plain, of, domain = own[name]
        lo, hi = ranges.get(name) or _usual_range(value, domain)
        log = name not in ranges and 0 < value <= SMALL
        rows.append({"name": name, "own": plain, "of": of, "domain": domain, "value": value, "lo": lo, "hi": hi, "log": log})
    return rows


def _usual_range(value: float, domain: str | None) -> tuple[float, float]:
    if domain in UNITS:
        return (-0.99 if domain == "inside unit" else 0.0), max(0.999, value)
    if 0 < value <= SMALL and domain is not None:
        return 1e-4 * value, 1e4 * value
    if domain is not None:
        return (0.0 if domain == "nonnegative" else 0.01 * value), 2 * value or 1.0
    size = max(abs(value), 1.0)
    return value - 2 * size, value + 2 * size


def _view(loss: Loss, known: list[Minimum], state: np.ndarray) -> list[list[float]]:
    """For each weight what is drawn: the minima and the start with room around, or the loss's box where there is no minimum."""
    if not known and loss.spec.box is not None:
        return [list(pair) for pair in loss.spec.box]
    low = [minimum.w for minimum in known if minimum.loss <= known[0].loss + 1e-6 * (1 + abs(known[0].loss))][:MOST_MINIMA]
    points = np.array([*low, state[: loss.dim]])
    lo, hi = points.min(axis=0), points.max(axis=0)
    reach = np.maximum(hi - lo, np.maximum(1.0, np.abs(points).max()) if len(low) < 2 else 0.5 * (hi - lo).max())
    return np.stack([(lo + hi) / 2 - (0.5 + MARGIN) * reach, (lo + hi) / 2 + (0.5 + MARGIN) * reach], axis=1).tolist()


def _recipe(loss: Loss, optimizer: Optimizer) -> dict[str, Any] | None:
    """How both are written in Python and on the command line; None where a text does not say them."""
    try:
        made = catalogue("optimizers").get(optimizer.name)(**optimizer.params, **optimizer.options)
    except (CfdynError, TypeError):
        return None
    own = {"optimizer": optimizer.name, "options": dict(optimizer.options), "formula": loss.spec.formula.text, "variables": list(loss.variables)}  # noqa: E501
    if made.key != optimizer.key:
        return None
    if loss.spec.table is None:
        return {**own, "python": None, "command": None}
    name, settings = parts(loss.spec.name) if loss.spec.name else ("", "")
    if name not in catalogue("losses").names() or any("=" not in part for part in settings.split(",") if part):
        return None
    return {**own, "python": f"cf.losses.{name}({_arguments(settings)})", "command": loss.spec.name}


def _arguments(settings: str) -> str:
    """``features=1,name=x`` as arguments in Python."""
    given = [part.partition("=") for part in settings.split(",") if part]
    spelled = {"true": "True", "false": "False"}
    return ", ".join(f"{key.strip()}={spelled.get(value, value if _number(value) else repr(value))}" for key, _, value in given)


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def refuse(loss: Any) -> Loss:
    """The loss, if a page can show it: a formula of one or two weights; else a UsageError."""
    made = Loss.or_oracle(loss)
    if not isinstance(made, Loss):
        raise UsageError("a page shows a loss that is a formula of one or two weights, not a network or a loss that is known by "
                         "its products; cf.study and cf.compare take those")  # fmt: skip
    if made.dim > 2:
        raise UsageError(f"a page shows one or two weights, and this loss has {made.dim}; hold some of them fixed as parameters, "
                         "or draw it with cf.plot(cf.study(loss, optimizer))")  # fmt: skip
    return made
