"""A line that turns into a parabola at 0: the sharp case of the bound for 3-cycles."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def one_sided_quadratic(a: float = 3.0) -> LossSpec:
    """−w + (a/2) relu(w)²: the gradient-descent map is w + η for w < 0 and w + η − ηa w for w > 0.

    The minimum w = 1/a has curvature a, which jumps to 0 at w = 0; the edge is η = 2/a. A convex loss
    needs η max L″ ≥ 3 for a 3-cycle. With a = 3 and η = 1 the bound is attained: the slopes are 1 and −2, and
    0 → 1 → −1 → 0 passes through the kink. Then the Lyapunov exponent is (2/3) ln 2 and the entropy
    ln((1+√5)/2). For 2 < ηa < 3 there is chaos without period 3. Binary floating point collapses orbits of
    slope 2: iterate in exact numbers.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.one_sided_quadratic(), cf.optimizers.gd(lr=1.0))
    >>> cf.iterate(step, [0.0], 3).z[:, 0].tolist()
    [0.0, 1.0, -1.0, 0.0]

    References
    ----------
    Li & Yorke (1975), Period three implies chaos, Am. Math. Monthly 82 (what the 3-cycle entails).
    """
    return make_loss("-w + a/2*relu(w)**2", "w", {"a": a}, box=((-2.0, 2.0),), name="one_sided_quadratic")
