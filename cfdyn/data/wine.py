"""Chemical analyses of wines."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import Choice
from cfdyn.data._tables import table


def wine(
    classes: int | str | Sequence[int] | None = None, n: int | None = None, seed: int = 0, standardise: bool = True,
    random_labels: float = 0.0,
) -> DataSet:  # fmt: skip
    """178 real wines of three growers, 13 chemical measurements each.

    ``classes``: 2 for the first two, "0-2" for these; ``seed`` selects the ``n`` rows. ``standardise``: each measurement
    with mean 0 and standard deviation 1 over the selected rows. ``random_labels``: the fraction of rows whose label is drawn at
    random.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.wine(n=60, seed=1)
    >>> rows.inputs.shape, rows.n_outputs, rows.title
    ((60, 13), 3, 'wine:n=60,seed=1')

    References
    ----------
    Aeberhard & Forina (1992), Wine, UCI Machine Learning Repository, as distributed with scikit-learn.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    source = table("wine_data.csv", "wine", "178,13,class_0,class_1,class_2")
    return choice.of(wine, source[:, :-1], source[:, -1].astype(int))
