"""Logistic regression on one constant feature: K of N labels positive."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def logistic_regression(K: float = 2.0, N: float = 3.0) -> LossSpec:
    """log(1 + e^w) − (K/N) w, with derivative σ(w) − K/N.

    The minimum w = log(K/(N−K)) has curvature p(1−p), p = K/N, so the edge is η = 2/(p(1−p)). For
    K = 2 and N = 3 the edge is 9, the next flip 12.5862521524144848, …; at η = 20 a stable 3-cycle has multiplier
    0.02889380514762.

    Examples
    --------
    >>> import cfdyn as cf
    >>> round(2 / cf.losses.logistic_regression().sharpness([0.6931471805599453]), 12)
    9.0

    References
    ----------
    Meng et al., arXiv 2406.05033 (non-separable logistic regression).
    """
    return make_loss("softplus(w) - K/N*w", "w", {"K": K, "N": N}, box=((-12.0, 12.0),), name="logistic_regression")
