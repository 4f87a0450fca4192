"""Closed forms of cycles against known ones, against numbers found another way, and in a process that ends in time."""

from __future__ import annotations

import functools
import math
import re

import numpy as np
import pytest

import cfdyn as cf

pytestmark = pytest.mark.usefixtures("algebra_at_hand")

GD = cf.optimizers.gd(lr=1.0)
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
DOUBLE_WELL = cf.losses.double_well()
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})


@functools.cache
def exact(name, n):
    """Records that several tests look at."""
    return cf.symbolic.cycles(LOGISTIC, n) if name == "logistic" else cf.symbolic.cycles(getattr(cf.losses, name)(), GD, n)


def found_at(record, kind, above=0.0):
    return [root.value for name, root in record.bifurcations if name == kind and root.value > above]


def composed_roots(coefficients, n):
    """Real solutions of fⁿ(x) = x of least period n by composing numpy polynomials: another method."""
    f = np.polynomial.Polynomial(coefficients)
    total = f
    for _ in range(n - 1):
        total = f(total)
    roots = (total - np.polynomial.Polynomial([0, 1])).roots()
    real = np.sort(roots[np.abs(roots.imag) < 1e-7].real)
    keep = []
    for x in real:
        orbit = [x]
        for _ in range(n):
            orbit.append(f(orbit[-1]))
        if all(abs(orbit[d] - x) > 1e-4 for d in range(1, n) if n % d == 0):
            keep.append(x)
    return np.array(keep)


@pytest.mark.parametrize("n, flip, fold", [(1, 3.0, None), (2, 1 + math.sqrt(6), None), (3, 3.841499007543507846, 1 + math.sqrt(8))])
def test_logistic(n, flip, fold):
    record = exact("logistic", n)
    assert record.complete and not record.reason
    assert flip == pytest.approx(min(found_at(record, "flip")), abs=1e-14)
    if fold:
        assert found_at(record, "fold") == [pytest.approx(fold, abs=1e-14)]
        assert "r**2 - 2*r - 7" in [c.polynomial.text for f in record.families for c in f.conditions if c.kind == "fold"]
    if n == 2:
        assert found_at(record, "birth by doubling") == [3.0]
        assert record.families[0].multipliers[0].text == "-r**2 + 2*r + 4"


@pytest.mark.parametrize("name", ["cubic", "double_well"])
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_points_are_those_of_the_composed_polynomial(name, n, seed):
    lr = float(np.random.default_rng(seed).uniform(1.45, 1.5))
    record = exact(name, n)
    f = [lr, 1, -lr] if name == "cubic" else [0, 1 + lr, 0, -lr]
    expected = composed_roots(f, n)
    mine = record.at(lr=lr)
    assert len(mine) == len(expected) // n
    np.testing.assert_allclose(np.sort(np.concatenate([c.points[:, 0] for c in mine])), expected, atol=1e-7)
    derivative = np.polynomial.Polynomial(f).deriv()
    for cycle in mine:
        assert cycle.multipliers[0] == pytest.approx(np.prod(derivative(cycle.points[:, 0])), rel=1e-9)


def test_c1_is_the_logistic_map():
    two, three = exact("cubic", 2), exact("cubic", 3)
    assert found_at(two, "flip") == [pytest.approx(math.sqrt(6) / 2, abs=1e-14)]
    assert found_at(three, "fold") == [pytest.approx(math.sqrt(2), abs=1e-14)]


@pytest.mark.parametrize("name", ["double_well", "quadratic_regression"])
def test_c2_and_c3_have_the_same_numbers(name):
    edge = cf.symbolic.edge(getattr(cf.losses, name)(), GD).minima[0].values["edge"]
    two, three = exact(name, 2), exact(name, 3)
    assert [v / edge for v in found_at(two, "flip")] == [pytest.approx(math.sqrt(5) - 1, abs=1e-14)]
    assert min(found_at(three, "fold")) / edge == pytest.approx(1.450440964487875, abs=1e-14)


