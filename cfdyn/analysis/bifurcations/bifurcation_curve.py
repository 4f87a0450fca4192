"""`bifurcation_curve`: a bifurcation, or any condition on a cycle, continued in two parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cfdyn.analysis.bifurcations._curve import MOST_STEPS, STEP, BifurcationCurve, followed
from cfdyn.symbolic.text.formula import left_side
from cfdyn.systems.map import Map


def bifurcation_curve(
    step: Map, bifurcation: Any, parameters: Sequence[str] = ("lr", "a"),
    bounds: Sequence[tuple[float, float]] = ((0, 1), (0, 1)), condition: str | None = None, search: bool = False,
    max_steps: int = MOST_STEPS, max_step: float = STEP,
    progress: Callable[[int], None] | None = None,
) -> BifurcationCurve:  # fmt: skip
    """The curve of flips, folds, Neimark–Sacker points, branch points, border collisions, or of a condition, in two parameters.

    Pseudo-arclength continuation in both directions of f(x_i) = x_{i+1} with A_i q_i = q_{i+1}, q_{n+1} = ∓q_1 (flip, fold), or
    q_{2n+1} − 2 cos θ q_{n+1} + q_1 = 0 (Neimark–Sacker), or one scalar equation for x_1 and the parameters; the work grows as
    n. Points of codimension two are located to round-off. A Neimark–Sacker curve ends at the resonances 1:1 and 1:2. Any curve
    ends where the points of the cycle merge, as at the generalized flip of a shorter cycle. A curve of smooth bifurcations ends
    where a point of the cycle meets a border. Branch points form a curve only if a symmetry, or a solution that exists for all
    parameters, preserves them; otherwise the record says so.

    Parameters
    ----------
    step : the map, with its parameters at the start
    bifurcation : a `Bifurcation` or a `FunctionZero` of a branch, an `Edge`, a `NormalForm`, a `Window` (the fold at which it
        opens), (kind, points), or with ``condition`` the points alone: (n, D) of a cycle near the start
    parameters : the names of two parameters
    bounds : ((lo, hi), (lo, hi)) of the parameters; the curve ends there, or earlier at values that an optimizer does not allow
    condition : an equation, or the left side of "expression = 0", in the names of the state (the cycle's first point), the
        parameters, and for an optimizer's map ``loss`` and, for one or two weights, ``sharpness``
    search : True if the points are those of any cycle: it is continued along the first parameter, or the second, to the
        bifurcation or condition
    max_steps : in each direction
    max_step : largest step length; 1 is the length of the bounds or the distance over which the map's Jacobian changes much
    progress : called with the number of steps

    Raises
    ------
    NumericsError : no such point near the start (the multipliers are named), none along the parameters, or a branch point that
        does not persist
    UsageError : an unknown parameter, name or kind, or bounds that are not intervals around the start

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3675, "b": 0.3})
    >>> point = [[0.952381, 0.285714]]
    >>> curve = cf.analysis.bifurcation_curve(step, ("flip", point), ("a", "b"), ((0.1, 3), (-0.9, 0.9)))
    >>> a, b = curve.parameters.T
    >>> print(abs(a - 3 * (1 - b) ** 2 / 4).max() < 1e-12, curve.ends)
    True ('b = -0.9', 'a = 0.1')
    >>> cubic = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": 1.5})
    >>> fold = cf.analysis.bifurcation_curve(cubic.at(k=0.136), ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 3)))
    >>> [(s.kind, [round(float(v), 9) + 0.0 for v in s.parameters]) for s in fold.special]
    [('cusp', [0.0, 1.0])]

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, ch. 9, §10.5; Kuznetsov & Meijer, SIAM J. Sci. Comput. 26 (2005).
    """
    condition = getattr(bifurcation, "text", None) if condition is None else left_side(str(condition))
    return followed(step, bifurcation, parameters, bounds, condition, search, max_steps, max_step, progress)
