"""`Model`: a continuous-time model that goes beside the optimizer, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.registry import catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.by_products.oracle_edge_flow import OracleEdgeFlow
from cfdyn.systems.by_products.oracle_rod_flow import OracleRodFlow
from cfdyn.training.modes import Modes

RUNNING = "running"
SINGLE = ("distance", "loss", "predicted_loss", "sharpness", "trace")
MEASURED = (*SINGLE, "variance")
# Without the secant nothing but the centre's motion ends the growth of a swing; a single rod follows the drift and misses it.
OPTIONS: dict[str, dict[str, Any]] = {"edge": {"secant": True}, "rod": {"rods": "all"}}


def flow_of(name: str, network: Any, optimizer: Optimizer) -> Any:
    """The flow of that name, before anything is computed."""
    return catalogue("flows").get(name)(network, optimizer, **OPTIONS.get(name, {}))


def run_of(flow: Any, z: np.ndarray, options: dict[str, Any]) -> Any:
    """A run of it that can be advanced, stopped and gone on with."""
    from cfdyn.integrate.large.solve import large_run

    return large_run(flow, z, **options)


def start_of(flow: Any, optimizer: Optimizer, z: np.ndarray, off: np.ndarray) -> np.ndarray:
    """The state of a flow at a midpoint (D,) of the optimizer: without its momentum, which the flow has slaved; ``off`` (d,) is
    what the iterate is from there, the swing of the edge and the rod flow."""
    d, each = flow.n_weights, optimizer.per_weight
    if isinstance(flow, OracleEdgeFlow | OracleRodFlow):
        return flow.swinging(z[:d], off)
    blocks = [z[:d], *(z[(1 + each.index(name)) * d : (2 + each.index(name)) * d] for name in flow.own.each)]
    shared = z[(1 + len(each)) * d :]
    return np.concatenate([*blocks, [shared[optimizer.shared.index(name)] for name in flow.own.shared]])


class Model:
    """One flow, begun at a state of the optimizer; time is in steps. ``status`` is "running", or why it ended and when."""

    def __init__(self, name: str, network: Any, optimizer: Optimizer, tol: float | None):
        self.name, self.network, self.optimizer, self.status = name, network, optimizer, RUNNING
        self._flow = flow_of(name, network, optimizer)
        self._options = {} if tol is None else {"rtol": tol}
        self._run: Any = None

    def begin(self, z: np.ndarray, off: np.ndarray) -> None:
        """Start at a midpoint (D,) of the optimizer, which its iterate is ``off`` (d,) from."""
        try:
            self._run = run_of(self._flow, start_of(self._flow, self.optimizer, z, off), self._options)
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
            curved = np.stack([np.asarray(self.network.hvp(w, v)) for v in directions])
            trace = float(np.trace(small @ (directions @ directions.T)))
            excess = float(np.trace(small @ (directions @ curved.T))) / 2
        shadows = (modes.vectors if root is None else modes.vectors * root) @ directions.T
        values = self._run.eigenvalues
        return {
            "distance": float(np.linalg.norm(w - midpoint)), "loss": loss, "predicted_loss": loss + excess,
            "trace": trace,
            "sharpness": float(values[0] / self._run.theta * edge) if len(values) else np.nan,
            "variance": np.einsum("ki,ij,kj->k", shadows, small, shadows),
        }  # fmt: skip

    def facts(self, status: str) -> dict[str, Any]:
        """Its status, the optimizer's ``status`` if it goes on; what was changed or assumed; gradient equivalents as timed."""
        known = {"status": status if self.status == RUNNING else self.status, "notes": [], "work": 0.0}
        if self._run is None:
            return known
        return {**known, "notes": list(self._run.notes), "work": float(self._run.oracle.equivalents())}

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that its run is; empty before it has begun."""
        return {} if self._run is None else dict(self._run.snapshot())

    def restore(self, saved: Mapping[str, np.ndarray], z: np.ndarray) -> None:
        """What a snapshot holds; z (D,): any state of the optimizer."""
        if saved:
            self.begin(z, np.zeros(self._flow.n_weights))
            self._run.restore(dict(saved))
