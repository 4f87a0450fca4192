"""General stiff equations given by formulas: published and exact end values, tolerances, orders, and what cannot be solved."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import cfdyn as cf
from cfdyn.errors import FormulaError, NumericsError, UsageError
from problems import stiff

# Solutions at the end as Algorithm 648 tabulates them (Enright and Pryce, ACM Trans. Math. Softw. 13, 1987), in 8 digits
# or more of floor + |y|.
PUBLISHED = {
    "C1": [4.003223925456179e-4, 4.0016e-4, 4e-4, 2e-2],
    "C2": [1.999999997938994, 3.999999990839974e-2, 4.001599991537078e-2, 4.003201271914461e-2],
    "C3": [1.999999997939167, 3.999999990840744e-1, 4.159999990793773e-1, 4.333055990159567e-1],
    "C4": [1.999999997938846, 3.999999990839318, 1.999999991637941e1, 4.199999965390368e2],
    "C5": [1.999999997938846, 7.999999981678634, 1.359999993817714e2, 3.712799965967762e4],
    "D1": [2.224222010616901e1, 2.711071334484136e1, 4e2],
    "D2": [7.158270687193941e-1, 9.185534764557338e-2, 2.841637457458413e1],
    "D3": [6.397604446889910e-1, 5.630850708287990e-3, 3.602395553110090e-1, 3.170647969903515e-1],
    "D4": [5.976546980673215e-1, 1.402343408546138, -1.893386540441913e-6],
    "D5": [-9.916420698713913e-1, 9.833363588544478e-1],
    "D6": [8.523995440749948e-1, 1.476003981941319e-1, 5.773087333950041e-8],
    "E1": [1e-8, 0.0, 0.0, 0.0],
    "E2": [-1.158701266031984, 4.304698089780476e-1],
    "E3": [4.253052197643089e-3, 5.317019548450387e-3, 2.627647748753926e1],
    "E4": [1.999999977523654e1, -2.000000022476345e1, -2.247634567084293e-7, 2.247634567084293e-7],
    "E5": [1.618076919919600e-3, 1.382236955418478e-10, 8.251573436034144e-12, 1.299721221058136e-10],
    "F1": [1.211129474696585e3, 1.271123619113051e-5, 1.208637804660361e3, 3.241981171933418e-4],
    "F2": [3.912699122292088e-1, 1.329964166084866e-3],
    "F3": [3.235910070806680e-13, 2.360679774997897e-7, 7.639319089351045e-14, 7.639319461070194e-7, 3.236067653908783e-6],
    "F4": [4.418303324022590, 1.290244712916425, 3.019282584050490],
    "F5": [1.713564284690712e-7, 3.713563071160676e-3, 6.189271785267793e-3, 9.545143571530929e-6],
}
METHODS = pytest.mark.parametrize("method", ["auto", "radau5"])


def flow_of(problem):
    return cf.Flow.from_text(problem.formulas, problem.variables)


def end_of(problem, rtol, method, **options):
    path = cf.solve(flow_of(problem), problem.start, problem.end, rtol=rtol, atol=rtol * problem.floor, method=method,
                    save_at=[problem.end], **options)
    assert path.status == "done"
    return path


def gap(problem, z, exact):
    return float((np.abs(z - exact) / (problem.floor + np.abs(exact))).max())


@METHODS
@pytest.mark.parametrize("name", [problem.name for problem in stiff.DETEST])
def test_the_error_follows_the_tolerance(name, method):
    problem = stiff.problem(name)
    exact = stiff.exponential(problem) if problem.linear else np.array(PUBLISHED[name])
    for rtol in (1e-6, 1e-9):
        path = end_of(problem, rtol, method)
        assert gap(problem, path.z[-1], exact) < 100 * rtol
        # Nothing is solved with steps that stability dictates: B1 and B5 oscillate, the others need a third of that.
        assert path.stats["steps"] + path.stats["rejected"] < 8000


def test_all_problems_of_the_test_set_are_there():
    counts = {letter: sum(p.name[0] == letter for p in stiff.DETEST) for letter in "ABCDEF"}
    assert counts == {"A": 4, "B": 5, "C": 5, "D": 6, "E": 5, "F": 5}
    assert {p.name for p in stiff.DETEST if not p.linear} == set(PUBLISHED)


@METHODS
@pytest.mark.parametrize(("name", "exact"), [
    # Hairer and Wanner II, and the test set of Mazzia and Magherini.
    ("Robertson, t = 40", (0.7158270687, 9.1855348e-6, 0.2841637457)),
    ("Robertson, t = 1e11", (0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050)),
    ("van der Pol, μ = 1e3", (1.706167732170469, -0.8928097010248e-3)),
])
def test_published_end_values(name, exact, method):
    problem = stiff.problem(name)
    for rtol in (1e-6, 1e-9):
        np.testing.assert_allclose(end_of(problem, rtol, method).z[-1], exact, rtol=1e3 * rtol, atol=1e2 * rtol * problem.floor)


@METHODS
@pytest.mark.parametrize("name", ["D4", "E5", "F2"])
def test_two_independent_solvers_agree(name, method):
    problem = stiff.problem(name)
    found = solve_ivp(problem.slope, (0, problem.end), problem.start, "Radau", rtol=1e-12, atol=1e-12 * problem.floor)
    assert found.success
    assert gap(problem, end_of(problem, 1e-11, method).z[-1], found.y[:, -1]) < 1e-9


def test_robertson_keeps_its_mass_and_every_row_is_as_asked():
    problem = stiff.problem("Robertson, t = 1e11")
    times = np.geomspace(1e-6, problem.end, 30)
    path = cf.solve(flow_of(problem), problem.start, problem.end, rtol=1e-8, atol=1e-14, method="auto", save_at=times)
    assert (path.t == times).all() and len(path.z) == 30
    np.testing.assert_allclose(path.z.sum(axis=1), 1.0, atol=1e-9)


def test_explicit_steps_that_are_rejected_again_and_again_are_a_sign_of_stiffness():
    # Every second step used to be rejected, and no accepted one was long enough to tell.
    problem = stiff.problem("F1")
    path = end_of(problem, 1e-9, "auto")
    assert path.stats["phases"] == 2 and path.stats["steps"] < 1500


@pytest.mark.parametrize("method", ["auto", "dop853"])
@pytest.mark.parametrize(("rate", "end"), [(1.0, 8.0), (0.3, 16.0), (0.1, 40.0)])
@pytest.mark.parametrize("rtol", [1e-6, 1e-8, 1e-9, 1e-10, 1e-12])
def test_stiffness_that_grows(rtol, rate, end, method):
    # y = 1 + exp((1 − e^(at))/a). Explicit steps used to be off by up to 60,000 rtol between their ends, where their estimate has
    # a zero; and implicit ones by 1500 rtol, where their first iteration was believed with the rates of an earlier Jacobian.
    flow = cf.Flow.from_text(["exp(a*s)*(1 - y)", "1"], "y s", {"a": rate})
    path = cf.solve(flow, [2.0, 0.0], end, rtol=rtol, atol=rtol / 100, method=method)
    at_rows, between = (np.abs(z - 1 - np.exp(-np.expm1(rate * t) / rate)).max()
                        for z, t in [(path.z[:, 0], path.t), (path(np.linspace(0, end, 4001))[:, 0], np.linspace(0, end, 4001))])
    assert at_rows < 20 * rtol and between < 400 * rtol


@pytest.mark.parametrize("method", ["auto", "radau5"])
@pytest.mark.parametrize("rate", [1e4, 1e6, 1e8])
@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10])
def test_implicit_steps_are_accurate_between_their_ends(rtol, rate, method):
    # y = cos t, Prothero and Robinson: the error of long implicit steps is divided by h|λ|, at their ends only. Between them they
    # were off by up to 85,000 rtol.
    flow = cf.Flow.from_text(["-a*(y - cos(s)) - sin(s)", "1"], "y s", {"a": rate})
    path = cf.solve(flow, [1.0, 0.0], 5.0, rtol=rtol, atol=rtol / 100, method=method)
    t = np.linspace(0, 5, 5001)
    assert np.abs(path(t)[:, 0] - np.cos(t)).max() < 50 * rtol ** (7 / 8) and path.stats["steps"] < 20 + 2 / rtol**0.25


@pytest.mark.parametrize(("rtol", "rate"), [(1e-5, 100.0), (1e-6, 562.0), (1e-7, 1000.0), (1e-7, 1778.0), (1e-9, 10000.0), (1e-8, 1334.0)])
def test_explicit_steps_as_long_as_stability_allows_are_a_sign_of_stiffness(rtol, rate):
    # They came to rest at, or swung about, h|λ| of 3.2 to 5.5, below what was taken for a sign; 13,630 of them at 1e-9.
    flow = cf.Flow.from_text(["-a*(y - cos(s)) - sin(s)", "1"], "y s", {"a": rate})
    path = cf.solve(flow, [2.0, 0.0], 5.0, rtol=rtol, atol=rtol / 1000)
    assert path.stats["phases"] == 2 and path.stats["steps"] < 200


@pytest.mark.parametrize(("method", "counts", "order"), [("radau5", (20, 40), 5), ("dop853", (10, 20), 8), ("rkc", (400, 800), 2)])
def test_the_order_of_fixed_steps(method, counts, order):
    # A logistic curve and, beside it, the rotation that its speed drives: x = 1/(1 + e^-t), angle = log(1 + e^t).
    flow = cf.Flow.from_text(["x*(1 - x)", "-x*s", "x*c"], "x c s")
    angle = math.log1p(math.exp(3.0)) - math.log(2.0)
    exact = [1 / (1 + math.exp(-3.0)), math.cos(angle), math.sin(angle)]
    errors = [np.abs(cf.solve(flow, [0.5, 1, 0], 3, step=3 / n, method=method).z[-1] - exact).max() for n in counts]
    assert math.log2(errors[0] / errors[1]) > order - 0.2


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 6), seed=st.integers(0, 10**6), size=st.floats(-1, 5), method=st.sampled_from(["auto", "radau5"]))
def test_linear_systems(n, seed, size, method):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n))
    matrix = -10.0**size * (matrix @ matrix.T) - np.eye(n) + (matrix - matrix.T)
    start, rows = rng.normal(size=n), [" + ".join(f"({x!r})*x{j}" for j, x in enumerate(row)) for row in matrix.tolist()]
    flow = cf.Flow.from_text(rows, [f"x{j}" for j in range(n)])
    path = cf.solve(flow, start, 1.0, rtol=1e-9, atol=1e-12, method=method, save_at=[1.0])
    assert path.status == "done"
    np.testing.assert_allclose(path.z[-1], expm(matrix) @ start, rtol=1e-6, atol=1e-9)


@METHODS
@pytest.mark.parametrize("scale", [1e-20, 1e-9, 1e9, 1e20])
def test_the_unit_of_time_does_not_matter(scale, method):
    flow = cf.Flow.from_text(["(y - x)*1e6*k", "-y*k"], "x y", {"k": 1 / scale})
    path = cf.solve(flow, [2.0, 1.0], scale, rtol=1e-9, atol=1e-12, method=method, save_at=[scale])
    assert path.status == "done"
    np.testing.assert_allclose(path.z[-1], math.exp(-1) * np.array([1e6 / (1e6 - 1), 1.0]), rtol=1e-8)


@pytest.mark.parametrize("method", ["auto", "radau5", "dop853", "rkc"])
@pytest.mark.parametrize(("formula", "start", "pole"), [("x**2", 1.0, 1.0), ("x**3", 10.0, 0.005), ("exp(x)", 1.0, math.exp(-1))])
def test_a_blow_up_ends_the_path_with_a_sentence(formula, start, pole, method):
    path = cf.solve(cf.Flow.from_text(formula, "x"), [start], 2.0, method=method, save_at=[pole / 2, 1.5])
    assert path.status.startswith("blow-up at t = ") and len(path.t) == 1
    assert float(path.status.split("=")[1].split(":")[0]) == pytest.approx(pole, rel=1e-4)
    exact = {"x**2": 2.0, "x**3": 10 * 2**0.5, "exp(x)": 1 + math.log(2)}[formula]
    assert path.z[0, 0] == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("formula", "said"), [
    ("-sqrt(x)", r"stalled at t = (1\.9999|2\.000)\d*: "), ("-1/x", r"stalled at t = 0\.(49999|50000|5:)"),
    # It slides along 0.
    ("-sign(x)", r"stopped at t = 1\.00\d* after 20000 steps.*raise `max_steps`"),
    ("-1e300*x", r"stalled at t = 0: |done|stopped at t = \S*e-\d+ after 20000 steps.*raise `max_steps`"),
])
@pytest.mark.parametrize("method", ["auto", "radau5", "dop853", "rkc"])
def test_singular_equations_end_with_a_sentence(formula, said, method):
    path = cf.solve(cf.Flow.from_text(formula, "x"), [1.0], 5.0, method=method, max_steps=20_000)
    assert re.match(said, path.status)
    assert np.isfinite(path.z).all()


@pytest.mark.parametrize(("formulas", "variables", "said"), [
    ([], "", "one formula for each variable"), (None, "x", "one formula for each variable"), ("", "x", "blank"),
    (["x", ""], "x y", "blank"), (["x"], "x y", "one formula for each variable"), (["x*"], "x", "ends after"),
    (["k*x"], "x", "'k'"), ([1.0], "x", "a text"), (["x", "x"], "x x", "distinct"),
])
def test_formulas_that_make_no_flow(formulas, variables, said):
    with pytest.raises((UsageError, FormulaError), match=said):
        cf.Flow.from_text(formulas, variables)


@pytest.mark.parametrize(("start", "options", "said"), [
    ([1.0], {}, "2 entries"), ([1.0, 2.0, 3.0], {}, "2 entries"), ([np.nan, 1.0], {}, "finite"), ([np.inf, 1.0], {}, "finite"),
    ("ab", {}, "list of numbers"), ([1j, 0], {}, "list of numbers"), ([[1.0, 2.0]], {}, "list of numbers"), ([], {}, "2 entries"),
    ([1, 1], {"t": math.inf}, "finite"), ([1, 1], {"t": math.nan}, "finite"), ([1, 1], {"t": (0, 1, 2)}, "a number"),
    ([1, 1], {"rtol": "a"}, "`rtol` is a number"), ([1, 1], {"atol": [1e-3, 1e-3]}, "`atol` is a number"),
    ([1, 1], {"max_steps": "many"}, "`max_steps` is a number"), ([1, 1], {"rtol": math.nan}, "rtol"), ([1, 1], {"step": -1}, "step"),
    ([1, 1], {"method": "radau"}, "radau5"), ([1, 1], {"save_at": [2.0, 1.0]}, "increase"),
])
def test_questions_that_make_no_sense(start, options, said):
    flow = cf.Flow.from_text(["y", "-x"], "x y")
    with pytest.raises(UsageError, match=said):
        cf.solve(flow, start, **{"t": 1.0, **options})


def test_a_start_where_the_equation_is_not_defined():
    with pytest.raises(NumericsError, match="not defined at the start"):
        cf.solve(cf.Flow.from_text("log(x)", "x"), [-1.0], 1.0)
    assert issubclass(NumericsError, cf.CfdynError)


def test_steps_without_end_are_bounded():
    lorenz = cf.Flow.from_text(["10*(y - x)", "x*(28 - z) - y", "x*y - 8/3*z"], "x y z")
    path = cf.solve(lorenz, [1, 1, 1], 1e9, max_steps=5000)
    assert path.stats["steps"] == 5000 and "raise `max_steps`" in path.status
    assert cf.solve(lorenz, [1, 1, 1], 1.0, max_steps=math.inf).status == "done"
