"""Maps with angles: verdicts, cycles and branches modulo a period, and rotation numbers."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.errors import NumericsError, UsageError

GOLDEN = (math.sqrt(5) - 1) / 2
LIFTED, WRAPPED = "x + W - K/(2*pi)*sin(2*pi*x)", "mod(x + W - K/(2*pi)*sin(2*pi*x), 1)"
STANDARD = ["x + p + K*sin(x)", "p + K*sin(x)"]
CAT = ["2*x + y", "x + y"]


def circle(K: float, W: float, formula: str = LIFTED) -> cf.Map:
    return cf.Map.from_text(formula, "x", {"K": K, "W": W}, periodic={"x": 1.0})


def standard(K: float) -> cf.Map:
    return cf.Map.from_text(STANDARD, "x p", {"K": K}, periodic={"x": 2 * math.pi, "p": 2 * math.pi})


def tongue(K: float, p: int, q: int) -> tuple[float, float]:
    """The W for which F^q(x) = x + p has a solution, by halving: F^q(x) − x − p rises with W at every x."""
    x = np.linspace(0, 1, 20_001)

    def gap(W: float) -> np.ndarray:
        y = x.copy()
        for _ in range(q):
            y = y + W - K / (2 * np.pi) * np.sin(2 * np.pi * y)
        return y - x - p

    ends = []
    for side in (np.max, np.min):
        lo, hi = 0.0, 1.0
        for _ in range(50):
            middle = (lo + hi) / 2
            lo, hi = (middle, hi) if side(gap(middle)) < 0 else (lo, middle)
        ends.append((lo + hi) / 2)
    return ends[0], ends[1]


# -- the circle map -------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", [LIFTED, WRAPPED])
def test_the_2_cycle_at_one_half(formula):
    """{0, ½} at W = ½: multiplier (1 − K)(1 + K), although one of its points lies where the formula may wrap."""
    step = circle(0.5, 0.5, formula)
    found = cf.analysis.classify(step, [0.3])
    assert found.kind == "cycle" and found.period == 2 and found.multipliers[0] == pytest.approx(0.75, rel=1e-12)
    np.testing.assert_allclose(np.sort(found.points[:, 0]), [0, 0.5], atol=1e-12)
    every = cf.analysis.cycles(step, 2, [(0, 1)])
    assert every.complete and [c.stable for c in every] == [True, False]
    np.testing.assert_allclose(every.points[0, :, 0], [0.0, 0.5], atol=1e-14)
    assert float(cf.analysis.rotation_number(step, [0.3])) == pytest.approx(0.5, abs=1e-13)


@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, 3), (1, 2), (2, 3)])
def test_inside_an_arnold_tongue_the_orbit_is_locked_and_outside_it_is_not(p, q):
    lo, hi = tongue(0.95, p, q) if p else (-0.95 / (2 * math.pi), 0.95 / (2 * math.pi))
    inside, beside = circle(0.95, (lo + hi) / 2), circle(0.95, hi + 1e-3)
    found = cf.analysis.classify(inside, [0.123])
    assert found.period == q and found.multipliers[0] < 1
    assert float(cf.analysis.rotation_number(inside, [0.123])) == pytest.approx(p / q, abs=1e-12)
    other = cf.analysis.rotation_number(beside, [0.123])
    assert cf.analysis.classify(beside, [0.123]).period != q and float(other) > p / q + 1e-5
    # Two cycles, one stable, one not, are born by folds at the ends of the tongue.
    every = cf.analysis.cycles(inside, q, [(0, 1)])
    assert every.complete and sorted(c.stable for c in every) == [False, True]
    branch = cf.analysis.continue_cycle(inside, found.points, "W", (lo - 0.01, hi + 0.01))
    np.testing.assert_allclose(sorted({round(b.parameter, 8) for b in branch.bifurcations if b.kind == "fold"}), [lo, hi], atol=2e-8)


@pytest.mark.parametrize("formula", [LIFTED, WRAPPED])
def test_a_rotation_by_the_golden_mean_is_quasi_periodic(formula):
    step = circle(0.0, GOLDEN, formula)
    found = cf.analysis.classify(step, [0.3])
    assert found.kind == "quasi-periodic" and abs(found.lyapunov) < 1e-12
    turns = cf.analysis.rotation_number(step, [0.3])
    assert float(turns) == pytest.approx(GOLDEN, abs=1e-12) and turns.error[0] < 1e-12


def test_the_rotation_number_is_a_mean_of_many_turns():
    """Against (F^n(x) − x)/n, which is within 1/n."""
    K, W, n, x = 0.8, 0.6180339, 200_000, 0.1
    for _ in range(n):
        x += W - K / (2 * math.pi) * math.sin(2 * math.pi * x)
    assert float(cf.analysis.rotation_number(circle(K, W), [0.1])) == pytest.approx((x - 0.1) / n, abs=1 / n)


def test_an_angle_that_was_not_declared_is_pointed_out():
    for text, variables, params, words in (
        (LIFTED, "x", {"K": 0.5, "W": GOLDEN}, "`periodic={'x': 1}`"),
        (STANDARD, "x p", {"K": 0.8}, "`periodic={'x': 2*pi}`"),
        (WRAPPED, "x", {"K": 0.5, "W": 0.5}, "the map brings x back with the period 1"),  # its 2-cycle lies on the jump
        (WRAPPED, "x", {"K": 0.5, "W": GOLDEN}, "`periodic={'x': 1}`"),
    ):
        step = cf.Map.from_text(text, variables, params)
        found = cf.analysis.classify(step, [0.1, 3.0][: step.dim])
        assert found.kind == "undecided" and words in found.reason
    grows = cf.analysis.classify(cf.Map.from_text("x + 1/(1 + x**2)", "x"), [0.5], budget=20_000)
    assert "periodic" not in grows.reason


@pytest.mark.parametrize("formula", ["sqrt(x**2 + 1)", "x + log(1 + x**2)", "x - 1/x", "x + exp(-x)", "x + 1/(1 + x**2)"])
def test_what_is_almost_a_shift_far_out_is_no_angle(formula):
    """None of them repeats in x: each has a derivative that has a limit and is no constant."""
    assert "periodic" not in cf.analysis.classify(cf.Map.from_text(formula, "x"), [2.3]).reason


# -- expanding maps ---------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", ["2*x", "mod(2*x, 1)", "2*x + 0*floor(x)"])
def test_all_cycles_of_the_doubling_map(formula):
    """2ⁿ − 1 solutions of 2ⁿx = x modulo 1, all with multiplier 2ⁿ: 1, 1, 2, 3, 6, 9, 18 cycles."""
    step = cf.Map.from_text(formula, "x", periodic={"x": 1})
    for n, count in enumerate([1, 1, 2, 3, 6, 9, 18], 1):
        found = cf.analysis.cycles(step, n, [(0, 1)])
        assert found.complete and len(found) == count
        np.testing.assert_allclose(found.multipliers, 2.0**n)
        multiples = found.points[:, :, 0] * (2**n - 1)
        np.testing.assert_allclose(multiples, np.round(multiples), atol=1e-9)


def test_doubles_end_at_0_under_doubling_and_that_is_what_is_said():
    """A double is a multiple of 2⁻⁵³…: its exact orbit ends at the unstable fixed point."""
    for step in (cf.Map.from_text("2*x", "x", periodic={"x": 1}), cf.Map.from_text("1 - Abs(2*x - 1)", "x")):
        found = cf.analysis.classify(step, [0.1234])
        assert found.kind == "fixed point" and found.points.tolist() == [[0.0]] and "unstable" in found.reason
        assert found.multipliers.tolist() == [2.0]
    tripled = cf.analysis.classify(cf.Map.from_text("3*x", "x", periodic={"x": 1}), [0.1234])
    assert tripled.kind == "chaotic" and tripled.lyapunov == pytest.approx(math.log(3), rel=1e-9)


def test_what_turns_twice_has_no_rotation_number():
    with pytest.raises(UsageError, match="turns 2 times while x turns once"):
        cf.analysis.rotation_number(cf.Map.from_text("2*x", "x", periodic={"x": 1}), [0.1])


@pytest.mark.parametrize("formulas", [CAT, ["mod(2*x + y, 1)", "mod(x + y, 1)"]])
def test_the_cat_map(formulas):
    """|tr Aⁿ − 2| points with fⁿ(z) = z: 1, 5, 16, 45; eigenvalues of Aⁿ; exponents ± log((3 + √5)/2)."""
    step = cf.Map.from_text(formulas, "x y", periodic={"x": 1, "y": 1})
    growth, closing = (3 + math.sqrt(5)) / 2, 0
    known = {n: len(cf.analysis.cycles(step, n, [(0, 1), (0, 1)])) for n in (1, 2, 3, 4)}
    for n in (1, 2, 3, 4):
        closing = sum(d * known[d] for d in known if n % d == 0)
        assert closing == round(growth**n + growth**-n) - 2
    five = cf.analysis.cycles(step, 2, [(0, 1), (0, 1)])
    assert np.sort(np.round(5 * five.points[..., 0].ravel())).tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(five.multipliers, [[growth**2, growth**-2]] * 2, rtol=1e-9)
    np.testing.assert_allclose(cf.analysis.lyapunov(step, [0.1, 0.3], 5000), [math.log(growth), -math.log(growth)], rtol=1e-3)
    assert cf.analysis.classify(step, [0.1234, 0.33]).kind == "chaotic"


def test_the_baker_map():
    """(2x, (y + ⌊2x⌋)/2) for x in [0, 1): exponents ± log 2, the 2-cycle {(⅓, ⅔), (⅔, ⅓)}."""
    step = cf.Map.from_text(["mod(2*x, 1)", "(y + floor(2*x))/2"], "x y")
    np.testing.assert_allclose(cf.analysis.lyapunov(step, [0.37, 0.2], 40, transient=0), [math.log(2), -math.log(2)], atol=0.03)
    found = cf.analysis.cycles(step, 2, [(0.1, 0.9), (0.1, 0.9)])
    assert len(found) == 1
    np.testing.assert_allclose(np.sort(found.points[0], axis=0), [[1 / 3, 1 / 3], [2 / 3, 2 / 3]], rtol=1e-12)
    ended = cf.analysis.classify(step, [0.37, 0.2])
    assert ended.kind == "undecided" and "jump" in ended.reason


# -- the standard map ---------------------------------------------------------------------------------


def test_fixed_points_of_the_standard_map_and_its_accelerator_modes():
    """p = 0 and K sin x = 2πm, which p counts as 0 only modulo 2π: trace 2 + K cos x."""
    K = 6.5
    found = cf.analysis.cycles(standard(K), 1, [(0, 2 * math.pi)] * 2)
    a = math.asin(2 * math.pi / K)
    wanted = sorted([0.0, math.pi, a, math.pi - a, math.pi + a, 2 * math.pi - a])
    np.testing.assert_allclose(np.sort(found.points[:, 0, 0]), wanted, atol=1e-9)
    np.testing.assert_allclose(found.points[:, 0, 1], 0.0, atol=1e-9)
    np.testing.assert_allclose(found.multipliers.sum(axis=1).real, 2 + K * np.cos(found.points[:, 0, 0]), rtol=1e-9)


def test_curves_of_the_standard_map():
    """About the elliptic point nothing turns; at p = 2π·golden for small K the orbit turns so many times, but for O(K²)."""
    inside = cf.analysis.classify(standard(0.8), [2.5, 0.1])
    assert inside.kind == "quasi-periodic"
    assert abs(cf.analysis.rotation_number(standard(0.8), [2.5, 0.1]).value[0]) < 1e-9
    free = cf.analysis.rotation_number(standard(0.0), [0.3, 2 * math.pi * GOLDEN])
    assert free.value[0] == pytest.approx(GOLDEN, abs=1e-12) and free.names == ("x", "p")
    bent = cf.analysis.rotation_number(standard(0.05), [0.3, 2 * math.pi * GOLDEN])
    assert bent.value[0] == pytest.approx(GOLDEN, abs=0.02) and bent.error[0] < 1e-9


# -- what is declared ----------------------------------------------------------------------------------


def test_a_branch_that_meets_the_cut_says_so_and_goes_on_from_there():
    """Fixed points sin 2πx = 2πW/K go all the way around the circle while W goes to and fro."""
    step = circle(0.9, 0.0)
    branch = cf.analysis.continue_cycle(step, [0.0], "W", (-0.3, 0.3))
    assert all("the cut of its circle; start again" in end for end in branch.ends)
    np.testing.assert_allclose(np.sin(2 * np.pi * branch.points[:, 0, 0]), branch.parameter * 2 * math.pi / 0.9, atol=1e-9)
    again = cf.analysis.continue_cycle(step.at(W=float(branch.parameter[-1])), branch.points[-1], "W", (-0.3, 0.3))
    turned = np.concatenate([branch.points[:, 0, 0], again.points[:, 0, 0]]) % 1.0
    assert np.diff(np.sort(turned)).max() < 0.1


def test_states_are_kept_in_one_period():
    step = standard(0.8)
    orbit = cf.iterate(step, [40.0, -9.0], 200)
    assert (orbit.z[1:] >= 0).all() and (orbit.z[1:] <= 2 * math.pi).all()
    x, p = 40.0, -9.0
    for z in orbit.z[1:50]:
        p += 0.8 * math.sin(x)
        x += p
        assert np.abs(np.exp(1j * z) - np.exp(1j * np.array([x, p]))).max() < 1e-9
    assert not step.switching and step.periodic == {"x": 2 * math.pi, "p": 2 * math.pi}


def test_a_real_jump_stays_one():
    step = cf.Map.from_text("x + 0.3 + floor(2*x)/7 - 2*floor(x)/7", "x", periodic={"x": 1})
    assert step.switching and step([0.3])[0] == pytest.approx(0.6) and step([0.6])[0] == pytest.approx(0.9 + 1 / 7 - 1)


@pytest.mark.parametrize(("formula", "period", "words"), [
    ("x + sin(x)/2", 1.0, "x is not an angle of period 1: the map is not the same"), ("x**2", 1.0, "not an angle"),
    ("1.5*x", 1.0, "not an angle"), ("x", -1.0, "positive number"), ("x", math.inf, "positive number"), ("x", "1", r"`periodic`\['x'\] is a number, not '1'"),
])  # fmt: skip
def test_what_does_not_repeat_is_refused(formula, period, words):
    with pytest.raises(UsageError, match=words):
        cf.Map.from_text(formula, "x", periodic={"x": period})


def test_an_unknown_angle_and_a_map_without_any_are_refused():
    with pytest.raises(UsageError, match="unknown entry of the state 'y'"):
        cf.Map.from_text("x", "x", periodic={"y": 1.0})
    with pytest.raises(UsageError, match="`periodic="):
        cf.analysis.rotation_number(cf.Map.from_text("x + 0.1", "x"), [0.1])
    with pytest.raises(NumericsError, match="rotation number"):
        cf.analysis.rotation_number(cf.Map.from_text(["x + y", "3*y"], "x y", periodic={"x": 1.0}), [0.1, 0.2])


def test_parameters_that_break_the_period_are_refused():
    step = cf.Map.from_text("x + 0.1*sin(a*x)", "x", {"a": 1.0}, periodic={"x": 2 * math.pi})
    assert step.at(a=3.0)([0.5])[0] == pytest.approx(0.5 + 0.1 * math.sin(1.5))
    with pytest.raises(UsageError, match="not an angle"):
        step.at(a=1.5)


def test_compositions_extensions_and_optimizers_have_angles_too():
    step = circle(0.5, 0.4)
    twice = cf.compose(step, step.at(W=0.1))
    assert twice.periodic == {"x": 1.0} and twice([0.8])[0] == pytest.approx(step.at(W=0.1)(step([0.8]))[0], abs=1e-14)
    assert cf.analysis.rotation_number(cf.compose(step.at(K=0.0), step.at(K=0.0)), [0.1]).value[0] == pytest.approx(0.8)
    assert step.extended("W")([0.8, 0.4])[0] == pytest.approx(step([0.8])[0], abs=1e-15)
    # Descent that runs around the circle: lr sin w = 2π is a fixed point modulo 2π.
    running = cf.as_map(cf.Loss("1 - cos(w)"), cf.optimizers.gd(lr=7.0), periodic={"w": 2 * math.pi})
    found = cf.analysis.cycles(running, 1, [(0, 2 * math.pi)])
    a = math.asin(2 * math.pi / 7)
    np.testing.assert_allclose(np.sort(found.points[:, 0, 0]), sorted([0, math.pi, a, math.pi - a, math.pi + a, 2 * math.pi - a]),
                               atol=1e-9)  # fmt: skip
    assert running.has_loss and cf.iterate(running, [1.0], 3).loss.shape == (4,)


def test_maps_with_angles_are_pickled_and_made_again_from_records(tmp_path):
    step = circle(0.9, 0.0)
    assert pickle.loads(pickle.dumps(step))([0.3]).tolist() == step([0.3]).tolist()
    short = cf.analysis.continue_cycle(step, [0.0], "W", (-0.1, 0.1), max_steps=2)
    whole = cf.load(short.save(tmp_path / "branch.npz")).extended()
    assert whole.ends == ("W = -0.1", "W = 0.1") and len(whole) > len(short)


def test_on_the_command_line(capsys):
    call = ["classify", "--map", LIFTED, "--set", "K=0.5", "--set", "W=0.5", "--periodic", "x=1", "--json"]
    with pytest.raises(SystemExit) as done:
        main(call)
    found = json.loads(capsys.readouterr().out)
    assert done.value.code == 0 and found["period"] == 2 and found["rotation_number"]["x"] == pytest.approx(0.5)
    for wrong, words in (("x=0.3", "not an angle"), ("y=1", "'y'"), ("x", "--periodic takes NAME=VALUE")):
        with pytest.raises(SystemExit) as done:
            main([*call[:-2], wrong])
        assert done.value.code == 2 and words in capsys.readouterr().err
