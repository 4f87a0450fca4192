"""As Adam's, with a decoupled decay: times 1 − ηd/2."""

from __future__ import annotations

from typing import Any

from cfdyn.watching.edge import Edge

from . import adam


def edge(group: dict[str, Any], state: dict[str, Any]) -> Edge:
    """Its decay shrinks the weights before each step."""
    return adam.edge({**group, "decoupled_weight_decay": True}, state)
