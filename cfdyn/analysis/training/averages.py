"""`averages`: averages of an optimizer's iterates, and models, as estimators of its mean path and as optimizers."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.training.compare import model_names, series
from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.records.record import Record, provenance
from cfdyn.series.averages import Estimator, estimators, left_of, mean_path, rms
from cfdyn.series.filters import TINY, average, half_width
from cfdyn.systems.orbit import MAX_BYTES, Orbit, require_loss

FEWEST = 16  # states, for which a hundredth of a variance and its maxima can be resolved
TENTH = 10  # the last tenth of an orbit represents its end
IMPERFECT = 0.1  # what an average over the period may leave of an oscillation of that period
LASTING = 10  # periods that it must last for a warning


@dataclass(frozen=True)
class Average(Record):
    """An average of the iterates, or a model; m rows ``w`` (m, d), ``loss`` (m,) at the steps ``first``, ``first`` + 1, …

    ``kind``: "average" or "model". As an estimator of the mean path: ``error``, ``max_error``: root mean square and maximum of
    ‖w(t) − reference(t)‖ over the ``rows`` at which both exist; ``swing_error``: over the rows where the reference is a mean
    over slow cycles (NaN without any); ``timed_error``: of ‖w(t) − reference(t − lag)‖, the remaining oscillation once the
    delay is taken into account. ``lag``: in steps, at the last row; ``leaves``: the factor by which a 2-cycle is reduced, both
    by formula; ``left``: the same as measured, the ratio of root mean squares of the fast parts where the iterates oscillate
    (both NaN for a model). As an optimizer: ``final_loss``, ``median_loss`` over the last tenth, ``predicted_loss``: the median
    there of the average that a model with Σ predicts (else NaN), ``final_sharpness``; ``reached``: for each level the step from
    which the loss stays below it, None if it does not; ``delay``: the number of steps after its time at which it is known,
    which ``reached`` includes.
    """

    name: str
    kind: str
    title: str
    first: int
    delay: int
    lag: float
    leaves: float
    left: float
    rows: int
    error: float
    swing_error: float
    max_error: float
    timed_error: float
    final_loss: float
    median_loss: float
    predicted_loss: float
    final_sharpness: float
    reached: list
    w: Annotated[np.ndarray, "n d"]
    loss: Annotated[np.ndarray, "n"]


@dataclass(frozen=True)
class Averages(Record):
    """Averages of an orbit's iterates, and models of it.

    ``t`` (n+1,): the steps; ``reference`` (n+1, d): the mean path, NaN where it is undefined, ``rows``: the number of rows
    where it is defined; ``swinging`` (n+1,): True where it is a mean over slow cycles; ``cycles``: steps (from, to) of whole
    ones; ``period`` of the fast oscillation that is averaged out. ``fractions`` of the way from ``start_loss`` to
    ``best_loss``, the lowest in any row, and the losses there, ``levels``; ``mean_loss`` of the iterates over the last tenth.
    ``entries``: averages, then models. ``status`` of the orbit; ``warnings``: sentences.
    """

    names: Annotated[tuple[str, ...], "d"]
    t: Annotated[np.ndarray, "n"]
    reference: Annotated[np.ndarray, "n d"]
    swinging: Annotated[np.ndarray, "n"]
    rows: int
    cycles: list
    period: int
    fractions: tuple[float, ...]
    levels: tuple[float, ...]
    start_loss: float
    best_loss: float
    mean_loss: float
    status: str
    entries: list[Average]
    warnings: list[str]

    @property
    def ranking(self) -> list[Average]:
        """The entries, the best estimator first; those that ended early come last."""
        return sorted(self.entries, key=lambda e: (self.ended_early(e), not e.error >= 0, e.error))

    def ended_early(self, entry: Average) -> bool:
        """True for a model without rows up to the orbit's end."""
        return entry.first + len(entry.w) + entry.delay < len(self.t)

    def table(self) -> dict[str, list[Any]]:
        """Columns of all numbers of each entry, the best estimator first."""
        names = [f.name for f in dataclasses.fields(Average) if f.name not in ("w", "loss", "provenance")]
        return {name: [getattr(entry, name) for entry in self.ranking] for name in names}


