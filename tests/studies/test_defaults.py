"""What is taken where nothing is given: learning rate, start, box, and the cycles from which branches begin."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.studies.branch_starts import branch_starts, first_cascade, first_curve, inside
from cfdyn.studies.defaults import completed, edge_at, usual_box
from cfdyn.studies.flow_beside_orbit import MODERATE, beside_orbit, own_orbit, rows_to_draw

WELL, GD = cf.losses.double_well(), cf.optimizers.gd(lr=0.5)
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.2})


def test_only_what_is_open_is_chosen():
    assert completed(WELL, GD, [0.3]) == (GD, [0.3], {})
    optimizer, start, chosen = completed(WELL, GD, [0.3], open_lr=True)
    assert (optimizer.params["lr"], start, list(chosen)) == (1.1, [0.3], ["lr"])
    optimizer, start, chosen = completed(WELL, GD)
    assert (optimizer, start, list(chosen)) == (GD, [1.107], ["start"])
    with pytest.raises(UsageError, match="no default learning rate"):
        completed(cf.Loss("exp(w)"), GD, open_lr=True)


def test_a_refusal_says_at_which_rate_a_cycle_was_found():
    """SAM's on a quadratic is ηρ/(2 − η) from the minimum, in rates ρ/(2 − η)."""
    with pytest.raises(UsageError, match=r"with lr = 0\.5: .* a 2-cycle up to 0\.1 from it \(0\.2 × lr\), .* no default"):
        completed(cf.Loss("w**2/2"), cf.optimizers.sam(lr=0.5, rho=0.3), open_lr=True)


def test_the_usual_box():
    momentum = cf.as_map(WELL, cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    circle = cf.Map.from_text(["x + y", "0.5*y"], "x,y", periodic={"x": 1.0})
    assert usual_box(momentum, WELL) == [*map(tuple, WELL.spec.box), (-5.0, 5.0)] and len(usual_box(momentum, WELL)) == 2
    assert usual_box(circle) == [(0.0, 1.0), (-5.0, 5.0)]


def test_branches_begin_at_the_value_of_the_map_or_inside():
    begun = branch_starts(LOGISTIC, "r", (3.0, 3.4), 2, None, [(0.1, 1.0)])
    value, points = begun.cycles[0]
    assert value == 3.2 and LOGISTIC(points[0]) == pytest.approx(points[1]) and "in the box" in begun.chosen
    assert branch_starts(LOGISTIC, "r", (2.0, 3.0), 1, None, [(0.1, 1.0)]).cycles[0][0] == inside((2.0, 3.0)) == 2.25
    step = cf.as_map(WELL, GD)
    minima = branch_starts(step, "lr", (0.1, 0.9), 1, None, [(-2, 2)], cf.minima(WELL))
    assert sorted(float(w[0]) for _, w in minima.cycles) == pytest.approx([-1.0, 1.0]) and minima.chosen == "all isolated minima"


def test_a_start_is_followed_to_the_cycle_that_its_orbit_ends_on():
    begun = branch_starts(LOGISTIC, "r", (3.0, 3.4), 2, [0.05], [(0.1, 1.0)])
    ((_, points),) = begun.cycles
    assert points.shape == (2, 1) and LOGISTIC(points[1]) == pytest.approx(points[0]) and begun.chosen == "given"
    assert [*begun.elsewhere(("r", "r"), ((3, 3.4), (3, 3.4)))] == []


def test_where_there_is_nothing_to_begin_with():
    step = cf.Map.from_text("x/2 + a", params={"a": 1.0})
    begun = branch_starts(step, "a", (0.0, 2.0), 2, None, [(5.0, 6.0)])
    with pytest.raises(NumericsError, match="no cycle of period 2 was found"):
        begun.some()
    with pytest.raises(NumericsError, match="no cycle of period 2 was found"):
        first_cascade(begun, "a", (0.0, 2.0), 3)
    with pytest.raises(UsageError, match="too many to be searched for"):
        branch_starts(step, "a", (0.0, 2.0), 9, None, [(5.0, 6.0)])
    with pytest.raises(UsageError):
        branch_starts(step, "b", (0.0, 2.0), 1, None, [(5.0, 6.0)])


def test_a_cascade_and_a_curve_from_the_first_start_that_leads_to_one():
    """The first flip of the logistic map is at r = 3; with a shift c it is where the slope at the fixed point is −1."""
    bounds = (2.5, 3.55)
    found = first_cascade(branch_starts(LOGISTIC, "r", bounds, 1, None, [(0.1, 1.0)]), "r", bounds, 2)
    assert found.flips == pytest.approx([3.0, 1 + np.sqrt(6)], rel=1e-9)
    shifted = cf.Map.from_text("r*x*(1-x) + c", "x", params={"r": 2.8, "c": 0.0})
    starts = branch_starts(shifted, "r", bounds, 1, None, [(0.1, 1.0)])
    curve, chosen = first_curve(starts, "flip", ("r", "c"), (bounds, (-0.1, 0.1)))
    r, x = curve.parameters[:, 0], curve.points[:, 0, 0]
    assert r * (1 - 2 * x) == pytest.approx(-1, abs=1e-9) and chosen == starts.chosen


def test_the_optimizer_beside_its_flow():
    flow = cf.flows.central(WELL, cf.optimizers.gd(lr=1.1))
    path, orbit = cf.solve(flow, [1.2], 10.0), own_orbit(flow, WELL, [1.2], 10.0)
    assert len(orbit.z) == 11 and own_orbit(flow, WELL, [1.2], 2 * MODERATE) is None is own_orbit(flow, None, [1.2], 10.0)
    assert own_orbit(flow, WELL, [1.2], 10.0, wanted=False) is None
    beside = beside_orbit(cf.solve(flow, [1.2], 10.0, save_at=[*range(11)]), orbit)
    middle = (orbit.w[:-2] + 2 * orbit.w[1:-1] + orbit.w[2:]) / 4
    assert beside["compared"] == 9 and beside["midpoint"] == pytest.approx(middle[-1])
    rows = rows_to_draw(path)
    assert rows == sorted(set(rows)) and {event.t for event in path.events} <= set(rows) and (rows[0], rows[-1]) == (0.0, 10.0)


def test_a_normalised_step_has_a_two_cycle_where_no_float_has_gradient_zero():
    """Across the minimum along the leading eigenvector steps of length lr have the 2-cycle ±lr/2, to first order in lr."""
    loss = cf.Loss("(x**2 + y**2 - 1)**2/4 + 0.3*x**2 + x*y/5")
    lowest = cf.minima(loss)[0]
    found, why = edge_at(loss, cf.optimizers.normalized_gd(lr=1e-4), lowest)
    assert found is None
    assert np.any(loss.gradient(lowest.w))
    direction = np.linalg.eigh(loss.hessian(lowest.w))[1][:, -1]
    share = float(why.partition("from it (")[2].partition(" × lr")[0])
    assert share == pytest.approx(0.5 * np.abs(direction).max(), rel=2e-3)
