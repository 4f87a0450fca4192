"""A bifurcation of an n-cycle in two parameters as a system for the continuation driver."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cfdyn.continuation._kernels.critical import BRANCH, CONDITION, DIRECTIONS, PAIR, TURN, critical, critical_block, unknowns
from cfdyn.continuation.branch.system import NO_DERIVATIVE, has_no_derivative, length_scales
from cfdyn.continuation.tracer import CycleTracer, Solution
from cfdyn.cycles.shooting import jacobians, multipliers
from cfdyn.errors import NumericsError, UsageError
from cfdyn.normal_forms import coefficients
from cfdyn.normal_forms.critical_multipliers import shown_multipliers
from cfdyn.normal_forms.homological import BorderedSystem, Forms
from cfdyn.systems.map import Map
from cfdyn.words import named, spoken

FORMS = {
    "fold": TURN, "flip": TURN, "neimark-sacker": PAIR, "branch point": BRANCH, "border collision": CONDITION,
    "condition": CONDITION,
}  # fmt: skip
TINY = 1e-150  # the least size of a direction, whose square still is a number
FAR = 0.3  # how far from 1 the multiplier of a guess may be
TINY_SHARE = 1e-12  # of a tangent: the parameters do not move
UNMOVED = 1e-6  # of a length: what the parameters do not move, over all of their bounds
HALVINGS = 60  # of the way to a value of a parameter that is not allowed
ASIDE, HELD = 1e-3, 1e-9  # a function that vanishes a step aside too vanishes along the curve


class Guess(NamedTuple):
    """Directions (n, ·, D) near the start, the common unknown before the parameters, if any, and c and r of the system."""

    directions: np.ndarray
    common: list[float]
    c: np.ndarray | float = 0.0
    r: np.ndarray | tuple[float, float] = (1.0, 0.0)


def allowed(step: Map, name: str, end: float) -> float:
    """The end of a parameter's bounds, or the last value towards it that the map accepts, as for a momentum below 1."""
    inside, outside, value = step.params[name], end, end
    for _ in range(HALVINGS):
        try:
            step.at(**{name: value})
        except UsageError:
            outside = value
        else:
            inside = value
        if inside in (outside, end):
            break
        value = (inside + outside) / 2
    return inside


