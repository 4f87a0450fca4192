"""The rows of a path: readings of a run at its steps, and between them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from cfdyn.integrate.large.modes import top
from cfdyn.integrate.large.record import LargeTrajectory
from cfdyn.integrate.large.run import LargeRun, Piece

MORE, ASTRAY = 8, 0.1  # products for the sharpness of a flow without oscillations, from its mode and this fraction of others
MOST_BYTES = 2**31  # largest size of states at rows that were not requested individually


class Reading(NamedTuple):
    """At one time: θ, the edge (2λ₁/θ), sharpness, eigenvalues (k,) of P⁻¹H, those of Σ (r,), ½⟨H, Σ⟩ and ‖g‖² + tr HΣH."""

    theta: float
    edge: float
    sharpness: float
    eigenvalues: np.ndarray
    variances: np.ndarray
    more_loss: float
    squares: float


def reading(run: LargeRun) -> Reading:
    """The readings of a run at its present time: of the loss alone, without the penalty that weight decay represents."""
    point, theta, decay = run.point, run.theta, run.flow.decay
    factors, x = run.covariance_factors
    k, curved, g = len(x), run.curved(factors) - decay * factors, point.g - decay * run.w
    gram = factors @ factors.T
    half = _root(x) if np.isfinite(x).all() else x
    sizes = np.linalg.eigvalsh(half @ gram @ half)[::-1] if k and half is not x else np.zeros(0)
    sizes = sizes[sizes > 1e-9 * max(sizes.max(initial=0.0), 1e-300)]
    squares = float(g @ g) + float(np.sum(x * (curved @ curved.T)))
    values = run.eigenvalues
    edge = 2 * float(values[0]) / theta if len(values) else np.nan
    sharpness = edge * float(point.edge.metric) - decay if np.ndim(point.edge.metric) == 0 else np.nan
    return Reading(theta, edge, sharpness, values, sizes, float(np.sum(x * (factors @ curved.T))) / 2, squares)


def looked_at(run: LargeRun, z: np.ndarray, what: Reading) -> Reading:
    """The readings of a state of the run's last step: ``what``, with the largest eigenvalue from `sharpest` if inexact."""
    if _exact(run):
        return what
    edge = run.flow.edge(z)
    theta, value = run.flow.theta(edge), sharpest(run, z)
    sharpness = 2 * value / theta * float(edge.metric) - run.flow.decay if np.ndim(edge.metric) == 0 else np.nan
    others = what.eigenvalues[1:] if run.flow.kind == "central" else what.eigenvalues[:0]
    values = np.sort(np.append(others, value))[::-1]
    return what._replace(theta=theta, edge=2 * value / theta, sharpness=sharpness, eigenvalues=values)


def _exact(run: LargeRun) -> bool:
    """Whether the largest of a run's own eigenvalues are exact: if there are oscillations, and if they are near."""
    kind = run.flow.kind
    if kind not in ("plain", "central") or not len(run.point.y):
        return True
    return kind == "central" and (run.point.near > 0 or len(run.solver.neutral) > 0)


def sharpest(run: LargeRun, z: np.ndarray | None = None) -> float:
    """λ₁(P⁻¹H) of a run, or at a state z of its last step. Away from the edge a flow tracks its mode only as accurately as its
    steps require, and the direction of an edge flow may be another one: this uses further products from that mode and a little of
    all others, a reading, which is not counted.
    """
    turning = run.flow.kind == "edge"
    if _exact(run) and not turning:
        return float(run.eigenvalues[0]) if len(run.eigenvalues) else np.nan
    z = run.z if z is None else z
    flow, edge, y = run.flow, run.flow.edge(z), run.point.y[0]
    w, root = z[: flow.n_weights], np.sqrt(edge.metric)
    astray = np.random.default_rng(0).standard_normal(len(y)) * (ASTRAY / math.sqrt(len(y)))

    def product(rows: np.ndarray) -> np.ndarray:
        v = rows[0] / root
        return ((np.asarray(flow.oracle.hvp(w, v)) + flow.decay * v) / root)[None]

    return top(product, y + astray, np.zeros((0, len(y))), 2 * MORE if turning else MORE) * flow.theta(edge) / 2


