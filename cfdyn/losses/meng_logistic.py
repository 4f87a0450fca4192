"""Logistic regression on 33 points whose gradient descent has a stable 3-cycle below the edge."""

from cfdyn.symbolic.loss import LossSpec, make_loss

TITLE = "the logistic loss of Meng et al."


def meng_logistic(K: float = 17.0, M: float = 15.0, x: float = 47.84364162396009) -> LossSpec:
    """K log(1 + e^−w) + M log(1 + e^w) + log(1 + e^−xw): K positive and M negative points at 1, a positive one at x.

    This is the sum over the points, not the mean, and no w separates them. At η = 0.15486309001950452 the
    minimum is stable, ηλ = 1.79499767450107, and coexists with a stable 3-cycle:
    3.059462301755785 → 0.9585807636931881 → 0.009145832036495854, multiplier −0.479053575443.
    So for η < 2/λ gradient descent need not converge from every start; for η < 1/λ it does.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.meng_logistic(), cf.optimizers.gd(lr=0.15486309001950452))
    >>> cf.analysis.classify(step, [3.0594623]).period, cf.analysis.classify(step, [0.2]).period
    (3, 1)

    References
    ----------
    Meng et al., arXiv 2406.05033 (for every η in (1/λ, 2/λ) some data set has a coexisting cycle).
    """
    return make_loss(
        "K*softplus(-w) + M*softplus(w) + softplus(-x*w)", "w", {"K": K, "M": M, "x": x}, box=((-1.0, 4.0),), name="meng_logistic"
    )
