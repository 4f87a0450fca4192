"""Natural lengths: how far the state, or a parameter, must go for a map to change much."""

from __future__ import annotations

import numpy as np

from cfdyn.cycles.shooting import jacobians
from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.systems.map import Map

DOUBLINGS = 2.0 ** np.arange(-50, 51)  # the distances that are tried
WIDEST = 1e3  # natural lengths of a parameter: its bounds count as no wider
ROUNDED = 1e-9  # of an entry: a step less than that is rounded away in it
NO_DERIVATIVE = ("the map has no derivative there (that of Adam and its like has one at rest with eps_inside=True, "
                 "bias_correction=False)")  # fmt: skip


def has_no_derivative(step: Map, points: np.ndarray) -> bool:
    """True where the map has no derivative at the points (n, D), or one that is round-off: it changes within the least length."""
    if not np.isfinite(jacobians(step, points)).all():
        return True
    return not step.switches and bool(length_scales(step, points).min() <= DOUBLINGS[0])


def length_scales(step: Map, points: np.ndarray) -> np.ndarray:
    """For each entry of the state how far one must go for the Jacobian to change by half its size, (D,).

    The least over some of the points. An entry that the Jacobian does not depend on gets the size of what others do to it,
    or its own.
    """
    d, found, some = step.dim, np.full(step.dim, np.inf), _some(points)
    here = jacobians(step, some)
    size, slopes = np.maximum(np.abs(here).max(axis=(1, 2)), 1.0), np.abs(here).max(axis=0)
    for j in range(d):
        # The unit roundoff of a large entry is no length.
        steps = DOUBLINGS[ROUNDED * np.abs(some[:, j]).max() < DOUBLINGS]
        moved = np.repeat(some, 2 * len(steps), axis=0)
        moved[:, j] += np.tile(np.concatenate([steps, -steps]), len(some))
        there = jacobians(step, moved).reshape(len(some), 2, len(steps), d, d)
        with np.errstate(all="ignore"):
            change = np.abs(there - here[:, None, None]).max(axis=(3, 4))
            beyond = ~(change < 0.5 * size[:, None, None]).all(axis=(0, 1))
        if beyond.any():
            found[j] = steps[beyond.argmax()]
            # What x_j does to others within this length, where its slope here may be 0 but for rounding.
            near = np.abs(there[:, :, : beyond.argmax(), :, j])
            slopes[:, j] = np.maximum(slopes[:, j], near.max(axis=(0, 1, 2), initial=0.0))
    sizes = np.abs(points).max(axis=0)
    lengths = _from_others(found, slopes, sizes)
    # At a border the Jacobian changes at once, which is no length.
    return np.maximum(lengths, np.where(sizes > 0, 0.1 * sizes, 1.0)) if step.switching else lengths


def parameter_length(step: Map, points: np.ndarray, name: str, bounds: tuple[float, float], lengths: np.ndarray) -> float:
    """The width of the bounds; where they are very wide, so many times the distance in which λ changes the map much.

    That is f by a length of the state, or its Jacobian by half its size. In wider units every branch looks vertical.
    """
    width = bounds[1] - bounds[0]
    if width <= WIDEST * max(1.0, abs(step.params[name])):
        return width
    d, free = step.dim, list(step.params).index(name)
    some = _some(points)
    images, slopes, p = np.empty((len(some), d)), np.empty((len(some), d * d)), step.p.copy()

    def there(change: float) -> np.ndarray:
        p[free] = step.p[free] + change
        evaluate_rows(step.rule("step").compiled, some, p, images)
        evaluate_rows(step.rule("jacobian").compiled, some, p, slopes)
        return np.hstack([images / lengths, slopes])

    here = there(0.0)
    sizes = np.append(np.ones(d), np.full(d * d, 0.5 * max(1.0, float(np.abs(slopes).max()))))
    with np.errstate(all="ignore"):
        much = (h for h in DOUBLINGS for side in (-h, h) if not (np.abs(there(side) - here) < sizes).all())
        return min(width, WIDEST * float(next(much, width)))


def _some(points: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(points[:: max(1, len(points) // 4)])


def _from_others(found: np.ndarray, jacobian: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """With lengths where none was found: what the others do to such an entry, else its own size, else 1."""
    for _ in range(len(found)):
        known = np.isfinite(found)
        pushed = (jacobian[:, known] * found[known]).max(axis=1, initial=0.0)
        if known.all() or not (pushed[~known] > 0).any():
            break
        found = np.where(known | (pushed == 0), found, pushed)
    return np.where(np.isfinite(found), found, np.where(sizes > 0, sizes, 1.0))
