"""A bifurcation of an n-cycle in two parameters as a system for the continuation driver."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cfdyn.analysis._continuation import Solved, Tracer
from cfdyn.analysis._cycle_system import length_scales
from cfdyn.analysis._homological import Shift
from cfdyn.analysis._shooting import jacobians, multipliers
from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.bordered import bordered, bordered_block
from cfdyn.kernels.critical import critical, critical_block, unknowns
from cfdyn.systems import Map

TURNS = {"fold": 1, "flip": 1, "neimark-sacker": 2}
MOST_UNKNOWNS = 600  # the Jacobian of the whole system is kept and eliminated densely


class CurveTracer(Tracer):
    """The points of a cycle, its critical directions and two parameters, the last two of the unknowns.

    Lengths: the parameters in units of their ``bounds`` (2, 2), the state in units of the distance over which the map's
    Jacobian changes by its own size, the directions in units of their size at the start.
    """

    def __init__(
        self, step: Map, kind: str, points: np.ndarray, parameters: Sequence[str], bounds: np.ndarray, condition: str | None
    ):
        self.step, self.kind, self.names, self.bounds = step, kind, tuple(parameters), bounds
        self.n, self.d = points.shape
        self.turns, self.nu = TURNS.get(kind, 0), -1.0 if kind == "flip" else 1.0
        m, extended = unknowns(self.d, self.n, self.turns), step.extended(*parameters)
        if m > MOST_UNKNOWNS:
            raise UsageError(f"a curve of {self.n}-cycles in {self.d} dimensions has {m} unknowns; the most are {MOST_UNKNOWNS}")
        self.directions, across, cosine = self._directions(points)
        rule = extended.rule("variation").compiled
        given = None if condition is None else extended.rule(condition).compiled
        own = critical_block(rule, extended.p, self.d, self.n, self.turns, self.nu, given, across)
        weights = np.ones(m)
        scales = length_scales(step, points)
        if step.switching:
            # At a border the Jacobian changes at once, which is no length.
            sizes = np.abs(points).max(axis=0)
            scales = np.maximum(scales, np.where(sizes > 0, 0.1 * sizes, 1.0))
        weights[: points.size] = np.tile(1 / (scales**2 * self.n), self.n)
        if self.turns:
            sizes = np.linalg.norm(self.directions, axis=1, keepdims=True) * np.ones(self.d)
            weights[points.size : points.size + sizes.size] = 1 / np.maximum(sizes.ravel(), 1e-150) ** 2 / len(sizes)
        weights[-2:] = (bounds[:, 1] - bounds[:, 0]) ** -2.0
        limits = np.array([[-np.inf] * m, [np.inf] * m])
        limits[:, -2:] = bounds.T
        if self.turns == 2:
            limits[:, -3] = -1.0, 1.0
        super().__init__(bordered.compiled, bordered_block(critical.compiled, own, m), weights, limits)
        middle = [cosine] if self.turns == 2 else []
        self.guess = np.concatenate([points.ravel(), self.directions.ravel(), middle, [step.params[name] for name in self.names]])

    def _directions(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, float]:
        """(q_k of every turn, c, κ) near the start."""
        if self.turns == 0:
            return np.empty((0, self.d)), None, 0.0
        matrices = jacobians(self.step, points)
        if not np.isfinite(matrices).all():
            raise NumericsError("the map has no derivative at the start")
        if self.turns == 1:
            q = Shift(matrices, self.nu, 1).right[0]
            return q / np.linalg.norm(q[0]), None, 0.0
        mu = multipliers(self.step, points)
        pairs = mu[np.imag(mu) > 0]
        if not len(pairs):
            raise NumericsError(f"there is no Neimark–Sacker point near the start: the multipliers are {_shown(mu)}")
        nearest = pairs[np.argmin(np.abs(np.abs(pairs) - 1))]
        turn = complex(nearest / abs(nearest))
        q = Shift(matrices, turn, 1).right[0]
        both = np.concatenate([q, turn * q])
        # The real part and what of the imaginary part is orthogonal to it.
        across = q[0].imag - (q[0].imag @ q[0].real) / (q[0].real @ q[0].real) * q[0].real
        return both.real / np.linalg.norm(q[0].real), across / np.linalg.norm(across), turn.real

    def begin(self) -> Solved:
        """A point of the curve near the start, with its tangent towards a larger second parameter."""
        for fixed in (-1, -2):
            border = np.zeros(self.m)
            border[fixed] = 1.0
            with np.errstate(all="ignore"):
                found = self.solve(self.guess, border, most=30)
            if found is None or not self._near(found.z):
                continue
            started = self.at(found.z, found.tangent)
            if started is not None:
                return started
        values = ", ".join(f"{name} = {self.step.params[name]:.6g}" for name in self.names)
        mu = multipliers(self.step, self.points(self.guess))
        raise NumericsError(f"there is no {self.what} near the start ({values}): Newton's method finds none; the multipliers "
                            f"there are {_shown(mu)}")  # fmt: skip

    def _near(self, z: np.ndarray) -> bool:
        inside = (z >= self.limits[0]) & (z <= self.limits[1])
        return bool(inside[-2 - (self.turns == 2) :].all() and np.isfinite(z).all())

    @property
    def what(self) -> str:
        """For messages."""
        return "point of the condition" if self.kind == "condition" else self.kind if self.turns == 0 else f"{self.kind} point"

    def points(self, z: np.ndarray) -> np.ndarray:
        """The points (…, n, D) in unknowns (…, m)."""
        return z[..., : self.n * self.d].reshape(*z.shape[:-1], self.n, self.d)

    def direction(self, z: np.ndarray) -> np.ndarray:
        """q_1, (D,)."""
        return z[self.n * self.d : (self.n + 1) * self.d]

    def map_at(self, z: np.ndarray) -> Map:
        """The map with the parameters of a point of the curve."""
        return self.step.at(**{name: float(value) for name, value in zip(self.names, z[-2:], strict=True)})


def _shown(mu: np.ndarray) -> str:
    return str(np.round(mu[:8], 6).tolist()) + (" …" if len(mu) > 8 else "")
