"""`compare`: an optimizer's orbit against continuous-time models of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.training.hovering import Hovering, hovering_or_why
from cfdyn.errors import UsageError
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.records.record import Record, provenance
from cfdyn.series.filters import TINY
from cfdyn.series.slow_cycles import BEGUN, begins, onset, slow_cycles
from cfdyn.systems.orbit import Orbit, require_loss
from cfdyn.words import how_many

SMALL = 1e-3  # relative to the weights: a smaller oscillation has decayed, or has not begun


@dataclass(frozen=True)
class Model(Record):
    """The errors of one model; n rows at the times of the comparison, fewer if it ended early.

    ``distance``: root mean square of ‖w(t) − w*_t‖ over the rows; ``max_distance``, ``final_distance``; ``cycle_distance``: the
    same for means over whole slow cycles (NaN without any). ``sharpness_error``, ``loss_error``: root mean squares of λ₁ minus
    that at w*_t, and of the predicted average loss minus the averaged one. ``variance_ratio``: mean predicted tr Σ over the
    mean measured variance, over the slow cycles, or else from the onset on (NaN without oscillation). ``onset``: the time at
    which tr Σ, after its minimum, reaches a hundredth of the largest measured variance. ``events``: dicts t, kind, rank. ``w``
    (n, d), ``loss``, ``sharpness``, ``variance`` (n,): its series; ``preconditioned`` (n,): its λ₁(P⁻¹H), None for a model
    without P.
    """

    name: str
    title: str
    status: str
    distance: float
    max_distance: float
    final_distance: float
    cycle_distance: float
    sharpness_error: float
    loss_error: float
    variance_ratio: float
    onset: float | None
    events: list
    w: Annotated[np.ndarray, "n d"]
    loss: Annotated[np.ndarray, "n"]
    sharpness: Annotated[np.ndarray, "n"]
    variance: Annotated[np.ndarray, "n"]
    notes: list
    preconditioned: Annotated[np.ndarray | None, "n"] = None


@dataclass(frozen=True)
class Comparison(Record):
    """An optimizer's averaged orbit, and models of it.

    ``t`` (n,): the steps; ``iterates`` (n, d); ``averaged`` (n, d): midpoints w*_t; ``loss``: averaged likewise, ``sharpness``
    λ₁ at w*_t, ``variance`` ‖w_t − w*_t‖², all (n,). ``edge``: the sharpness at which the optimizer is at its edge, NaN if it
    has none of its own. ``cycles``: steps (from, to) of whole slow cycles. ``orbit``: a dict with its status, ``crossing`` (the
    first step at which the averaged orbit is beyond the edge), and the fields of `onset` about its oscillation: begins, lowest,
    size, round_off. ``models``: in the given order. ``warnings``: sentences. ``hovering``: λ₁(P⁻¹H) of the averaged orbit
    against its edge, or None with the reason ``no_hovering``.
    """

    names: Annotated[tuple[str, ...], "d"]
    t: Annotated[np.ndarray, "n"]
    iterates: Annotated[np.ndarray, "n d"]
    averaged: Annotated[np.ndarray, "n d"]
    loss: Annotated[np.ndarray, "n"]
    sharpness: Annotated[np.ndarray, "n"]
    variance: Annotated[np.ndarray, "n"]
    edge: float
    cycles: list[tuple[int, int]]
    orbit: dict
    models: list[Model]
    warnings: list[str]
    hovering: Hovering | None = None
    no_hovering: str = ""
    _loss: Any = field(default=None, repr=False, compare=False)

    @property
    def ranking(self) -> list[Model]:
        """The models, the closest first; those that ended early come last."""
        return sorted(self.models, key=lambda m: (len(m.w) < len(self.t), not m.distance >= 0, m.distance))


def compare(orbit: Orbit, paths: Sequence[Trajectory], names: Sequence[str] | None = None) -> Comparison:
    r"""The distances of models from the average of an optimizer's orbit.

    The orbit is averaged over two steps, :math:`w^*_t = (w_{t-1} + 2 w_t + w_{t+1})/4`, which removes a 2-cycle, and over whole
    slow cycles, from one maximum of the variance ‖w_t − w*_t‖² to the next, if it oscillates about the edge. Models are aligned
    with it: if a model's weights represent (w_t + w_{t+1})/2, as a rod's do, it is evaluated half a step earlier; a model that
    is a map is averaged over two steps itself.

    Parameters
    ----------
    orbit : of an optimizer on a loss, from `cfdyn.iterate`
    paths : of models from the same start, from `cfdyn.solve`, time in the same steps. Predicted variances and losses are
        interpolated between a path's rows: call `solve` with ``save_at=range(n)``
    names : of the models; by default the beginnings of their titles

    Raises
    ------
    UsageError : an orbit of fewer than 3 states or without a loss, or a path with other weights

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    >>> orbit = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 600)
    >>> flows = [cf.flows.central(loss, gd), cf.flows.gradient(loss, gd)]
    >>> comparison = cf.analysis.compare(orbit, [cf.solve(f, [0.05, 6.4], 600, save_at=range(601)) for f in flows])
    >>> for model in comparison.ranking:
    ...     print(model.name, round(model.distance, 3))
    central 0.109
    gradient 0.808
    """
    require_loss("compare", orbit)
    if len(orbit.z) < 3:
        raise UsageError(f"compare needs an orbit of at least 3 states, not {len(orbit.z)} ({orbit.status})")
    names = model_names("compare", orbit.names[: orbit.n_weights], paths, names)
    z = np.asarray(orbit.z, dtype=float)
    middle = (z[:-2] + 2 * z[1:-1] + z[2:]) / 4
    w, averaged = z[:, : orbit.n_weights], middle[:, : orbit.n_weights]
    loss, variance = orbit.loss, ((w[1:-1] - averaged) ** 2).sum(axis=1)
    sharpness, edge = replace(orbit, z=middle).sharpness, edge_of(paths)
    digits = orbit.provenance.get("settings", {}).get("digits")
    began = onset(w, TINY if digits is None else 10.0**-digits)
    cycles = [(first + 1, last + 1) for first, last in slow_cycles(variance)]
    held, why = hovering_or_why(orbit)
    beyond = np.flatnonzero(sharpness > edge if held is None else held.ratio > 1)
    facts = {"status": orbit.status, "crossing": int(beyond[0]) + 1 if len(beyond) else None, **began}
    comparison = Comparison(
        orbit.names[: orbit.n_weights], np.arange(1, len(w) - 1), w[1:-1], averaged,
        (loss[:-2] + 2 * loss[1:-1] + loss[2:]) / 4, sharpness, variance, edge, cycles, facts, [],
        _warnings(facts, digits, held, bool(variance[-1] <= (SMALL * np.abs(averaged).max()) ** 2)), held, why,
        provenance=provenance(orbit=orbit.provenance.get("settings"), models=[path.provenance.get("settings") for path in paths]),
    )  # fmt: skip
    comparison.models.extend(_judged(comparison, name, path, orbit) for name, path in zip(names, paths, strict=True))
    return comparison


def model_names(question: str, weights: Sequence[str], paths: Sequence[Trajectory], names: Sequence[str] | None) -> list[str]:
    """A name for each path, by default the beginning of its title; a UsageError if its weights differ from the orbit's, or for
    wrong names."""
    for path in paths:
        if path.names[: path.n_weights] != tuple(weights):
            raise UsageError(f"the {path.flow} has other weights than the orbit: {', '.join(path.names[: path.n_weights])}")
    models = [path.flow.partition(" flow")[0] for path in paths] if names is None else list(names)
    if len(models) != len(paths):
        raise UsageError(f"{question} needs a name for each path, {how_many(len(paths), 'name')}, not {len(models)}")
    return models


def edge_of(paths: Sequence[Trajectory]) -> float:
    """2/η, or the edge of another optimizer; NaN if it is not a number."""
    for path in paths:
        with np.errstate(all="ignore"):
            scale = 2 * path.sharpness / path.edge
        scale = scale[np.isfinite(scale)]
        if len(scale) and np.ptp(scale) <= 1e-9 * np.abs(scale).max():
            return float(scale[0])
    return float("nan")


def _warnings(began: dict, digits: int | None, held: Hovering | None, small: bool) -> list[str]:
    """Sentences on an orbit that ended early, does not oscillate yet, or started to oscillate from round-off."""
    warnings = [] if began["status"] == "done" else [f"the optimizer itself {began['status']}"]
    came_back = held is not None and len(held.t) > 0 and held.ratio[-1] <= 1
    if began["crossing"] is not None and not came_back and small and "begins" not in began and began["status"] == "done":
        warnings.append(
            f"the averaged iterates are beyond the edge from step {began['crossing']} on, but no oscillation has grown yet: "
            "its remainder was too small; take more steps, or inject a seed (`inject=1e-6`)"
        )
    if began.get("round_off"):
        arithmetic = "float64" if digits is None else f"{digits} digits"
        warnings.append(
            f"the optimizer's own onset, at step {began['begins']}, is set by round-off: at step {began['lowest']} its "
            f"oscillation had died down to {began['size']:.1e}, which is round-off in {arithmetic}; inject a seed "
            "(`inject=1e-6`), or iterate with more digits to see it move"
        )
    return warnings


def _judged(comparison: Comparison, name: str, path: Trajectory, orbit: Orbit) -> Model:
    """A path's series at the steps that it covers, and their distances from the averaged orbit."""
    end = path.starts[-1] + path.sizes[-1] if len(path.starts) else 0.0
    n = int(np.searchsorted(comparison.t + path.discrete - path.lead, end * (1 + 1e-14), side="right"))
    t, states = comparison.t[:n] - path.lead, np.array(orbit.z[1 : n + 1], dtype=float)
    w, variance, loss = series(path, t)
    states[:, : path.n_weights] = w
    sharpness = replace(orbit, z=states).sharpness
    away = np.linalg.norm(w - comparison.averaged[:n], axis=1)
    spans = [(first - 1, last - 1) for first, last in comparison.cycles if last - 1 <= n]
    means = [np.linalg.norm((w[a:b] - comparison.averaged[a:b]).mean(axis=0)) for a, b in spans]
    first = begins(variance, BEGUN * float(comparison.variance.max()))
    return Model(
        name, path.flow, path.status, rms(away), float(away.max(initial=0.0)) if n else np.nan,
        float(away[-1]) if n else np.nan, rms(np.array(means)), rms(sharpness - comparison.sharpness[:n]),
        rms(loss - comparison.loss[:n]), _variance_ratio(comparison, variance, spans, n),
        None if first is None else float(t[first]),
        [{"t": event.t, "kind": event.kind, "rank": event.rank} for event in path.events],
        w, loss, sharpness, variance, list(path.notes),
        None if path.theta is None else _interpolated(t, path.t, path.edge * path.theta / 2),
    )  # fmt: skip


