"""Lyapunov exponents of flows by the tangent equation."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

LORENZ = cf.Flow.from_text("s*(y-x); x*(r-z)-y; x*y-b*z", "x y z", {"s": 10.0, "r": 28.0, "b": 8 / 3})


def test_of_a_linear_flow_they_are_the_real_parts_of_the_eigenvalues():
    flow = cf.Flow.from_text("-x + 2*y; -3*y; z/10 - w; w/10 + z", "x y z w")
    found = cf.analysis.lyapunov_spectrum(flow, [0.0, 0.0, 0.0, 0.0], 50, 50)
    np.testing.assert_allclose(found.exponents, [0.1, 0.1, -1, -3], atol=1e-9)
    assert found.unit == "time" and found.steps == 50


def test_their_sum_is_the_divergence():
    found = cf.analysis.lyapunov_spectrum(LORENZ, [1.0, 1.0, 20.0], 30, 5)
    np.testing.assert_allclose(found.total, -(10 + 1 + 8 / 3), atol=1e-8)


def test_a_limit_cycle_has_the_exponents_of_its_multipliers():
    flow = cf.Flow.from_text("x - y - x*(x**2 + y**2); x + y - y*(x**2 + y**2)", "x y")  # r = 1: μ = e^{−4π}
    found = cf.analysis.lyapunov(flow, [1.0, 0.0], 20 * 2 * np.pi, 20)
    np.testing.assert_allclose(found, [0.0, -2.0], atol=1e-7)


def test_the_time_has_no_exponent():
    flow = cf.Flow.from_text("-2*x + cos(t)", "x")
    np.testing.assert_allclose(cf.analysis.lyapunov(flow, [1.0], 20, 5), [-2.0], atol=1e-9)


def test_the_leading_one_by_itself():
    found = cf.analysis.lyapunov_spectrum(LORENZ, [1.0, 1.0, 20.0], 20, 5, leading=1)
    assert found.exponents.shape == (1,) and 0.5 < found.exponents[0] < 1.4


@pytest.mark.slow
def test_those_of_the_lorenz_flow_as_published():
    """Sprott, Chaos and Time-Series Analysis (2003), appendix A: 0.9056, 0, −14.5723; dimension 2.06215."""
    found = cf.analysis.lyapunov_spectrum(LORENZ, [1.0, 1.0, 20.0], 5000)
    assert (np.abs(found.exponents - [0.9056, 0, -14.5723]) < 4 * found.errors + 1e-4).all()
    assert abs(found.dimension - 2.06215) < 4 * found.dimension_error + 1e-4


@pytest.mark.parametrize(
    ("flow", "start", "words"),
    [
        (cf.Flow.from_text("x**2"), [1.0], "diverged to infinity"),
        (cf.Flow.from_text("x"), [1.0], "diverged to infinity"),
        (cf.Flow.from_text("log(x) - 5"), [1.0], "not smooth"),
        (cf.flows.central(cf.Loss("w**2"), cf.optimizers.gd(lr=0.1)), [1.0], "smooth flow"),
        (cf.Flow.from_text([f"-x{i}" for i in range(61)], [f"x{i}" for i in range(61)]), np.ones(61), "up to 60"),
    ],
)
def test_flows_without_exponents_are_refused(flow, start, words):
    with pytest.raises(cf.CfdynError, match=words):
        cf.analysis.lyapunov_spectrum(flow, start, 100)


def test_times_that_make_no_sense_are_refused():
    with pytest.raises(cf.CfdynError, match="positive time"):
        cf.analysis.lyapunov_spectrum(LORENZ, [1.0, 1.0, 20.0], -1)


def test_their_figure_says_per_unit_of_time():
    found = cf.analysis.lyapunov_spectrum(LORENZ, [1.0, 1.0, 20.0], 5, 1)
    assert cf.plot(found).axes[0].get_ylabel() == "per unit of time"


def test_no_exponents_are_none():
    with pytest.raises(UsageError, match="`leading` is a whole number from 1 to 2, not 0"):
        cf.analysis.lyapunov_spectrum(cf.Flow("-x; -2*y", "x y"), [0.0, 0.0], 10, leading=0)
