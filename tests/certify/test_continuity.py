"""Maps with borders: continuous ones are proved to be, jumps are refused."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.certify.balls import ball
from cfdyn.certify.borders.continuity import continuous, refusal, smooth
from cfdyn.certify.subject import subject
from tests.certify.cases import LESSARD, L, O

GD = O.gd(lr=0.7)


def step(loss, optimizer=GD):
    return subject(loss, optimizer).enclosure("step")


def box(*sides):
    return [ball(*side) for side in sides]


@pytest.mark.parametrize(
    "loss",
    [
        LESSARD,
        L.huber(delta=0.7),
        L.one_sided_quadratic(),
        "w*Abs(w)",
        "Abs(w)**3 + relu(w)**2",
        "Max(w, 1)**2 + Min(w, 0)**2 - 2*Max(w, 1)",
        "Piecewise((w**2, w < 1), (2*w - 1, True))",
        "Piecewise((w**2, w**2 < 1), (2*w - 1, w > 0), (-2*w - 1, True))",
        "Piecewise((exp(w), w < 0), (w + w**2/2, True))",
        "Piecewise((logcosh(w), Abs(w) < 1/3), (tanh(1/3)*Abs(w), True))",
        "Piecewise((w**2/2, Abs(Abs(w) - 1) < 1/2), (w**2/2, True))",
    ],
)
def test_gradients_without_a_jump(loss):
    assert refusal(step(loss), [box((-3.0, 3.0))]) == ""


@pytest.mark.parametrize(
    "loss, where",
    [
        ("Abs(w)", "w = 0"),
        ("relu(w)", "= 0"),
        ("(Abs(w) - 1)**2", "w = 0"),
        ("Piecewise((w**2, w < 1), (w**2 + (w - 1)/1000000, True))", "w - 1 = 0"),
        ("Max(w, w**2)", "= 0"),
        ("w*floor(w)", "floor"),
        ("log(w)", "defined"),
        ("1/w", "defined"),
    ],
)
def test_jumps_are_refused_and_named(loss, where):
    assert where in refusal(step(loss), [box((-3.0, 3.0))])


def test_a_value_of_its_own_at_the_border_is_a_jump():
    """Both sides agree at 1, but the formula says something else there."""
    odd = cf.Map.from_text("Piecewise((x, x < 1), (2 - x, x > 1), (5, True))")
    even = cf.Map.from_text("Piecewise((x, x < 1), (2 - x, x > 1), (1, True))")
    assert [continuous(subject(m).enclosure("step"), box((0.5, 1.5))) for m in (odd, even)] == [False, True]


def test_exact_numbers_decide():
    """x + 24 meets 25 x at 1 exactly; with 24.000000000000000001 there is a jump."""
    for number, agrees in (("24", True), ("24.000000000000000001", False)):
        m = cf.Map.from_text(f"Piecewise((25*x, x < 1), (x + {number}, True))")
        assert continuous(subject(m).enclosure("step"), box((0.0, 2.0))) is agrees


def test_a_parameter_that_varies_is_any_number():
    m = cf.Map.from_text("Piecewise((x, x < a), (2*a - x, True))", params={"a": 0.5})
    n = cf.Map.from_text("Piecewise((x, x < a), (1 - x, True))", params={"a": 0.5})
    assert continuous(subject(m, vary={"a": (0, 1)}).enclosure("step"), box((0.0, 1.0)))
    assert continuous(subject(n).enclosure("step"), box((0.0, 1.0)))
    assert not continuous(subject(n, vary={"a": (0, 1)}).enclosure("step"), box((0.0, 1.0)))


def test_two_variables_and_borders_that_meet():
    corner = cf.Map.from_text(["Piecewise((x + y, x < 0), (y, True)) + Abs(y)", "Max(x, y)"], variables="x y")
    tilted = cf.Map.from_text(["Piecewise((x, x + 2*y < 1), (1 - 2*y, True))", "x"], variables="x y")
    whole = box((-1.0, 1.0), (-1.0, 1.0))
    assert continuous(subject(corner).enclosure("step"), whole) and continuous(subject(tilted).enclosure("step"), whole)
    jump = cf.Map.from_text(["Piecewise((x, x + 2*y < 1), (1 - y, True))", "x"], variables="x y")
    assert not continuous(subject(jump).enclosure("step"), whole)


def test_a_border_that_is_everywhere():
    """relu(x) is 0 on half of the line, where its sign is 0 too: what its sign switches on jumps at x = 0."""
    switched = cf.Map.from_text(["x + y*sign(relu(x))**2", "y"], variables="x y")
    assert not continuous(subject(switched).enclosure("step"), box((-1.0, 1.0), (-1.0, 1.0)))
    assert continuous(subject(switched).enclosure("step"), box((-1.0, -0.5), (-1.0, 1.0)))


def test_a_border_everywhere_would_spoil_the_slopes():
    """x y for x > 0 and 0 for x < 0, where the sides of relu(x) = 0 never are: continuous, but refused."""
    switched = cf.Map.from_text(["x*y*sign(relu(x))**2", "y"], variables="x y")
    assert not continuous(subject(switched).enclosure("step"), box((-1.0, 1.0), (1.0, 2.0)))


def test_sides_that_agree_at_one_of_two_borders():
    """x meets 1 at x = 1, and not at x = −1, where x² < 1 changes too."""
    half = cf.Map.from_text("Piecewise((x, x**2 < 1), (1, True))")
    found = [continuous(subject(half).enclosure("step"), box(side)) for side in ((-3.0, 3.0), (0.5, 3.0), (-3.0, -0.5))]
    assert found == [False, True, False]


def test_rows_of_data_are_looked_at_one_by_one():
    rows = {"x": [1.0, -2.0], "y": [0.5, 0.25]}
    huber = cf.Loss("Piecewise(((x*w - y)**2/2, Abs(x*w - y) <= 1), (Abs(x*w - y) - 1/2, True))", "w", data=rows)
    relu = cf.Loss("(relu(x*w) - y)**2", "w", data=rows)
    assert continuous(step(huber), box((-3.0, 3.0)))
    assert refusal(step(relu), [box((-0.5, 0.5))]) != "" and continuous(step(relu), box((0.1, 0.5)))


def test_optimizers_with_corners():
    assert refusal(step("w**2/2", O.sign_gd(lr=0.1)), [box((-1.0, 1.0))]) == "the map may jump where w = 0"
    clipped = step("w**2/2", O.gd(lr=0.1, clip=0.5))
    assert continuous(clipped, box((-1.0, 1.0))) and not smooth(clipped, box((-1.0, 1.0))) and smooth(clipped, box((-0.4, 0.4)))


def test_a_cycle_is_proved_across_a_border_and_not_across_a_jump():
    """A fixed point in whose box the curvature jumps, and one where the gradient jumps by 1e-9."""
    bent = cf.certify.cycle("Piecewise((w**2/4, w < 0), (w**2/2, True))", O.gd(lr=1.5), [[1e-3]])
    assert bent.proved and bent.claim["multipliers"] is None and bent.claim["stable"] is None
    jump = cf.certify.cycle("Piecewise((w**2/4, w < 0), (w**2/2 + w/1000000000, True))", O.gd(lr=1.5), [[1e-3]])
    assert not jump.proved and "jump where w = 0" in jump.reason


def test_the_sides_agree_with_points_of_the_map():
    """Where continuity is proved, values on both sides of each border differ by no more than the slope allows."""
    m = cf.as_map(cf.Loss(LESSARD), GD)
    for border in (1.0, 2.0):
        gap = np.abs(m([border - 1e-9]) - m([border + 1e-9]))
        assert gap.max() < 1e-7


def test_a_condition_that_may_be_undefined_decides_nothing():
    """1/x < 2 is nothing at 0, and on its two sides it says different things: orbits from x < 0 go to 0, the others to 1/6."""
    torn = cf.Map.from_text("Piecewise((x/2, 1/x < 2), (x/4 + 1/8, True))", "x")
    assert not continuous(step(torn, None), box((-0.5, 0.25)))
    assert continuous(step(torn, None), box((0.25, 0.75)))
    assert not cf.certify.convergence(torn, box=(-1, 1)).proved
    assert not cf.certify.trapping(torn, box=(-1, 1)).proved
    assert cf.certify.convergence(torn, box=(0.125, 1)).proved


@pytest.mark.parametrize("loss", ["Abs(w)**3/6 + w**2/4", "w**2*sign(w)/8 + w**2/3", "w**2*Heaviside(w)/4 + w**2/4", "(w > 0)*w**2/4 + w**2/4"])
def test_a_gradient_in_which_a_jump_meets_a_zero_is_proved_and_checked(loss):
    """sign(w)·w² is continuous though a factor jumps: both programs say so. From [−½, ½] descent with η = ½ comes to 0."""
    for found in (cf.certify.trapping(loss, O.gd(lr=0.5), (-0.8, 0.9)), cf.certify.convergence(loss, O.gd(lr=0.5), (-0.5, 0.5))):
        assert found.proved and cf.certify.check(found.document).valid
