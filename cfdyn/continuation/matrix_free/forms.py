"""The coefficient of a flip of a fixed point on a matrix-free branch, by derivatives along its eigenvector."""

from typing import NamedTuple

import numpy as np

from cfdyn.continuation.matrix_free.system import Place
from cfdyn.cycles.matrix_free import Steps
from cfdyn.errors import NumericsError
from cfdyn.normal_forms.by_kind import DEGENERATE, words_of_flip
from cfdyn.normal_forms.homological import derivatives

STEPS = (1e-3, 2e-3)  # of the size of the state: differences of products, where there are no derivatives
AGREE = 1e-2  # of the coefficient: what it may change between them
NEARBY = 1e-5  # of the parameter: for the speed of the multiplier
UNRESOLVED = "its cubic term is not resolved by differences of Hessian-vector products"


class FlipForm(NamedTuple):
    """c of N(ξ) = −ξ + c ξ³, whether the flip is supercritical, and this in words."""

    coefficient: float | None
    supercritical: bool | None
    meaning: str


def flip_form(steps: Steps, place: Place, mu: float, q: np.ndarray, hyperbolic: bool) -> FlipForm:
    """The normal form of a flip at z = (x, λ) with the eigenvector q, |q| = 1.

    c = ⅙⟨p, C(q,q,q) + 3B(q,h)⟩ with (M − I)h = −B(q,q): see `cfdyn.normal_forms.coefficients.flip`.
    """
    try:
        p = place.linear.left(mu, q)
    except NumericsError as error:
        return FlipForm(None, None, f"no coefficient: {error}")
    forms = [_coefficient(steps, place, q, p, share) for share in (STEPS if steps.step.compiled is None else STEPS[:1])]
    c, size = forms[0]
    if not np.isfinite(c):
        return FlipForm(None, None, "the map's third derivatives are not finite at this point")
    if len(forms) > 1 and abs(c - forms[1][0]) > AGREE * abs(c):
        return FlipForm(None, None, UNRESOLVED)
    supercritical = None if abs(c) <= DEGENERATE * size else c > 0
    pace, weights = _speed(steps, place, q, p) * float(place.z[-1]), steps.step.n_weights
    share = float(np.linalg.norm(q[:weights]))
    words = words_of_flip(supercritical, hyperbolic, steps.step.has_loss, pace, c, share, steps.parameter)
    return FlipForm(c, supercritical, words)


def _coefficient(
    steps: Steps, place: Place, q: np.ndarray, p: np.ndarray, share: float
) -> tuple[float, float]:  # fmt: skip
    """(c, the larger of its two parts)."""
    z = place.z
    if (code := steps.step.compiled) is not None:
        step, x = code.at(**{steps.parameter: float(z[-1])}), z[None, :-1]
        curvature = derivatives(step, x, q[None], q[None])[0]  # B(q,q)
        h = place.linear.solve(-curvature).x
        cubic = derivatives(step, x, q[None], q[None], q[None])[0]
        mixed = derivatives(step, x, q[None], h[None])[0] if h.any() else np.zeros(len(h))
    else:
        eps = share * max(1.0, float(np.abs(z[:-1]).max())) / float(np.abs(q).max())
        up, here, down = (_product(steps, z, s * eps * q, q) for s in (1, 0, -1))
        curvature, cubic = (up - down) / (2 * eps), (up - 2 * here + down) / eps**2
        h = place.linear.solve(-curvature).x
        size = float(np.abs(h).max())
        away = eps * float(np.abs(q).max()) / size * h if size > 0 else h
        mixed = (_product(steps, z, away, q) - _product(steps, z, -away, q)) * (0.5 * size / (eps * float(np.abs(q).max())))
    parts = float(p @ cubic) / 6, float(p @ mixed) / 2
    return sum(parts), max(map(abs, parts))


def _product(steps: Steps, z: np.ndarray, away: np.ndarray, q: np.ndarray, shift: float = 0.0) -> np.ndarray:
    return steps.at(z[:-1] + away, float(z[-1]) + shift).product(q[None])[0]


def _speed(steps: Steps, place: Place, q: np.ndarray, p: np.ndarray) -> float:
    """−⟨p, A_α q + B(q,x_α)⟩: the speed of the multiplier beyond −1 along the fixed point, by differences."""
    z, along = place.z, place.linear.solve(-place.local.slope).x
    h = NEARBY * max(abs(float(z[-1])), 1e-3)
    up, down = (_product(steps, z, s * h * along, q, s * h) for s in (1, -1))
    return -float(p @ (up - down)) / (2 * h)
