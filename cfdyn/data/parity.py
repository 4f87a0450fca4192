"""The parity of some bits."""

from __future__ import annotations

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet, one_hot, rng_of
from cfdyn.registry import spelled


def parity(bits: int = 8, of: int | None = None, n: int | None = None, seed: int = 0) -> DataSet:
    """Rows of ``bits`` numbers ±1, of class 1 if an odd number of the first ``of`` (default: all) are −1.

    Without ``n`` all 2^bits rows, at most 2^16, in counting order; otherwise ``n`` distinct rows, selected by the ``seed``.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.parity(bits=2)
    >>> rows.inputs.tolist(), rows.labels.tolist()
    ([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], [0, 1, 1, 0])

    References
    ----------
    Minsky & Papert (1969), Perceptrons; Barak et al., arXiv 2207.08799 (sparse parities).
    """
    size = whole_number("parity: bits", bits, 2, 60 if n is not None else 16)
    first = size if of is None else whole_number("parity: of", of, 1, size)
    rng = rng_of("parity", seed)
    if n is None:
        picked = np.arange(2**size)
    else:
        count = whole_number("parity: n", n, 2, min(2**size, 10**6))
        picked = np.sort(rng.permutation(2**size)[:count]) if size <= 20 else _different(rng, size, count)
    ones = picked[:, None] >> np.arange(size)[::-1] & 1
    labels = ones[:, :first].sum(axis=1) % 2
    return DataSet(1.0 - 2.0 * ones, one_hot(labels, 2), labels, spelled(parity, bits=bits, of=of, n=n, seed=seed))


def _different(rng: np.random.Generator, bits: int, count: int) -> np.ndarray:
    """``count`` distinct numbers below 2^bits for more than 20 bits, where duplicates are rare."""
    words = np.unique(rng.integers(2**bits, size=2 * count + 64))
    return np.sort(rng.permutation(words)[:count])
