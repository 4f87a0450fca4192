"""A linear network of two layers on data."""

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError
from cfdyn.losses._files import inputs_and_targets
from cfdyn.losses._terms import dot, names, total
from cfdyn.symbolic.loss import LossSpec, make_loss

MOST = 7


def linear_network(inputs: int = 0, hidden: int = 2, outputs: int = 1, file: str = "", standardize: bool = True) -> LossSpec:
    """The mean over the rows of ‖V W x − y‖²/2, W (hidden, inputs) and V (outputs, hidden).

    Without a file the data are 8 rows of 2 uncorrelated inputs ±1 (or of ``inputs`` of them, at most 7), and
    targets yᵢ = (k + 1 − i) xᵢ, k = min(inputs, outputs). The loss is then ‖V W − T‖²/2, T with the singular
    values k, …, 1, which are learnt one after the other, and the edge of the balanced minimum is
    η = 1/k. In a CSV file the last ``outputs`` columns are the targets and the others the inputs, scaled if
    ``standardize`` is true. The weights are W and then V, row by row.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.linear_network(inputs=2, hidden=2, outputs=2)
    >>> a = 2**0.5
    >>> loss.value([a, 0, 0, 1, a, 0, 0, 1]) < 1e-30, round(loss.sharpness([a, 0, 0, 1, a, 0, 0, 1]), 9)
    (True, 4.0)

    References
    ----------
    Saxe, McClelland & Ganguli, arXiv 1312.6120 (uncorrelated inputs, singular values learnt in turn).
    """
    hidden, outputs = (whole_number(f"linear_network: {w}", v, 1, 32) for w, v in (("hidden", hidden), ("outputs", outputs)))
    data = inputs_and_targets(file, outputs, standardize, "linear_network") if file else _literal(inputs or 2, outputs)
    n = data.shape[1] - outputs
    if inputs not in (0, n):
        raise UsageError(f"linear_network: {file} has {n} columns beside the targets, not inputs={inputs}")
    w, v, x, y = names("w", hidden, n), names("v", outputs, hidden), names("x", n), names("y", outputs)
    units = [f"({dot(w[n * k : n * k + n], x)})" for k in range(hidden)]
    terms = (f"({dot(v[hidden * o : hidden * o + hidden], units)} - {y[o]})**2" for o in range(outputs))
    return make_loss(
        f"({total(terms)})/2", [*w, *v], {}, [*x, *y], data=data, box=((-2.0, 2.0),) * (len(w) + len(v)),
        shapes=((hidden, n), (outputs, hidden)),
        name=f"linear_network:inputs={n},hidden={hidden},outputs={outputs}" + (f",file={file}" if file else ""),
    )  # fmt: skip


def _literal(inputs: int, outputs: int) -> np.ndarray:
    """(8, inputs + outputs): columns of a Hadamard matrix and the targets."""
    n = whole_number("linear_network: inputs without a file", inputs, 1, MOST)
    row, column = np.arange(8)[:, None], np.arange(1, n + 1)[None, :]
    x = 1.0 - 2.0 * (np.bitwise_count(row & column) % 2)
    k = min(n, outputs)
    y = np.zeros((8, outputs))
    y[:, :k] = x[:, :k] * np.arange(k, 0, -1)
    return np.column_stack([x, y])
