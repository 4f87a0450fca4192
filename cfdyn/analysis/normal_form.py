"""`normal_form`: what happens beyond a flip of a fixed point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.records import Record, provenance
from cfdyn.systems import Map

DEGENERATE = 1e-10


@dataclass(frozen=True)
class NormalForm(Record):
    """ξ ↦ −ξ + c ξ³ on the centre manifold of a flip.

    ``supercritical``: True if c > 0 (a stable 2-cycle is born beyond the flip), False if c < 0 (an
    unstable 2-cycle exists before it), None if c vanishes to round-off. ``meaning`` says so. ``speed``:
    s = −dμ/d(parameter) of the multiplier at the flip.
    """

    kind: str
    coefficient: float
    supercritical: bool | None
    meaning: str
    points: np.ndarray
    speed: float


def normal_form(step: Map, z: Any, parameter: str = "lr", tolerance: float = 1e-6) -> NormalForm:
    """The flip coefficient c = ⅙⟨p, C(q,q,q)⟩ + ½⟨p, B(q, (I − A)⁻¹ B(q,q))⟩ at a fixed point.

    A = Df(z) has the simple multiplier −1 with Aq = −q, Aᵀp = −p, |q| = 1, ⟨p,q⟩ = 1; B and C are
    the second and third derivatives. For gradient descent in one dimension this is
    c = (L‴/L″)² − L⁗/(3L″), and the 2-cycle at a distance δ beyond
    the flip has the half-amplitude √(s δ/c) = √((ηL″ − 2)/c). Where I − A is
    singular (a continuum of minima) its pseudo-inverse is used.

    Parameters
    ----------
    step : the map, with its parameter at the flip (see `edge`)
    z : the fixed point, weights or full state (D,), for every value of the parameter
    parameter : what is varied; the multiplier moves through −1 at the speed −s = dμ/d(parameter)
    tolerance : how far the multiplier may be from −1

    Raises
    ------
    NumericsError : no multiplier near −1, or two of them, or derivatives that are not finite

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    >>> found = cf.analysis.normal_form(step, [1.0])
    >>> round(found.coefficient, 12), found.supercritical
    (8.0, True)

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, eq. (5.46).
    """
    state = step.state(z)
    matrix = step.jacobian(state)
    if not np.isfinite(matrix).all():
        raise NumericsError("the map has no derivative at this point")
    q, p = _eigenvectors(matrix, tolerance)
    second = step.derivative(state, q, q)
    inner = np.linalg.lstsq(np.eye(step.dim) - matrix, second, rcond=1e-10)[0]
    cubic, bent = p @ step.derivative(state, q, q, q) / 6, p @ step.derivative(state, q, inner) / 2
    coefficient = float(cubic + bent)
    if not np.isfinite(coefficient):
        raise NumericsError("the map's third derivatives are not finite at this point")
    degenerate = abs(coefficient) <= DEGENERATE * max(abs(cubic), abs(bent), 1e-300) or coefficient == 0
    supercritical = None if degenerate else coefficient > 0
    speed = _speed(step, state, parameter)
    share = float(np.linalg.norm(q[: step.n_weights]))
    meaning = _meaning(coefficient, supercritical, speed * step.params.get(parameter, np.nan), share, parameter)
    settings = provenance(map=step.title, params=step.params, point=state)
    return NormalForm("flip", coefficient, supercritical, meaning, state[None, :], speed, provenance=settings)


def _speed(step: Map, state: np.ndarray, parameter: str) -> float:
    """s = −dμ/d(parameter) of the multiplier at −1, by a central difference; NaN without such a parameter."""
    if parameter not in step.params:
        return float("nan")
    value, nearest = step.params[parameter], []
    for shift in (1 - 1e-5, 1 + 1e-5):
        values = np.linalg.eigvals(step.at(**{parameter: value * shift}).jacobian(state))
        nearest.append(float(np.real(values[np.argmin(np.abs(values + 1))])))
    return (nearest[0] - nearest[1]) / (2e-5 * value)


def _eigenvectors(matrix: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """(q, p) of the multiplier −1, normalised to |q| = 1, ⟨p,q⟩ = 1."""
    values, right = np.linalg.eig(matrix)
    near = np.flatnonzero(np.abs(values + 1) <= tolerance)
    if len(near) == 0:
        raise NumericsError(f"this is not a flip: the multipliers are {np.round(values, 6).tolist()}")
    if len(near) > 1:
        raise NumericsError(f"{len(near)} multipliers are −1 at once; the flip coefficient needs a simple one")
    q = np.real(right[:, near[0]])
    q /= np.linalg.norm(q)
    values, left = np.linalg.eig(matrix.T)
    p = np.real(left[:, np.argmin(np.abs(values + 1))])
    return q, p / (p @ q)


def _meaning(coefficient: float, supercritical: bool | None, pace: float, share: float, parameter: str) -> str:
    if supercritical is None:
        return "degenerate (its cubic term vanishes, as for a linear map)"
    if not supercritical:
        return "subcritical: an unstable 2-cycle shrinks onto the minimum before the edge; beyond it the orbit jumps away"
    size = "" if not pace > 0 else f", its half-amplitude {share * np.sqrt(pace / coefficient):.3g} √({parameter}/edge − 1)"
    return f"supercritical: just beyond the edge a stable 2-cycle is born{size}"