def _root(x: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(x) if len(x) else (np.zeros(0), x)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


class Rows:
    """Collects rows at given times, or at the ends of all steps, of which it keeps every second one when there are too many."""

    def __init__(self, run: LargeRun, times: np.ndarray | None):
        self.run, self.times, self.every, self.seen = run, times, 1, 0
        self.t: list[float] = []
        self.z: list[np.ndarray] = []
        self.readings: list[Reading] = []
        self.last = reading(run)
        if times is None:
            self._add(run.t, run.z, self.last)
        elif len(times) and times[0] == 0.0:
            self._add(0.0, run.z, self.last)

    def after(self, piece: Piece) -> None:
        """Record the rows of a step."""
        now = reading(self.run)
        if self.times is None:
            self.seen += 1
            if self.seen % self.every == 0:
                self._add(piece.t1, piece.z1, now)
            if len(self.z) * piece.z1.nbytes > MOST_BYTES and len(self.z) > 2:
                self.every *= 2
                self.t, self.z, self.readings = self.t[::2], self.z[::2], self.readings[::2]
        else:
            first = len(self.t)
            while first < len(self.times) and self.times[first] <= piece.t1:
                t = float(self.times[first])
                share = (t - piece.t0) / (piece.t1 - piece.t0)
                self._add(t, between(piece, share), now if share == 1.0 else _mixed(self.last, now, share))
                first += 1
        self.last = now

    def _add(self, t: float, z: np.ndarray, what: Reading) -> None:
        self.t.append(t)
        self.z.append(z)
        self.readings.append(looked_at(self.run, z, what))

    def record(self, status: str, provenance: dict) -> LargeTrajectory:
        """All rows."""
        run, flow, d = self.run, self.run.flow, self.run.flow.n_weights
        if self.times is None and self.t[-1] < run.t:
            self._add(run.t, run.z, reading(run))
        loss = np.array([run.oracle.value(z[:d]) for z in self.z])
        factors, x = run.covariance_factors
        names = ("sharpness", "edge", "theta", "more_loss", "squares")
        columns = {name: np.array([getattr(r, name) for r in self.readings]) for name in names}
        thinned = [f"of the ends of the steps every {self.every}th is kept"] if self.every > 1 else []
        return LargeTrajectory(
            flow=flow.title, t=np.array(self.t), z=np.array(self.z).reshape(-1, flow.dim), n_weights=d,
            sharpness=columns["sharpness"], edge=columns["edge"], theta=columns["theta"],
            eigenvalues=_padded([r.eigenvalues for r in self.readings]), variances=_padded([r.variances for r in self.readings]),
            rank=np.array([len(r.variances) for r in self.readings], dtype=int), loss=loss,
            predicted_loss=loss + columns["more_loss"], predicted_grad_norm_sq=columns["squares"],
            factors=factors, oscillation=x, events=list(run.events), status=status,
            stats=statistics(run), notes=[*run.notes, *run.summary, *flow.remarks, *thinned], provenance=provenance,
        )  # fmt: skip


def between(piece: Piece, share: float) -> np.ndarray:
    """The state at a fraction of a step, by the cubic through its ends and slopes."""
    if share == 1.0:
        return piece.z1
    h, rest = piece.t1 - piece.t0, 1.0 - share
    along = piece.z0 * (1 + 2 * share) * rest**2 + piece.z1 * share**2 * (3 - 2 * share)
    return along + h * share * rest * (rest * piece.f0 - share * piece.f1)


def _mixed(a: Reading, b: Reading, share: float) -> Reading:
    """Linear interpolation; eigenvalues and variances that only one of the two has count as NaN and as 0."""
    k, r = min(len(a.eigenvalues), len(b.eigenvalues)), max(len(a.variances), len(b.variances))
    sizes = [np.concatenate([x.variances, np.zeros(r - len(x.variances))]) for x in (a, b)]
    values = (1 - share) * a.eigenvalues[:k] + share * b.eigenvalues[:k]
    numbers = {name: (1 - share) * getattr(a, name) + share * getattr(b, name)
               for name in ("theta", "edge", "sharpness", "more_loss", "squares")}  # fmt: skip
    return Reading(eigenvalues=values, variances=(1 - share) * sizes[0] + share * sizes[1], **numbers)


def _padded(rows: list[np.ndarray]) -> np.ndarray:
    out = np.full((len(rows), max((len(row) for row in rows), default=0)), np.nan)
    for line, row in zip(out, rows, strict=True):
        line[: len(row)] = row
    return out


def statistics(run: LargeRun) -> dict[str, Any]:
    """The cost of a run and how accurately it held the edge."""
    counts, costs = run.oracle.counts, run.oracle.costs()
    names = {"gradient": "gradients", "products": "products", "third": "curvature_gradients", "jet": "jets", "value": "values",
             "rows": "directions_by_row", "squares": "squares_by_row"}  # fmt: skip
    asked = {names[kind]: n for kind, n in counts.items() if kind != "value"}
    return {
        "steps": run.steps, "rejected": run.rejected, **asked,
        **{f"cost_{names[kind]}": cost for kind, cost in costs.items() if kind not in ("value", "gradient")},
        "gradient_equivalents": run.oracle.equivalents(), "constraint_violation": run.worst,
    }  # fmt: skip
