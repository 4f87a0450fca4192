"""The banana valley."""

from cfdyn.arguments import whole_number
from cfdyn.losses._terms import names, total
from cfdyn.symbolic.loss import LossSpec, make_loss

TITLE = "Rosenbrock's function"


def rosenbrock(n: int = 2, b: float = 100.0) -> LossSpec:
    """Σ b (w_{i+1} − wᵢ²)² + (1 − wᵢ)²: a curved, narrow valley that ends at the minimum (1, …, 1).

    With n = 2 its curvatures are 501 ± √250601 = 1001.600639 and 0.399361, so the edge of
    gradient descent is η = 0.0019968; for 4 ≤ n ≤ 7 there is a second minimum near (−1, 1, …, 1).

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.rosenbrock()
    >>> round(loss.value([-1.2, 1.0]), 9), round(loss.sharpness([1.0, 1.0]), 9)
    (24.2, 1001.600639233)

    References
    ----------
    Rosenbrock (1960), An automatic method for finding the greatest or least value of a function, Comp. J. 3;
    Shang & Qiu (2006), A note on the extended Rosenbrock function, Evol. Comput. 14 (the minima).
    """
    w = names("w", whole_number("rosenbrock: n", n, 2, 50))
    terms = (f"b*({after} - {before}**2)**2 + (1 - {before})**2" for before, after in zip(w, w[1:], strict=False))
    return make_loss(total(terms), w, {"b": b}, box=((-2.0, 2.0),) * n, name=f"rosenbrock:n={n}")
