"""`classify`: the attractor on which an orbit settles, or "undecided"."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.settling.regime import DIGITS, LONGEST, default_budget, regime
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap


@dataclass(frozen=True)
class Regime(Record):
    """The long-time behaviour of one orbit.

    ``kind``: "fixed point", "cycle", "quasi-periodic", "chaotic", "divergent" or "undecided". ``period``: 1 for a fixed point,
    n for a cycle, else None. ``points`` (period, D) and ``multipliers`` (D,) of the cycle; empty for the other kinds.
    ``lyapunov``: the largest exponent per step (−inf for a superstable cycle, NaN if unknown). ``residual``: max |f(x_i) −
    x_{i+1}|. ``reason``: the evidence in one sentence. ``steps``: the number of steps that were run. ``inject``: 0, or the size
    of the perturbations of the weights in each step, added if round-off alone decides what the float orbit does, as for adam at
    a minimum. The other fields then describe the perturbed orbit, and ``unperturbed`` describes the float orbit in words (it
    rests at most minima and bursts at minima at 0); otherwise it is "".
    """

    kind: str
    period: int | None
    multipliers: Annotated[np.ndarray, "*", complex]
    lyapunov: float
    residual: float
    points: Annotated[np.ndarray, "* *"]
    reason: str
    steps: int = 0
    inject: float = 0.0
    unperturbed: str = ""


def classify(
    step: Map | MatrixFreeMap, z0: Any, max_period: int = LONGEST, budget: int | None = None, digits: int = DIGITS,
    progress: Callable[[str], None] | None = None,
) -> Regime:  # fmt: skip
    """The long-time behaviour of the orbit of z0: its kind, and for a cycle the period, points and multipliers.

    The orbit runs until it demonstrably contracts onto a cycle: Newton's method on all n points refines its close returns, the
    period is the least one among the divisors, and the distance between orbit and cycle must decrease from stage to stage. If
    the orbit is on an unstable cycle, it is repeated with ``digits`` digits. If an optimizer contracts onto a minimum below the
    precision of floats and only then loses it, as Adam does, the weights are perturbed in every step, with two sizes. An orbit
    that never settles is chaotic if its Lyapunov exponent is significantly positive, quasi-periodic if its weighted Birkhoff
    averages converge fast, and undecided otherwise. Angles (`Map.from_text`, ``periodic``) count modulo their periods. The
    result is floating-point evidence, not a proof.

    On a loss without a formula, such as a network's, a Newton–Krylov method refines cycles up to period 64, ``multipliers`` are
    the leading ones, and no orbit is repeated with more digits.

    Parameters
    ----------
    step : the map, also on a loss without a formula
    z0 : start, the d weights or the full state (D,)
    max_period : longest cycle that is searched for
    budget : largest number of steps; 2·10⁶ by default, fewer for a map with many data rows, 2·10⁴ for one by gradients
    digits : precision of the repetition
    progress : called with a message, such as the number of steps done

    Returns
    -------
    Regime

    Raises
    ------
    UsageError : a start of the wrong length or not finite, or a period or budget below 1

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.83})
    >>> regime = cf.analysis.classify(step, [0.3])
    >>> regime.kind, regime.period, regime.multipliers.round(4)
    ('cycle', 3, array([0.3299]))
    >>> cf.analysis.classify(step.at(r=4.0), [0.3]).kind
    'chaotic'

    References
    ----------
    Multiple shooting: Kuznetsov, Elements of Applied Bifurcation Theory, §10.2. Weighted averages:
    Sander & Meiss (2020), Birkhoff averages and rotational invariant circles, Physica D 411, eq. (4).
    """
    if max_period < 1 or (budget is not None and budget < 1):
        raise UsageError("max_period and budget must be at least 1")
    z, told = require_step(step).state(z0), {} if progress is None else {"say": progress}
    most = default_budget(step) if budget is None else int(budget)
    settings = provenance(map=step.title, params=step.params, start=z, budget=most)
    return Regime(*regime(step, z, int(max_period), most, digits, **told), provenance=settings)
