"""Logistic regression on a CSV file."""

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.losses._files import linear_model
from cfdyn.symbolic.loss import LossSpec


def logistic(file: str, target: str = "", standardize: bool = True, intercept: bool = True) -> LossSpec:
    """Mean logistic loss on a CSV file: log(1 + e^s) − y s with the score s = Σ wᵢ xᵢ + b.

    ``target`` names the column of the labels, by default the last one. Labels are 0 and 1, or any two
    numbers, of which the larger counts as 1 (the title says so). The other columns are the features,
    scaled to mean 0 and variance 1 unless ``standardize`` is false; ``intercept=False`` omits b.
    If some w separates the labels, there is no minimum and no edge: the loss falls to 0 at infinity.

    Examples
    --------
    >>> import cfdyn as cf, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "four.csv")
    >>> _ = file.write_text("dose,ill\\n-1,0\\n-1,1\\n1,0\\n1,1\\n")
    >>> loss = cf.losses.logistic(str(file))
    >>> loss.variables, loss.gradient([0.0, 0.0]), loss.sharpness([0.0, 0.0])
    (('w1', 'b'), array([0., 0.]), 0.25)

    References
    ----------
    Cox (1958), The regression analysis of binary sequences, J. R. Stat. Soc. B 20; Wu et al., arXiv
    2305.11788 (large steps).
    """
    return linear_model("logistic", "softplus({s}) - y*{s}", file, target, standardize, intercept, _labels, 10.0)


def _labels(y: np.ndarray, where: str) -> tuple[np.ndarray, str]:
    values = np.unique(y)
    if len(values) != 2:
        kinds = f"only {values[0]:g}" if len(values) == 1 else f"{len(values)} different numbers"
        raise UsageError(f"logistic: {where} needs two labels such as 0 and 1, and holds {kinds}")
    lower, upper = values
    note = "" if (lower, upper) == (0, 1) else f" ({lower:g} counts as 0, {upper:g} as 1)"
    return (y == upper).astype(float), note
