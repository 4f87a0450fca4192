"""Regimes over a parameter against the published bifurcation values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import cfdyn as cf
from tests.oracles import needs_compiler


def boundaries(found, first, second):
    """Where a band called ``first`` is followed by one called ``second``."""
    pairs = zip(found.bands, found.bands[1:])
    return [a[1] for a, b in pairs if (a[2], b[2]) == (first, second)]


@pytest.mark.parametrize(
    ("step", "start", "name", "bounds", "flips"),
    [
        (cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), 0.3, "r", (2.8, 3.56), (3, 1 + math.sqrt(6), 3.544090359551922854)),
        (cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0)), 0.8, "lr", (0.8, 1.295), (1, math.sqrt(5) - 1, 1.288031754482843)),
        (cf.as_map(cf.losses.poisson_regression(), cf.optimizers.gd(lr=1.0)), 0.2, "lr", (1.7, 2.67), (2, 2.5264677258538192, 2.6563532651571774)),
    ],
    ids=["logistic", "C2", "C4"],
)  # fmt: skip
@needs_compiler
def test_doublings(step, start, name, bounds, flips):
    found = cf.analysis.bands(step, [start], name, bounds)
    names = ("fixed point", "period 2", "period 4", "period 8")
    assert [b[2] for b in found.bands if b[2] in names] == list(names)
    for flip, first, second in zip(flips, names, names[1:]):
        # Right at a flip nothing converges in reasonable time: the gap may stay open, but not wide.
        lo = max(b[1] for b in found.bands if b[2] == first)
        hi = min(b[0] for b in found.bands if b[2] == second)
        assert lo <= hi and abs(lo - flip) < 2e-3 and abs(hi - flip) < 2e-3


@needs_compiler
def test_three_window_and_the_ends_of_chaos():
    step = cf.as_map(cf.losses.cubic(), cf.optimizers.gd(lr=1.0))
    found = cf.analysis.bands(step, [0.5], "lr", (1.30, 1.56), count=600)
    three = [b for b in found.bands if b[2] == "period 3"]
    assert min(b[0] for b in three) == pytest.approx(math.sqrt(2), abs=1e-3)
    assert max(b[1] for b in three) == pytest.approx((3.841499007543507846 - 1) / 2, abs=1e-3)
    assert found.bands[-1][2] == "divergent" and found.bands[-1][0] == pytest.approx(1.5, abs=1e-3)
    chaotic = found.values[found.labels == -1]
    assert len(chaotic) > 50 and chaotic.max() < 1.501
    assert not any(b[2] == "undecided" and b[1] - b[0] > 2e-3 for b in found.bands)


def test_shape_and_order():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    seen = []
    found = cf.analysis.bands(step, [0.5], "lr", (0.5, 1.2), count=20, progress=lambda done, total: seen.append((done, total)))
    assert (np.diff(found.values) > 0).all() and seen and all(0 < d <= t for d, t in seen)
    assert len(found.values) == len(found.labels) == len(found.exponents) == len(found.tails)
    assert found.bands[0][0] == 0.5 and found.bands[-1][1] == 1.2
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in zip(found.bands, found.bands[1:]))
    # Of the fixed point w = 1 the exponent is ln|1 − 2η|.
    fixed = (found.labels == 1) & (np.abs(found.values - 0.5) > 0.1) & (found.values < 0.95)
    assert found.exponents[fixed] == pytest.approx(np.log(np.abs(1 - 2 * found.values[fixed])), abs=1e-6)


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, 1.0), (0.1, math.inf), (math.nan, 1.0)])
def test_bad_ranges_are_refused(bounds):
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    with pytest.raises(cf.CfdynError, match="range"):
        cf.analysis.bands(step, [0.5], "lr", bounds)


def test_unknown_parameter_is_refused():
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    with pytest.raises(cf.CfdynError, match="parameter"):
        cf.analysis.bands(step, [0.5], "rate", (0.5, 1.0))
