"""`continue_cycle`: a fixed point or an n-cycle followed along a parameter, with its special points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis._function_zero import FunctionZero, Texts
from cfdyn.analysis.cycles import Cycle
from cfdyn.arguments import checked
from cfdyn.continuation.branch.fields import branch_fields
from cfdyn.continuation.branch.follower import MOST_STEPS, STEP, BranchFollower, followed
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.system import BranchTracer, check_size, check_steps, checked_bounds
from cfdyn.continuation.records import WithMap, extended
from cfdyn.continuation.tables import branch_table
from cfdyn.errors import UsageError, unknown
from cfdyn.numerics.stability import NEUTRAL, stability
from cfdyn.records.csv_files import Tabular
from cfdyn.records.record import Record
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.oracle_map import OracleMap

MOST_ENTRIES = 100  # of a state whose Jacobian is kept with each row
ROWS = ("parameter", "points", "multipliers", "stable", "quantities")  # of a branch: the arrays with a row for each point


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
        from cfdyn.continuation.branch.switching import branching_fields

        interval = checked_bounds(self.step, self.name, self.bounds if bounds is None else bounds)
        own = Functions(self.step, self.name, functions, stop)
        if self.residual is not None:
            from cfdyn.continuation.many.switching import doubled_fields

            return branch_of(doubled_fields(self, interval, max_steps, max_step, progress, own))
        return branch_of(next(branching_fields(self, interval, max_steps, max_step, progress, own)))


@dataclass(frozen=True, eq=False)
class Branch(WithMap, Tabular, Record):
    """Cycles of one period along a parameter, in the order of the branch.

    ``name``: of the parameter; ``parameter`` (m,): its values; ``points`` (m, n, D); ``multipliers`` (m, D), the largest
    modulus first; ``stable`` (m,): all of modulus below 1. ``bifurcations``: its special points, in order. ``ends``: why it
    has no more rows, at its first and at its last one. ``closed``: it comes back to its start. ``lengths`` (nD + 1,): what
    counts as 1 in each point and in the parameter; ``paces``: how long the next step would be where it ran out of steps, else
    0; ``start``: the row it was begun from. ``watched``: which multipliers were looked at, if not all, K in number;
    ``residuals`` (m, K): ‖Mq − μq‖ of each there. ``functions``: texts of functions by name, ``stops``: those at which it was
    to end, ``quantities`` (m, functions): their values, ``zeros``: where they vanish, in order.
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
        """The values of one of the functions on the rows, (m,); a UsageError for one that was not asked for."""
        if function not in self.functions:
            raise unknown("function on the branch", function, self.functions)
        return self.quantities[:, list(self.functions).index(function)]

    def map_at(self, row: int) -> Map:
        """The map with the parameter of a row: with `at`, from where another branch, along any parameter, can start.

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
        """Columns for pandas or `to_csv`: ``row``, ``point`` (the kind of a special point, or the function of a zero, which have
        lines of their own behind their row), parameter, points, multipliers, ``stable``, ``coefficient``, functions."""
        return branch_table(self)

    @property
    def arclength(self) -> np.ndarray:
        """From the first row on, in `lengths`, (m,)."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self._unknowns / self.lengths, axis=0), axis=1))])

    @property
    def _unknowns(self) -> np.ndarray:
        """Points and parameter of each row, (m, nD + 1)."""
        return np.column_stack([self.points.reshape(len(self), -1), self.parameter])

    def extended(
        self, max_steps: int = MOST_STEPS, max_step: float = STEP, coefficients: bool = True,
        progress: Callable[[int], None] | None = None,
    ) -> Branch:  # fmt: skip
        """The branch, followed on from the ends where it ran out of steps; also one that was saved and loaded.

        Parameters
        ----------
        max_steps, max_step, coefficients, progress : as in `continue_cycle`

        Raises
        ------
        UsageError : neither end ran out of steps, or the map of a loaded record cannot be made again

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
        >>> short = cf.analysis.continue_cycle(step, [0.6], "r", (1.5, 4.0), max_steps=5)
        >>> whole = short.extended()
        >>> len(short), len(whole), whole.ends
        (11, 72, ('r = 1.5', 'r = 4'))
        """

        def further(branch: Branch, side: int) -> Branch:
            check_steps(max_steps, max_step)
            check_size(branch.step, branch.period, max_steps)
            tracer = BranchTracer(branch.step, branch.period, branch.name, branch.bounds, branch.points[0], branch.lengths)
            functions = Functions(branch.step, branch.name, branch.functions, branch.stops)
            follower = BranchFollower(tracer, max_steps, max_step, progress, functions)
            path = follower.extension(branch._unknowns, branch.start, side, branch.paces[side])
            return branch_of(branch_fields(tracer, path, coefficients, functions))

        return extended(self, "branch", further, ROWS, ("bifurcations", "zeros"))


