"""All kinds of codimension two at random cycles: against 30 digits, from each first point, and against what is beside them."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import fsolve

import cfdyn as cf
from cfdyn.normal_forms.codimension_two.by_kind import KINDS, codimension_two_fields
from tests.normal_forms import multilinear
from tests.normal_forms.critical_cycles import CriticalCycle, blocks, turning

JORDAN = np.array([[1.0, 1.0], [0.0, 1.0]])
# The linear part, the degree of the map, and the angles that the formulas take.
CASES = {
    "cusp": (blocks(1.0, 0.5), 3, ()),
    "generalized flip": (blocks(-1.0, 0.5), 5, ()),
    "chenciner": (turning(0.7), 5, (0.7,)),
    "resonance 1:1": (JORDAN, 3, ()),
    "resonance 1:2": (JORDAN - 2 * np.eye(2), 3, ()),
    "resonance 1:3": (turning(2 * np.pi / 3), 3, ()),
    "resonance 1:4": (turning(np.pi / 2), 3, ()),
    "fold-flip": (blocks(1.0, -1.0), 3, ()),
    "fold-neimark-sacker": (blocks(1.0, turning(0.7)), 3, (0.7,)),
    "flip-neimark-sacker": (blocks(-1.0, turning(0.7)), 3, (0.7,)),
    "double neimark-sacker": (blocks(turning(0.7), turning(1.8)), 3, (0.7, 1.8)),
}
QUICK = {"chenciner": 1, "double neimark-sacker": 1, "fold-neimark-sacker": 1}  # periods; of the others 2


def formulas(kind, cycle, n):
    """The coefficients of the independent implementation."""
    name = kind.replace(" ", "_").replace("-", "_").replace("1:", "")
    found = getattr(multilinear, name)(multilinear.Derivatives(cycle, cycle.points[0], n), *CASES[kind][2])
    return {key: complex(value) for key, value in found.items()}


def test_all_kinds_are_tested():
    assert set(CASES) == set(KINDS)


@pytest.mark.parametrize("kind", CASES)
def test_against_multilinear_forms(kind):
    linear, order, _ = CASES[kind]
    n = QUICK.get(kind, 2)
    cycle = CriticalCycle(linear, n, seed=10 + n, order=order)
    found = codimension_two_fields(cycle.map(), cycle.points, kind, ())
    wanted = formulas(kind, cycle, n)
    if "L" in wanted and wanted["b"].real * wanted["e"].real < 0:
        del wanted["L"]
    assert {key: found["coefficients"][key] for key in wanted} == pytest.approx(wanted, rel=1e-10)


def assert_the_same_from_each_point(kind, n, seed, linear=None):
    cycle = CriticalCycle(CASES[kind][0] if linear is None else linear, n, seed, CASES[kind][1])
    step = cycle.map()
    first, *others = [codimension_two_fields(step, np.roll(cycle.points, -k, axis=0), kind, ()) for k in range(n)]
    assert first["coefficients"] or first["meaning"].startswith("undecided")
    for other in others:
        assert other["meaning"] == first["meaning"]
        for key, value in first["coefficients"].items():
            assert other["coefficients"][key] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("kind", CASES)
def test_no_coefficient_depends_on_the_first_point(kind):
    assert_the_same_from_each_point(kind, 3, seed=3)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from(sorted(CASES)), st.integers(2, 4), st.integers(0, 1000))
def test_no_coefficient_depends_on_the_first_point_of_any_cycle(kind, n, seed):
    assert_the_same_from_each_point(kind, n, seed)


R = -0.4
GENERAL = cf.Map.from_text(["y", "a - b*x - y**2 + R*x*y"], "x y", {"a": 0.0, "b": 0.0, "R": R})


def general(s, b):
    """The parameters where (s, s) is fixed; its trace is (R − 2)s and its determinant β − Rs."""
    return np.array([s * (1 + b) + s * s * (1 - R), b])


def fields(step, point, kind, names=("a", "b")):
    return codimension_two_fields(step, np.atleast_2d(np.array(point, dtype=float)), kind, names)


def resonance(trace, kind):
    """(found, parameters, s) on the Neimark–Sacker curve."""
    s = trace / (R - 2)
    base = general(s, 1 + R * s)
    return fields(GENERAL.at(a=base[0], b=base[1]), [s, s], kind), base, s


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_first_lyapunov_coefficient_beside_a_resonance(order):
    """d θ² → s/2 at 1:1, and d → D/4, 3a|b|², |d| Re A at the others."""
    trace = {1: 2.0, 2: -2.0, 3: -1.0, 4: 0.0}[order]
    found = resonance(trace, f"resonance 1:{order}")[0]["coefficients"]
    beside = trace + {1: -1e-4, 2: 1e-4, 3: 1e-4, 4: 1e-4}[order]
    s = beside / (R - 2)
    a, b = general(s, 1 + R * s)
    d = cf.analysis.normal_form(GENERAL.at(a=a, b=b), [[s, s]], "a").coefficient
    limit = {1: lambda: found["s"] / 2 / (2 - beside), 2: lambda: found["D"] / 4, 3: lambda: 3 * found["a"] * abs(found["b"]) ** 2,
             4: lambda: found["A"].real * abs(found["d"])}[order]()  # fmt: skip
    assert d == pytest.approx(limit, rel=2e-3)


def critical_beside(step, names, base, direction, eps, start, n, multiplier):
    """The n-cycle with this multiplier (0: a pair on the circle) on the line across the direction: (offset, map, points)."""
    across = np.array([-direction[1], direction[0]])

    def at(offset):
        return step.at(**dict(zip(names, base + eps * direction + offset * across, strict=True)))

    def defect(u):
        here, points = at(u[-1]), u[:-1].reshape(n, -1)
        matrix, rest = np.eye(points.shape[1]), []
        for k in range(n):
            rest += list(here(points[k]) - points[(k + 1) % n])
            matrix = here.jacobian(points[k]) @ matrix
        mu = np.linalg.eigvals(matrix)
        pair = mu[np.argmax(np.abs(mu.imag))]
        return [*rest, abs(pair) - 1 if multiplier == 0 else np.linalg.det(matrix - multiplier * np.eye(len(matrix)))]

    found, _, status, message = fsolve(defect, [*np.ravel(start), 0.0], full_output=True, xtol=1e-13)
    assert status == 1 or np.abs(defect(found)).max() < 1e-10, message
    return found[-1], at(found[-1]), found[:-1].reshape(n, -1)


def doubled(step, base, direction, eps, centre, swing, names=("a", "b")):
    """The doubled cycle's Neimark–Sacker point there."""
    start = np.array([centre + np.sqrt(eps) * swing, centre - np.sqrt(eps) * swing])
    offset, here, points = critical_beside(step, names, base, direction, eps, start, 2, 0)
    assert np.abs(points[0] - points[1]).max() > 0.1 * np.sqrt(eps)
    return offset / eps, cf.analysis.normal_form(here, points, names[0]).coefficient


