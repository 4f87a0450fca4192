"""The map on the centre manifold of a cycle, as polynomials to any order: f(x_k + H_k(w)) = x_{k+1} + H_{k+1}(w).

The last equation is f(x_n + H_n(w)) = x_1 + H_1(g(w)). H_k and g follow degree by degree; the parts of H of degree two
and more are orthogonal to the critical directions, over all points of the cycle together, which makes the solution unique.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cfdyn.cycles.shooting import cyclic_system
from cfdyn.errors import NumericsError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.normal_forms.codimension_two.polynomials import Degrees, Polynomials, polynomials
from cfdyn.normal_forms.homological import DENSE, BorderedSystem, bordered_solver
from cfdyn.systems.map import Map

SAME = 1e-12  # of two multipliers whose equations are solved at once


class Critical(NamedTuple):
    """Critical directions (m, n, D) along a cycle, f′ taking each to the next point's, and last to ``linear`` (m, m) of the
    first: f′ q_j,n = Σ_i q_i,1 N_ij. ``pairs``: the indices of directions that are followed by their conjugates."""

    directions: np.ndarray
    linear: np.ndarray
    pairs: tuple[int, ...] = ()


def simple(matrices: np.ndarray, multiplier: complex) -> Critical:
    """One multiplier ±1, or a pair; in the scale of `BorderedSystem`."""
    system = BorderedSystem(matrices, multiplier, 1)
    if not system.split:
        raise NumericsError("a critical multiplier has fewer eigenvectors than the normal form needs")
    q = system.right[0]
    if not np.iscomplexobj(q):
        return Critical(q[None], np.array([[multiplier]]))
    return Critical(np.array([q, q.conj()]), np.diag([multiplier, np.conj(multiplier)]), (0,))


def double(matrices: np.ndarray, multiplier: float) -> Critical:
    """A double multiplier with one eigenvector q: f′ q = μq, f′ r = μr + q, r orthogonal to q."""
    system = BorderedSystem(matrices, multiplier, 1)
    if system.split:
        raise NumericsError("a double multiplier has two eigenvectors, as where there is a symmetry")
    q = system.right[0]
    right = np.zeros_like(q)
    right[-1] = q[0]
    return Critical(np.array([q, system.solve(right)]), np.array([[multiplier, 1.0], [0.0, multiplier]]))


def together(*parts: Critical) -> Critical:
    """All of these directions together."""
    sizes = [len(part.linear) for part in parts]
    linear = np.zeros((sum(sizes),) * 2, dtype=np.result_type(*(part.linear for part in parts)))
    starts = np.cumsum([0, *sizes])
    for start, part in zip(starts, parts, strict=False):
        linear[start : start + len(part.linear), start : start + len(part.linear)] = part.linear
    pairs = tuple(int(start) + j for start, part in zip(starts, parts, strict=False) for j in part.pairs)
    return Critical(np.concatenate([part.directions for part in parts]), linear, pairs)


class CentreMap:
    """g, and H, for a cycle (n, D), up to an order; ``parameters`` are further, constant variables behind w.

    ``parts[k]`` (m, C_k) are the coefficients of g of degree k, in the monomials ``space.exponents[k]``; ``sizes[k]``: the size
    of the map's contributions from lower degrees.
    """

    def __init__(self, step: Map, points: np.ndarray, critical: Critical, order: int, parameters: tuple[str, ...] = ()):
        self.step = step.extended(*parameters) if parameters else step
        values = np.tile([step.params[name] for name in parameters], (len(points), 1))
        self.points = np.concatenate([points, values], axis=1) if parameters else points
        self.shape, self.m, self.order = points.shape, len(critical.linear), order
        self.space: Polynomials = polynomials(self.m + len(parameters), order, critical.pairs)
        self.q = critical.directions
        self.matrices = evaluate_rows(step.rule("jacobian"), points, step.p).reshape(len(points), step.dim, step.dim)
        self._solvers: dict[complex, Callable[[np.ndarray], np.ndarray]] = {}
        self.manifold: Degrees = {1: np.moveaxis(self.q, 0, -1)}  # H, (n, D, C_k)
        self.parts: Degrees = {1: critical.linear}
        self.sizes: dict[int, float] = {}
        if parameters:
            self._with_parameters(parameters, step, points)
        for k in range(2, order + 1):
            self._solve(k)

    @property
    def linear(self) -> np.ndarray:
        """The linear part of w and the parameters together, (m + p, m + p)."""
        matrix = np.eye(self.space.variables, dtype=self.parts[1].dtype)
        matrix[: self.m] = self.parts[1]
        return matrix

    def _with_parameters(self, names: tuple[str, ...], step: Map, points: np.ndarray) -> None:
        """x_α and g_α: A x_α − x_α⁺ = −f_α, on the last row + Q g_α."""
        for name in names:
            slope = evaluate_rows(step.rule(f"parameter_derivative:{name}"), points, step.p)
            h, g = self._complement(1.0, -slope)
            for table, column in ((self.manifold, h), (self.parts, g)):
                table[1] = np.concatenate([table[1], column[..., None]], axis=-1)

    def _solve(self, k: int) -> None:
        """The parts of degree k, monomial by monomial.

        A h_e − h_e⁺ = −R_e, on the last row A h_e − S_ee h_e − Q g_e = −R_e + Σ S_e′e h_e′ over the monomials e′ before.
        """
        space, linear = self.space, self.linear
        wanted = -space.coefficients(self._images(k), k)  # (n, D, C_k)
        if k > 2:
            lower = {j: part[0] for j, part in self.manifold.items() if j > 1}
            wanted[-1] += space.coefficients(space.composed(lower, self._inner(), k), k)
        self.sizes[k] = float(np.abs(wanted).max())
        substitution = space.substituted(linear, k)
        h, g = np.zeros_like(wanted, dtype=complex), np.zeros((self.m, wanted.shape[-1]), dtype=complex)
        for e in range(wanted.shape[-1]):
            right = wanted[..., e].astype(complex)
            right[-1] += h[0, :, :e] @ substitution[:e, e]
            h[..., e], g[:, e] = self._complement(complex(substitution[e, e]), right)
        keep = np.iscomplexobj(linear)
        self.manifold[k], self.parts[k] = (h, g) if keep else (h.real, g.real)

    def _images(self, k: int) -> np.ndarray:
        """Degree k of f(x + H(w)) for the known part of H, along the lines, (r, n, D)."""
        (n, d), space = self.shape, self.space
        curve = np.zeros((len(space.lines), n, self.order + 1, self.points.shape[1]))
        curve[:, :, 0] = self.points
        curve[:, :, 1:, :d] = np.moveaxis(space.series(self.manifold).real, 1, 2)[:, :, 1:]
        curve[:, :, 1, d:] = space.lines[:, None, self.m :].real
        rule = self.step.rule(f"taylor:{self.order}")
        images = evaluate_rows(rule, curve.reshape(len(curve) * n, -1), self.step.p).reshape(curve.shape)[:, :, k, :d]
        if not np.isfinite(images).all():
            raise NumericsError(f"the map's derivatives of order {k} are not finite at this point")
        return images

    def _inner(self) -> np.ndarray:
        """The series of (g(w, α), α) along the lines, as far as g is known."""
        series = self.space.series(self.parts)
        still = np.zeros((*series.shape[:2], self.space.variables - self.m), dtype=series.dtype)
        still[:, 1] = self.space.lines[:, self.m :]
        return np.concatenate([series, still], axis=-1)

    def _complement(self, nu: complex, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(h, g) with A h − h⁺ = right, A_n h_n − ν h_1 − Q g = right_n, and h orthogonal to the critical directions."""
        known = next((key for key in self._solvers if abs(key - nu) < SAME), None)
        if known is None:
            known, last = nu, np.zeros((*self.shape, self.m), dtype=complex)
            last[-1] = -self.q[:, 0].T
            border = last.reshape(-1, self.m), self.q.reshape(self.m, -1).conj().T
            self._solvers[known] = bordered_solver(cyclic_system(self.matrices, complex(nu), DENSE), border)
        solution = self._solvers[known](np.append(right.astype(complex).ravel(), np.zeros(self.m)))
        h, g = solution[: right.size].reshape(right.shape), solution[right.size :]
        return (h, g) if np.iscomplexobj(self.q) else (h.real, g.real)
