"""Handwritten digits of 8 × 8 pixels."""

import gzip

import numpy as np

from cfdyn.data._data_set import DataSet, classes_of
from cfdyn.data._tables import table


def digits(classes: int = 10, n: int | None = None, seed: int = 0, standardise: bool = True) -> DataSet:
    """1,797 handwritten digits, inputs (n, 64): the first ``classes`` digits, ``n`` of them picked by the ``seed``.

    ``standardise``: each pixel with mean 0 and standard deviation 1 over the rows picked; else the pixels, 0 … 16, over 16.

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> rows = cf.data.digits(classes=4, n=500)
    >>> rows.inputs.shape, np.bincount(rows.labels).tolist()
    ((500, 64), [128, 131, 114, 127])

    References
    ----------
    Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, as distributed
    with scikit-learn.
    """
    with gzip.open(table("digits.csv.gz", "digits"), "rt", encoding="utf-8") as file:
        source = np.loadtxt(file, delimiter=",")
    chosen = None if classes == 10 else classes
    return classes_of("digits", source[:, :-1] / 16, source[:, -1].astype(int), chosen, n, seed, standardise)
