"""The cycles at rows of a curve of bifurcations: their multipliers, and test functions of points of codimension two."""

from functools import cached_property

import numpy as np

from cfdyn.continuation._kernels.critical import CONDITION, PAIR
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.cycles._kernels.shooting import condense
from cfdyn.cycles.shooting import eigenvalues
from cfdyn.kernels.rows import evaluate_moved

ZERO = 1e-11  # of a test function, and of the parts that a coefficient is the sum of: rounding
SPLIT = 1e-5  # of det(C + μE)'s matrix, whose rows are of length 1: singular values that vanish
ON_CIRCLE, COMPLEX = 1e-6, 1e-9  # of a modulus to 1; of an imaginary part
BESIDE = 1e-8  # how far from a border it is seen whether the map jumps
ASIDE = 1e-100  # of an imaginary part: its square is 0


class Condensed:
    """The multipliers of cycles with the Jacobians (rows, n, D, D), whose product is never formed."""

    def __init__(self, matrices: np.ndarray):
        self.sign, self.own, self.following = condense(matrices)
        self._known: dict[float, np.ndarray] = {}

    @cached_property
    def multipliers(self) -> np.ndarray:
        """(rows, D), the largest modulus first; complex if any is."""
        return eigenvalues(self.own, self.following)

    def characteristic(self, at: float) -> np.ndarray:
        """det(μI − M) at ±1, (rows,), scaled to be smooth and bounded; 0 where it is round-off."""
        return _rounded(self.sign * self._determinants(at).real)

    def slope(self, at: float) -> np.ndarray:
        """The derivative of `characteristic`, by a complex step, which loses no digits."""
        return _rounded(self.sign * self._determinants(at).imag / ASIDE)

    def _determinants(self, at: float) -> np.ndarray:
        if at not in self._known:
            matrices = self.own + (at + 1j * ASIDE) * self.following
            self._known[at] = _of_plane(matrices) if matrices.shape[1] == 2 else np.linalg.det(matrices)
        return self._known[at]

    def split(self, at: float) -> np.ndarray:
        """True if two multipliers ±1 have two eigenvectors, (rows,)."""
        return np.linalg.svd(self.own + at * self.following, compute_uv=False)[:, -2:].max(axis=1) < SPLIT


def _of_plane(matrices: np.ndarray) -> np.ndarray:
    return matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0]


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.where(np.abs(values) <= ZERO, 0.0, values)


def pairs(multipliers: np.ndarray) -> np.ndarray:
    """∏ (μ_i μ_j − 1) of multipliers (…, D): 0 where two of them have the product 1."""
    i, j = np.triu_indices(multipliers.shape[-1], 1)
    factors = multipliers[..., i] * multipliers[..., j] - 1
    return np.prod(factors, axis=-1).real if len(i) else np.zeros(factors.shape[:-1])


def on_circle(multipliers: np.ndarray) -> bool:
    """True if a complex multiplier has modulus 1, to the accuracy of a root of `pairs`."""
    return bool(np.any((np.abs(np.abs(multipliers) - 1) < ON_CIRCLE) & (np.abs(multipliers.imag) > COMPLEX)))


