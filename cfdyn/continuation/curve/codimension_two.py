"""Test functions along a curve of bifurcations, which vanish at points of codimension two."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.continuation._kernels.critical import PAIR
from cfdyn.continuation.between_rows import between, crosses, interpolated, root
from cfdyn.continuation.branch.bifurcations import changes
from cfdyn.continuation.curve.coefficient import coefficients, cubics, numerators
from cfdyn.continuation.curve.point import Condensed, Cycles, on_circle, pairs
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.paths import Path
from cfdyn.continuation.tracer import Solution

TOUCHING = 1e-8  # of cos θ to ±1
PITCHFORKS = 1e-7  # of the quadratic coefficient to the cubic one and a length: round-off, as where a symmetry holds
SHORT = 1e-3  # of the step to a double multiplier: so near to it the coefficient is that of its pole
ONE = 1e-6  # a length: points closer to each other than this coincide
MERGING = 1e-4  # a length: nearer to where the points of the cycle merge it is that of the shorter one which is special
Test = Callable[[Cycles], np.ndarray]


class Found(NamedTuple):
    """A point of codimension two behind a row: the unknowns, the critical multipliers, ``period`` for a shorter cycle."""

    kind: str
    row: int
    z: np.ndarray
    multipliers: np.ndarray
    period: int = 0


def _at(sign: float, side: int = 0) -> Test:
    """det(±I − M), which vanishes where a multiplier is ±1."""
    return lambda s: s.sides[side].characteristic(sign)


def _at_pair(side: int) -> Test:
    return lambda s: pairs(s.sides[side].multipliers)


def _at_other_pair(s: Cycles) -> np.ndarray:
    return pairs(s.others())


# Kuznetsov, §9.1: the further test functions on curves of each kind.
_BESIDE_ONE: dict[str, Test] = {
    "fold-flip": _at(-1.0), "resonance 1:1": lambda s: s.sides[0].slope(1.0), "fold-neimark-sacker": _at_other_pair,
}  # fmt: skip
_PITCHFORKS: dict[str, Test] = {"degenerate pitchfork": cubics, **_BESIDE_ONE}
_TESTS: dict[str, dict[str, Test]] = {
    "fold": {"cusp": coefficients, **_BESIDE_ONE},
    "flip": {
        "generalized flip": coefficients,
        "fold-flip": _at(1.0),
        "resonance 1:2": lambda s: s.sides[0].slope(-1.0),
        "flip-neimark-sacker": _at_other_pair,
    },
    "neimark-sacker": {
        "chenciner": coefficients,
        "resonance 1:3": lambda s: s.z[:, -3] + 0.5,
        "resonance 1:4": lambda s: s.z[:, -3],
        "fold-neimark-sacker": lambda s: s.sides[0].characteristic(1.0) / (2 - 2 * s.z[:, -3]),
        "flip-neimark-sacker": lambda s: s.sides[0].characteristic(-1.0) / (2 + 2 * s.z[:, -3]),
        "double neimark-sacker": _at_other_pair,
    },
    "branch point": {"transcritical-pitchfork": coefficients, **_BESIDE_ONE},
    "condition": {"fold": _at(1.0), "flip": _at(-1.0), "neimark-sacker": _at_other_pair},
}
# Those of a curve in one dimension; all others need two multipliers.
_ON_A_LINE = (
    "cusp", "generalized flip", "fold", "flip", "transcritical-pitchfork", "degenerate pitchfork", "border-collision-fold",
    "border-collision-flip",
)  # fmt: skip

# What vanishes there means this where no other multiplier is critical.
_OF_COEFFICIENTS = ("cusp", "generalized flip", "chenciner", "transcritical-pitchfork", "degenerate pitchfork")


def _tests(tracer: CurveTracer, cycles: Cycles) -> list[tuple[str, Test, int]]:
    """(name, test, side of the border) on a curve of this kind."""
    if tracer.kind == "border collision":
        return [(f"border-collision-{name}", test, side) for side in (0, 1) for name, test in (
            ("fold", _at(1.0, side)), ("flip", _at(-1.0, side)), ("neimark-sacker", _at_pair(side)))]  # fmt: skip
    tests = _PITCHFORKS if tracer.kind == "branch point" and _pitchforks(tracer, cycles) else _TESTS[tracer.kind]
    return [(name, test, 0) for name, test in tests.items()]


def _pitchforks(tracer: CurveTracer, cycles: Cycles) -> bool:
    """True if the quadratic coefficient of all branch points is round-off compared with the cubic one."""
    some = Cycles(tracer, cycles.z[:: max(1, len(cycles) // 8)])
    quadratic, cubic = np.abs(coefficients(some)), np.abs(cubics(some))
    return bool(np.nanmax(quadratic) <= PITCHFORKS * tracer.state_length * np.nanmax(cubic))


def codimension_two(tracer: CurveTracer, path: Path, cycles: Cycles) -> tuple[list[Found], np.ndarray]:
    """The points of codimension two of a curve with these ``cycles`` at its rows, in order, and the coefficient at each row."""
    coefficient, points = np.full(len(cycles), np.nan), list[Found]()
    for name, test, side in _tests(tracer, cycles):
        if tracer.d == 1 and name not in _ON_A_LINE:
            continue
        with np.errstate(all="ignore"):
            values = test(cycles)
        tests = {k: [test] for k in changes(np.sign(_with_ends(path, values)))}
        if test in (coefficients, cubics):
            coefficient = values
        if test is coefficients:
            # Where a pole is close to a zero, only the numerator changes its sign.
            small: list[Test] = [lambda cycle: numerators(cycle, coefficients(cycle)), test]
            tests |= {k: small for k in changes(np.sign(_with_ends(path, numerators(cycles, values)))) if k not in tests}
        if side and np.array_equal(cycles.sides[0].multipliers, cycles.sides[1].multipliers):
            continue
        for k, small in tests.items():
            hit = None if k in path.borders else _located(tracer, path, k, *small)
            if hit is not None and (not name.endswith("neimark-sacker") or _circular(hit, side)):
                points.append(Found(_named(name, hit), k, hit.z[0], hit.sides[side].multipliers[0]))
    # Where the cycle meets a border: the multipliers just before.
    for k, met in path.borders.items():
        points.append(Found(on_border(tracer.kind), k, met.z, Cycles(tracer, met.last.z[None]).multipliers[0]))
    if tracer.form == PAIR:
        points += _touching(tracer, path) + _before_ends(tracer, path, [p.row for p in points if p.kind == "chenciner"])
    return sorted(_apart(tracer, path, points), key=lambda p: (p.row, tracer.length(p.z - path.points[p.row]))), coefficient


def _apart(tracer: CurveTracer, path: Path, points: list[Found]) -> list[Found]:
    """The points without duplicates: those of a coefficient and a multiplier together, or of a cycle that is a shorter one."""
    merged = [path.points[-side] for side in (0, 1) if path.ends[side] == "merged"]
    others = [p.z for p in points if p.kind not in _OF_COEFFICIENTS]

    def near(point: Found, places: list[np.ndarray], reach: float) -> bool:
        return any(tracer.length(point.z - z) <= reach for z in places)

    return [p for p in points if not near(p, merged, MERGING) and (p.kind not in _OF_COEFFICIENTS or not near(p, others, ONE))]


def _named(name: str, cycle: Cycles) -> str:
    """Name points: a double multiplier ±1 with two eigenvectors is not a resonance; a multiplier 1 may be a branch point's."""
    if name in ("resonance 1:1", "resonance 1:2"):
        kind = double(cycle.sides[0], 1.0 if name == "resonance 1:1" else -1.0)
        return "double branch point" if kind == "double fold" and cycle.tracer.kind == "branch point" else kind
    if name.startswith("fold"):
        return name.replace("fold", cycle.tracer.fold_or_branch_point(cycle.z[0], cycle.points[0]))
    return name


