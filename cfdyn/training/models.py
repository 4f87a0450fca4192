"""`Model`: a continuous-time model that advances together with the optimizer, step by step."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError, RecordError, UsageError
from cfdyn.flows._noisy import why_noiseless
from cfdyn.registry import catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.training.modes import Modes

RUNNING = "running"
SINGLE = ("distance", "loss", "predicted_loss", "sharpness", "trace")
MEASURED = (*SINGLE, "variance")
# Without the secant nothing but the centre's motion ends the growth of a swing; a single rod follows the drift and misses it.
OPTIONS: dict[str, dict[str, Any]] = {"edge": {"secant": True}, "rod": {"rods": "all"}}
COARSE = 0.5  # of the distance to the optimizer: errors were a tenth of it and more with larger tolerances
NOISELESS = "it is the flow of all rows and does not include the noise of mini-batches"


def flow_of(name: str, network: Any, optimizer: Optimizer, noise: Mapping[str, Any]) -> tuple[Any, str]:
    """The flow of that name, before anything is computed: with the noise of batches if there is any and it has such a flow; and
    what is to be said where it has none."""
    make = catalogue("flows").get(name)
    options = OPTIONS.get(name, {})
    try:
        flow = make(network, optimizer, **options)
    except UsageError as error:
        raise UsageError(f"{error}; `runs='discrete'` trains it without flows") from None
    if not noise:
        return flow, ""
    if "batch" not in inspect.signature(make).parameters:
        return flow, NOISELESS
    if why := why_noiseless(flow):
        return flow, f"{NOISELESS}: {why}"
    return make(network, optimizer, **options, **noise), ""


def run_of(flow: Any, options: Mapping[str, Any]) -> Any:
    """A run of it, to be begun or restored, that can be advanced, stopped and continued."""
    from cfdyn.integrate.large import idle_run

    return idle_run(flow, **options)


def sharpness_of(run: Any) -> float:
    """λ₁(P⁻¹H) where it is."""
    from cfdyn.integrate.large.rows import sharpest

    return sharpest(run)


class Model:
    """One flow, begun at a state of the optimizer; time is in steps. ``status`` is "running", or why it ended and when.

    ``noise``: ``batch``, ``replace`` and ``cut`` where steps are of mini-batches, as `cf.flows.central` takes them, else empty.
    """

    def __init__(self, name: str, network: Any, optimizer: Optimizer, tol: float | None, noise: Mapping[str, Any]):
        self.name, self.network, self.optimizer, self.status = name, network, optimizer, RUNNING
        self._flow, self._noiseless = flow_of(name, network, optimizer, noise)
        self._options = {} if tol is None else {"rtol": tol}
        self._run: Any = None
        self._farthest = 0.0  # from the midpoints of the optimizer
        self._fresh = True  # not as a checkpoint has it, of which nothing but the numbers is known until it has gone on

    def begin(self, z: np.ndarray, off: np.ndarray) -> None:
        """Start at a midpoint (D,) of the optimizer, which its iterate is ``off`` (d,) from."""
        try:
            run = run_of(self._flow, self._options)
            run.begin(self._flow.at_midpoint(self.optimizer, z, off))
            self._run = run
        except (NumericsError, UsageError) as error:
            self.status = f"ended before it began: {error}"

    def advance(self, t: float) -> None:
        """To the time t after its start; a model that fails ends there and lets the others go on."""
        if self._run is None or self.status != RUNNING:
            return
        try:
            self._run.advance(t)
        except (NumericsError, UsageError) as error:
            self.status = f"ended at t = {self._run.t:.6g}: {error}"
            return
        except Exception as error:
            if self._fresh:
                raise
            raise RecordError(f"the checkpoint of the {self.name} flow is damaged, or of another cfdyn: it does not go on "
                              f"({type(error).__name__}: {error})") from None  # fmt: skip
        self._fresh = True
        if self._run.status:
            self.status = f"ended: {self._run.status}"
        elif not np.isfinite(self._run.w).all():
            self.status = f"ended: not finite at t = {t:.6g}"

    def measured(self, midpoint: np.ndarray, edge: float, modes: Modes, root: np.ndarray | None) -> dict[str, Any] | None:
        """Its row beside a midpoint (d,) of the iterates, sharpness in units of ``edge``; None where it does not run."""
        if self._run is None or self.status != RUNNING:
            return None
        w, (directions, small) = self._run.w, self._run.covariance_factors
        loss, trace, excess = float(self.network.value(w)), 0.0, 0.0
        if len(directions):
            curved = self._run.curved(directions) - self._flow.decay * directions
            trace = float(np.trace(small @ (directions @ directions.T)))
            excess = float(np.trace(small @ (directions @ curved.T))) / 2
        penalty = self._flow.decay if root is None else 0.0  # where P moves, the eigenvalues are those with it
        distance = float(np.linalg.norm(w - midpoint))
        self._farthest = max(self._farthest, distance)
        shadows = (modes.vectors if root is None else modes.vectors * root) @ directions.T
        return {
            "distance": distance, "loss": loss, "predicted_loss": loss + excess,
            "trace": trace,
            "sharpness": sharpness_of(self._run) / self._run.theta * (edge + penalty) - penalty,
            "variance": np.einsum("ki,ij,kj->k", shadows, small, shadows),
        }  # fmt: skip

    def facts(self, status: str) -> dict[str, Any]:
        """Its status, the optimizer's ``status`` if it goes on; what was changed or assumed; gradient equivalents as timed."""
        notes, work = [self._noiseless] if self._noiseless else [], 0.0
        if self._run is not None:
            notes, work = [*notes, *self._run.notes, *self._run.summary, *self._coarse()], float(self._run.oracle.equivalents())
        return {"status": status if self.status == RUNNING else self.status, "notes": notes, "work": work}

    def _coarse(self) -> list[str]:
        """That its tolerance is large beside its distance to the optimizer, if it is."""
        rtol, length = self._run.options.rtol, float(np.linalg.norm(self._run.w))
        if not self._farthest or rtol * length <= COARSE * self._farthest:
            return []
        return [f"its tolerance, {rtol:g} of the length of the weights, is {rtol * length:.2g}, and the flow was at most "
                f"{self._farthest:.2g} from the optimizer's midpoints: its own error may be a tenth of that or more, which a "
                "smaller `tol` brings down"]  # fmt: skip

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that its run is; empty before it has begun."""
        return {} if self._run is None else {**self._run.snapshot(), "farthest": np.array(self._farthest)}

    def restore(self, saved: Mapping[str, np.ndarray]) -> None:
        """What a snapshot holds.

        Raises
        ------
        RecordError : it is that of another flow: of this name, by an older cfdyn
        """
        if not saved:
            return
        for name in ("g", "y", "aside"):
            if name in saved and saved[name].size and saved[name].shape[-1:] != (self.network.dim,):
                raise ValueError(f"{name} of the {self.name} flow has the shape {saved[name].shape}")
        # Not known of what an older cfdyn measured: no note rather than one of the rest alone.
        run, self._farthest = run_of(self._flow, self._options), float(saved.get("farthest", np.inf))
        try:
            run.restore(dict(saved))
        except KeyError:
            raise RecordError(f"the run was started with a {self.name} flow that is another one in this cfdyn: it can be "
                              "read but not continued; start it again in another folder") from None  # fmt: skip
        self._run, self._fresh = run, False
