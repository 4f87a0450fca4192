"""`singer`: the sign of the Schwarzian derivative of a one-dimensional map, and the number of attracting cycles that it
allows."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.cycles.line.laps import laps_on
from cfdyn.cycles.line.reach import FINEST, bounded_orbits
from cfdyn.errors import UsageError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map

CELLS, SAMPLES, ROUNDS = 64, 4001, 40  # of the interval at first; points that are evaluated; halvings at most
ROUNDED = 1e-9  # relative to the interval: how far an image may lie outside


@dataclass(frozen=True)
class Singer(Record):
    """``sign`` of the Schwarzian derivative on the ``interval`` (2,): "negative", "not negative" (it is positive at ``place``)
    or "undecided". ``largest``: its largest value at samples; it is −inf where the slope is 0.

    ``critical`` (k,): the critical points. ``invariant``: True if the map takes the interval into itself. ``bound``: the
    largest possible number of attracting cycles in the interval, k + 2 (one for each critical point and each end), or None if
    Singer's theorem does not apply, for the ``reason``.
    """

    sign: str
    interval: Annotated[np.ndarray, "2"]
    critical: Annotated[np.ndarray, "k"]
    invariant: bool
    bound: int | None
    largest: float
    place: float
    reason: str

    @property
    def meaning(self) -> str:
        """The result as a sentence."""
        if self.bound is None:
            return f"Singer's theorem does not apply here: {self.reason}."
        points = f"{len(self.critical)} critical point{'s' * (len(self.critical) != 1)}"
        return (f"At most {self.bound} cycles attract: the Schwarzian derivative is negative, and each attracting cycle takes in "
                f"one of {points} or an end of the interval.")  # fmt: skip


def singer(step: Map, interval: Any = (-math.inf, math.inf), cells: int = 20_000) -> Singer:
    """The sign of Sf = f‴/f′ − (3/2)(f″/f′)² on an interval, and Singer's bound on the number of attracting cycles.

    The interval is bisected until f′f‴ − (3/2)f″² is bounded below 0 on each part, until a point with a positive value is
    found, or until there are more than ``cells`` parts. The bounds use floating-point intervals: evidence, not a proof. If Sf <
    0, the immediate basin of each attracting cycle (also of a neutral cycle that attracts from one side) contains a critical
    point or reaches an end of the interval. The orbits of these points therefore find every periodic attractor. The theorem
    does not apply to maps with corners or jumps.

    Parameters
    ----------
    step : a map of one variable, without angles, from a formula without branches
    interval : (lo, hi); infinite ends: an interval with all bounded orbits, if bounds of the map far out yield one
    cells : largest number of parts

    Raises
    ------
    UsageError : several variables or an angle, an empty interval, an interval on which the map is not defined, or a formula
        with branches

    Examples
    --------
    >>> import cfdyn as cf
    >>> well = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.5))
    >>> bounds = cf.analysis.singer(well)
    >>> bounds.sign, bounds.critical.round(6), bounds.bound
    ('negative', array([-0.745356,  0.745356]), 4)
    >>> example = cf.Map.from_text("7.86*x - 23.31*x**2 + 28.75*x**3 - 13.30*x**4")  # Singer's, with two attractors
    >>> cf.analysis.singer(example, (0, 1)).sign
    'not negative'

    References
    ----------
    Singer (1978), SIAM J. Appl. Math. 35, 260. de Melo & van Strien (1993), One-Dimensional Dynamics, II.6.
    """
    lo, hi = bounded_orbits(require_map(step), interval, "singer")
    most = whole_number("cells", cells, CELLS)
    if step.switches:
        raise UsageError("the Schwarzian derivative needs three derivatives: this map's formula switches between branches")
    x = np.linspace(lo, hi, SAMPLES)
    f, slope, second, third = _series(step, x).T
    if not np.isfinite(f).all():
        raise UsageError(f"the map is not finite everywhere from {lo:g} to {hi:g}")
    with np.errstate(divide="ignore", invalid="ignore"):
        schwarzian = np.where(slope == 0, -np.inf, (slope * third - 1.5 * second**2) / slope**2)
    top = int(np.nanargmax(schwarzian))
    laps = laps_on(step, lo, hi, FINEST * min(hi - lo, 1.0))
    critical = laps.ends[1:, 0]
    sign = "not negative" if _positive(slope, second, third) else _sign(step, lo, hi, most)
    allowed = ROUNDED * (hi - lo)
    invariant = bool(f.min() >= lo - allowed and f.max() <= hi + allowed)
    reason = _reason(sign, float(x[top]), bool(laps.open or laps.places))
    return Singer(
        sign, np.array([lo, hi]), critical, invariant, None if reason else len(critical) + 2, float(schwarzian[top]),
        float(x[top]), reason, provenance=provenance(map=step.title, params=step.params, interval=[lo, hi], cells=most),
    )  # fmt: skip


def _series(step: Map, x: np.ndarray) -> np.ndarray:
    """f and its derivatives up to the third, as series coefficients, (n, 4)."""
    starts = np.stack([x, np.ones_like(x), np.zeros_like(x), np.zeros_like(x)], axis=1)
    return evaluate_rows(step.rule("taylor:3"), starts, step.p) * [1.0, 1.0, 2.0, 6.0]


def _sign(step: Map, lo: float, hi: float, most: int) -> str:
    """The sign by bounds of f′f‴ − (3/2)f″² = 6(c₁c₃ − c₂²) on parts, c the coefficients of the series."""
    ends = np.linspace(lo, hi, CELLS + 1)
    cells = np.stack([ends[:-1], ends[1:]], axis=1)
    rule = step.rule("interval:taylor:3")
    for _ in range(ROUNDS):
        boxes = np.concatenate([cells, np.tile([1.0, 1.0, 0.0, 0.0, 0.0, 0.0], (len(cells), 1))], axis=1)
        bounds = evaluate_rows(rule, boxes, step.p).reshape(-1, 4, 2)
        c1, c2, c3 = bounds[:, 1], bounds[:, 2], bounds[:, 3]
        with np.errstate(invalid="ignore"):
            product = (c1[:, :, None] * c3[:, None, :]).reshape(len(cells), 4).max(axis=1)
            inside = (c2 <= 0).any(axis=1) & (c2 >= 0).any(axis=1)
            square = np.where(inside, 0.0, np.abs(c2).min(axis=1) ** 2)
            left = cells[~(product < square)]
        if not len(left):
            return "negative"
        middle = left.mean(axis=1)
        if 2 * len(left) > most:
            return "undecided"
        cells = np.concatenate([np.stack([left[:, 0], middle], axis=1), np.stack([middle, left[:, 1]], axis=1)])
        _, slope, second, third = _series(step, middle).T
        if _positive(slope, second, third):
            return "not negative"
    return "undecided"


def _positive(slope: np.ndarray, second: np.ndarray, third: np.ndarray) -> bool:
    """Whether Sf exceeds 0 somewhere by more than round-off; for (ax + b)/(cx + d), Sf = 0."""
    return bool((slope * third > 1.5 * second**2 * (1 + ROUNDED)).any())


def _reason(sign: str, place: float, unclear: bool) -> str:
    if sign == "not negative":
        return f"the Schwarzian derivative is positive somewhere, at most near {place:.6g}"
    if sign == "undecided":
        return "bounds do not determine the sign of the Schwarzian derivative everywhere"
    return "it is not certain where its slope is 0" if unclear else ""
