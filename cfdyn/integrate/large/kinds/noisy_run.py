"""The central flow of batches: noise damped by the sharp modes of a loss of many weights, in quasi-equilibrium."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large.kinds.balance import WIDTH, balanced
from cfdyn.integrate.large.kinds.response import Beyond, Response
from cfdyn.integrate.large.mode_solver import APART, Point
from cfdyn.integrate.large.modes import orthonormal, refined
from cfdyn.integrate.large.run import BLOW_UP, SHORT, Attempt, LargeRun, Piece
from cfdyn.integrate.large.stages import advance, error, stages
from cfdyn.integrate.large.tracker import or_none
from cfdyn.integrate.options import Options
from cfdyn.systems.matrix_free.flow import Force, MatrixFreeFlow
from cfdyn.systems.sgd.second_moments import noise_share

FIRST, MORE, SPARE, MOST = 12, 6, 2, 160  # modes that are searched for at first and later, kept behind sharp ones, followed
FINE, RESTARTS = 1e-2, 12  # of a search, relative to the largest eigenvalue
SMALL = 1e-9  # relative to the largest eigenvalue of X: parts without noticeable force
LONGEST = 1.5  # of the last step: how far the force is extrapolated


class Seen:
    """At a point: X of the sharp modes, ∇⟨H, Σ⟩ (d,), followed by E g² − ḡ² (d,) if a P requires it, the damping ΔS/√(2α)."""

    def __init__(self, point: Point, x: np.ndarray, bend: np.ndarray, damping: float):
        self.point, self.x, self.bend, self.damping = point, x, bend, damping


class NoisyRun(LargeRun):
    """dw/dt = −GP⁻¹[g + ½∇⟨H, Σ⟩], Σ = R[N[Σ] + P⁻¹CP⁻¹] on the modes with GP⁻¹λ above the cut; a `LargeRun` without an edge.

    The force of Σ is evaluated once per step, extrapolated from the last two steps to the middle of the next.
    """

    def __init__(self, flow: MatrixFreeFlow, options: Options):
        if options.method != "auto":
            raise UsageError("the central map uses all rows: omit `method`, or `batch`")
        assert flow.noise is not None
        self.bend_before: np.ndarray | None = None  # a step earlier
        self.noise, self.bend, self.damping, self.least, self.below = flow.noise, np.zeros(0), math.inf, math.inf, 0.0
        n = int(flow.oracle.n_rows)  # type: ignore[attr-defined]
        self.share, self.response = noise_share(n, flow.noise.batch, flow.noise.replace), Response.of(flow)
        self.kappa = self.response.passing
        self.floor = flow.noise.cut / WIDTH / self.response.rate  # of the value of a mode that counts
        super().__init__(flow, options)

    def begin(self, z: np.ndarray) -> None:
        """Start at the weights (d,)."""
        flow, none = self.flow, np.zeros((0, self.flow.n_weights))
        flow.check(z)
        count = min(FIRST, flow.n_weights)
        while True:
            values, y = self.solver.search(z, flow.edge(z), count, none, self.options.seed, FINE, RESTARTS)
            if values[-1] <= self.floor or count == flow.n_weights:
                break
            count = self._allowed(min(2 * count, flow.n_weights))
        try:
            seen = self._seen(z, orthonormal(y, none))
        except NumericsError as trouble:
            later = ("; start where the optimizer is after more steps (warm=100, of a training warm_start=100), lower lr, or "
                     "raise `cut`") if isinstance(trouble, Beyond) else ""  # fmt: skip
            raise NumericsError(f"the start: {trouble}{later}") from None
        self.modes.begin(seen.point)
        self.x, self.bend = seen.x, seen.bend
        self.damping = self.least = seen.damping
        self.h = min(self.options.max_step, 0.5 / self.radius())

    def _allowed(self, count: int) -> int:
        if count > MOST:
            raise NumericsError(f"more than {MOST} directions are sharp by the cut of {self.noise.cut:g}: raise `cut`")
        return count

    def _seen(self, z: np.ndarray, y: np.ndarray) -> Seen:
        """The point at a state, from modes (k, d) nearby, whose memory it takes over."""
        w, point = z[: self.flow.n_weights], self._point(z, y)
        u = point.u
        slopes, bends = self._rows_along(w, u)
        balance = balanced(self.response, point.values[: point.near], slopes, bends, self.share, self.noise.cut)
        return Seen(point, balance.x, self._forces(point, balance.x), self._damping(point, balance.x, balance.loss))

    def _rows_along(self, w: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n, k = int(self.flow.oracle.n_rows), len(u)  # type: ignore[attr-defined]
        if not k:
            return np.zeros((n, 0)), np.zeros((n, 0, 0))
        slopes, bends = (np.asarray(part, dtype=float) for part in self.oracle.rows_along(w, u))
        if slopes.shape != (n, k) or bends.shape != (n, k, k):
            raise UsageError(f"rows_along of {n} rows and {k} directions gives the shapes {slopes.shape} and {bends.shape}, not "
                             f"{(n, k)} and {(n, k, k)}")  # fmt: skip
        if not (np.isfinite(slopes).all() and np.isfinite(bends).all()):
            raise NumericsError("the slopes or the Hessians of single rows are not finite")
        return slopes, bends

    def _point(self, z: np.ndarray, y: np.ndarray) -> Point:
        oracle, w, edge = self.oracle, z[: self.flow.n_weights], self.flow.edge(z)
        root, least = np.sqrt(edge.metric), self.floor
        g = oracle.gradient(w)

        def curved(rows: np.ndarray) -> np.ndarray:
            return np.array([oracle.product(w, row / root) / root for row in rows])

        def wanted(values: np.ndarray, sizes: np.ndarray) -> dict[int, float]:
            enough = {i: self.modes.angle * max(v - values[-1], APART) for i, v in enumerate(values) if v > least}
            return {i: size for i, size in enough.items() if sizes[i] > size}

        while True:
            products = curved(y)
            if not (np.isfinite(g).all() and np.isfinite(products).all()):
                raise NumericsError("the gradient or the Hessian is not finite")
            values, _ = refined(curved, y, products, wanted, 1, len(y))
            if values[-1] <= least or len(y) == len(w):
                break
            self._allowed(len(y) + MORE)
            _, more = self.solver.search(z, edge, min(MORE, len(w) - len(y)), y, self.steps + 1, FINE, RESTARTS)
            y = np.concatenate([y, orthonormal(more, y)])
        near = int((values > least).sum())
        kept = min(near + SPARE, len(y))
        return Point(z, g, edge, y[:kept].copy(), values[:kept].copy(), near)

    def _forces(self, point: Point, x: np.ndarray) -> np.ndarray:
        """∇⟨H, Σ⟩ as a sum of T[v, v] over the principal axes of Σ, followed by E g² − ḡ² if a P requires it."""
        w, u = point.z[: self.flow.n_weights], point.u
        sizes, axes = np.linalg.eigh(x) if len(x) else (np.zeros(0), x)
        pushing = [(share, axis) for share, axis in zip(sizes, axes.T, strict=True) if share > SMALL * sizes[-1]]
        bend = np.zeros(len(w))
        for share, axis in pushing:
            bend += share * self.oracle.jet(w, axis @ u)[2]
        if not self.flow.own.states:
            return bend
        turn = np.array([math.sqrt(share) * axis for share, axis in pushing]).reshape(len(pushing), len(u))
        return np.concatenate([bend, self._squares(point, turn @ u, turn * point.values[: len(u)] @ (u * point.edge.metric))])

    def _squares(self, point: Point, axes: np.ndarray, curved: np.ndarray) -> np.ndarray:
        """diag[HΣH + share·(cov of the rows' gradients + mean (H_i − H)Σ(H_i − H))], (d,), from Σ = axesᵀaxes and H axes."""
        w, decay = point.z[: self.flow.n_weights], self.flow.decay
        slopes, bends = (np.asarray(part, dtype=float) for part in self.oracle.row_squares(w, axes))
        if not (slopes.shape == bends.shape == w.shape):
            raise UsageError(f"row_squares of {len(w)} weights gives the shapes {slopes.shape} and {bends.shape}")
        if not (np.isfinite(slopes).all() and np.isfinite(bends).all()):
            raise NumericsError("the squares of single rows' gradients or Hessians are not finite")
        own, products = (point.g - decay * w) ** 2, ((curved - decay * axes) ** 2).sum(axis=0)
        return (curved**2).sum(axis=0) + self.share * (slopes - own + bends - products)

    def _force(self, forces: np.ndarray) -> Force:
        d = self.flow.n_weights
        return Force(forces[:d], forces[d:] if len(forces) > d else 0.0, float(forces[d:].sum()))

    def _off(self, off: np.ndarray, h: float) -> np.ndarray:
        """The error of a step of h whose forces were ``off``."""
        flow, point, d = self.flow, self.point, self.flow.n_weights
        wrong = (0.5 * h) * point.edge.speed * off[:d]
        if not flow.own.states:
            return wrong
        errors, edge, push = np.zeros(len(point.z)), flow.edge(point.z, point.g), self._force(off)
        errors[:d] = wrong
        for k in range(len(flow.own.states)):
            flow.block(errors, k)[:] = h * flow.spread(edge, k, push.squares, push.total)
        return errors

    def _damping(self, point: Point, x: np.ndarray, loss: float) -> float:
        """κ²(1/R − N)/(2‖∇v‖ √(κ(v − 1) X₁₁)) along the sharpest mode of value v = 2λ₁/θ, ‖·‖ by G/P; ∞ for v ≤ 1 or ∇v = 0."""
        past = float(point.values[0]) - 1.0
        if not (past > 0.0 and len(x) and x[0, 0] > 0):
            return math.inf
        third = self.oracle.jet(point.z[: self.flow.n_weights], point.u[0])[2]
        swing = past * x[0, 0] * float(third @ (point.edge.speed * third))
        if not swing > 0:  # a curvature that is the same at all weights does not oscillate
            return math.inf
        return self.kappa**2 * loss / (2.0 * math.sqrt(self.kappa * swing))

    def _attempt(self, h: float) -> Attempt:
        point, flow, bend = self.point, self.flow, self.bend
        if self.bend_before is not None:
            bend = bend + 0.5 * min(h / self.modes.last_step, LONGEST) * (bend - self.bend_before)
        push = self._force(bend)
        slope = flow.slope(point.z, point.g, push)

        def right(z: np.ndarray) -> np.ndarray:
            return flow.slope(z, self.oracle.gradient(z[: flow.n_weights]), push)

        with np.errstate(all="ignore"):
            z = advance(point.z, slope, h, stages(h, self.radius()), right)
        try:
            if not (np.isfinite(z).all() and np.abs(z).max() < BLOW_UP):
                raise NumericsError("the weights diverge")
            seen = self._seen(z, point.y.copy())
        except NumericsError as trouble:
            return Attempt(math.inf, f"the flow is not defined a step further: {trouble}")
        ends = flow.slope(z, seen.point.g, push)
        off = self._off(bend - (self.bend + seen.bend) / 2, h)
        worst = max(self._size(error(point.z, slope, z, ends, h)), self._size(off))
        return Attempt(worst, "the flow is not defined a step further: the flow is not smooth", seen, slope, ends)

    def _accept(self, tried: Attempt, h: float, cut: bool, end: float) -> None:
        seen, reached = tried.after, self._after(h, end)
        self.piece = Piece(self.t, reached, self.z, seen.point.z, tried.slope, tried.ends)
        self._take(seen.point, seen.x, h, tried.worst, cut)
        self.t, self.bend_before, self.bend = reached, self.bend, seen.bend
        self.below += h * (seen.damping <= 1.0)
        self.damping, self.least = seen.damping, min(self.least, seen.damping)

    @property
    def summary(self) -> list[str]:
        """What holds the sharpness, as a sentence."""
        if math.isinf(self.least):
            half = "ηλ₁ ≤ 1" if self.flow.of_descent else "λ₁(P⁻¹H) ≤ θ/2"
            flat = ", or λ₁ is the same at all weights," if float(self.point.values[0]) > 1.0 else ""
            return [f"not edge-held: {half}{flat} at all steps"]
        what = f"ΔS/√(2α) is at least {self.least:.3g}, {self.damping:.3g} at the end"
        if self.least > 1.0:
            return [f"not edge-held: {what}"]
        share = f"{100 * self.below / max(self.t, SHORT):.2g} %"
        return [f"edge-held for {share} of the time: {what}; below 1 Σ swings as without noise, and is an average over that"]

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the run as arrays."""
        held = np.array([self.damping, self.least, self.below])
        return {**super().snapshot(), "bend": self.bend, "bent": or_none(self.bend_before), "held": held}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore a `snapshot`, earlier or later."""
        super().restore({**arrays, "bent": np.zeros(0)})
        self.bend, self.bend_before = np.array(arrays["bend"]), np.array(arrays["bent"]) if arrays["bent"].size else None
        self.damping, self.least, self.below = (float(value) for value in arrays["held"])
