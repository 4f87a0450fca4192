"""Numbers from closed forms: cycles at given parameters, and branches over a parameter."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq, linear_sum_assignment

from cfdyn.numerics.stability import stability
from cfdyn.symbolic.exact.families import ExactCycle, ExactFamily, ExactFormula
from cfdyn.symbolic.exact.numbers.roots import Roots, complex_algebra
from cfdyn.symbolic.text.formula import formula
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import evaluate
from cfdyn.tape.program import Program, Tape

REAL = 1e-7  # double roots are good to half the digits
NEWTON = 12  # steps, of which each doubles the digits
MOST_PRECISE = 24  # values of a range at which many digits are affordable
GRID = np.geomspace(1e-4, 1e4, 4000)


class Numeric:
    """A map, one formula for each of its names, as a function of numpy arrays; ``parameters``: the names of its symbols."""

    def __init__(self, names: Sequence[str], formulas: Sequence[ExactFormula], parameters: Sequence[str]):
        tape, self.parameters = Tape(), parameters
        z = tape.leaves("z", len(names))
        bound = dict(zip((*names, *parameters), z + tape.leaves("p", len(parameters)), strict=True))
        step = [formula(f.text).on(tape, bound) for f in formulas]
        self._step = Program(tape, (*step, *sum(jacobian(tape, step, z), [])), len(names), len(parameters))

    def step(self, z: np.ndarray, p: Sequence) -> tuple[np.ndarray, np.ndarray]:
        """Images (D, …) and Jacobians (D, D, …) of points (D, …)."""
        outputs = evaluate(self._step, complex_algebra(), list(z), list(p))
        full = [np.broadcast_to(entry, z.shape[1:]) for entry in outputs]
        n = len(z)
        return np.array(full[:n]), np.array(full[n:]).reshape(n, n, *z.shape[1:])

    def orbit(self, z: np.ndarray, p: Sequence, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Points (n + 1, D, …) and the Jacobian (D, D, …) of n steps."""
        points, total = [z], np.eye(len(z)).reshape(len(z), len(z), *(1 for _ in z.shape[1:])).astype(complex)
        for _ in range(n):
            image, matrix = self.step(points[-1], p)
            total = np.einsum("ij...,jk...->ik...", matrix, total)
            points.append(image)
        return np.array(points), total


