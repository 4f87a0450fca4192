"""Starts beyond the edge, singular losses, ties, options that make no sense: what `solve` does about them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError

LR = 0.8


def central(text="(1 - x*y)**2 / 2", lr=LR, variables=None):
    return cf.flows.central(cf.Loss(text, variables), cf.optimizers.gd(lr=lr))


# -- starts beyond the edge -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text, start", [
    ("(1 - x*y)**2 / 2", [2.0, 0.5]), ("(1 - x*y)**2 / 2", [-1.0, -1.9]), ("(1 - x*y)**2 / 2", [1.2, -1.4]),
    ("(1 - x1*y1)**2/2 + (1.2 - x2*y2)**2/2 + (x1*x2 - y1)**2/20", [1.7, 0.6, 0.9, 1.5]),
    ("cosh(x)*cosh(y) + x*y*z + z**2/2", [0.9, 1.2, 0.3]), ("(1 - a*b*c)**2/2 + a**4/10", [-1.0, -0.3, 2.7]),
])  # fmt: skip
def test_a_start_beyond_the_edge_is_moved_to_the_nearest_point_on_it(text, start):
    flow, loss = central(text), cf.Loss(text)
    path = cf.solve(flow, start, 0)
    assert loss.sharpness(path.w[0]) <= 2 / LR * (1 + 1e-10)
    assert len(path.notes) == 1 and "beyond the edge" in path.notes[0]
    size, best = len(start), np.inf
    random = np.random.default_rng(0)

    def inside(w):
        # Coefficients of det(2/η − H) in all leading blocks are rough; the eigenvalues themselves do.
        return 2 / LR - np.linalg.eigvalsh(loss.hessian(w))

    for trial in range(6):
        first = path.w[0] + 0.05 * random.normal(size=size) * (trial > 0)
        found = minimize(lambda w: np.sum((w - start) ** 2), first, jac=lambda w: 2 * (w - start), method="SLSQP",
                         constraints={"type": "ineq", "fun": inside}, options={"ftol": 1e-14, "maxiter": 300})  # fmt: skip
        if found.success and inside(found.x).min() > -1e-8:
            best = min(best, np.linalg.norm(found.x - start))
    assert np.linalg.norm(path.w[0] - start) <= best * (1 + 1e-6)


def test_strict_refuses_it():
    with pytest.raises(UsageError, match="beyond the edge.*start elsewhere"):
        cf.solve(central(), [2.0, 0.5], 1, strict=True)
    assert cf.solve(central(), [1.5, 0.3], 1, strict=True).status == "done"


def test_beyond_an_edge_that_is_everywhere():
    with pytest.raises(NumericsError, match="no state on the edge was found: the Hessian.s block of [xy, ]* is the same.*lower lr below 0.5$"):
        cf.solve(central("x**2 + 2*y**2"), [1.0, 1.0], 1)


def test_an_adaptive_start_beyond_the_edge():
    """The state of the optimizer moves, too; 2P − H ⪰ 0 afterwards."""
    loss = cf.Loss("(1 - x*y)**2 / 2")
    flow = cf.flows.central(loss, cf.optimizers.rmsprop(lr=0.1, beta2=0.9, eps=1e-3))
    path = cf.solve(flow, [1.6, 0.5, 0.003, 0.005], 1)
    metric = (np.sqrt(path.z[0, 2:]) + 1e-3) / 0.1
    assert np.linalg.eigvalsh(2 * np.diag(metric) - loss.hessian(path.w[0]))[0] >= -1e-9
    assert path.notes and path.status == "done"


# -- singular losses ------------------------------------------------------------------------------------------------


def test_blow_up():
    """dw/dt = 4ηw³ from 1 ends at t = 1/(8η)."""
    path = cf.solve(cf.flows.gradient(cf.Loss("-w**4"), cf.optimizers.gd(lr=0.1)), [1.0], 5)
    assert "blow-up" in path.status and abs(path.t[-1] - 1.25) < 1e-6
    assert np.isfinite(path.w).all()
    kept = path.t < 1.2
    np.testing.assert_allclose(path.w[kept, 0], 1 / np.sqrt(1 - 0.8 * path.t[kept]), rtol=1e-5)


def test_blow_up_of_the_central_flow():
    path = cf.solve(central("-w**4", lr=0.1), [1.0], 5, save_at=[0.5, 1.0, 2.0])
    assert "blow-up" in path.status and path.t.tolist() == [0.5, 1.0]
    np.testing.assert_allclose(path.w[:, 0], 1 / np.sqrt(1 - 0.8 * path.t), rtol=1e-6)


@pytest.mark.parametrize("make", [cf.flows.gradient, cf.flows.central])
def test_blow_up_before_the_first_row_leaves_none(make):
    """At t = 1/(8η)."""
    path = cf.solve(make(cf.Loss("-w**4"), cf.optimizers.gd(lr=0.1)), [1.0], 5, save_at=[2.0, 5.0])
    assert path.status.startswith("blow-up at t = 1.25") and path.w.shape == (0, 1) and path.covariance.shape == (0, 1, 1)


@pytest.mark.parametrize("make", [cf.flows.gradient, cf.flows.central])
def test_leaving_the_domain(make):
    """L = (2/3)x^{3/2} + y²: x reaches 0 at √x = 1 − ηt/2 and the Hessian is infinite there."""
    path = cf.solve(make(cf.Loss("2*x*sqrt(x)/3 + y**2"), cf.optimizers.gd(lr=0.5)), [1.0, 1.0], 10)
    if make is cf.flows.gradient:
        kept = path.t < 3.5
        np.testing.assert_allclose(path.w[kept, 0], (1 - path.t[kept] / 4) ** 2, rtol=0, atol=1e-6)
    assert path.t[-1] <= 10 and np.isfinite(path.w).all() and path.status


def test_a_logarithm_is_left():
    """x falls at the rate η(1/x) until its logarithm ends at 0: x² = 1 − 2ηt."""
    path = cf.solve(cf.flows.gradient(cf.Loss("log(x)"), cf.optimizers.gd(lr=0.25)), [1.0], 5)
    assert path.status != "done" and abs(path.t[-1] - 2.0) < 1e-3
    np.testing.assert_allclose(path.w[path.t < 1.9, 0] ** 2, 1 - path.t[path.t < 1.9] / 2, rtol=0, atol=1e-6)


def test_a_start_outside_of_the_domain():
    with pytest.raises(NumericsError, match="not defined at the start"):
        cf.solve(central("sqrt(x) + y**2"), [-1.0, 0.5], 1)
    with pytest.raises(NumericsError, match="Hessian is not defined"):
        cf.solve(central("Abs(x)**1.5 + y**2"), [0.0, 0.5], 1)


def test_a_hessian_that_jumps_over_the_edge():
    """Curvature 1 for x < 1 and 4 beyond: the edge 2.5 is never met, only passed."""
    text = "Piecewise((x**2/2, x < 1), (2*x**2 - 3*x + 3/2, True)) - 4*x + y**2/4"
    path = cf.solve(central(text), [0.0, 1.0], 5)
    assert path.status != "done" and "stopped" in path.status and "jump" in path.status
    time = -np.log(3 / 4) / LR
    assert abs(path.t[-1] - time) < 1e-3
    before = path.t < time - 1e-3
    np.testing.assert_allclose(path.w[before, 0], 4 * (1 - np.exp(-LR * path.t[before])), rtol=1e-6, atol=1e-9)


def test_a_kink_of_the_curvature_below_the_edge_is_no_trouble():
    text = "Piecewise((x**2/2, x < 1), (x**2 - x + 1/2, True)) - 4*x + y**2/4"
    path = cf.solve(central(text), [0.0, 1.0], 20)
    assert path.status == "done" and path.events == []
    np.testing.assert_allclose(path.w[-1, 0], 2.5, atol=1e-5)


def test_the_edge_met_by_a_curvature_without_slope():
    """The quadratic in x has curvature exactly 2/η everywhere and nothing that pushes it: no event can be made of it."""
    path = cf.solve(central("5*x**2/4 + y**4/4"), [0.5, 0.1], 3)
    np.testing.assert_allclose(path.w[-1], [0.5 * np.exp(-6), 0.1 / np.sqrt(1 + 2 * LR * 3 * 0.01)], rtol=1e-6)


def test_a_fixed_step_that_is_too_long():
    path = cf.solve(central(lr=0.8), [1.5, 0.3], 40, step=20, method="radau5")
    assert path.status == "stopped at t = 0: the fixed step 20 is too long there; lower step"
    path = cf.solve(cf.flows.gradient(cf.Loss("w**2/2"), cf.optimizers.gd(lr=1.0)), [1.0], 4000, step=40, method="dop853")
    assert path.status.startswith("blow-up at t = 1320")


def test_max_steps():
    path = cf.solve(central(), [1.5, 0.3], 20, max_steps=5)
    assert "raise `max_steps`" in path.status and path.stats["steps"] <= 5 and 0 < path.t[-1] < 20
    np.testing.assert_allclose(path(path.t), path.w, rtol=0, atol=1e-12)


# -- ties -----------------------------------------------------------------------------------------------------------


def test_one_weight():
    """Curvature 1 + x meets 2.5 at x = 1.5 while −g = 4 − x − x²/2 still pushes: x stays, σ² = 2(−g)/L'''."""
    path = cf.solve(central("x**2/2 + x**3/6 - 4*x"), [0.0], 5, rtol=1e-11, atol=1e-13)
    assert [(e.kind, e.rank) for e in path.events] == [("enter", 1)] and path.status == "done"
    held = path.rank == 1
    np.testing.assert_allclose(path.w[held], 1.5, rtol=1e-12)
    np.testing.assert_allclose(path.covariance[held, 0, 0], 2 * (4 - 1.5 - 1.125), rtol=1e-9)


def test_all_weights_critical_at_once():
    """Two copies of it: both eigenvalues arrive together, Σ is 2.75 times the identity off the corners."""
    text = " + ".join(f"{v}**2/2 + {v}**3/6 - 4*{v}" for v in "xy")
    path = cf.solve(central(text), [0.0, 0.0], 5, rtol=1e-11, atol=1e-13)
    assert path.status == "done" and path.events[-1].rank == 2 and path.events[-1].t == pytest.approx(path.events[0].t, abs=1e-9)
    np.testing.assert_allclose(path.w[-1], 1.5, rtol=1e-10)
    np.testing.assert_allclose(np.diagonal(path.covariance[-1]), 2.75, rtol=1e-9)
    np.testing.assert_allclose(path.slopes[-1], 0, atol=1e-10)


@pytest.mark.parametrize("count", [2, 3])
def test_equal_products_arrive_at_the_same_time(count):
    one = cf.solve(central(), [1.5, 0.3], 3, rtol=1e-11, atol=1e-13, save_at=[0.2, 1, 3])
    text = " + ".join(f"(1 - x{i}*y{i})**2/2" for i in range(count))
    names = [f"{v}{i}" for i in range(count) for v in "xy"]
    path = cf.solve(central(text, variables=names), [1.5, 0.3] * count, 3, rtol=1e-11, atol=1e-13, save_at=[0.2, 1, 3])
    assert path.status == "done" and path.events[-1].rank == count and not path.stats["unique"]
    np.testing.assert_allclose(path.w, np.tile(one.w, count), rtol=0, atol=1e-9)
    for i in range(count):
        block = path.covariance[:, 2 * i : 2 * i + 2, 2 * i : 2 * i + 2]
        np.testing.assert_allclose(block, one.covariance, rtol=0, atol=1e-8)


def test_nearly_equal_products():
    """Arrivals 1e-7 apart are two events."""
    text = "(1 - x1*y1)**2/2 + (1 - x2*y2)**2/2"
    path = cf.solve(central(text, variables="x1 y1 x2 y2"), [1.5, 0.3, 1.5, 0.3 + 1e-7], 3, rtol=1e-11, atol=1e-13)
    one = cf.solve(central(), [1.5, 0.3], 3, rtol=1e-11, atol=1e-13)
    assert path.status == "done" and [e.rank for e in path.events] in ([1, 2], [2])
    np.testing.assert_allclose(path.w[-1], np.tile(one.w[-1], 2), rtol=0, atol=1e-6)


@pytest.mark.parametrize("held", [True, False])
def test_a_start_exactly_on_the_edge(held):
    """Curvature 1 + x is 2.5 at x = 1.5; the sign of the slope there decides."""
    path = cf.solve(central(f"x**2/2 + x**3/6 - {4 if held else 2}*x + y**2/4"), [1.5, 1.0], 2, rtol=1e-10)
    assert path.status == "done" and not path.notes
    assert path.rank.tolist() == [int(held)] * len(path.t) and (path.w[-1, 0] < 1.4) == (not held)


def test_a_start_exactly_on_the_edge_with_no_push():
    """−g = 0 along ∇S at the edge: a point of rest."""
    path = cf.solve(central("x**2/2 + x**3/6 - 2.625*x"), [1.5], 2)
    assert path.status == "done"
    np.testing.assert_allclose(path.w, 1.5, rtol=1e-8)


# -- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options, words", [
    ({"t": -1}, "forward in time only"), ({"t": np.inf}, "finite"), ({"t": np.nan}, "finite"), ({"t": "x"}, "`t` is a number"),
    ({"rtol": 0.0}, "rtol"), ({"rtol": -1e-3}, "rtol"), ({"rtol": np.nan}, "rtol"), ({"atol": -1.0}, "atol"),
    ({"method": "rk4"}, "unknown method.*rkc"), ({"save_at": [2, 1]}, "increase"), ({"save_at": [1, 1]}, "increase"),
    ({"save_at": [0, 6]}, "lie in"), ({"save_at": [-1, 1]}, "lie in"), ({"save_at": []}, "finite times"),
    ({"save_at": [np.nan]}, "finite number"), ({"save_at": "abc"}, "`save_at` is a list"), ({"step": 0.0}, "step"),
    ({"step": -1.0}, "step"), ({"max_step": 0.0}, "max_step"), ({"max_steps": 0}, "max_steps"),
    ({"edge_tolerance": -1.0}, "edge_tolerance"), ({"step": np.nan}, "step"),
])  # fmt: skip
def test_senseless_options(options, words):
    with pytest.raises(UsageError, match=words):
        cf.solve(central(), [1.5, 0.3], **{"t": 5, **options})


@pytest.mark.parametrize("start", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], "ab", [None, 1.0]])
def test_senseless_starts(start):
    with pytest.raises(UsageError):
        cf.solve(central(), start, 1)


@pytest.mark.parametrize("start", [[np.nan, 1.0], [np.inf, 1.0]])
def test_starts_that_are_no_numbers(start):
    with pytest.raises((UsageError, NumericsError)):
        cf.solve(central(), start, 1)


@pytest.mark.parametrize("make", [cf.flows.central, cf.flows.gradient, cf.flows.thread, cf.flows.ablated])
def test_no_time(make):
    path = cf.solve(make(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=LR)), [1.5, 0.3], 0)
    assert path.t.tolist() == [0.0] and path.w.tolist() == [[1.5, 0.3]] and path.status == "done"
    assert path(0.0).tolist() == [1.5, 0.3]
    with pytest.raises(UsageError, match="single time"):
        path(1.0)


def test_rows():
    times = [0.0, 0.1, 0.38879828989666, 0.5, 3.0]
    path = cf.solve(central(), [1.5, 0.3], 5, save_at=times, rtol=1e-11, atol=1e-13)
    assert path.t.tolist() == times
    np.testing.assert_allclose(path(times), path.w, rtol=0, atol=1e-11)
    whole = cf.solve(central(), [1.5, 0.3], 5, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(whole(whole.t), whole.w, rtol=0, atol=1e-13)
    np.testing.assert_allclose(whole(times), path.w, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(path(5.0), whole.w[-1])
    for outside in (-0.1, 5.1, np.nan):
        with pytest.raises(UsageError, match="goes from"):
            path(outside)


def test_saved_and_loaded(tmp_path):
    path = cf.solve(central(), [1.5, 0.3], 5, rtol=1e-10)
    found = cf.load(path.save(tmp_path / "path.npz"))
    times = np.linspace(0, 5, 37)
    np.testing.assert_array_equal(found(times), path(times))
    assert found.events == path.events and found.status == path.status and found.stats == path.stats
    assert found.provenance["settings"]["method"] == "auto" and found.provenance["settings"]["rtol"] == 1e-10


def test_progress():
    seen = []
    cf.solve(central(), [1.5, 0.3], 5, progress=seen.append, max_step=0.01)
    assert seen == sorted(seen) and seen[-1] == 5.0 and len(seen) > 1


def test_a_loss_on_data_rows(tmp_path):
    random = np.random.default_rng(3)
    x = random.normal(size=(40, 2))
    rows = np.column_stack([x, x[:, 0] + 0.7 * random.normal(size=40) > 0])
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",", header="a,b,label", comments="")
    loss = cf.losses.logistic(str(tmp_path / "rows.csv"))
    start = np.zeros(loss.dim)
    lr = 1.9 / loss.sharpness(start)
    path = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=lr)), start, 20, rtol=1e-9)
    plain = cf.solve(cf.flows.gradient(loss, cf.optimizers.gd(lr=lr)), start, 20, rtol=1e-9)
    assert path.status == "done" and path.events == []
    np.testing.assert_allclose(path.w[-1], plain.w[-1], rtol=1e-7)
    np.testing.assert_allclose(path.loss, [loss.value(w) for w in path.w], rtol=1e-12)
    assert (np.diff(path.loss) < 0).all()


@pytest.mark.parametrize("name", ["matrix_factorization", "tanh_network", "deep_linear", "phase_retrieval"])
def test_losses_of_the_catalogue(name):
    loss = getattr(cf.losses, name)()
    start = np.random.default_rng(5).normal(size=loss.dim) * 0.5
    lr = 1.9 / loss.sharpness(start)
    path = cf.solve(cf.flows.central(loss, cf.optimizers.gd(lr=lr)), start, 20)
    assert path.status == "done" and path.stats["constraint_violation"] <= 1e-10 and np.diff(path.loss).max() <= 1e-10
