"""The rod flow of a loss of many weights: a centre and the low-rank covariance of its oscillation, by stabilised steps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large.kinds.swung import Rounded, Swung
from cfdyn.integrate.large.mode_solver import Point, Wanted
from cfdyn.integrate.large.modes import orthonormal
from cfdyn.integrate.large.run import BLOW_UP, TOO_LARGE, Attempt, LargeRun, Piece
from cfdyn.integrate.large.stages import advance, error, stages
from cfdyn.integrate.options import Options
from cfdyn.systems.matrix_free.rod_flow import MatrixFreeRodFlow

FEWER = 0.01  # of rtol: eigenvalues of Σ, relative to its norm, that are left out in a unit of time
MOST, FIRST = 32, 4  # rods, or modes of the Hessian; modes that are searched for at the start
SLOW, AHEAD = 1.7, 1.8  # ηλ of modes whose oscillation decays slowly or grows; of the last mode: another one is searched for
MARGIN, TURN = 1.1, 2.5  # of the largest curvature; of Σ, which decays at the rate 2
NONE = np.zeros((0, 0))


class RodRun(LargeRun):
    """Steps of (w̄, Σ) with error control, Σ = Σᵢ sᵢsᵢᵀ by its rods; the tracked modes determine the sharpness, and
    where small rods matter.
    """

    flow: MatrixFreeRodFlow

    def __init__(self, flow: MatrixFreeRodFlow, options: Options):
        if options.method != "auto":
            raise UsageError("the central map exists for the central flow only: omit `method`")
        self.cut = FEWER * options.rtol
        super().__init__(flow, options)

    def begin(self, z: np.ndarray) -> None:
        """Start at a centre with rods appended to it."""
        d, none = self.flow.n_weights, np.zeros((0, self.flow.n_weights))
        w, rods = z[:d].copy(), z[d:].reshape(-1, d)
        self.flow.check(w)
        _, y = self.solver.search(w, self.flow.edge(w), min(FIRST, d), none, self.options.seed, 1e-3, 30)
        self.modes.begin(self._seen(w, orthonormal(y, none)))
        self.swing = self._rounded(Swung(w, [(rods, np.ones(len(rods)))]))
        self.velocity = self._velocity(w, self.swing, self.point.g)
        if not np.isfinite(self.velocity.w).all():
            raise NumericsError("the flow is not defined at the start; start elsewhere")
        self.h = min(self.options.max_step, 0.5 / self.radius())

    def _seen(self, w: np.ndarray, y: np.ndarray) -> Point:
        """The point at weights, from modes nearby, whose memory it takes over."""
        return self.solver.at(w, y, Wanted(0, np.full(len(y), -math.inf), self.modes.angle, self.modes.angle))

    def _rounded(self, z: Swung, h: float = 1.0) -> Rounded:
        """Σ without small parts: a short step adds little, and a part that is omitted each time never grows."""
        grows = self.point.values > (SLOW if self.flow.rods == "all" else math.inf)  # a single rod does not grow from small ones
        rounded = z.round(self.cut * min(h, 1.0), self.point.y[grows])
        if len(rounded.sizes) > MOST:
            raise NumericsError(f"more than {MOST} rods are longer than {math.sqrt(self.cut):.1g} of the longest: raise `rtol`")
        return rounded

    def _velocity(self, w: np.ndarray, swing: Rounded, g: np.ndarray | None = None) -> Swung:
        drift, grown = self.flow.velocity(w, swing.rods, self.oracle.gradient, self.oracle.product, g)
        return Swung(drift, [(swing.axes, -2 * swing.sizes), (grown, np.ones(len(grown)))])

    @property
    def covariance_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """U (r, d), orthonormal, and X (r, r), diagonal, of Σ = UᵀXU."""
        return self.swing.axes, np.diag(self.swing.sizes)

    def curved(self, u: np.ndarray) -> np.ndarray:
        """H with each row of U; a reading, which is not counted."""
        return np.array([np.asarray(self.flow.oracle.hvp(self.w, v)) + self.flow.decay * v for v in u]).reshape(u.shape)

    def _guard(self) -> None:
        point = self.point
        if point.values[-1] > AHEAD and len(point.y) < min(MOST, self.flow.n_weights):
            self.modes.search_more(1, self.steps, self.rank)
        self.modes.guard(self.steps, self.rank)

    def radius(self) -> float:
        """A bound on the decay of w̄ and Σ, per unit of time."""
        top = MARGIN * float(self.point.values[0] + max(0.0, self.modes.trend[0]) * self.h)
        return max(top + top**2 / 2 if self.flow.rods == "top" else top, TURN)

    def _error(self, off: Swung, lost: float) -> float:
        """The larger of the errors of w̄ and Σ, in tolerances; a rod's is half that of its square."""
        rtol, atol = self.options.rtol, self.options.atol
        centre = float(np.linalg.norm(off.w)) / (atol + rtol * float(np.linalg.norm(self.w)))
        return max(centre, (off.size + lost) / (atol**2 + 2 * rtol * float(np.linalg.norm(self.swing.sizes))))

    def _tried(self, h: float) -> tuple[Swung, Rounded, Swung, float]:
        """State, rods and velocity after a step, and its error in tolerances; a NumericsError if they are undefined."""
        begin = Swung(self.w, [(self.swing.axes, self.swing.sizes)])

        def right(z: Swung) -> Swung:
            return self._velocity(z.w, self._rounded(z, h))

        with np.errstate(all="ignore"):
            z = advance(begin, self.velocity, h, stages(h, self.radius()), right)
            if not (np.isfinite(z.w).all() and np.abs(z.w).max() < BLOW_UP):
                raise NumericsError("weights or gradients diverge or are not finite")
            swing = self._rounded(z, h)
            after = self._velocity(z.w, swing)
            return z, swing, after, self._error(error(begin, self.velocity, z, after, h), swing.lost)

    def _attempt(self, h: float) -> Attempt:
        why = "the flow does not go a step further"
        try:
            z, swing, velocity, worst = self._tried(h)
            seen = self._seen(z.w, self.point.y.copy()) if worst <= TOO_LARGE else None
        except (NumericsError, np.linalg.LinAlgError) as trouble:
            return Attempt(math.inf, f"{why}: {trouble}")
        return Attempt(worst, f"{why}: the flow is not smooth", (seen, swing, velocity), self.velocity.w, velocity.w)

    def _accept(self, tried: Attempt, h: float, cut: bool, end: float) -> None:
        (after, swing, velocity), reached = tried.after, self._after(h, end)
        self.piece = Piece(self.t, reached, self.z, after.z, tried.slope, tried.ends)
        self.swing, self.velocity = swing, velocity
        self._take(after, NONE, h, tried.worst, cut)
        self.t = reached

    @property
    def rank(self) -> int:
        """The number of rods, once a step is done."""
        return len(self.swing.sizes) if self.steps else 0

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of the run as arrays."""
        (_, (grown, _)) = self.velocity.blocks
        return {**super().snapshot(), "sizes": self.swing.sizes.copy(), "axes": self.swing.axes.copy(),
                "velocity": self.velocity.w.copy(), "grown": grown.copy()}  # fmt: skip

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Restore a `snapshot`, earlier or later."""
        super().restore(arrays)
        sizes, axes, drift, grown = (np.array(arrays[name]) for name in ("sizes", "axes", "velocity", "grown"))
        self.swing = Rounded(sizes, axes, 0.0)
        self.velocity = Swung(drift, [(axes, -2 * sizes), (grown, np.ones(len(grown)))])
