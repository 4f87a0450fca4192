"""A network of several layers on data, with one output or several."""

from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError, unknown
from cfdyn.losses._files import inputs_and_targets
from cfdyn.losses._networks import ACTIVATIONS, CRITERIA, dense_network, one_hot, rows_of
from cfdyn.symbolic.loss import LossSpec

TITLE = "MLP"

X = (-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75)
MOST = 1024  # units of a layer


def mlp(
    widths: str = "3-2", outputs: int = 2, activation: str = "tanh", criterion: str = "mse", file: str = "", data: Any = None,
    standardize: bool = True,
) -> LossSpec:  # fmt: skip
    """The mean over the rows of ‖f(x) − y‖²/2, or of the cross-entropy of softmax(f(x)), f(x) = W_L φ(… φ(W₁x + b₁) …) + b_L.

    ``widths`` are those of the hidden layers, such as "64-32-32"; φ is tanh, sigmoid, softplus, silu, gelu or linear. Without
    data x = −1.75, −1.25, …, 1.75 and yₖ = sin kx, k = 1 … ``outputs``. Otherwise give a CSV ``file`` or rows of numbers
    ``data``, (n, inputs + targets): the last columns are the targets, or, for ``criterion`` "cross_entropy", the last column is
    the class, 0 … outputs − 1. ``standardize`` scales the inputs of a file. The weights are W₁ row by row (w1_12 of unit 1, input
    2), b₁, W₂, …. Permuting the units, and for tanh changing their signs, does not change the loss. The loss is a program with
    about as many operations as weights. For more than 60 weights no Hessian is compiled, and λ₁ comes from Hessian-vector
    products.

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> loss = cf.losses.mlp(widths="4-4", outputs=1, data=[[0.0, 1.0, 0.5], [1.0, -1.0, 0.0]])
    >>> loss.dim, loss.variables[0], loss.spec.shapes[:2], loss.value(np.zeros(loss.dim))
    (37, 'w1_11', ((4, 2), (4, 1)), 0.0625)

    References
    ----------
    Cohen, Kaur, Li, Kolter & Talwalkar, arXiv 2103.00065 (tanh nets of several layers, both criteria).
    """
    for what, given, known in (("activation", activation, ACTIVATIONS), ("criterion", criterion, CRITERIA)):
        if given not in known:
            raise unknown(what, given, known)
    sizes = [whole_number("mlp: a width", _number(part), 1, MOST) for part in str(widths).split("-")]
    outputs, classes = whole_number("mlp: outputs", outputs, 1, MOST), criterion == "cross_entropy"
    if classes and not file and data is None:
        raise UsageError("mlp: cross_entropy needs a file or data, whose last column is the class")
    table = _table(file, data, 1 if classes else outputs, standardize)
    if classes:
        table = np.column_stack([table[:, :-1], one_hot(table[:, -1], outputs, "mlp")])
    n = table.shape[1] - outputs
    if n < 1:
        raise UsageError(f"mlp: {table.shape[1]} columns are too few for inputs and {outputs} outputs")
    title = f"mlp:widths={widths},outputs={outputs}" + (f",file={file}" if file else "")
    for name, value, usual in (("activation", activation, "tanh"), ("criterion", criterion, "mse")):
        title += f",{name}={value}" if value != usual else ""
    latex = r"-\log\,\mathrm{softmax}_y f(x)" if classes else r"\frac{1}{2}\|f(x) - y\|^2"
    latex += r",\ f(x) = w_{L}\,\varphi(\cdots\varphi(w_1 x + b_1)\cdots) + b_{L}"
    return dense_network([n, *sizes, outputs], activation, criterion, table, lambda k: (f"w{k + 1}_", f"b{k + 1}_"),
                         title, latex, 3.0)  # fmt: skip


def _number(text: str) -> Any:
    return int(text) if text.strip().isdecimal() else text


def _table(file: str, data: Any, targets: int, standardize: bool) -> np.ndarray:
    """Inputs and targets, (n, inputs + targets)."""
    if file and data is not None:
        raise UsageError("mlp: give a file or data, not both")
    if file:
        return inputs_and_targets(file, targets, standardize, "mlp")
    if data is not None:
        return rows_of(data, "mlp")
    return np.column_stack([X, *(np.sin(k * np.array(X)) for k in range(1, targets + 1))])
