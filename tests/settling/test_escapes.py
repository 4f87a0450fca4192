"""Divergent, or only too large for a float? Truth by closed forms or by orbits in Python's and mpmath's numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.tape.evaluate import HUGE, mp_algebra
from tests.oracles import needs_compiler

COMES_BACK = [  # formula, start, period of where it ends
    ("3*exp(-x)", -800.0, 2),  # 3e^800, then 0, then 3, …
    ("exp(-x)", -800.0, 1),  # ends at the omega constant
    ("3-exp(x)", 80.0, 2),  # −5.5e34, 3, −17.1, 3, …
    ("3-exp(x)", 800.0, 2),
    ("1e17*exp(-x**2)", 0.5, 2),
    ("3.83*x*(1-x/1e20)", 0.3e20, 3),  # the logistic map in units of 10²⁰
]


@pytest.mark.parametrize(("text", "start", "period"), COMES_BACK)
@needs_compiler
def test_what_comes_back_does_not_diverge(text, start, period):
    found = cf.analysis.classify(cf.Map.from_text(text, "x"), [start])
    assert found.period == period, found.reason
    mp = mpmath.MPContext()
    mp.dps = 50
    x = mp.mpf(float(found.points[0, 0]))
    value = {"exp": mp.exp}
    for _ in range(period):
        x = eval(text, value, {"x": x})
    assert abs(x - found.points[0, 0]) <= 1e-12 * np.abs(found.points).max()


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("4.5*x*(1-x)", 0.3), ("-1.0005*x", 1.0), ("exp(x)", 1.0), ("x-0.3*(exp(x)-exp(-x))", 5.0),
        ("x-0.3*(exp(x)-exp(-x))", 400.0), ("x**2-3", 2.5), ("-2*x - x**3", 0.1), ("2*x + 1/x", 1.0),
    ],
)  # fmt: skip
@needs_compiler
def test_what_grows_for_ever_diverges(text, start):
    """|f(x)| ≥ (1 + δ)|x| on all that the orbit meets: a line of algebra each."""
    found = cf.analysis.classify(cf.Map.from_text(text, "x"), [start])
    assert found.kind == "divergent" and "step" in found.reason, found.reason


@needs_compiler
def test_divergence_of_several_variables():
    linear = cf.Map.from_text(["-1.0005*x", "0.3*y"], "x y")
    assert cf.analysis.classify(linear, [1.0, 1.0]).kind == "divergent"
    cubic = cf.Map.from_text(["x-2.3*x**3", "y-0.1*x"], "x y")
    assert cf.analysis.classify(cubic, [5.0, 1.0]).kind == "divergent"


@pytest.mark.parametrize("start", [45.0, 800.0])
@needs_compiler
def test_a_jump_far_out_with_a_slow_way_back_is_undecided(start):
    """Poisson regression, η = 3: one step to −3e^w, then 3 back at a time, e^w steps long. It does come back."""
    step = cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=3.0))
    assert cf.analysis.classify(step, [start]).kind == "undecided"


@needs_compiler
def test_rounding_to_an_unstable_fixed_point_is_no_stable_set():
    """Ricker, r = 40: from its peak x falls to 10^(−3.5e16), which floats take for 0; it leaves again, in 2e15 steps."""
    found = cf.analysis.classify(cf.Map.from_text("x*exp(r*(1-x))", "x", {"r": 40.0}), [0.3])
    assert found.kind == "undecided"


@needs_compiler
def test_what_is_said_where_nothing_is_decided():
    superstable = cf.Map.from_text("r*x*(1-x)", params={"r": 3.831874055283315568})
    found = cf.analysis.classify(superstable, [0.3], max_period=2)
    assert found.kind == "undecided" and "up to 2" in found.reason and "not finite" not in found.reason
    flat = cf.Map.from_text("Piecewise((2*x, x < 0.2), (0.4 + 0*x, x < 0.6), (x - 0.55, True))")
    found = cf.analysis.classify(flat, [0.25], max_period=1)
    assert found.period == 1 or "critical point" in found.reason


@pytest.mark.slow
@needs_compiler
def test_bursts_of_a_bounded_map_are_no_growth():
    """Pomeau and Manneville's map stays in [0, 1); its laminar phases have no longest length."""
    text = "Piecewise((x + 2**0.9*x**1.9, x < 0.5), (2*x - 1, True))"
    found = [cf.analysis.classify(cf.Map.from_text(text), [x]) for x in np.random.default_rng(3).uniform(0.01, 0.99, 12)]
    assert {f.kind for f in found} == {"chaotic", "undecided"} and not any("grows" in f.reason for f in found)


