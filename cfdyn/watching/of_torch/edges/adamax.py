"""As Adam's, with P = u/η, u the decaying maximum of the gradients (ε is within it)."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Its decay adds to the curvature."""
    b1, b2 = group["betas"]
    theta = 2 * (1 + b1) / (1 - b1) * (1 - b1 ** (float(state["step"]) + 1))
    return Edge(state["exp_inf"] * (theta / float(group["lr"])), group["weight_decay"], Memory(b1), 1 / (1 - b2))
