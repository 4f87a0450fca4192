"""`edge`: the parameter at which a fixed point loses its stability, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.records import Record, provenance
from cfdyn.systems import Map, require_map, require_parameter

STILL = 1e-6


@dataclass(frozen=True)
class Edge(Record):
    """Where the first multiplier of a fixed point leaves the unit circle.

    ``value``: the parameter there; ``kind``: "flip" (−1), "fold" (+1) or "neimark-sacker";
    ``multiplier``: the one that leaves; ``points`` (1, D).
    """

    parameter: str
    value: float
    kind: str
    multiplier: complex
    points: Annotated[np.ndarray, "* D"]


def edge(step: Map, z: Any, scale: float, parameter: str = "lr") -> Edge:
    """The smallest parameter above 0 at which the fixed point z loses stability.

    For gradient descent at a minimum of sharpness λ this is the edge of stability η = 2/λ, a flip;
    for heavy ball 2(1 + μ)/λ. Multipliers that stay at 1 (directions along a continuum of fixed
    points) are left out.

    Parameters
    ----------
    step : the map
    z : a fixed point for every value of the parameter, weights or full state (D,)
    scale : a value at which to start looking, such as 1/λ
    parameter : its name

    Raises
    ------
    NumericsError : no derivative at z, or stable up to 10⁶ × scale, or unstable from the start

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    >>> found = cf.analysis.edge(step, [1.0], scale=0.5)
    >>> round(found.value, 12), found.kind
    (1.5, 'flip')
    """
    require_parameter(require_map(step), parameter)
    if isinstance(scale, bool) or not isinstance(scale, int | float | np.number) or not 0 < scale < np.inf:
        raise UsageError(f"scale is a number above 0, the size of {parameter}, not {scale!r}")
    state = step.state(z)

    def leading(value: float) -> complex:
        matrix = step.at(**{parameter: value}).jacobian(state)
        if not np.isfinite(matrix).all():
            raise NumericsError("the map has no derivative at this point, so no edge is defined")
        values = np.linalg.eigvals(matrix)
        moving = values[np.abs(values - 1) > STILL]
        return complex(moving[np.argmax(np.abs(moving))]) if len(moving) else 0j

    lo = scale / 16
    if abs(leading(lo)) > 1:
        raise NumericsError(f"the point is unstable already at {parameter} = {lo:.3g}")
    hi = lo
    while abs(leading(hi)) <= 1:
        lo, hi = hi, hi * 1.3
        if hi > 1e6 * scale:
            raise NumericsError(f"the point stays stable up to {parameter} = {lo:.3g}")
    value = _halved(lambda v: abs(leading(v)) > 1, lo, hi)
    multiplier = leading(value)
    kind = "neimark-sacker" if abs(multiplier.imag) > 1e-6 else "flip" if multiplier.real < 0 else "fold"
    settings = provenance(map=step.title, point=state, parameter=parameter)
    return Edge(parameter, value, kind, multiplier, state[None, :], provenance=settings)


def _halved(beyond: Callable[[float], bool], lo: float, hi: float) -> float:
    """Where ``beyond`` becomes true between lo and hi, to the last digit."""
    while True:
        middle = (lo + hi) / 2
        if not lo < middle < hi:
            return middle
        lo, hi = (lo, middle) if beyond(middle) else (middle, hi)
