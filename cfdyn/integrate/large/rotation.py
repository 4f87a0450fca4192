"""`Rotation`: modes at the edge rotate as weights move: the response of their force, learned from steps where it is stiff."""

from __future__ import annotations

import numpy as np

from cfdyn.integrate.equations import Rates, damped
from cfdyn.integrate.large.costs import LONG
from cfdyn.integrate.large.stages import advance
from cfdyn.integrate.large.tracker import or_none
from cfdyn.systems.matrix_free.flow import Force, MatrixFreeFlow

KEPT = 24  # number of stored moves
FLAT = 0.01  # relative to the longest: directions with shorter moves are not learned
FAINT = 0.1  # relative to 1/h: a rate that needs no treatment
WRONG = 0.1  # relative to a step's tolerance: a change predicted this well adds nothing, and K is kept
REFUSED, SHARE = 10, 0.05  # rejected steps that switch it on: at least, and as a fraction of the accepted ones
MANY, STUCK, ALONE = 10, 0.3, 10.0  # the same: steps with an error of the force of so many tolerances, so many times all others
CRAWL, SHORTER, STIFF = 40, 0.5, 0.1  # so many steps so short, in which the force changes the way by so much of it
LEARNED = ("moves", "changes", "axes", "sizes")


class Rotation:
    """∇⟨H, Σ⟩(w + s) ≈ ∇⟨H, Σ⟩(w) + Ks at the same X, K = Σ sizes·axes axesᵀ ⪰ 0 by Nyström's formula from moves and changes.

    An eigenvector at the edge rotates into one of a curvature λ with ∂H, by ∂H/(2/η − λ): the force on the weights rotates with
    it, at the rates of ηK/2 per step, which bound a step with extrapolated force. It is ``on`` once many steps of the
    run were rejected, or are short because of the force alone, or once they crawl at that bound: then it has ``begun`` (NaN
    before), and a note informs the user. Without ``learns`` K stays 0.

    >>> one = Rotation(3)
    >>> one.learn(np.array([0.1, 0.0, 0.0]), np.array([2.0, 0.0, 0.0]), 0.0)
    >>> print(one.sizes.round(9), one(np.array([1.0, 1.0, 0.0])).round(9))
    [20.] [20.  0.  0.]
    """

    def __init__(self, d: int, learns: bool = True):
        self.d, self.learns, self.short, self.stuck, self.on, self.begun = d, learns, 0, 0, False, np.nan
        self.forget()
        self.past: np.ndarray | None = None  # the weights where T of another point is from

    @classmethod
    def of(cls, flow: MatrixFreeFlow) -> Rotation:
        """It learns for central flows of optimizers without states, with few enough weights that memory is not a concern."""
        return cls(flow.n_weights, flow.kind == "central" and not flow.own.states and flow.n_weights < LONG)

    def forget(self) -> None:
        """K = 0: after a time without held modes, the response learned at another X is wrong."""
        none = np.zeros((0, self.d))
        self.moves, self.changes, self.axes, self.sizes = none, none, none, np.zeros(0)

    def learn(self, move: np.ndarray, change: np.ndarray, least: float) -> None:
        """K from one more move (d,) and the change of the force on it; sizes below ``least`` are ignored."""
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
        """K times a move (d,)."""
        return (self.sizes * (self.axes @ move)) @ self.axes

    @property
    def notes(self) -> list[str]:
        """Notes for the user."""
        if np.isnan(self.begun):
            return []
        why = "eigenvectors at the edge rotate into others near it as the weights move, and their force rotates"
        less = "steps are short, and a larger `rtol` or a lower `lr` takes fewer"
        return [f"from t = {self.begun:.4g} on the flow is stiff: {why}; {less}"]

    # -- in a step ----------------------------------------------------------------------------------------------------

    def rate(self, speed: float | np.ndarray) -> float:
        """The largest rate at which the force responds, M = ``speed``."""
        return 0.5 * float(np.max(speed)) * float(self.sizes.max(initial=0.0))

    def moved(self, push: Force | None, move: np.ndarray) -> Force | None:
        """The force after a move of the weights (d,)."""
        if push is None or not len(self.sizes):
            return push
        return push._replace(bend=push.bend + self(move))

    def lead(self, ahead: float, w: np.ndarray, extrapolated: bool) -> np.ndarray | None:
        """By how much a force ``extrapolated`` this far ahead, in units of the last step, differs from the one at w, (d,),
        according to the learned K; None without K.
        """
        if not len(self.sizes):
            return None
        if not extrapolated or self.past is None:
            return np.zeros(len(w))
        return self(ahead * (w - self.past))

    def softened(self, rates: Rates, thirds: np.ndarray, slope: np.ndarray, h: float, speed: float, stages: int) -> Rates:
        """Rates of the gaps, averaged over a step h of the given number of stages in which the force responds."""
        if not len(self.sizes):
            return rates
        fast = 0.5 * speed * self.sizes
        lost = 1 - advance(np.zeros(len(fast)), np.ones(len(fast)), h, stages, lambda way: 1 - fast * way) / h
        return damped(rates, thirds, self.axes, lost, slope, speed)

    # -- after a step -------------------------------------------------------------------------------------------------

    def passed(self, w: np.ndarray, other_held: bool) -> None:
        """Record that T of another point is from these weights; if modes begin or cease to be held, restart the learning."""
        if self.on:
            self.past = w
            if other_held:
                self.forget()

    def observe(self, move: np.ndarray, change: np.ndarray, h: float, speed: float, allowed: float) -> None:
        """Learn from the change of ∇⟨H, Σ⟩ (d,) at the same X over the move (d,) of a step, if it is on and the error of the
        prediction is more than a fraction of what is ``allowed``.
        """
        if self.on and 0.5 * speed * h * float(np.linalg.norm(change - self(move))) > WRONG * allowed:
            self.learn(move, change, FAINT / h / (0.5 * speed))

    def watch(self, move: np.ndarray, change: np.ndarray, h: float, speed: float, t: float, rejected: int, steps: int) -> None:
        """Count the steps that crawl, until it has begun, at the time t, after so many rejected and accepted ``steps``."""
        if np.isnan(self.begun):
            changed, way = h * (0.5 * speed) * float(np.linalg.norm(change)), float(np.linalg.norm(move))
            self.short = _counted(self.short, h < SHORTER and changed > STIFF * way)
            self.begun = t if self.short >= CRAWL else np.nan
            self.on = self.on or self.short >= CRAWL or rejected >= max(REFUSED, SHARE * steps)

    def count_stuck(self, frozen: float, others: float) -> None:
        """Count the steps that are short because their force is constant, by its error and the others, in tolerances."""
        if self.learns and not self.on:
            self.stuck = _counted(self.stuck, frozen > max(STUCK, ALONE * others))
            self.on = self.stuck >= MANY

    # -- as arrays ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, np.ndarray]:
        """All of it, as arrays; none if it does not learn."""
        if not self.learns:
            return {}
        return {
            "turning": np.array([self.short, self.on, self.begun, self.stuck]), "turning_past": or_none(self.past),
            **{f"turning_{name}": getattr(self, name).copy() for name in LEARNED},
        }  # fmt: skip

    def restore(self, given: dict[str, np.ndarray]) -> None:
        """Restore a `snapshot` into an object that has learned nothing; files of an older version contain none of it."""
        if not self.learns or "turning" not in given:
            return
        short, on, begun, *stuck = given["turning"].tolist()
        # An older version stored the time of the last step if nothing had begun, and fewer numbers.
        self.short, self.on, self.begun = int(short), bool(on), begun if on else np.nan
        self.stuck = int(stuck[0]) if stuck else 0
        for name in LEARNED:
            setattr(self, name, given[f"turning_{name}"])
        self.past = given["turning_past"] if given["turning_past"].size else None


def _counted(count: int, more: bool) -> int:
    return count + 1 if more else max(0, count - 1)
