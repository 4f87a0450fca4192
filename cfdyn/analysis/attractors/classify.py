"""`classify`: what an orbit settles on, or an honest "undecided"."""

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

    ``kind``: "fixed point", "cycle", "quasi-periodic", "chaotic", "divergent" or "undecided".
    ``period``: 1 for a fixed point, n for a cycle, else None. ``points`` (period, D) and
    ``multipliers`` (D,) of the cycle; empty for the other kinds. ``lyapunov``: the largest exponent
    per step (−inf for a superstable cycle, NaN if unknown). ``residual``: max |f(x_i) − x_{i+1}|.
    ``reason``: the evidence in one sentence. ``steps``: how many steps were run for it. ``inject``: the size of the
    perturbations of the weights with which it was followed where round-off alone decides what a float orbit does, as for adam
    at a minimum: the other fields are then those of the perturbed orbit, and ``unperturbed`` says in words what the float
    orbit does without, which rests at most minima and bursts at minima at 0; else 0 and "".
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
    """The regime of the orbit of z0.

    The orbit runs until it demonstrably contracts onto a cycle: its close returns are polished by
    Newton on all n points, the least period is taken over the divisors, and the distance between
    orbit and cycle must shrink stage after stage. An orbit that sits on an unstable cycle is
    repeated with ``digits`` digits. Where an optimizer contracts onto a minimum beyond all digits, and loses it only then, as
    Adam does, the orbit is followed with perturbations of the weights in every step, of two sizes. What never settles is
    chaotic if its Lyapunov exponent is significantly positive, quasi-periodic if its weighted Birkhoff averages converge fast,
    and otherwise undecided. Angles (`Map.from_text`, ``periodic``) count modulo their periods. Floating-point evidence, not
    proof.

    On a loss that is no formula, a network, cycles up to the period 64 are polished by Newton's method with Krylov's, and
    ``multipliers`` are the leading ones; nothing is repeated with digits.

    Parameters
    ----------
    step : the map, also one of a loss that is no formula
    z0 : start, the d weights or the full state (D,)
    max_period : longest cycle looked for
    budget : most steps to run (2·10⁶ for a cheap map, fewer for one with many data rows, 2·10⁴ by gradients)
    digits : precision of the repetition in doubt
    progress : told in words what is going on, such as the number of steps done

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
