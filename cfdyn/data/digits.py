"""Handwritten digits of 8 × 8 pixels."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import Choice
from cfdyn.data._tables import table


def digits(
    classes: int | str | Sequence[int] | None = None, n: int | None = None, seed: int = 0, standardise: bool = True,
    random_labels: float = 0.0,
) -> DataSet:  # fmt: skip
    """1,797 real handwritten digits as pictures (n, 1, 8, 8): all or some classes, ``n`` rows selected by the ``seed``.

    ``classes``: 4 for the digits 0 to 3, "3-8" for these two. ``standardise``: each pixel with mean 0 and standard deviation 1
    over the selected rows; otherwise the pixels, 0 … 16, divided by 16. ``random_labels``: the fraction of rows whose label is
    drawn at random.

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> rows = cf.data.digits(classes=4, n=500)
    >>> rows.inputs.shape, np.bincount(rows.labels).tolist()
    ((500, 1, 8, 8), [128, 131, 114, 127])

    References
    ----------
    Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, as distributed
    with scikit-learn.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    source = table("digits.csv.gz", "digits")
    pixels = source[:, :-1].reshape(-1, 1, 8, 8)
    return choice.of(digits, pixels, source[:, -1].astype(int), 16.0)