def averages(
    orbit: Orbit, paths: Sequence[Trajectory] = (), decays: Sequence[float] = (0.5, 0.9, 0.99),
    names: Sequence[str] | None = None, period: int = 2, fractions: Sequence[float] = (0.1, 0.01, 0.001),
) -> Averages:  # fmt: skip
    r"""Compare averages of an optimizer's iterates: which is closest to its mean path, and which is the best optimizer.

    The averages are the iterate itself, the mean of the last two, exponential averages :math:`a_t = \beta a_{t-1} + (1 - \beta)
    w_t`, midpoints :math:`(w_{t-1} + 2w_t + w_{t+1})/4`, the mean of all iterates, and models at the same times. The reference
    is centred, so it has no lag:

    * :math:`s = w - (1 - M_N)^3 w`, :math:`M_N` the centred mean over the ``period`` N: N-cycles vanish, polynomials of t below
      degree 6 pass;
    * where the orbit oscillates slowly about the edge, the centred mean of s over one whole slow cycle of local length L (half
      weights at the ends if L is even). A cycle extends from one maximum of the variance :math:`\|w_t - M_N w_t\|^2` to the
      next, with values below half of it in between; L varies linearly between the midpoints of successive cycles.

    The slow oscillation lasts from the first maximum until the variance has stayed below a hundredth of the last one for two
    cycles. The reference is undefined where a window does not fit, and between the onset of the oscillation and the first whole
    window; an orbit with less than one whole cycle is not averaged over it. Errors are computed where the reference is defined.

    Parameters
    ----------
    orbit : of an optimizer on a loss, from `cfdyn.iterate`, at least 16 states
    paths : of models from the same start, from `cfdyn.solve`, time in the same steps, aligned as by `compare`. Predicted losses
        are interpolated between a path's rows: call `solve` with ``save_at=range(n)``
    decays : β in [0, 1) of the exponential averages
    names : of the models; by default the beginnings of their titles
    period : N ≥ 2, of the fast oscillation; 2 at the edge of stability
    fractions : of the way from the first to the lowest loss, in (0, 1)

    Raises
    ------
    UsageError : an orbit too short for the period or without a loss, a path with other weights, a decay, period or fraction out
        of range

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    >>> orbit = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 1000)
    >>> central = cf.solve(cf.flows.central(loss, gd), [0.05, 6.4], 1000, save_at=range(1001))
    >>> averages = cf.analysis.averages(orbit, [central], decays=[0.9])
    >>> averages.rows, [last - first for first, last in averages.cycles]
    (796, [181, 160, 152, 150])
    >>> for entry in averages.ranking:
    ...     print(entry.name, round(entry.error, 3), round(entry.leaves, 3), round(entry.left, 3))
    central 0.048 nan nan
    ema=0.9 0.048 0.053 0.053
    last_two 0.051 0.0 0.013
    midpoints 0.051 0.0 0.001
    polyak 0.073 0.0 0.001
    iterate 0.135 1.0 1.0
    """
    _check(orbit, decays, period, fractions)
    names = model_names("averages", orbit.names[: orbit.n_weights], paths, names)
    orbit = dataclasses.replace(orbit, z=np.asarray(orbit.z, dtype=float))
    mean = mean_path(orbit.w, period)
    reference, swinging, cycles = mean
    entries = [_judged(e, "average", e.name, orbit, mean, period) for e in estimators(orbit, decays)]
    entries += [_model(name, path, orbit, mean, period) for name, path in zip(names, paths, strict=True)]
    seen = np.concatenate([e.loss for e in entries])
    start, best = float(orbit.loss[0]), float(seen[np.isfinite(seen)].min(initial=math.inf))
    levels = tuple(best + f * (start - best) for f in fractions)
    entries = [dataclasses.replace(e, reached=[_reached(e, level) for level in levels]) for e in entries]
    settings = provenance(orbit=orbit.provenance.get("settings"), models=[path.provenance.get("settings") for path in paths],
                          decays=list(decays), period=period)  # fmt: skip
    rows = int(np.isfinite(reference).all(axis=1).sum())
    return Averages(
        orbit.names[: orbit.n_weights], np.arange(len(orbit.z)), reference, swinging, rows, cycles, period, tuple(fractions),
        levels, start, best, float(_last_tenth(orbit.loss).mean()), orbit.status, entries, _warnings(orbit, rows, period),
        provenance=settings,
    )  # fmt: skip


def _check(orbit: Orbit, decays: Sequence[float], period: int, fractions: Sequence[float]) -> None:
    require_loss("averages", orbit)
    whole_number("the period of the oscillation", period, 2)
    fewest = max(FEWEST, 2 * half_width(int(period)) + 2)
    if len(orbit.z) < fewest:
        raise UsageError(f"averages over the period {period} need an orbit of at least {fewest} states, not {len(orbit.z)}"
                         + ("" if orbit.status == "done" else f": it {orbit.status}"))  # fmt: skip
    for what, values, least in (("decay of an average", decays, 0.0), ("fraction of the way to the best loss", fractions, TINY)):
        for value in values:
            if not least <= value < 1:
                raise UsageError(f"the {what} lies in {'[' if least == 0 else '('}0, 1), not {value}")
    size = 3 * 8 * (len(decays) + 5) * (orbit.w.size + len(orbit.w))
    if size > MAX_BYTES:
        raise UsageError(f"{len(decays)} averages of {len(orbit.w)} states need {size / 2**30:.1f} GiB; the limit is "
                         f"{MAX_BYTES / 2**30:.0f} GiB: ask for fewer `decays` or `steps`")  # fmt: skip
    if len(set(decays)) < len(decays):
        raise UsageError(f"a decay is given twice: {', '.join(f'{a:g}' for a in decays)}")


