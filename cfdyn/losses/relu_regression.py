"""One ReLU unit on four points: the gradient jumps where the unit switches off at a point."""

from cfdyn.losses._terms import total
from cfdyn.symbolic.loss import LossSpec, make_loss

TITLE = "ReLU regression"

POINTS = ((-2, 0), (-1, 0), (1, 1), (2, 2))


def relu_regression() -> LossSpec:
    """The mean of (relu(w x + b) − y)²/2 over the points (−2, 0), (−1, 0), (1, 1), (2, 2).

    The minimum w = 1, b = 0 fits all points, and the unit is on at two of them: the sharpness is (7 + √45)/8 = 1.7135
    and the edge η = 1.16718. On the line w x + b = 0 of a point with y ≠ 0 the gradient itself jumps, so cycles can
    end in border collisions. Where the unit is off at all points (b < −2|w|), the gradient is 0.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.relu_regression()
    >>> round(loss.sharpness([1.0, 0.0]), 9), loss.gradient([-1.0, -3.0])
    (1.713525492, array([0., 0.]))

    References
    ----------
    di Bernardo, Budd, Champneys & Kowalczyk (2008), Piecewise-smooth Dynamical Systems, ch. 3.
    """
    terms = (f"(relu({x}*w + b) - {y})**2" for x, y in POINTS)
    return make_loss(f"({total(terms)})/8", "w b", {}, box=((-1.0, 3.0), (-2.0, 2.0)), name="relu_regression")
