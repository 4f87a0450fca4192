"""A Chebyshev polynomial as a regression problem."""

from __future__ import annotations

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.data._data_set import DataSet
from cfdyn.registry import spelled


def chebyshev(degree: int = 3, n: int = 20) -> DataSet:
    """n points x, evenly spaced in [−1, 1], with targets T_k(x) = cos(k arccos x), k = ``degree``.

    Examples
    --------
    >>> import cfdyn as cf
    >>> rows = cf.data.chebyshev(degree=3, n=5)  # 4x³ − 3x
    >>> rows.inputs.tolist(), rows.targets.tolist()
    ([[-1.0], [-0.5], [0.0], [0.5], [1.0]], [[-1.0], [1.0], [0.0], [-1.0], [1.0]])

    References
    ----------
    Cohen, Kaur, Li, Kolter & Talwalkar, arXiv 2103.00065 (degrees 3, 4 and 5 at 20 points).
    """
    k = whole_number("chebyshev: degree", degree, 1, 1000)
    x = np.linspace(-1, 1, whole_number("chebyshev: n", n, 2, 10**7))
    y = np.polynomial.chebyshev.chebval(x, [0.0] * k + [1.0])
    return DataSet(x[:, None], y[:, None], None, spelled(chebyshev, degree=degree, n=n))
