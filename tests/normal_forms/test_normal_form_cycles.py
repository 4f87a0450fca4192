"""Normal forms of n-cycles: no number depends on which point comes first, and all agree with the map composed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.0, "b": 0.3})
numbers = st.floats(-1.5, 1.5)


def form(step, points, parameter="lr"):
    return cf.analysis.normal_form(step, points, parameter)


def same_from_every_point(step, points, parameter, rel=1e-7):
    """The normal forms from all points, which must agree."""
    points = np.asarray(points, dtype=float)
    found = [form(step, np.roll(points, -k, axis=0), parameter) for k in range(len(points))]
    for other in found[1:]:
        assert (other.kind, other.form, other.supercritical) == (found[0].kind, found[0].form, found[0].supercritical)
        assert other.meaning == found[0].meaning
        size = max(abs(value) for value in found[0].coefficients.values())
        for name, value in found[0].coefficients.items():
            assert other.coefficients[name] == pytest.approx(value, rel=rel, abs=rel * size), name
        assert other.speed == pytest.approx(found[0].speed, rel=rel, nan_ok=True)
    squares = [(np.abs(f.directions) ** 2).sum() for f in found]
    assert np.mean(squares) == pytest.approx(1.0, rel=1e-9)
    return found


def through(points, slopes, shape):
    """A map of one variable through the points in turn, with these slopes there and ``shape`` · ∏ (x − x_k)² beside.

    Hermite's interpolation by divided differences, (text, parameters).
    """
    n = len(points)
    nodes = np.repeat(points, 2)
    table = np.repeat(np.roll(points, -1), 2).astype(float)
    coefficients = [table[0]]
    for order in range(1, 2 * n):
        table = np.array([
            slopes[i // 2] if order == 1 and nodes[i] == nodes[i + 1] else (table[i + 1] - table[i]) / (nodes[i + order] - nodes[i])
            for i in range(2 * n - order)
        ])  # fmt: skip
        coefficients.append(table[0])
    coefficients.append(shape)
    text, factor = [], "1"
    for k in range(len(coefficients)):
        text.append(f"c{k}*{factor}")
        if k < 2 * n:
            factor += f"*(x - ({float(nodes[k])!r}))"
    return " + ".join([*text, "k*(1 + x/3)"]), {f"c{k}": float(c) for k, c in enumerate(coefficients)} | {"k": 0.0}


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(2, 4),
    moved=st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=4),
    steep=st.lists(st.floats(0.3, 3), min_size=4, max_size=4),
    kind=st.sampled_from([-1, 1]),
    shape=st.floats(-1, 1),
)
def test_flips_and_folds_of_one_variable(n, moved, steep, kind, shape):
    """An n-cycle with the multiplier ±1: c and a are the same from every point."""
    points = np.array([0.0, 1.0, -1.0, 2.0])[:n] + np.array(moved[:n])
    slopes = np.array(steep[:n])
    slopes[-1] = kind / np.prod(slopes[:-1])
    text, params = through(points, slopes, shape)
    found = same_from_every_point(cf.Map.from_text(text, "x", params), points[:, None], "k")
    assert found[0].kind in (("flip",) if kind == -1 else ("fold", "branch point"))
    # The directions themselves: carried round by the slopes, their squares with the mean 1.
    carried = np.concatenate([[1], np.cumprod(slopes[:-1])])
    assert [abs(f.directions[0, 0]) for f in found] == pytest.approx(abs(carried) / np.sqrt((carried**2).mean()), rel=1e-8)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    first=st.lists(numbers, min_size=6, max_size=6),
    second=st.lists(numbers, min_size=6, max_size=6),
    theta=st.floats(0.3, 2.8),
    bent=st.floats(0.5, 2),
)
def test_neimark_sacker_points_of_two_variables(first, second, theta, bent):
    """A 2-cycle (0, 0), (1, 0) with Jacobians whose product is a rotation of other axes: d, b and the speed from both points."""
    if abs(theta - math.pi / 2) < 0.1 or abs(theta - 2 * math.pi / 3) < 0.1:
        theta += 0.25
    turn = np.array([[math.cos(theta), -bent * math.sin(theta)], [math.sin(theta) / bent, math.cos(theta)]])
    one = np.array([[1.0, 0.4], [-0.3, 0.8]])
    one, other = one.tolist(), (turn @ np.linalg.inv(one)).tolist()
    # f(z) = z-dependent blend of both linearisations, with s = 3x² − 2x³ from 0 to 1 flat at both ends, and quadratic terms.
    blend = "(3*x**2 - 2*x**3)"
    rows = []
    for i, extra in enumerate((first, second)):
        near = f"({1 - i} + {one[i][0]!r}*x + {one[i][1]!r}*y)"
        far = f"({other[i][0]!r}*(x - 1) + {other[i][1]!r}*y)"
        more = f"x**2*(x - 1)**2*({extra[0]!r} + {extra[1]!r}*x) + y**2*({extra[2]!r} + {extra[3]!r}*x) + y*x*(x - 1)*{extra[4]!r}*x*(x - 1)"
        rows.append(f"{near}*(1 - {blend}) + {far}*{blend} + {more} + {extra[5]!r}*y**3 + k*(x - 0.3 + y)*{1 + i}")
    step = cf.Map.from_text(rows, "x y", {"k": 0.0})
    found = same_from_every_point(step, [[0.0, 0.0], [1.0, 0.0]], "k")
    assert found[0].kind == "neimark-sacker"
    # As for the map applied twice, whose eigenvector has the length 1 at the point it is taken at.
    for f, start in zip(found, ([0.0, 0.0], [1.0, 0.0]), strict=True):
        twice = form(cf.compose(step, step), start, "k")
        square = (np.abs(f.directions) ** 2).sum()
        size = abs(complex(twice.coefficients["d"], twice.coefficients["b"]))
        assert f.coefficient == pytest.approx(twice.coefficient * square, rel=1e-7, abs=1e-8 * size)


def test_the_flip_of_the_2_cycle_of_the_henon_map_by_hand():
    """c of f∘f at both points by SymPy from the homological equation of the composed map, b = 3/10, a = 0.9125.

    The 2-cycle flips at a = (1−b)² + (1+b)²/4: with x₁ + x₂ = (1−b)/a, x₁x₂ = ((1−b)² − a)/a² its multipliers are −1, −b².
    """
    x, y, b = *sp.symbols("x y"), sp.Rational(3, 10)
    a = (1 - b) ** 2 + (1 + b) ** 2 / 4
    total, product = (1 - b) / a, ((1 - b) ** 2 - a) / a**2
    root = sp.sqrt(total**2 - 4 * product)
    low, high = (total - root) / 2, (total + root) / 2
    f = sp.Matrix([1 - a * x**2 + y, b * x])
    g = f.subs({x: f[0], y: f[1]}, simultaneous=True)
    cycle = [(low, b * high), (high, b * low)]
    found = same_from_every_point(HENON.at(a=float(a), b=float(b)), np.array(cycle, dtype=float), "a")
    assert found[0].kind == "flip"
    own = []
    for point, number in zip(cycle, found, strict=True):
        at = dict(zip((x, y), point, strict=True))
        c, q = composed_flip(g, (x, y), at)
        image = f.jacobian([x, y]).subs(at) @ q
        mean = (1 + (image.T @ image)[0]) / 2
        assert number.coefficient == pytest.approx(float(c / mean), rel=1e-9)
        own.append(float(c))
    assert abs(own[0] / own[1] - 1) > 0.1  # for |q| = 1 at one point only they differ


def composed_flip(g, names, at):
    """(c, q), c = ⅙⟨p, C(q,q,q) + 3B(q,(I − A)⁻¹B(q,q))⟩ of a map of the plane with |q| = 1, in 40 digits."""
    number = {name: sp.N(value, 40) for name, value in at.items()}
    A = g.jacobian(names).subs(number)
    q = sp.Matrix([-A[0, 1], A[0, 0] + 1])
    q /= sp.sqrt((q.T @ q)[0])
    p = sp.Matrix([-A[1, 0], A[0, 0] + 1])
    p /= (p.T @ q)[0]

    def derivative(*directions):
        rows = []
        for row in g:
            for d in directions:
                row = sum(sp.diff(row, name) * part for name, part in zip(names, d, strict=True))
            rows.append(row.subs(number))
        return sp.Matrix(rows)

    h = (sp.eye(2) - A).LUsolve(derivative(q, q))
    return (p.T @ (derivative(q, q, q) + 3 * derivative(q, h)))[0] / 6, q


@pytest.mark.slow
def test_the_fold_of_the_3_cycles_of_the_logistic_map_by_hand():
    """a = ½ g″ of g = f∘f∘f at r = 1 + √8 by SymPy, times q₁: (g − x)/(f − x) is there the square of a cubic polynomial."""
    x, r = sp.Symbol("x"), 1 + sp.sqrt(8)
    f = r * x * (1 - x)
    g = f.subs(x, f.subs(x, f))
    square, rest = sp.div(*(sp.Poly(sp.expand(h - x), x, extension=sp.sqrt(2)) for h in (g, f)))
    ((cubic, twice),) = square.sqf_list()[1]
    assert rest.is_zero and (cubic.degree(), twice) == (3, 2)
    start = min(sp.Poly(cubic.as_expr(), x).nroots(n=40), key=sp.re)
    points = [start]
    for _ in range(2):
        points.append(sp.N(r, 40) * points[-1] * (1 - points[-1]))
    step = cf.Map.from_text("r*x*(1-x)", params={"r": float(r)})
    found = same_from_every_point(step, np.array(points, dtype=float)[:, None], "r", rel=1e-5)
    slopes = [sp.N(r, 40) * (1 - 2 * point) for point in points]
    q = [1, slopes[0], slopes[0] * slopes[1]]
    scale = sp.sqrt(3 / sum(part**2 for part in q))
    sign = max((float(part) for part in q), key=abs)
    a = sp.diff(g, x, 2).subs(x, sp.N(start, 40)) / 2 * scale * math.copysign(1, sign)
    assert found[0].kind == "fold" and found[0].coefficient == pytest.approx(float(sp.N(a, 20)), rel=1e-6)
    assert "for r above" in found[0].meaning


def test_the_amplitude_of_a_6_cycle_is_a_mean_over_the_3_cycle():
    """√(s δ/c) is the root mean square over the cycle of the half-distances of the 6-cycle born at the 3-cycle's flip."""
    exact = 3.841499007543507846
    step = cf.Map.from_text("r*x*(1-x)", params={"r": exact})
    cycle = next(c for c in cf.analysis.cycles(step.at(r=exact - 1e-6), 3, [(0, 1)]) if c.stable)
    branch = cf.analysis.continue_cycle(step.at(r=exact - 1e-6), cycle, "r", (3.835, 3.845))
    flip = next(s for s in branch.bifurcations if s.kind == "flip")
    assert flip.parameter == pytest.approx(exact, abs=1e-12)
    found = form(step, flip.points, "r")
    assert "root mean square over the cycle" in found.meaning
    delta = 2e-6
    near = cf.analysis.classify(step.at(r=exact + delta), flip.points[0] + 1e-4)
    assert near.period == 6
    halves = (near.points[:3, 0] - near.points[3:, 0]) / 2
    expected = math.sqrt(found.speed * delta / found.coefficient)
    assert math.sqrt((halves**2).mean()) == pytest.approx(expected, rel=5e-3)
    named = float(found.meaning.split("over the cycle) ")[1].split(" ")[0])
    assert named * math.sqrt(delta / exact) == pytest.approx(expected, rel=5e-3)
    # each point by its own share
    order = [int(np.argmin(abs(flip.points[:, 0] - x))) for x in near.points[:3, 0]]
    shares = [abs(form(step, np.roll(flip.points, -k, axis=0), "r").directions[0, 0]) for k in order]
    assert abs(halves) == pytest.approx(np.array(shares) * expected, rel=2e-2)


