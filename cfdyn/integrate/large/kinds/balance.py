"""The equilibrium covariance on the sharp modes of the gradient noise from batches of rows, at the current weights."""

from typing import NamedTuple

import numpy as np

from cfdyn.integrate.large.kinds.response import Response, beyond
from cfdyn.systems.sgd.second_moments import SecondMoments, weights_of

WIDTH = 2.0  # modes with ηλ between cut/WIDTH and cut·WIDTH count in part
EXACT, MOST = 1e-10, 500  # residual and steps of conjugate gradients


class Balance(NamedTuple):
    """X (k, k) of Σ = UᵀXU, and the amount by which a step reduces the sharpest mode's variance, 1/R − N."""

    x: np.ndarray
    loss: float


def balanced(
    response: Response, values: np.ndarray, slopes: np.ndarray, bends: np.ndarray, share: float, cut: float
) -> Balance:
    """X = φRφ∘(N[X] + C) of modes that flip at 2, with ``values`` (k,), descending; R: their response to a kick.

    ``slopes`` (n, k) and ``bends`` (n, k, k) are the rows' gradients and Hessians on the modes, in units in which the mean of
    the latter is diag(values); ``share``: 1/b. NumericsError: no such X is positive, beyond mean-square stability.

    Two rows that pull back and forth along one mode of gradient descent: C = 1, N = 0, R = 1/(1 − ¼).

    >>> gd = Response(np.array([[1.0]]), np.array([-1.0]), 1.0)
    >>> balanced(gd, np.array([0.5]), np.array([[1.0], [-1.0]]), np.full((2, 1, 1), 0.5), 1.0, 0.1).x.round(6)
    array([[1.333333]])
    """
    weights, decay = weights_of(response.rate, values, cut, WIDTH), response.losses(values)
    scale = np.sqrt(np.outer(weights, weights) / decay)
    moments = SecondMoments(values, bends - bends.mean(axis=0))
    off = slopes - slopes.mean(axis=0)
    right = scale * (share / len(off)) * (off.T @ off)
    y, rest = np.zeros_like(right), right.copy()
    ahead, square = rest.copy(), float((rest**2).sum())
    least = square * EXACT**2
    for _ in range(MOST):
        if square <= least:
            break
        image = ahead - share * scale * moments.noise(scale * ahead)
        along = float((ahead * image).sum())
        if not along > 0:
            raise beyond()
        y += (square / along) * ahead
        rest -= (square / along) * image
        before, square = square, float((rest**2).sum())
        ahead = rest + (square / before) * ahead
    x = scale * (y + y.T) / 2
    if len(values) and np.linalg.eigvalsh(x)[0] < -1e-6 * np.trace(x):
        raise beyond()
    top = moments.deviations[:, :1, :1]
    return Balance(x, float(decay[0, 0] - share * (top**2).mean()) if len(values) else np.inf)