class CurveTracer(CycleTracer):
    """The points of a cycle, each with its critical directions, and two parameters, the last two of the unknowns.

    Lengths: the parameters in units of their ``bounds`` (2, 2), the state in units of the distance over which the map's
    Jacobian changes by its own size, the directions in units of their size at the start.
    """

    def __init__(
        self, step: Map, kind: str, points: np.ndarray, parameters: Sequence[str], bounds: np.ndarray, condition: str | None
    ):
        self.step, self.kind, self.names, self.bounds = step, kind, tuple(parameters), bounds
        self.n, self.d = points.shape
        self.held = np.zeros((self.n, step.switches), dtype=bool)
        self.form, self.nu, self.switches = FORMS[kind], -1.0 if kind == "flip" else 1.0, step.switches
        self.directions, m, self.widths = DIRECTIONS[self.form], unknowns(self.d, self.n, self.form), bounds[:, 1] - bounds[:, 0]
        extended, watched, guess = step.extended(*parameters), self.n * self.switches, self._directions(points)
        given, switching = (None if what is None else extended.rule(what).compiled
                            for what in (condition, "switching" if self.switches else None))  # fmt: skip
        block = critical_block(extended.rule("variation").compiled, extended.p, self.d, self.n, self.form, self.nu, guess.c,
                               guess.r, given, switching, self.switches)  # fmt: skip
        weights = self._weights(m, points, guess)
        limits = np.array([[-np.inf] * m, [np.inf] * m])
        for k, name in enumerate(parameters, -2):
            limits[:, k] = [allowed(step, name, float(end)) for end in bounds[k]]
        if self.form == PAIR:
            limits[:, -3] = -1.0, 1.0
        super().__init__(critical.compiled, block, weights, limits, tests=watched, watched=watched)
        blocks = np.concatenate([points, guess.directions.reshape(self.n, -1)], axis=1)
        self.guess = np.concatenate([blocks.ravel(), guess.common, [step.params[name] for name in self.names]])

    def _weights(self, m: int, points: np.ndarray, guess: Guess) -> np.ndarray:
        scales = length_scales(self.step, points)
        weights = np.full(m, scales.max() ** -2.0 if self.form == BRANCH else 1.0)
        weights[-2:] = self.widths**-2.0
        blocks = self.blocks(weights)
        blocks[:, 0] = 1 / (scales**2 * self.n)
        sizes = np.linalg.norm(guess.directions, axis=2, keepdims=True)
        if self.form == BRANCH:
            sizes[:, 1] = np.maximum(sizes[:, 1], scales.max() / (np.abs(guess.r) @ self.widths))
        blocks[:, 1:] = 1 / np.maximum(sizes, TINY) ** 2 / max(sizes.size, 1)
        return weights

    def _directions(self, points: np.ndarray) -> Guess:
        if self.form == CONDITION:
            return Guess(np.empty((self.n, 0, self.d)), [])
        matrices = jacobians(self.step, points)
        if not np.isfinite(matrices).all():
            raise NumericsError(f"no curve starts here: {NO_DERIVATIVE}")
        if self.form == BRANCH:
            return self._branching(points)
        if self.form == TURN:
            q = BorderedSystem(matrices, self.nu, 1).right[0]
            return Guess((q / np.linalg.norm(q[0]))[:, None], [])
        mu = multipliers(self.step, points)
        pairs = mu[np.imag(mu) > 0]
        if not len(pairs):
            why = NO_DERIVATIVE if has_no_derivative(self.step, points) else f"the multipliers are {shown_multipliers(mu)}"
            raise NumericsError(f"there is no Neimark–Sacker point near the start: {why}")
        nearest = pairs[np.argmin(np.abs(np.abs(pairs) - 1))]
        turn = complex(nearest / abs(nearest))
        q = BorderedSystem(matrices, turn, 1).right[0]
        # The real part and what of the imaginary part is orthogonal to it.
        across = q[0].imag - (q[0].imag @ q[0].real) / (q[0].real @ q[0].real) * q[0].real
        both = np.stack([q, turn * q], axis=1).real / np.linalg.norm(q[0].real)
        return Guess(both, [turn.real], across / np.linalg.norm(across))

    def _branching(self, points: np.ndarray) -> Guess:
        """r is the direction in which the critical multiplier moves fastest, in units of the bounds."""
        slopes, speeds = [], []
        for name in self.names:
            forms = Forms(self.step, points, name)
            with np.errstate(all="ignore"):
                plus = BorderedSystem(forms.matrices, 1.0, 1, tolerance=FAR)
                speeds.append(coefficients.fold(forms, plus).coefficients["b"] if plus.split else np.nan)
            slopes.append(forms.slope)
        speed = np.array(speeds) * self.widths
        r = speed / np.linalg.norm(speed) * self.widths if speed.any() else np.full(2, np.nan)
        if not np.isfinite(r).all():
            raise NumericsError(f"there is no simple branch point near the start: the multipliers are "
                                f"{shown_multipliers(multipliers(self.step, points))}")  # fmt: skip
        q = plus.right[0] / np.linalg.norm(plus.right[0, 0])
        v = plus.solve(-(r[0] * slopes[0] + r[1] * slopes[1]))
        v -= (q[0] @ v[0]) * q
        return Guess(np.stack([q, v], axis=1), [0.0], plus.left[0, -1] / np.linalg.norm(plus.left[0, -1]), r)

    def begin(self) -> Solution:
        """A point of the curve near the start, with its tangent towards a larger second parameter."""
        for border in self._borders():
            with np.errstate(all="ignore"):
                solved = self.solve(self.guess, border, most=30)
            if solved is None or not (self.inside(solved.z)[-2 - (self.form == PAIR) :].all() and np.isfinite(solved.z).all()):
                continue
            started = self.at(solved.z, solved.tangent)
            if started is not None:
                self.watch(started)
                return self.at(started.z, started.tangent) or started
        points = self.points(self.guess)
        why = f"Newton's method does not converge; the multipliers are {shown_multipliers(multipliers(self.step, points))}"
        raise NumericsError(f"there is no {self.what} near the start ({named(self.names, self.guess[-2:])}): "
                            f"{NO_DERIVATIVE if has_no_derivative(self.step, points) else why}")  # fmt: skip

    def _borders(self) -> list[np.ndarray]:
        """Rows (m,) that border the system: they fix a parameter, or at a cusp, where both turn, the position along q."""
        borders = [np.eye(self.m)[-1], np.eye(self.m)[-2]]
        if self.form == TURN:
            along = np.zeros(self.m)
            self.blocks(along)[:, 0] = self.blocks(self.guess)[:, 1]
            borders.append(along)
        return borders

    def watch(self, start: Solution) -> None:
        """Stop watching functions that vanish along the whole curve from a solution on."""
        if not self.watched:
            return
        aside = self.solve(start.z + ASIDE * start.tangent, self.weights * start.tangent)
        held = np.abs(start.values[1:]) < HELD
        if aside is not None:
            held &= np.abs(aside.values[1:]) < HELD
        self.held = held.reshape(self.n, self.switches)
        self.block.watch[self.held] = 0.0
        share = np.sqrt(self.weights[-2:] @ start.tangent[-2:] ** 2)
        if self.kind == "border collision" and share > TINY_SHARE:
            # Lengths of the state are at least what the bounds do to it, which the pieces of a map may not limit.
            weights, moved = self.blocks(self.weights)[:, 0], np.abs(self.points(start.tangent)).max(axis=0) / share
            weights[:] = 1 / (np.maximum((weights * self.n) ** -0.5, moved) ** 2 * self.n)

    def require_branches(self, points: np.ndarray) -> None:
        """Refuse branch points that are met only where the map is unfolded, β ≠ 0."""
        if self.form != BRANCH:
            return
        unfolded = np.abs(points[:, -3]) * self.weights[-3] ** 0.5
        if unfolded.max() > HELD:
            raise NumericsError(f"the branch point does not persist in {self.names[0]} and {self.names[1]}: the branches that "
                                "meet come apart, unless a symmetry, or a solution that does not depend on the parameters, keeps "
                                "them together; follow the fold beside it")  # fmt: skip

    @property
    def what(self) -> str:
        """The name of the bifurcation for messages."""
        if self.kind == "condition":
            return "point of the condition"
        return f"{spoken(self.kind)} point" if self.form in (TURN, PAIR) else self.kind

    def mirrored(self, z: np.ndarray) -> np.ndarray:
        """Unknowns (m,) with all directions reversed, which solve the same equations, except v of branch points."""
        turned = z.copy()
        self.blocks(turned)[:, 1 : 2 if self.form == BRANCH else None] *= -1
        return turned

    def fold_or_branch_point(self, z: np.ndarray, points: np.ndarray) -> str:
        """The name of a multiplier 1 of a cycle (n, D): "fold", or "branch point" where neither parameter moves it away."""
        step = self.map_at(z)
        plus = BorderedSystem(jacobians(step, points), 1.0, 1)
        rates = [abs(float((plus.left[0] * Forms(step, points, name).slope).sum())) for name in self.names]
        return "branch point" if (np.array(rates) * self.widths).max() <= UNMOVED * self.state_length else "fold"

    @property
    def state_length(self) -> float:
        """The greatest of the lengths of the entries of the state."""
        return float((self.weights[: self.d].min() * self.n) ** -0.5)
