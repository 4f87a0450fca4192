"""Small colour photographs of ten classes of objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cfdyn.data._data_set import DataSet
from cfdyn.data._local import checked_labels, part_of, read
from cfdyn.data._subsets import Choice
from cfdyn.errors import UsageError

RECORD = 1 + 3 * 32 * 32  # bytes: a label and a picture
MOST = 10_000  # records of a file
FILES = {"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)}


def cifar10(
    classes: int | str | Sequence[int] | None = None, n: int | None = None, seed: int = 0, standardise: bool = True,
    random_labels: float = 0.0, part: str = "train", path: str | None = None,
) -> DataSet:  # fmt: skip
    """60,000 real photographs (n, 3, 32, 32), from files that you have: 50,000 to train on, 10,000 to test.

    The files are those of the binary version, data_batch_1.bin … data_batch_5.bin (test_batch.bin for ``part`` "test"), also
    with .gz, in the folder ``path``, or ``cifar10`` in $CFDYN_DATA_DIR or in the user's data folder. The version in pickles is
    never read: a pickle may run any program. ``classes``: 2 for the first two, "3-5" for cats and dogs; ``seed`` selects the
    ``n`` rows. ``standardise``: each pixel with mean 0 and standard deviation 1 over the selected rows; otherwise pixels divided
    by 255. ``random_labels``: the fraction of rows whose label is drawn at random.

    Raises
    ------
    UsageError : a file is absent, truncated or not of the binary version

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.data.cifar10(path="not-there")
    Traceback (most recent call last):
    ...
    cfdyn.errors.UsageError: cifar10: there is no data_batch_1.bin (or data_batch_1.bin.gz) in not-there; ...

    References
    ----------
    Krizhevsky (2009), Learning multiple layers of features from tiny images, University of Toronto.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    records = np.concatenate([_records(path, name) for name in FILES[part_of("cifar10", part)]])
    labels = checked_labels("cifar10", records[:, 0], 10)
    return choice.of(cifar10, records[:, 1:].reshape(-1, 3, 32, 32), labels, 255.0, part=part)


def _records(path: str | None, name: str) -> np.ndarray:
    """The records of one file, (n, 3073)."""
    content = read("cifar10", path, MOST * RECORD, name)
    if len(content) > MOST * RECORD:
        raise UsageError(f"cifar10: {name} is too long: the files that are published have {MOST} records")
    if not content or len(content) % RECORD:
        raise UsageError(f"cifar10: {name} is cut off, or not of the binary version: it has {len(content)} bytes, "
                         f"not a multiple of {RECORD}")  # fmt: skip
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD)
