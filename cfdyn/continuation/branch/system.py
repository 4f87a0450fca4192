"""An n-cycle with a free parameter as a system for the continuation driver."""

from __future__ import annotations

import numpy as np

from cfdyn.continuation.lengths import NO_DERIVATIVE, has_no_derivative, length_scales, parameter_length
from cfdyn.continuation.requirements import check_memory
from cfdyn.continuation.tracer import CycleTracer, Solution
from cfdyn.cycles.shooting import eigenvalues
from cfdyn.cycles.smoothness import regularity
from cfdyn.errors import NumericsError
from cfdyn.kernels.continuation.shooting import BRANCH, FLIP, FOLD, MATRICES, shooting, shooting_block, tests_of
from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.systems.map import Map
from cfdyn.words import called

__all__ = ["BRANCH", "FLIP", "FOLD", "BranchTracer"]

MOST_DENSE = 400  # unknowns: up to so many the singular values of the whole Jacobian cost less than a step
REGULAR = 1e-11  # the least singular value of the Jacobian, of the largest, at an isolated solution
NOTHING = 1e-14  # and in lengths


class BranchTracer(CycleTracer):
    """The n points of a cycle and the parameter λ as the unknowns, λ the last.

    Lengths: λ in units of the interval ``bounds``, or of less where that is very wide, each entry of the state in units of
    the distance over which the map's Jacobian changes by its own size near ``near``, averaged over the points; or as
    ``lengths`` (m,) says.
    """

    odd = (0, 1 + BRANCH)

    def __init__(
        self, step: Map, n: int, parameter: str, bounds: tuple[float, float], near: np.ndarray, lengths: np.ndarray | None = None
    ):
        self.step, self.n, self.d, self.switches = step, n, step.dim, step.switches
        self.parameter, self.names = parameter, (parameter,)
        m = n * self.d + 1
        if lengths is None:
            own = length_scales(step, near)
            lengths = np.append(np.tile(own * n**0.5, n), parameter_length(step, near, parameter, bounds, own))
        weights = lengths**-2.0
        limits = np.array([[-np.inf] * m, [np.inf] * m])
        limits[:, -1] = bounds
        rule = step.rule(f"linearized:{parameter}").compiled
        switching = step.rule("switching").compiled if self.switches else None
        free = list(step.params).index(parameter)
        block = shooting_block(rule, step.p, free, n, self.d, switching, self.switches)
        tests = tests_of(n, self.d, self.switches)
        super().__init__(shooting.compiled, block, weights, limits, tests, smooth=2, watched=n * self.switches)

    def begin(self, z: np.ndarray) -> Solution:
        """A solution with its tangent towards larger λ, and its tests."""
        up = np.zeros(self.m)
        up[-1] = 1.0
        for direction in (up, self.weights**-0.5 * np.cos(np.arange(self.m))):
            found = self.at(z, direction)
            if found is not None and found.values[0] != 0 and self.isolated(z):
                return found
        where = f"the {called(self.n)} at {self.parameter} = {z[-1]:.10g}"
        points = self.points(z)
        if self.switches and regularity(self.map_at(z), points, float(np.abs(points).max())) != "smooth":
            raise NumericsError(f"{where} lies where the map is not smooth, and has no direction to follow; start elsewhere")
        if has_no_derivative(self.step, points):
            raise NumericsError(f"{where} cannot be followed: {NO_DERIVATIVE}")
        raise NumericsError(f"{where} is not isolated: a multiplier is 1 for a whole continuum of solutions, at a flat minimum "
                            "or a branch point; start elsewhere")  # fmt: skip

    def isolated(self, z: np.ndarray, least: float = REGULAR) -> bool:
        """True if the whole Jacobian has its full rank, by so much; taken for granted where the cycle is long."""
        if self.m > MOST_DENSE:
            return True
        scaled = self.jacobian(z) * self.weights**-0.5
        sizes = np.linalg.svd(scaled, compute_uv=False)
        # In lengths of the points all entries of f − x are of size 1, but for what vanishes.
        rows = np.linalg.svd(scaled * self.weights[:-1, None] ** 0.5, compute_uv=False)
        return bool(sizes[-1] > least * sizes[0] and rows[-1] > NOTHING)

    def regularity(self, z: np.ndarray) -> float:
        """The least singular value of the whole Jacobian, points and equations in lengths of the points."""
        lengths = self.weights**-0.5
        return float(np.linalg.svd(self.jacobian(z) * lengths / lengths[:-1, None], compute_uv=False)[-1])

    @property
    def bounds(self) -> tuple[float, float]:
        """Of the parameter."""
        return float(self.limits[0, -1]), float(self.limits[1, -1])

    @property
    def lengths(self) -> np.ndarray:
        """The length that counts as 1 in each entry of the state, (D,)."""
        return self.weights[: self.d] ** -0.5 / self.n**0.5

    def z(self, points: np.ndarray, value: float) -> np.ndarray:
        """Points (n, D) and the parameter as the unknowns (m,)."""
        return np.append(np.ravel(points), value)

    def multipliers(self, values: np.ndarray) -> np.ndarray:
        """The D multipliers of each row of tests, (rows, D), the largest modulus first; complex where any is."""
        condensed = self.condensed(values)
        return eigenvalues(condensed[:, 0], condensed[:, 1])

    def condensed(self, values: np.ndarray) -> np.ndarray:
        """C and E of det(C + μE) = 0, (…, 2, D, D), in the values (…, 1 + tests) of solutions."""
        first, d = 1 + MATRICES, self.d
        return values[..., first : first + 2 * d * d].reshape(*values.shape[:-1], 2, d, d)

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """The matrix (m − 1, m) of the whole system, for cycles that are not long."""
        n, d, m = self.n, self.d, self.m
        step, points = self.map_at(z), self.points(z)
        out = np.empty((n, d * (d + 2)))
        evaluate_rows(step.rule(f"linearized:{self.parameter}").compiled, points, step.p, out)
        whole = np.zeros((n, d, m))
        for i in range(n):
            whole[i, :, i * d : (i + 1) * d] += out[i, d : d + d * d].reshape(d, d)
            following = (i + 1) % n * d
            whole[i, :, following : following + d] -= np.eye(d)
            whole[i, :, -1] = out[i, d + d * d :]
        return whole.reshape(m - 1, m)


def check_size(step: Map, n: int, most_steps: int) -> None:
    """Refuse what would not fit into memory."""
    row = 2 * (n * step.dim + 1) + tests_of(n, step.dim, step.switches)
    check_memory(row, most_steps, f"points of a branch of {n}-cycles")
