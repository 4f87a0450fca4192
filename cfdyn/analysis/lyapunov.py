"""`lyapunov`: the spectrum of Lyapunov exponents."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.analysis.lyapunov_spectrum import lyapunov_spectrum
from cfdyn.systems.map import Map
from cfdyn.systems.by_products import MapByProducts


def lyapunov(
    step: Map | MapByProducts, z0: Any, n: int = 100_000, transient: int = 1000, progress: Callable[[int], None] | None = None,
    leading: int | None = None,
) -> np.ndarray:  # fmt: skip
    """λ_k = lim (1/n) Σ log r_kk of the QR factors along the orbit, the largest first; `lyapunov_spectrum` has their errors.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    n : steps averaged over
    transient : steps run before
    progress : called now and then with the number of steps done
    leading : how many of the largest

    Returns
    -------
    (D,) exponents per step, or (leading,); −inf where a direction collapses

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