def continue_cycle(
    step: Map | OracleMap, cycle: Any, parameter: str = "lr", bounds: Sequence[float] = (0.0, 1.0), period: int | None = None,
    max_steps: int = MOST_STEPS, max_step: float = STEP, coefficients: bool = True,
    progress: Callable[[int], None] | None = None, multipliers: int | None = None, functions: Texts = (), stop: Texts = (),
) -> Branch:  # fmt: skip
    """The branch of an n-cycle, F_i = f(x_i, λ) − x_{i+1} = 0, in both directions from a start.

    Pseudo-arclength continuation of all n points at once. A step is as long as Newton's method, the turn of the tangent and
    the multipliers allow. Flips (det(M + I) = 0), folds (λ turns), branch points (the bordered system is singular),
    Neimark–Sacker points (a complex pair through the unit circle) and, for a map with branches, border collisions (a
    point of the cycle meets a switching surface) are located to round-off.

    Parameters
    ----------
    step : the map, with the parameter at the value of the start
    cycle : a `Cycle`, points (n, D), or a state from which n − 1 steps lead to the others; it is polished first
    parameter : the name of λ
    bounds : (lo, hi), where the branch ends; the start lies between them
    period : n, where the start is one state (1 if not given)
    max_steps : in each direction
    max_step : the longest, 1 being the length of ``bounds`` or the distance in which the map's Jacobian changes much
    coefficients : whether to compute the normal forms of the special points
    progress : told the number of steps
    functions : texts by name, {"level": "loss - 0.3"}, or a list of texts. They may use the state at the cycle's first point,
        parameters, ``loss``, ``sharpness`` and ``gradient_norm`` of an optimizer's map, the multipliers by modulus: ``mu1`` …
        (real ones), ``modulus1`` …, ``angle1`` … (0 to π); and max(…), min(…), mean(…) of one formula over the points of the
        cycle. "a = b" means a − b. Their values are `Branch.quantities`; where one changes its sign is in `Branch.zeros`,
        located to round-off
    stop : the same, or names of ``functions``: the branch ends where one of these vanishes

    Returns
    -------
    Branch

    Raises
    ------
    NumericsError : no cycle near the start, or one of a continuum
    UsageError : an unknown parameter, bounds that are no interval around its value, a period below 1 or too long to store
    FormulaError : a function that is no formula of these names

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
    >>> branch = cf.analysis.continue_cycle(step, [0.6], "r", (1.5, 4.0))
    >>> [(b.kind, round(b.parameter, 12)) for b in branch.bifurcations], branch.ends
    ([('flip', 3.0)], ('r = 1.5', 'r = 4'))
    >>> [(b.kind, round(b.parameter, 9)) for b in branch.bifurcations[0].switch().bifurcations]
    [('flip', 3.449489743)]

    Where the sharpness of a double well is 3 as a grows, up to where the loss is −1:

    >>> well = cf.as_map(cf.Loss("w**4/4 - a*w**2/2", params={"a": 1.0}), cf.optimizers.gd(lr=0.5))
    >>> found = cf.analysis.continue_cycle(well, [1.0], "a", (0.1, 4), functions={"sharp": "sharpness - 3"}, stop="loss = -1")
    >>> [(zero.function, round(zero.parameter, 12)) for zero in found.zeros], found.ends
    ([('sharp', 1.5), ('loss = -1', 2.0)], ('a = 0.1', 'stop: loss - (-1) = 0 at a = 2'))
    >>> found.quantity("sharp")[[0, -1]].round(9)
    array([-2.8,  1. ])

    References
    ----------
    Keller (1977), Numerical solution of bifurcation and nonlinear eigenvalue problems. Kuznetsov, Elements of Applied
    Bifurcation Theory, §10.2, §10.3.
    """
    step = step if isinstance(step, OracleMap) else require_map(step)
    checked_bounds(step, parameter, bounds)
    own = Functions(step, parameter, functions, stop)
    if isinstance(step, OracleMap) or multipliers is not None or of_many_weights(step):
        if isinstance(step, Map) and (step.switching or step.periodic):
            raise UsageError("maps with branches or angles are followed with all their multipliers, in up to "
                             f"{MOST_ENTRIES} entries of the state")  # fmt: skip
        from cfdyn.continuation.many.fields import many_fields

        given = cycle, parameter, bounds, period, multipliers, max_steps, max_step, coefficients, progress, own
        return branch_of(many_fields(step, *given))
    tracer, path = followed(step, cycle, parameter, bounds, period, max_steps, max_step, progress, own)
    return branch_of(branch_fields(tracer, path, coefficients, own))


def of_many_weights(step: Any) -> bool:
    """True for a map of so many entries that rows with all entries of its Jacobian would not fit."""
    return isinstance(step, Map) and step.dim > MOST_ENTRIES and not (step.switching or step.periodic)


def branch_of(fields: dict[str, Any]) -> Branch:
    """The record with these fields; see `cfdyn.continuation.branch.fields.branch_fields`."""
    # A multiplier that was looked for and not found is NaN.
    stable = np.nanmax(np.abs(fields["multipliers"]), axis=1) < 1 - NEUTRAL
    special, zeros = ([kind(**found) for found in fields[name]]
                      for name, kind in (("bifurcations", Bifurcation), ("zeros", FunctionZero)))  # fmt: skip
    return Branch(**fields | {"stable": stable, "bifurcations": special, "zeros": zeros})
