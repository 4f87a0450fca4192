"""`tangency`: the tangency of two manifolds of saddles at the parameter value closest to the map's own."""

from collections.abc import Callable, Sequence
from typing import Any

from cfdyn.analysis.saddles.tangencies import SAMPLES, Tangency, tangencies
from cfdyn.errors import NumericsError
from cfdyn.systems.map import Map


def tangency(
    step: Map, cycle: Any, parameter: str, bounds: tuple[float, float], other: Any = None,
    box: Sequence[tuple[float, float]] | None = None, length: float | None = None, period: int = 1, samples: int = SAMPLES,
    crises: bool = True, progress: Callable[[int, int], None] | None = None,
) -> Tangency:  # fmt: skip
    """The homoclinic or heteroclinic tangency over [lo, hi] closest to the map's own parameter value.

    Parameters
    ----------
    step : a map of the plane; its parameter value selects one of several tangencies
    cycle, parameter, bounds, other, box, length, period, samples, crises, progress : as for `tangencies`, which returns all

    Raises
    ------
    NumericsError : no saddle there, or no tangency over the range
    UsageError : a map that is not of the plane, no box, an empty range

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.392, "b": 0.3})
    >>> t = cf.analysis.tangency(henon, [0.63, 0.19], "a", (1.391, 1.394), box=[(-1.5, 1.5), (-0.5, 0.5)], length=8)
    >>> round(t.parameter, 12), t.quadratic
    (1.392419807923, True)

    References
    ----------
    Arai & Mischaikow (2006), SIAM J. Appl. Dyn. Syst. 5, 280.
    """
    every = tangencies(step, cycle, parameter, bounds, other, box, length, period, samples, crises, progress)
    if not len(every):
        why = f" ({every.reason})" if every.reason else ""
        lo, hi = every.bounds
        raise NumericsError(f"no tangency was found for {parameter} from {lo:g} to {hi:g}{why}; try a longer `length`, "
                            "a larger `box` or more `samples`")  # fmt: skip
    here = step.params[parameter]
    return min(every, key=lambda one: abs(one.parameter - here))
