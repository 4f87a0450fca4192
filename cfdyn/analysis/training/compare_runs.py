"""`compare_runs`: the mean of many runs of an optimizer against continuous-time models of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.analysis.training.compare import edge_of, model_names, rms
from cfdyn.analysis.training.compare import series as at_times
from cfdyn.ensembles.stochastic.runs import Runs
from cfdyn.errors import UsageError
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.records.record import Record, provenance

RESOLVED = 30.0  # standard errors by which the gradient flow must be away, so that a tenth of it can be resolved
LATE = 2 / 3  # fraction of the time from which on models are compared
EQUAL = 1e-9  # relative to the runs' sharpness: an insignificant difference


@dataclass(frozen=True)
class RunsModel(Record):
    """The errors of one model against the mean of many runs; n rows at the times of the comparison, fewer if it ended early.

    Over the last third of the time: ``distance``, the root mean square of ‖w(t) − w̄_t‖, w̄ the mean of the runs' midpoints,
    ``distance_error`` its standard error, from the runs; ``sharpness_ratio``, ``median_ratio``: mean λ₁ of the model over that
    at w̄ and over the median of the runs'; ``loss_ratio``: mean predicted loss over that of the runs; ``variance_ratio``: mean
    predicted variance along the runs' sharpest direction over theirs (NaN if none is predicted). ``whole_distance``: the
    distance over all rows. ``events``: dicts t, kind, rank. ``w`` (n, d), ``loss``, ``sharpness``, ``variance`` (n,): its
    series.
    """

    name: str
    title: str
    status: str
    distance: float
    distance_error: float
    whole_distance: float
    sharpness_ratio: float
    median_ratio: float
    loss_ratio: float
    variance_ratio: float
    events: list
    w: Annotated[np.ndarray, "n d"]
    loss: Annotated[np.ndarray, "n"]
    sharpness: Annotated[np.ndarray, "n"]
    variance: Annotated[np.ndarray, "n"]
    notes: list


@dataclass(frozen=True)
class RunsComparison(Record):
    """The mean of many runs, and models of it.

    ``t`` (n,): the steps; ``averaged`` (n, d): w̄, the mean of the midpoints (w_{t−1} + 2w_t + w_{t+1})/4; ``error`` (n,): the
    root of the summed squares of its standard errors; ``levels`` (q,), ``quantiles`` (n, q, d): of the weights; ``spread``
    (n,): √(tr covariance). ``loss``, ``loss_error`` (n,): mean of L(w_t) and its standard error; ``sharpness`` (n, q):
    quantiles of λ₁, ``mean_sharpness`` (n,): λ₁ at w̄; ``variance`` (n,): of w_t about w̄ along the sharpest direction there.
    ``edge``: the sharpness at which the optimizer without noise is at its edge, NaN if it has none of its own. ``late``: the
    step from which models are compared, ``floor``: the root mean square of ``error`` from there on, ``resolution``: the
    gradient flow's distance over the floor, NaN without that flow. ``status``: as for `Runs`. ``models``: in the given order.
    """

    names: Annotated[tuple[str, ...], "d"]
    t: Annotated[np.ndarray, "n"]
    averaged: Annotated[np.ndarray, "n d"]
    error: Annotated[np.ndarray, "n"]
    levels: Annotated[np.ndarray, "q"]
    quantiles: Annotated[np.ndarray, "n q d"]
    spread: Annotated[np.ndarray, "n"]
    loss: Annotated[np.ndarray, "n"]
    loss_error: Annotated[np.ndarray, "n"]
    sharpness: Annotated[np.ndarray, "n q"]
    mean_sharpness: Annotated[np.ndarray, "n"]
    variance: Annotated[np.ndarray, "n"]
    edge: float
    late: int
    floor: float
    resolution: float
    status: dict[str, int]
    models: list[RunsModel]
    warnings: list[str]

    @property
    def ranking(self) -> list[RunsModel]:
        """The models, the closest first; those that ended early come last."""
        return sorted(self.models, key=lambda m: (len(m.w) < len(self.t), not m.distance >= 0, m.distance))

    @property
    def resolved(self) -> bool:
        """True if the gradient flow is 30 standard errors of the mean away, so that a model ten times as close can be
        distinguished."""
        return self.resolution >= RESOLVED


def compare_runs(runs: Runs, paths: Sequence[Trajectory], names: Sequence[str] | None = None, first: int = 0) -> RunsComparison:
    """The distances of models from the mean of many runs.

    Errors are jackknife errors: the distance is computed again with each group of runs left out in turn.

    Parameters
    ----------
    runs : from `cfdyn.iterate_many`
    paths : of models, from `cfdyn.solve`, with time 0 at the step ``first``, and rows at the steps of the runs
    names : of the models; by default the beginnings of their titles
    first : the step of the runs, one of ``runs.t``, at which the models start

    Raises
    ------
    UsageError : a path with other weights, no row of the runs at ``first``, or fewer than two runs that stay bounded

    Examples
    --------
    The mean of stochastic gradient descent on a linear model is gradient descent itself; its flow is a little slower:

    >>> import numpy as np
    >>> import cfdyn as cf
    >>> from cfdyn.symbolic.loss import make_loss
    >>> rows = cf.Loss.from_spec(make_loss("(w - y)**2/2", columns=["y"], data=np.array([[1.0], [2.0], [3.0]])))
    >>> gd = cf.optimizers.gd(lr=0.2)
    >>> runs = cf.iterate_many(rows, gd, [9.0], 30, batch=1, runs=10_000, every=1)
    >>> flow = cf.flows.gradient(rows, gd)
    >>> [model] = cf.analysis.compare_runs(runs, [cf.solve(flow, [9.0], 30, save_at=runs.t)]).models
    >>> model.name, round(model.distance, 2), round(model.distance_error, 3)
    ('gradient', 0.03, 0.002)
    """
    begin = np.flatnonzero(runs.t == first)
    if not len(begin):
        raise UsageError(f"the runs have no row at step {first}, but at {runs.t[0]}, {runs.t[min(1, len(runs.t) - 1)]}, …")
    rows = np.flatnonzero((runs.t >= first) & (runs.alive >= 2))
    if not len(rows) or len(runs.ended) < 2:
        raise UsageError(f"compare_runs needs at least two runs that stay bounded; of these {len(runs.ended)}, at step {first}, "
                         f"{runs.alive[begin[0]]} do")  # fmt: skip
    weights = runs.names[: runs.n_weights]
    names = model_names("compare_runs", weights, paths, names)
    t, groups = runs.t[rows], runs.groups[rows]
    late, error = int(first + LATE * (t[-1] - first)), _error(groups)
    off = runs.mean[rows] - runs.averaged[rows]
    along = runs.direction[rows]
    variance = np.einsum("ni,nij,nj->n", along, runs.covariance[rows], along) + np.einsum("ni,ni->n", along, off) ** 2
    comparison = RunsComparison(
        weights, t, runs.averaged[rows], error, runs.levels, runs.quantiles[rows], runs.spread[rows], runs.loss[rows],
        runs.loss_error[rows], runs.sharpness[rows], runs.mean_sharpness[rows], variance, edge_of(paths), late,
        rms(error[t >= late]), np.nan, runs.status, [], _warnings(runs, rows[t >= late]),
        provenance=provenance(runs=runs.provenance.get("settings"), models=[path.provenance.get("settings") for path in paths]),
    )  # fmt: skip
    comparison.models.extend(
        _judged(comparison, name, path, groups, along, first) for name, path in zip(names, paths, strict=True)
    )
    away = [m.distance for m in comparison.models if m.title.startswith("gradient flow") and len(m.w) == len(t)]
    if away and comparison.floor > 0:
        object.__setattr__(comparison, "resolution", away[0] / comparison.floor)
    return comparison


def _error(groups: np.ndarray) -> np.ndarray:
    """The standard error of the mean of some groups' means (n, g, d), all entries together, (n,)."""
    with np.errstate(all="ignore"):
        return np.sqrt(np.nanvar(groups, axis=1, ddof=1).sum(axis=1) / groups.shape[1])


