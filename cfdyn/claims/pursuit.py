"""One start of a search: constrained minimisation over the parameters and all points of a cycle at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.analysis.bifurcations.cycles import Cycles, cycles
from cfdyn.cycles._kernels.newton import GOOD
from cfdyn.cycles.same import from_smallest, least_period
from cfdyn.cycles.shooting import images, jacobians, multipliers, polish
from cfdyn.errors import NumericsError
from cfdyn.numerics.stability import stability
from cfdyn.systems.map import Map

APART = 1e-3  # of the widths of the box of starts: the root mean square by which a cycle differs from those of lesser periods
INSIDE = 1e-4  # of 1: a minimisation among stable cycles keeps multipliers so far inside the unit circle
NUDGE = 1e-6  # of the widths of the boxes, for differences in the parameters
ITERATIONS, PRECISION = 80, 1e-12
FAR = 1e3  # widths of the box: an orbit that leads further away is replaced by points of the box
WIDE = 100.0  # a box of positive numbers whose ends have such a ratio is drawn from, and scaled, by logarithms
DRAWS = 12  # of parameters, until there are cycles
BUDGET = 20_000  # steps of a search for cycles of a map of several variables
ROOM = 1e-9  # of a condition that should be positive: the minimum lies on the border, up to round-off

Quantity = Callable[[Map, np.ndarray], Any]


@dataclass(frozen=True)
class Attempt:
    """The result of one start: ``residual`` of the points; ``reason``: why they are not a cycle of the wanted kind, or ""."""

    params: dict[str, float]
    points: np.ndarray
    multipliers: np.ndarray
    quantity: float
    residual: float
    reason: str


class Axes:
    """Parameters in their boxes as numbers from 0 to 1, by logarithms where a box is wide."""

    def __init__(self, box: dict[str, tuple[float, float]]):
        self.names = list(box)
        ends = np.array([box[name] for name in self.names]).reshape(-1, 2)
        self.wide = (ends[:, 0] > 0) & (ends[:, 1] > WIDE * ends[:, 0])
        self.ends = np.where(self.wide[:, None], np.log(np.where(self.wide[:, None], ends, 1.0)), ends)

    def values(self, u: np.ndarray) -> dict[str, float]:
        """{name: value} at a point of the unit cube."""
        numbers = self.ends[:, 0] + u * (self.ends[:, 1] - self.ends[:, 0])
        return dict(
            zip(self.names, np.where(self.wide, np.exp(np.where(self.wide, numbers, 0.0)), numbers).tolist(), strict=True)
        )

    def place(self, values: dict[str, float]) -> np.ndarray:
        """The point of the unit cube of {name: value}."""
        numbers = np.array([values[name] for name in self.names])
        numbers = np.where(self.wide, np.log(np.where(self.wide, numbers, 1.0)), numbers)
        return (numbers - self.ends[:, 0]) / (self.ends[:, 1] - self.ends[:, 0])


class Pursuit:
    """Cycles of one period of maps ``make`` of {name: value}, from many starts.

    ``choice``: the fixed parameters, to be named with the cycle. Minimises the largest entry of ``quantity`` under f(x_i) =
    x_{i+1}, conditions > 0, stability and distance from all cycles of lesser periods, by sequential quadratic programming (SLSQP)
    in (parameters, x_1 … x_n).
    """

    def __init__(
        self, make: Callable[[dict[str, float]], Map], axes: Axes, starts: np.ndarray, period: int, stable: bool | None,
        quantity: Quantity | None, conditions: Sequence[Quantity], choice: Mapping[str, float],
    ) -> None:  # fmt: skip
        self.choice = dict(choice)
        self.make, self.axes, self.starts, self.period, self.stable = make, axes, starts, period, stable
        self.quantity, self.conditions = quantity, conditions
        self.width, self.dim, self.known = starts[:, 1] - starts[:, 0], len(starts), len(axes.names)
        self.box = [(float(lo), float(hi)) for lo, hi in starts]
        self.evaluations = 0
        self._last: tuple[bytes, Map | None] = (b"", None)

    def anywhere(self, rng: np.random.Generator) -> np.ndarray:
        """Random unknowns: parameters with such cycles, if some draws find any; otherwise an orbit or random points."""
        for _ in range(DRAWS):
            u = rng.uniform(size=self.known)
            step = self._map(u)
            known = self._listed(step, int(rng.integers(2**31)))
            if known:
                best = int(np.argmin(np.abs(known.multipliers).max(axis=1))) if self.stable else int(rng.integers(len(known)))
                return self._unknowns(u, known.points[best])
        return self._unknowns(u, self._orbit(step, rng))

    def _listed(self, step: Map, seed: int) -> Cycles | None:
        """The cycles with a point in the box of starts: all for a map of one variable, otherwise those of a short search."""
        try:
            if self.dim == 1:
                return cycles(step, self.period, self.box)
            return cycles(step, self.period, self.box, seed=seed, budget=BUDGET, method="davidchack-lai")
        except NumericsError:
            return None

    def _orbit(self, step: Map, rng: np.random.Generator) -> np.ndarray:
        z, points = rng.uniform(self.starts[:, 0], self.starts[:, 1]), []
        for _ in range(self.period):
            points.append(z)
            z = images(step, z[None])[0]
        orbit = np.array(points)
        near = (np.abs(orbit - self.starts.mean(axis=1)) <= FAR * self.width).all()
        return orbit if near else rng.uniform(self.starts[:, 0], self.starts[:, 1], (self.period, self.dim))

    def beside(self, attempt: Attempt, rng: np.random.Generator) -> np.ndarray:
        """Unknowns near those of a known cycle."""
        u = self._unknowns(self.axes.place(attempt.params), attempt.points)
        u += rng.normal(size=u.size) * 10 ** rng.uniform(-3, -0.5)
        u[: self.known] = np.clip(u[: self.known], 0, 1)
        return u

    def follow(self, u: np.ndarray) -> Attempt:
        """The result of one start."""
        from scipy.optimize import minimize

        worst = float(self._row(u).max()) if self.quantity else 0.0
        full = np.append(u, worst if np.isfinite(worst) else 1.0)
        bounds = [(0.0, 1.0)] * self.known + [(None, None)] * (len(u) - self.known + 1)
        constraints = [
            {"type": "eq", "fun": lambda y: self._defect(y[:-1]), "jac": lambda y: self._defect_jacobian(y[:-1])},
            {"type": "ineq", "fun": self._margins},
        ]
        slope = np.zeros(len(full))
        slope[-1] = 1.0 if self.quantity else 0.0
        with np.errstate(all="ignore"):
            solution = minimize(
                lambda y: float(slope @ y), full, jac=lambda y: slope, bounds=bounds, constraints=constraints, method="SLSQP",
                options={"maxiter": ITERATIONS, "ftol": PRECISION},
            )  # fmt: skip
            end = self.attempt(solution.x[: self.known], self._points(solution.x[:-1]))
            if end.reason:  # what the start was is better than nothing
                start = self.attempt(u[: self.known], self._points(u))
                return end if start.reason else start
            return end

    def attempt(self, u: np.ndarray, points: np.ndarray) -> Attempt:
        """The cycle near these points at these parameters, polished and checked."""
        params = self.axes.values(np.clip(u, 0, 1))
        if not np.isfinite(points).all():
            return Attempt(
                {**self.choice, **params}, points, np.full(self.dim, np.nan), np.nan, np.inf, "the points diverged to infinity"
            )
        step = self.make(params)
        cycle = polish(step, points)
        there = points if cycle is None or np.abs(cycle - points).max() > np.sqrt(APART) * self.width.max() else cycle
        there = from_smallest(there)
        residual = float((np.abs(images(step, there) - np.roll(there, -1, axis=0)) / self.width).max())
        mu = multipliers(step, there) if np.isfinite(jacobians(step, there)).all() else np.full(self.dim, np.nan)
        row = np.atleast_1d(np.asarray(self.quantity(step, there), dtype=float)) if self.quantity else np.zeros(1)
        return Attempt(
            {**self.choice, **params}, there, mu, float(row.max()), residual, self._objection(step, there, mu, residual)
        )

    def _objection(self, step: Map, points: np.ndarray, mu: np.ndarray, residual: float) -> str:
        steep = max(1.0, float(np.abs(jacobians(step, points)).max()))
        if not residual <= GOOD * steep * max(1.0, float((np.abs(points) / self.width).max())):
            return "the points are no cycle"
        if min(self._distances(points), default=np.inf) < 0.5 * APART**2 or least_period(points) < self.period:
            return "the cycle has a lesser period"
        if self.stable is not None and stability(mu) is not self.stable:
            return "the cycle is not stable" if self.stable else "the cycle is stable"
        if not all(np.min(condition(step, points)) > -ROOM for condition in self.conditions):
            return "a condition fails"
        return ""

    def _map(self, u: np.ndarray) -> Map:
        key = u.tobytes()
        if self._last[0] != key or self._last[1] is None:
            self._last = key, self.make(self.axes.values(u))
        assert self._last[1] is not None
        return self._last[1]

    def _unknowns(self, u: np.ndarray, points: np.ndarray) -> np.ndarray:
        return np.concatenate([u, ((points - self.starts[:, 0]) / self.width).ravel()])

    def _points(self, u: np.ndarray) -> np.ndarray:
        return self.starts[:, 0] + self.width * u[self.known :].reshape(self.period, self.dim)

    def _defect(self, u: np.ndarray) -> np.ndarray:
        """f(x_i) − x_{i+1} in widths of the box."""
        self.evaluations += 1
        points = self._points(u)
        return ((images(self._map(u[: self.known]), points) - np.roll(points, -1, axis=0)) / self.width).ravel()

    def _defect_jacobian(self, u: np.ndarray) -> np.ndarray:
        """The Jacobian, exact in the points, by differences in the parameters, with a zero column for the quantity's bound."""
        n, d, points = self.period, self.dim, self._points(u)
        matrix = np.zeros((n, d, n, d))
        index = np.arange(n)
        matrix[index, :, index, :] = jacobians(self._map(u[: self.known]), points) * self.width / self.width[:, None]
        matrix[index, :, np.roll(index, -1), :] -= np.eye(d)
        columns = [self._slope(self._defect, u, k) for k in range(self.known)]
        return np.column_stack([*columns, matrix.reshape(n * d, n * d), np.zeros(n * d)])

    def _slope(self, function: Callable[[np.ndarray], np.ndarray], u: np.ndarray, k: int) -> np.ndarray:
        above, below = u.copy(), u.copy()
        above[k], below[k] = min(u[k] + NUDGE, 1.0), max(u[k] - NUDGE, 0.0)
        return (function(above) - function(below)) / (above[k] - below[k])

    def _row(self, u: np.ndarray) -> np.ndarray:
        assert self.quantity is not None
        return np.atleast_1d(np.asarray(self.quantity(self._map(u[: self.known]), self._points(u)), dtype=float))

    def _margins(self, y: np.ndarray) -> np.ndarray:
        """What must not be negative: the bound minus the quantity, distances, conditions, and the margin of stability."""
        u, points = y[:-1], self._points(y[:-1])
        step = self._map(u[: self.known])
        rows = [np.array(self._distances(points)) / APART**2 - 1]
        if self.quantity:
            rows.append(y[-1] - self._row(u))
        rows += [np.atleast_1d(np.asarray(condition(step, points), dtype=float)) for condition in self.conditions]
        if self.stable is not None:
            rows.append(self._room(step, points) if self.stable else -self._room(step, points)[:1] - 2 * INSIDE)
        return np.concatenate([np.nan_to_num(row, nan=-1e6, posinf=1e6, neginf=-1e6) for row in rows])

    def _room(self, step: Map, points: np.ndarray) -> np.ndarray:
        mu = multipliers(step, points)
        if self.dim == 1 and self.stable:
            return np.array([1 - INSIDE - mu[0].real, 1 - INSIDE + mu[0].real])
        return np.array([1 - INSIDE - np.abs(mu).max()])

    def _distances(self, points: np.ndarray) -> list[float]:
        """Mean squares, in widths of the box, of x_{i+q} − x_i for each proper divisor q of the period."""
        scaled = points / self.width
        divisors = [q for q in range(1, self.period) if self.period % q == 0]
        return [float(((np.roll(scaled, -q, axis=0) - scaled) ** 2).sum(axis=1).mean()) for q in divisors]
