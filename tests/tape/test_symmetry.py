"""Exchanges and signs that a program commutes with: found where they hold, and nowhere else."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.forms import Commutation
from cfdyn.tape.program import Program, Tape

ODD = ((0,), (-1,))


def of(step):
    """All that hold, (σ, s), of a map."""
    holds = Commutation(step._program("step"), list(step.params.values()))
    every = product(permutations(range(step.dim)), product((1, -1), repeat=step.dim))
    return {g for g in every if holds(g)}


def off(step, g, seed=0):
    """|f(g z) − g f(z)| at a few points, in 40 digits."""
    program, algebra = step._program("step"), mp_algebra(40)
    number, rng, worst = algebra.functions["number"], np.random.default_rng(seed), 0
    for _ in range(5):
        z = [number(x) for x in rng.uniform(-1, 1, step.dim)]
        p = [number(x) for x in step.params.values()]
        here = evaluate(program, algebra, z, p)
        there = evaluate(program, algebra, [s * z[k] for k, s in zip(*g)], p)
        gaps = [abs(a - s * here[k]) for a, k, s in zip(there, *g)]
        worst = max(worst, *gaps)
    return worst


@given(st.lists(st.floats(-3, 3).filter(lambda c: abs(c) > 1e-3), min_size=2, max_size=5), st.integers(0, 6), st.floats(1e-3, 1))
@settings(max_examples=60, deadline=None)
def test_polynomials_are_odd_if_their_even_terms_are_0(coefficients, even, size):
    terms = [f"c{k}*x**{2 * k + 1}" for k in range(len(coefficients))]
    params = {f"c{k}": c for k, c in enumerate(coefficients)}
    step = cf.Map.from_text(" + ".join([*terms, f"e*x**{2 * even}"]), "x", {**params, "e": 0.0})
    assert of(step) == {((0,), (1,)), ODD}
    assert of(step.at(e=size)) == {((0,), (1,))}


@pytest.mark.parametrize("text", [
    "a*sin(x) + x/(1 + x**2)", "sinh(x) - tanh(2*x) + erf(x)", "x*exp(-x**2) + sign(x)", "exp(x) - exp(-x)", "x*cosh(x)/(2 + cos(x))",
    "x*log(1 + x**2) + x*sqrt(x**4 + 1)", "Max(x, 1) + Min(x, -1)", "tan(x) + 1/x + x*Abs(x)", "Piecewise((x, Abs(x) < 1), (sign(x), True))",
])  # fmt: skip
def test_odd_functions(text):
    step = cf.Map.from_text(text, "x", {"a": 0.7} if "a*" in text else {})
    assert ODD in of(step) and off(step, ODD) < 1e-30


@pytest.mark.parametrize("text", ["sin(x + 1e-9)", "x + 1e-12*cos(x)", "exp(x) - 1", "x + Heaviside(x)", "Max(x, 0)", "x*sqrt(1 + x)", "x + log(2 + x)"])
def test_functions_that_are_not_odd(text):
    step = cf.Map.from_text(text, "x")
    assert of(step) == {((0,), (1,))} and off(step, ODD) > 1e-14


def test_logistic_regression_is_odd_if_its_labels_are_balanced():
    """σ(w) − ½ = ½ tanh(w/2), from losses with log(1 + exp)."""
    for share, holds in ((0.5, True), (0.25, False)):
        loss = cf.Loss("a*log(1 + exp(-w)) + (1 - a)*log(1 + exp(w))", params={"a": share})
        assert (ODD in of(cf.as_map(loss, cf.optimizers.gd(lr=3.0)))) is holds


def test_a_domain_that_is_not_symmetric():
    """x³ + log x − log x exists for x > 0 only, whatever is left of its formula."""
    t = Tape()
    x = t.leaf("z", 0)
    log = t.apply("log", x)
    assert not Commutation(Program(t, (t.sub(t.add(t.ipow(x, 3), log), log),), 1, 0), [])(ODD)
    assert Commutation(Program(t, (t.ipow(x, 3),), 1, 0), [])(ODD)


def test_groups_of_losses():
    """(1 − xyz)²: six exchanges and four signs; momentum goes with its weight; two hidden units of a network."""
    gd, ball = cf.optimizers.gd(lr=0.3), cf.optimizers.heavy_ball(lr=0.1, momentum=0.9)
    three = of(cf.as_map(cf.Loss("(1 - x*y*z)**2/4"), gd))
    assert len(three) == 24 and all(np.prod(signs) == 1 for _, signs in three)
    assert of(cf.as_map(cf.Loss("(1 - x*y)**2/4"), ball)) == {
        (order, (s,) * 4) for order in ((0, 1, 2, 3), (1, 0, 3, 2)) for s in (1, -1)
    }
    assert of(cf.as_map(cf.Loss("(1 - x*y)**2/4 + x**2/100"), gd)) == {((0, 1), (s, s)) for s in (1, -1)}
    units = cf.Loss("(a*tanh(b) + c*tanh(d) - 1)**2 + (a*tanh(2*b) + c*tanh(2*d) - 2)**2", variables="a b c d")
    assert len(of(cf.as_map(units, gd))) == 8
    step = cf.as_map(cf.Loss("(1 - x*y)**2/4"), gd)
    assert len(of(cf.compose(step, step, step, step))) == 4


@given(st.lists(st.integers(-3, 3), min_size=6, max_size=6), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_what_is_found_holds(c, form):
    """Maps of two variables with few coefficients, so that some are symmetric: each claim to 30 digits, and all that hold."""
    p = "{0}*{x} + {1}*{y} + {2}*{x}**2 + {3}*{x}*{y} + {4}*{y}**2 + {5}*{x}**3"
    sides = [("x", "y"), [("y", "x"), ("x", "y"), ("-y", "-x"), ("y", "-x")][form]]
    step = cf.Map.from_text([p.format(*c, x=f"({a})", y=f"({b})") for a, b in sides], variables="x y")
    every = set(product(permutations(range(2)), product((1, -1), repeat=2)))
    assert of(step) == {g for g in every if off(step, g) < 1e-30}


def test_sums_over_data_rows():
    """Each row's residual is even in the weights (u, v) together, odd in neither."""
    table = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]])
    spec = make_loss("(u*v*a - b)**2 + softplus(u*v)", "u v", columns=["a", "b"], data=table)
    every = {((0, 1), (1, 1)), ((0, 1), (-1, -1)), ((1, 0), (1, 1)), ((1, 0), (-1, -1))}
    assert of(cf.Map(LossMap(spec, cf.optimizers.gd(lr=0.1)))) == every
