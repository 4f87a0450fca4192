"""`chaos`: the verdict on motions whose kind is known, with the numbers of the literature."""

import math

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})


def chaos(step, start, **options):
    return cf.analysis.chaos(step, start, **{"dimensions": False, "steps": 20_000, **options})


@pytest.mark.slow  # the page about chaos has the same
def test_henon_with_its_dimensions():
    found = chaos(HENON, [0.1, 0.1], dimensions=True, steps=100_000)
    assert found.chaotic and found.spectrum.exponents[0] == pytest.approx(0.41922, abs=4e-3)
    assert found.spectrum.dimension == pytest.approx(1.258, abs=4e-3)
    assert abs(found.correlation.value - 1.21) < found.correlation.error < 0.04
    assert abs(found.box.value - 1.27) < found.box.error < 0.06
    assert found.states.shape == (4000, 2) and found.names == ("x", "y")


@pytest.mark.parametrize(
    ("r", "kind"),
    [
        (4.0, "chaotic"),
        (3.7, "chaotic"),
        (3.83, "regular"),
        (3.55, "regular"),
        (2.9, "regular"),
        (3.575, "chaotic"),
        (3.59, "chaotic"),
    ],
)
def test_the_logistic_map(r, kind):
    """At 3.575 the attractor has 8 bands: among neighbours they hide the chaos, in every 8th state or so they do not."""
    assert chaos(LOGISTIC.at(r=r), [0.3]).kind == kind


def test_chaos_in_many_bands_is_found_and_never_called_regular():
    """Slopes 1 and −1.1: 8 bands or more, K = 0.002 over 50,000 states in turn."""
    bent = cf.Map.from_text("x + Piecewise((1, x < 0), (1 - a*x, True))", params={"a": 2.1})
    found = chaos(bent, [0.3])
    assert found.chaotic and found.stride > 1 and found.spectrum.exponents[0] == pytest.approx(0.063, abs=1e-3)
    assert cf.analysis.zero_one_test(cf.iterate(bent, [0.3], 6000), 1000).kind == "undecided"


def test_an_invariant_circle_is_regular():
    circle = cf.Map.from_text(["c*x - s*y", "s*x + c*y"], "x y", {"c": math.cos(2.4), "s": math.sin(2.4)})
    assert chaos(circle, [1.0, 0.0]).kind == "regular"


def test_slow_motion_is_thinned():
    rough = cf.as_map(cf.losses.rough_parabola(eps=0.1 / 8), cf.optimizers.gd(lr=0.1))
    found = chaos(rough, [0.3])
    assert found.chaotic and found.stride == 4


def test_floats_that_collapse_are_undecided():
    found = chaos(cf.Map.from_text("frac(2*x)"), [0.3])
    assert found.kind == "undecided" and "floats repeat" in found.reason
    assert found.spectrum.exponents[0] == pytest.approx(math.log(2))


def test_senseless_calls_are_refused():
    with pytest.raises(cf.CfdynError, match="diverged"):
        chaos(LOGISTIC.at(r=4.5), [0.3])
    with pytest.raises(cf.CfdynError, match="1000 steps"):
        chaos(LOGISTIC, [0.3], steps=10)
    with pytest.raises(cf.CfdynError, match="transient"):
        chaos(LOGISTIC, [0.3], transient=-1)


def test_short_ones_are_allowed():
    assert np.isfinite(chaos(LOGISTIC, [0.3], steps=1000, transient=0).spectrum.exponents).all()
