"""Newton's method on the n points of a cycle at once, and the Jacobians and multipliers at the points."""

from typing import Any

import numpy as np

from cfdyn.cycles._kernels.newton import DENSE, OPEN, WELL, newton, shots
from cfdyn.cycles._kernels.shooting import condense
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.linalg.direct import solved
from cfdyn.machine.jit import address, apply
from cfdyn.systems.map import Map

STEEP = 1e6  # a larger product of Jacobians has lost the small multipliers
LARGE = 1e8  # a multiplier of which the condensed equations know half of the digits
ROUNDED = 1e-14  # of the terms of a determinant: it vanishes
SYMMETRIC = 1e-14  # of a matrix: rounding


def images(step: Map, points: np.ndarray) -> np.ndarray:
    """f at each of the points (n, D)."""
    return evaluate_rows(step.rule("step"), points, step.p)


def jacobians(step: Map, points: np.ndarray) -> np.ndarray:
    """Df at each of the points, (n, D, D)."""
    return evaluate_rows(step.rule("jacobian"), points, step.p).reshape(-1, step.dim, step.dim)


def residual(step: Map, points: np.ndarray) -> float:
    """max |f(x_i) − x_{i+1}|, the indices cyclic."""
    return float(np.abs(images(step, points) - np.roll(points, -1, axis=0)).max())


def polish(step: Map, points: np.ndarray, iterations: int = 30, extent: float | np.ndarray = 1.0) -> np.ndarray | None:
    """The cycle near the given points (n, D) by Newton on F_i = f(x_i) − x_{i+1}; None if it fails.

    The composed map is never formed, so long and unstable cycles are as easy as short ones. A
    singular system (a continuum of cycles) gets the smallest step that solves it. ``extent``: the size of the orbit that
    led here, one or (D,), beside which points near 0 are round-off. Each entry behind the weights is held against its own size.
    """
    rules = {what: step.rule(what).compiled for what in ("step", "jacobian")}
    block, parameters = shots(points, **rules, d=step.n_weights or step.dim, extent=extent, most=iterations), step.p
    while True:
        apply(address(newton.compiled), block.memory, parameters, parameters)
        if block.status != OPEN:
            return block.best.copy() if block.found else None
        block.points -= _solve(block.matrices, block.defect)


def _solve(matrices: np.ndarray, defect: np.ndarray) -> np.ndarray:
    """The Newton step: J_i dx_i − dx_{i+1} = F_i."""
    n, d = defect.shape
    matrix, right = cyclic_system(matrices), defect.ravel()
    step = solved(matrix, right).x
    with np.errstate(over="ignore"):
        sound = np.abs(step).max() <= WELL * np.abs(right).max()
    if isinstance(matrix, np.ndarray) and not sound:
        step = np.linalg.lstsq(matrix, right, rcond=1e-14)[0]
    return step.reshape(n, d)


def cyclic_system(matrices: np.ndarray, nu: complex = 1.0, dense: int = DENSE) -> Any:
    """The matrix of the map h ↦ (A_k h_k − h_{k+1}; A_n h_n − ν h_1): dense up to so many rows, else sparse."""
    n, d = matrices.shape[:2]
    factors = np.ones(n, dtype=type(nu))
    factors[-1] = nu
    if n == 1 or n * d <= dense:
        system, index = np.zeros((n, d, n, d), dtype=factors.dtype), np.arange(n)
        system[index, :, index, :] = matrices
        system[index, :, np.roll(index, -1), :] -= factors[:, None, None] * np.eye(d)
        return system.reshape(n * d, n * d)
    from scipy.sparse import csc_matrix

    entries = np.arange(n * d).reshape(n, d)
    rows = np.concatenate([np.repeat(entries, d), entries.ravel()])
    columns = np.concatenate([np.repeat(entries[:, None], d, axis=1).ravel(), np.roll(entries, -1, axis=0).ravel()])
    return csc_matrix((np.concatenate([matrices.ravel(), -np.repeat(factors, d)]), (rows, columns)), shape=(n * d, n * d))


def multipliers(step: Map, points: np.ndarray) -> np.ndarray:
    """Eigenvalues of Df(x_n)…Df(x_1), the largest modulus first; real where all are real."""
    return multipliers_of(jacobians(step, points))