def double(multipliers: Condensed, sign: float) -> str:
    """The name of a double multiplier ±1 of one cycle: with one eigenvector a strong resonance."""
    if multipliers.split(sign)[0]:
        return "double fold" if sign > 0 else "double flip"
    return "resonance 1:1" if sign > 0 else "resonance 1:2"


def _circular(cycle: Cycles, side: int) -> bool:
    """True if a complex pair is on the unit circle, where not two real multipliers have the product 1."""
    if cycle.tracer.kind == "border collision":
        return on_circle(cycle.sides[side].multipliers)
    return cycle.tracer.kind == "neimark-sacker" or on_circle(cycle.others())


def _with_ends(path: Path, values: np.ndarray) -> np.ndarray:
    """The same, but a 0 in the last row counts, and by symmetry nothing counts where the points have merged."""
    values = values.copy()
    if len(values) > 1 and values[-1] == 0:
        values[-1] = -values[-2]
    for end, row, beside in zip(path.ends, (0, -1), (1, -2), strict=True):
        if len(values) > 1 and end == "merged":
            values[row] = values[beside]
    return values


def _located(tracer: CurveTracer, path: Path, k: int, *tests: Test) -> Cycles | None:
    """The common zero of all tests behind row k, exact for the first of them; None if one has a pole or a jump."""

    def value(test: Test, s: Solution) -> float:
        result = float(test(Cycles(tracer, s.z[None]))[0])
        if not np.isfinite(result):
            raise ArithmeticError("a pole")
        return result

    first, *others = (partial(value, test) for test in tests)
    solution = between(tracer, path, k)
    with np.errstate(all="ignore"):
        # Where curves meet Newton's method may fail.
        for solved in (solution, interpolated(solution)):
            if solved is None:
                continue
            hit = root(first, solved)
            if hit is not None and all(crosses(other, solved, hit[0]) for other in others):
                return Cycles(tracer, hit[1].z[None])
    return None


