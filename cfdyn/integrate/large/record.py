"""`LargeTrajectory`: the result of `solve` for a loss that is not a formula."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.integrate.trajectory import Event
from cfdyn.records.record import Record


# Apart from `Trajectory`, which has Σ as d² numbers a row and steps as polynomials of degree 7.
@dataclass(frozen=True)
class LargeTrajectory(Record):
    """A flow's path, row by row (m rows), for a loss that is not a formula; Σ is stored by its factors.

    ``t`` (m,) in optimizer steps; ``z`` (m, n) the states, ``w`` (m, d) the weights, their first entries. ``eigenvalues`` (m, k):
    the largest ones of P⁻¹H, as many as were tracked, NaN where fewer were; ``theta`` (m,): the edge θ that they stay below;
    ``edge`` (m,): 2λ₁(P⁻¹H)/θ, at most 2 on a central flow; ``sharpness`` (m,): λ₁(H) if P is a number, else NaN.
    ``variances`` (m, r): eigenvalues of Σ, descending, padded with NaN; ``rank`` (m,): their number. ``loss`` (m,), and the
    averages ``predicted_loss`` L + ½⟨H, Σ⟩ and ``predicted_grad_norm_sq`` ‖g‖² + tr HΣH. Between the ends of steps the states are
    interpolated by cubics, the other readings by straight lines; the loss is that of the state.

    ``events``: a mode meets ("enter") or leaves the edge, to the accuracy of a step; the step ends there if the path has a kink.
    A mode has left once it is farther than 10 ``rtol`` of the edge below it, or has had no part in Σ for 4 steps, not counting
    those that take it back to the edge; "leave" is then listed at the time at which it lost that part. A mode that returns sooner
    is not an event: held modes may move that far off the edge between steps. ``status``: "done", or why the path ends early.
    ``stats``: ``steps``, ``rejected``, ``gradients``, ``products`` with H,
    ``curvature_gradients`` T[u, v], ``jets`` (g, Hu, T[u, u] at once), the cost of one of these in gradients by processor time
    (``cost_…``; 2 and 5 if too few were timed), ``gradient_equivalents`` of all, excluding values of the loss at rows and,
    where nothing oscillates, the eight products per row that determine its sharpness; ``constraint_violation``, of the edge.
    ``notes``: what was changed or assumed. ``factors`` (f, d) and ``oscillation`` (f, f): U and X of Σ = UᵀXU at the last row.
    For a rod flow ``z`` is the centre alone, ``rank`` the number of rods and √X U the rods; the products in ½⟨H, Σ⟩ and HΣH are
    readings, which are not counted.
    """

    flow: str
    t: Annotated[np.ndarray, "m"]
    z: Annotated[np.ndarray, "m n"]
    n_weights: int
    sharpness: Annotated[np.ndarray, "m"]
    edge: Annotated[np.ndarray, "m"]
    theta: Annotated[np.ndarray, "m"]
    eigenvalues: Annotated[np.ndarray, "m k"]
    variances: Annotated[np.ndarray, "m r"]
    rank: Annotated[np.ndarray, "m"]
    loss: Annotated[np.ndarray, "m"]
    predicted_loss: Annotated[np.ndarray, "m"]
    predicted_grad_norm_sq: Annotated[np.ndarray, "m"]
    factors: Annotated[np.ndarray, "f d"]
    oscillation: Annotated[np.ndarray, "f f"]
    events: list[Event]
    status: str
    stats: dict
    notes: list[str]
    lead: float = 0.0
    discrete: bool = False

    @property
    def w(self) -> np.ndarray:
        """The weights, (m, d)."""
        return self.z[:, : self.n_weights]
