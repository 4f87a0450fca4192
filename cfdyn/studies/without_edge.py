"""Minima without an edge, where a step does not become small: the 2-cycle across the minimum, or another attractor."""

from dataclasses import dataclass

import numpy as np

from cfdyn.analysis.attractors.classify import classify
from cfdyn.cycles.rest import settled
from cfdyn.cycles.same import least_period
from cfdyn.cycles.shooting import multipliers, polish
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.minima import Minimum
from cfdyn.systems.steps import as_map

GUESS, FARTHEST = 0.5, 10.0  # of the learning rate: the distance of a point from the minimum at first, and at most
SMALLER, SAME = 10.0, 0.05  # so many times smaller, the distance in learning rates is the same up to that part
SHOWN = 3  # multipliers
BESIDE, MUCH = 1e-9, 1e4  # of the minimum's size: beside it; and a step so many times as long is long


@dataclass(frozen=True)
class Across:
    """A 2-cycle: ``distance`` of its weights from the minimum, and ``multipliers`` (D,), the largest modulus first."""

    distance: float
    multipliers: np.ndarray


def across(step: Map, minimum: Minimum, direction: np.ndarray, lr: float) -> Across | None:
    """The 2-cycle across a minimum along a direction (d,), from points at a distance GUESS · lr on either side; None if
    there is none."""
    starts = [settled(step, step.state(minimum.w + sign * GUESS * lr * direction)) for sign in (1, -1)]
    points = polish(step, np.array(starts), extent=lr)
    if points is None or not np.isfinite(points).all() or least_period(points, extent=lr, weights=step.n_weights) != 2:
        return None
    distance = float(np.abs(points[:, : step.n_weights] - minimum.w).max())
    return Across(distance, multipliers(step, points)) if distance <= FARTHEST * lr else None


def in_its_place(loss: Loss, optimizer: Optimizer, minimum: Minimum, at_all_rates: bool = False) -> str:
    """A phrase after the reason why there is no edge: the size of the 2-cycle, also at smaller rates, and its multipliers.

    Without a 2-cycle: the length of a step from near the minimum, if it is long, and the attractor of an orbit from there, also
    at a tenth of the learning rate. ``at_all_rates``: for a map that may have an edge; "" also if there is no 2-cycle at a
    tenth of the learning rate, or if no step is long.

    >>> import cfdyn as cf
    >>> loss = cf.Loss("w**2/2")
    >>> in_its_place(loss, cf.optimizers.sam(lr=0.5, rho=0.3), cf.minima(loss)[0])  # ηρ/(2 − η), (1 − η)²
    '; in its place there is a 2-cycle up to 0.1 from it (0.2 × lr), |multiplier| 0.25'
    """
    lr = optimizer.params.get("lr", 0.0)
    direction = np.linalg.eigh(loss.hessian(minimum.w))[1][:, -1]
    rates = [lr, lr / SMALLER]
    cycles = [across(as_map(loss, optimizer.at(lr=rate)), minimum, direction, rate) for rate in rates if lr > 0]
    if not cycles or cycles[0] is None or at_all_rates and cycles[1] is None:
        leap = _leap(as_map(loss, optimizer), minimum, direction, lr)
        if not lr > 0 or at_all_rates and not leap:
            return leap
        here, below = (_end(as_map(loss, optimizer.at(lr=rate)), minimum, direction, rate) for rate in rates)
        return f"{leap}; an orbit from a point {GUESS:g} × lr from it {here}; at a tenth of lr it {below}"
    ratios = [cycle.distance / rate if cycle else np.nan for cycle, rate in zip(cycles, rates, strict=True)]
    same = abs(ratios[1] - ratios[0]) <= SAME * ratios[0]
    sizes = [f"{abs(m):.4g}" for m in cycles[0].multipliers[:SHOWN]]
    return (f"; in its place there is a 2-cycle up to {cycles[0].distance:.3g} from it ({ratios[0]:.3g} × lr"
            f"{', at smaller rates too' if same else ''}), |multiplier| {', '.join(sizes)}")  # fmt: skip


def _leap(step: Map, minimum: Minimum, direction: np.ndarray, lr: float) -> str:
    """The length of a step from just next to a minimum, in words, if it does not become small; for steps without memory."""
    if step.dim > step.n_weights:
        return ""
    beside = BESIDE * (1 + float(np.abs(minimum.w).max()))
    start = minimum.w + beside * direction
    length = float(np.linalg.norm(step(start) - start))
    return (
        ""
        if not length > MUCH * beside
        else (
            f"; a step from {beside:.1g} beside it is {length:.3g} long ({length / lr:.3g} × lr), so nothing comes to rest there"
        )
    )


def _end(step: Map, minimum: Minimum, direction: np.ndarray, lr: float) -> str:
    """The attractor of an orbit from near a minimum, in words; for a cycle its width, distance and multipliers."""
    regime = classify(step, step.state(minimum.w + GUESS * lr * direction))
    if regime.kind != "cycle":
        other = {"divergent": "diverges", "undecided": f"is undecided ({regime.reason})", "fixed point": "comes to rest"}
        return other.get(regime.kind, f"is {regime.kind}")
    points = regime.points[:, : step.n_weights]
    wide = max(float(np.linalg.norm(points - point, axis=1).max()) for point in points)
    far = float(np.abs(points - minimum.w).max())
    sizes = [f"{abs(m):.4g}" for m in regime.multipliers[:SHOWN]]
    return (f"settles on a {regime.period}-cycle {wide:.3g} wide ({wide / lr:.3g} × lr) and up to {far:.3g} from it, "
            f"|multiplier| {', '.join(sizes)}")  # fmt: skip
