"""Two data rows at 60°: gradient descent on one after the other is a rotation."""

import math

import numpy as np

from cfdyn.errors import unknown
from cfdyn.symbolic.loss import LossSpec, make_loss

RESIDUALS = {"square": "({r})**2/2", "log_cosh": "logcosh({r})"}


def cyclic_pair(residual: str = "square") -> LossSpec:
    """The mean over two unit rows a, b at 60° of r²/2 or log cosh r, r = a·w and b·w.

    Descent on one row with η = 2 is the reflection across its hyperplane, so an epoch over both rotates
    by exactly 120°: every orbit has period 3, in epochs. With ``residual`` "log_cosh" there is a
    stable 3-cycle, at η = 2.1, 2.5 and 3.0 for example. Descent on the mean does not have these cycles: its
    curvatures are 3/4 and 1/4, and its edge is η = 8/3.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.cyclic_pair()
    >>> round(loss.sharpness([0.0, 0.0]), 12), len(loss.spec.data)
    (0.75, 2)

    References
    ----------
    Kaczmarz (1937), Angenäherte Auflösung von Systemen linearer Gleichungen (the case η = 1).
    """
    if residual not in RESIDUALS:
        raise unknown("residual of cyclic_pair:", residual, RESIDUALS)
    return make_loss(
        RESIDUALS[residual].format(r="a*x + b*y"), "x y", {}, ["a", "b"], data=np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]]),
        box=((-4.0, 4.0), (-4.0, 4.0)), name=f"cyclic_pair:residual={residual}",
    )  # fmt: skip
