"""An n-cycle with a free parameter as a system for the continuation driver: its lengths, and checks of its size."""

from collections.abc import Sequence

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.continuation.tracer import CycleTracer, Solution
from cfdyn.cycles._kernels.shooting import BRANCH, FLIP, MATRICES, shooting, shooting_block, tests_of
from cfdyn.cycles.shooting import eigenvalues, jacobians
from cfdyn.cycles.smoothness import regularity
from cfdyn.errors import NumericsError, UsageError, shown
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map, require_parameter
from cfdyn.words import TAKE_OUT, called

MOST_DENSE = 400  # unknowns: up to this number the singular values of the whole Jacobian cost less than a step
REGULAR = 1e-11  # the least singular value of the Jacobian, of the largest, at an isolated solution
NOTHING = 1e-14  # and in lengths
DOUBLINGS = 2.0 ** np.arange(-50, 51)  # the distances that are tried
MANY, SEVERAL = 12, 16  # for states with more entries than MANY, SEVERAL distances are tried at once, up to the first that counts
VAST = 1e3  # natural lengths of a parameter: its bounds count as no wider
ROUNDED = 1e-9  # of an entry: a step less than that is rounded away in it
NO_DERIVATIVE = ("the map has no derivative there (that of Adam and similar optimizers has one at rest with eps_inside=True, "
                 "bias_correction=False)")  # fmt: skip
REAL = 1e-9  # an imaginary part less than this, relative: a real multiplier
SQUARED = 1e-6  # from ±1: of two multipliers that pass it together
MOST_BYTES = 2**31  # of all rows of a branch or curve
WIDEST = 1e100  # so that squares of lengths can be formed


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
            begun = self.at(z, direction)
            if begun is not None and begun.values[0] != 0 and self.isolated(z):
                return begun
        where = f"the {called(self.n)} at {self.parameter} = {z[-1]:.10g}"
        points = self.points(z)
        if self.switches and regularity(self.map_at(z), points, float(np.abs(points).max())) != "smooth":
            raise NumericsError(f"{where} lies where the map is not smooth, and has no direction to follow; start elsewhere")
        if has_no_derivative(self.step, points):
            raise NumericsError(f"{where} cannot be followed: {NO_DERIVATIVE}")
        raise NumericsError(f"{where} is not isolated: a multiplier is 1 for a whole continuum of solutions, at a flat minimum "
                            f"or a branch point; start elsewhere, or {TAKE_OUT}")  # fmt: skip

    def isolated(self, z: np.ndarray, least: float = REGULAR) -> bool:
        """True if the whole Jacobian has full rank, by a margin; assumed if the cycle is long."""
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
        """The bounds of the parameter."""
        return float(self.limits[0, -1]), float(self.limits[1, -1])

    @property
    def lengths(self) -> np.ndarray:
        """The length that counts as 1 in each entry of the state, (D,)."""
        return self.weights[: self.d] ** -0.5 / self.n**0.5

    def z(self, points: np.ndarray, value: float) -> np.ndarray:
        """Points (n, D) and the parameter as the unknowns (m,)."""
        return np.append(np.ravel(points), value)

    def multipliers(self, values: np.ndarray) -> np.ndarray:
        """The D multipliers of each row of tests, (rows, D), the largest modulus first; complex if any is."""
        condensed = self.condensed(values)
        return eigenvalues(condensed[:, 0], condensed[:, 1])

    def condensed(self, values: np.ndarray) -> np.ndarray:
        """C and E of det(C + μE) = 0, (…, 2, D, D), in the values (…, 1 + tests) of solutions."""
        first, d = 1 + MATRICES, self.d
        return values[..., first : first + 2 * d * d].reshape(*values.shape[:-1], 2, d, d)

    def determinant(self, values: np.ndarray, test: int) -> float:
        """det(C ∓ E) of a solution with the sign of its ``test``, FLIP or FOLD: a polynomial in the multipliers."""
        own, following = self.condensed(values)
        return float(np.copysign(np.linalg.det(own - following if test == FLIP else own + following), values[1 + test]))

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """The matrix (m − 1, m) of the whole system, for cycles that are not long."""
        n, d, m = self.n, self.d, self.m
        step, points = self.map_at(z), self.points(z)
        out = evaluate_rows(step.rule(f"linearized:{self.parameter}"), points, step.p)
        whole = np.zeros((n, d, m))
        for i in range(n):
            whole[i, :, i * d : (i + 1) * d] += out[i, d : d + d * d].reshape(d, d)
            following = (i + 1) % n * d
            whole[i, :, following : following + d] -= np.eye(d)
            whole[i, :, -1] = out[i, d + d * d :]
        return whole.reshape(m - 1, m)


