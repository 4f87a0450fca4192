"""A quadratic form with given curvatures and rotated axes."""

import math
from collections.abc import Sequence

from cfdyn.errors import UsageError
from cfdyn.losses._terms import names, total
from cfdyn.symbolic.loss import LossSpec, make_loss

MOST = 40


def quadratic(spectrum: str | Sequence[float] = "1:10") -> LossSpec:
    """½ Σ λᵢ (qᵢ·w)² with the eigenvalues λ of ``spectrum`` and a fixed orthonormal basis q.

    ``spectrum`` is a text such as ``"1:10:100"``, or a sequence in Python. qᵢ is the unit vector eᵢ reflected
    at the hyperplane orthogonal to (1, 2, …, n), so for n ≥ 2 no axis is an eigenvector, which gives no advantage to
    optimizers that treat each weight separately. Gradient descent converges iff η < 2/max λ.

    Examples
    --------
    >>> import cfdyn as cf
    >>> import numpy as np
    >>> np.linalg.eigvalsh(cf.losses.quadratic("1:10:100").hessian([0, 0, 0])).round(9)
    array([  1.,  10., 100.])

    References
    ----------
    Householder (1958), Unitary triangularization of a nonsymmetric matrix, J. ACM 5 (the reflection).
    """
    values = _eigenvalues(spectrum)
    n = len(values)
    w, length = names("w", n), n * (n + 1) * (2 * n + 1) // 6
    # length·qᵢ is a vector of whole numbers, so that the eigenvalues are exact.
    rows = [[length * (i == j) - 2 * i * j for j in range(1, n + 1)] for i in range(1, n + 1)]
    terms = (
        f"({value!r})*({total(f'({q})*{name}' for q, name in zip(row, w, strict=True))})**2"
        for value, row in zip(values, rows, strict=True)
    )
    text = spectrum if isinstance(spectrum, str) else ":".join(f"{v:g}" for v in values)
    return make_loss(f"({total(terms)})/{2 * length**2}", w, box=((-2.0, 2.0),) * n, name=f"quadratic:spectrum={text}")


def _eigenvalues(spectrum: str | Sequence[float]) -> list[float]:
    parts = spectrum.split(":") if isinstance(spectrum, str) else list(spectrum)
    try:
        values = [float(part) for part in parts]
    except (TypeError, ValueError):
        raise UsageError(f"quadratic: spectrum is numbers such as 1:10:100, not {spectrum!r}") from None
    if not 1 <= len(values) <= MOST or not all(map(math.isfinite, values)):
        raise UsageError(f"quadratic: spectrum is 1 to {MOST} finite numbers, not {spectrum!r}")
    if not any(values):
        raise UsageError("quadratic: spectrum needs a number other than 0")
    return values
