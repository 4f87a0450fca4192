"""`Model`: a continuous-time model that goes beside the optimizer, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.registry import catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.training.modes import Modes

RUNNING = "running"
SINGLE = ("distance", "loss", "predicted_loss", "sharpness", "trace", "work")
MEASURED = (*SINGLE, "variance")


def flow_of(name: str, network: Any, optimizer: Optimizer) -> Any:
    """The flow of that name, before anything is computed."""
    return catalogue("flows").get(name)(network, optimizer)


def run_of(flow: Any, z: np.ndarray, options: dict[str, Any]) -> Any:
    """A run of it that can be advanced, stopped and gone on with."""
    from cfdyn.integrate.large import large_run

    return large_run(flow, z, **options)


class Model:
    """One flow, begun at a state of the optimizer; time is in steps. ``status`` is "running", or why it ended and when."""

    def __init__(self, name: str, network: Any, optimizer: Optimizer, tol: float | None):
        self.name, self.network, self.status = name, network, RUNNING
        self._flow = flow_of(name, network, optimizer)
        self._options = {} if tol is None else {"tol": tol}
        self._run: Any = None

    def begin(self, z: np.ndarray) -> None:
        """Start at a state (D,), or at its weights."""
        self._run = run_of(self._flow, z, self._options)

    def advance(self, t: float) -> None:
        """To the time t after its start; a model that fails ends there and lets the others go on."""
        if self._run is None or self.status != RUNNING:
            return
        try:
            self._run.advance(t)
        except (NumericsError, UsageError) as error:
            self.status = f"ended at t = {self._run.t:.6g}: {error}"
            return
        if not np.isfinite(self._run.w).all():
            self.status = f"ran away by t = {t:.6g}"

    def measured(self, midpoint: np.ndarray, modes: Modes, root: np.ndarray | None) -> dict[str, Any] | None:
        """Its row beside a midpoint (d,) of the iterates; None where it has not begun or has ended."""
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
            "sharpness": float(values[0]) if len(values) else np.nan, "trace": trace,
            "work": float(self._run.stats["gradient_equivalents"]), "variance": np.einsum("ki,ij,kj->k", shadows, small, shadows),
        }  # fmt: skip

    @property
    def work(self) -> float:
        """Gradient equivalents so far."""
        return 0.0 if self._run is None else float(self._run.stats["gradient_equivalents"])

    def snapshot(self) -> dict[str, np.ndarray]:
        """All that its run is; empty before it has begun."""
        return {} if self._run is None else dict(self._run.snapshot())

    def restore(self, saved: Mapping[str, np.ndarray], z: np.ndarray) -> None:
        """What a snapshot holds; z (D,): any state of the right length."""
        if saved:
            self.begin(z)
            self._run.restore(dict(saved))