def real_below(mu: np.ndarray) -> np.ndarray:
    """The number of real multipliers below −1, in each row (rows, D)."""
    return ((mu.real < -1) & (np.abs(mu.imag) <= REAL * np.abs(mu))).sum(axis=-1)


def nearest_mean(mu: np.ndarray, count: int) -> float:
    """1 plus the mean of a given number of multipliers, the closest to −1."""
    return float(mu[np.argsort(np.abs(mu + 1))[:count]].real.mean() + 1)


def check_steps(max_steps: int, max_step: float) -> None:
    """Refuse an invalid number or length of steps."""
    whole_number("`max_steps`", max_steps, 1)
    if not 0 < number("`max_step`", max_step) <= 1:
        raise UsageError(f"`max_step` is a number in (0, 1], not {max_step!r}")


def check_memory(row: int, most_steps: int, what: str) -> None:
    """Refuse rows of this many numbers if they would not fit into memory."""
    size = min(8 * most_steps * row, 2**90)
    if size > MOST_BYTES:
        fits = int(MOST_BYTES // (8 * row))
        advice = f"`max_steps={fits}`, or a shorter period" if fits else "a shorter period"
        raise UsageError(f"{most_steps} {what} need up to {size / 2**30:.1f} GiB; the limit is {MOST_BYTES // 2**30} GiB: "
                         f"ask for {advice}")  # fmt: skip


def checked_bounds(step: AnyMap, parameter: str, bounds: Sequence[float]) -> tuple[float, float]:
    """The checked interval of an existing parameter."""
    require_parameter(step, parameter)
    try:
        lo, hi = np.asarray(bounds, dtype=float).reshape(2).tolist()
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"bounds are two numbers (lo, hi) of {parameter}, not {shown(bounds)}") from None
    if not (np.isfinite([lo, hi]).all() and lo < hi):
        raise UsageError(f"bounds of {parameter} are finite with lo < hi, not {lo:g} to {hi:g}")
    if hi - lo > WIDEST:
        raise UsageError(f"bounds of {parameter} are at most {WIDEST:g} apart, not {lo:g} to {hi:g}")
    for inside in (lo + 1e-9 * (hi - lo), hi - 1e-9 * (hi - lo)):
        # A value that the optimizer does not allow, such as a negative learning rate, is refused here.
        step.at(**{parameter: inside})
    return lo, hi


def interval_around(step: AnyMap, parameter: str, bounds: Sequence[float]) -> tuple[float, float]:
    """The checked interval, which must contain the parameter's value, where the branch starts."""
    lo, hi = checked_bounds(step, parameter, bounds)
    if not lo <= step.params[parameter] <= hi:
        raise UsageError(f"the branch starts at {parameter} = {step.params[parameter]:.10g}, outside the bounds {lo:g} to "
                         f"{hi:g}; use step.at({parameter}=…), or other bounds")  # fmt: skip
    return lo, hi


def check_size(step: Map, n: int, most_steps: int) -> None:
    """Refuse a system that would not fit into memory."""
    row = 2 * (n * step.dim + 1) + tests_of(n, step.dim, step.switches)
    check_memory(row, most_steps, f"points of a branch of {n}-cycles")


def has_no_derivative(step: Map, points: np.ndarray) -> bool:
    """True if the map has no derivative at the points (n, D), or only round-off as one: it changes within the least length."""
    if not np.isfinite(jacobians(step, points)).all():
        return True
    return not step.switches and bool(length_scales(step, points).min() <= DOUBLINGS[0])


