"""Poisson regression on a CSV file."""

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.losses._files import linear_model
from cfdyn.symbolic.loss import LossSpec


def poisson(file: str, target: str = "", standardize: bool = True, intercept: bool = True) -> LossSpec:
    """Mean of e^s − y s on a CSV file of counts y, with the score s = Σ wᵢ xᵢ + b.

    The negative log-likelihood of Poisson counts with the mean e^s, without its constant log y!.
    ``target`` names the column of the counts, by default the last one; counts are ≥ 0. The
    other columns are the features, scaled to mean 0 and variance 1 unless ``standardize`` is false;
    ``intercept=False`` omits b. With the intercept alone gradient descent is the Ricker map.

    Examples
    --------
    >>> import cfdyn as cf, pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "four.csv")
    >>> _ = file.write_text("rain,frogs\\n-1,0\\n-1,2\\n1,1\\n1,3\\n")
    >>> cf.losses.poisson(str(file)).gradient([0.0, 0.0])
    array([-0.5, -0.5])

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, ch. 6.
    """
    return linear_model("poisson", "exp({s}) - y*{s}", file, target, standardize, intercept, _counts, 3.0)


def _counts(y: np.ndarray, where: str) -> tuple[np.ndarray, str]:
    if y.min() < 0:
        raise UsageError(f"poisson: {where} needs counts, and {y.min():g} is negative")
    return y, ""
