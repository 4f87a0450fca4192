"""A matrix of low rank as a product of two."""

from cfdyn.arguments import whole_number
from cfdyn.losses._terms import dot, names, total
from cfdyn.symbolic.loss import LossSpec, make_loss


def matrix_factorization(m: int = 2, n: int = 2, r: int = 1) -> LossSpec:
    """‖U Vᵀ − M‖²/2 with U (m, r), V (n, r) and M = diag(k, k−1, …, 1), k = min(m, n).

    For gradient descent a diagonal M is no restriction, since its orbits rotate with U, V and M. The weights are U
    and then V, row by row. The lowest minima are the best approximations of rank r, with loss ½ Σ σᵢ² over
    i > r. Where UᵀU = VᵀV their sharpness is least, 2k, so the edge is η = 1/k.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.matrix_factorization()
    >>> loss.variables, loss.spec.shapes
    (('u11', 'u21', 'v11', 'v21'), ((2, 1), (2, 1)))
    >>> loss.value([2**0.5, 0, 2**0.5, 0]), round(loss.sharpness([2**0.5, 0, 2**0.5, 0]), 9)
    (0.5, 4.0)

    References
    ----------
    Wang, Chen, Zhao & Tao, arXiv 2110.03677; Ye & Du, arXiv 2106.14289.
    """
    m, n, r = (whole_number(f"matrix_factorization: {what}", v, 1, 12) for what, v in (("m", m), ("n", n), ("r", r)))
    u, v, k = names("u", m, r), names("v", n, r), min(m, n)
    rows_u, rows_v = ([f[r * i : r * i + r] for i in range(len(f) // r)] for f in (u, v))
    entries = (f"({dot(a, b)} - {k - i if i == j else 0})**2" for i, a in enumerate(rows_u) for j, b in enumerate(rows_v))
    return make_loss(
        f"({total(entries)})/2", [*u, *v], box=((-3.0, 3.0),) * (r * (m + n)), shapes=((m, r), (n, r)),
        name=f"matrix_factorization:m={m},n={n},r={r}",
    )  # fmt: skip