def series(path: Trajectory, t: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weights, variance and average loss of a model at some times; for a map the averages over two steps."""
    if not len(t):
        return np.empty((0, path.n_weights)), np.empty(0), np.empty(0)
    if not path.discrete:
        trace = np.einsum("rii->r", path.covariance)
        return path(t), _interpolated(t, path.t, trace), _interpolated(t, path.t, path.predicted_loss)
    here, (before, loss, after) = path(t), (_interpolated(t + k, path.t, path.loss) for k in (-1, 0, 1))
    middle = (path(t - 1) + 2 * here + path(t + 1)) / 4
    return middle, ((here - middle) ** 2).sum(axis=1), (before + 2 * loss + after) / 4


def _interpolated(t: np.ndarray, rows: np.ndarray, series: np.ndarray) -> np.ndarray:
    """A series on a path's rows at other times; NaN beyond them."""
    return np.interp(t, rows, series, np.nan, np.nan) if len(rows) else np.full(len(t), np.nan)


def _variance_ratio(comparison: Comparison, variance: np.ndarray, spans: list[tuple[int, int]], n: int) -> float:
    """Predicted over measured variance, over the slow cycles or else from the onset on."""
    first = spans[0][0] if spans else max(comparison.orbit.get("begins", 1) - 1, 0)
    last = spans[-1][1] if spans else n
    measured = comparison.variance[first:last]
    if not last > first or not measured.mean() > 0 or "begins" not in comparison.orbit and not spans:
        return float("nan")
    return float(variance[first:last].mean() / measured.mean())


def rms(values: np.ndarray) -> float:
    """Root mean square of the finite entries, NaN if there are none."""
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max(initial=0.0))
    # Diverging values may be too large to square.
    return largest * float(np.sqrt(((finite / (largest or 1.0)) ** 2).mean())) if len(finite) else float("nan")
