"""Cases in which a careless tool is confident and wrong."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cycles.line.sampling import continuous_between
from cfdyn.errors import NumericsError
from tests.oracles import needs_compiler


def gd(formula, lr):
    return cf.as_map(cf.Loss(formula), cf.optimizers.gd(lr=lr))


def test_a_weight_may_be_called_like_a_hyperparameter():
    step = cf.as_map(cf.Loss("lr**2 + momentum**2"), cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    assert step([0.3, 0.2]) == pytest.approx([0.3 * 0.8, 0.2 * 0.8, 0.6, 0.4])


@needs_compiler
def test_nothing_is_attracting_in_an_area_preserving_map():
    """The standard map near its elliptic point (π, 0): orbits circle it and never arrive."""
    step = cf.Map.from_text(["x + y + k*sin(x)", "y + k*sin(x)"], "x y", {"k": 0.5})
    rng = np.random.default_rng(1)
    for _ in range(8):
        start = [np.pi + rng.uniform(-0.5, 0.5), rng.uniform(-0.2, 0.2)]
        found = cf.analysis.classify(step, start, budget=200_000)
        assert found.kind in ("quasi-periodic", "undecided"), (start, found)


def test_a_corner_has_no_edge_and_no_two_sided_multiplier():
    """Slopes 1 − η and 1 − 6η: attracting for both at η = 0.5 although one slope is −2."""
    formula = "Piecewise((w**2/2, w < 0), (3*w**2, True))"
    assert [m.kind for m in cf.minima(cf.Loss(formula))] == ["kink"]
    found = cf.analysis.classify(gd(formula, 0.5), [0.33])
    assert found.period == 1 and "corner" in found.reason and "unstable" not in found.reason


def test_landing_on_a_jump_decides_nothing():
    found = cf.analysis.classify(gd("Abs(w)", 0.1), [0.1])
    assert found.kind == "undecided" and "jump" in found.reason


def test_no_cycle_of_rounding_at_a_jump():
    assert cf.analysis.cycles(gd("Abs(w)", 0.3), 3, [(-2, 2)]) == []


def test_a_map_of_which_every_orbit_is_a_3_cycle():
    """w ← 1/(1 − w)."""
    with pytest.raises(NumericsError, match="continuum"):
        cf.analysis.cycles(gd("w**2/2 + log((1-w)**2)/2", 1.0), 3, [(-5, 5)])


def test_a_pole_is_not_continuous():
    assert not continuous_between(gd("log(w**2)/2", 1.0), np.array([[-1.0], [1.0]]))
    assert continuous_between(gd("(w**2-1)**2/4", 1.46), np.array([[-1.2], [1.2]]))


@pytest.mark.parametrize(("formula", "kinds"), [
    ("tanh(w)**2", ["isolated"]), ("w**6", ["degenerate"]), ("(x-1e6)**2", ["isolated"]), ("x**2*y**2", ["degenerate"]),
    ("Abs(w)**1.5", ["kink"]), ("(1-x*y)**2/2", ["continuum"]), ("x**2-y**2", []),
])  # fmt: skip
def test_kinds_of_minima(formula, kinds):
    assert sorted({m.kind for m in cf.minima(cf.Loss(formula))}) == kinds


@needs_compiler
@pytest.mark.parametrize("formula", ["x**2/2 + 5*y**2", "w**2/2", "x**2/2 + y**2/2 + z**2/2 + x*y*z"])
def test_a_slow_escape_is_not_chaos(formula):
    """Beyond the edge these diverge; at it exactly (which the samples avoid) linear maps have 2-cycles."""
    loss = cf.Loss(formula)
    edge = cf.minima(loss)[0].edge
    start, bounds = 0.1 / np.arange(1, loss.dim + 1), (0.5137 * edge, 1.9713 * edge)
    found = cf.analysis.bands(gd(formula, edge), start, "lr", bounds, count=100)
    assert "chaotic" not in {name for _, _, name in found.bands}
    assert [name for _, _, name in found.bands if name != "undecided"] == ["fixed point", "divergent"]
