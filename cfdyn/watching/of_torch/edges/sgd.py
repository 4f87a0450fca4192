"""θP = 2(1 + μ)/((1 − τ)η); with Nesterov's momentum 2(1 + μ)/((1 + 2μ)η)."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Of a step with a velocity; the first one has none yet."""
    rate, beta, nesterov = float(group["lr"]), group["momentum"], group["nesterov"]
    divisor = (1 + 2 * beta if nesterov else 1 - group["dampening"]) * rate
    scale = 2 * (1 + beta) / divisor if divisor > 0 else float("inf")
    return Edge(scale, group["weight_decay"], Memory(beta, 1 - beta if nesterov else 0.0))