def test_symmetric_cycles_of_the_double_well():
    record = exact("double_well", 2)
    assert [f.kind for f in record.families] == ["symmetric cycles", "cycles"]
    lr = 1.3
    pair = next(c for c in record.at(lr=lr) if c.family == 0)
    assert pair.points[1, 0] == pytest.approx(math.sqrt((lr + 2) / lr), abs=1e-14)
    assert pair.multipliers[0] == pytest.approx((2 * lr + 5) ** 2, rel=1e-12)


@pytest.mark.parametrize("b", [0.3, -0.4])
def test_henon(b):
    step = HENON.at(b=b)
    one, two = cf.symbolic.cycles(step, 1), cf.symbolic.cycles(step, 2)
    assert found_at(one, "fold", -9) == [pytest.approx(-((1 - b) ** 2) / 4, abs=1e-14)]
    assert found_at(one, "flip") == [pytest.approx(3 * (1 - b) ** 2 / 4, abs=1e-14)]
    assert found_at(two, "flip") == [pytest.approx((1 - b) ** 2 + (1 + b) ** 2 / 4, abs=1e-14)]
    for cycle in two.at(a=1.2):
        z = cycle.points[0]
        np.testing.assert_allclose(step.at(a=1.2)(step.at(a=1.2)(z)), z, atol=1e-12)


def test_heavy_ball_has_the_2_cycles_of_a_smaller_step():
    mu = 0.5
    record = cf.symbolic.cycles(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.0, momentum=mu), 2)
    plain = exact("double_well", 2)
    a, b = (np.sort([c.points[0, 0] for c in r.at(lr=lr)]) for r, lr in ((record, 1.8), (plain, 1.8 / (1 + mu))))
    np.testing.assert_allclose(a, b, atol=1e-12)


HEAVY, NESTEROV = (make(lr=1.0, momentum=0.3) for make in (cf.optimizers.heavy_ball, cf.optimizers.nesterov))
EDGES = [
    (cf.losses.double_well(a=1.5), GD), (cf.losses.cubic(), HEAVY), (cf.losses.poisson_regression(), NESTEROV),
    (cf.losses.logistic_regression(), GD), (cf.losses.log_cosh(), HEAVY), (cf.Loss("w**2/2 + w**3/10 + w**4"), GD),
    (cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.0, momentum=0.5, dampening=0.2)),
    (cf.Loss("sqrt(1 + a*w**2) + w/3", "w", {"a": 2.0}), HEAVY), (cf.Loss("w*log(w) - w"), GD), (cf.Loss("1/w**12 - 2/w**6"), GD),
]  # fmt: skip


@pytest.mark.parametrize("loss, optimizer", EDGES, ids=[f"{loss.spec.title}-{o.name}" for loss, o in EDGES])
def test_edges_are_those_of_the_documented_thresholds(loss, optimizer):
    record = cf.symbolic.edge(loss, optimizer)
    assert record.minima and not record.reason
    for m in record.minima:
        w = [m.values["point"]]
        assert abs(loss.gradient(w)[0]) < 1e-12
        assert m.values["sharpness"] == pytest.approx(loss.sharpness(w), rel=1e-12)
        assert m.values["edge"] == pytest.approx(optimizer.limit / loss.sharpness(w), rel=1e-12)
        flip = cf.analysis.normal_form(cf.as_map(loss, cf.optimizers.gd(lr=2 / loss.sharpness(w))), w)
        assert m.values["coefficient"] == pytest.approx(flip.coefficient, rel=1e-9)


def test_log_cosh_gives_its_2_cycles_implicitly():
    """2w = η tanh w, multiplier (1 − η sech² w)², zero at η = 2.733991."""
    record = cf.symbolic.cycles(cf.losses.log_cosh(), GD, 2)
    assert not record.complete and "transcendental" in record.reason
    for lr in (2.1, 2.733991, 5.0):
        (cycle,) = record.at(lr=lr)
        w = cycle.points[1, 0]
        assert 2 * w == pytest.approx(lr * math.tanh(w), abs=1e-12)
        assert cycle.multipliers[0] == pytest.approx((1 - lr / math.cosh(w) ** 2) ** 2, abs=1e-12)
    assert abs(record.at(lr=2.733991)[0].multipliers[0]) < 1e-10
    assert record.at(lr=1.9) == []


