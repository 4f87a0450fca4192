"""The result for one orbit: its regime and the evidence."""

from typing import NamedTuple

import numpy as np

FIRST_STEPS = 1000  # before the first look; as many again each time
LAST, ULP = 3, 2.0**-53  # states at which round-off is looked at, and its unit


class Settled(NamedTuple):
    """What an orbit ends on: the fields of `cfdyn.analysis.attractors.classify.Regime`."""

    kind: str
    period: int | None
    multipliers: np.ndarray
    lyapunov: float
    residual: float
    points: np.ndarray
    reason: str
    steps: int
    inject: float = 0.0
    unperturbed: str = ""
