"""Factorise one number into two."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def scalar_factorization(target: float = 1.0) -> LossSpec:
    """(target − x y)²/2: the minima x y = target form a curve; the sharpness on it is x² + y².

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.scalar_factorization().sharpness([1.0, 1.0])
    2.0

    References
    ----------
    Wang et al., arXiv 2110.03677; Kreisler et al., arXiv 2305.13064.
    """
    return make_loss(
        "(target - x*y)**2/2", "x y", {"target": target}, box=((-3.0, 3.0), (-3.0, 3.0)), name="scalar_factorization",
    )  # fmt: skip