def test_neimark_sacker_curves_of_the_2_cycle_of_the_generalised_henon_map():
    """From 1:2 and from fold–flip they leave as is said, with first Lyapunov coefficients near −D and L."""
    found, base, s = resonance(-2.0, "resonance 1:2")
    direction = found["directions"]["Neimark–Sacker curve of the 2-cycle"]
    offset, d = doubled(GENERAL, base, direction, 3e-3, np.array([s, s]), np.array([1.0, -1.0]))
    assert abs(offset) < 1e-3 and d == pytest.approx(-found["coefficients"]["D"], rel=0.02)
    base = np.array([0.0, -1.0])
    found = fields(GENERAL.at(a=0.0, b=-1.0), [0.0, 0.0], "fold-flip")
    direction = found["directions"]["Neimark–Sacker curve of the 2-cycle"]
    offset, d = doubled(GENERAL, base, direction, 3e-3, np.zeros(2), np.array([1.0, -1.0]))
    assert abs(offset) < 1e-3 and d == pytest.approx(found["coefficients"]["L"], rel=0.02)


def test_folds_of_the_4_cycle_of_the_generalised_henon_map():
    """|A| = 1.74 at 1:4: they leave as is said."""
    found, base, s = resonance(0.0, "resonance 1:4")
    assert len(found["directions"]) == 2
    for direction, (phase, size) in zip(found["directions"].values(), ((0.6, 1.0), (0.0, 2.0)), strict=True):
        turns = size * np.sqrt(6e-3) * np.exp(1j * (phase + np.arange(4) * np.pi / 2))
        start = s + np.column_stack([turns.real, -turns.imag])
        offset, _, points = critical_beside(GENERAL, ("a", "b"), base, direction, 3e-3, start, 4, 1.0)
        assert abs(offset / 3e-3) < 0.01 and np.abs(points[0] - points[2]).max() > 0.01