@pytest.mark.parametrize("loss", [cf.losses.poisson_regression(), cf.Loss("Abs(w)**3"), cf.Loss("w**20 - w")])
def test_it_says_where_there_is_nothing(loss):
    record = cf.symbolic.cycles(loss, GD, 3)
    assert not record.complete and not record.families and record.reason


def test_what_sympy_does_not_solve_has_no_closed_form():
    for formula in ("a*cos(x)", "a*sin(x) + cos(x)"):
        record = cf.symbolic.cycles(cf.Map.from_text(formula, params={"a": 1.5}), 1)
        assert not record.complete and record.reason == "its fixed points have no closed form"


def test_branches_agree_with_a_search_for_cycles():
    """The curves at some learning rate are the cycles that a numerical search finds there."""
    record = exact("double_well", 3)
    found = record.curves("lr", 1.3, 1.6, 31)
    step = cf.as_map(DOUBLE_WELL, GD)
    for k in (0, 20, 30):
        searched = cf.analysis.cycles(step.at(lr=float(found.values[k])), 3, [(-2, 2)])
        expected = np.sort(np.concatenate([np.empty(0), *(c.points[:, 0] for c in searched)]))
        row = found.points[:, k]
        np.testing.assert_allclose(np.sort(row[np.isfinite(row)]), expected, atol=1e-9)
        assert found.stable[:, k].sum() == 3 * sum(bool(c.stable) for c in searched)


def test_a_rational_map():
    """x → r x/(1 + x²): fixed points 0 and ±√(r − 1), with the multiplier (2 − r)/r."""
    record = cf.symbolic.cycles(cf.Map.from_text("r*x/(1 + x**2)", params={"r": 3.0}), 1)
    assert record.complete
    for r in (1.5, 3.0):
        found = sorted((c.points[0, 0], c.multipliers[0]) for c in record.at(r=r))
        expected = [(-math.sqrt(r - 1), (2 - r) / r), (0.0, r), (math.sqrt(r - 1), (2 - r) / r)]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_parameters_of_the_loss_stay_symbols_on_request():
    record = cf.symbolic.cycles(cf.losses.double_well(a=2.0), GD, 2, parameters="lr, a")
    (root,) = [root for kind, root in record.bifurcations if kind == "flip"]
    assert root.value == pytest.approx((math.sqrt(5) - 1) / 2, abs=1e-15)
    (a,) = root.formula.expression.free_symbols
    assert a.name == "a" and float(root.formula.expression.subs(a, 2)) == pytest.approx(root.value, abs=1e-15)
    assert record.at(lr=1.0, a=1.1)[0].points.shape == (2, 1)


def test_intervals_hold_the_root_and_no_other():
    from fractions import Fraction

    import sympy as sp

    conditions = [condition for family in exact("double_well", 3).families for condition in family.conditions]
    roots = [(sp.Poly(condition.polynomial.expression), root) for condition in conditions for root in condition.roots]
    assert len(roots) == 4
    for polynomial, root in roots:
        lo, hi = (sp.Rational(Fraction(text).numerator, Fraction(text).denominator) for text in root.interval)
        assert hi - lo < 1e-15 and polynomial.count_roots(lo, hi) == 1


@pytest.mark.slow
def test_what_was_found_in_time_is_kept():
    """The 6-cycles of the logistic map: nine of them, whose resultants take longer than this."""
    record = cf.symbolic.cycles(LOGISTIC, 6, time_limit=6.0)
    (family,) = record.families
    assert not record.complete and "time limit" in record.reason and (family.degree, family.count) == (54, 9)
    cycles = record.at(r=4.0)
    assert len(cycles) == 9  # 54 points of period 6 at r = 4, all real
    for cycle in cycles:
        assert abs(cycle.multipliers[0]) == pytest.approx(2**6, rel=1e-9)