def _points(family: ExactFamily, numeric: Numeric, p: Sequence[np.ndarray], precise: bool) -> np.ndarray:
    """All points of a family, (D, degree, m), complex; in floats if these suffice and ``precise`` is not set."""
    names = numeric.parameters
    if not family.degree:
        return _returning(numeric, implicit_points(family, names, p), p, family.period)
    solver = Roots(family, names)
    m = len(p[0]) if p else 1
    x = np.array([solver.precise([v[k] for v in p]) if precise else solver.quick([v[k] for v in p]) for k in range(m)]).T
    z = _lifted(family, names, p, x)
    if precise:
        return z
    z = _polished(numeric, z, [np.broadcast_to(v, x.shape) for v in p], family.period)
    doubtful = np.flatnonzero(_doubtful(numeric, z, [np.broadcast_to(v, x.shape) for v in p], family.period))
    z[:, :, doubtful] = np.nan
    for k in doubtful[:: max(1, -(-len(doubtful) // MOST_PRECISE))]:
        x[:, k] = solver.precise([v[k] for v in p])
        z[:, :, k] = _lifted(family, names, [v[k : k + 1] for v in p], x[:, k : k + 1])[:, :, 0]
    return z


def _returning(numeric: Numeric, z: np.ndarray, p: Sequence[np.ndarray], n: int) -> np.ndarray:
    """The points that return, NaN for the others: a formula may be a fixed point only for some parameters."""
    with np.errstate(all="ignore"):
        away = np.abs(numeric.orbit(z, [np.broadcast_to(v, z.shape[1:]) for v in p], n)[0][-1] - z).max(axis=0)
        return np.where(away <= 1e-6 * (1 + np.abs(z).max(axis=0)), z, np.nan)


def _lifted(family: ExactFamily, names: Sequence[str], p: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
    """All coordinates, computed from the unknown."""
    where = {name: np.broadcast_to(v, x.shape) for name, v in zip(names, p)} | {family.unknown: x}
    with np.errstate(all="ignore"):
        return np.array([np.broadcast_to(value(f.text, where), x.shape) for f in family.coordinates]).astype(complex)


def _doubtful(numeric: Numeric, z: np.ndarray, p: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Columns in which a point does not return, returns too early, or occurs twice."""
    with np.errstate(all="ignore"):
        points, matrix = numeric.orbit(z, p, n)
        size = 1 + np.abs(z).max(axis=0)
        away = np.abs(points[1:] - z).max(axis=1) / size
        bad = ~(away[-1] <= 1e-10 * (1 + np.abs(matrix).max(axis=(0, 1))))
        for d in range(1, n):
            if n % d == 0:
                bad |= away[d - 1] < 1e-6
        gap = np.abs(z[:, :, None] - z[:, None]).max(axis=0) / size
        twice = (gap + np.eye(z.shape[1])[..., None]).min(axis=(0, 1)) < 1e-7
    return bad.any(axis=0) | twice


def _polished(numeric: Numeric, z: np.ndarray, p: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Newton's method on fⁿ(z) − z; a step is kept only if it reduces the residual."""
    identity = np.eye(len(z))
    with np.errstate(all="ignore"):
        for _ in range(NEWTON):
            points, matrix = numeric.orbit(z, p, n)
            gap = np.moveaxis(points[-1] - z, 0, -1)[..., None]
            system = np.moveaxis(matrix, (0, 1), (-2, -1)) - identity
            finite = np.asarray(np.isfinite(system).all(axis=(-1, -2)))
            good = finite & (np.abs(np.linalg.det(np.where(finite[..., None, None], system, 0))) > 1e-9)
            safe = np.where(good[..., None, None], system, identity)
            move = np.where(good[..., None], np.linalg.solve(safe, np.where(good[..., None, None], gap, 0))[..., 0], 0)
            trial = z - np.moveaxis(move, -1, 0)
            better = np.abs(numeric.orbit(trial, p, n)[0][-1] - trial).max(axis=0) < np.abs(gap[..., 0]).max(axis=-1)
            z = np.where(better, trial, z)
            if not better.any():
                break
    return z


def cycles_at(numeric: Numeric, families: Sequence[ExactFamily], values: dict[str, float], real: bool) -> list[ExactCycle]:
    """The cycles of all families that have a polynomial, or a parameter as a function of the unknown."""
    cycles, p = [], [np.array([values[name]]) for name in numeric.parameters]
    for number, family in enumerate(families):
        z = _points(family, numeric, p, precise=True)[:, :, 0]
        left = [k for k in range(z.shape[1]) if np.isfinite(z[:, k]).all()]
        while left:
            points, matrix = numeric.orbit(z[:, left[:1]], [v[:1] for v in p], family.period)
            cycle = points[:-1, :, 0]
            here = [k for k in left if np.abs(cycle - z[:, k]).max(axis=1).min() <= 1e-6 * (1 + np.abs(z[:, k]).max())]
            left = [k for k in left if k not in here and k != left[0]]
            is_real = np.abs(cycle.imag).max() <= REAL * (1 + np.abs(cycle).max())
            if is_real or not real:
                cycles.append(_cycle(cycle, matrix[..., 0], is_real, number))
    return cycles


def _cycle(points: np.ndarray, matrix: np.ndarray, is_real: bool, family: int) -> ExactCycle:
    mu = np.linalg.eigvals(matrix)
    mu = mu[np.argsort(-np.abs(mu), kind="stable")]
    if is_real:
        points = points.real
        mu = mu.real if np.abs(mu.imag).max() == 0 else mu
    first = np.lexsort((points[:, 0].imag, points[:, 0].real))[0]
    return ExactCycle(np.roll(points, -first, axis=0), len(points), mu, stability(mu), family)


def curves(
    numeric: Numeric, families: Sequence[ExactFamily], p: Sequence[np.ndarray], m: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Branches followed over m values of the parameters: points and largest multipliers (B, m), number of the family (B,).

    The closest roots at successive values form a branch; NaN where they are not real.
    """
    points, sizes, numbers = [np.empty((0, m))], [np.empty((0, m))], []
    for number, family in enumerate(families):
        z = _points(family, numeric, p, precise=False)
        order = _followed(z[0])
        z = np.take_along_axis(z, order[None], axis=1)
        with np.errstate(all="ignore"):
            matrix = numeric.orbit(z, [np.broadcast_to(v, z.shape[1:]) for v in p], family.period)[1]
        size = _largest(matrix)
        is_real = np.abs(z.imag).max(axis=0) <= REAL * (1 + np.abs(z).max(axis=0))
        points.append(np.where(is_real, z[0].real, np.nan))
        sizes.append(np.where(is_real, size, np.nan))
        numbers += [number] * z.shape[1]
    return np.concatenate(points), np.concatenate(sizes), np.array(numbers, dtype=int)


def _largest(matrix: np.ndarray) -> np.ndarray:
    moved = np.moveaxis(matrix, (0, 1), (-2, -1))
    finite = np.isfinite(moved).all(axis=(-1, -2))
    size = np.abs(np.linalg.eigvals(np.where(finite[..., None, None], moved, 0))).max(axis=-1)
    return np.where(finite, size, np.nan)


def _followed(x: np.ndarray) -> np.ndarray:
    """For each value (columns) the order of the roots that continues the one before."""
    order = np.tile(np.arange(len(x))[:, None], (1, x.shape[1]))
    for k in range(1, x.shape[1]):
        before, now = x[order[:, k - 1], k - 1], x[:, k]
        distance = np.abs(before[:, None] - now[None, :])
        order[:, k] = linear_sum_assignment(np.where(np.isfinite(distance), distance, 1e6))[1]
    return order


def value(text: str, where: Mapping[str, Any]) -> Any:
    """A formula at numbers or arrays."""
    read, tape = formula(text), Tape()
    root = read.on(tape, tape.named("z", read.names))
    program = Program(tape, (root,), len(read.names), 0)
    return evaluate(program, complex_algebra(), [where[name] for name in read.names], [])[0]


def implicit_points(family: ExactFamily, names: Sequence[str], p: Sequence[np.ndarray]) -> np.ndarray:
    """Points (1, count, m), complex with imaginary part 0, NaN where there are none."""
    m = len(p[0]) if p else 1
    where = dict(zip(names, p))
    if family.parameter is None:
        with np.errstate(all="ignore"):
            rows = [np.broadcast_to(value(root.text, where), (m,)) for root in family.roots]
        return np.array([rows], dtype=complex).reshape(1, len(rows), m)
    text, others = family.parameter.text, dict(zip(names[1:], p[1:]))

    def gap(x: np.ndarray | float, k: int) -> np.ndarray:
        at = {family.unknown: np.asarray(x, dtype=float), **{name: v[k] for name, v in others.items()}}
        return np.real(value(text, at)) - p[0][k]

    found = [_crossings(gap, k) for k in range(m)]
    most = max((len(f) for f in found), default=0)
    table = np.full((2 * most, m), np.nan + 0j)
    for k, roots in enumerate(found):
        table[: 2 * len(roots), k] = [sign * root for root in roots for sign in (-1, 1)]
    return table[None]


def _crossings(gap, k: int) -> list[float]:
    """Positive solutions, by sign changes on a logarithmic grid."""
    with np.errstate(all="ignore"):
        g = gap(GRID, k)
        change = np.flatnonzero(np.isfinite(g[:-1]) & np.isfinite(g[1:]) & (np.sign(g[:-1]) != np.sign(g[1:])))
        return [brentq(gap, GRID[i], GRID[i + 1], args=(k,), xtol=1e-15, rtol=1e-14) for i in change]
