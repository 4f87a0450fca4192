"""Newton's method on the n points of a cycle at once, and what follows from the points."""

from typing import Any

import numpy as np

from cfdyn.kernels.continuation.shooting import condense
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.map import Map

DENSE = 128  # unknowns: more are solved for with sparse matrices
WELL = 1e6  # times the defect: a system with a larger answer is singular, or nearly so
STEEP = 1e6  # a larger product of Jacobians has lost the small multipliers
LARGE = 1e8  # a multiplier of which the condensed equations know half of the digits
EXACT = 2e-16  # of the size of the points: a defect of one unit in the last place cannot be made smaller
ROUNDED = 1e-14  # of the terms of a determinant: it vanishes
SYMMETRIC = 1e-14  # of a matrix: rounding
UNDERFLOW = 1e-290  # below it an entry counts as 0
GOOD = 1e-11  # of the size of the points and the steepness of the map: such a defect is that of a cycle


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
    x = np.array(points, dtype=float)
    unit = _sizes(step, x, extent)
    unit = unit / unit[0]
    best, best_size, stalled = None, np.inf, 0
    for _ in range(iterations):
        with np.errstate(over="ignore", invalid="ignore"):
            defect = images(step, x) - np.roll(x, -1, axis=0)
        matrices = jacobians(step, x)
        if not (np.isfinite(defect).all() and np.isfinite(matrices).all()):
            return best
        size = (np.abs(defect) / unit).max()
        good_enough = bool((np.abs(defect).max(axis=0) <= GOOD * _round_off(step, x, matrices, extent)).all())
        if size < best_size:
            best_size, stalled = size, 0
            if good_enough:
                best = x
        else:
            stalled += 1
        if size <= EXACT * np.abs(x / unit).max() or (good_enough and stalled >= 2) or stalled >= 5:
            break
        x = x - _solve(matrices, defect)
    return best


def _sizes(step: Map, x: np.ndarray, extent: float | np.ndarray) -> np.ndarray:
    """The size of each entry of points (n, D), (D,): that of the weights is one, each behind them has its own."""
    d, sizes = step.n_weights or step.dim, 1e-3 * extent + np.abs(x).max(axis=0)
    sizes[:d] = sizes[:d].max()
    return np.where(sizes > UNDERFLOW, sizes, 1.0)


def _round_off(step: Map, x: np.ndarray, matrices: np.ndarray, extent: float | np.ndarray) -> np.ndarray:
    """What the round-off of a step is in units of the last place, (D,), at points (n, D) with the Jacobians (n, D, D)."""
    d, steep = step.n_weights or step.dim, np.abs(matrices)
    sizes = _sizes(step, x, extent)
    # A steep slope in a state behind the weights, such as the root of a tiny average, makes errors of its own size only.
    behind = (steep[:, :, d:] @ np.abs(x[:, d:, None]))[:, :, 0].max(axis=0)
    weights = sizes[0] * steep[:, :, :d].max(axis=(0, 2))
    total = np.maximum(sizes, np.maximum(weights, behind))
    total[:d] = total[:d].max()
    return total


def _solve(matrices: np.ndarray, defect: np.ndarray) -> np.ndarray:
    """The Newton step: J_i dx_i − dx_{i+1} = F_i."""
    n, d = defect.shape
    if d == 1:
        solved = _solve_ring(matrices.ravel().tolist(), defect.ravel().tolist())
        if n > DENSE or _sound(solved, defect):
            return solved
    matrix, right = cyclic_system(matrices), defect.ravel()
    if not isinstance(matrix, np.ndarray):
        from scipy.sparse.linalg import splu

        try:
            return splu(matrix).solve(right).reshape(n, d)
        except RuntimeError:
            return np.full_like(defect, np.nan)
    try:
        solved = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        solved = np.full(n * d, np.inf)
    if not _sound(solved, right):
        solved = np.linalg.lstsq(matrix, right, rcond=1e-14)[0]
    return solved.reshape(n, d)


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


