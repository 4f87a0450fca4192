"""The leading eigenvalue of a symmetric matrix from few products, begun where the last measurement ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FEWEST, WARM, COLD = 5, 10, 20  # products; at most from a known direction, and from a random one
GOOD = 0.03  # of the value: a residual that is small enough
SPENT = 1e-6  # of a vector's length: what is left beside the others is rounding


class Leading(NamedTuple):
    """An eigenvalue with its vector, ‖Au − λu‖/|λ|, the products that it took, and xᵀAx of the start x of length 1."""

    value: float
    vector: Any
    residual: float
    products: int
    first: float


def leading(product: Callable[[Any], Any], start: Any, warm: bool) -> Leading:
    """The largest eigenvalue λ₁ of A, by locally optimal conjugate gradients from a vector (d,).

    ``start``: an array of NumPy, JAX or torch; ``product`` gives Av of the same kind. Each step takes the largest Ritz value on
    the plane or space of x, of its residual Ax − λx and of the last step: six vectors are kept, not one for each product, and the
    errors are about those of Lanczos' method. 5 products, and more while the residual is above 3 %: at
    most 10 from a ``warm`` start, 20 from a cold one. The vector's sign is that of the start.

    >>> import numpy as np
    >>> found = leading(lambda v: np.linspace(0.1, 1, 50) ** 4 * v, np.ones(50), warm=False)
    >>> round(found.value, 3), found.products
    (0.998, 8)

    References
    ----------
    Knyazev (2001), SIAM J. Sci. Comput. 23, Algorithm 5.1 without preconditioner, for one vector.
    """
    x = start / _size(start)
    image, products, last = product(x), 1, None
    first = float(x @ image)
    while True:
        value = float(x @ image)
        slope = image - value * x
        residual = _size(slope) / abs(value) if value else np.inf
        most, enough = WARM if warm else COLD, products >= FEWEST and residual <= GOOD
        if enough or products >= min(most, len(x)) or not np.isfinite(residual) and value != 0 or residual <= SPENT:
            break
        basis, images = [x], [image]
        if last is not None:
            _joined(basis, images, *last)
        before = len(basis)
        _joined(basis, None, slope, None)
        if len(basis) == before:
            break
        images.append(product(basis[-1]))
        products += 1
        x, image, last = _best(basis, images)
    return Leading(value, x if float(x @ start) >= 0 else -x, residual, products, first)


def _joined(basis: list[Any], images: list[Any] | None, v: Any, image: Any) -> None:
    """Add v without its part in the basis, twice, and its image likewise; nothing if nothing is left."""
    size = _size(v)
    for _ in range(2):
        for k, one in enumerate(basis):
            part = float(one @ v)
            v = v - part * one
            image = image - part * images[k] if images else None
    left = _size(v)
    if left > SPENT * size:
        basis.append(v / left)
        if images:
            images.append(image / left)


def _best(basis: list[Any], images: list[Any]) -> tuple[Any, Any, tuple[Any, Any]]:
    """The Ritz vector of the largest value with its image, and the step to it from the first of the basis, with its image."""
    small = np.array([[float(one @ image) for image in images] for one in basis])
    weights = [float(one) for one in np.linalg.eigh((small + small.T) / 2)[1][:, -1]]
    step, turned = (sum((c * v for c, v in zip(weights[2:], of[2:], strict=True)), weights[1] * of[1]) for of in (basis, images))
    x, image = weights[0] * basis[0] + step, weights[0] * images[0] + turned
    size = _size(x)
    return x / size, image / size, (step, turned)


def _size(v: Any) -> float:
    return float(v @ v) ** 0.5
