"""Several multipliers −1 at once: the 2-cycles that the cubic form N(ξ) = −ξ + K(ξ,ξ,ξ) predicts."""

from itertools import combinations_with_replacement

import numpy as np

STARTS = 64  # of Newton's method, for each multiplier
SAME = 1e-6  # of unit vectors, and of an imaginary part: rounding
FLAT, POSITIVE = 1e-7, 1e-9  # singular values that vanish, and eigenvalues that do not


def at(tensor: np.ndarray, u: np.ndarray) -> np.ndarray:
    """K(u,u,u), (k,)."""
    return tensor @ u @ u @ u


def is_gradient(tensor: np.ndarray) -> bool:
    """True if K is the gradient of a quartic V in some inner product G: GK = ∇V has the symmetric derivative GK_i,jlm.

    For gradient descent it is the gradient in the Euclidean inner product, with V₄ = ¼⟨ξ, K(ξ,ξ,ξ)⟩.
    """
    k, size = len(tensor), np.abs(tensor).max()
    if k == 1 or size == 0:
        return True
    basis, (first, second) = np.zeros((k * (k + 1) // 2, k, k)), np.triu_indices(k, 1)
    for unit, (a, b) in zip(basis, combinations_with_replacement(range(k), 2), strict=True):
        unit[a, b] = unit[b, a] = 1.0
    # (GK)_i,j.. − (GK)_j,i.. as a linear function of the entries of G
    images = np.einsum("pia,ajlm->pijlm", basis, tensor)
    asymmetry = (images - images.swapaxes(1, 2))[:, first, second].reshape(len(basis), -1).T
    _, values, vectors = np.linalg.svd(asymmetry / size)
    null = vectors[np.append(values, np.zeros(len(basis) - len(values))) < FLAT]
    # Among these G the one closest to the identity.
    metric = np.tensordot(null.T @ (null @ (basis.trace(axis1=1, axis2=2) > 0)), basis, 1)
    return bool(np.linalg.eigvalsh(metric)[0] > POSITIVE)


def rays(tensor: np.ndarray) -> tuple[np.ndarray, bool]:
    """Unit vectors (m, k) with K(u,u,u) = κu, one of each ±u, and whether these are all; a sphere of them gives (0, k), False.

    For k = 2 they are all zeros of a polynomial; for larger k, those that Newton's method finds from many starts.
    """
    k, size = len(tensor), np.abs(tensor).max()
    if k == 1:
        return np.ones((1, 1)), True
    u = np.random.default_rng(0).normal(size=(8, k))
    u /= np.linalg.norm(u, axis=1)[:, None]
    images = np.array([at(tensor, row) for row in u])  # a sphere of rays: K(u,u,u) = ⟨u, K(u,u,u)⟩u for all u
    if np.abs(images - (images * u).sum(axis=1)[:, None] * u).max() <= 1e-9 * size:
        return np.empty((0, k)), False
    return (_rays_of_two(tensor), True) if k == 2 else (_rays_of_many(tensor), False)


def _rays_of_two(tensor: np.ndarray) -> np.ndarray:
    """u = (x, y) with x K₂ − y K₁ = 0, a form of degree four."""
    powers = np.indices((2, 2, 2)).sum(axis=0)
    cubic = [[float(t[powers == j].sum()) for j in range(4)] for t in tensor]  # coefficients of x^(3−j) y^j
    form = np.zeros(5)
    form[:4] += cubic[1]  # x K₂
    form[1:] -= cubic[0]  # −y K₁
    # A rotation that keeps the form's end coefficients away from zero would also work; here x = 0 is treated separately.
    slopes = np.roots(form[::-1]) if np.abs(form[4]) > 1e-12 * np.abs(form).max() else np.roots(form[:4][::-1])
    directions = [np.array([1.0, s.real]) for s in slopes if abs(s.imag) <= SAME * (1 + abs(s))]
    if not np.abs(form[4]) > 1e-12 * np.abs(form).max():
        directions.append(np.array([0.0, 1.0]))
    return np.array([u / np.linalg.norm(u) for u in directions]).reshape(-1, 2)


def _rays_of_many(tensor: np.ndarray) -> np.ndarray:
    from scipy.optimize import root

    k, directions = len(tensor), list[np.ndarray]()
    generator = np.random.default_rng(0)

    def defect(x: np.ndarray) -> np.ndarray:
        return np.append(at(tensor, x[:k]) - x[k] * x[:k], x[:k] @ x[:k] - 1)  # K(u,u,u) − κu and |u|² − 1

    for start in generator.normal(size=(STARTS * k, k)):
        start /= np.linalg.norm(start)
        solved = root(defect, np.append(start, start @ at(tensor, start)), tol=1e-12)
        u = solved.x[:k]
        if np.abs(defect(solved.x)).max() <= 1e-9 * (1 + np.abs(tensor).max()) and not any(
            min(np.abs(u - v).max(), np.abs(u + v).max()) < SAME for v in directions
        ):
            directions.append(u)
    return np.array(directions).reshape(-1, k)


def two_cycles(tensor: np.ndarray, right: np.ndarray) -> tuple[list[dict], float, bool]:
    """(the predicted 2-cycles, the least ⟨u, K(u,u,u)⟩ on the sphere, whether the list is known to be complete).

    If all k multipliers move alike, −1 − s δ, a ray with K(u,u,u) = κu, κ > 0 has the 2-cycle z ± ``half`` √(sδ),
    half = Σ u_i q_i/√κ (for κ < 0 it exists before the flip: √|sδ/κ|); it is stable if the other eigenvalues of D K(u,u,u) exceed
    κ.
    """
    cycles, (directions, complete) = [], rays(tensor)
    for u in directions:
        kappa = float(u @ at(tensor, u))  # κ = ⟨u, K(u,u,u)⟩
        if abs(kappa) <= 1e-9 * np.abs(tensor).max():
            continue
        others = np.sort(np.linalg.eigvals(3 * tensor @ u @ u).real)  # of D K(u,u,u) = 3K(u,u,·), 3κ among them
        across = np.delete(others, int(np.argmin(np.abs(others - 3 * kappa))))
        half = right.T @ u / np.sqrt(abs(kappa))  # Σ u_i q_i/√|κ|
        cycles.append({"half": half, "kappa": kappa, "stable": bool(kappa > 0 and (across > kappa).all())})
    even = np.mean([np.moveaxis(tensor, 0, i) for i in range(4)], axis=0)  # symmetric, ⟨u, K(u,u,u)⟩ the same
    critical, _ = rays(even)
    axes = critical if len(critical) else np.eye(len(tensor))[:1]
    return cycles, min(float(u @ at(even, u)) for u in axes), complete