def _sound(solved: np.ndarray, right: np.ndarray) -> bool:
    """True if the answer is not much larger than the defect: the system is not nearly singular."""
    with np.errstate(over="ignore"):
        return bool(np.abs(solved).max() <= WELL * np.abs(right).max())


def _solve_ring(slopes: list[float], defect: list[float]) -> np.ndarray:
    """The Newton step of one variable, (n, 1): x_k is eliminated by its own row or by that which closes the ring."""
    steep, closing, right, rows = -1.0, slopes[-1], defect[-1], []
    try:
        for slope, off in zip(slopes[:-1], defect[:-1], strict=True):
            # slope x_k − x_{k+1} = off and steep x_k + closing x_n = right
            if abs(slope) >= abs(steep):
                rows.append((slope, -1.0, 0.0, off))
                steep /= slope
                right -= steep * off
            else:
                rows.append((steep, 0.0, closing, right))
                share, steep = slope / steep, -1.0
                closing, right = -share * closing, off - share * right
        last = right / (steep + closing)
        solved = [last]
        for pivot, following, end, value in reversed(rows):
            solved.append((value - following * solved[-1] - end * last) / pivot)
    except ZeroDivisionError:
        solved = [np.nan] * len(slopes)
    return np.array(solved[::-1])[:, None]


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
        found = np.full(own.shape[:2], np.nan, dtype=complex)
        if good.any():
            found[good] = _eigenvalues(solved)
    if not good.all():
        from scipy.linalg import eigvals

        for k in np.flatnonzero(~good):
            if np.isfinite(own[k]).all() and np.isfinite(following[k]).all():
                found[k] = eigvals(own[k], -following[k])
    order = np.argsort(-np.abs(found), axis=1, kind="stable")
    found = np.take_along_axis(found, order, axis=1)
    return found.real if not found.imag.any() else found


def _diagonals(matrices: np.ndarray) -> np.ndarray | None:
    """The diagonals (rows, D) of matrices that are diagonal and far from singular, as of a fixed point in many entries."""
    found = np.abs(np.diagonal(matrices, axis1=1, axis2=2))
    plain = np.count_nonzero(matrices) == np.count_nonzero(found) and (found.min(axis=1) > 1e-8 * found.max(axis=1)).all()
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
    found = np.stack([steep, np.where(large == 0, steep, (c11 * c22 - c12 * c21) / large)], axis=1)
    found = np.where((np.abs(found[:, 0]) < np.abs(found[:, 1]))[:, None], found[:, ::-1], found)
    turning = square < 0
    if not turning.any():
        return found
    apart = np.where(turning, root / np.abs(size), 0.0)
    return np.where(turning[:, None], (mean / size)[:, None] + 1j * np.stack([apart, -apart], axis=1), found)


def _eigenvalues(matrices: np.ndarray) -> np.ndarray:
    """Of each matrix (rows, D, D), in no order; real where it is symmetric, as that of descent at a fixed point."""
    gap, size = np.abs(matrices - matrices.swapaxes(1, 2)).max(axis=(1, 2)), np.abs(matrices).max(axis=(1, 2))
    if (gap <= SYMMETRIC * size).all():
        return np.linalg.eigvalsh(matrices)
    return np.linalg.eigvals(matrices)


def log_growth(step: Map, points: np.ndarray) -> np.ndarray:
    """log ‖Df(x_k)…Df(x_1)‖ for k = 1…n (Frobenius norm), (n,)."""
    matrices = jacobians(step, points)
    with np.errstate(divide="ignore"):
        if points.shape[1] == 1:
            return np.cumsum(np.log(np.abs(matrices[:, 0, 0])))
        product, total, result = np.eye(points.shape[1]), 0.0, np.empty(len(points))
        for k, matrix in enumerate(matrices):
            product = matrix @ product
            length = np.sqrt((product * product).sum())
            total += np.log(length)
            product /= length or 1.0
            result[k] = total
    return result
