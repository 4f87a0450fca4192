"""When modes meet the edge and leave it: where a step ends, so that it has no kink inside, and what is written down."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import Rates, covariance_now, diagonal, dots, packed, rank_of
from cfdyn.integrate.large.oscillation import OFF
from cfdyn.integrate.large.point import Point
from cfdyn.integrate.trajectory import Event

if TYPE_CHECKING:
    from cfdyn.integrate.large.run import LargeRun

LASTING = 4  # steps without a part in X, after which a mode has left however near it is


def arrival(run: LargeRun, h: float) -> float:
    """The time until another mode meets the edge, if a step h would smooth the path's kink there by more than the tolerance;
    else ∞."""
    point = run.point
    if point.rates is None or point.near <= run.rank:
        return math.inf
    gaps, places = 2.0 - point.values[: point.near], diagonal(point.near)
    gaps[: run.rank] = 0.0
    try:
        x = covariance_now(point.rates, gaps, 0.0)
    except NumericsError:  # which ends the step, and says why there
        return math.inf
    closing = -(point.rates.alpha + point.rates.beta @ packed(x))[places]
    coming = (closing > 0) & (gaps > 0) & (np.diag(x) == 0)
    times = np.where(coming, gaps / np.where(coming, closing, 1.0), math.inf)
    first = int(np.argmin(times))
    meets, beta = float(times[first]), point.rates.beta[places[first], places[first]]
    if not meets < h or beta <= 0:
        return math.inf
    third = point.thirds[places[first]][None]
    push = math.sqrt(dots(third, third, (0.5 * point.edge.speed) ** 2)[0, 0])
    smoothed = float(gaps[first]) / beta * push * (1 - meets / h)
    return meets if smoothed > run.settings.atol + run.settings.rtol * float(np.linalg.norm(run.w)) else math.inf


def noted(run: LargeRun, x: np.ndarray, found: Point, h: float) -> None:
    """Writes down what a step with X from the run's point to another has changed of the number of modes at the edge.

    A mode is there from where it has a part in X. It is no more from where it lost that, if then it comes farther from the edge
    than a step may leave a mode that is held, 10 ``rtol`` of it, or has no part in X for `LASTING` steps: X is complementary to
    the gap only to the accuracy of steps, which take and lose modes with a small part in turn. Steps in which it comes back to
    the edge from the start on do not count: the last step that held it was wrong by so much, and short ones need many for it.
    """
    there, now, point = run.events[-1].rank if run.events else 0, rank_of(x), run.point
    run.rank = now
    del run.gone[max(0, there - now) :]
    run.gone += [(float(run.t), run.steps)] * (there - now - len(run.gone))
    for rank in range(there + 1, now + 1):
        after = 0.0 if point.rates is None else min(h, meeting(point.rates, x, rank - 1, 2.0 - point.values[rank - 1]))
        last = run.events[-1].t if run.events else 0.0
        run.events.append(Event(max(float(run.t + after), last), "enter", rank))
    for n, (_, steps) in enumerate(run.gone):
        old, new = (values[there - 1 - n :][:1] for values in (point.values, found.values))
        if steps == run.steps and len(old) == len(new) and (new > old).any():
            run.gone[n] = (float(run.t + h), steps + 1)
    while run.gone:
        begun, steps = run.gone[0]
        off = 1.0 - found.values[there - 1 :][:1] / 2.0  # of nothing where so many modes are followed no more
        if (off <= OFF * run.settings.rtol).any() and run.steps + 1 - steps < LASTING:
            break
        there -= 1
        run.gone.pop(0)
        run.events.append(Event(begun, "leave", there))


def meeting(found: Rates, x: np.ndarray, mode: int, gap: float) -> float:
    """The time until a mode, which had no part in X (k, k), closes its gap to the edge; 0 where it moves away."""
    others, place = x.copy(), diagonal(len(x))[mode]
    others[mode] = others[:, mode] = 0.0
    rate = float(found.alpha[place] + found.beta[place] @ packed(others))
    return max(0.0, gap / -rate) if rate < 0 else 0.0
