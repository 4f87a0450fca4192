"""One number as the inner product of two vectors: the simplest loss with a fractal boundary of convergence."""

from cfdyn.arguments import whole_number
from cfdyn.losses._terms import dot, names
from cfdyn.symbolic.loss import LossSpec, make_loss


def uv_factorization(n: int = 2, y: float = 1.0) -> LossSpec:
    """(u·v − y)²/2 with u, v of length n: the minima u·v = y have sharpness ‖u‖² + ‖v‖² = S.

    Gradient descent converges from almost every start with η < min{1/|y|, 8/(S + √(S² − 16 y e))},
    e = u·v − y. On ηS = 4 + η² y e the residual x = ηe obeys x ← x³ − 3x exactly, which has
    entropy and Lyapunov exponent ln 3; the boundary of convergence is fractal.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.uv_factorization()
    >>> loss.variables, round(loss.sharpness([1.0, 0.0, 1.0, 2.0]), 12)
    (('u1', 'u2', 'v1', 'v2'), 6.0)

    References
    ----------
    arXiv 2509.25351 (critical step size, chaos on the boundary, for matrix factorisation).
    """
    n = whole_number("uv_factorization: n", n, 1, 100)
    u, v = names("u", n), names("v", n)
    return make_loss(f"({dot(u, v)} - y)**2/2", [*u, *v], {"y": y}, box=((-3.0, 3.0),) * (2 * n), name=f"uv_factorization:n={n}")
