"""The linear algebra of a critical cycle, for all its points at once: null vectors, forms, homological equations.

A centre manifold along an n-cycle is n pieces H_k(ξ) with f(H_k(ξ)) = H_{k+1}(ξ) and f(H_n(ξ)) = H_1(N(ξ)), with the normal form
N. Order by order this gives A_k h_k − h_{k+1} = −R_k, the last one A_n h_n − ν h_1 = −R_n: `BorderedSystem` solves these. The
n-th iterate is never formed, so that long cycles with large multipliers are no harder than fixed points.

Kuznetsov & Meijer, SIAM J. Sci. Comput. 26 (2005) 1932–1954, §3; here along the cycle, equivalent to theirs for f⁽ⁿ⁾.
"""

from collections.abc import Callable
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from cfdyn.cycles.shooting import cyclic_system, jacobians
from cfdyn.errors import NumericsError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.linalg.direct import bordered, factors, solved
from cfdyn.normal_forms._kernels.rings import along_critical, along_cycles, backwards
from cfdyn.systems.map import Map

DENSE = 100  # rows: smaller systems are solved faster dense than sparse


class Forms:
    """The derivatives of a map at the points (n, D) of a cycle, as multilinear forms of directions (n, D), real or complex."""

    def __init__(self, step: Map, points: np.ndarray, parameter: str | None = None):
        self.step, self.points, self.parameter = step, points, parameter
        self.matrices = jacobians(step, points)
        if not np.isfinite(self.matrices).all():
            raise NumericsError("the map has no derivative at this point")

    def derivative(self, *directions: np.ndarray) -> np.ndarray:
        """Dᵏf(x_i)[u_i, v_i, …] for k directions (n, D), (n, D)."""
        return self._form(self.step, self.points, *directions)

    @cached_property
    def slope(self) -> np.ndarray:
        """∂f/∂(parameter) at the points, (n, D)."""
        assert self.parameter is not None
        return evaluate_rows(self.step.rule(f"parameter_derivative:{self.parameter}"), self.points, self.step.p)

    def moving(self, u: np.ndarray, v: np.ndarray, rates: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
        """The second derivative in the state and the parameter α together, along (u_k, rates[0]) and (v_k, rates[1]).

        With the rates 0 and 1 it is ∂_α Df(x_k) u_k + D²f(x_k)[u_k, v_k].
        """
        step, value = self._extended, self.step.params[str(self.parameter)]
        along = [np.column_stack([w, np.full(len(w), r)]) for w, r in zip((u, v), rates, strict=True)]
        return self._form(step, np.column_stack([self.points, np.full(len(self.points), value)]), *along)[:, :-1]

    @cached_property
    def _extended(self) -> Map:
        return self.step.extended(str(self.parameter))

    def _form(self, step: Map, points: np.ndarray, *directions: np.ndarray) -> np.ndarray:
        """Dᵏf(x_i)[u_i, v_i, …]; complex directions by linearity, D²f[a + ib, v] = D²f[a, v] + i D²f[b, v], all in one call."""
        parts = [[(1j, u.imag), (1.0, u.real)] if np.iscomplexobj(u) else [(1.0, u)] for u in directions]
        chosen = list(product(*parts))
        stacks = [np.concatenate([choice[i][1] for choice in chosen]) for i in range(len(directions))]
        values = derivatives(step, np.tile(points, (len(chosen), 1)), *stacks).reshape(len(chosen), *points.shape)
        factors = np.array([np.prod([factor for factor, _ in choice]) for choice in chosen])
        return np.tensordot(factors, values, 1)


def derivatives(step: Map, points: np.ndarray, *directions: np.ndarray) -> np.ndarray:
    """The derivatives for any points (n, D) and real directions."""
    return evaluate_rows(step.rule(f"derivative{len(directions)}"), np.concatenate([points, *directions], axis=1), step.p)


class BorderedSystem:
    """h ↦ (A_k h_k − h_{k+1}; A_n h_n − ν h_1) on directions (n, D), with its ``nullity`` null vectors on either side.

    ``right`` and ``left`` (nullity, n, D) are scaled so that (1/n) Σ_k ⟨q_i,k, q_j,k⟩ = δ_ij for q = right, the mean over the
    cycle, and ⟨p_i,n, q_j,1⟩ = δ_ij for p = left; for a single q the largest entry is positive. Since |ν| = 1, all of this is
    independent of the choice of the first point. If they are not null vectors, or have no such scale, the multiplier ν has a
    Jordan block: ``split`` is False.
    """

    def __init__(self, matrices: np.ndarray, nu: complex, nullity: int, tolerance: float = 1e-3):
        self.shape, self.nullity, self.matrices, self.nu, self.split = matrices.shape[:2], nullity, matrices, nu, True
        # In machine code, linear in n: real equations along several points with a border of one row.
        self.ring = len(matrices) > 1 and nullity <= 1 and not np.iscomplexobj(nu)
        self.border = (np.empty((matrices.shape[0] * matrices.shape[1], 0), dtype=type(nu)),) * 2
        if nullity == 0:
            return
        right, left = self._null_pair() if self.ring else _null_vectors(self.matrix, nullity)
        self.border = left.conj(), right.conj()
        scale = np.sqrt(len(matrices))  # (1/n) Σ_k |q_k|² = 1
        q, p = (v.T.reshape(nullity, *self.shape) * scale for v in (right, left))
        if nullity == 1:
            largest = q.flat[np.argmax(np.abs(q) > (1 - 1e-9) * np.abs(q).max())]
            q = q * (np.conj(largest) / abs(largest))
        # ⟨p_k, q_{k+1}⟩, ν times the last of them, is the same for all k: their mean loses no digits where one q_k is small.
        image = np.roll(q, -1, axis=1)
        image[:, -1] *= nu
        pairing = np.einsum("ikd,jkd->ij", p, image) / (len(matrices) * nu)  # ⟨p_i,n, q_j,1⟩
        defect = np.linalg.norm((np.einsum("kab,ikb->ika", matrices, q) - image).reshape(nullity, -1), axis=1)
        near = defect <= scale * tolerance * max(1.0, np.abs(matrices).max())
        self.split = bool(near.all() and _cosine(p, image) > tolerance)
        self.right, self.left = q, np.tensordot(np.linalg.inv(pairing), p, 1) if self.split else p

    def solve(self, right: np.ndarray) -> np.ndarray:
        """h with Mh = right (n, D), as far as this is solvable: orthogonal to the null vectors."""
        whole = np.append(right.ravel(), np.zeros(self.nullity))
        if np.iscomplexobj(whole) and not np.iscomplexobj(self.nu):
            solution = self._solver(whole.real.copy()) + 1j * self._solver(whole.imag.copy())
        else:
            solution = self._solver(whole.astype(type(self.nu)))
        return solution[: right.size].reshape(right.shape)

    @cached_property
    def _solver(self) -> Callable[[np.ndarray], np.ndarray]:
        return self._solved_along if self.ring else bordered_solver(self.matrix, self.border)

    @cached_property
    def matrix(self) -> Any:
        """M, dense or sparse."""
        return cyclic_system(self.matrices, self.nu, DENSE)

    def _solved_along(self, whole: np.ndarray) -> np.ndarray:
        right, nu = whole[: self.border[0].shape[0]].reshape(1, *self.shape), np.array([self.nu])
        if self.nullity == 0:
            return along_cycles(self.matrices[None], nu, right).ravel()
        column, row = (v.reshape(1, *self.shape) for v in self.border)
        return along_critical(self.matrices[None], nu, right, column, row)[0].ravel()

    def _null_pair(self) -> tuple[np.ndarray, np.ndarray]:
        """The null vectors (N, 1) of M, and those of Mᵀ; see `_null_vectors`."""
        generator, nu, matrices = np.random.default_rng(0), np.array([self.nu]), self.matrices[None]
        right, left = generator.normal(size=(2, 1, *self.shape))
        nothing, adjoint = np.zeros(right.shape), backwards(matrices)
        for _ in range(2):
            left, right = (v / np.linalg.norm(v) for v in (left, right))
            solved = along_critical(matrices, nu, nothing, left, right)[1]
            left = along_critical(adjoint, nu, nothing, right[:, ::-1], left[:, ::-1])[1][:, ::-1]
            right = solved
        return tuple((v / np.linalg.norm(v)).reshape(-1, 1) for v in (right, left))


def bordered_solver(matrix: Any, border: tuple[np.ndarray, np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Solves [[M, b], [cᵀ, 0]] (h, s) = (right, 0)."""
    whole = bordered(matrix, *border)
    return (lambda right: solved(whole, right).x) if isinstance(whole, np.ndarray) else factors(whole).solve


def _null_vectors(matrix: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` directions (N, count) that M contracts most, and those that Mᵀ contracts most."""
    if isinstance(matrix, np.ndarray):
        u, _, v = np.linalg.svd(matrix)
        return v[-count:].conj().T, u[:, -count:].conj()
    # Bordered by anything, M is regular, and its null vectors are the answer to (0, I); then they are the better border.
    generator, size = np.random.default_rng(0), matrix.shape[0]
    right, left = (np.linalg.qr(generator.normal(size=(size, count)))[0] for _ in range(2))
    unit = np.concatenate([np.zeros((size, count)), np.eye(count)])
    for _ in range(3):
        solve = factors(bordered(matrix, left.conj(), right.conj())).solve
        image, adjoint = (solve(unit.astype(matrix.dtype), way) for way in "NT")
        right, left = np.linalg.qr(image[:size])[0], np.linalg.qr(adjoint[:size])[0]
    return right, left


def _cosine(left: np.ndarray, right: np.ndarray) -> float:
    """The cosine of the largest angle between the spaces that p_i,k and q_j,k span, (nullity, n, D), its mean over k."""
    p, q = (np.linalg.qr(v.transpose(1, 2, 0))[0] for v in (left, right))
    return float(np.linalg.svd(p.transpose(0, 2, 1) @ q, compute_uv=False)[:, -1].mean())
