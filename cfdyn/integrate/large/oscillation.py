"""The force of a step's oscillations, and by how much a step is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfdyn.integrate.equations import covariance, force, packed, pairs, rank_of, rates, unpacked
from cfdyn.integrate.large.follow import FARTHEST, widened
from cfdyn.integrate.large.modes import aligned, orthonormal
from cfdyn.integrate.large.point import Point
from cfdyn.integrate.large.turning import led, observed, softened
from cfdyn.systems.by_products.oracle_flow import Edge, Force

if TYPE_CHECKING:
    from cfdyn.integrate.large.run import LargeRun

OFF, LEAST_OFF = 10.0, 0.01  # of rtol, and at least: how far off the edge a mode may come in a step, of the edge
OTHER = 0.1  # of a unit vector: modes that are farther apart are others
SHARE = 0.1  # of the way back to the edge, in the error
UNSEEN = 2e-4  # beyond the edge of 2: a mode may be there whose force a step did not know


def middle(run: LargeRun, h: float) -> tuple[Edge, np.ndarray, np.ndarray]:
    """The edge, the near modes and their T in the middle of a step, extrapolated: so the scheme is of second order."""
    point, flow, edge, u = run.point, run.flow, run.point.edge, run.point.movers(run.flow)
    # A float of Python: one of NumPy would make 64 bits of T in 32.
    thirds, ahead = point.thirds, float(0.5 * min(h / run.pace, FARTHEST))
    if run.bent is not None:
        thirds, run.bent = run.bent, None  # its memory is used again
        thirds *= -ahead
        for row, now in zip(thirds, point.thirds, strict=True):
            row += (1 + ahead) * now
    if flow.own.states and run.motion is not None and run.before is not None and len(run.before) >= point.near:
        z = point.z.copy()
        z[flow.n_weights :] += 0.5 * min(h, FARTHEST * abs(run.pace)) * run.motion
        metric = flow.edge(z).metric
        if np.all(np.asarray(metric) > 0):
            edge = flow.edge(z, point.g)
            y = point.y[: point.near]
            before = run.before[: point.near]
            y = y + ahead * (y - aligned(before, y) @ before)
            u = orthonormal(y, y[:0]) / np.sqrt(metric)
    return edge, u if len(u) == point.near else point.movers(flow), thirds


def oscillation(run: LargeRun, h: float) -> tuple[np.ndarray, Force | None]:
    """X of the near modes for a step, and its force."""
    if run.spent is not None:
        widened(run, run.point.near)
    point = run.point
    if point.rates is None:
        run.told = np.zeros((0, 0))
        return run.told, None
    lead = led(run, 0.5 * min(h / run.pace, FARTHEST))
    edge, u, thirds = middle(run, h)
    slope = point.slope(run.flow)
    if lead is not None:
        slope += 0.5 * edge.speed * lead
    found = softened(run, rates(run.flow, slope, edge, u, thirds), thirds, slope, h)
    gap, k = np.diag(2.0 - point.values[: point.near]), min(len(run.missed), point.near)
    corrected = np.where(gap < 0, run.back * gap, gap)
    corrected[:k, :k] += min(h / abs(run.pace), 1.0) ** 2 * run.missed[:k, :k]
    x, _ = covariance(found, corrected / h)
    run.told = gap + h * unpacked(found.alpha + found.beta @ packed(x), point.near)
    if not x.any():
        return x, None
    push = force(x, edge, u, thirds, bool(run.flow.own.states))
    return x, push if lead is None else push._replace(bend=push.bend - lead)


def missed(run: LargeRun, found: Point) -> np.ndarray:
    """By how much the gaps of a step's near modes (k, k) are others than was told, as far as modes are the same.

    It is of second order in the step, mainly since F changes on the way; the next step takes it into account.
    """
    k, own = len(run.told), run.point.y
    if not k or len(found.y) < k:
        return np.zeros((0, 0))
    turn = aligned(own[:k], found.y[:k])
    if np.abs(found.y[:k] @ own[:k].T - turn).max() > OTHER:
        return np.zeros((0, 0))
    return np.diag(2.0 - found.values[:k]) - turn @ run.told @ turn.T


def frozen(run: LargeRun, found: Point, x: np.ndarray, push: Force, h: float) -> np.ndarray:
    """What a step is wrong by since its force stands still: what it is from what it was on average, by both ends."""
    flow, point, k = run.flow, run.point, len(x)
    off, kept = np.zeros(len(point.z)), min(k, found.near)  # a mode that is near no more has next to no variance
    turn = aligned(point.y[:k], found.y[:k])
    after, states = (turn @ x @ turn.T)[:kept, :kept], bool(flow.own.states)
    before = run.spent or force(x, point.edge, point.movers(flow), point.thirds, states)
    behind = force(np.pad(after, (0, found.near - kept)), found.edge, found.movers(flow), found.thirds, states)
    bend = push.bend - (before.bend + behind.bend) / 2
    if run.turning is not None and len(run.turning.sizes):
        bend += 0.5 * run.turning(found.z - point.z)
    if kept == k:
        observed(run, found, behind.bend - before.bend, h)
    off[: flow.n_weights] = (0.5 * h) * point.edge.speed * bend
    if states:
        squares = push.squares - (before.squares + behind.squares) / 2
        for s in range(len(flow.own.states)):
            flow.block(off, s)[:] = h * flow.spread(point.edge, s, squares, float(np.sum(squares)))
    return off


def settled(run: LargeRun, found: Point, off: np.ndarray, h: float) -> None:
    """Divides an error, in its place, by 1 + hλ along the tracked modes: there the next step lets it decay."""
    w, root = off[: run.flow.n_weights], found.root
    decay = h * np.maximum(found.values, 0.0) * float(np.max(found.edge.metric * found.edge.speed))
    for y, along in zip(found.y, found.y @ (root * w) * decay / (1 + decay), strict=True):
        w -= along * y / root


def size(run: LargeRun, off: np.ndarray) -> float:
    """The largest of the blocks of an error, in tolerances."""
    flow, settings, parts = run.flow, run.settings, run.flow.parts(run.point.z)
    own = [off[: flow.n_weights], *(flow.block(off, k) for k in range(len(flow.own.states)))]
    return max(
        float(np.linalg.norm(a)) / (settings.atol + settings.rtol * float(np.linalg.norm(b)))
        for a, b in zip(own, parts, strict=True)
    )


def drifted(run: LargeRun, found: Point, x: np.ndarray) -> float:
    """How far held modes are off the edge, as a way of the weights in tolerances."""
    if run.flow.kind != "central":
        return 0.0
    worst, d, rank = 0.0, run.flow.n_weights, rank_of(x)
    size = run.settings.atol + run.settings.rtol * float(np.linalg.norm(found.z[:d]))
    for place, (i, j) in enumerate(pairs(found.near)):
        if i != j or i >= len(x) or found.rates is None:
            continue
        gap = abs(2.0 - found.values[i]) if i < rank else max(0.0, found.values[i] - 2.0)
        # What was there before is no error of this step, except for what was to be taken off.
        gap -= (1.0 - 0.7 * run.back) * max(0.0, run.point.values[i] - 2.0)
        worst = max(worst, gap / 2 / max(OFF * run.settings.rtol, LEAST_OFF))
        beta = found.rates.beta[place, place]
        if gap > 0 and beta > 0:
            way = gap / beta * float(np.linalg.norm(np.multiply(0.5 * found.edge.speed, found.thirds[place], dtype=float)))
            worst = max(worst, SHARE * way / size)
    return worst


def unseen(run: LargeRun, found: Point, x: np.ndarray) -> bool:
    """True if a mode has come beyond the edge whose force the step did not know."""
    return run.flow.kind == "central" and float(found.values[len(x) :].max(initial=0.0)) > 2.0 + min(UNSEEN, run.settings.rtol)
