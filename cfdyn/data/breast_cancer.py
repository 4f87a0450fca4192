"""Measurements of tumours."""

from __future__ import annotations

from collections.abc import Sequence

from cfdyn.data._data_set import DataSet
from cfdyn.data._subsets import Choice
from cfdyn.data._tables import table


def breast_cancer(
    classes: int | str | Sequence[int] | None = None, n: int | None = None, seed: int = 0, standardise: bool = True,
    random_labels: float = 0.0,
) -> DataSet:  # fmt: skip
    """569 real tumours, 30 measurements each: 0 malignant, 1 benign.

    ``classes``: 2 for the first two, "0-2" for these; ``seed`` selects the ``n`` rows. ``standardise``: each measurement
    with mean 0 and standard deviation 1 over the selected rows. ``random_labels``: the fraction of rows whose label is drawn at
    random.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.breast_cancer(n=60, seed=1)
    >>> rows.inputs.shape, rows.n_outputs, rows.title
    ((60, 30), 2, 'breast_cancer:n=60,seed=1')

    References
    ----------
    Wolberg, Mangasarian, Street & Street (1995), Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning Repository, as
    distributed with scikit-learn.
    """
    choice = Choice(classes, n, seed, standardise, random_labels)
    source = table("breast_cancer.csv", "breast_cancer", "569,30,malignant,benign")
    return choice.of(breast_cancer, source[:, :-1], source[:, -1].astype(int))
