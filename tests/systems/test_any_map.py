"""Compiled and matrix-free maps of one loss answer alike: what `AnyMap` promises."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.kernels.orbits import DIVERGED, DONE, LEFT_DOMAIN
from cfdyn.systems.any_map import AnyMap

LOSS = cf.Loss("(1 - x*y)**2/2 + z**4/4 + x*z**2/3", "x y z")
STARTS = {"gd": [1.3, 0.4, -0.7], "heavy_ball": [0.6, 1.1, 0.2]}


def pair(loss, optimizer):
    by_products = SimpleNamespace(dim=loss.dim, value=loss.value, gradient=loss.gradient, hvp=loss.hvp)
    return cf.as_map(loss, optimizer), cf.as_map(by_products, optimizer)


@pytest.fixture(params=STARTS)
def both(request):
    compiled, free = pair(LOSS, getattr(cf.optimizers, request.param)(lr=0.2))
    return compiled, free, compiled.state(STARTS[request.param])


def test_both_have_all_that_is_asked_for(both):
    section = cf.stroboscopic_map(cf.Flow.from_text("-x + cos(t)", "x"), 2 * math.pi)
    asked = [name for name in vars(AnyMap) if not name.startswith("_")]
    assert len(asked) > 25
    for step in (*both[:2], section):
        assert [name for name in asked if not hasattr(step, name)] == []
    assert both[0].compiled is both[0] and both[1].compiled is None and section.compiled is None


def test_orbits_and_their_last_states(both):
    compiled, free, z = both
    (states, code), (others, also) = (step.orbit(z, 40, 1e15) for step in (compiled, free))
    assert code == also == DONE and states.shape == (41, compiled.dim)
    np.testing.assert_allclose(others, states, rtol=1e-12, atol=1e-14)
    for step in (compiled, free):
        last, steps, end = step.ahead(z, 40, 1e15)
        assert (steps, end) == (40, DONE)
        np.testing.assert_allclose(last, states[-1], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(z, both[2])


@pytest.mark.parametrize(("text", "start", "why"), [("(w**2 - 1)**2/4", 2.0, DIVERGED), ("sqrt(w)", 0.5, LEFT_DOMAIN)])
def test_the_last_state_before_an_escape(text, start, why):
    compiled, free = pair(cf.Loss(text, "w"), cf.optimizers.gd(lr=3.0))
    for step in (compiled, free):
        states, code = step.orbit(np.array([start]), 50, 1e6)
        last, steps, also = step.ahead(np.array([start]), 50, 1e6)
        assert code == also == why and steps == len(states) - 1 < 50
        assert last == states[-1] and np.abs(states).max() <= 1e6 and not np.abs(step.step(last)) <= 1e6


def test_products_are_derivatives(both):
    compiled, free, z = both
    rows = np.random.default_rng(3).normal(size=(4, compiled.dim))
    assert compiled.params.keys() == free.params.keys() > set()
    for name, value in compiled.params.items():
        image, product, slope = compiled.linearized(z, name, value)
        other, also, by_value = free.linearized(z, name, value)
        np.testing.assert_allclose(image, compiled(z), rtol=1e-14)
        np.testing.assert_allclose(product(rows), rows @ compiled.jacobian(z).T, rtol=1e-12, atol=1e-14)
        h = 1e-6
        difference = (compiled.at(**{name: value + h})(z) - compiled.at(**{name: value - h})(z)) / (2 * h)
        np.testing.assert_allclose(slope, difference, rtol=1e-7, atol=1e-9)
        for mine, its in ((image, other), (product(rows), also(rows)), (slope, by_value)):
            np.testing.assert_allclose(its, mine, rtol=1e-12, atol=1e-14)


def test_tangents_are_stretched_by_the_product_of_jacobians(both):
    compiled, free, start = both
    for step in (compiled, free):
        z, q, sums = start.copy(), np.eye(step.dim)[:2], np.zeros(2)
        whole = np.eye(step.dim)
        for state in step.orbit(z, 11, np.inf)[0]:
            whole = compiled.jacobian(state) @ whole
        assert step.stretch(z, 12, q, sums) == 12
        area = np.linalg.det(whole[:, :2].T @ whole[:, :2])
        assert abs(sums[0] - math.log(np.linalg.norm(whole[:, 0]))) < 1e-9
        assert abs(sums.sum() - math.log(area) / 2) < 1e-7
        np.testing.assert_allclose(q @ q.T, np.eye(2), atol=1e-12)
