"""Progression of diabetes after one year."""

from __future__ import annotations

from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import numbers_of
from cfdyn.data._tables import table
from cfdyn.registry import spelled


def diabetes(n: int | None = None, seed: int = 0, standardise: bool = True) -> DataSet:
    """442 real patients, 10 measurements each, and one number to predict: the progression of the disease a year later.

    ``seed`` selects the ``n`` rows. ``standardise``: each measurement and the target with mean 0 and standard deviation 1
    over the selected rows; otherwise as measured.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.diabetes(standardise=False)
    >>> rows.inputs.shape, rows.targets[:3].tolist(), rows.labels
    ((442, 10), [[151.0], [75.0], [141.0]], None)

    References
    ----------
    Efron, Hastie, Johnstone & Tibshirani (2004), Least angle regression, Annals of Statistics 32, as distributed with
    scikit-learn.
    """
    title = spelled(diabetes, n=n, seed=seed, standardise=standardise)
    inputs = table("diabetes_data_raw.csv.gz", "diabetes", delimiter=None)
    return numbers_of(title, inputs, table("diabetes_target.csv.gz", "diabetes", delimiter=None), n, seed, standardise)