def _touching(tracer: CurveTracer, path: Path) -> list[Found]:
    """Where cos θ touches ±1: the curve passes through two equal multipliers with two eigenvectors."""
    points = []
    for k in changes(np.sign(path.tangents[:, -3])):
        hit = root(lambda s: float(s.tangent[-3]), between(tracer, path, k))
        if hit is not None and 1 - abs(hit[1].z[-3]) <= TOUCHING:
            cycle = Cycles(tracer, hit[1].z[None])
            points.append(Found(double(cycle.sides[0], float(np.sign(hit[1].z[-3]))), k, hit[1].z, cycle.multipliers[0]))
    return points


def _before_ends(tracer: CurveTracer, path: Path, known: list[int]) -> list[Found]:
    """Zeros of the coefficient in the last step to a double multiplier ±1, where it has a pole, behind rows not ``known``."""

    def value(s: Solution) -> float:
        return float(coefficients(Cycles(tracer, s.z[None]))[0])

    points, last = list[Found](), len(path.points) - 1
    for end, row, k, shares in ((path.ends[0], 0, 0, (SHORT, 1.0)), (path.ends[1], last, last - 1, (0.0, 1.0 - SHORT))):
        if end != "limit" or last < 2 or abs(path.points[row, -3]) < 1 - TOUCHING or k in (*path.borders, *known):
            continue
        solution = between(tracer, path, k)
        sides = [value(s) for share in shares if (s := solution(share)) is not None]
        hit = root(value, solution, *shares) if len(sides) == 2 and sides[0] * sides[1] < 0 else None
        if hit is not None:
            points.append(Found("chenciner", k, hit[1].z, Cycles(tracer, hit[1].z[None]).multipliers[0]))
    return points


def on_border(kind: str) -> str:
    """The name of the point at which a curve of this kind meets a border."""
    return {"border collision": "double border collision", "condition": "border collision"}.get(kind, f"border-collision-{kind}")
