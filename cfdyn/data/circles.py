"""A circle inside another."""

from __future__ import annotations

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.data._data_set import DataSet, one_hot, rng_of
from cfdyn.data._made import noise_of
from cfdyn.errors import UsageError
from cfdyn.registry import spelled


def circles(n: int = 200, radius: float = 0.5, noise: float = 0.1, seed: int = 0) -> DataSet:
    """n points in the plane of two classes, evenly spaced on the circles of radius 1 and ``radius``.

    ``noise``: the standard deviation of the noise on each coordinate, drawn with the ``seed``.

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> rows = cf.data.circles(n=6, noise=0.0)
    >>> np.hypot(*rows.inputs.T).round(12).tolist(), rows.labels.tolist()
    ([1.0, 1.0, 1.0, 0.5, 0.5, 0.5], [0, 0, 0, 1, 1, 1])

    References
    ----------
    Pedregosa et al. (2011), Scikit-learn, Journal of Machine Learning Research 12 (make_circles).
    """
    count, inner = whole_number("circles: n", n, 4, 10**7), number("circles: radius", radius, finite=True)
    if not 0 < inner < 1:
        raise UsageError(f"circles: radius is between 0 and 1, not {radius}")
    labels = np.repeat([0, 1], [count - count // 2, count // 2])
    angle = np.concatenate([np.arange(k) * 2 * np.pi / k for k in (count - count // 2, count // 2)])
    points = np.where(labels, inner, 1.0)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    points += noise_of("circles", noise) * rng_of("circles", seed).normal(size=(count, 2))
    return DataSet(points, one_hot(labels, 2), labels, spelled(circles, n=n, radius=radius, noise=noise, seed=seed))
