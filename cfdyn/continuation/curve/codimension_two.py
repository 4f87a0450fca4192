"""Test functions along a curve of bifurcations: where one vanishes lies a point of codimension two."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from cfdyn.continuation.between_rows import between, crosses, interpolated, root
from cfdyn.continuation.branch.special_points import changes
from cfdyn.continuation.curve.directions import Rows
from cfdyn.continuation.curve.point import Place, Spectrum, on_circle, pairs
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.tracer import Solved
from cfdyn.kernels.continuation.critical import PAIR

TOUCHING = 1e-8  # of cos θ to ±1
Test = Callable[[Place], float]


class Found(NamedTuple):
    """A point of codimension two behind a row of the curve: the unknowns there, and the critical multipliers.

    ``period`` if it is one of a shorter cycle.
    """

    kind: str
    row: int
    z: np.ndarray
    multipliers: np.ndarray
    period: int = 0


_TESTS: dict[str, dict[str, Test]] = {
    "fold": {
        "cusp": Place.coefficient,
        "fold-flip": lambda s: s.sides[0].characteristic(-1.0),
        "resonance 1:1": lambda s: s.sides[0].slope(1.0),
        "fold-neimark-sacker": lambda s: pairs(s.others()),
    },
    "flip": {
        "generalized flip": Place.coefficient,
        "fold-flip": lambda s: s.sides[0].characteristic(1.0),
        "resonance 1:2": lambda s: s.sides[0].slope(-1.0),
        "flip-neimark-sacker": lambda s: pairs(s.others()),
    },
    "neimark-sacker": {
        "chenciner": Place.coefficient,
        "resonance 1:3": lambda s: s.z[-3] + 0.5,
        "resonance 1:4": lambda s: s.z[-3],
        "fold-neimark-sacker": lambda s: s.sides[0].characteristic(1.0) / (2 - 2 * s.z[-3]),
        "flip-neimark-sacker": lambda s: s.sides[0].characteristic(-1.0) / (2 + 2 * s.z[-3]),
        "double neimark-sacker": lambda s: pairs(s.others()),
    },
    "branch point": {
        "transcritical-pitchfork": Place.coefficient,
        "fold-flip": lambda s: s.sides[0].characteristic(-1.0),
        "resonance 1:1": lambda s: s.sides[0].slope(1.0),
        "fold-neimark-sacker": lambda s: pairs(s.others()),
    },
    "pitchfork": {"degenerate pitchfork": Place.cubic},
    "condition": {
        "fold": lambda s: s.sides[0].characteristic(1.0),
        "flip": lambda s: s.sides[0].characteristic(-1.0),
        "neimark-sacker": lambda s: pairs(s.others()),
    },
}
# Those of a curve in one dimension; all others need two multipliers.
_ON_A_LINE = (
    "cusp", "generalized flip", "fold", "flip", "transcritical-pitchfork", "degenerate pitchfork", "border-collision-fold",
    "border-collision-flip",
)  # fmt: skip


def _tests(tracer: CurveTracer, places: list[Place]) -> list[tuple[str, Test, int]]:
    """(name, test, side) on a curve of this kind."""
    if tracer.kind == "border collision":
        return [(name, test, side) for side in (0, 1) for name, test in _beside(side).items()]
    tests = _TESTS[tracer.kind]
    if tracer.kind == "branch point" and _pitchforks(tracer, places):
        tests = {**_TESTS["pitchfork"], **dict([*tests.items()][1:])}
    return [(name, test, 0) for name, test in tests.items()]


def _pitchforks(tracer: CurveTracer, places: list[Place]) -> bool:
    """Whether the quadratic coefficient of all branch points is round-off beside the cubic one."""
    length = (tracer.weights[: tracer.d].min() * tracer.n) ** -0.5
    sizes = np.array([(abs(place.coefficient()), abs(place.cubic())) for place in places[:: max(1, len(places) // 8)]])
    return bool(np.nanmax(sizes[:, 0]) <= 1e-7 * length * np.nanmax(sizes[:, 1]))


def _beside(side: int) -> dict[str, Test]:
    return {
        "border-collision-fold": lambda s: s.sides[side].characteristic(1.0),
        "border-collision-flip": lambda s: s.sides[side].characteristic(-1.0),
        "border-collision-neimark-sacker": lambda s: pairs(s.sides[side].multipliers),
    }


def codimension_two(tracer: CurveTracer, found: Rows) -> tuple[list[Found], np.ndarray]:
    """The points of codimension two of a curve, in order, and the coefficient of the normal form in every row."""
    coefficients, points = np.full(len(found.places), np.nan), list[Found]()
    for name, test, side in _tests(tracer, found.places):
        if tracer.d == 1 and name not in _ON_A_LINE:
            continue
        with np.errstate(all="ignore"):
            values = np.array([test(place) for place in found.places])
        tests = {k: [test] for k in changes(np.sign(_with_ends(found, values)))}
        if test in (Place.coefficient, Place.cubic):
            coefficients = values
        if test == Place.coefficient:
            # Where a pole is close to a zero, only the numerator changes its sign.
            numerators = np.array([place.numerator(value) for place, value in zip(found.places, values, strict=True)])
            tests |= {k: [_numerator, test] for k in changes(np.sign(_with_ends(found, numerators))) if k not in tests}
        if side and all(np.array_equal(place.sides[0].multipliers, place.sides[1].multipliers) for place in found.places):
            continue
        for k, small in tests.items():
            hit = None if k in found.corners else _located(tracer, found, k, *small)
            if hit is not None and (not name.endswith("neimark-sacker") or _circular(hit, side)):
                points.append(Found(_named(name, hit), k, hit.z, hit.sides[side].multipliers))
    rows = found.traced.points
    points += [*_at_corners(tracer, found), *(_touching(tracer, found) if tracer.form == PAIR else [])]
    return sorted(points, key=lambda p: (p.row, tracer.length(p.z - rows[p.row]))), coefficients


def _named(name: str, place: Place) -> str:
    """A double multiplier ±1 with two eigenvectors is no resonance, and a multiplier 1 may be that of a branch point."""
    if name in ("resonance 1:1", "resonance 1:2"):
        kind = double(place.sides[0], 1.0 if name == "resonance 1:1" else -1.0)
        return "double branch point" if kind == "double fold" and place.tracer.kind == "branch point" else kind
    if name.startswith("fold"):
        return name.replace("fold", place.tracer.meeting(place.z, place.points))
    return name


def double(spectrum: Spectrum, sign: float) -> str:
    """What a double multiplier ±1 is called: with one eigenvector a strong resonance."""
    if spectrum.split(sign):
        return "double fold" if sign > 0 else "double flip"
    return "resonance 1:1" if sign > 0 else "resonance 1:2"


def _circular(place: Place, side: int) -> bool:
    """Whether a complex pair is on the unit circle, where not two real multipliers have the product 1."""
    if place.tracer.kind == "border collision":
        return on_circle(place.sides[side].multipliers)
    return place.tracer.kind == "neimark-sacker" or on_circle(place.others())


def _with_ends(found: Rows, values: np.ndarray) -> np.ndarray:
    """The same, but that a 0 in the last row counts, and that nothing does where the points have merged, by symmetry."""
    values = values.copy()
    if len(values) > 1 and values[-1] == 0:
        values[-1] = -values[-2]
    for end, row, beside in zip(found.ends, (0, -1), (1, -2), strict=True):
        if len(values) > 1 and end == "merged":
            values[row] = values[beside]
    return values


def _numerator(place: Place) -> float:
    return place.numerator(place.coefficient())


def _located(tracer: CurveTracer, found: Rows, k: int, *tests: Test) -> Place | None:
    """Where all of the tests go through 0 behind row k, the first of them exactly; None where one has a pole or jumps."""

    def value(test: Test, s: Solved) -> float:
        found = test(Place(tracer, s.z))
        if not np.isfinite(found):
            raise ArithmeticError("a pole")
        return found

    first, *others = (partial(value, test) for test in tests)
    solution = between(tracer, found.traced, k)
    with np.errstate(all="ignore"):
        # Where curves meet Newton's method may fail.
        for solved in (solution, interpolated(solution)):
            if solved is None:
                continue
            hit = root(first, solved)
            if hit is not None and all(crosses(other, solved, hit[0]) for other in others):
                return Place(tracer, hit[1].z)
    return None


def _touching(tracer: CurveTracer, found: Rows) -> list[Found]:
    """Where cos θ comes to ±1 and turns back: the curve goes on through two equal multipliers with two eigenvectors."""
    points = []
    for k in changes(np.sign(found.traced.tangents[:, -3])):
        hit = root(lambda s: float(s.tangent[-3]), between(tracer, found.traced, k))
        if hit is not None and 1 - abs(hit[1].z[-3]) <= TOUCHING:
            place = Place(tracer, hit[1].z)
            points.append(Found(double(place.sides[0], float(np.sign(place.z[-3]))), k, place.z, place.multipliers))
    return points


def _at_corners(tracer: CurveTracer, found: Rows) -> list[Found]:
    """Where a point of the cycle meets a border, or another one: the multipliers just before."""
    return [Found(crossing(tracer.kind), k, met.z, Place(tracer, met.last.z).multipliers) for k, met in found.corners.items()]


def crossing(kind: str) -> str:
    """What it is that a curve meets a border."""
    return {"border collision": "double border collision", "condition": "border collision"}.get(kind, f"border-collision-{kind}")