def _warnings(orbit: Orbit, rows: int, period: int) -> list[str]:
    notes = [] if orbit.status == "done" else [f"the optimizer itself {orbit.status}"]
    half = period // 2
    rest, active = left_of(average(orbit.w, period), half, orbit.w, period)
    if rest > IMPERFECT and active >= LASTING * period:
        notes.append(f"averages over {period} steps leave {rest:.0%} of the oscillation, so its period is another one, or it has "
                     "none: analysis.oscillation finds it; then give it (period=3)")  # fmt: skip
    if not rows:
        notes.append("the orbit is too short for its slow cycles: there is no time average to compare with")
    return notes


def _judged(
    made: Estimator, kind: str, title: str, orbit: Orbit, mean: tuple, period: int, predicted: float = math.nan
) -> Average:  # fmt: skip
    (reference, swinging, _), t = mean, made.first + np.arange(len(made.w))
    away = np.linalg.norm(made.w - reference[t], axis=1)
    timed = np.linalg.norm(made.w - _at_times(reference, t - made.lag), axis=1)
    loss, sharpness = _observed(orbit, made.w)
    largest = float(away[np.isfinite(away)].max()) if np.isfinite(away).any() else math.nan
    return Average(
        made.name, kind, title, made.first, made.delay, float(made.lag[-1]) if len(t) else 0.0, made.leaves,
        left_of(made.w, made.first, orbit.w, period)[0] if kind == "average" else math.nan, int(np.isfinite(away).sum()),
        rms(away), rms(away[swinging[t]]), largest, rms(timed),
        float(loss[-1]) if len(t) else math.nan, float(np.median(_last_tenth(loss))) if len(t) else math.nan, predicted,
        sharpness, [], made.w, loss,
    )  # fmt: skip


def _model(name: str, path: Trajectory, orbit: Orbit, mean: tuple, period: int) -> Average:
    """A path at the steps that it covers, aligned as by `compare`."""
    end = path.starts[-1] + path.sizes[-1] if len(path.starts) else (0.0 if len(path.t) else -1.0)
    first, delay = math.ceil(path.lead) + path.discrete, int(path.discrete)
    t = np.arange(first, len(orbit.z)) - path.lead
    t = t[t + delay <= end * (1 + 1e-14)]
    w, _, loss = series(path, t)
    oscillates = len(t) and (path.covariance.any() or path.discrete)
    predicted = float(np.median(_last_tenth(loss))) if oscillates else math.nan
    made = Estimator(name, first, w, np.zeros(len(t)), delay, math.nan)
    return _judged(made, "model", path.flow, orbit, mean, period, predicted)


def _observed(orbit: Orbit, w: np.ndarray) -> tuple[np.ndarray, float]:
    """L at each of the weights (m, d), and λ₁(∇²L) at the last, NaN where it is not finite."""
    states = np.repeat(orbit.z[:1], len(w), axis=0)
    states[:, : orbit.n_weights] = w
    sharpness = dataclasses.replace(orbit, z=states[-1:]).sharpness
    return dataclasses.replace(orbit, z=states).loss, float(sharpness[0]) if len(w) else math.nan


def _at_times(rows: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Rows (n, d) at times t, by linear interpolation; NaN outside."""
    low = np.floor(t).astype(int)
    part = (t - low)[:, None]
    inside = np.clip(low, 0, len(rows) - 1)
    between = np.where(part > 0, (1 - part) * rows[inside] + part * rows[np.minimum(inside + 1, len(rows) - 1)], rows[inside])
    between[t < 0] = math.nan
    return between


def _reached(entry: Average, level: float) -> int | None:
    """The step from which the loss stays at or below a level."""
    above = np.flatnonzero(~(entry.loss <= level))
    since = int(above[-1]) + 1 if len(above) else 0
    return entry.first + since + entry.delay if since < len(entry.loss) else None


def _last_tenth(values: np.ndarray) -> np.ndarray:
    return values[-max(1, len(values) // TENTH) :]
