"""2P/((1 − μ_t)/(1 − Πμ) + …): NAdam's mixture of gradient and average, with its changing μ."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """λ* = 2P/((1 − μ_t)/(1 − Π_t) + μ_{t+1}/(1 − Π_{t+1})·(1 − β₁)/(1 + β₁)), Π the product of the μ until then."""
    rate, (b1, b2), decay = float(group["lr"]), group["betas"], group["weight_decay"]
    t = float(state["step"]) + 1
    now, after = (b1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
    product = float(state["mu_product"]) * now
    divisor = (1 - now) / (1 - product) + after / (1 - product * after) * (1 - b1) / (1 + b1)
    denominator = (state["exp_avg_sq"] / (1 - b2 ** (t - 1))).sqrt() + group["eps"]
    if group.get("decoupled_weight_decay"):
        return Edge(denominator * (2 / (rate * divisor) * (1 - rate * decay / 2)), 0.0, Memory(b1, 1 - b1), 1 / (1 - b2))
    return Edge(denominator * (2 / (rate * divisor)), decay, Memory(b1, 1 - b1), 1 / (1 - b2))
