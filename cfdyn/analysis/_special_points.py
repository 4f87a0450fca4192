"""`Bifurcation` and `FunctionZero`: what lies on a branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from cfdyn.arguments import checked
from cfdyn.continuation.branch.follower import MOST_STEPS, STEP
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.continuation.records import WithMap
from cfdyn.records.record import Record
from cfdyn.systems.map import Map

if TYPE_CHECKING:
    from cfdyn.analysis.continue_cycle import Branch

# Formulas by name, or with themselves as names; what is wrong with them is said by `Functions`.
Texts = str | Sequence[str] | Mapping[str, str] | Any


@dataclass(frozen=True, eq=False)
class Bifurcation(WithMap, Record):
    """A special point of a branch.

    ``kind``: "flip", "fold", "neimark-sacker", "branch point" or "border collision". ``parameter``: its value there;
    ``points`` (n, D) of the cycle; ``multipliers`` (D,). ``coefficient`` and ``supercritical``: of the normal form (see
    `normal_form`), None where there is none. ``place``: the row of the branch that it lies behind. ``meaning``: in words;
    ``tangent`` (nD + 1,): of the branch here, points and parameter. Of many weights (see `continue_cycle`) ``multipliers`` is the
    critical one alone, ``residual`` ‖Mq − μq‖ of it and its vector ``critical`` (D,), |q| = 1.
    """

    kind: str
    parameter: float
    points: Annotated[np.ndarray, "n D"]
    multipliers: Annotated[np.ndarray, "K", complex]
    coefficient: float | None
    supercritical: bool | None
    place: int
    name: str
    bounds: tuple[float, float]
    meaning: str
    tangent: Annotated[np.ndarray, "*"]
    residual: float | None = None
    critical: Annotated[np.ndarray, "*"] | None = None
    _step: Map | None = field(default=None, repr=False)

    @property
    def period(self) -> int:
        """n."""
        return len(self.points)

    @property
    def step(self) -> Map:
        """The map, with the parameter at its value here; errors as for `Branch.step`."""
        return super().step.at(**{self.name: self.parameter})

    @checked
    def switch(
        self, bounds: Sequence[float] | None = None, max_steps: int = MOST_STEPS, max_step: float = STEP,
        progress: Callable[[int], None] | None = None, functions: Texts = (), stop: Texts = (),
    ) -> Branch:  # fmt: skip
        """The branch that meets this one here: of cycles of twice the period at a flip, the other one at a branch point.
        ``functions`` and ``stop`` as in `continue_cycle`.

        Raises
        ------
        UsageError : a fold, a Neimark–Sacker point or a border collision, from which no branch of cycles starts this way,
            or bounds beside the point
        NumericsError : there is no other branch nearby
        """
        from cfdyn.analysis.continue_cycle import branch_of
        from cfdyn.continuation.branch.switching import branching_fields

        interval = checked_bounds(self.step, self.name, self.bounds if bounds is None else bounds)
        own = Functions(self.step, self.name, functions, stop)
        if self.residual is not None:
            from cfdyn.continuation.many.switching import doubled_fields

            return branch_of(doubled_fields(self, interval, max_steps, max_step, progress, own))
        return branch_of(next(branching_fields(self, interval, max_steps, max_step, progress, own)))


@dataclass(frozen=True, eq=False)
class FunctionZero(WithMap, Record):
    """Where a function that was asked for vanishes on a branch.

    ``function``: its name, ``text``: what vanishes; ``parameter``, ``points`` (n, D), ``multipliers`` (D,), ``place``, ``name``
    and ``bounds`` as of a `Bifurcation`. A `bifurcation_curve` of the condition starts from one.
    """

    function: str
    text: str
    parameter: float
    points: Annotated[np.ndarray, "n D"]
    multipliers: Annotated[np.ndarray, "D", complex]
    place: int
    name: str
    bounds: tuple[float, float]
    _step: Map | None = field(default=None, repr=False)

    @property
    def step(self) -> Map:
        """The map, with the parameter at its value here; errors as for `Branch.step`."""
        return super().step.at(**{self.name: self.parameter})
