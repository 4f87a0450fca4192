"""Sequences to be copied after a delay."""

from __future__ import annotations

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet, rng_of
from cfdyn.data._made import sequences, sizes
from cfdyn.registry import spelled


def copying(n: int = 200, length: int = 4, symbols: int = 4, delay: int = 2, seed: int = 0) -> DataSet:
    """n random sequences of ``length`` symbols, then ``delay`` + ``length`` blanks, at the last of which they are to be repeated.

    Inputs (n, 2·length + delay) are 1 … ``symbols``, and 0 for a blank; labels (n, length) are 0 … ``symbols`` − 1.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.copying(n=2, length=3, symbols=3, delay=1)
    >>> rows.inputs.tolist(), rows.labels.tolist()
    ([[3, 2, 2, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]], [[2, 1, 1], [0, 0, 0]])

    References
    ----------
    Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9; Arjovsky, Shah & Bengio, arXiv 1511.06464.
    """
    rows, size, kinds = sizes("copying", n, length, symbols)
    wait = whole_number("copying: delay", delay, 0, 10**4)
    tokens = rng_of("copying", seed).integers(kinds, size=(rows, size))
    return sequences(spelled(copying, n=n, length=length, symbols=symbols, delay=delay, seed=seed), tokens, tokens, kinds, wait)
