"""Softmax regression: several classes by linear scores."""

from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError
from cfdyn.losses._files import inputs_and_targets
from cfdyn.losses._networks import dense_network, one_hot, rows_of
from cfdyn.symbolic.loss import LossSpec

# Three classes in the plane that overlap, so that the minimum is finite.
ROWS = ((-2, 0, 0), (-1, 1, 0), (-1, -1, 1), (0, 0, 0), (0, 2, 1), (1, 1, 1), (1, -1, 2), (2, 0, 2), (0, -2, 2), (1, 0, 0),
        (-1, 0, 2), (0, 1, 2))  # fmt: skip
MOST = 1000


def softmax_regression(classes: int = 3, file: str = "", data: Any = None, standardize: bool = True) -> LossSpec:
    """The mean over the rows of log Σₖ exp(sₖ) − s_c, sₖ = wₖ·x + bₖ, c the row's class.

    Without data the rows are 12 points of the plane in three overlapping classes. Otherwise give a CSV ``file`` or rows of
    numbers ``data``; the last column is the class, 0 … classes − 1, and ``standardize`` scales the inputs of a file. The weights
    are the wₖ, row by row, and b. Adding one vector to all (wₖ, bₖ) does not change the loss: with n inputs, n + 1 multipliers of
    each step are exactly 1. If lines separate the classes, there is no minimum.

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> loss = cf.losses.softmax_regression()
    >>> loss.variables[:3], round(loss.value(np.zeros(9)), 6)  # log 3
    (('w11', 'w12', 'w21'), 1.098612)
    >>> int((np.linalg.eigvalsh(loss.hessian(np.zeros(9))) > 1e-12).sum())  # of 9; the others are the added vector's
    6

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning, §4.3.4 (gradient and Hessian).
    """
    classes = whole_number("softmax_regression: classes", classes, 2, MOST)
    if file and data is not None:
        raise UsageError("softmax_regression: give a file or data, not both")
    if file:
        table = inputs_and_targets(file, 1, standardize, "softmax_regression")
    else:
        table = rows_of(ROWS if data is None else data, "softmax_regression")
    if table.shape[1] < 2:
        raise UsageError("softmax_regression: the data need a column beside the class")
    rows = np.column_stack([table[:, :-1], one_hot(table[:, -1], classes, "softmax_regression")])
    title = f"softmax_regression:classes={classes}" + (f",file={file}" if file else "")
    return dense_network([table.shape[1] - 1, classes], "linear", "cross_entropy", rows, lambda k: ("w", "b"), title,
                         r"\log\sum_k e^{s_k} - s_c,\ s_k = w_k \cdot x + b_k", 6.0)  # fmt: skip
