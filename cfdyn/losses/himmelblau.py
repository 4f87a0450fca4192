"""Four minima of equal depth."""

from cfdyn.symbolic.loss import LossSpec, make_loss

TITLE = "Himmelblau's function"


def himmelblau() -> LossSpec:
    """(x² + y − 11)² + (x + y² − 7)²: four minima of value 0 with different sharpness.

    The minima are (3, 2), (−2.805118, 3.131313), (−3.779310, −3.283186) and (3.584428, −1.848127). Their
    sharpness is 82.28, 80.55, 133.79 and 105.42 in this order, so they become unstable one after the other
    as the learning rate grows, from η = 0.01495 to 0.02483.

    Examples
    --------
    >>> import cfdyn as cf
    >>> for m in sorted(cf.minima(cf.losses.himmelblau()), key=lambda m: m.sharpness):
    ...     print(m.w.round(6), round(m.edge, 6))
    [-2.805118  3.131313] 0.024829
    [3. 2.] 0.024306
    [ 3.584428 -1.848127] 0.018972
    [-3.77931  -3.283186] 0.014949

    References
    ----------
    Himmelblau (1972), Applied Nonlinear Programming, McGraw-Hill.
    """
    return make_loss("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "x y", {}, box=((-5.0, 5.0), (-5.0, 5.0)), name="himmelblau")
