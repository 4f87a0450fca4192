"""`DataSet`: inputs with classes or numbers to predict."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError


@dataclasses.dataclass(frozen=True)
class DataSet:
    """``inputs`` (n, …) float64; ``targets`` (n, outputs): numbers to predict, or classes as 0 and 1; ``labels`` (n,): the
    classes 0, 1, …, or None; for tasks on sequences inputs are (n, length) whole numbers and labels may be (n, length)."""

    inputs: np.ndarray
    targets: np.ndarray
    labels: np.ndarray | None
    title: str

    @property
    def n_inputs(self) -> int:
        """The numbers of one row."""
        return math.prod(self.inputs.shape[1:])

    @property
    def n_outputs(self) -> int:
        """The numbers that are predicted for one row: outputs, or classes."""
        return self.targets.shape[-1]

    def __len__(self) -> int:
        return len(self.inputs)


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """Rows of 0 and 1, (…, classes)."""
    return np.equal.outer(labels, np.arange(classes)).astype(float)


def standardised(inputs: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1; columns that are constant become 0."""
    spread = inputs.std(axis=0)
    return (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def classes_of(
    what: str, inputs: np.ndarray, labels: np.ndarray, classes: int | None, n: int | None, seed: int, standardise: bool
) -> DataSet:
    """The first ``classes`` classes, ``n`` rows of them picked by the seed, standardised over what was picked."""
    most = int(labels.max()) + 1
    wanted = most if classes is None else whole_number(f"{what}: classes", classes, 2, most)
    kept = np.flatnonzero(labels < wanted)
    count = len(kept) if n is None else whole_number(f"{what}: n", n, wanted, len(kept))
    picked = np.sort(np.random.default_rng(whole_number(f"{what}: seed", seed, 0)).permutation(kept)[:count])
    mine = labels[picked]
    if len(np.unique(mine)) < wanted:
        absent = min(set(range(wanted)) - set(mine.tolist()))
        raise UsageError(f"{what}: of {count} rows none is of class {absent}; take more rows")
    x = inputs[picked].astype(float)
    options = {"classes": classes, "n": n, "seed": seed or None}
    given = ",".join(f"{name}={value}" for name, value in options.items() if value is not None)
    return DataSet(standardised(x) if standardise else x, one_hot(mine, wanted), mine, f"{what}:{given}" if given else what)
