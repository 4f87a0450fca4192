"""The principal flow: exact on quadratics, repelling beyond 2, of second order elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import UsageError

CURVATURES = st.floats(-3.0, 4.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(CURVATURES, min_size=2, max_size=2), st.floats(0.1, 2.0), st.floats(0, np.pi), st.sampled_from([1, 2, 3]))
def test_exact_in_modulus_on_quadratics(curvatures, lr, angle, steps):
    """In the eigenvectors a component is multiplied by |1 − ηλ| per step, whatever ηλ."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    a, b, e = (turn @ np.diag(curvatures) @ turn.T)[[0, 0, 1], [0, 1, 1]]
    loss = cf.Loss("a*x**2/2 + b*x*y + e*y**2/2", "x y", {"a": a, "b": b, "e": e})
    path = cf.solve(cf.flows.principal(loss, cf.optimizers.gd(lr)), turn @ [1.0, 0.7], steps, rtol=1e-11, atol=1e-14)
    factors = np.abs(1 - lr * np.array(curvatures)) ** steps
    np.testing.assert_allclose(turn.T @ path.w[-1], factors * [1.0, 0.7], rtol=1e-7, atol=1e-10 * factors.max() + 1e-15)


@pytest.mark.parametrize(("scaled", "factor"), [(0.0, -1.0), (1e-9, -1 - 5e-10), (1.0, -52 * np.log(2)), (1 + 1e-20, -52 * np.log(2)),
                                               (2.0, 0.0), (1.9, np.log(0.9) / 1.9), (2.1, np.log(1.1) / 2.1), (-0.5, -2 * np.log(1.5))])  # fmt: skip
def test_the_factor_of_an_eigenvector(scaled, factor):
    """−η for λ → 0, bounded at ηλ = 1, positive (so a minimum repels) iff ηλ > 2."""
    loss = cf.Loss("a*w**2/2 + w", "w", {"a": scaled / 0.5})
    rate = cf.flows.principal(loss, cf.optimizers.gd(0.5)).drift([0.0])[0]
    np.testing.assert_allclose(rate, 0.5 * factor, rtol=1e-12, atol=1e-15)
    assert (rate > 0) == (scaled > 2)


@pytest.mark.parametrize(("flow", "largest", "mean"), [(cf.flows.principal, 0.05, False), (cf.flows.rod, 0.1, True)])
def test_gradient_descent_to_second_order_in_the_learning_rate(flow, largest, mean):
    """The rod flow that of the means of two iterates, below the edge."""
    loss, errors = cf.Loss("cosh(x) + (x - y)**2/2 + x*y**2/6"), []
    for gd in (cf.optimizers.gd(largest), cf.optimizers.gd(largest / 2), cf.optimizers.gd(largest / 4)):
        steps = round(3 / gd.params["lr"])
        orbit = cf.iterate(cf.as_map(loss, gd), [1.0, -0.5], steps + 1).w
        path = cf.solve(flow(loss, gd), [1.0, -0.5], steps, rtol=1e-11, save_at=np.arange(steps + 1))
        errors.append(np.abs(path.w - ((orbit[1:] + orbit[:-1]) / 2 if mean else orbit[:-1])).max())
    ratios = np.divide(errors[:-1], errors[1:])
    assert (ratios > 3.5).all() and (ratios < 5).all(), ratios


def test_weight_decay_is_part_of_the_loss():
    plain = cf.flows.principal(cf.Loss("cosh(x) + 0.15*x**2"), cf.optimizers.gd(0.4))
    decayed = cf.flows.principal(cf.Loss("cosh(x)"), cf.optimizers.gd(0.4, weight_decay=0.3))
    np.testing.assert_allclose(decayed.drift([0.7]), plain.drift([0.7]), rtol=1e-14)


def test_a_path_that_crosses_the_singular_curvature():
    """log cosh from afar passes ηλ = 1 near its minimum; the flow goes on, to rest."""
    path = cf.solve(cf.flows.principal(cf.Loss("logcosh(w)"), cf.optimizers.gd(1.0)), [3.0], 40)
    assert path.status == "done" and abs(path.w[-1, 0]) < 1e-8
    path = cf.solve(cf.flows.principal(cf.Loss("logcosh(w)"), cf.optimizers.gd(1.6)), [3.0], 60)
    assert path.status == "done" and abs(path.w[-1, 0]) < 1e-8 and path.sharpness[-1] * 1.6 > 1


@pytest.mark.parametrize("name", ["principal", "sqrt_loss", "self_stabilization"])
@pytest.mark.parametrize(("optimizer", "sentence"), [(cf.optimizers.adam(0.1), "not of adam; take `cf.optimizers.gd"),
                                                     (cf.optimizers.heavy_ball(0.1), "not of heavy_ball"), (cf.optimizers.sam(0.1), "not of sam"),
                                                     (cf.optimizers.gd(0.1, clip=1.0), "leave out clip"), ("gd", "takes an optimizer")])  # fmt: skip
def test_flows_of_gradient_descent_refuse_others(name, optimizer, sentence):
    with pytest.raises(UsageError, match=sentence):
        getattr(cf.flows, name)(cf.Loss("w**2/2"), optimizer)


def test_gradient_descent_by_its_formula_is_gradient_descent():
    own = cf.Optimizer.from_text({"w": "w - lr*g"}, {"lr": 0.5})
    assert cf.flows.principal(cf.Loss("w**2/2"), own).drift([1.0]) == pytest.approx(np.log(0.5))