def test_neimark_sacker_curve_of_the_fixed_point_at_1_1_and_1_2():
    """(a, b) along s on the curve β = 1 + Rs of the generalised Hénon map."""
    for trace, kind, inward in ((2.0, "resonance 1:1", -1.0), (-2.0, "resonance 1:2", 1.0)):
        found, _, s = resonance(trace, kind)
        tangent = inward / (R - 2) * np.array([1 + 1 + R * s + R * s + 2 * s * (1 - R), R])
        assert found["directions"]["Neimark–Sacker curve of the fixed point"] == pytest.approx(
            tangent / np.linalg.norm(tangent), abs=1e-9
        )


@pytest.mark.parametrize("e", [0.7, -0.7])
def test_the_cycles_that_collide_at_a_generalised_flip(e):
    """x ↦ −(1 + m)x + 0.3x² + (k − 0.09)x³ + …: two 2-cycles between m = 0 and k² + 4em = 0, of which the one that is said is stable."""
    step = cf.Map.from_text(f"-(1 + m)*x + 0.3*x**2 + (k - 0.09)*x**3 + ({e} - 1.3)*x**5", "x", {"m": 0.0, "k": 0.0})
    found = fields(step, [0.0], "generalized flip", ("m", "k"))
    e = found["coefficients"]["e"]
    assert found["directions"]["fold of the 2-cycle"] == pytest.approx([0, -np.sign(e)], abs=1e-9)
    k, larger = -0.02 * np.sign(e), "the larger one stable" in found["meaning"]
    m = -(k**2) / (8 * e)
    cycles = [
        c for c in cf.analysis.cycles(step.at(m=m, k=k), 2, [(-0.5, 0.5)]) if c.period == 2 and np.abs(c.points).max() < 0.3
    ]
    small, large = sorted(cycles, key=lambda c: np.ptp(c.points))
    assert (abs(large.multipliers[0]) < 1, abs(small.multipliers[0]) < 1) == (larger, not larger)


def test_three_cycles_live_where_a_cusp_says():
    step = cf.Map.from_text("k + c*x - x**3 + (k - c + 1)*x**2", "x", {"k": 0.0, "c": 1.0})
    found = fields(step, [0.0], "cusp", ("k", "c"))
    k, c = np.array([0, 1]) + 0.01 * found["directions"]["three cycles"]
    beside = [cf.analysis.cycles(step.at(k=v, c=w), 1, [(-0.5, 0.5)]) for v, w in ((k, c), (-k, 2 - c))]
    assert [len(each) for each in beside] == [3, 1] and sorted(c.stable for c in beside[0]) == [False, True, True]