class Cycles:
    """The cycles at rows of unknowns ``z`` (rows, m) of a curve."""

    def __init__(self, tracer: CurveTracer, z: np.ndarray):
        self.tracer, self.z, self.points = tracer, z, tracer.points(z)
        names = list(tracer.step.params)
        self._places = np.array([names.index(name) for name in tracer.names])

    def __len__(self) -> int:
        return len(self.z)

    def evaluate(self, rule: str, *directions: np.ndarray) -> np.ndarray:
        """A rule of the map (rows, n, ·) at the points, or at points and directions (rows, n, D)."""
        return self.evaluate_at(np.concatenate([self.points, *directions], axis=2) if directions else self.points, rule)

    def evaluate_at(self, inputs: np.ndarray, rule: str) -> np.ndarray:
        """The same at given points."""
        step = self.tracer.step
        return evaluate_moved(step.rule(rule), inputs, step.p, self._places, np.ascontiguousarray(self.z[:, -2:]))

    @cached_property
    def matrices(self) -> np.ndarray:
        """Df at the points, (rows, n, D, D)."""
        return self.evaluate("jacobian").reshape(*self.points.shape, -1)

    @cached_property
    def sides(self) -> list[Condensed]:
        """The multipliers, or at a border collision those on either side of the border."""
        if self.tracer.kind != "border collision":
            return [Condensed(self.matrices)]
        first = (at_border(self, side) for side in (-1, 1))
        return [Condensed(np.concatenate([matrices[:, None], self.matrices[:, 1:]], axis=1)) for matrices in first]

    @property
    def multipliers(self) -> np.ndarray:
        """The multipliers (rows, D), at a border collision those where the switching function is negative."""
        return self.sides[0].multipliers

    @np.errstate(all="ignore")
    def hold(self) -> np.ndarray:
        """Whether f maps each point to the next, to round-off, and the multiplier is critical, (rows,)."""
        size, steepness = np.abs(self.points).max(axis=(1, 2)), np.abs(self.matrices).max(axis=(1, 2, 3))
        gap = np.abs(self.evaluate("step") - np.roll(self.points, -1, axis=1)).max(axis=(1, 2))
        closed = gap <= 1e-8 * (1e-3 + size) + 1e-13 * steepness * size
        if self.tracer.form == CONDITION:
            return closed
        mu = self.multipliers
        away = np.abs(mu * mu - 2 * self.z[:, -3, None] * mu + 1 if self.tracer.form == PAIR else mu - self.tracer.nu)
        return closed & (np.where(np.isfinite(away), away, np.inf).min(axis=1) <= 1e-4)

    def others(self) -> np.ndarray:
        """All multipliers but the critical ones, of each row."""
        kind, mu = self.tracer.kind, self.multipliers
        if kind in ("fold", "flip", "branch point"):
            return _without_nearest(mu, np.abs(mu - self.tracer.nu), 1)
        if kind == "neimark-sacker":
            return _without_nearest(mu, np.abs(mu * mu - 2 * self.z[:, -3, None] * mu + 1), 2)
        return mu


def at_border(cycles: Cycles, side: int) -> np.ndarray:
    """Df (rows, D, D) at the first points, on one side of their border: its function is < 0 there, or > 0.

    NaN where the map jumps and the cycle is not on that side, and where other points of the cycle are on borders too:
    whether they pass them together is not known.
    """
    held, (rows, n, d), first = cycles.tracer.held, cycles.points.shape, cycles.points[:, :1]
    matrices = np.full((rows, d, d), np.nan)
    if held[1:].any():
        return matrices
    slopes = np.zeros((rows, len(held[0]), d))
    for j in np.flatnonzero(held[0]):
        slopes[:, j] = cycles.evaluate_at(first, f"switching:{j}")[:, 0, 1:]
    normal = slopes[:, int(np.argmax(held[0]))]
    signs = (side * np.sign((slopes * normal[:, None]).sum(axis=2))).astype(int)
    for pattern in np.unique(signs, axis=0):
        beside = cycles.evaluate_at(first, "side:" + "".join("0+-"[sign] for sign in pattern))
        matrices = np.where((signs == pattern).all(axis=1)[:, None, None], beside.reshape(rows, d, d), matrices)
    # Where the map jumps the cycle is there on one side only.
    sizes = np.linalg.norm(normal, axis=1, keepdims=True)
    aside = first + (side * BESIDE * normal / np.where(sizes == 0, 1.0, sizes))[:, None]
    gap = np.abs(cycles.evaluate_at(aside, "step")[:, 0] - cycles.points[:, 1 % n]).max(axis=1)
    together = gap <= 1e3 * BESIDE * (1 + np.abs(matrices).max(axis=(1, 2)))
    return np.where(together[:, None, None], matrices, np.nan)


def _without_nearest(mu: np.ndarray, away: np.ndarray, count: int) -> np.ndarray:
    order = np.argsort(away, axis=1, kind="stable")[:, count:]
    return np.take_along_axis(mu, np.sort(order, axis=1) if count == 1 else order, axis=1)
