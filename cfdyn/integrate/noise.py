"""What a flow with noise tells at the rows of a path, and in sentences."""

from typing import Any

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.systems.flow import Flow

WARMING_UP = 300  # steps of the optimizer to start after, where its first steps are beyond mean-square stability


def of_noise(seen: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Σ (m, d, d), its rank (m,) and the other fields of a `Trajectory`, from what `Flow.observe` tells."""
    radius, damping, neglected, kept = seen[:, d * d :].T.copy()
    return seen[:, : d * d].reshape(-1, d, d), kept.astype(int), {"radius": radius, "damping": damping, "neglected": neglected}


def said_of_noise(fields: dict[str, Any]) -> list[str]:
    """Who holds the sharpness, and how much is left out; nothing of a flow without noise."""
    damping, times = fields.get("damping"), fields["t"]
    if damping is None or not len(times):
        return []
    held, least = damping > 1.0, float(np.nanmin(damping))
    if held.all():
        regime = "noise-held: " + ("ηλ₁ ≤ 1 all along" if np.isinf(least) else f"ΔS/√(2α) is at least {least:.3g}, above 1")
    else:
        first = int(np.argmin(held))
        again = "" if not held[first:].any() else ", not all along from then on"
        regime = (f"edge-held from t = {times[first]:.6g}{again}: ΔS/√(2α) falls to {least:.3g}, below 1, where the oscillation swings as "
                  "without noise; the flow without `batch` is the model there")  # fmt: skip
    worst = float(np.nanmax(np.abs(fields["neglected"]), initial=0.0))
    return [regime, f"the largest term left out of Σ is up to {100 * worst:.2g} % of it"]


def beyond_stability(flow: Flow, z: np.ndarray) -> NumericsError | None:
    """The error for a start where the second moments of the noise grow without bound."""
    seen = flow.observe(z[None])
    radius = np.nan if seen is None else float(seen[0, flow.n_weights**2])
    if not np.isfinite(radius):
        return None
    return NumericsError(f"the start is beyond mean-square stability: a step multiplies second moments of the sharp directions by "
                         f"{radius:.6g} > 1; start where the optimizer is after some {WARMING_UP} steps, or lower lr")  # fmt: skip
