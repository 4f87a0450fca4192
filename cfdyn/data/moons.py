"""Two interlocking half circles."""

from __future__ import annotations

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet, one_hot, rng_of
from cfdyn.data._made import noise_of
from cfdyn.registry import spelled


def moons(n: int = 200, noise: float = 0.1, seed: int = 0) -> DataSet:
    """n points in the plane of two classes: (cos a, sin a) and (1 − cos a, ½ − sin a), a evenly spaced in [0, π].

    ``noise``: the standard deviation of the noise on each coordinate, drawn with the ``seed``.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.moons(n=6, noise=0.0)
    >>> rows.inputs.round(3).tolist(), rows.labels.tolist()
    ([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.5], [1.0, -0.5], [2.0, 0.5]], [0, 0, 0, 1, 1, 1])

    References
    ----------
    Pedregosa et al. (2011), Scikit-learn, Journal of Machine Learning Research 12 (make_moons).
    """
    count = whole_number("moons: n", n, 4, 10**7)
    first, second = np.linspace(0, np.pi, count - count // 2), np.linspace(0, np.pi, count // 2)
    upper = np.column_stack([np.cos(first), np.sin(first)])
    lower = np.column_stack([1 - np.cos(second), 0.5 - np.sin(second)])
    labels = np.repeat([0, 1], [len(first), len(second)])
    points = np.concatenate([upper, lower]) + noise_of("moons", noise) * rng_of("moons", seed).normal(size=(count, 2))
    return DataSet(points, one_hot(labels, 2), labels, spelled(moons, n=n, noise=noise, seed=seed))