def _judged(
    comparison: RunsComparison, name: str, path: Trajectory, groups: np.ndarray, along: np.ndarray, first: int
) -> RunsModel:
    """A path's series at the steps that it covers, and their distances from the mean of the runs."""
    end = path.starts[-1] + path.sizes[-1] if len(path.starts) else 0.0
    times = comparison.t - first - path.lead
    n = int(np.searchsorted(times + path.discrete, end * (1 + 1e-14), side="right"))
    times = np.maximum(times[:n], float(path.discrete))
    w, _, loss = at_times(path, times)
    sharpness = np.interp(times, path.t, path.sharpness)
    covariance = np.array([np.interp(times, path.t, path.covariance[:, i, j]) for i, j in np.ndindex(path.covariance.shape[1:])])
    d = len(comparison.names)
    variance = np.einsum("ni,ijn,nj->n", along[:n], covariance.reshape(d, d, n), along[:n])
    whole, late = n == len(comparison.t), comparison.t[:n] >= comparison.late
    distance, error = _distance(w[late], groups[:n][late]) if whole else (np.nan, np.nan)

    def ratio(predicted: np.ndarray, measured: np.ndarray) -> float:
        return _ratio(predicted[late], measured[:n][late]) if whole else np.nan

    return RunsModel(
        name, path.flow, path.status, distance, error, rms(np.linalg.norm(w - comparison.averaged[:n], axis=1)),
        ratio(sharpness, comparison.mean_sharpness), ratio(sharpness, comparison.sharpness[:, len(comparison.levels) // 2]),
        ratio(loss, comparison.loss), ratio(variance, comparison.variance),
        [{"t": event.t, "kind": event.kind, "rank": event.rank} for event in path.events], w, loss, sharpness, variance,
        list(path.notes),
    )  # fmt: skip


def _distance(w: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Root mean square of the distance from the mean of the groups (n, g, d), with its jackknife error."""
    count = groups.shape[1]
    distance = rms(np.linalg.norm(w - np.nanmean(groups, axis=1), axis=1))
    if count < 2:
        return distance, np.nan
    others = [rms(np.linalg.norm(w - np.nanmean(np.delete(groups, g, axis=1), axis=1), axis=1)) for g in range(count)]
    return distance, float(np.sqrt((count - 1) * np.var(others)))


def _ratio(predicted: np.ndarray, measured: np.ndarray) -> float:
    """The ratio of the means over rows where both are known; NaN if nothing is predicted."""
    both = np.isfinite(predicted) & np.isfinite(measured)
    if not both.any() or not predicted[both].any() or not measured[both].mean():
        return float("nan")
    return float(predicted[both].mean() / measured[both].mean())


def _warnings(runs: Runs, rows: np.ndarray) -> list[str]:
    """Sentences on runs that ended early, and on a mean that is not precise enough."""
    over = [f"{count} {word}" for word, count in runs.status.items() if count and word != "done"]
    warnings = [f"of {len(runs.ended)} runs, {', '.join(over)}; means are over the others"] if over else []
    low, high = runs.sharpness[rows, 0].mean(), runs.sharpness[rows, -1].mean()
    at_mean = runs.mean_sharpness[rows].mean()
    # Equal runs, as without noise, settle in one place.
    apart = high - low > EQUAL * abs(high)
    if apart and not low <= at_mean <= high and np.isfinite([low, at_mean, high]).all():
        most = f"{100 * (runs.levels[-1] - runs.levels[0]):.3g} % of the runs, {low:.4g} to {high:.4g}"
        warnings.append(f"the sharpness at the mean of the runs, {at_mean:.4g}, is not among that of {most}: the mean is like no "
                     "run, as when runs rest in several places; compare medians and loss")  # fmt: skip
    return warnings
