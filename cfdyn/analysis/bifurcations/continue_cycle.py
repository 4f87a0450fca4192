"""`continue_cycle`: a fixed point or an n-cycle continued along a parameter, with its bifurcations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfdyn.analysis.bifurcations._branch import Branch, Texts, branch_of
from cfdyn.continuation.branch.fields import branch_fields
from cfdyn.continuation.branch.follower import MOST_STEPS, STEP, followed
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.errors import UsageError
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap

MOST_ENTRIES = 100  # of a state whose Jacobian is kept with each row


def continue_cycle(
    step: Map | MatrixFreeMap, cycle: Any, parameter: str = "lr", bounds: tuple[float, float] = (0.0, 1.0),
    period: int | None = None, max_steps: int = MOST_STEPS, max_step: float = STEP, coefficients: bool = True,
    progress: Callable[[int], None] | None = None, multipliers: int | None = None, functions: Texts = (), stop: Texts = (),
) -> Branch:  # fmt: skip
    """The branch of an n-cycle along a parameter λ, F_i = f(x_i, λ) − x_{i+1} = 0, in both directions, with its bifurcations.

    Pseudo-arclength continuation of all n points at once. The step length adapts to Newton's method, the rotation of the
    tangent and the change of the multipliers. Flips (det(M + I) = 0), folds (λ has an extremum), branch points (the bordered
    system is singular), Neimark–Sacker points (a complex pair crosses the unit circle) and, for a map with branches, border
    collisions (a point of the cycle meets a switching surface) are located to round-off.

    Parameters
    ----------
    step : the map, a `Map` or a `MatrixFreeMap`, with the parameter at its initial value
    cycle : a `Cycle`, points (n, D), or a state whose next n − 1 iterates are the other points; Newton's method refines it
        first
    parameter : the name of λ
    bounds : (lo, hi), between which the initial value lies; the branch ends there
    period : n, if ``cycle`` is one state; 1 by default
    max_steps : in each direction
    max_step : largest step length; 1 is the length of ``bounds`` or the distance over which the map's Jacobian changes much
    coefficients : whether to compute the normal forms of the special points
    progress : called with the number of steps
    multipliers : number of leading multipliers to compute, by products with the Jacobian alone; see Notes
    functions : formulas by name, {"level": "loss - 0.3"}, or a list of formulas, in the state at the cycle's first point,
        parameters, ``loss``, ``sharpness``, ``gradient_norm`` of an optimizer's map, real multipliers ``mu1``, ``mu2`` … by
        modulus, ``modulus1`` …, ``angle1`` …, and max(…), min(…), mean(…) of one formula over the points of the cycle.
        `Branch.quantities` has their values and `Branch.zeros` their sign changes, located to round-off. "a = b" means a − b
    stop : likewise, or names of ``functions``: the branch ends where one of these vanishes

    Returns
    -------
    Branch

    Notes
    -----
    For a state of more than 100 entries, a map on a loss without a formula, or ``multipliers=k``, continuation uses steps and
    Jacobian-vector products only. A narrowly banded Jacobian (couplings of neighbours) is assembled from a few of these
    products; otherwise it is a full matrix up to 2000 entries. Beyond that, or with ``multipliers``, MINRES, GMRES and the
    Lanczos and Arnoldi methods use products alone. All multipliers are computed up to 2000 entries; beyond, the 12 smallest and
    4 largest (or k), and for maps other than descent those of the largest modulus. `Branch.watched` says so, and others may
    cross undetected. Limits: cycles up to period 8, normal-form coefficients of flips of fixed points only, no borders and no
    angles.

    Raises
    ------
    NumericsError : no cycle near the start, or one of a continuum
    UsageError : an unknown parameter, bounds that are not an interval around its value, a period below 1 or too long to store
    FormulaError : a function that is not a formula in these names

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
    >>> branch = cf.analysis.continue_cycle(step, [0.6], "r", (1.5, 4.0))
    >>> [(b.kind, round(b.parameter, 12)) for b in branch.bifurcations], branch.ends
    ([('flip', 3.0)], ('r = 1.5', 'r = 4'))
    >>> [(b.kind, round(b.parameter, 9)) for b in branch.bifurcations[0].switch().bifurcations]
    [('flip', 3.449489743)]

    A loss that is no formula, by its gradient and Hessian-vector products:

    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> d = np.linspace(1, 2, 401)
    >>> bowl = SimpleNamespace(dim=401, value=lambda w: (d * w**2).sum() / 2 + (w**4).sum() / 4,
    ...                        gradient=lambda w: d * w + w**3, hvp=lambda w, v: (d + 3 * w**2) * v)
    >>> descent = cf.as_map(bowl, cf.optimizers.gd(lr=0.9))
    >>> sharp = cf.analysis.continue_cycle(descent, np.zeros(401), "lr", (0.5, 1.003), multipliers=6)
    >>> [(b.kind, round(b.parameter, 9)) for b in sharp.bifurcations]  # at 2/2, 2/1.9975, 2/1.995
    [('flip', 1.0), ('flip', 1.001251564), ('flip', 1.002506266)]
    >>> sharp.watched
    'the 6 smallest and the 4 largest multipliers were looked at; others may cross unseen'

    With functions; the logistic map's fixed point is 1 − 1/r:

    >>> branch = cf.analysis.continue_cycle(step, [0.6], "r", (1.5, 4.0), functions={"half": "x = 0.5"}, stop="mu1 = -1.2")
    >>> [(zero.function, round(zero.parameter, 12)) for zero in branch.zeros], branch.ends[1]
    ([('half', 2.0), ('mu1 = -1.2', 3.2)], 'stop: mu1 - (-1.2) = 0 at r = 3.2')

    References
    ----------
    Keller (1977), Numerical solution of bifurcation and nonlinear eigenvalue problems. Kuznetsov, Elements of Applied
    Bifurcation Theory, §10.2, §10.3. Lehoucq, Sorensen, Yang (1998), ARPACK users' guide.
    """
    checked_bounds(require_step(step), parameter, bounds)
    own, code = Functions(step, parameter, functions, stop), step.compiled
    if code is None or multipliers is not None or outgrows_matrices(code):
        if step.switching or step.periodic:
            raise UsageError("maps with branches or angles are followed with all their multipliers, in up to "
                             f"{MOST_ENTRIES} entries of the state")  # fmt: skip
        from cfdyn.continuation.matrix_free.fields import matrix_free_fields

        given = cycle, parameter, bounds, period, multipliers, max_steps, max_step, coefficients, progress, own
        return branch_of(matrix_free_fields(step, *given))
    tracer, path = followed(code, cycle, parameter, bounds, period, max_steps, max_step, progress, own)
    return branch_of(branch_fields(tracer, path, coefficients, own))


def outgrows_matrices(step: Map) -> bool:
    """True if the map has so many entries that rows with its full Jacobian would not fit in memory."""
    return step.dim > MOST_ENTRIES and not (step.switching or step.periodic)
