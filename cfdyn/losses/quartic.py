"""A single mode at the edge: quadratic with a quartic correction."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def quartic(S: float = 1.0, Q: float = 1.0) -> LossSpec:
    """S w²/2 − Q w⁴/4: curvature S at 0 that falls with distance (Q > 0).

    For 2 < ηS < 3 gradient descent has the symmetric 2-cycle w² = (S − 2/η)/Q with multiplier
    (2ηS − 5)², which breaks its symmetry at ηS = 3. Beyond |w| = √(S/Q) the loss falls to −∞ and orbits diverge.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.quartic(S=2.0).hessian([0.5])
    array([[1.25]])

    References
    ----------
    Regis & Chewi, arXiv 2602.01480 (the quartic example).
    """
    return make_loss("S*w**2/2 - Q*w**4/4", "w", {"S": S, "Q": Q}, box=((-1.5, 1.5),), name="quartic")