@given(st.floats(-1e6, 1e6), st.sampled_from(["exp", "sigmoid", "tanh", "softplus", "logcosh"]))
@settings(max_examples=60)
def test_functions_with_digits_far_out(x, name):
    """Against their definitions with exact exponents."""
    ours, mp = mp_algebra(40), mpmath.MPContext()
    mp.dps = 700  # the cosh of the smallest float is 1 + 1e-647
    y = mp.mpf(x)
    expected = {
        "exp": lambda: mp.exp(y), "sigmoid": lambda: 1 / (1 + mp.exp(-y)), "tanh": lambda: mp.tanh(y),
        "softplus": lambda: mp.log(1 + mp.exp(-abs(y))) + max(y, 0), "logcosh": lambda: mp.log(mp.cosh(y)),
    }[name]()  # fmt: skip
    got = ours.functions[name](ours.functions["number"](x))
    assert abs(mp.mpf(got) - expected) <= mp.mpf(10) ** -38 * max(abs(expected), mp.mpf(10) ** -20 if name == "softplus" else 0)


def test_arguments_without_bounds_do_not_fill_the_memory():
    ours = mp_algebra(40)
    huge = ours.constant(Fraction(2)) ** (10 * HUGE)
    f = ours.functions
    assert f["exp"](-huge) == 0 and f["sigmoid"](huge) == 1 and f["sigmoid"](-huge) == 0 and f["tanh"](-huge) == -1
    assert f["softplus"](huge) == huge and math.isnan(f["exp"](huge)) and math.isnan(f["sin"](huge))


@pytest.mark.parametrize(
    ("text", "params", "start", "period", "multiplier"),
    [  # by 160-bit orbits
        ("b*x+a*cos(x)", {"a": 1.5505819971892891, "b": 0.3900828759962367}, 74710689079252.38, 2, 0.98784),
        ("b*x+a*cos(x)", {"a": 2.643888614955608, "b": 0.3640848135431378}, -91211598407723.33, 3, 0.73238),
        ("Piecewise((b*x, x > 1), (r*x*(1-x), True))", {"b": 0.32694305907508747, "r": 3.832741189700745}, 3612640590141.64, 3, 0.122182),
        ("a - exp(x)", {"a": 3.3330829013163443}, 33.56136938718013, 2, 5.3e-10),
    ],
)  # fmt: skip
@needs_compiler
def test_a_way_from_afar_does_not_set_the_scale(text, params, start, period, multiplier):
    found = cf.analysis.classify(cf.Map.from_text(text, "x", params), [start])
    assert found.period == period and abs(found.multipliers[0]) == pytest.approx(multiplier, abs=2e-5), found.reason


@pytest.mark.parametrize("text", ["2*x", "2*x - x**3"])
def test_on_the_stable_set_of_a_saddle(text):
    """From (0, 1), x stays 0 exactly."""
    found = cf.analysis.classify(cf.Map.from_text([text, "y/2"], "x y"), [0.0, 1.0])
    assert (found.kind, found.period) == ("fixed point", 1) and "stable set" in found.reason


@needs_compiler
def test_a_bounded_wave_of_something_astronomic():
    """x² grows whatever the cosine, in [−1, 1], adds to it."""
    found = cf.analysis.classify(cf.Map.from_text(["x**2 + cos(x)", "y/2 + sin(x)"], "x y"), [3.0, 0.0])
    assert found.kind == "divergent", found.reason
