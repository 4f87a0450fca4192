"""Pictures of clothes, 28 × 28 pixels."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.data._local import idx_pictures
from cfdyn.data._subsets import Choice


def fashion_mnist(
    classes: int | str | Sequence[int] | None = None, n: int | None = None, seed: int = 0, standardise: bool = True,
    random_labels: float = 0.0, part: str = "train", path: str | None = None,
) -> DataSet:  # fmt: skip
    """70,000 real pictures of clothes (n, 1, 28, 28), from files that you have: 60,000 to train on, 10,000 to test.

    The files are the published ones, train-images-idx3-ubyte and train-labels-idx1-ubyte (t10k-… for ``part`` "test"), also
    with .gz, in the folder ``path``, or ``fashion_mnist`` in $CFDYN_DATA_DIR or in the user's data folder. ``classes``: 4 for the
    first four, "3-8" for these; ``seed`` selects the ``n`` rows. ``standardise``: each pixel with mean 0 and standard
    deviation 1 over the selected rows; otherwise pixels divided by 255. ``random_labels``: the fraction of rows whose label is
    drawn at random.

    Raises
    ------
    UsageError : a file is absent, truncated or not an IDX file

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.data.fashion_mnist(path="not-there")
    Traceback (most recent call last):
    ...
    cfdyn.errors.UsageError: fashion_mnist: there is no train-images-idx3-ubyte (or train-images-idx3-ubyte.gz) in not-there; ...

    References
    ----------
    Xiao, Rasul & Vollgraf (2017), Fashion-MNIST, arXiv 1708.07747.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    pictures, labels = idx_pictures("fashion_mnist", path, part)
    return choice.of(fashion_mnist, pictures, labels, 255.0, part=part)
