"""`compare`, `averages`: an optimizer, its continuous-time models and averages of its iterates, from one start."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cfdyn.analysis.training.averages import Averages
from cfdyn.analysis.training.averages import averages as judge_averages
from cfdyn.analysis.training.compare import Comparison
from cfdyn.analysis.training.compare import compare as judge
from cfdyn.analysis.training.compare_runs import RunsComparison, compare_runs
from cfdyn.ensembles.stochastic.runs import Runs, iterate_many
from cfdyn.errors import CfdynError, NumericsError, UsageError
from cfdyn.integrate.solve import solve
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.registry import catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.orbit import Orbit, iterate
from cfdyn.systems.steps import as_map

MODELS = ("gradient", "central", "rod", "edge")
BESIDE_AVERAGES = ("gradient", "central")
BESIDE_RUNS = ("stochastic", "central", "gradient", "modified")
RUNS, ROWS = 200, 100  # runs, and rows of statistics over them
Progress = Callable[[str], None]


def compare(
    loss: Loss, optimizer: Optimizer, models: Sequence[str | Flow] | Mapping[str, str | Flow] | None = None, start: Any = None,
    steps: int = 500, inject: float = 0.0, digits: int | None = None, rtol: float = 1e-8, atol: float = 1e-14,
    progress: Progress | None = None, runs: int | None = None, batch: int | None = None, replace: bool = True, noise: Any = None,
    label_noise: float = 0.0, order: str = "independent", after: int = 0, seed: int = 0,
) -> Comparison | RunsComparison:  # fmt: skip
    """Compare an optimizer with its continuous-time models: the distance of each model from the averaged orbit.

    With a batch or noise the optimizer is stochastic: models are compared with the mean of many runs, with errors from these
    runs.

    Parameters
    ----------
    loss, optimizer : the loss, and the optimizer that is iterated on it
    models : names of `cfdyn.flows`, flows, or a mapping from your own names to either; by default gradient, central, rod and
        edge, if the optimizer has them
    start : weights (d,) or the full state
    steps : of the optimizer, at least 2; the models cover the same time
    inject : least amplitude of the optimizer's oscillation, so that its onset does not depend on round-off (see `iterate`);
        also the floor of the edge flow, if that is given by its name
    digits : number of decimal digits for the iteration; float64 by default
    rtol, atol : tolerances of the models; atol is small because an oscillation may grow from a very small variance
    runs, batch, replace, noise, label_noise, order, seed : as for `iterate_many`; 200 runs by default with a batch or noise.
        The default models are then the central flow with this noise (``stochastic``) and without, gradient and modified
    after : number of steps after which the models start, at the mean of the runs, or at the whole state of the one orbit, whose
        momentum and second moments are then those of its path. For one orbit, steps are counted from there

    Returns
    -------
    Comparison, or RunsComparison for many runs; `cfdyn.plot` draws it, `cfdyn.animate` animates a Comparison

    Raises
    ------
    UsageError : an unknown model, a model that the optimizer does not have, or an invalid start or number of steps

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    >>> comparison = cf.compare(loss, gd, ["gradient", "central"], start=[0.05, 6.4], steps=600)
    >>> [(model.name, round(model.distance, 2)) for model in comparison.ranking]
    [('central', 0.11), ('gradient', 0.81)]
    """
    if runs is not None or batch is not None or noise is not None or label_noise:
        if inject or digits is not None:
            raise UsageError("`inject` and `digits` belong to one orbit; many runs have noise of their own, in float64")
        sampling = {"batch": batch, "replace": replace, "noise": noise, "label_noise": label_noise, "order": order, "seed": seed}
        runs = RUNS if runs is None else runs
        return _beside_runs(loss, optimizer, models, start, steps, runs, sampling, after, (rtol, atol), progress)
    flows, notes = _flows(loss, optimizer, models, MODELS, inject=inject)
    _some(flows)
    orbit, paths = _followed(loss, optimizer, flows, start, steps, inject, digits, rtol, atol, progress, after)
    comparison = judge(orbit, paths, list(flows))
    warm = [f"the models begin at the optimizer's whole state after {after} steps, from which all steps count"] if after else []
    comparison.warnings.extend(warm + notes)
    return dataclasses.replace(comparison, _loss=loss)


def averages(
    loss: Loss, optimizer: Optimizer, models: Sequence[str | Flow] | Mapping[str, str | Flow] | None = None, start: Any = None,
    steps: int = 500, decays: Sequence[float] = (0.5, 0.9, 0.99), period: int = 2, inject: float = 0.0, digits: int | None = None,
    rtol: float = 1e-8, atol: float = 1e-14, progress: Progress | None = None,
) -> Averages:  # fmt: skip
    """Compare averages of an optimizer's iterates, and models, as in `cfdyn.analysis.averages`.

    Parameters
    ----------
    loss, optimizer, start, steps, inject, digits, rtol, atol : as for `compare`
    models : likewise, or empty; by default gradient and central, if the optimizer has them
    decays, period : of the exponential averages, and of the fast oscillation

    Returns
    -------
    Averages; `cfdyn.plot` draws it

    Raises
    ------
    UsageError : as for `compare`, or a decay or period out of range

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)
    >>> averages = cf.averages(loss, gd, [], start=[0.05, 6.4], steps=1000, decays=[0.9])
    >>> [(entry.name, round(entry.error, 3)) for entry in averages.ranking[:2]]
    [('ema=0.9', 0.048), ('last_two', 0.051)]
    """
    flows, notes = _flows(loss, optimizer, models, BESIDE_AVERAGES, inject=inject)
    orbit, paths = _followed(loss, optimizer, flows, start, steps, inject, digits, rtol, atol, progress)
    judged = judge_averages(orbit, paths, decays, list(flows), period)
    judged.warnings.extend(notes)
    return judged


def _beside_runs(
    loss: Loss, optimizer: Optimizer, models: Any, start: Any, steps: int, runs: int, sampling: dict[str, Any], after: int,
    tolerances: tuple[float, float], progress: Progress | None,
) -> RunsComparison:  # fmt: skip
    """Many runs, and models that start at their mean at some step."""
    say = progress or (lambda words: None)
    if steps < 2 or not 0 <= after < steps or runs < 2:
        raise UsageError(f"a comparison needs 2 runs of 2 steps or more and `after` below these, not {runs}, {steps} and {after}")
    flows, notes = _flows(loss, optimizer, models, BESIDE_RUNS, sampling)
    _some(flows)
    every = max(1, (steps - after) // ROWS)
    # Rows are at multiples of it, and models begin at one.
    every = max(k for k in range(1, every + 1) if after % k == 0)
    many = iterate_many(
        loss, optimizer, _start(start), steps, runs=runs, every=every, progress=lambda k: say(f"{k} of {steps} steps"), **sampling
    )
    rows = many.t[many.t >= after]
    begin = _begin(many, loss, optimizer, flows, after, sampling) if after else None
    paths: dict[str, Trajectory] = {}
    for name, flow in flows.items():
        say(f"solving {name}")
        where = many.start[: loss.dim] if begin is None else begin[: None if _has_state(flow, begin) else loss.dim]
        wanted = np.unique(np.maximum(rows - after - flow.lead, 0.0)).tolist()
        try:
            end = float(rows[-1] - after)
            paths[name] = solve(flow, where, end, *tolerances, save_at=wanted, progress=_solving(say, name, end))
        except NumericsError as error:
            notes.append(f"{name} was omitted: {error}")
    if not paths:
        raise NumericsError("; ".join(notes))
    compared = compare_runs(many, list(paths.values()), list(paths), after)
    if sampling["order"] == "reshuffled" and "stochastic" in flows:
        notes.append("batches of an epoch are correlated; the stochastic flow is of independent ones without replacement")
    compared.warnings.extend(notes)
    return compared


def _begin(
    many: Runs, loss: Loss, optimizer: Optimizer, flows: Mapping[str, Flow], after: int, sampling: dict[str, Any]
) -> np.ndarray:  # fmt: skip
    """The mean of the runs at a step; if a flow has further states, the runs are repeated to average those of the optimizer
    too."""
    d, weights = loss.dim, many.averaged[many.t.tolist().index(after)]
    if not any(_has_state(flow, many.start) for flow in flows.values()):
        return weights
    given, runs = many.start, len(many.ended)
    again = iterate_many(loss, optimizer, given, after, runs=runs, every=after, measured=0, **sampling)
    return np.concatenate([weights, np.nanmean(again.final[:, d:], axis=0)])


def _has_state(flow: Flow, state: np.ndarray) -> bool:
    """True if a flow has states other than the weights and takes them from a whole state of the optimizer."""
    return flow.dim > flow.n_weights and len(state) > flow.n_weights


def _followed(
    loss: Loss, optimizer: Optimizer, flows: Mapping[str, Flow], start: Any, steps: int, inject: float, digits: int | None,
    rtol: float, atol: float, progress: Progress | None, after: int = 0,
) -> tuple[Orbit, list[Trajectory]]:  # fmt: skip
    """The orbit from some step on, and each flow's path with a row at each step."""
    say = progress or (lambda words: None)
    if not 0 <= after <= steps - 2:
        raise UsageError(f"a comparison needs at least 2 steps, and 2 after those of `after`, not {steps} and {after}")
    step = as_map(loss, optimizer)
    z0 = step.state(_start(start))
    say("iterating the optimizer")
    orbit = iterate(step, z0, steps, digits=digits, inject=inject)
    if len(orbit.z) <= after:
        raise UsageError(f"the optimizer {orbit.status}, before step {after}, at which the models are to begin")
    orbit, z0, steps = dataclasses.replace(orbit, z=orbit.z[after:]), np.array(orbit.z[after], dtype=float), steps - after
    paths = []
    for name, flow in flows.items():
        say(f"solving {name}")
        # Weights alone: every model completes them itself.
        whole = (after > 0 or np.size(start) > step.n_weights) and flow.spec.map.names == step.names
        given = flow.started(z0) if whole else z0[: step.n_weights]
        told = _solving(say, name, float(steps))
        paths.append(solve(flow, given, float(steps), rtol=rtol, atol=atol, save_at=_rows(flow, steps), progress=told))
    return orbit, paths


