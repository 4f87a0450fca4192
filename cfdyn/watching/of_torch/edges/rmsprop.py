"""θP = 2(1 + μ)(√v + ε)/η; if it is centred √(v − ḡ²) for √v."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Its decay adds to the curvature."""
    squares, beta = state["square_avg"], group["momentum"]
    if group["centered"]:
        squares = (squares - state["grad_avg"] ** 2).clamp_min(0)
    scale = (squares.sqrt() + group["eps"]) * (2 * (1 + beta) / float(group["lr"]))
    return Edge(scale, group["weight_decay"], Memory(beta), 1 / (1 - group["alpha"]))
