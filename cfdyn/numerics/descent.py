"""A quasi-Newton descent that also works across kinks; importing SciPy's would take longer than a search."""

from collections import deque
from collections.abc import Callable

import numpy as np

MEMORY, ITERATIONS = 10, 500  # steps from which curvature is learnt; steps at most
ARMIJO, WOLFE = 1e-4, 0.9  # of the slope: how far the value falls at least over a step, and how steep the end still is
FLAT = 1e-14  # of a step's square: a smaller curvature along it is round-off
GAIN, IDLE = 1e-16, 3  # of the value: a step that gains no more is idle, and so many in a row are the last
HALVINGS = 60  # of a step, after which it is 0

Value = Callable[[np.ndarray], float]
Gradient = Callable[[np.ndarray], np.ndarray]
Steps = deque[tuple[np.ndarray, np.ndarray, float]]


@np.errstate(all="ignore")
def quasi_newton(value: Value, gradient: Gradient, start: np.ndarray, limit: float, lowest: float) -> np.ndarray | None:
    """Go down from ``start`` (d,) until nothing more is gained; None beyond |w| = limit or below ``lowest``.

    Limited-memory BFGS with the line search of Lewis & Overton (2013): doubling and halving until the value
    has decreased enough and the slope has become flatter.

    >>> end = quasi_newton(lambda w: float(w @ w), lambda w: 2 * w, np.array([3.0, 4.0]), 1e8, -1e12)
    >>> end.round(9).tolist()
    [0.0, 0.0]
    """
    w, f, g = start.copy(), value(start), gradient(start)
    steps: Steps = deque(maxlen=MEMORY)
    idle = 0
    for _ in range(ITERATIONS):
        if idle == IDLE or not np.isfinite(g).all() or not g.any():
            break
        direction = _direction(g, steps)
        if not direction @ g < 0:
            steps.clear()
            direction = -g
        first = 1.0 if steps else min(1.0, 1.0 / float(np.abs(g).max()))
        t, new_f, new_g = _search(value, gradient, w, f, float(direction @ g), direction, first)
        if t == 0:
            break
        change, step = new_g - g, t * direction
        curvature = float(change @ step)
        if curvature > FLAT * float(step @ step):
            steps.append((step, change, curvature))
        idle = idle + 1 if f - new_f <= GAIN * max(1.0, abs(f)) else 0
        w, f, g = w + step, new_f, new_g
        if not np.abs(w).max() <= limit or f < lowest:
            return None
    return w


def _direction(g: np.ndarray, steps: Steps) -> np.ndarray:
    """−H g, H from the last steps and the changes of the gradient over them (two-loop recursion)."""
    direction, factors = -g, []
    for s, y, sy in reversed(steps):
        factors.append(float(s @ direction) / sy)
        direction = direction - factors[-1] * y
    if steps:
        _, y, sy = steps[-1]
        direction = direction * (sy / float(y @ y))
    for (s, y, sy), factor in zip(steps, reversed(factors), strict=True):
        direction = direction + (factor - float(y @ direction) / sy) * s
    return direction


def _search(
    value: Value, gradient: Gradient, w: np.ndarray, f: float, slope: float, direction: np.ndarray, t: float
) -> tuple[float, float, np.ndarray]:
    """(t, value, gradient) at w + t·direction; t = 0 where no step goes down."""
    lo, hi = 0.0, np.inf
    best = (0.0, f, direction)
    for _ in range(HALVINGS):
        point = w + t * direction
        new = value(point)
        if not new <= f + ARMIJO * t * slope:
            hi = t
        else:
            g = gradient(point)
            best, lo = (t, new, g), t
            if float(g @ direction) >= WOLFE * slope:
                break
        t = 2 * lo if hi == np.inf else (lo + hi) / 2
    return best
