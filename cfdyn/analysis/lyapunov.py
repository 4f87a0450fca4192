"""`lyapunov`: the spectrum of Lyapunov exponents."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.orbits import DONE, advance, stretch
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import ESCAPE, STRETCH, status_text


def lyapunov(
    step: Map, z0: Any, n: int = 100_000, transient: int = 1000, progress: Callable[[int], None] | None = None
) -> np.ndarray:
    """λ_k = lim (1/n) Σ log r_kk of the QR factors along the orbit, the largest first.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    n : steps averaged over
    transient : steps run before
    progress : called now and then with the number of steps done

    Returns
    -------
    (D,) exponents per step; −inf where a direction collapses

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
    if n < 1 or transient < 0:
        raise UsageError("lyapunov needs at least one step and no negative transient")
    z = require_map(step).state(z0).copy()
    rules = step.rule("step").compiled, step.rule("jacobian").compiled
    piece = max(1, STRETCH // step.cost)
    for first in range(0, transient, piece):
        done, code = advance(rules[0], z, step.p, min(piece, transient - first), ESCAPE)
        if code != DONE:
            raise NumericsError(f"the orbit {status_text(code, first + done)}, so it has no exponents")
    # A start that no symmetry of the map favours.
    q = np.linalg.qr(np.eye(step.dim) + 0.1 * np.tri(step.dim))[0].T.copy()
    sums = np.zeros(step.dim)
    for first in range(0, n, piece):
        done = stretch(*rules, z, step.p, min(piece, n - first), q, sums)
        if done < min(piece, n - first):
            raise NumericsError(f"the orbit stops being finite at step {transient + first + done}: no exponents")
        if progress:
            progress(first + done)
    return np.sort(sums / n)[::-1]
