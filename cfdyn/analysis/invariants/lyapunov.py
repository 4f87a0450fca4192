"""`lyapunov`: the spectrum of Lyapunov exponents."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.analysis.invariants.lyapunov_spectrum import lyapunov_spectrum
from cfdyn.systems.flow import Flow
from cfdyn.systems.map import Map
from cfdyn.systems.matrix_free.map import MatrixFreeMap


def lyapunov(
    step: Map | MatrixFreeMap | Flow, z0: Any, n: float | None = None, transient: float | None = None,
    progress: Callable[[int], None] | None = None, leading: int | None = None,
) -> np.ndarray:  # fmt: skip
    """The Lyapunov exponents λ_k = lim (1/n) Σ log r_kk of the QR factors along the orbit, the largest first.

    `lyapunov_spectrum` also returns their errors.

    Parameters
    ----------
    step : the map, or a smooth flow, whose exponents are per unit of time
    z0 : start, the d weights or the full state (D,)
    n : number of steps averaged over, 100,000 by default; for a flow the time, 10,000
    transient : number of steps, or the time, before; 1000 by default
    progress : called at times with the number of steps done, or the time
    leading : number of the largest exponents to compute; all by default

    Returns
    -------
    (D,) exponents per step, or per unit of time of a flow, or (leading,); −inf where a direction collapses

    Raises
    ------
    NumericsError : the orbit diverges or leaves the domain
    UsageError : n below 1, a negative transient, or a bad start

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    >>> exponents = cf.analysis.lyapunov(step, [0.1, 0.1], 100_000)
    >>> exponents.round(2), round(float(exponents.sum()), 9) == round(float(np.log(0.3)), 9)
    (array([ 0.42, -1.62]), True)

    References
    ----------
    Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15.
    """
    return lyapunov_spectrum(step, z0, n, transient, progress, leading).exponents
