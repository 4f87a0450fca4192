"""The memory for the enumeration of itineraries of a map of one variable, shared by all kernels that enumerate."""

from cfdyn.kernels.layout import Array, Block, Integer, Integers, Real, Rule
from cfdyn.machine.jit import call, inline_kernel, pointer

# Columns for a lap: ends, ends without kinks, values at the ends, ±1 as it rises or falls.
LOW, HIGH, INNER_LOW, INNER_HIGH, F_LOW, F_HIGH, SLOPE_SIGN, COLUMNS = range(8)
MOST_OPEN = 64
PAUSED, FINISHED, FULL, CROWDED = 0, 1, 2, 3  # status of a walk


class Words(Block):
    """The words of length n over some laps, and the cycles found that follow them.

    Rules of the map at a point and over intervals, and those of the other kernels, which are compiled once each. Of the
    word at hand: its letters, for each prefix its least period, the part of the lap that is reached, and its image.
    ``orbit``: n points of a cycle, with defects, corrections and slopes at them. ``paths``: rows of x_0 … x_n and the error of
    x_n − x_0; ``path`` is the one to be completed between ``left`` and ``right``, see `paths.trace_path`. ``opened``: intervals
    not decided, ``found``: cycles with their multipliers, ``share``: how a box is divided where Newton's method starts.
    """

    n, laps, height, rows = Integer.several(4)
    step, jacobian, interval_jacobian = Rule.several(3)
    newton, close_cycle, trace_path, cycles_of_word, single_cycle = Rule.several(5)
    # The walk: the letter at hand, why it stopped, evaluations made and allowed; whether words are looked into or only counted,
    # and whether one of two mirror images is enough. Cycles found, those that may not close, undecided intervals, the last one
    # noted, boxes of starts given up; the box asked for, and its size.
    depth, status, used, limit, look, odd = Integer.several(6)
    count, vague, open, last, tired = Integer.several(5)
    lowest, highest, extent = Real.several(3)
    # Letters for which the orbit holds points; arguments and answer of the other rules.
    agree, left, right, path, place, side, answer = Integer.several(7)
    share = Real()
    point = Array(2)
    span = Array(4)
    word, period = Integers.several(2, "n")
    reached = Array("n", 2)
    images = Array("n + 1", 2)
    orbit, defects, corrections, slopes = Array.several(4, "n")
    paths = Array("height", "n + 2")
    lap = Array("laps", COLUMNS)
    opened = Array(MOST_OPEN, 2)
    found = Array("rows", "n + 1")


@inline_kernel
def value(w, rule, x, p) -> float:
    """A rule at one number."""
    point = w.point
    point[0] = x
    call(rule, point, p, pointer(point, 1))
    return point[1]


@inline_kernel
def size_of(w, path) -> float:
    """max |x_i| of a path."""
    most, paths = 1e-300, w.paths
    for k in range(w.n + 1):
        most = max(most, abs(paths[path, k]))
    return most
