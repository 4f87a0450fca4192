"""`bifurcation_curve`: a bifurcation, or any condition on a cycle, followed in two parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.analysis import _curve_start as start_of
from cfdyn.analysis._codimension_two import Found, Place, codimension_two, sound
from cfdyn.analysis._continuation import Solved, Traced
from cfdyn.analysis._curve_system import CurveTracer
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records import Record, provenance
from cfdyn.systems import Map, require_map

MOST_STEPS = 2000
STEP = 0.02


@dataclass(frozen=True)
class CodimensionTwo(Record):
    """A special point of a bifurcation curve.

    ``kind``: "cusp", "generalized flip", "fold-flip", "resonance 1:1" … "resonance 1:4", "chenciner",
    "fold-neimark-sacker", "flip-neimark-sacker", "double neimark-sacker"; on the curve of a condition the bifurcation of
    the cycle there. ``parameters`` (2,), ``points`` (n, D), ``multipliers`` (D,), ``place``: the row that it lies behind.
    """

    kind: str
    parameters: np.ndarray
    points: np.ndarray
    multipliers: np.ndarray
    place: int


@dataclass(frozen=True)
class BifurcationCurve(Record):
    """A curve in the plane of two parameters.

    ``kind``: "fold", "flip", "neimark-sacker", "border collision" or "condition"; ``names`` of the parameters and their
    ``bounds`` (2, 2); ``parameters`` (m, 2), ``points`` (m, n, D), ``multipliers`` (m, D); ``coefficient`` (m,): a, c or d
    of the normal form (see `normal_form`), whose sign says what is born, NaN where there is none. ``special``: the points of
    codimension two, in order. ``ends``: why the curve has no more rows, at its first and its last one; ``closed``: it comes
    back to its start. ``condition``: its text.
    """

    kind: str
    names: tuple[str, str]
    parameters: np.ndarray
    points: np.ndarray
    multipliers: np.ndarray
    coefficient: np.ndarray
    special: list[CodimensionTwo]
    ends: tuple[str, str]
    closed: bool
    period: int
    bounds: np.ndarray
    condition: str = ""

    def __len__(self) -> int:
        return len(self.parameters)


def bifurcation_curve(
    step: Map, bifurcation: Any, parameters: Sequence[str] = ("lr", "a"), bounds: Sequence[Sequence[float]] = ((0, 1), (0, 1)),
    condition: str | None = None, search: bool = False, max_steps: int = MOST_STEPS, max_step: float = STEP,
    progress: Callable[[int], None] | None = None,
) -> BifurcationCurve:  # fmt: skip
    """The curve of flips, folds, Neimark–Sacker points, border collisions, or points of a condition, in two parameters.

    Pseudo-arclength continuation, in both directions, of f(x_i) = x_{i+1} with A_i q_i = q_{i+1}, q_{n+1} = ∓q_1 (flip,
    fold), or q_{2n+1} − 2 cos θ q_{n+1} + q_1 = 0 (Neimark–Sacker), or one scalar equation for x_1 and the parameters.
    Points of codimension two are located to round-off; a Neimark–Sacker curve ends at the resonances 1:1 and 1:2.

    Parameters
    ----------
    step : the map, with its parameters at the start
    bifurcation : a `Bifurcation` of a branch, an `Edge`, a `NormalForm`, (kind, points), or with ``condition`` the points
        alone: (n, D) of a cycle near the start
    parameters : two names
    bounds : ((lo, hi), (lo, hi)) of the parameters, where the curve ends
    condition : the left side of "expression = 0", in the names of the state (the cycle's first point) and the parameters
    search : the points are of any cycle: continue it along the first parameter, or the second, to what is to be followed
    max_steps : in each direction
    max_step : the longest, 1 being the length of the bounds or the distance in which the map's Jacobian changes much
    progress : told the number of steps

    Raises
    ------
    NumericsError : no such point near the start (the multipliers are named), or none along the parameters
    UsageError : an unknown parameter, name or kind, or bounds that are no intervals around the start

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3675, "b": 0.3})
    >>> point = [[0.952381, 0.285714]]
    >>> curve = cf.analysis.bifurcation_curve(step, ("flip", point), ("a", "b"), ((0.1, 3), (-0.9, 0.9)))
    >>> a, b = curve.parameters.T
    >>> print(abs(a - 3 * (1 - b) ** 2 / 4).max() < 1e-12, curve.ends)
    True ('b = -0.9', 'a = 0.1')
    >>> cubic = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": 1.5})
    >>> fold = cf.analysis.bifurcation_curve(cubic.at(k=0.136), ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 3)))
    >>> [(s.kind, [round(float(v), 9) + 0.0 for v in s.parameters]) for s in fold.special]
    [('cusp', [0.0, 1.0])]

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, ch. 9, §10.5; Kuznetsov & Meijer, SIAM J. Sci. Comput. 26 (2005).
    """
    names, box = start_of.checked(require_map(step), parameters, bounds)
    if max_steps < 1 or not 0 < max_step <= 1:
        raise UsageError(f"max_steps is at least 1 and max_step lies in (0, 1], not {max_steps} and {max_step}")
    begun = start_of.start(step, bifurcation, names, box, condition, search)
    tracer = CurveTracer(begun.step, begun.kind, begun.points, names, box, begun.rule)
    first = tracer.begin()
    forward, places = sound(tracer, tracer.follow(first, max_steps, max_step, progress=progress))
    ends = (forward.end, forward.end)
    if not places:
        raise NumericsError(f"there is no {tracer.what} near the start: Newton's method creeps to a pole or jump of the map")
    if forward.end != "closed":
        turned = Solved(first.z, -first.tangent, -first.values)
        back, before = sound(tracer, tracer.follow(turned, max_steps, max_step, progress=progress))
        forward, ends, places = _joined(back, forward), (back.end, forward.end), [*before[:0:-1], *places]
    return _record(tracer, forward, places, ends, condition or "")


def _joined(back: Traced, forward: Traced) -> Traced:
    """Both legs as one; the start is the first row of either."""
    signs = (1, -1, -1)
    rows = [np.concatenate([s * a[:0:-1], b]) for s, a, b in zip(signs, back[:3], forward[:3], strict=True)]
    return Traced(rows[0], rows[1], rows[2], forward.end)


def _record(tracer: CurveTracer, found: Traced, places: list[Place], ends: tuple[str, str], condition: str) -> BifurcationCurve:
    special, coefficient = codimension_two(tracer, found, places)
    words = [_reason(tracer, found.points[-side], end) for side, end in enumerate(ends)]
    if tracer.turns == 2:
        special = [*(_end_point(found, side) for side in (0, 1) if words[side].startswith("resonance")), *special]
        special.sort(key=lambda s: s.row)
    settings = provenance(map=tracer.step.title, params=tracer.step.params, parameters=tracer.names, bounds=tracer.bounds)
    return BifurcationCurve(
        tracer.kind, (tracer.names[0], tracer.names[1]), found.points[:, -2:].copy(), tracer.points(found.points).copy(),
        _table([p.multipliers for p in places]), coefficient, [_special(tracer, s, settings) for s in special],
        (words[0], words[1]), ends[1] == "closed", tracer.n, tracer.bounds, condition, provenance=settings,
    )  # fmt: skip


def _table(rows: list[np.ndarray]) -> np.ndarray:
    """Multipliers, the largest modulus first; real where all are."""
    table = np.array([row[np.argsort(-np.abs(row), kind="stable")] for row in rows])
    return table.real.copy() if not table.imag.any() else table


def _special(tracer: CurveTracer, found: Found, settings: dict) -> CodimensionTwo:
    multipliers = _table([Place(tracer, found.z).multipliers])[0]
    return CodimensionTwo(found.kind, found.z[-2:].copy(), tracer.points(found.z).copy(), multipliers, found.row,
                          provenance=settings)  # fmt: skip


def _end_point(found: Traced, side: int) -> Found:
    """The resonance at an end of a Neimark–Sacker curve."""
    z = found.points[-side]
    return Found("resonance 1:1" if z[-3] > 0 else "resonance 1:2", side * (len(found.points) - 1), z)


def _reason(tracer: CurveTracer, z: np.ndarray, end: str) -> str:
    """Why a curve ends, in words."""
    values = ", ".join(f"{name} = {value:.6g}" for name, value in zip(tracer.names, z[-2:], strict=True))
    if end == "limit":
        for name, value, (lo, hi) in zip(tracer.names, z[-2:], tracer.bounds, strict=True):
            for bound in (lo, hi):
                if abs(value - bound) <= 1e-12 * (hi - lo):
                    return f"{name} = {bound:g}"
        return f"resonance 1:{1 if z[-3] > 0 else 2} at {values}"
    if end == "closed":
        return "closed: it comes back to its start"
    if end == "most steps":
        return f"the number of steps asked for is done at {values}"
    return f"no further point is found at {values}: the map is not smooth or not defined there, or solutions run off to infinity"
