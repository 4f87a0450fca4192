"""`permutation_entropy`: the entropy of the ordinal patterns of a series."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import check_finite, table, whole_number
from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import Orbit

LONGEST = 10  # values in a pattern: 10! fits into numbers that can be listed
PARTS = 16  # parts of the series whose entropies give the error
LEAST = 5  # times as many rows as there are patterns


@dataclass(frozen=True)
class PermutationEntropy(Record):
    """``entropy``: H = −Σ p ln p over the ordinal patterns of ``order`` successive values, in nats, with its ``error``.

    ``share``: H/ln(order!), 1 for noise; ``rate``: H(order) − H(order − 1), per step, an estimate of the metric entropy that
    converges slowly, from above, as the order grows. ``patterns`` (n,): the patterns that occur, numbered in lexicographic
    order of their ranks, with frequencies ``shares`` (n,); ``missing``: how many never occur. ``equal``: the fraction of
    windows with equal values; the earlier one then counts as smaller.
    """

    entropy: float
    error: float
    share: float
    rate: float
    order: int
    patterns: Annotated[np.ndarray, "n"]
    shares: Annotated[np.ndarray, "n"]
    missing: int
    equal: float


def permutation_entropy(series: Any, order: int = 5, delay: int = 1, coordinate: int = 0) -> PermutationEntropy:
    """The entropy of the ordinal patterns of x_t, x_{t+delay}, …; no increasing change of scale alters it.

    Chaos in one variable forbids patterns that occur in noise: for the logistic map at r = 4, no three successive values
    decrease. The limit of H/(order − 1) is the metric entropy for piecewise monotone maps of an interval (slow; ``rate`` is
    closer). The error is that of a mean over 16 segments of the series; there should be five times as many rows as patterns.

    Parameters
    ----------
    series : an Orbit, or (n,) or (n, d) numbers, of which one column is used
    order : number of values in a pattern, 2 to 10
    delay : rows between them
    coordinate : the column

    Raises
    ------
    UsageError : too few rows for so many patterns, or entries that are not finite

    Examples
    --------
    >>> import cfdyn as cf
    >>> logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
    >>> entropy = cf.analysis.permutation_entropy(cf.iterate(logistic, [0.3], 20_000), order=3)
    >>> entropy.missing, entropy.patterns.tolist(), round(entropy.share, 2)  # 5 would be x_t > x_{t+1} > x_{t+2}
    (1, [0, 1, 2, 3, 4], 0.83)

    References
    ----------
    Bandt & Pompe (2002), Phys. Rev. Lett. 88, 174102. Bandt, Keller & Pompe (2002), Nonlinearity 15, 1595 (the limit).
    """
    length, lag, column = (
        whole_number("order", order, 2),
        whole_number("delay", delay, 1),
        whole_number("coordinate", coordinate, 0),
    )
    if length > LONGEST:
        raise UsageError(f"patterns have 2 to {LONGEST} values, not {length}")
    x = _column(series, column)
    least = LEAST * math.factorial(length) + (length - 1) * lag
    if len(x) < least:
        raise UsageError(f"patterns of {length} values need {least} rows, not {len(x)}: take a smaller order")
    numbers, equal = _patterns(x, length, lag)
    patterns, counts = np.unique(numbers, return_counts=True)
    shares = counts / counts.sum()
    entropy = _entropy(shares)
    parts = [_entropy(np.unique(part, return_counts=True)[1] / len(part)) for part in np.array_split(numbers, PARTS)]
    before = _entropy(np.unique(_patterns(x, length - 1, lag)[0], return_counts=True)[1] / (len(x) - (length - 2) * lag))
    whole = math.factorial(length)
    return PermutationEntropy(
        entropy, float(np.std(parts, ddof=1) / math.sqrt(PARTS)), entropy / math.log(whole), entropy - before, length, patterns,
        shares, whole - len(patterns), equal, provenance=provenance(rows=len(x), order=length, delay=lag, coordinate=column),
    )  # fmt: skip


def _column(series: Any, column: int) -> np.ndarray:
    """One column, checked to be finite."""
    given = series.z if isinstance(series, Orbit) else series
    rows = table("a series", given, 1 if np.ndim(given) == 1 else 2)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if column >= rows.shape[1]:
        raise UsageError(f"permutation_entropy needs a column of finite numbers; there is no column {column} of {rows.shape[1]}")
    check_finite("permutation_entropy needs", rows[:, column])
    return rows[:, column]


def _patterns(x: np.ndarray, length: int, lag: int) -> tuple[np.ndarray, float]:
    """The pattern number of each window, (n,), from counts of smaller later values; the fraction of windows with equal
    values."""
    rows = len(x) - (length - 1) * lag
    number, equal = np.zeros(rows, np.int64), np.zeros(rows, bool)
    for i in range(length):
        here, smaller = x[i * lag : i * lag + rows], np.zeros(rows, np.int64)
        for j in range(i + 1, length):
            there = x[j * lag : j * lag + rows]
            smaller += there < here
            equal |= there == here
        number = number * (length - i) + smaller
    return number, float(equal.mean())


def _entropy(shares: np.ndarray) -> float:
    return max(0.0, float(-(shares * np.log(shares)).sum()))
