"""`cascade`: a period-doubling cascade, its accumulation point, and Feigenbaum's constants."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.switching import Level, levels_from
from cfdyn.errors import NumericsError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map
from cfdyn.words import called

LEVELS, MOST_STEPS = 10, 2000
ENOUGH = 4  # flips for an accumulation point; one less for a ratio
FASTEST, ALIKE = 0.7, 3.0  # of a step, the next one at most where an extrapolation is believed; and how alike such parts are


@dataclass(frozen=True, eq=False)
class Cascade(Record):
    """A period-doubling cascade n → 2n → 4n → …

    ``name`` of the parameter; ``flips``: its values, one for each doubling; ``periods`` of the cycles that flip.
    ``accumulation``: the extrapolated limit of the flips, to about ``accumulation_error``; ``delta``: that of the ``ratios``
    (λ_k − λ_{k−1})/(λ_{k+1} − λ_k), to about ``delta_error``; both None if there are too few flips. ``superstable``: for maps
    of one variable, the parameters between the flips at which a multiplier is 0. ``alpha``: the limit of the ratios of the
    widest gaps max_i |x_{i+n/2} − x_i| of the cycles at two successive flips, to about ``alpha_error``, None if there are too
    few: 2.5029… for a map of any number of variables with a quadratic maximum along the critical direction that contracts
    across it, 4.018… if it preserves areas; between the two, convergence is slow. ``points``: the cycle at each flip.
    ``reason``: why there are no more levels.
    """

    name: str
    flips: Annotated[list[float], "k"]
    periods: Annotated[list[int], "k"]
    accumulation: float | None
    accumulation_error: float | None
    ratios: list[float]
    delta: float | None
    delta_error: float | None
    superstable: list[float]
    alpha: float | None
    alpha_error: float | None
    points: Annotated[list[Annotated[np.ndarray, "* *"]], "k"] = field(repr=False)
    reason: str


def cascade(
    step: Map, cycle: Any, parameter: str = "lr", bounds: tuple[float, float] = (0.0, 1.0), levels: int = LEVELS,
    period: int | None = None, max_steps: int = MOST_STEPS, progress: Callable[[int], None] | None = None,
) -> Cascade:  # fmt: skip
    """The period doublings of a cycle, one after the other, each on the branch that starts at the previous flip.

    Each flip solves f(x_i, λ) = x_{i+1}, det(M + I) = 0 on all points of the cycle. Wynn's ε algorithm extrapolates the limits;
    the error is the change due to the last flip. If successive steps do not shrink evenly, as for the ratios of a flat maximum,
    the result is the last value, with the larger of the last two steps as its error.

    Parameters
    ----------
    step, cycle, parameter, bounds, period : of the first cycle, as in `continue_cycle`
    levels : number of flips
    max_steps : on each branch
    progress : called with the number of flips so far

    Raises
    ------
    NumericsError : no cycle near the start, or its branch has no flip
    UsageError : as in `continue_cycle`, or fewer than one level

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
    >>> cascade = cf.analysis.cascade(step, [0.6], "r", (1.5, 4.0), levels=9)
    >>> [round(r, 9) for r in cascade.flips[:3]], round(cascade.accumulation, 9), round(cascade.delta, 4)
    ([3.0, 3.449489743, 3.54409036], 3.569945672, 4.6692)

    References
    ----------
    Feigenbaum (1978), Quantitative universality for a class of nonlinear transformations, J. Stat. Phys. 19. Greene, MacKay,
    Vivaldi and Feigenbaum (1981), Universal behaviour in families of area-preserving maps, Physica D 3. Wynn (1956), On a
    device for computing the e_m(S_n) transformation.
    """
    whole_number("levels", levels, 1)
    branch = continue_cycle(step, cycle, parameter, bounds, period, max_steps, coefficients=False)
    flips = [b for b in branch.bifurcations if b.kind == "flip"]
    if not flips:
        lo, hi = branch.bounds
        raise NumericsError(f"the {called(branch.period)} does not flip for {parameter} between {lo:g} and {hi:g}; its branch "
                            f"ends: {branch.ends[0]}; {branch.ends[1]}")  # fmt: skip
    # That of a stable cycle, and the closest to the start.
    first = min(flips, key=lambda b: (not np.abs(b.multipliers).max() < 1 + 1e-6, abs(b.parameter - step.params[parameter])))
    begun = Level(first.parameter, first.points)
    reached, why = levels_from(begun, first.step, parameter, branch.bounds, int(levels), max_steps, progress)
    return _record(step, parameter, branch.bounds, reached, why)


def _record(step: Map, parameter: str, bounds: tuple[float, float], levels: list[Level], why: str) -> Cascade:
    flips = [level.flip for level in levels]
    steps = np.diff(flips)
    ratios = (steps[:-1] / steps[1:]).tolist()
    accumulation, error = limit_of(flips) if len(flips) >= ENOUGH else (None, None)
    delta, delta_error = limit_of(ratios) if len(ratios) >= ENOUGH - 2 else (None, None)
    gaps = np.array([widest_gap(level.points) for level in levels[1:]])
    shrinks = (gaps[:-1] / gaps[1:]).tolist()
    alpha, alpha_error = limit_of(shrinks) if len(shrinks) >= ENOUGH - 1 else (None, None)
    return Cascade(
        parameter, flips, [len(level.points) for level in levels], accumulation, error, ratios, delta, delta_error,
        [level.superstable for level in levels if level.superstable is not None], alpha, alpha_error,
        [level.points for level in levels], why,
        provenance=provenance(map=step.title, params=step.params, parameter=parameter, bounds=bounds),
    )  # fmt: skip


def widest_gap(points: np.ndarray) -> float:
    """The widest gap max |x_{i+n/2} − x_i| of a doubled cycle, near a maximum along the critical direction."""
    return float(np.linalg.norm(points - np.roll(points, len(points) // 2, axis=0), axis=1).max())


def limit_of(values: Sequence[float]) -> tuple[float, float]:
    """(limit, error) by Wynn's ε algorithm, from the entry of its columns that changed least.

    If the last three steps shrink by about the same factor, the error is at least the change of the limit due to the last
    value. Otherwise the limit is the last value, with the larger of the last two steps as its error; extrapolation is not
    justified.

    >>> limit, error = limit_of([1 + 0.2**k + 0.3 * 0.05**k for k in range(7)])
    >>> abs(limit - 1) < 1e-9
    True
    """
    steps = np.diff(np.asarray(values, dtype=float))
    last, (limit, error) = float(values[-1]), _wynn(values)
    if len(steps) < 3:
        return limit, max(error, abs(limit - last))
    if not _is_geometric(steps):
        return last, max(float(np.abs(steps[-2:]).max()), 8 * np.finfo(float).eps * abs(last))
    return limit, max(error, abs(limit - _wynn(values[:-1])[0]))


def _is_geometric(steps: np.ndarray) -> bool:
    """True if the last three steps shrink by about the same factor."""
    with np.errstate(all="ignore"):
        first, second = (float(part) for part in steps[-2:] / steps[-3:-1])
    return 0 < abs(second) < FASTEST and abs(first) < FASTEST and 1 / ALIKE < first / second < ALIKE


def _wynn(values: Sequence[float]) -> tuple[float, float]:
    """(limit, change) by Wynn's ε algorithm."""
    before, column = np.zeros(len(values) + 1), np.array(values, dtype=float)
    # Without an extrapolation the last step estimates the remaining distance.
    best = (float(column[-1]), float(abs(column[-1] - column[-2])) if len(column) > 1 else np.inf)
    previous = best[0]
    for k in range(1, len(values)):
        with np.errstate(all="ignore"):
            following = before[1:-1] + 1 / np.diff(column)
        before, column = column, following
        if k % 2 == 0 and len(column) and np.isfinite(column[-1]):
            # Changes from the row above, and from the column before.
            change = abs(column[-1] - (column[-2] if len(column) > 1 else previous))
            error = float(max(change, abs(column[-1] - previous) * 1e-3, 8 * np.finfo(float).eps * abs(column[-1])))
            if error < best[1]:
                best = (float(column[-1]), error)
            previous = float(column[-1])
    return best
