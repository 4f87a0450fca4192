"""Flows of general equations: the time in formulas, functions of Python, backward time, other parameter values."""

import numpy as np
import pytest
import sympy as sp

import cfdyn as cf

TIGHT = {"rtol": 1e-12, "atol": 1e-14}


def forced(t):
    """x' = cos t − x from (cos 0 + sin 0)/2 stays on (cos t + sin t)/2."""
    return (np.cos(t) + np.sin(t)) / 2


def test_the_time_in_a_formula_is_the_time():
    flow = cf.Flow.from_text("cos(t) - x", "x")
    path = cf.solve(flow, [forced(2.0)], (2.0, 7.0), **TIGHT)
    assert flow.timed and flow.names == ("x", "t") and path.n_weights == 1
    np.testing.assert_allclose(path.w[:, 0], forced(path.t), atol=1e-12)
    np.testing.assert_allclose(path.z[:, 1], path.t, atol=1e-12)


def test_t_is_a_variable_or_a_parameter_where_it_is_wanted_as_one():
    assert not cf.Flow.from_text("t*(1 - t)").timed
    assert not cf.Flow.from_text("x*t", params={"t": 2.0}).timed
    assert cf.Flow.from_text("x*t").timed
    assert not cf.Flow.from_text("x*t; t").timed


def test_a_path_into_the_past_returns_to_its_start():
    flow = cf.Flow.from_text("v; -sin(x) + cos(t)/2", "x v")
    ahead = cf.solve(flow, [1.0, 0.3], (0, 5), **TIGHT)
    back = cf.solve(flow, ahead.w[-1], (5, 0), save_at=[5, 2.5, 0], **TIGHT)
    np.testing.assert_allclose(back.w[-1], [1.0, 0.3], atol=1e-10)
    np.testing.assert_allclose(back.w[1], ahead(2.5), atol=1e-10)
    np.testing.assert_allclose(back(1.25), ahead(1.25), atol=1e-9)
    np.testing.assert_allclose(back.slopes[1], flow.drift_at(back.z[1]), atol=1e-9)
    assert back.t.tolist() == [5, 2.5, 0]


def test_a_stiff_path_into_the_past_by_the_implicit_method():
    path = cf.solve(cf.Flow.from_text("1000*(x - cos(t)) - sin(t)", "x"), [1.0], (0, -3), method="radau5", rtol=1e-9)
    np.testing.assert_allclose(path.w[-1, 0], np.cos(-3), atol=1e-7)


def test_text_with_semicolons_sympy_and_python_functions_are_one_flow():
    x, v, mu = sp.symbols("x v mu")
    at = [0.7, -1.2]
    given = [
        cf.Flow.from_text("v; mu*(1 - x**2)*v - x", "x v", {"mu": 1.5}),
        cf.Flow.from_text([v, mu * (1 - x**2) * v - x], "x v", {"mu": 1.5}),
        cf.Flow.from_text(lambda x, v, mu=1.5: (v, mu * (1 - x**2) * v - x)),
        cf.Flow.from_text(lambda t, z, mu=1.5: (z[1], mu * (1 - z[0] ** 2) * z[1] - z[0]), "x v"),
        cf.Flow.from_text("v; mu*(1 - x**2)*v - x", "x v", {"mu": 1.0}).at(mu=1.5),
    ]
    expected = [-1.2, 1.5 * (1 - 0.49) * -1.2 - 0.7]
    for flow in given:
        np.testing.assert_allclose(flow.drift(at), expected, rtol=1e-15)
        np.testing.assert_allclose(flow.backward().drift(at), np.negative(expected), rtol=1e-15)


def test_a_function_that_branches_on_values_is_refused():
    with pytest.raises(cf.CfdynError, match=r"numpy\.where"):
        cf.Flow.from_text(lambda x: 1.0 if x > 0 else -x)


def test_solve_takes_a_text():
    np.testing.assert_allclose(cf.solve("-x", [1.0], 1, **TIGHT).w[-1], np.exp(-1), rtol=1e-11)


def test_the_gradient_flow_of_a_loss_goes_back_uphill():
    flow = cf.flows.gradient(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))
    path = cf.solve(flow, [1.0], -2, **TIGHT)
    np.testing.assert_allclose(path.w[-1], np.exp(1), rtol=1e-11)
    assert path.loss[-1] > path.loss[0]


@pytest.mark.parametrize(
    ("flow", "t", "words"),
    [
        (cf.flows.central(cf.Loss("w**2"), cf.optimizers.gd(lr=0.5)), -1, "forward in time only"),
        (cf.flows.rod(cf.Loss("w**2"), cf.optimizers.gd(lr=0.5)), -1, "forward in time only"),
        (cf.Flow.from_text("-x"), np.inf, "finite"),
        (cf.Flow.from_text("-x"), (0, 1, 2), "a number"),
    ],
)
def test_times_that_make_no_sense_are_refused(flow, t, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.solve(flow, [1.0], t)


def test_a_start_at_another_time_is_refused():
    with pytest.raises(cf.CfdynError, match="the start is at t = 3"):
        cf.solve(cf.Flow.from_text("cos(t) - x", "x"), [1.0, 3.0], 5)


def test_rows_of_a_path_into_the_past_decrease():
    with pytest.raises(cf.CfdynError, match="must decrease"):
        cf.solve(cf.Flow.from_text("-x"), [1.0], -5, save_at=[-5, -1])


def test_a_pole_in_the_past_is_met_at_its_time():
    path = cf.solve(cf.Flow.from_text("x**2"), [-1.0], -3)  # 1/(1 + t) with a pole at −1
    assert path.status.startswith("blow-up at t = -0.99") or path.status.startswith("blow-up at t = -1")


def test_a_path_into_the_past_is_drawn_over_its_times():
    path = cf.solve(cf.Flow.from_text("v; -sin(x) + cos(t)/4", "x v"), [1.0, 0.0], (-1, -20))
    axes = cf.plot(path).axes
    drawn = axes[0].lines[0].get_xdata()
    assert [one.get_ylabel() for one in axes] == ["$x$", "$v$", "step size"]
    assert (drawn.min(), drawn.max()) == (-20, -1)
