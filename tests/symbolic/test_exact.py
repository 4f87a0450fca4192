"""Closed forms of cycles against known ones, against numbers found another way, and in a process that ends in time."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.symbolic.exact.short import short_forms

GD = cf.optimizers.gd(lr=1.0)
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})


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
    record = cf.symbolic.cycles(LOGISTIC, n)
    assert record.complete and not record.reason
    assert flip == pytest.approx(min(found_at(record, "flip")), abs=1e-14)
    if fold:
        assert found_at(record, "fold") == [pytest.approx(fold, abs=1e-14)]
        assert "r**2 - 2*r - 7" in [c.polynomial.text for f in record.families for c in f.conditions if c.kind == "fold"]
    if n == 2:
        assert found_at(record, "birth by doubling") == [3.0]
        assert record.families[0].multipliers[0].text == "-r**2 + 2*r + 4"


@pytest.mark.parametrize("loss, shift", [(cf.losses.cubic(), 0), (cf.losses.double_well(), 0)], ids=["C1", "C2"])
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_points_are_those_of_the_composed_polynomial(loss, shift, n, seed):
    lr = float(np.random.default_rng(seed).uniform(1.45, 1.5))
    record = cf.symbolic.cycles(loss, GD, n)
    f = [lr, 1, -lr] if loss.spec.name == "cubic" else [0, 1 + lr, 0, -lr]
    expected = composed_roots(f, n)
    mine = record.at(lr=lr)
    assert len(mine) == len(expected) // n
    np.testing.assert_allclose(np.sort(np.concatenate([c.points[:, 0] for c in mine])), expected, atol=1e-7)
    derivative = np.polynomial.Polynomial(f).deriv()
    for cycle in mine:
        assert cycle.multipliers[0] == pytest.approx(np.prod(derivative(cycle.points[:, 0])), rel=1e-9)


def test_c1_is_the_logistic_map():
    two, three = (cf.symbolic.cycles(cf.losses.cubic(), GD, n) for n in (2, 3))
    assert found_at(two, "flip") == [pytest.approx(math.sqrt(6) / 2, abs=1e-14)]
    assert found_at(three, "fold") == [pytest.approx(math.sqrt(2), abs=1e-14)]


@pytest.mark.parametrize("loss", [cf.losses.double_well(), cf.losses.quadratic_regression()], ids=["C2", "C3"])
def test_c2_and_c3_have_the_same_numbers(loss):
    edge = cf.symbolic.edge(loss, GD).minima[0].values["edge"]
    two, three = (cf.symbolic.cycles(loss, GD, n) for n in (2, 3))
    assert [v / edge for v in found_at(two, "flip")] == [pytest.approx(math.sqrt(5) - 1, abs=1e-14)]
    assert min(found_at(three, "fold")) / edge == pytest.approx(1.450440964487875, abs=1e-14)


def test_symmetric_cycles_of_the_double_well():
    record = cf.symbolic.cycles(cf.losses.double_well(), GD, 2)
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
    plain = cf.symbolic.cycles(cf.losses.double_well(), GD, 2)
    a, b = (np.sort([c.points[0, 0] for c in r.at(lr=lr)]) for r, lr in ((record, 1.8), (plain, 1.8 / (1 + mu))))
    np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("loss", [cf.losses.double_well(a=1.5), cf.losses.cubic(), cf.losses.poisson_regression(),
                                  cf.losses.logistic_regression(), cf.losses.log_cosh(), cf.Loss("w**2/2 + w**3/10 + w**4")],
                         ids=lambda loss: loss.spec.title)  # fmt: skip
@pytest.mark.parametrize("optimizer", [GD, cf.optimizers.heavy_ball(lr=1.0, momentum=0.3), cf.optimizers.nesterov(lr=1.0, momentum=0.3)],
                         ids=lambda o: o.name)  # fmt: skip
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


def test_the_time_limit_holds_and_nothing_is_left():
    begin = time.monotonic()
    record = cf.symbolic.cycles(LOGISTIC, 6, time_limit=1.0)
    assert time.monotonic() - begin < 3 and "time limit" in record.reason and not record.complete
    if os.path.isdir("/proc"):
        children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True).stdout
        assert "exact.worker" not in children


def test_importing_loads_no_sympy():
    code = "import sys, cfdyn; from cfdyn import symbolic; symbolic.cycles; cfdyn.symbolic.edge; print('sympy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False"]


def test_short_forms():
    forms = {form.name: form for form in short_forms(cf.losses.double_well(a=2.0), GD, 20.0)}
    assert forms["edge at w = 1, -1"].text == "1/a" and forms["edge at w = 1, -1"].value == 0.5
    assert forms["flip of the 2-cycle"].value == pytest.approx((math.sqrt(5) - 1) / 2, abs=1e-15)
    begin = time.monotonic()
    assert short_forms(cf.losses.poisson_regression(), GD) == [] and time.monotonic() - begin < 0.1


@pytest.mark.parametrize("wrong, words", [
    (lambda: cf.symbolic.cycles(LOGISTIC, 0), "whole number from 1"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 10**6), "whole number from 1"),
    (lambda: cf.symbolic.cycles(LOGISTIC), "whole number from 1"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 2, parameters="s"), "unknown parameter 's'"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 2, time_limit=0), "time limit"),
    (lambda: cf.symbolic.cycles(cf.losses.double_well(), 2), "needs an optimizer"),
    (lambda: cf.symbolic.cycles(LOGISTIC, GD, 2), "takes no optimizer"),
    (lambda: cf.symbolic.cycles("x**2", 2), "not str"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 1).at(s=1.0), "unknown parameter 's'"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 1).at(r=math.nan), "not a finite number"),
    (lambda: cf.symbolic.cycles(LOGISTIC, 1).curves("r", 3.0, 3.0), "lo < hi"),
])  # fmt: skip
def test_wrong_usage(wrong, words):
    with pytest.raises(cf.CfdynError, match=words):
        wrong()
