"""A network with one layer of tanh units on data."""

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.losses._files import inputs_and_targets
from cfdyn.losses._terms import dot, names, total
from cfdyn.symbolic.loss import LossSpec, make_loss

X = (-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75)
Y = (0.0, 0.2, 0.6, 1.0, 0.8, 0.2, -0.4, -0.6)


def tanh_network(hidden: int = 2, file: str = "", standardize: bool = True) -> LossSpec:
    """The mean over the rows of (Σ aₖ tanh(wₖ·x + bₖ) + c − y)²/2, k = 1 … hidden.

    Without a file the data are 8 points, x = −1.75, −1.25, …, 1.75 and y = 0, 0.2, 0.6, 1, 0.8, 0.2, −0.4,
    −0.6. In a CSV file the last column is y and the others are x; ``standardize`` scales x. The weights
    are the wₖ, row by row, b, a and c. Exchanging two units, or changing the signs of wₖ, bₖ and aₖ, does not
    change the loss, so each minimum has many copies. With two units on the 8 points the lowest minimum has loss
    1.2916e-4 and sharpness 1.58643, so its edge is η = 1.26069.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.tanh_network(hidden=2)
    >>> loss.variables, round(loss.value([0.0] * 7), 9)
    (('w11', 'w21', 'b1', 'b2', 'a1', 'a2', 'c'), 0.1625)

    References
    ----------
    Cohen, Kaur, Li, Kolter & Talwalkar, arXiv 2103.00065 (tanh nets at the edge of stability).
    """
    hidden = whole_number("tanh_network: hidden", hidden, 1, 64)
    data = inputs_and_targets(file, 1, standardize, "tanh_network") if file else np.column_stack([X, Y])
    n = data.shape[1] - 1
    w, b, a, x = names("w", hidden, n), names("b", hidden), names("a", hidden), names("x", n)
    units = [f"tanh({dot(w[n * k : n * k + n], x)} + {b[k]})" for k in range(hidden)]
    weights = [*w, *b, *a, "c"]
    return make_loss(
        f"({total([dot(a, units), 'c'])} - y)**2/2", weights, {}, [*x, "y"], data=data, box=((-3.0, 3.0),) * len(weights),
        shapes=((hidden, n), (hidden, 1), (1, hidden), (1, 1)),
        name=f"tanh_network:hidden={hidden}" + (f",file={file}" if file else ""),
    )  # fmt: skip
