"""The elementary kernels over the whole float range, in units of the last place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cfdyn.kernels import elementary
from tests.oracles import MP


def arguments() -> list[float]:
    """10⁴ numbers: every magnitude from 10⁻³⁰⁰ to 10³⁰⁰, and densely where the functions bend."""
    rng = np.random.default_rng(6)
    magnitude = 10 ** rng.uniform(-300, 300, 2000)
    dense = np.concatenate([rng.uniform(-40, 40, 5000), rng.uniform(-745, 745, 2000), rng.uniform(-0.1, 0.1, 1000)])
    special = [0.0, -0.0, 0.03, math.nextafter(0.03, 0), 1.0, math.nextafter(1.0, 0), 36.7, -36.7, 709.8, -709.8, 1e308, -1e308]
    return [*(magnitude * rng.choice([-1, 1], 2000)).tolist(), *dense.tolist(), *special]


def softplus(x):
    return x if x > 800 else MP.zero if x < -800 else MP.log1p(MP.exp(x))


def sigmoid(x):
    return MP.one if x > 800 else MP.zero if x < -800 else 1 / (1 + MP.exp(-x))


def logcosh(x):
    y = abs(x)
    return y - MP.log(2) if y > 800 else MP.log1p(2 * MP.sinh(y / 2) ** 2)


@pytest.mark.parametrize(("function", "most"), [(softplus, 2.0), (sigmoid, 3.0), (logcosh, 4.0)])
def test_error_in_units_of_the_last_place(function, most):
    kernel = getattr(elementary, function.__name__)
    worst = (0.0, 0.0)
    for x in arguments():
        exact = function(MP.mpf(x))
        value = float(kernel(x))
        if abs(exact) < 1e-300:
            assert abs(value) <= 1.1e-300
            continue
        error = float(abs(MP.mpf(value) - exact) / math.ulp(float(exact)))
        worst = max(worst, (error, x))
    assert worst[0] <= most, f"{worst[0]:.2f} units at {worst[1]!r}"


def test_at_infinity():
    inf = math.inf
    assert (elementary.softplus(inf), elementary.softplus(-inf)) == (inf, 0.0)
    assert (elementary.sigmoid(inf), elementary.sigmoid(-inf)) == (1.0, 0.0)
    assert (elementary.logcosh(inf), elementary.logcosh(-inf)) == (inf, inf)


@pytest.mark.parametrize("name", ["softplus", "sigmoid", "logcosh", "sign", "heaviside"])
def test_nan_stays_nan(name):
    assert math.isnan(getattr(elementary, name)(math.nan))


def test_steps():
    for x in arguments():
        assert elementary.sign(x) == (x > 0) - (x < 0)
        assert elementary.heaviside(x) == (1.0 if x > 0 else 0.0 if x < 0 else 0.5)
        assert elementary.maximum(x, 0.5) == max(x, 0.5) and elementary.minimum(x, 0.5) == min(x, 0.5)
    assert elementary.sign(math.inf) == 1.0 and elementary.heaviside(-math.inf) == 0.0
