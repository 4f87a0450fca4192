"""`Trajectory`: the result of `solve`."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import UsageError
from cfdyn.records.record import Record


@dataclass(frozen=True)
class Event(Record):
    """At time ``t`` a flow meets ("enter") or leaves the edge, or a user's function, ``kind`` its name, crosses 0; ``rank`` modes
    are held from then on.
    """

    t: float
    kind: str
    rank: int


@dataclass(frozen=True)
class Trajectory(Record):
    """A flow's path, row by row (m rows) and, between them, as a piecewise polynomial.

    ``t`` (m,) in optimizer steps; ``z`` (m, n) the states, ``names`` of their entries, ``n_weights`` the number of
    weights; ``slopes`` (m, n) dz/dt. ``loss`` and ``sharpness`` (m,): L and λ₁(∇²L); ``edge`` (m,): 2λ₁(P⁻¹H)/θ, at most 2
    on a central flow; ``theta`` (m,): θ, 2 without momentum, None for models without P. ``covariance`` (m, d, d): Σ; ``rank``
    (m,) of it; at an event the value that holds from then on.
    ``predicted_loss``, ``predicted_grad_norm_sq`` (m,): averages L + ½⟨H, Σ⟩ and ‖∇L‖² + tr HΣH. ``events``: in order.
    ``status``: "done", or why the path ends early. ``stats``: steps, evaluations, gradient_equivalents,
    constraint_violation, complementarity, unique. ``notes``: what was changed or assumed. ``starts``, ``sizes`` and
    ``polynomials`` are the pieces. ``lead``: the number of steps by which w(t) is ahead of the time average at t; ``discrete``:
    whether the model is a map, whose iterates oscillate themselves. With noise, else None: ``radius`` (m,), the mean-square
    radius of directions with ηλ > 0.1; ``damping`` (m,): ΔS/√(2α), below 1 where the edge holds the sharpness, ∞ where ηS ≤ 1;
    ``neglected`` (m,): what the largest omitted term would add to tr Σ, over tr Σ, flat directions not counted; ``flat`` (m, d,
    d): with ``flat=True`` the part of Σ along flat directions, which ``covariance`` includes, and ``shift`` (m, d): by how much
    that part moves the mean of the runs from w; the averages include both.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.8)
    >>> path = cf.solve(cf.flows.central(loss, gd), [1.5, 0.3], t=10)
    >>> path(2.0).round(6), round(float(path.sharpness[-1]), 9), path.status
    (array([1.464   , 0.636739]), 2.5, 'done')
    """

    flow: str
    t: Annotated[np.ndarray, "m"]
    z: Annotated[np.ndarray, "m n"]
    slopes: Annotated[np.ndarray, "m n"]
    names: Annotated[tuple[str, ...], "n"]
    n_weights: int
    loss: Annotated[np.ndarray, "m"]
    sharpness: Annotated[np.ndarray, "m"]
    edge: Annotated[np.ndarray, "m"]
    covariance: Annotated[np.ndarray, "m d d"]
    rank: Annotated[np.ndarray, "m"]
    predicted_loss: Annotated[np.ndarray, "m"]
    predicted_grad_norm_sq: Annotated[np.ndarray, "m"]
    events: list[Event]
    status: str
    stats: dict
    notes: list[str]
    starts: Annotated[np.ndarray, "k"]
    sizes: Annotated[np.ndarray, "k"]
    polynomials: Annotated[np.ndarray, "k * n"]
    lead: float = 0.0
    discrete: bool = False
    theta: Annotated[np.ndarray | None, "m"] = None
    radius: Annotated[np.ndarray | None, "m"] = None
    damping: Annotated[np.ndarray | None, "m"] = None
    neglected: Annotated[np.ndarray | None, "m"] = None
    flat: Annotated[np.ndarray | None, "m d d"] = None
    shift: Annotated[np.ndarray | None, "m d"] = None

    @property
    def w(self) -> np.ndarray:
        """The weights, (m, d)."""
        return self.z[:, : self.n_weights]

    def state(self, t: Any) -> np.ndarray:
        """The state at any time of the path, (n,) for a number and (m, n) for m times.

        Raises
        ------
        UsageError : a time outside the path
        """
        from cfdyn.integrate._kernels.steppers.dense import sample

        times = vector("a time", t)
        if not len(self.starts):
            end = float(self.t[0]) if len(self.t) else 0.0
            if not (times == end).all():
                raise UsageError(f"this path is the single time {end:g}")
            states = np.repeat(self.z[:1], len(times), axis=0)
        else:
            end = self.starts[-1] + self.sizes[-1]
            way = 1.0 if end >= self.starts[0] else -1.0  # of a path into the past steps have negative sizes
            first, ways = way * self.starts[0], way * times
            if not ((ways >= first) & (ways <= way * end + 1e-14 * abs(end))).all():
                raise UsageError(f"this path goes from t = {self.starts[0]:g} to {end:.12g}")
            piece = np.clip(np.searchsorted(way * self.starts, ways, side="right") - 1, 0, len(self.starts) - 1)
            theta = np.minimum((times - self.starts[piece]) / self.sizes[piece], 1.0)
            states = sample(self.polynomials[piece], theta)
        return states[0] if np.ndim(t) == 0 else states

    def on_clock(self, begin: float, sign: int) -> "Trajectory":
        """The path from time 0 on as one that starts at ``begin`` and runs into the future (1) or the past (−1)."""
        events = [replace(event, t=begin + sign * event.t) for event in self.events]
        return replace(self, t=begin + sign * self.t, starts=begin + sign * self.starts, sizes=sign * self.sizes,
                       slopes=sign * self.slopes, events=events)  # fmt: skip

    def __call__(self, t: Any) -> np.ndarray:
        """The weights at any time of the path: dense output, (d,) for a number and (m, d) for m times."""
        return self.state(t)[..., : self.n_weights]