def length_scales(step: Map, points: np.ndarray) -> np.ndarray:
    """For each entry of the state the distance over which the Jacobian changes by half its size, (D,).

    The least over some of the points. An entry on which the Jacobian does not depend gets the size of the effect of others on it,
    or its own size.
    """
    d, reach, some = step.dim, np.full(step.dim, np.inf), _some(points)
    here = jacobians(step, some)
    size, slopes = np.maximum(np.abs(here).max(axis=(1, 2)), 1.0), np.abs(here).max(axis=0)
    for j in range(d):
        # The unit roundoff of a large entry is not a length.
        steps = DOUBLINGS[ROUNDED * np.abs(some[:, j]).max() < DOUBLINGS]
        count, seen = len(steps) if d <= MANY else SEVERAL, []
        for first in range(0, len(steps), count):
            tried = steps[first : first + count]
            there = _moved_jacobians(step, some, j, tried)
            with np.errstate(all="ignore"):
                change = (np.abs(there - here[:, None, None]).max(axis=(3, 4)) / size[:, None, None]).max(axis=(0, 1))
                beyond = ~(change < 0.5)
            reached = int(beyond.argmax()) if beyond.any() else len(tried)
            if beyond.any() or count < len(steps):
                # What x_j does to others within this length, where its slope here may be 0 but for rounding.
                near = np.abs(there[:, :, :reached, :, j])
                slopes[:, j] = np.maximum(slopes[:, j], near.max(axis=(0, 1, 2), initial=0.0))
            if beyond.any():
                reach[j] = tried[reached]
                break
            seen.append(change)
        else:
            reach[j] = _half_way(steps, np.concatenate(seen))
    sizes = np.abs(points).max(axis=0)
    lengths = _from_others(reach, slopes, sizes)
    # At a border the Jacobian jumps, which does not define a length.
    return np.maximum(lengths, np.where(sizes > 0, 0.1 * sizes, 1.0)) if step.switching else lengths


def _half_way(steps: np.ndarray, change: np.ndarray) -> float:
    """The distance of half the change of a Jacobian that never changes by half its size, as for losses linear far out."""
    most = change.max(initial=0.0)
    return float(steps[np.argmax(change >= 0.5 * most)]) if most > ROUNDED else np.inf


def _moved_jacobians(step: Map, points: np.ndarray, entry: int, steps: np.ndarray) -> np.ndarray:
    """Df where one entry is moved by given amounts, up and down, (points, 2, steps, D, D)."""
    moved = np.repeat(points, 2 * len(steps), axis=0)
    moved[:, entry] += np.tile(np.concatenate([steps, -steps]), len(points))
    return jacobians(step, moved).reshape(len(points), 2, len(steps), step.dim, step.dim)


def parameter_length(step: Map, points: np.ndarray, name: str, bounds: tuple[float, float], lengths: np.ndarray) -> float:
    """The width of the bounds; if they are very wide, a multiple of the distance over which λ changes the map considerably.

    Considerably means f by a length of the state, or its Jacobian by half its size. In wider units every branch appears vertical.
    """
    width = bounds[1] - bounds[0]
    if width <= VAST * max(1.0, abs(step.params[name])):
        return width
    d, free = step.dim, list(step.params).index(name)
    some = _some(points)

    def there(change: float) -> np.ndarray:
        p = step.p.copy()
        p[free] += change
        return np.hstack([evaluate_rows(step.rule("step"), some, p) / lengths, evaluate_rows(step.rule("jacobian"), some, p)])

    here = there(0.0)
    sizes = np.append(np.ones(d), np.full(d * d, 0.5 * max(1.0, float(np.abs(here[:, d:]).max()))))
    with np.errstate(all="ignore"):
        much = (h for h in DOUBLINGS for side in (-h, h) if not (np.abs(there(side) - here) < sizes).all())
        return min(width, VAST * float(next(much, width)))


def _some(points: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(points[:: max(1, len(points) // 4)])


def _from_others(lengths: np.ndarray, jacobian: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Replace unknown lengths by the effect of the others' lengths on such an entry, else by its own size, else by 1."""
    for _ in range(len(lengths)):
        known = np.isfinite(lengths)
        pushed = (jacobian[:, known] * lengths[known]).max(axis=1, initial=0.0)
        if known.all() or not (pushed[~known] > 0).any():
            break
        lengths = np.where(known | (pushed == 0), lengths, pushed)
    own = np.where(sizes > 0, sizes, 1.0)
    pushed = (jacobian * own).max(axis=1)
    # What is 0 but for rounding, as a velocity at rest, has no size of its own.
    return np.where(np.isfinite(lengths), lengths, np.where(own < ROUNDED * pushed, pushed, own))
