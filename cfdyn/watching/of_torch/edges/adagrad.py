"""θP = 2(√Σg² + ε)/η_t, η_t = η/(1 + (t − 1)·decay of the rate)."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge, Memory


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Its decay adds to the curvature."""
    rate = float(group["lr"]) / (1 + float(state["step"]) * group["lr_decay"])
    return Edge((state["sum"].sqrt() + group["eps"]) * (2 / rate), group["weight_decay"], Memory(0.0))
