"""`switch`: the curves that start at a point of codimension two."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.analysis.bifurcations._curve import MOST_STEPS, STEP, BifurcationCurve, CodimensionTwo, Switched, switched
from cfdyn.errors import UsageError


def switch(
    curve: BifurcationCurve, point: int | CodimensionTwo = 0, max_steps: int = MOST_STEPS, max_step: float = STEP,
    progress: Callable[[int], None] | None = None,
) -> Switched:  # fmt: skip
    """The other curves at a point of codimension two of a curve: those of the same cycle, and of cycles of k times its period.

    At a generalized flip a fold of the doubled cycle starts. At 1:2, fold–flip and flip–Neimark–Sacker points a Neimark–Sacker
    curve of the doubled cycle may start. At 1:4 two folds of cycles of four times the period start if |A| > 1, and a
    Neimark–Sacker curve of theirs if it exists. At a resonance p:q with q ≥ 5 (see `resonances`) the two folds that bound an
    Arnold tongue start. At 1:3 a saddle of three times the period shrinks onto the point and no fold starts: the result is a
    branch.

    Cycles x_{i+jn} ≈ x_i + Re(ζ ν^j q_i) of size |ζ| are solved for with both parameters free, p(ζ); their folds are the zeros
    of det ∂p/∂ζ. A solution counts if it is closer to the point at half the size. Sizes increase from 0.01 of the length over
    which the map's Jacobian changes. Folds closer together than about 10⁻⁴ of the bounds cannot be continued: the rows from
    there to the tip of a narrow tongue are such solutions of decreasing size, without a coefficient.

    Parameters
    ----------
    curve : a `BifurcationCurve`
    point : one of ``curve.special``, or its index; or one of `resonances`
    max_steps, max_step, progress : for each curve, as in `bifurcation_curve`

    Raises
    ------
    UsageError : no such point, a point of another map, or the map of a loaded record cannot be made again

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5})
    >>> step = cf.as_map(loss, cf.optimizers.gd(lr=2.0))
    >>> flips = cf.analysis.bifurcation_curve(step, ("flip", [[0.0]]), ("lr", "a"), ((1, 3), (0, 1.5)))
    >>> curves = cf.analysis.switch(flips, 0)
    >>> curves.kind, curves.parameters.round(9), [(c.kind, c.period) for c in curves]
    ('generalized flip', array([2.        , 0.70710678]), [('fold', 2)])
    >>> fold = curves[0].parameters
    >>> near = fold[(fold[:, 0] > 2.00001) & (fold[:, 0] < 2.0003)]
    >>> ratios = (near[:, 0] - 2) / (near[:, 1] - 0.5**0.5) ** 2  # tangent: the distance is as the square
    >>> print(len(ratios) > 1, bool(abs(ratios - 1).max() < 0.03))
    True True

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, ch. 9; Govaerts, Khoshsiar Ghaziani, Kuznetsov & Meijer, SIAM J. Sci.
    Comput. 29 (2007) 2644–2667.
    """
    return switched(curve, _special(curve, point), max_steps, max_step, progress)


def _special(curve: BifurcationCurve, point: int | CodimensionTwo) -> CodimensionTwo:
    if not isinstance(curve, BifurcationCurve):
        raise UsageError(f"switch takes a BifurcationCurve, not {type(curve).__name__}")
    if isinstance(point, CodimensionTwo):
        if point.points.shape[1] != curve.points.shape[2]:
            raise UsageError(f"the point has {point.points.shape[1]} variables, and the curve's map {curve.points.shape[2]}")
        return point
    if not isinstance(point, int | np.integer) or not -len(curve.special) <= point < len(curve.special):
        raise UsageError(f"the curve has {len(curve.special)} special points, and no number {point!r}")
    return curve.special[point]
