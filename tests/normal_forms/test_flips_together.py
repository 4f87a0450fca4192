"""Several multipliers through −1 at once: gradient descent on Σ c w_i²/2 + quartic terms flips k-fold at η = 2/c."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle

NAMES = ["x", "y", "z", "u"]


def bowl(curvatures, quartic="", optimizer=None):
    names = NAMES[: len(curvatures)]
    text = " + ".join(f"{c!r}*{name}**2/2" for c, name in zip(curvatures, names, strict=True)) + quartic
    return cf.as_map(cf.Loss(text, variables=" ".join(names)), optimizer or cf.optimizers.gd(lr=0.7))


def flips(step, bounds=(0.1, 3.0)):
    branch = continue_cycle(step, [0.0] * step.n_weights, "lr", bounds)
    assert {s.kind for s in branch.bifurcations} <= {"flip"}
    return branch, branch.bifurcations


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_one_point_for_a_flip_of_any_multiplicity(k):
    branch, found = flips(bowl([2.0] * k))
    assert [s.parameter for s in found] == [pytest.approx(1, rel=1e-12)]
    np.testing.assert_allclose(found[0].multipliers, -1, atol=1e-12)
    assert branch.stable[branch.parameter < 1 - 1e-9].all() and not branch.stable[branch.parameter > 1 + 1e-9].any()


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_two_flips_close_together_are_two(gap):
    _, found = flips(bowl([2.0, 2.0 + gap]))
    assert sorted(s.parameter for s in found) == pytest.approx([2 / (2 + gap), 1], rel=1e-9)


def test_their_normal_form_is_the_cubic_field():
    """N3: V₄ = −(η/24) D⁴L(z⁴) for an even loss; the least of −(η/6) D⁴L(u⁴) over |u| = 1 is at (1, 0) for this one."""
    _, (point,) = flips(bowl([2.0, 2.0], " + (x**4 + y**4)/10 + x**2*y**2/20"))
    assert point.coefficient == pytest.approx(-4 * 0.1, rel=1e-9) and "gradient" in point.meaning


def test_heavy_ball_flips_twice_too():
    """η λ = 2(1 + β)."""
    _, found = flips(bowl([2.0, 2.0], optimizer=cf.optimizers.heavy_ball(lr=0.7, momentum=0.3)))
    assert [s.parameter for s in found] == [pytest.approx(1.3, rel=1e-12)]


def test_a_complex_pair_that_turns_real_below_minus_one_flips_nowhere():
    """x ↦ A x with trace −3 and determinant 9/4 + l: a double multiplier −3/2 at l = 0, real below it."""
    step = cf.Map.from_text(["y + x**3", "-(9/4 + l)*x - 3*y"], "x y", {"l": 0.5})
    branch = continue_cycle(step, [0.0, 0.0], "l", (-0.2, 1.0))
    assert branch.bifurcations == [] and not branch.stable.any()


def test_a_cycle_that_is_almost_one_of_a_continuum_says_so():
    """log cosh: the slope at w = η/2 is 1 − η sech²w, so that det(M − 1) is of size η e^{−η}."""
    step = cf.as_map(cf.losses.log_cosh(), cf.optimizers.gd(lr=1.5))
    branch = continue_cycle(step, [0.0], "lr", (1.0, 60.0)).bifurcations[0].switch()
    assert "rounding blurs the 2-cycle" in branch.ends[1] and branch.parameter[-1] > 12
    sharp = branch.parameter < 12
    w, lr = branch.points[sharp, 0, 0], branch.parameter[sharp]
    np.testing.assert_allclose(2 * w, lr * np.tanh(w), atol=1e-9)
    assert "rounding errors dominate" in cf.analysis.cascade(step, [0.0], "lr", (1.0, 60.0)).reason


def test_a_flat_minimum_is_not_followed():
    step = cf.as_map(cf.Loss("w**4/4"), cf.optimizers.gd(lr=0.7))
    for start in (0.0, 2.7e-10):
        with pytest.raises(cf.CfdynError, match="flat minimum"):
            continue_cycle(step, [start], "lr", (0.1, 3.0))
