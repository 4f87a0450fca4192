"""Modes at the edge that turn into others as weights move: how their force answers, learned from steps where it is stiff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfdyn.integrate.equations import Rates, damped, rank_of
from cfdyn.integrate.large.costs import LONG
from cfdyn.integrate.large.point import Point
from cfdyn.integrate.large.stages import advance, stages
from cfdyn.systems.by_products.oracle_flow import Force, OracleFlow

if TYPE_CHECKING:
    from cfdyn.integrate.large.run import LargeRun

KEPT = 24  # moves that are remembered
FLAT = 0.01  # of the longest: directions in which moves are so short are not learned
FAINT = 0.1  # of 1/h: a rate that needs no care
WRONG = 0.1  # of a step's tolerance: a change that was told so well teaches nothing, and what is known is kept
REFUSED, SHARE = 10, 0.05  # steps of the run that were not taken, to be on: at least, and as a share of those that were
MANY, STUCK, ALONE = 10, 0.3, 10.0  # the same: steps with an error of the force of so many tolerances, so many times all others
CRAWL, SHORTER, STIFF = 40, 0.5, 0.1  # so many steps so short, in which the force changes the way by so much of it


class Turning:
    """∇⟨H, Σ⟩(w + s) ≈ ∇⟨H, Σ⟩(w) + Ks at the same X, K = Σ sizes·axes axesᵀ ⪰ 0 by Nyström's formula from moves and changes.

    An eigenvector at the edge turns into one of a curvature λ with ∂H, by ∂H/(2/η − λ): what pushes the weights turns with it, at
    the rates of ηK/2 per step, which bound a step whose force is extrapolated. It is ``on`` from where many steps of the run
    were not taken, or are short by the force alone, or where they crawl at that bound: there it has ``begun`` (NaN before), and a
    user is told.

    >>> one = Turning(3)
    >>> one.learn(np.array([0.1, 0.0, 0.0]), np.array([2.0, 0.0, 0.0]), 0.0)
    >>> print(one.sizes.round(9), one(np.array([1.0, 1.0, 0.0])).round(9))
    [20.] [20.  0.  0.]
    """

    def __init__(self, d: int):
        self.d, self.short, self.stuck, self.on, self.begun = d, 0, 0, False, np.nan
        self.forget()
        self.past: np.ndarray | None = None  # the weights where T of another point is from

    @classmethod
    def of(cls, flow: OracleFlow) -> Turning | None:
        """For central flows of optimizers without states, of so few weights that memory is no matter."""
        learns = flow.kind == "central" and not flow.own.states and flow.n_weights < LONG
        return cls(flow.n_weights) if learns else None

    def forget(self) -> None:
        """K = 0: where no mode was held for a while, what was learned at another X answers wrongly."""
        none = np.zeros((0, self.d))
        self.moves, self.changes, self.axes, self.sizes = none, none, none, np.zeros(0)

    def learn(self, move: np.ndarray, change: np.ndarray, least: float) -> None:
        """K from one more move (d,) and the change of the force on it; sizes below ``least`` are no matter."""
        length = float(np.linalg.norm(move))
        if not 0 < length < np.inf:
            return
        change = change / length
        if not np.isfinite(change).all():
            return
        self.moves = np.concatenate([move[None] / length, self.moves])[:KEPT]
        self.changes = np.concatenate([change[None], self.changes])[:KEPT]
        turn, lengths, _ = np.linalg.svd(self.moves @ self.moves.T)
        lengths = np.sqrt(lengths)
        kept = lengths > FLAT * lengths[0]
        basis = (turn[:, kept] / lengths[kept]).T
        changes = basis @ self.changes
        small = (basis @ self.moves) @ changes.T
        values, turn = np.linalg.eigh((small + small.T) / 2)
        some = values > 0
        rows = (turn[:, some] / np.sqrt(values[some] + least)).T @ changes
        _, roots, self.axes = np.linalg.svd(rows, full_matrices=False)
        self.sizes = roots**2

    def __call__(self, move: np.ndarray) -> np.ndarray:
        """K with a move (d,)."""
        return (self.sizes * (self.axes @ move)) @ self.axes

    @property
    def said(self) -> list[str]:
        """What a user should know."""
        if np.isnan(self.begun):
            return []
        why = "eigenvectors at the edge turn into others near it as the weights move, and what they push with turns"
        less = "steps are short, and a larger `rtol` or a lower `lr` takes fewer"
        return [f"from t = {self.begun:.4g} on the flow is stiff: {why}; {less}"]


def n_stages(run: LargeRun, h: float) -> int:
    """Of a step h, with the rates at which the force answers."""
    turning = run.turning
    fast = 0.0 if turning is None else 0.5 * float(np.max(run.point.edge.speed)) * float(turning.sizes.max(initial=0.0))
    return stages(h, run.radius() + fast)


def turned(run: LargeRun, push: Force | None, z: np.ndarray) -> Force | None:
    """A force as it is at a state of the step that begins at the run's point."""
    if push is None or run.turning is None or not len(run.turning.sizes):
        return push
    return push._replace(bend=push.bend + run.turning(z - run.point.z))


