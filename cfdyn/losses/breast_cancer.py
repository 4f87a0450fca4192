"""Logistic regression on real measurements: benign or malignant."""

from functools import lru_cache

import numpy as np

from cfdyn.data._tables import table
from cfdyn.errors import UsageError
from cfdyn.losses._terms import dot, names
from cfdyn.symbolic.loss import LossSpec, make_loss

MEASUREMENTS = {"mean texture": 1, "mean smoothness": 4, "mean symmetry": 8, "mean compactness": 5}


def breast_cancer(features: int = 1) -> LossSpec:
    """Mean logistic loss of 569 tumours on their standardised texture, smoothness, …, no intercept.

    One row contributes log(1 + e^s) − label·s with s = Σ wᵢ xᵢ; label 1 means malignant. The classes
    overlap in these measurements (mean texture, smoothness, symmetry, compactness, in this order),
    so the minimum and the edge are finite. ``features``, 1 to 4, is the number of measurements used.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.breast_cancer(features=1)
    >>> loss.variables, round(loss.value([0.0]), 6)
    (('w1',), 0.693147)

    References
    ----------
    Wolberg, Mangasarian, Street & Street (1995), Breast Cancer Wisconsin (Diagnostic), UCI
    Machine Learning Repository, as distributed with scikit-learn.
    """
    if features not in range(1, len(MEASUREMENTS) + 1):
        raise UsageError(f"breast_cancer: features must be 1 to {len(MEASUREMENTS)}, not {features}")
    w, columns = names("w", features), names("x", features)
    score = dot(w, columns)
    return make_loss(
        f"softplus({score}) - label*({score})", w, {}, [*columns, "label"],
        data=_table()[:, [*range(features), -1]], box=((-10.0, 10.0),) * features, name=f"breast_cancer:features={features}",
    )  # fmt: skip


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """(569, 5): the standardised measurements and the label."""
    source = table("breast_cancer.csv", "breast_cancer", "569,30,malignant,benign")
    picked = source[:, list(MEASUREMENTS.values())]
    standard = (picked - picked.mean(axis=0)) / picked.std(axis=0)
    return np.column_stack([standard, source[:, -1] == 0])
