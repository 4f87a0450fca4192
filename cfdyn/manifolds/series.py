"""The manifold of a saddle cycle near its points, as a series: the parametrisation method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.cycles.shooting import cyclic_system, jacobians, multipliers, polish
from cfdyn.errors import NumericsError
from cfdyn.systems.map import Map

ORDER = 16
LITTLE = 1e-16  # of a point: the last term where the series is used
FAITHFUL = 1e-13  # of a point: the error of F(W(s)) = W(λs) there
SIDE = 1e-6  # a multiplier nearer to the circle is on no side of it
SHRINK, MOST = 0.7, 60  # of the radius, until it is faithful
STABLE, UNSTABLE = "stable", "unstable"


@dataclass(frozen=True)
class Series:
    """W(s) = Σ c_k sᵏ at each point of a cycle: f(W_i(s)) = W_{i+1}(s), and W_1(λs) behind the last.

    ``points`` (n, D) of the cycle, ``coefficients`` (n, K + 1, D), the direction c_1 of the first point of length 1;
    ``multiplier`` λ; ``radius`` (n,): of s, where the series is used; ``error`` (n,): of F(W(s)) = W(λs) there, as a
    part of the point; ``kind``: "stable" or "unstable"; ``strong``: whether other multipliers lie on the same side.
    """

    step: Map
    kind: str
    points: np.ndarray
    multiplier: float
    coefficients: np.ndarray
    radius: np.ndarray
    error: np.ndarray
    strong: bool


def series_at(step: Map, cycle: np.ndarray, kind: str, order: int = ORDER, like: np.ndarray | None = None) -> Series:
    """The series of one cycle (n, D), which is polished first.

    Of several multipliers on the same side of the unit circle the furthest from it is taken. The direction points along
    ``like`` (D,), else its largest entry is positive.

    NumericsError: no cycle there, no multiplier on that side, or one that is complex, 0, or not alone

    >>> step = Map.from_text(["2*x", "y/2 + x**2"], variables="x y")
    >>> series_at(step, [[0.0, 0.0]], "unstable").coefficients[0, :3]  # y = 2x²/7
    array([[0.        , 0.        ],
           [1.        , 0.        ],
           [0.        , 0.28571429]])
    """
    points = polish(step, np.atleast_2d(np.asarray(cycle, dtype=float)))
    if points is None:
        raise NumericsError("there is no cycle near the point that was given, or it is one of a continuum")
    value, strong = _multiplier(step, points, kind)
    matrices = jacobians(step, points)
    n, d = points.shape
    c = np.zeros((n, order + 1, d))
    c[:, 0] = points
    c[:, 1] = _direction(matrices, value, like)
    rule, p = step.rule(f"taylor:{order}"), step.p
    system = cyclic_system(matrices, 0.0, dense=n * d)
    for k in range(2, order + 1):
        made = np.concatenate([rule(curve.ravel(), p)[k * d : (k + 1) * d] for curve in c])
        # The ring is closed by −λᵏ in the last rows.
        closed = system - value**k * np.eye(n * d, k=-(n - 1) * d)
        c[:, k] = np.linalg.solve(closed, -made).reshape(n, d)
    if not np.isfinite(c).all():
        raise NumericsError(f"the series of the {kind} manifold has no finite terms: the map is not smooth enough there")
    radii = [_radius(step, c, i, value, kind) for i in range(n)]
    return Series(step, kind, points, value, c, np.array([r for r, _ in radii]), np.array([e for _, e in radii]), strong)


def _multiplier(step: Map, points: np.ndarray, kind: str) -> tuple[float, bool]:
    """The multiplier furthest from the unit circle on one side of it, and whether others lie there too."""
    mu = multipliers(step, points)
    side = np.abs(mu) > 1 + SIDE if kind == UNSTABLE else np.abs(mu) < 1 - SIDE
    if not side.any():
        shown = ", ".join(f"{value:.6g}" for value in mu)
        raise NumericsError(f"the cycle has no {kind} manifold: its multipliers are {shown}")
    ordered = mu[side] if kind == UNSTABLE else mu[side][::-1]
    value = ordered[0]
    if np.imag(value) != 0:
        raise NumericsError(f"the {kind} multiplier is complex, {complex(value):.6g}: the manifold is no curve")
    if value == 0:
        raise NumericsError("a multiplier is 0: the map has no inverse at the cycle, and its stable set is no curve from there")
    if len(ordered) > 1 and abs(abs(ordered[1] / value) - 1) < SIDE:
        raise NumericsError(f"two {kind} multipliers have the same modulus, {abs(value):.6g}: the manifold is no curve")
    return float(np.real(value)), len(ordered) > 1


def _direction(matrices: np.ndarray, value: float, like: np.ndarray | None) -> np.ndarray:
    """The eigenvectors along a cycle, (n, D), the first of length 1."""
    n, d = matrices.shape[:2]
    system = cyclic_system(matrices, value, dense=n * d)
    v = np.linalg.svd(system)[2][-1].reshape(n, d)
    v = v / np.linalg.norm(v[0])
    reference = v[0][np.argmax(np.abs(v[0]))] if like is None else v[0] @ like
    return v if reference >= 0 else -v


def _radius(step: Map, c: np.ndarray, place: int, value: float, kind: str) -> tuple[float, float]:
    """How far from a point its series is used, and how wrong F(W(s)) = W(λs) is there."""
    own = c[place]
    size = np.abs(own[0]).max() + 1e-3
    terms = [(LITTLE * size / big) ** (1 / k) for k in (len(own) - 2, len(own) - 1) if (big := np.abs(own[k]).max()) > 0]
    radius, error = min(terms, default=size / np.abs(own[1]).max()), np.inf
    for _ in range(MOST):
        error = _error(step, own, len(c), value, radius if kind == STABLE else radius / abs(value))
        error /= size + radius * np.abs(own[1]).max()
        if error <= FAITHFUL:
            break
        radius *= SHRINK
    if not error <= FAITHFUL:
        raise NumericsError(f"the series of the {kind} manifold does not satisfy F(W(s)) = W(λs): its error is {error:.1e}")
    return float(radius), float(error)


def _error(step: Map, c: np.ndarray, n: int, value: float, s: float) -> float:
    """max |F(W(σ)) − W(λσ)| at σ = ±s."""
    worst, rule, powers = 0.0, step.rule("step"), np.arange(len(c))
    for sigma in (s, -s):
        z = sigma**powers @ c
        for _ in range(n):
            z = rule(z, step.p)
        image = (value * sigma) ** powers @ c
        gap = float(np.abs(z - image).max())
        worst = max(worst, gap if np.isfinite(gap) else np.inf)
    return worst
