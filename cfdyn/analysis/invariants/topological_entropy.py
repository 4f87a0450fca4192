"""`topological_entropy`: lower and upper bounds of the topological entropy of a one-dimensional map."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.cycles.line.laps import Laps, laps_on
from cfdyn.cycles.line.reach import FINEST, bounded_orbits
from cfdyn.cycles.line.word_graph import LapEnds, lap_numbers
from cfdyn.errors import UsageError
from cfdyn.linalg.perron import perron_root
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map

FIRST, WORDS = 8, 24  # steps for which ends of laps are iterated at first; laps of itineraries that are counted


@dataclass(frozen=True)
class TopologicalEntropy(Record):
    """Bounds ``lower`` ≤ h ≤ ``upper``, per step, in floating point; ``upper`` is inf if laps may have been missed.

    ``interval`` (2,): h is that of the orbits that stay in it. ``laps``: the number of laps of the map there; ``words`` (n,):
    the number of itineraries of length 1, …, n, which is the number of laps of f, f², …, fⁿ (up to joints that are not turning
    points, and an upper bound for n > ``steps``). ``steps``: the number of images taken of the ends of laps. ``reason``: why
    the bounds are not closer, or "".
    """

    lower: float
    upper: float
    interval: Annotated[np.ndarray, "2"]
    laps: int
    words: Annotated[np.ndarray, "n"]
    steps: int
    reason: str

    @property
    def meaning(self) -> str:
        """The result as a sentence."""
        if self.upper <= 0:
            return "The topological entropy is 0: the number of distinguishable orbits grows subexponentially."
        digits = 10 if self.upper - self.lower < 1e-9 else 4
        between = f"between {self.lower:.{digits}g} and {self.upper:.{digits}g}"
        if self.upper - self.lower < 1e-9:
            between = f"{(self.lower + self.upper) / 2:.{digits}g} to 9 decimals"
        chaos = "there is chaos, perhaps only on a repeller" if self.lower > 0 else "whether there is chaos is undecided"
        return f"The topological entropy is {between} per step: {chaos}{'; ' * bool(self.reason)}{self.reason}."


def topological_entropy(
    step: Map, interval: Any = (-math.inf, math.inf), tolerance: float = 1e-9, steps: int = 1024,
    progress: Callable[[str], None] | None = None,
) -> TopologicalEntropy:  # fmt: skip
    """h = lim (1/n) ln(number of laps of fⁿ), between two bounds, for a piecewise monotone map of one variable; jumps are
    allowed.

    The ends of the laps and their first N images divide the interval. A graph has intervals [p, q] between such points as
    nodes, and an arrow to the image of each part that lies in one lap; its walks are the itineraries (Hofbauer). If an image
    ends between two points, its end is moved inward for the lower bound, so that intervals cover one another and every walk has
    an orbit, and outward for the upper bound, so that every orbit has a walk. The logarithms of the spectral radii converge to
    h like exp(−N h); N is doubled until they are close.

    The bounds hold for a map that differs from this one by round-off: an image within 10⁻¹³ of the interval's width of a point
    of the partition is identified with it, so windows of stable cycles and other Markov maps have exact values.

    Parameters
    ----------
    step : a map of one variable, without angles
    interval : (lo, hi); h is that of the orbits that stay in it. Infinite ends: of all bounded orbits, if bounds of the map far
        out locate them
    tolerance : difference of the bounds at which the computation stops
    steps : largest N
    progress : called with a message in each round

    Raises
    ------
    UsageError : several variables or an angle, an empty interval, a map whose slope cannot be bounded, or whose orbits far out
        in an infinite interval are unknown

    Examples
    --------
    >>> import cfdyn as cf
    >>> logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 3.83})
    >>> entropy = cf.analysis.topological_entropy(logistic, (0, 1))  # a stable 3-cycle: ln((1 + √5)/2)
    >>> round(entropy.lower, 9), round(entropy.upper, 9)
    (0.481211825, 0.481211825)
    >>> cf.analysis.topological_entropy(logistic.at(r=4.0), (0, 1)).words[:5].tolist()
    [2.0, 4.0, 8.0, 16.0, 32.0]

    References
    ----------
    Misiurewicz & Szlenk (1980), Studia Math. 67, 45 (laps). Hofbauer (1979), Israel J. Math. 34, 213 (the graph).
    """
    lo, hi = bounded_orbits(require_map(step), interval, "topological_entropy")
    tolerance, most = number("tolerance", tolerance), whole_number("steps", steps)
    if tolerance < 0 or most < 1:
        raise UsageError(f"topological_entropy needs `tolerance` ≥ 0 and `steps` ≥ 1, not {tolerance:g} and {most}")
    laps = laps_on(step, lo, hi, FINEST * min(hi - lo, 1.0))
    lower, upper, words, done, crowded = _bounds(LapEnds(step, laps, lo, hi), tolerance, most, progress or (lambda words: None))
    settings = provenance(map=step.title, params=step.params, interval=[lo, hi], tolerance=tolerance, steps=most)
    return TopologicalEntropy(
        lower, math.inf if laps.open else upper, np.array([lo, hi]), len(laps.ends), words, done,
        _reason(laps, upper - lower > tolerance, crowded, done), provenance=settings,
    )  # fmt: skip


def _bounds(
    ends: LapEnds, tolerance: float, most: int, say: Callable[[str], None]
) -> tuple[float, float, np.ndarray, int, bool]:
    """(lower, upper, numbers of words, steps done, True if the graphs grew too large), the best over all rounds."""
    lower, upper, words, done = 0.0, math.inf, np.empty(0), 0
    while True:
        count = min(max(done, FIRST), most - done)
        ends.extend(count)
        done += count
        say(f"entropy from {done} images of the ends of laps" + f", so far {lower:.6g} to {upper:.6g}" * (upper < math.inf))
        inner, outer = ends.graph(outward=False), ends.graph(outward=True)
        if outer is not None:
            upper, words = min(upper, _log(perron_root(outer)[1])), lap_numbers(outer, WORDS)
        if inner is not None:
            lower = max(lower, _log(perron_root(inner)[0]))
        crowded = inner is None or outer is None
        if crowded or upper - lower <= tolerance or done == most or not len(ends.front):
            return lower, upper, words, done, crowded


def _log(root: float) -> float:
    """ln of a number of continuations; 0 for none and for one."""
    return math.log(max(root, 1.0))


def _reason(laps: Laps, apart: bool, crowded: bool, done: int) -> str:
    said = []
    if laps.open:
        said.append("no upper bound, as it is not certain where the map is monotone from {:g} to {:g}".format(*laps.open[0]))
    if apart and crowded:
        said.append("the graph of its lap itineraries became too large")
    elif apart:
        said.append(f"bounds are this far apart after {done} images of the ends of its laps")
    return "; ".join(said)