@pytest.mark.parametrize("seed", [0, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_flip_neimark_sacker_doubles_into_a_neimark_sacker_curve(seed):
    """It leaves as is said, with the first Lyapunov coefficient 2 (p₂₂ − p₁₂p₂₁/p₁₁)."""
    generator = np.random.default_rng(seed)
    k = dict(zip("abcdfghj", generator.normal(size=8).round(2).tolist(), strict=True))
    cos, sin = float(np.cos(0.7)), float(np.sin(0.7))
    step = cf.Map.from_text(
        ["-x*(1 + m - n/3) + a*x*y + b*y*z + c*x**3/2 - x*y**2",
         f"(1 + n + m/2)*({cos!r}*y - {sin!r}*z) + d*x**2/2 + j*x**2*y - y**3",
         f"(1 + n + m/2)*({sin!r}*y + {cos!r}*z) + f*x*y + g*x**2*z/2 + h*z**3/3 - y**2*z"],
        "x y z", {**k, "m": 0.0, "n": 0.0},
    )  # fmt: skip
    found = fields(step, [0.0, 0.0, 0.0], "flip-neimark-sacker", ("m", "n"))
    p = found["coefficients"]
    direction = found["directions"]["Neimark–Sacker curve of the 2-cycle"]
    eps = 1e-4
    swing = np.array([np.sqrt(abs((direction[0] - direction[1] / 3) / p["p11"])), 0, 0])
    offset, d = doubled(step, np.zeros(2), direction, eps, np.zeros(3), swing, ("m", "n"))
    assert abs(offset) < 2e-3 and d == pytest.approx(2 * p["det"] / p["p11"], rel=2e-3)


def test_what_is_undecided_is_said():
    line = cf.Map.from_text("-(1 + m)*x + k*x**3 + 2*x**2*Abs(x)**3", "x", {"m": 0.0, "k": 0.0})
    found = fields(line, [0.0], "generalized flip", ("m", "k"))
    assert not found["coefficients"] and found["meaning"].startswith("undecided: ")
    two = cf.Map.from_text(["-x + k*x**3 + x**5", "-y*(1 + m)"], "x y", {"m": 0.0, "k": 0.0})
    assert (
        fields(two, [0.0, 0.0], "generalized flip", ("m", "k"))["meaning"]
        == "undecided: 2 multipliers are on the unit circle, not 1"
    )
    flat = cf.Map.from_text("-(1 + m)*x + k*x**3 + x**7", "x", {"m": 0.0, "k": 0.0})
    meaning = "degenerate: e vanishes, and terms of higher order decide"
    assert fields(flat, [0.0], "generalized flip", ("m", "k"))["meaning"] == meaning
    even = cf.Map.from_text(["x + y", "y + m*x + k*y + x**3"], "x y", {"m": 0.0, "k": 0.0})
    assert fields(even, [0.0, 0.0], "resonance 1:1", ("m", "k"))["meaning"].startswith("degenerate: ")
    without = {"coefficients": {}, "meaning": "undecided: this kind of point has no normal form here", "directions": {}}
    assert fields(even, [0.0, 0.0], "double fold", ("m", "k")) == without
    assert fields(even, [0.0, 0.0], "border-collision-fold", ("m", "k")) == {**without, "meaning": ""}
    meaning = "undecided: 0 complex pairs are on the unit circle"
    four = cf.Map.from_text(["x + y**2", "-y", "-z", "u + x**2"], "x y z u", {})
    assert fields(four, [0.0] * 4, "double neimark-sacker", ())["meaning"] == meaning


def test_a_map_that_keeps_areas_is_neutral():
    """Hénon's conservative map: x ↦ x cos θ − (y − x²) sin θ, y ↦ x sin θ + (y − x²) cos θ at θ = 2π/3 and π/2."""
    for order in (3, 4):
        c, s = float(mp.cos(2 * mp.pi / order)), float(mp.sin(2 * mp.pi / order))
        step = cf.Map.from_text([f"{c!r}*x - {s!r}*(y - x**2)", f"{s!r}*x + {c!r}*(y - x**2)"], "x y", {})
        found = fields(step, [0.0, 0.0], f"resonance 1:{order}", ())
        key = found["coefficients"]["a"] if order == 3 else found["coefficients"]["A"].real
        assert abs(key) < 1e-9 and ("neutral" in found["meaning"] or "|A| = 1" in found["meaning"])


@pytest.mark.parametrize("seed", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_fold_neimark_sacker_beside_a_map_of_moduli(seed):
    """Of a map that turns alike at all angles, w and r = |z| alone make a map of the plane: its Neimark–Sacker curve is the tori's.

    With (x, y) = √2 (Re, Im) of ζ, z = ζq + c.c., its first Lyapunov coefficient tends to L (2b + e)/(4(b + e)).
    """
    generator = np.random.default_rng(seed)
    v = dict(zip(["a", "b", "e", "g", "f", "h", "c", "d", "k", "l"], generator.normal(size=10).round(2).tolist(), strict=True))
    v["e"] = math.copysign(v["e"], v["b"])
    cos, sin = math.cos(0.7), math.sin(0.7)

    def along(square):
        return (f"(w + m + n*w/3 + {v['a']}*w**2 + {v['b']}*({square}) + {v['f']}*w**3 + {v['h']}*w*({square}))",
                f"(1 + n - {v['e']}*w + {v['c']}*w**2 + {v['k']}*({square}))",
                f"(-{v['g']}*w + {v['d']}*w**2 + {v['l']}*({square}) + m/4)")  # fmt: skip

    first, grown, turned = along("x**2 + y**2")
    u, t = f"({grown}*x - {turned}*y)", f"({grown}*y + {turned}*x)"
    formulas = [first, f"({cos!r})*{u} - ({sin!r})*{t}", f"({sin!r})*{u} + ({cos!r})*{t}"]
    found = fields(cf.Map.from_text(formulas, "w x y", {"m": 0.0, "n": 0.0}), [0.0] * 3, "fold-neimark-sacker", ("m", "n"))
    first, grown, turned = along("r**2")
    plane = cf.Map.from_text([first, f"r*sqrt({grown}**2 + {turned}**2)"], "w r", {"m": 0.0, "n": 0.0})
    (direction,) = found["directions"].values()
    start = [0.0, math.sqrt(abs(1e-4 * direction[0] / v["b"]))]
    offset, here, points = critical_beside(plane, ("m", "n"), np.zeros(2), direction, 1e-4, start, 1, 0)
    p = found["coefficients"]
    limit = p["L"] * (2 * abs(p["b"]) + abs(p["e"])) / 4 / (abs(p["b"]) + abs(p["e"]))
    assert abs(offset / 1e-4) < 1e-3 and cf.analysis.normal_form(here, points, "m").coefficient == pytest.approx(limit, rel=1e-3)
