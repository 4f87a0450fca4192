"""`Branch` and its special points: `Bifurcation` and `FunctionZero`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations.cycles import Cycle
from cfdyn.continuation.branch.fields import branch_fields, usual_ends
from cfdyn.continuation.branch.follower import MOST_STEPS, STEP, BranchFollower
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import BranchTracer, check_size, check_steps, checked_bounds
from cfdyn.continuation.records import WithMap, extended
from cfdyn.continuation.tables import branch_table
from cfdyn.errors import UsageError, unknown
from cfdyn.numerics.stability import NEUTRAL, stability
from cfdyn.records.record import Record
from cfdyn.signatures import checked
from cfdyn.systems.map import Map

ROWS = ("parameter", "points", "multipliers", "stable", "quantities")  # of a branch: the arrays with a row for each point
# Formulas by name, or with themselves as names; `Functions` reports their errors.
Texts = str | Sequence[str] | Mapping[str, str] | Any


@dataclass(frozen=True, eq=False)
class Bifurcation(WithMap, Record):
    """A special point of a branch.

    ``kind``: "flip", "fold", "neimark-sacker", "branch point" or "border collision". ``parameter``: its value at the point;
    ``points`` (n, D) of the cycle; ``multipliers`` (D,). ``coefficient`` and ``supercritical``: of the normal form (see
    `normal_form`), None if it has none. ``place``: the row of the branch after which the point lies. ``meaning``: the
    bifurcation in words; ``tangent`` (nD + 1,): of the branch, points and parameter. For many weights (see `continue_cycle`)
    ``multipliers`` holds the critical one alone, ``residual`` is ‖Mq − μq‖ for its eigenvector q, ``critical`` (D,), |q| = 1.
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
        """The period n."""
        return len(self.points)

    @property
    def step(self) -> Map:
        """The map with the parameter at this point; errors as for `Branch.step`."""
        return super().step.at(**{self.name: self.parameter})

    @checked
    def switch(
        self, bounds: Sequence[float] | None = None, max_steps: int = MOST_STEPS, max_step: float = STEP,
        progress: Callable[[int], None] | None = None, functions: Texts = (), stop: Texts = (),
    ) -> Branch:  # fmt: skip
        """The other branch through this point: cycles of twice the period at a flip, the second branch at a branch point.

        ``functions`` and ``stop`` as in `continue_cycle`.

        Raises
        ------
        UsageError : no branch of cycles starts this way (a fold, a Neimark–Sacker point or a border collision), or the bounds
            do not contain the point
        NumericsError : no other branch was found nearby
        """
        from cfdyn.continuation.branch.switching import branching_fields

        interval = checked_bounds(self.step, self.name, self.bounds if bounds is None else bounds)
        own = Functions(self.step, self.name, functions, stop)
        if self.residual is not None:
            from cfdyn.continuation.matrix_free.switching import doubled_fields

            return branch_of(doubled_fields(self, interval, max_steps, max_step, progress, own))
        return branch_of(next(branching_fields(self, interval, max_steps, max_step, progress, own)))


