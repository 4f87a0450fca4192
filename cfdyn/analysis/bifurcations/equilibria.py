"""`equilibria`: the rest points of a flow in a box."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.analysis.bifurcations.cycles import cycles
from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.maps.course import require_smooth
from cfdyn.records.record import Record
from cfdyn.symbolic.derived import FieldMap
from cfdyn.systems.flow import Flow
from cfdyn.systems.map import Map

NEUTRAL = 1e-9  # relative to the largest eigenvalue: a real part without a sign
TURNING = 1e-7  # of the same: an imaginary part that round-off gives to equal eigenvalues
CORRECTIONS = 3  # of Newton's method on F itself
KINDS = {(True, True): "stable focus", (True, False): "stable node",
         (False, True): "unstable focus", (False, False): "unstable node"}  # fmt: skip

WORDS = {"cycles": "equilibria", "a cycle": "an equilibrium", "(fⁿ)′ = 1": "F′ = 0", "fⁿ(x) = x": "F(x) = 0", ", n = 1": "",
         "multipliers of 1": "eigenvalues of 0", "the map ": "the flow "}  # fmt: skip


@dataclass(frozen=True)
class Equilibrium(Record):
    """A ``point`` (n,) with F = 0, and the ``eigenvalues`` (n,) of DF there, the largest real part first, in 1/time.

    ``stable``: True if all real parts are negative; None if the largest is 0 to 10⁻⁹ of the largest modulus. ``kind``: "stable
    node", "saddle", "unstable focus", … by the signs of the real parts and whether any eigenvalue is complex (imaginary part
    above 10⁻⁷ of that modulus); "not hyperbolic" if a real part is 0.
    """

    point: Annotated[np.ndarray, "n"]
    eigenvalues: Annotated[np.ndarray, "n", complex]
    stable: bool | None
    kind: str


@dataclass(frozen=True)
class Equilibria(Record):
    """A list of `Equilibrium`, and whether it is complete.

    ``points`` (m, n), ``eigenvalues`` (m, n). ``complete``: no other lies in the ``box`` (n, 2), to within floating-point
    error; ``undecided`` (k, n, 2): boxes that might contain one; ``reason``: why the list is not complete; ``method`` of the
    search.
    """

    names: Annotated[tuple[str, ...], "n"]
    box: Annotated[np.ndarray, "n *"]
    points: Annotated[np.ndarray, "m n"]
    eigenvalues: Annotated[np.ndarray, "m n", complex]
    complete: bool
    undecided: Annotated[np.ndarray, "* n *"]
    method: str
    reason: str

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Equilibrium]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, place: int) -> Equilibrium:
        values = self.eigenvalues[place]
        return Equilibrium(self.points[place], values, *_judged(values), provenance=self.provenance)


def equilibria(flow: Flow, box: Sequence[tuple[float, float]], budget: int | None = None, seed: int = 0) -> Equilibria:
    """All zeros in a box of the right-hand side F of a flow, with the eigenvalues of DF there.

    They are the fixed points of z → z + F(z), which `cycles` finds: by laps in one variable and by boxes with Krawczyk's test
    in a few variables, where the list can be complete; from random starts in many.

    Parameters
    ----------
    flow : a smooth flow that does not depend on time explicitly; with a few variables at most for a complete list
    box : [(lo, hi), …], one interval for each variable
    budget : bound on the work; beyond it the list is not complete
    seed : of random starts, if the method uses any

    Raises
    ------
    UsageError : a flow with an edge, with a state of its own or with explicit time, or an invalid box
    NumericsError : a continuum of equilibria, for flows of one variable; for several variables it is an undecided box

    Examples
    --------
    >>> import cfdyn as cf
    >>> lorenz = cf.Flow.from_text("s*(y-x); x*(r-z)-y; x*y-b*z", "x y z", {"s": 10.0, "r": 28.0, "b": 8/3})
    >>> points = cf.analysis.equilibria(lorenz, [(-30, 30), (-30, 30), (0, 60)])
    >>> for one in points:
    ...     print(one.point.round(6).tolist(), one.kind, one.eigenvalues[0].round(6))
    [-8.485281, -8.485281, 27.0] saddle (0.093956+10.194505j)
    [0.0, 0.0, 0.0] saddle (11.827723+0j)
    [8.485281, 8.485281, 27.0] saddle (0.093956+10.194505j)
    >>> points.complete
    True
    """
    flow = require_smooth(flow, "a search for equilibria")
    if flow.timed:
        raise UsageError("a flow with the time in its formulas has no equilibria; its periodic solutions are the cycles of "
                         "cf.stroboscopic_map(flow, period)")  # fmt: skip
    if not flow.is_formula:
        raise UsageError(f"equilibria are those of a right-hand side that is a formula, not of the {flow.name} flow")
    try:
        zeros = cycles(Map(FieldMap(flow.spec)), 1, box, seed, budget)
    except NumericsError as problem:
        raise NumericsError(_words(str(problem))) from None
    points = np.array([_polished(flow, point) for point in zeros.points[:, 0]]).reshape(-1, flow.dim) + 0.0
    values = [np.linalg.eigvals(flow.jacobian(point)) for point in points]
    ordered = [one[np.lexsort([-one.imag, -one.real])] for one in values]
    table = np.array(ordered, dtype=complex).reshape(len(points), flow.dim)
    settings = {**zeros.provenance, "flow": flow.title}
    return Equilibria(flow.names, zeros.box, points, table, zeros.complete, zeros.undecided, zeros.method, _words(zeros.reason),
                      provenance=settings)  # fmt: skip


def _words(reason: str) -> str:
    """A message about cycles of z + F(z), as one about equilibria."""
    for theirs, ours in WORDS.items():
        reason = reason.replace(theirs, ours)
    return reason


def _polished(flow: Flow, point: np.ndarray) -> np.ndarray:
    """The zero of F itself; that of z + F(z) − z has the round-off of z."""
    for _ in range(CORRECTIONS):
        try:
            change = np.linalg.solve(flow.jacobian(point), flow.drift_at(point))
        except np.linalg.LinAlgError:
            return point
        moved = point - change
        if not np.abs(flow.drift_at(moved)).max() < np.abs(flow.drift_at(point)).max():
            return point
        point = moved
    return point


def _judged(values: np.ndarray) -> tuple[bool | None, str]:
    """Whether it is stable, and its kind."""
    size = float(np.abs(values).max(initial=0.0))
    real = values.real
    if not size > 0 or np.isnan(real).any() or (np.abs(real) <= NEUTRAL * size).any():
        unstable = bool((real > NEUTRAL * size).any()) if size > 0 else False
        return (False if unstable else None), "not hyperbolic"
    if real.max() > 0 > real.min():
        return False, "saddle"
    stable = bool(real.max() < 0)
    return stable, KINDS[stable, bool((np.abs(values.imag) > TURNING * size).any())]
