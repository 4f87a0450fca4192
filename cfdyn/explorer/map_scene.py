"""What a page knows of a map of the reader's own, which has neither a loss nor an optimizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.explorer.scene import MARGIN, TRIED_STEPS, of_any
from cfdyn.kernels.orbits import DONE
from cfdyn.studies.defaults import MAP_START
from cfdyn.symbolic.maps import FormulaMap
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import ESCAPE

MOST_ENTRIES = 2


def checked_map(step: Map) -> Map:
    """The map, if a page can show it; else a UsageError."""
    if step.dim > MOST_ENTRIES:
        raise UsageError(f"a page shows a map of one or two variables, and {step.title} has {step.dim}")
    if not step.params:
        raise UsageError(f"a page varies a parameter, and {step.title} has none: write a name for a number, and give its value")
    return step


def scene_of_map(step: Map, start: Sequence[float] | None, ranges: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """All that `document` embeds, ready for JSON."""
    state = checked_map(step).state([MAP_START] * step.dim if start is None else start)
    params = [_parameter(name, value, ranges.get(name)) for name, value in step.params.items()]
    return of_any(step, state, params, next(iter(ranges), next(iter(step.params)))) | {
        "formula": step.title, "loss": False, "optimizer": "", "title": "", "flows": False, "rows": 0, "minima": [], "tour": [],
        "view": _view(step, state), "recipe": _recipe(step),
    }  # fmt: skip


def _parameter(name: str, value: float, given: tuple[float, float] | None) -> dict[str, Any]:
    reach = 0.4 * abs(value) or 1.0
    lo, hi = given or (float(f"{value - reach:.3g}"), float(f"{value + reach:.3g}"))
    return {"name": name, "own": name, "of": "map", "domain": None, "value": value, "lo": lo, "hi": hi, "log": False}


def _recipe(step: Map) -> dict[str, Any] | None:
    """How it is written in Python and on the command line; None where a text does not say it."""
    if not isinstance(step.spec, FormulaMap) or step.periodic:
        return None
    return {"map": [one.text for one in step.spec.formulas], "variables": list(step.names)}


def _view(step: Map, state: np.ndarray) -> list[list[float]]:
    """Around the second half of the orbit and the start; around the start alone if the orbit diverges."""
    states, status = step.orbit(state, 10 * TRIED_STEPS, ESCAPE)
    points = np.vstack([states[len(states) // 2 :] if status == DONE else states[:1], state])
    lo, hi = points.min(axis=0), points.max(axis=0)
    reach = np.where(hi > lo, hi - lo, np.maximum(1.0, np.abs(points).max()))
    return np.stack([(lo + hi) / 2 - (0.5 + MARGIN) * reach, (lo + hi) / 2 + (0.5 + MARGIN) * reach], axis=1).tolist()
