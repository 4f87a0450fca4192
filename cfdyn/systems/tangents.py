"""What tangents of a map are pushed along with, one after the other."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.codegen.columns import WRITTEN
from cfdyn.kernels.orbits import stretch
from cfdyn.systems.by_products.map_by_products import MapByProducts
from cfdyn.systems.map import Map

Stretching = Callable[[np.ndarray, int, np.ndarray, np.ndarray], int]


def frame(dim: int, k: int) -> np.ndarray:
    """Orthonormal rows (k, D) to begin with, the same at each call, in no subspace that a symmetry of a map keeps.

    Random numbers: in a frame that is written down, such as that of 1 + 0.1·(a triangle of ones), equal entries may meet those
    of two equal copies, and what sets these apart is then never seen.
    """
    return np.ascontiguousarray(np.linalg.qr(np.random.default_rng(6).normal(size=(dim, k)))[0].T)


def pushing(step: Map) -> tuple[Any, bool]:
    """The rule for `cfdyn.kernels.orbits.stretch`, and whether it is that of products: of many variables no matrix is made."""
    products = step.dim > WRITTEN
    return step.rule("derivative1" if products else "jacobian").compiled, products


def one_after_another(step: Map | MapByProducts) -> Stretching:
    """(z, n, q, sums) → the number of finite steps, see `cfdyn.kernels.orbits.stretch`."""
    if isinstance(step, MapByProducts):
        return lambda z, n, q, sums: _by_products(step, z, n, q, sums)
    rules = step.rule("step").compiled, *pushing(step)
    return lambda z, n, q, sums: stretch(*rules, z, step.p, n, q, sums)


def _by_products(step: MapByProducts, z: np.ndarray, n: int, q: np.ndarray, sums: np.ndarray) -> int:
    """The same by Jacobian-vector products, the rows made orthonormal at each step."""
    for k in range(n):
        with np.errstate(all="ignore"):
            image, product = step.tangent(z)
            rows = product(q)
        if not (np.isfinite(image).all() and np.isfinite(rows).all()):
            return k
        q[:], z[:] = orthonormalised(rows, sums), image
    return n


def orthonormalised(rows: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Orthonormal rows (k, D) in place of others, one after the other; the logarithms of their lengths are added to sums (k,)."""
    turned, triangle = np.linalg.qr(rows.T)
    with np.errstate(divide="ignore"):
        sums += np.log(np.abs(np.diag(triangle)))
    return turned.T
