"""θP = 2√((v + ε)/(u + ε))/η, with averages v of squared gradients and u of squared steps."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Its decay adds to the curvature."""
    eps = group["eps"]
    ratio = ((state["square_avg"] + eps) / (state["acc_delta"] + eps)).sqrt()
    return Edge(ratio * (2 / float(group["lr"])), group["weight_decay"], Memory(0.0), 1 / (1 - group["rho"]))
