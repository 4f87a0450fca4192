"""Branches and curves as tables: their rows and, in order between them, the special points that lie behind a row."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def branch_table(branch: Any, numbered: bool | None = None) -> dict[str, list[Any]]:
    """Columns of a `Branch`; ``numbered``: whether states have the number of their point (default: only if there are several)."""
    special = [*((s.kind, s) for s in branch.bifurcations), *((s.function, s) for s in branch.zeros)]
    special.sort(key=lambda pair: (pair[1].place, abs(pair[1].parameter - branch.parameter[pair[1].place])))
    order, merged = _merged(len(branch), [s for _, s in special])
    points = merged(branch.points, [np.resize(s.points, branch.points.shape[1:]) for _, s in special])
    names = branch.provenance["settings"]["names"]
    nothing = [None] * len(branch)
    columns = {
        **_places(order, [kind for kind, _ in special], [s.place for _, s in special], len(branch)),
        branch.name: merged(branch.parameter, [s.parameter for _, s in special]),
        **_states(names, np.array(points), branch.period > 1 if numbered is None else numbered),
        **_multipliers("mu", merged(branch.multipliers, [s.multipliers for _, s in special])),
        "stable": merged(branch.stable.tolist(), [None] * len(special)),
        "coefficient": merged(nothing, [getattr(s, "coefficient", None) for _, s in special]),
    }  # fmt: skip
    # A function may be one of the columns itself.
    values = {name: merged(branch.quantity(name), [None] * len(special)) for name in branch.functions if name not in columns}
    return columns | values


def cycles_table(result: Any) -> dict[str, list[Any]]:
    """Columns of `Cycles`, a row for each of them."""
    names = result.provenance["settings"].get("names") or [f"x{k + 1}" for k in range(result.points.shape[2])]
    return {
        "period": [result.period] * len(result),
        **_states(names, result.points, result.period > 1),
        **_multipliers("mu", list(result.multipliers)),
        "stable": [cycle.stable for cycle in result],
    }


def curve_table(curve: Any, numbered: bool | None = None) -> dict[str, list[Any]]:
    """Columns of a `BifurcationCurve`, ``numbered`` as for branches; points of shorter cycles are repeated."""
    special = sorted(curve.special, key=lambda s: s.place)
    order, merged = _merged(len(curve), special)
    points = merged(curve.points, [np.resize(s.points, curve.points.shape[1:]) for s in special])
    names = curve.provenance["settings"].get("names") or [f"x{k + 1}" for k in range(curve.points.shape[2])]
    unknown = [np.full(curve.above.shape[1], np.nan)] * len(special)
    above = _multipliers("above", merged(curve.above, unknown)) if len(curve.above) else {}
    return {
        **_places(order, [s.kind for s in special], [s.place for s in special], len(curve)),
        **{name: merged(curve.parameters[:, k], [s.parameters[k] for s in special]) for k, name in enumerate(curve.names)},
        **_states(names, np.array(points), curve.period > 1 if numbered is None else numbered),
        **_multipliers("mu", merged(curve.multipliers, [s.multipliers for s in special])), **above,
        "coefficient": merged(curve.coefficient, [None] * len(special)),
    }  # fmt: skip


def _merged(count: int, special: Sequence[Any]) -> tuple[np.ndarray, Any]:
    """The order of rows and, behind them, special points, and a function that puts both into it."""
    order = np.argsort([*range(count), *(s.place + 0.5 for s in special)], kind="stable")

    def merged(rows: Any, others: Sequence[Any]) -> list[Any]:
        both = [*rows, *others]
        return [both[k] for k in order]

    return order, merged


def _places(order: np.ndarray, kinds: Sequence[str], places: Sequence[int], count: int) -> dict[str, list[Any]]:
    """The row, or the row behind which a special point lies, and the kind of point."""
    rows, points = [*range(count), *places], [*[None] * count, *kinds]
    return {"row": [rows[k] for k in order], "point": [points[k] for k in order]}


def _states(names: Sequence[str], points: np.ndarray, numbered: bool) -> dict[str, list[float]]:
    """A column for each entry of each point (rows, n, D): ``x``, or ``x_1``, ``x_2`` …"""
    return {f"{name}_{i + 1}" if numbered else name: points[:, i, j].tolist()
            for i in range(points.shape[1]) for j, name in enumerate(names)}  # fmt: skip


def _multipliers(name: str, rows: Sequence[np.ndarray]) -> dict[str, list[float]]:
    """``mu1``, ``mu2`` …; if any is complex, real and imaginary parts, ``mu1_re``, ``mu1_im`` …; NaN for unknown ones."""
    width = max(map(len, rows), default=0)
    filled = [np.asarray(row if len(row) == width else np.full(width, np.nan), dtype=complex) for row in rows]
    table = np.array(filled).reshape(len(rows), width)
    if not table.imag.any():
        return {f"{name}{k + 1}": table[:, k].real.tolist() for k in range(table.shape[1])}
    parts = {"re": table.real, "im": table.imag}
    return {f"{name}{k + 1}_{what}": part[:, k].tolist() for k in range(table.shape[1]) for what, part in parts.items()}