def multipliers_of(matrices: np.ndarray) -> np.ndarray:
    """Eigenvalues of A_n…A_1 (n, D, D), the largest modulus first; real where all are real, NaN where they are not finite."""
    product = np.eye(matrices.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        for matrix in matrices:
            product = matrix @ product
    if not np.isfinite(matrices).all() or (len(product) == 1 and not np.isfinite(product).all()):
        return np.full(len(product), np.nan)
    values = _eigenvalues(product[None])[0] if np.isfinite(product).all() else np.full(len(product), np.inf)
    values = values[np.argsort(-np.abs(values), kind="stable")]
    if len(product) > 1 and not np.abs(product).max() <= STEEP:
        small = eigenvalues(*(part[None] for part in condense(matrices)[1:]))[0]
        # The product knows its largest eigenvalues, the condensed equations all that are not as large.
        with np.errstate(invalid="ignore"):
            values = np.where((np.abs(small) > LARGE) & (np.abs(values) > np.abs(values[0]) / LARGE), values, small)
    return values.real if not np.iscomplexobj(values) or np.all(values.imag == 0) else values


def eigenvalues(own: np.ndarray, following: np.ndarray) -> np.ndarray:
    """The roots μ of det(C + μE) for each C of ``own`` and E of ``following`` (rows, D, D), the largest modulus first.

    (rows, D), complex where any is, NaN where a matrix is not finite.
    """
    with np.errstate(all="ignore"):
        if own.shape[1] == 1:
            return -own[:, 0] / following[:, 0]
        if own.shape[1] == 2:
            return _of_planes(own, following)
        if len(own) and (scales := _diagonals(following)) is not None:
            good, solved = np.full(len(own), True), -own / scales[:, :, None]
        else:
            good = np.linalg.cond(following) < 1e8
            solved = -np.linalg.solve(following[good], own[good])
        values = np.full(own.shape[:2], np.nan, dtype=complex)
        if good.any():
            values[good] = _eigenvalues(solved)
    if not good.all():
        from scipy.linalg import eigvals

        for k in np.flatnonzero(~good):
            if np.isfinite(own[k]).all() and np.isfinite(following[k]).all():
                values[k] = eigvals(own[k], -following[k])
    order = np.argsort(-np.abs(values), axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    return values.real if not values.imag.any() else values


def _diagonals(matrices: np.ndarray) -> np.ndarray | None:
    """The diagonals (rows, D) of matrices that are diagonal and far from singular, as for a fixed point in many entries."""
    sizes = np.abs(np.diagonal(matrices, axis1=1, axis2=2))
    plain = np.count_nonzero(matrices) == np.count_nonzero(sizes) and (sizes.min(axis=1) > 1e-8 * sizes.max(axis=1)).all()
    return np.diagonal(matrices, axis1=1, axis2=2) if plain else None


def _of_planes(own: np.ndarray, following: np.ndarray) -> np.ndarray:
    """The same in two dimensions, (rows, 2): det E μ is an eigenvalue of −adj(E) C, and the product of both det E det C.

    Infinite where det E is round-off.
    """
    (c11, c12), (c21, c22) = own.transpose(1, 2, 0)
    (e11, e12), (e21, e22) = following.transpose(1, 2, 0)
    first, last, across = e12 * c21 - e22 * c11, e21 * c12 - e11 * c22, (e12 * c22 - e22 * c12) * (e21 * c11 - e11 * c21)
    mean, size = (first + last) / 2, e11 * e22 - e12 * e21
    size = np.where(np.abs(size) <= ROUNDED * (np.abs(e11 * e22) + np.abs(e12 * e21)), 0.0, size)
    square = ((first - last) / 2) ** 2 + across
    root = np.sqrt(np.abs(square))
    large = mean + np.copysign(root, mean)
    steep = np.where(size == 0, np.abs(large), large) / size
    values = np.stack([steep, np.where(large == 0, steep, (c11 * c22 - c12 * c21) / large)], axis=1)
    values = np.where((np.abs(values[:, 0]) < np.abs(values[:, 1]))[:, None], values[:, ::-1], values)
    turning = square < 0
    if not turning.any():
        return values
    apart = np.where(turning, root / np.abs(size), 0.0)
    return np.where(turning[:, None], (mean / size)[:, None] + 1j * np.stack([apart, -apart], axis=1), values)


def _eigenvalues(matrices: np.ndarray) -> np.ndarray:
    """Of each matrix (rows, D, D), in no order; real where it is symmetric, as that of descent at a fixed point."""
    gap, size = np.abs(matrices - matrices.swapaxes(1, 2)).max(axis=(1, 2)), np.abs(matrices).max(axis=(1, 2))
    if (gap <= SYMMETRIC * size).all():
        return np.linalg.eigvalsh(matrices)
    return np.linalg.eigvals(matrices)


def log_growth(step: Map, points: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """log ‖Df(x_k)…Df(x_1)‖ (Frobenius norm) of points (n, D) for each k of ``lags`` (m,), increasing; (m,)."""
    matrices = jacobians(step, points[: lags[-1]])
    with np.errstate(all="ignore"):
        if points.shape[1] == 1:
            return np.cumsum(np.log(np.abs(matrices[:, 0, 0])))[lags - 1]
        product, total, result = np.eye(points.shape[1]), 0.0, np.empty(len(lags))
        for k, stretch in enumerate(np.split(matrices, lags[:-1])):
            reduced, logarithm = _product(stretch)
            product = reduced @ product
            length = np.sqrt((product * product).sum())
            total += logarithm + np.log(length)
            product /= length or 1.0
            result[k] = total
    return result


def _product(matrices: np.ndarray) -> tuple[np.ndarray, float]:
    """(P, s): A_n…A_1 = eˢP of matrices (n, D, D), multiplied in pairs, all pairs at once."""
    total = 0.0
    while len(matrices) > 1:
        pairs = matrices[1::2] @ matrices[:-1:2]
        size = np.abs(pairs).max(axis=(1, 2))
        size[size == 0] = 1.0
        total += float(np.log(size).sum())
        matrices = np.concatenate([pairs / size[:, None, None], matrices[2 * len(pairs) :]])
    return matrices[0], total