@pytest.mark.slow
def test_several_flips_at_once_of_a_2_cycle():
    """Two uncoupled copies of a map with a flip of its 2-cycle: K from both points, and the predicted 4-cycles of either copy."""
    r = 1 + math.sqrt(6)
    x1, x2 = ((r + 1) + np.array([-1, 1]) * math.sqrt((r + 1) * (r - 3))) / (2 * r)
    step = cf.Map.from_text(["r*x*(1-x)", "r*y*(1-y)"], "x y", {"r": r})
    cycle = np.array([[x1, x2], [x2, x1]])
    found = [form(step, np.roll(cycle, k, axis=0), "r") for k in (0, 1)]
    assert found[0].form == "2-fold flip"
    assert found[1].coefficient == pytest.approx(found[0].coefficient, rel=1e-9)
    assert sorted(c["kappa"] for c in found[1].two_cycles) == pytest.approx(
        sorted(c["kappa"] for c in found[0].two_cycles), rel=1e-8
    )
    alone = form(cf.Map.from_text("r*x*(1-x)", params={"r": r}), [[x1], [x2]], "r")
    # One copy alone: κ = c ; along the diagonal of both, κ = c/2.
    assert max(c["kappa"] for c in found[0].two_cycles) == pytest.approx(alone.coefficient, rel=1e-8)
    # The half-distances at the first point, of either copy: x starts at one point of the 2-cycle, y at the other.
    second = form(cf.Map.from_text("r*x*(1-x)", params={"r": r}), [[x2], [x1]], "r")
    expected = np.array([abs(f.directions[0, 0]) / math.sqrt(f.coefficient) for f in (alone, second)])
    assert abs(expected[0] / expected[1] - 1) > 0.1
    for f, halves in zip(found, (expected, expected[::-1]), strict=True):
        axes = [np.abs(c["half"]) for c in f.two_cycles if np.abs(c["half"]).min() < 1e-6]
        assert sorted(axes, key=lambda h: h[0]) == pytest.approx(np.array([[0, halves[1]], [halves[0], 0]]), abs=1e-6)