def test_linear_and_trivial_maps():
    bowl = cf.Loss("3*w**2/2")
    assert [(k, r.value) for k, r in cf.symbolic.cycles(bowl, GD, 1).bifurcations] == [("flip", pytest.approx(2 / 3))]
    two = cf.symbolic.cycles(bowl, GD, 2)
    assert two.complete and two.families == ()
    assert "every point" in cf.symbolic.cycles(cf.Map.from_text("x"), 1).reason
    number = cf.symbolic.cycles(cf.Map.from_text("x**2 - 1"), 2)
    assert number.parameters == () and number.at()[0].points[:, 0].tolist() == pytest.approx([-1, 0], abs=1e-15)
    assert number.at()[0].multipliers[0] == pytest.approx(0, abs=1e-15)


def test_a_continuum_in_the_plane_is_refused():
    record = cf.symbolic.cycles(cf.Loss("(1 - x*y)**2/2"), GD, 1)
    assert not record.complete and record.reason


def test_two_steps_in_one_are_the_same_cycles():
    """The 2-cycles of f are fixed points of f∘f."""
    twice = cf.symbolic.cycles(cf.compose(LOGISTIC, LOGISTIC), 1).at(r=3.3)
    points = sorted(c.points[0, 0] for c in twice)
    expected = [0.0, *exact("logistic", 2).at(r=3.3)[0].points[:, 0], 1 - 1 / 3.3]
    np.testing.assert_allclose(points, sorted(expected), atol=1e-13)


@pytest.mark.parametrize("wrong, words", [
    (lambda: cf.symbolic.cycles(LOGISTIC, 0), "whole number from 1"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 10**6), "whole number from 1"),
    (lambda: cf.symbolic.cycles(LOGISTIC), "whole number from 1"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 2, parameters="s"), "unknown parameter 's'"),
    (lambda: cf.symbolic.cycles(LOGISTIC, "3"), "not '3'"),
    (lambda: cf.symbolic.cycles(LOGISTIC, n=2.5), "not 2.5"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 2.5), "not 2.5"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 2, time_limit=0), "time limit"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 2, time_limit="x"), "not 'x'"),
    (lambda: cf.symbolic.edge(DOUBLE_WELL, GD, time_limit=math.nan), "time limit"),
    (lambda: cf.symbolic.edge(DOUBLE_WELL, GD, time_limit=None), "not None"),
    (lambda: cf.symbolic.cycles(cf.losses.double_well(), 2), "needs an optimizer"),
    (lambda: cf.symbolic.cycles(LOGISTIC, GD, 2), "takes no optimizer"),
    (lambda: cf.symbolic.cycles("x**2", 2), "needs an optimizer"),
    (lambda: cf.symbolic.cycles(3.0, 2), "not float"),
    (lambda: exact("logistic", 1).at(s=1.0), "unknown parameter 's'"),
    (lambda: exact("logistic", 1).at(r=math.nan), "not a finite number"),
    (lambda: exact("logistic", 1).curves("r", 3.0, 3.0), "lo < hi"),
])  # fmt: skip
def test_wrong_usage(wrong, words):
    with pytest.raises(cf.CfdynError, match=words):
        wrong()


def test_a_flip_that_is_not_the_first_instability_is_no_edge():
    """An average of an average: for β > 1/3 a complex pair leaves before, for β = (√3 − 1)/2 at 3 + 2√3 = 6.4641."""
    rule = {"w": "w - lr*second", "m": "first", "n": "second"}
    means = {"first": "beta*m + (1 - beta)*g", "second": "beta*n + (1 - beta)*first"}
    early, late = (cf.Optimizer.from_text(rule, {"lr": 1.0, "beta": beta}, define=means, name="cascade") for beta in (0.1, 0.366025))
    [minimum] = cf.symbolic.edge(cf.Loss("w**2/2"), early).minima
    assert minimum.values["edge"] == pytest.approx(2 * (1.1 / 0.9) ** 2)
    found = cf.symbolic.edge(cf.Loss("w**2/2"), late)
    assert found.minima[0].edge is None and "cf.analysis.edge" in found.reason
    assert abs(float(re.search(r"near lr = ([\d.]+);", found.reason)[1]) - (3 + 2 * 3**0.5)) < 0.06
