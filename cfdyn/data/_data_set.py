"""`DataSet`: inputs with classes or numbers to predict."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from cfdyn.arguments import check_finite, first_other, whole_number
from cfdyn.errors import UsageError, shown


@dataclasses.dataclass(frozen=True, eq=False)
class DataSet:
    """Rows of training data: the data sets of `cf.data`, or arrays of your own.

    ``inputs`` (n, …): float64, pictures as (n, channels, height, width), series as (n, length, features); or, with ``symbols``
    > 0, sequences (n, length) of whole numbers below ``symbols``. ``targets`` (n, outputs): numbers to predict, or classes as 0
    and 1. ``labels`` (n,): the classes 0, 1, …, or None; if the last m places of a sequence are to be predicted, they are (n, m),
    and the targets (n, m, classes).

    Raises
    ------
    UsageError : arrays of different lengths, values that are not finite, labels that are not classes

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.DataSet([[0.0, 1.0], [1.0, 0.5], [2.0, 0.0]], labels=[0, 2, 1])
    >>> rows.targets.tolist(), len(rows), rows.n_inputs, rows.n_outputs
    ([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], 3, 2, 3)
    """

    inputs: np.ndarray
    targets: np.ndarray = None  # type: ignore[assignment]
    labels: np.ndarray | None = None
    title: str = "data"
    symbols: int = 0

    def __post_init__(self) -> None:
        inputs = _array(self.inputs, f"inputs of {self.title}", int if self.symbols else float)
        labels = None if self.labels is None else _array(self.labels, f"labels of {self.title}", int)
        given: Any = self.targets
        if given is None and labels is None:
            raise UsageError(f"{self.title} needs targets, numbers to predict, or labels, classes 0, 1, …")
        if labels is not None and labels.size and labels.min() < 0:
            raise UsageError(f"labels of {self.title} are classes 0, 1, …, not {labels.min()}")
        if given is None and labels is not None:
            given = one_hot(labels, int(labels.max(initial=0)) + 1)
        targets = _array(given, f"targets of {self.title}", float)
        targets = targets[:, None] if targets.ndim == 1 else targets
        lengths = {part.shape[:1] for part in (inputs, targets, labels) if part is not None}
        if len(lengths) > 1 or inputs.ndim < 2 or not len(inputs):
            parts = {"inputs": inputs, "targets": targets, "labels": labels}
            shapes = ", ".join(f"{name} {part.shape}" for name, part in parts.items() if part is not None)
            more = f"; row {min(lengths)[0]} (counted from 0) is not in all" if len(lengths) > 1 and all(lengths) else ""
            raise UsageError(f"{self.title}: inputs are (n, …), with a target or a label for each of the n rows, "
                             f"not {shapes}{more}")  # fmt: skip
        for name, value in {"inputs": inputs, "targets": targets, "labels": labels}.items():
            object.__setattr__(self, name, value)

    @property
    def n_inputs(self) -> int:
        """The number of inputs of one row."""
        return math.prod(self.inputs.shape[1:])

    @property
    def n_outputs(self) -> int:
        """The number of outputs, or classes, that are predicted for one row."""
        return self.targets.shape[-1]

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return f"DataSet({self.title}, {len(self)} rows)"


def _array(value: Any, what: str, kind: type) -> np.ndarray:
    """Finite numbers as float64 or whole ones as int64."""
    try:
        given = np.asarray(value)
        array = given.astype(float) if given.dtype.kind in "biuf" else None
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise UsageError(f"{what} are finite numbers{f': {row}' if (row := first_other(value)) else f', not {shown(value)}'}")
    check_finite(f"{what} are", array)
    if kind is int and (array != np.round(array)).any():
        place = np.argwhere(array != np.round(array))[0]
        raise UsageError(f"{what} are whole numbers, and row {place[0]} (counted from 0) has {array[tuple(place)]}")
    return array.astype(np.int64) if kind is int else array


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Rows of 0 and 1, (…, classes)."""
    return np.equal.outer(labels, np.arange(classes)).astype(float)


def standardised(inputs: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1; columns that are constant become 0."""
    # The mean of equal numbers is not always one of them, so that their spread need not be 0.
    spread = np.where(inputs.max(axis=0) > inputs.min(axis=0), inputs.std(axis=0), 0.0)
    return np.where(spread > 0, (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1.0), 0.0)


def rng_of(what: str, seed: Any, stream: int = 0) -> np.random.Generator:
    """The random numbers of a seed; another ``stream`` of the same seed is independent."""
    number = whole_number(f"{what}: seed", seed, 0)
    return np.random.default_rng([number, stream] if stream else number)
