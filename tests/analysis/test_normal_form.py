"""Flip coefficients against the closed forms of the theory, and against measured 2-cycles."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import sympy as sp

import cfdyn as cf

W, X, Y = sp.symbols("w x y", real=True)
ONE_D = [  # the loss, its formula in SymPy with its minimum, and c where it is a known number
    (cf.losses.double_well(), (W**2 - 1) ** 2 / 4, 1, 8),
    (cf.losses.cubic(), W**3 / 3 - W, 1, 1),
    (cf.losses.poisson_regression(), sp.exp(W) - W, 0, sp.Rational(2, 3)),
    (cf.losses.logistic_regression(), sp.log(1 + sp.exp(W)) - 2 * W / 3, sp.log(2), None),
    (cf.losses.log_cosh(), sp.log(sp.cosh(W)), 0, sp.Rational(2, 3)),
    (cf.losses.quartic(S=2.0, Q=3.0), W**2 - 3 * W**4 / 4, 0, 3),
    (cf.losses.quadratic_regression(y=2.0), (W**2 / 2 - 2) ** 2 / 2, 2, None),
    (cf.Loss("w**2/2 + w**4"), W**2 / 2 + W**4, 0, -8),
    (cf.Loss("w**2/2 + w**3/10 + w**4"), W**2 / 2 + W**3 / 10 + W**4, 0, None),
]


@pytest.mark.parametrize(("loss", "expression", "minimum", "number"), ONE_D, ids=[str(row[1]) for row in ONE_D])
def test_one_dimension(loss, expression, minimum, number):
    """c = (L‴/L″)² − L⁗/(3L″)."""
    second, third, fourth = (sp.diff(expression, W, k).subs(W, minimum) for k in (2, 3, 4))
    exact = sp.simplify((third / second) ** 2 - fourth / (3 * second))
    if number is not None:
        assert exact == number
    w = float(minimum)
    found = cf.analysis.normal_form(cf.as_map(loss, cf.optimizers.gd(lr=2 / float(second))), [w])
    assert found.kind == "flip"
    assert found.coefficient == pytest.approx(float(exact), rel=1e-10)
    assert found.supercritical is bool(3 * third**2 > second * fourth)


@pytest.mark.parametrize(("loss", "expression", "minimum", "number"), ONE_D[:7], ids=[str(row[1]) for row in ONE_D[:7]])
def test_the_two_cycle_has_the_amplitude_that_the_coefficient_says(loss, expression, minimum, number):
    """Half-amplitude √((ηL″ − 2)/c) just beyond the flip."""
    w = float(minimum)
    second, third, fourth = (float(sp.diff(expression, W, k).subs(W, minimum)) for k in (2, 3, 4))
    c, beyond = (third / second) ** 2 - fourth / (3 * second), 2e-3
    step = cf.as_map(loss, cf.optimizers.gd(lr=(2 + beyond) / second))
    expected = math.sqrt(beyond / c)
    found = cf.analysis.classify(step, [w + 0.9 * expected])
    assert found.period == 2
    assert np.abs(np.diff(found.points[:, 0]))[0] / 2 == pytest.approx(expected, rel=5e-3)


def test_subcritical_means_no_small_cycle_beyond():
    loss = cf.Loss("w**2/2 + w**4")
    beyond = cf.analysis.classify(cf.as_map(loss, cf.optimizers.gd(lr=2.002)), [0.01])
    assert beyond.kind == "divergent" or np.abs(beyond.points).max() > 0.1
    before = cf.analysis.cycles(cf.as_map(loss, cf.optimizers.gd(lr=1.99)), 2, [(-0.5, 0.5)])
    assert [c.stable for c in before] == [False]
    # −w = w − η(w + 4w³): 4ηw² = 2 − η
    assert np.abs(before[0].points).max() == pytest.approx(math.sqrt(0.01 / (4 * 1.99)), rel=1e-10)


PLANES = [
    "(x - y/2)**2 + 3*y**2 + x**3/5 - x**2*y/3 + y**4/7 - x**4/3",
    "2*x**2 + y**2/2 + x*y**2 - x**2*y + x**4/9",
    "exp(x + 2*y) - x - 2*y + (x - y)**2",
]


@pytest.mark.parametrize("text", PLANES)
def test_two_dimensions(text):
    """b = (η/6)[3 tᵀH⁻¹t − D⁴L(q,q,q,q)], t = D³L(q,q,·), at the minimum 0."""
    expression = sp.sympify(text, locals={"x": X, "y": Y})
    names, at = (X, Y), {X: 0, Y: 0}

    def tensor(order):
        shape = (2,) * order
        entries = [sp.diff(expression, *(names[i] for i in index)).subs(at) for index in np.ndindex(shape)]
        return np.array(entries, dtype=float).reshape(shape)

    hessian = tensor(2)
    values, vectors = np.linalg.eigh(hessian)
    eta, q = 2 / values[-1], vectors[:, -1]
    t = np.einsum("ijk,i,j->k", tensor(3), q, q)
    fourth = np.einsum("ijkl,i,j,k,l", tensor(4), q, q, q, q)
    expected = eta / 6 * (3 * t @ np.linalg.solve(hessian, t) - fourth)
    step = cf.as_map(cf.Loss(text, "x y"), cf.optimizers.gd(lr=eta))
    found = cf.analysis.normal_form(step, [0.0, 0.0])
    assert found.coefficient == pytest.approx(expected, rel=1e-9)
    if expected > 0:
        beyond = 1e-3
        near = cf.analysis.classify(step.at(lr=eta * (1 + beyond / 2)), 0.9 * math.sqrt(beyond / expected) * q)
        assert near.period == 2
        assert np.linalg.norm(np.diff(near.points, axis=0)) / 2 == pytest.approx(math.sqrt(beyond / expected), rel=2e-2)


def test_heavy_ball_amplitude():
    """With momentum, at ηλ = 2(1 + μ): no closed form assumed, the measured amplitude² must grow as the excess over c."""
    mu = 0.5
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.0, momentum=mu))
    flip = 2 * (1 + mu) / 2
    assert cf.analysis.normal_form(step.at(lr=flip), [1.0]).supercritical is True
    # A 2-cycle 1 ± a of heavy ball solves that of gradient descent with η/(1 + μ).
    lr = flip * 1.001
    found = cf.analysis.classify(step.at(lr=lr), [1.01])
    plain = cf.analysis.cycles(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=lr / (1 + mu))), 2, [(0.5, 1.5)])
    assert sorted(found.points[:, 0]) == pytest.approx(sorted(plain[0].points[:, 0]), rel=1e-9)


def test_a_vanishing_coefficient_is_said():
    """3L‴² = L″L⁗ exactly: w²/2 + w³/6 + w⁴/8 has L″ = 1, L‴ = 1, L⁗ = 3."""
    found = cf.analysis.normal_form(cf.as_map(cf.Loss("w**2/2 + w**3/6 + w**4/8"), cf.optimizers.gd(lr=2.0)), [0.0])
    assert found.supercritical is None and "degenerate" in found.meaning


def test_what_is_no_flip_is_refused():
    with pytest.raises(cf.CfdynError, match="not a bifurcation point"):
        cf.analysis.normal_form(cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.9)), [1.0])


@pytest.mark.parametrize(("optimizer", "edge"), [("heavy_ball", 2 * (1 + 0.5) / 2), ("nesterov", 2 * 1.5 / 2 / 2)])
def test_the_2_cycle_with_momentum_has_the_amplitude_that_the_verdict_names(optimizer, edge):
    """Half the spread of the weight beyond the flip, against the sentence's coefficient, to first order."""
    step = cf.as_map(cf.losses.double_well(), getattr(cf.optimizers, optimizer)(lr=edge, momentum=0.5))
    named = float(re.search(r"half-amplitude ([0-9.e-]+) ", cf.analysis.normal_form(step, [1.0]).meaning)[1])
    beyond = 1e-4
    found = cf.analysis.classify(step.at(lr=edge * (1 + beyond)), [1.0 + named * beyond**0.5, 0.0])
    assert found.period == 2
    assert np.ptp(found.points[:, 0]) / 2 == pytest.approx(named * beyond**0.5, rel=0.01)
