"""θP with θ = 2(1 + β₁)/(1 − β₁)·(1 − β₁ᵗ) in step t and P = (√v̂ + ε)/η."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Its decay adds to the curvature, unless the group says that it is decoupled."""
    rate, (b1, b2), decay = float(group["lr"]), group["betas"], group["weight_decay"]
    squares = state["max_exp_avg_sq"] if group.get("amsgrad") else state["exp_avg_sq"]
    t = float(state["step"])
    denominator = (squares / (1 - b2**t)).sqrt() + group["eps"]
    theta = 2 * (1 + b1) / (1 - b1) * (1 - b1 ** (t + 1))
    if group.get("decoupled_weight_decay"):
        return Edge(denominator * (theta / rate * (1 - rate * decay / 2)), 0.0, Memory(b1), 1 / (1 - b2))
    return Edge(denominator * (theta / rate), decay, Memory(b1), 1 / (1 - b2))
