"""Sequences to be sorted."""

from __future__ import annotations

import numpy as np

from cfdyn.data._data_set import DataSet, rng_of
from cfdyn.data._made import sequences, sizes
from cfdyn.registry import spelled


def sorting(n: int = 200, length: int = 6, symbols: int = 4, seed: int = 0) -> DataSet:
    """n random sequences of ``length`` symbols, then ``length`` blanks, at which the sorted sequence is to be predicted.

    Inputs (n, 2·length) are 1 … ``symbols``, and 0 for a blank; labels (n, length) are 0 … ``symbols`` − 1.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.sorting(n=2, length=4, symbols=3)
    >>> rows.inputs.tolist(), rows.labels.tolist()
    ([[3, 2, 2, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]], [[0, 1, 1, 2], [0, 0, 0, 0]])

    References
    ----------
    Karpathy (2020), minGPT (a transformer that learns to sort); Cohen, Damian, Talwalkar, Kolter & Lee, arXiv 2410.24206.
    """
    rows, size, kinds = sizes("sorting", n, length, symbols)
    tokens = rng_of("sorting", seed).integers(kinds, size=(rows, size))
    return sequences(spelled(sorting, n=n, length=length, symbols=symbols, seed=seed), tokens, np.sort(tokens, axis=1), kinds)
