"""Measurements of irises."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import Choice
from cfdyn.data._tables import table


def iris(
    classes: int | str | Sequence[int] | None = None, n: int | None = None, seed: int = 0, standardise: bool = True,
    random_labels: float = 0.0,
) -> DataSet:  # fmt: skip
    """150 real irises of three species, 4 lengths of each.

    ``classes``: 2 for the first two, "0-2" for these; ``seed`` selects the ``n`` rows. ``standardise``: each measurement
    with mean 0 and standard deviation 1 over the selected rows. ``random_labels``: the fraction of rows whose label is drawn at
    random.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.iris(n=60, seed=1)
    >>> rows.inputs.shape, rows.n_outputs, rows.title
    ((60, 4), 3, 'iris:n=60,seed=1')

    References
    ----------
    Fisher (1936), The use of multiple measurements in taxonomic problems, Annals of Eugenics 7, as distributed with
    scikit-learn.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    source = table("iris.csv", "iris", "150,4,setosa,versicolor,virginica")
    return choice.of(iris, source[:, :-1], source[:, -1].astype(int))
