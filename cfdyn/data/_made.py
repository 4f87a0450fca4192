"""What the synthetic data sets share."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.data._data_set import DataSet, one_hot
from cfdyn.errors import UsageError


def noise_of(what: str, noise: Any) -> float:
    """A standard deviation, 0 or more."""
    level = number(f"{what}: noise", noise, finite=True)
    if level < 0:
        raise UsageError(f"{what}: noise is a standard deviation, 0 or more, not {noise}")
    return level


def sequences(title: str, tokens: np.ndarray, answers: np.ndarray, symbols: int, delay: int = 0) -> DataSet:
    """Sequences (n, m) of symbols 1, 2, …, then ``delay`` + m blanks, 0, with the answers (n, m) at the last m of them."""
    blanks = np.zeros((len(tokens), delay + answers.shape[1]), dtype=np.int64)
    return DataSet(np.hstack([tokens + 1, blanks]), one_hot(answers, symbols), answers, title, symbols + 1)


def sizes(what: str, n: Any, length: Any, symbols: Any) -> tuple[int, int, int]:
    """The checked numbers of rows, of places of a sequence and of symbols."""
    return (whole_number(f"{what}: n", n, 2, 10**7), whole_number(f"{what}: length", length, 1, 10**4),
            whole_number(f"{what}: symbols", symbols, 2, 10**4))  # fmt: skip