def _solving(say: Progress, name: str, end: float) -> Callable[[float], None]:
    """A callback that reports the progress of a model."""
    return lambda t: say(f"solving {name}: t = {t:.4g} of {end:g}")


def _rows(flow: Flow, steps: int) -> list[float]:
    """The times at which a model is compared with the averages of the iterates."""
    rows = np.arange(steps + 1.0)
    return np.unique(np.maximum(rows - flow.lead, 0.0)).tolist() if flow.lead else rows.tolist()


def _some(flows: Mapping[str, Flow]) -> None:
    if not flows:
        raise UsageError("a comparison needs at least one model, such as models=['central']")


def _start(start: Any) -> Any:
    if start is None:
        raise UsageError("a comparison needs a start: the weights, or the full state")
    return start


def _flows(
    loss: Loss, optimizer: Optimizer, models: Sequence[str | Flow] | Mapping[str, str | Flow] | None, usual: Sequence[str],
    sampling: Mapping[str, Any] | None = None, inject: float = 0.0,
) -> tuple[dict[str, Flow], list[str]]:  # fmt: skip
    """The flows by name, and what was omitted; ``stochastic`` is the central flow with the noise of a sampling, and the
    oscillation of the edge flow has at least the size that is injected into the optimizer's."""
    flows: dict[str, Flow] = {}
    left: list[str] = []
    chosen = usual if models is None else models
    named = chosen.items() if isinstance(chosen, Mapping) else [(None, model) for model in chosen]
    for name, model in named:
        if isinstance(model, str):
            given: dict[str, Any] = {"floor": inject} if model == "edge" and inject else {}
            if noisy := model == "stochastic" and sampling is not None:
                given = {option: sampling[option] for option in ("batch", "replace", "noise", "label_noise")}
                given["replace"] = given["replace"] and sampling["order"] == "independent"
            try:
                _add(flows, name or model, catalogue("flows").get("central" if noisy else model)(loss, optimizer, **given))
            except CfdynError as error:
                if models is not None:
                    raise
                left.append(f"{model} was omitted: {error}")
        else:
            _add(flows, name or str(getattr(model, "name", model)), model)
    return _checked(flows), left


def _add(flows: dict[str, Flow], name: str, flow: Flow) -> None:
    """Add a flow under its name, or as ``edge 2`` if that is taken."""
    number = 1
    while (name if number == 1 else f"{name} {number}") in flows:
        number += 1
    flows[name if number == 1 else f"{name} {number}"] = flow


def _checked(flows: dict[str, Flow]) -> dict[str, Flow]:
    for name, flow in flows.items():
        if not isinstance(flow, Flow):
            raise UsageError(f"the model {name!r} is not a flow but a {type(flow).__name__}; cf.flows makes them")
    return flows
