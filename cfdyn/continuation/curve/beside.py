"""Cycles of k times the period near a point where a multiplier is a k-th root of 1, by the size of the cycle that is born there.

At such a point the equations of the kn-cycles are singular: cycles of a small size ζ exist near it at parameters p(ζ). With their
size fixed and the two parameters free, the equations are regular: no search is necessary, and folds are where det ∂p/∂ζ = 0.
"""

from typing import NamedTuple

import numpy as np

from cfdyn.continuation.branch.system import length_scales
from cfdyn.cycles.shooting import cyclic_system, jacobians
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.normal_forms.homological import BorderedSystem
from cfdyn.systems.map import Map

MOST = 25  # rounds of Newton's method
FAR = 3.0  # of the size asked for: a step of Newton's method to no farther than that, or the parameters' whole width
DONE = 1e-12  # lengths


class Beside(NamedTuple):
    """A kn-cycle near the point: its ``points`` (kn, D), ``parameters`` (2,), ``rates`` ∂p/∂(fixed quantities), (2, 2)."""

    points: np.ndarray
    parameters: np.ndarray
    rates: np.ndarray
    unknowns: np.ndarray
    tangents: np.ndarray

    @property
    def fold(self) -> float:
        """The test for folds: det ∂p/∂(fixed quantities), relative to the size of that matrix; 0 if it is round-off."""
        return float(np.linalg.det(self.rates / np.linalg.norm(self.rates)))


class Neighbourhood:
    """The kn-cycles around a point (``points`` (n, D) at the parameters of ``step``) with the multiplier ν, ν^k = 1.

    Fixed are, for complex ν, the real and imaginary part of ζ = (2/kn) Σ ν⁻ʲ ⟨q̄_i, x_{i+jn}⟩, q the critical direction; for ν
    = −1 that real size and the position s along the direction ``along`` in which flips move, in units of the parameters'
    ``widths``.
    """

    def __init__(self, step: Map, points: np.ndarray, names: tuple[str, str], widths: np.ndarray, nu: complex, k: int):
        self.step, self.names, self.widths, self.k = step, names, widths, k
        self.base = np.array([step.params[name] for name in names])
        self.extended, self.dim = step.extended(*names), step.dim
        q = BorderedSystem(jacobians(step, points), nu, 1).right[0]
        powers = nu ** np.arange(k) if k > 2 else (-1.0) ** np.arange(2)
        self.wave = (powers[:, None, None] * q).reshape(-1, step.dim)
        self.centre, self.size = np.tile(points, (k, 1)), float(length_scales(step, points).max())
        self.held = np.zeros((2, self.wave.size + 2))
        if k > 2:
            self.held[:, :-2] = 2 * np.array([self.wave.real.ravel(), -self.wave.imag.ravel()]) / len(self.wave)
        else:
            self.wave = self.wave.real
            self.held[0, :-2] = self.wave.ravel() / len(self.wave)
            self.held[1, -2:] = self._along()

    def _along(self) -> np.ndarray:
        """The direction (2,) of the parameters in which cycles of a small size continue, in units of the widths."""
        matrix = self._system(self._guess(np.array([1e-3 * self.size, 0.0])))[1][:-1]
        tangent = np.linalg.svd(matrix)[2][-1]
        length = float(np.linalg.norm(tangent[-2:]))
        return tangent[-2:] / length if length > 0 else np.array([1.0, 0.0])

    def _guess(self, targets: np.ndarray) -> np.ndarray:
        zeta = targets[0] + 1j * targets[1] if self.k > 2 else targets[0]
        moved = np.real(zeta * self.wave)
        place = np.zeros(2) if self.k > 2 else targets[1] * self.held[1, -2:]
        return np.concatenate([moved.ravel(), place])

    def _system(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The equations without their targets, and their derivative; unknowns: points about the centre, scaled parameters."""
        x, values = self.centre + z[:-2].reshape(self.centre.shape), self.base + self.widths * z[-2:]
        states = np.column_stack([x, np.tile(values, (len(x), 1))])
        image = evaluate_rows(self.extended.rule("step"), states, self.extended.p)[:, : self.dim]
        whole = evaluate_rows(self.extended.rule("jacobian"), states, self.extended.p)
        rows = whole.reshape(len(x), self.dim + 2, self.dim + 2)[:, : self.dim]
        matrix = np.zeros((len(z), len(z)))
        matrix[:-2, :-2] = cyclic_system(np.ascontiguousarray(rows[:, :, : self.dim]), 1.0, len(z))
        matrix[:-2, -2:] = (rows[:, :, self.dim :] * self.widths).reshape(-1, 2)
        matrix[-2:] = self.held
        defect = np.concatenate([(image - np.roll(x, -1, axis=0)).ravel(), self.held @ z])
        return defect, matrix

    @np.errstate(all="ignore")
    def at(self, targets: np.ndarray, near: Beside | None = None) -> Beside | None:
        """The cycle with these fixed quantities, by Newton's method from a neighbour or the point itself; or None."""
        z = self._guess(targets) if near is None else near.unknowns + near.tangents @ (targets - self.held @ near.unknowns)
        reach = FAR * max(abs(targets[0] + 1j * targets[1]) if self.k > 2 else abs(targets[0]), 1e-300)
        for _ in range(MOST):
            defect, matrix = self._system(z)
            defect[-2:] -= targets
            if not (np.isfinite(defect).all() and np.isfinite(matrix).all()):
                return None
            try:
                move = np.linalg.solve(matrix, defect)
            except np.linalg.LinAlgError:
                return None
            if not (np.abs(move[:-2]).max() <= reach and np.abs(move[-2:]).max() <= 1):
                return None
            z = z - move
            if np.abs(move[:-2]).max() <= DONE * self.size and np.abs(move[-2:]).max() <= DONE:
                return self._found(z)
        return None

    def _found(self, z: np.ndarray) -> Beside | None:
        matrix = self._system(z)[1]
        right = np.zeros((len(z), 2))
        right[-2:] = np.eye(2)
        try:
            tangents = np.linalg.solve(matrix, right)
        except np.linalg.LinAlgError:
            return None
        points, values = self.centre + z[:-2].reshape(self.centre.shape), self.base + self.widths * z[-2:]
        return Beside(points, values, tangents[-2:], z, tangents)