@dataclass(frozen=True, eq=False)
class FunctionZero(WithMap, Record):
    """A zero of a user's function on a branch.

    ``function``: its name, ``text``: its formula; ``parameter``, ``points`` (n, D), ``multipliers`` (D,), ``place``, ``name``
    and ``bounds`` as for a `Bifurcation`. A `bifurcation_curve` of the condition can start from it.
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
        """The map with the parameter at this point; errors as for `Branch.step`."""
        return super().step.at(**{self.name: self.parameter})


@dataclass(frozen=True, eq=False)
class Branch(WithMap, Record):
    """A branch of cycles of one period along a parameter, in the order of continuation.

    ``name`` of the parameter; ``parameter`` (m,): its values; ``points`` (m, n, D); ``multipliers`` (m, D), the largest modulus
    first; ``stable`` (m,): True if all known multipliers have modulus below 1, False if none is known. ``bifurcations``: the
    special points, in order. ``ends``: why the branch ends, at its first and at its last row. ``closed``: True if it returns to
    its start. ``lengths`` (nD + 1,): the scales of the points and of the parameter; ``paces``: the length of the next step at
    an end where the steps ran out, else 0; ``start``: the row of the initial cycle. ``watched``: which K multipliers were
    computed, if not all; ``residuals`` (m, K): ‖Mq − μq‖ of each. ``functions``: the formulas of functions by name, ``stops``:
    those at which the branch should end, ``quantities`` (m, functions): their values, ``zeros``: their zeros, in order.
    """

    name: str
    parameter: Annotated[np.ndarray, "m"]
    points: Annotated[np.ndarray, "m n D"]
    multipliers: Annotated[np.ndarray, "m K", complex]
    stable: Annotated[np.ndarray, "m"]
    bifurcations: list[Bifurcation]
    ends: tuple[str, str]
    closed: bool
    period: int
    bounds: tuple[float, float]
    lengths: Annotated[np.ndarray, "*"] = field(default_factory=lambda: np.zeros(0))
    paces: tuple[float, float] = (0.0, 0.0)
    start: int = 0
    watched: str = ""
    residuals: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.zeros((0, 0)))
    functions: dict[str, str] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)
    quantities: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.empty((0, 0)))
    zeros: list[FunctionZero] = field(default_factory=list)
    _step: Map | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.parameter)

    def quantity(self, function: str) -> np.ndarray:
        """The values of one of the functions on the rows, (m,); a UsageError for an unknown function."""
        if function not in self.functions:
            raise unknown("function on the branch", function, self.functions)
        return self.quantities[:, list(self.functions).index(function)]

    def map_at(self, row: int) -> Map:
        """The map with the parameter of a row. Together with `at` it can start another branch, along any parameter.

        Raises
        ------
        UsageError : the record was loaded, and its map cannot be made again from what was saved

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.Map.from_text("r*x*(1-x) + e", "x", {"r": 2.5, "e": 0.0})
        >>> branch = cf.analysis.continue_cycle(step, [0.6], "r", (1.5, 4.0))
        >>> row = branch.start
        >>> other = cf.analysis.continue_cycle(branch.map_at(row), branch.at(row), "e", (-0.4, 0.4))
        >>> [(b.kind, round(b.parameter, 6)) for b in other.bifurcations]
        [('fold', -0.225), ('flip', 0.175)]
        """
        return self.step.at(**{self.name: float(self.parameter[row])})

    def at(self, row: int) -> Cycle:
        """The cycle of a row; `map_at` is its map."""
        mu = self.multipliers[row]
        return Cycle(self.points[row], self.period, mu, stability(mu), provenance=self.provenance)

    def table(self) -> dict[str, list[Any]]:
        """Columns for pandas or `to_csv`: ``row``, ``point``, parameter, points, multipliers, ``stable``, ``coefficient``,
        functions. A special point or a zero has a line of its own, after its row; ``point`` is its kind or the function."""
        return branch_table(self)

    @property
    def arclength(self) -> np.ndarray:
        """The arclength from the first row, in units of `lengths`, (m,)."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self._unknowns / self.lengths, axis=0), axis=1))])

    @property
    def _unknowns(self) -> np.ndarray:
        """Points and parameter of each row, (m, nD + 1)."""
        return np.column_stack([self.points.reshape(len(self), -1), self.parameter])

    @checked
    def extended(
        self, bounds: Sequence[float] | None = None, max_steps: int = MOST_STEPS, max_step: float = STEP,
        coefficients: bool = True, progress: Callable[[int], None] | None = None,
    ) -> Branch:  # fmt: skip
        """The branch, continued at the ends where the steps ran out or that wider bounds open; also for a branch that was
        saved and loaded.

        Parameters
        ----------
        bounds : (lo, hi) of the parameter, which contain the branch; by default those that it has
        max_steps, max_step, coefficients, progress : as in `continue_cycle`

        Raises
        ------
        UsageError : the branch goes on at neither end, the bounds do not contain it, the map of a loaded record cannot be made
            again, or the branch is in many weights

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
        >>> short = cf.analysis.continue_cycle(step, [0.6], "r", (1.5, 4.0), max_steps=5)
        >>> whole = short.extended()
        >>> len(short), len(whole), whole.ends
        (11, 72, ('r = 1.5', 'r = 4'))
        >>> whole.extended((1.5, 5)).ends
        ('r = 1.5', 'r = 5')
        """
        if len(self.residuals):
            raise UsageError("a branch in many weights is continued from one of its rows: continue_cycle(branch.map_at(-1), "
                             "branch.points[-1], …)")  # fmt: skip

        def further(branch: Branch, side: int) -> Branch:
            check_steps(max_steps, max_step)
            check_size(branch.step, branch.period, max_steps)
            tracer = BranchTracer(branch.step, branch.period, branch.name, branch.bounds, branch.points[0], branch.lengths)
            functions = Functions(branch.step, branch.name, branch.functions, branch.stops)
            follower = BranchFollower(tracer, max_steps, max_step, progress, functions)
            path = follower.extension(branch._unknowns, branch.start, side, branch.paces[side])
            return branch_of(branch_fields(tracer, path, coefficients, functions))

        return extended(self.within(bounds, max_step), "branch", further, ROWS, ("bifurcations", "zeros"))

    def within(self, bounds: Sequence[float] | None, max_step: float = STEP) -> Branch:
        """The same rows with wider bounds, from whose ends on the old ones `extended` goes on."""
        if bounds is None:
            return self
        lo, hi = checked_bounds(self.step, self.name, bounds)
        least, most = float(self.parameter.min()), float(self.parameter.max())
        if not lo <= least <= most <= hi:
            raise UsageError(f"the bounds {lo:g} to {hi:g} do not contain the branch, with {self.name} from {least:.10g} to "
                             f"{most:.10g}")  # fmt: skip
        paces, lengths = list(self.paces), np.diff(self.arclength)
        for side, last in enumerate((lengths[:2], lengths[-2:])):  # the very last step is cut at the bound
            value = float(self.parameter[-side])
            if lo < value < hi and self.ends[side] == usual_ends(self.name, value, self.bounds, "")["limit"]:
                paces[side] = float(min(max_step, last.max()))
        said = self.provenance | {"settings": self.provenance["settings"] | {"bounds": [lo, hi]}}
        special = [replace(one, bounds=(lo, hi)) for one in self.bifurcations]
        zeros = [replace(one, bounds=(lo, hi)) for one in self.zeros]
        return replace(self, bounds=(lo, hi), bifurcations=special, zeros=zeros, paces=(paces[0], paces[1]), provenance=said)


def branch_of(fields: dict[str, Any]) -> Branch:
    """The `Branch` record with these fields; see `cfdyn.continuation.branch.fields.branch_fields`."""
    # A multiplier that a search missed is NaN; a row without any is not known to be stable.
    sizes = np.abs(fields["multipliers"])
    stable = np.nan_to_num(sizes).max(axis=1) < np.where(np.isnan(sizes).all(axis=1), 0.0, 1 - NEUTRAL)
    special, zeros = ([kind(**one) for one in fields[name]]
                      for name, kind in (("bifurcations", Bifurcation), ("zeros", FunctionZero)))  # fmt: skip
    return Branch(**fields | {"stable": stable, "bifurcations": special, "zeros": zeros})
