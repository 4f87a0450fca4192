"""As Adam's, with P = (√v + ε)/(η r √(1 − β₂ᵗ)) and the rectification r; before it begins, gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """r² = (ρ − 4)(ρ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρ) with ρ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ) and ρ∞ = 2/(1 − β₂) − 1."""
    rate, (b1, b2), decay, t = float(group["lr"]), group["betas"], group["weight_decay"], float(state["step"]) + 1
    longest = 2 / (1 - b2) - 1
    length = longest - 2 * t * b2**t / (1 - b2**t)
    theta = 2 * (1 + b1) / (1 - b1) * (1 - b1**t)
    scale: Any = theta / rate
    if length > 5:
        rectified = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
        scale = (state["exp_avg_sq"].sqrt() + group["eps"]) * (theta / (rate * rectified * (1 - b2**t) ** 0.5))
    if group.get("decoupled_weight_decay"):
        return Edge(scale * (1 - rate * decay / 2), 0.0, Memory(b1), 1 / (1 - b2))
    return Edge(scale, decay, Memory(b1), 1 / (1 - b2))