def passed(run: LargeRun, z: np.ndarray) -> None:
    """T of another point is from these weights; where modes come to be held, or are no more, all is learned anew."""
    if run.turning is not None and run.turning.on:
        run.turning.past = z
        if bool(rank_of(run.x)) != bool(run.rank):
            run.turning.forget()


def led(run: LargeRun, ahead: float) -> np.ndarray | None:
    """By how much an extrapolated force is ahead of the one at the run's point, (d,), by what is learned; None without that."""
    turning = run.turning
    if turning is None or not len(turning.sizes):
        return None
    if run.bent is None or turning.past is None:
        return np.zeros(len(run.point.z))
    return turning(ahead * (run.point.z - turning.past))


def softened(run: LargeRun, found: Rates, thirds: np.ndarray, slope: np.ndarray, h: float) -> Rates:
    """Rates of the gaps, on average over a step h in which the force answers."""
    turning = run.turning
    if turning is None or not len(turning.sizes):
        return found
    half = 0.5 * float(run.point.edge.speed)
    fast = half * turning.sizes
    lost = 1 - advance(np.zeros(len(fast)), np.ones(len(fast)), h, n_stages(run, h), lambda way: 1 - fast * way) / h
    return damped(found, thirds, turning.axes, lost, slope, float(run.point.edge.speed))


def observed(run: LargeRun, found: Point, change: np.ndarray, h: float) -> None:
    """Learns from the change of ∇⟨H, Σ⟩ (d,) at the same X over a step that is looked at, once on; counts those that crawl."""
    turning, point = run.turning, run.point
    if turning is None or np.ndim(point.edge.speed):
        return
    half, move = 0.5 * float(point.edge.speed), found.z - point.z
    if turning.on:
        allowed = run.settings.atol + run.settings.rtol * float(np.linalg.norm(point.z))
        if half * h * float(np.linalg.norm(change - turning(move))) > WRONG * allowed:
            turning.learn(move, change, FAINT / h / half)
    if np.isnan(turning.begun):
        changed, way = h * half * float(np.linalg.norm(change)), float(np.linalg.norm(move))
        turning.short = _counted(turning.short, h < SHORTER and changed > STIFF * way)
        turning.begun = run.t if turning.short >= CRAWL else np.nan
        turning.on = turning.on or turning.short >= CRAWL or run.rejected >= max(REFUSED, SHARE * run.steps)


def stuck(run: LargeRun, frozen: float, others: float) -> None:
    """Counts the steps that are short since the force stands still in them, by its error and the others, in tolerances."""
    turning = run.turning
    if turning is not None and not turning.on and np.ndim(run.point.edge.speed) == 0:
        turning.stuck = _counted(turning.stuck, frozen > max(STUCK, ALONE * others))
        turning.on = turning.stuck >= MANY


def _counted(count: int, more: bool) -> int:
    return count + 1 if more else max(0, count - 1)
