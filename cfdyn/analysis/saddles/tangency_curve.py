"""`tangency_curve`: a homoclinic or heteroclinic tangency continued in two parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.analysis.saddles.tangencies import Tangency
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.errors import NumericsError, UsageError
from cfdyn.manifolds.contact import Pair, balanced, contact_of
from cfdyn.manifolds.touching import traced
from cfdyn.records.record import Record, provenance

MOST = 400


@dataclass(frozen=True, eq=False)
class TangencyCurve(Record):
    """A curve of tangencies of two manifolds in the plane of two parameters.

    ``names`` and ``bounds`` (2, 2) of the parameters, ``parameters`` (m, 2); ``points`` (m, 2) of tangency and their parameters
    ``s`` and ``t`` (m,) on the curves, for the image of the contact that is best conditioned; ``bend`` (m,) as for a
    `Tangency`; ``start``: the row of the initial tangency; ``ends``: why the curve ends.
    """

    names: tuple[str, str]
    parameters: Annotated[np.ndarray, "m p"]
    points: Annotated[np.ndarray, "m D"]
    s: Annotated[np.ndarray, "m"]
    t: Annotated[np.ndarray, "m"]
    bend: Annotated[np.ndarray, "m"]
    ends: tuple[str, str]
    start: int
    bounds: Annotated[np.ndarray, "p *"]

    def __len__(self) -> int:
        return len(self.parameters)


def tangency_curve(
    tangency: Tangency, names: tuple[str, str], bounds: Sequence[tuple[float, float]], most: int = MOST,
    progress: Callable[[int], None] | None = None,
) -> TangencyCurve:  # fmt: skip
    """The curve of tangencies through a given one, in both directions to the bounds, each row to round-off.

    The distance of the two curves where they are parallel is a smooth function of both parameters; its zeros are continued by a
    predictor–corrector method.

    Parameters
    ----------
    tangency : a `Tangency`, as found by `tangencies`
    names : two parameters of the map
    bounds : ((lo, hi), (lo, hi)) of them, with the tangency inside
    most : largest number of rows in each direction
    progress : called with the number of rows

    Raises
    ------
    NumericsError : the tangency cannot be found again
    UsageError : the same parameter twice, or bounds that do not contain the tangency

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.39, "b": 0.3})
    >>> [t] = cf.analysis.tangencies(
    ...     henon, [0.63, 0.19], "a", (1.391, 1.394), box=[(-1.5, 1.5), (-0.5, 0.5)], length=8, crises=False
    ... )
    >>> curve = cf.analysis.tangency_curve(t, ("a", "b"), ((1.3, 1.45), (0.29, 0.31)))
    >>> curve.ends, curve.parameters[[0, -1], 0].round(6)
    (('b = 0.29', 'b = 0.31'), array([1.411055, 1.373835]))
    """
    step = tangency.step
    if len(set(names)) != 2:
        raise UsageError(f"a curve has two different parameters, not {', '.join(names)}")
    region = np.array([checked_bounds(step, name, interval) for name, interval in zip(names, bounds, strict=True)])
    values = {name: step.params[name] for name in names}
    for name, (lo, hi) in zip(names, region.tolist(), strict=True):
        if not lo < values[name] < hi:
            raise UsageError(f"the tangency lies at {name} = {values[name]:g}, outside the bounds {lo:g} to {hi:g}")
    first, second = tangency.cycles
    pair = Pair(step, (first, second), tangency.places, tangency.sides, tangency.unit)
    out, into = pair.arms(values)
    start = contact_of((out, into.anchored(tangency.t, tangency.point)), tangency.s, tangency.t, values)
    if start is None:
        raise NumericsError("the tangency cannot be found again: the manifolds are not close to each other at its s and t")
    pair, start = balanced(pair, start)
    say = progress or (lambda rows: None)
    below, above = (traced(pair, start, names, region, way, whole_number("the number of rows", most, 1), say) for way in (-1, 1))
    rows = [*reversed(below.rows[1:]), *above.rows]
    settings = provenance(map=step.title, params=step.params, names=list(step.names), start=tangency.parameter)
    columns = {what: np.array([getattr(row, what) for row in rows]) for what in ("s", "t", "bend")}
    parameters = np.array([[row.values[name] for name in names] for row in rows])
    return TangencyCurve(
        names, parameters, np.array([row.point for row in rows]), **columns, ends=(below.end, above.end),
        start=len(below.rows) - 1, bounds=region, provenance=settings,
    )  # fmt: skip
