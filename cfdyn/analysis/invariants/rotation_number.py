"""`rotation_number`: the mean number of turns per step of an angle."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.orbits import DONE, advance, iterate
from cfdyn.records.record import Record, provenance
from cfdyn.settling.irregular import bump
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import FAR, status_text

SAME = 1e-9  # relative to an angle: the lift continues by whole periods to this accuracy


@dataclass(frozen=True)
class RotationNumber(Record):
    """``value`` (k,): turns per step of each angle, in the order of ``names``; ``error`` (k,): the difference of two segments.

    On a quasi-periodic or periodic orbit the error decreases faster than any power of n; on a chaotic one like n^(−1/2). If
    there is one angle, ``float`` returns the value.
    """

    names: tuple[str, ...]
    value: np.ndarray
    error: np.ndarray

    def __float__(self) -> float:
        return float(self.value.item())


def rotation_number(step: Map, z0: Any, n: int = 10_000, transient: int = 1000) -> RotationNumber:
    """The rotation number ρ = lim (F^n(x) − x)/(n P) of each angle, F the lift of the map: the formula as written, not wrapped.

    It is computed as the weighted Birkhoff average (1/P) Σ w_t (F(z_t) − z_t) with w_t ∝ exp(−1/(s(1 − s))), s = t/(n + 1).
    Wrapping in the formula itself (mod, floor) is undone if it removes whole periods only.

    Parameters
    ----------
    step : a map with angles, `cf.Map.from_text(…, periodic={"x": 1})`
    z0 : start, the d weights or the full state (D,)
    n : number of steps averaged over, twice
    transient : number of steps before

    Raises
    ------
    UsageError : a map without angles, or one of degree other than 1, such as 2x mod 1, which has no rotation number
    NumericsError : the orbit leaves the domain or diverges

    Examples
    --------
    >>> import cfdyn as cf
    >>> circle = cf.Map.from_text("x + W - K/(2*pi)*sin(2*pi*x)", "x", {"W": 0.5, "K": 0.9}, periodic={"x": 1})
    >>> round(float(cf.analysis.rotation_number(circle, [0.1])), 12)  # locked
    0.5
    >>> turns = cf.analysis.rotation_number(circle.at(K=0.0, W=(5**0.5 - 1) / 2), [0.1])
    >>> abs(float(turns) - (5**0.5 - 1) / 2) < 1e-12
    True

    References
    ----------
    Das, Saiki, Sander & Yorke (2017), Quantitative quasiperiodicity, Nonlinearity 30, 4111.
    """
    z = require_map(step).state(z0).copy()
    if not step.periodic:
        raise UsageError("a rotation number needs an angle: say which entry is one, with `periodic={'x': 1}`")
    if n < 2 or transient < 0:
        raise UsageError("rotation_number needs at least two steps and no negative transient")
    places = [step.names.index(name) for name in step.periodic]
    periods = np.array(list(step.periodic.values()))
    for k, period in zip(places, periods.tolist(), strict=True):
        _check_lift(step, z, k, period)
    # No angle is wrapped during iteration: contributions of others to this one would jump.
    lift = step.rule("lift").compiled
    ran, status = advance(lift, z, step.p, transient, FAR)
    weight, means, orbit = bump(n), [], np.empty((n + 1, step.dim))
    for _ in range(2):
        orbit[0] = z
        if status == DONE:
            ran, status = iterate(lift, step.p, FAR, orbit)
        if status != DONE or not np.isfinite(orbit).all():
            raise NumericsError(f"the orbit {status_text(status, ran)}, so it has no rotation number")
        means.append(weight @ np.diff(orbit[:, places], axis=0) / periods)
        z = orbit[-1]
    value, error = (means[0] + means[1]) / 2, np.abs(means[0] - means[1])
    settings = provenance(map=step.title, params=step.params, start=z0, steps=n, transient=transient)
    return RotationNumber(tuple(step.periodic), value, error, provenance=settings)


def _check_lift(step: Map, z: np.ndarray, k: int, period: float) -> None:
    """Raise an error unless the lift advances by one period when the angle in entry k does."""
    there = z.copy()
    there[k] += period
    lift = step.rule("lift")
    turns = float(lift(there, step.p)[k] - lift(z, step.p)[k]) / period
    if abs(turns - 1) > SAME * (1 + abs(z[k])):
        around = round(turns)
        what = (f"its image turns {around} times while {step.names[k]} turns once" if around else
                f"the formula wraps {step.names[k]} itself, in a way that cannot be undone")  # fmt: skip
        raise UsageError(f"the map has no rotation number: {what}")
