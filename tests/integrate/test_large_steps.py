"""What long steps of a flow without a formula rest on: damped stages, gaps told ahead, guards behind the modes at the edge."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize

import cfdyn as cf
from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import force, pairs
from cfdyn.integrate.large import idle_run, large_run
from cfdyn.integrate.large.costs import Counted
from cfdyn.integrate.large.feasible import _move
from cfdyn.integrate.large.mode_solver import Chooser, ModeSolver, Point, Wanted
from cfdyn.integrate.large.modes import completed, orthonormal
from cfdyn.integrate.large.stages import MARGIN, advance, stages
from cfdyn.integrate.large.tracker import ModeTracker
from tests.integrate.test_large import VALLEY, Plain


@pytest.mark.parametrize("s", [2, 3, 5, 9, 20])
def test_stages_are_stable_damp_what_is_stiff_and_are_of_second_order(s):
    """Growth of z' = −λz over a step 1: at most 1 as far as s stages are taken for, and 3/4 over the stiff half of it."""
    reach = (s**2 - 1) * 0.53 / MARGIN
    rates = np.linspace(0.0, reach, 500)
    growth = np.abs(advance(np.ones(500), -rates, 1.0, s, lambda z: -rates * z))
    assert growth.max() <= 1 + 1e-12 and growth[rates > reach / 2].max() < 0.75
    assert stages(1.0, reach * 0.999) <= s < stages(1.0, reach * 1.01)
    off = [abs(float(advance(np.ones(1), -np.ones(1), h, s, lambda z: -z)[0]) - np.exp(-h)) for h in (0.02, 0.01)]
    assert off[0] / off[1] == pytest.approx(8, rel=0.05)


def overtaking():
    """Curvatures yᵢ that rise by ηrᵢ a step, x ≈ 0: the third overtakes the second and is at the edge of 20 at t = 400."""
    rates = np.array([0.02, 0.01, 0.2])

    def gradient(w):
        return np.r_[w[3:] * w[:3], w[:3] ** 2 / 2 - rates]

    def hvp(w, v):
        return np.r_[w[3:] * v[:3] + w[:3] * v[3:], w[:3] * v[:3]]

    loss = SimpleNamespace(
        dim=6, value=lambda w: float(np.sum(w[3:] * w[:3] ** 2 / 2 - rates * w[3:])), gradient=gradient, hvp=hvp,
        curvature_gradient=lambda w, u, v: np.r_[u[:3] * v[3:] + u[3:] * v[:3], u[:3] * v[:3]],
    )  # fmt: skip
    start = np.r_[np.full(3, 1e-6), 19.9, 15.0, 12.0]
    return cf.flows.central(loss, cf.optimizers.gd(lr=0.1)), start


def test_a_mode_that_comes_fast_from_behind_the_guard_is_held():
    """The slow one is at the edge at t = 50, the fast one at t = 400."""
    run = large_run(*overtaking())
    run.advance(600.0)
    np.testing.assert_allclose(run.w[3:], [20.0, 15.6, 20.0], rtol=2e-3)
    assert run.rank == 2
    np.testing.assert_allclose([event.t for event in run.events], [50, 400], rtol=0.03)


def test_modes_that_pass_each_other_below_the_edge_do_not_pile_up_as_guards():
    """Eight curvatures from 19.15 to 19.5 change places over 600 steps, below the edge of 20, which a ninth reaches at t = 250."""
    start, end = np.r_[19.5 - 0.05 * np.arange(8), 15.0], np.r_[19.15 + 0.05 * np.arange(8), 27.0]
    rates, k = (end - start) / 60, 9

    def gradient(w):
        return np.r_[w[k:] * w[:k], w[:k] ** 2 / 2 - rates]

    def hvp(w, v):
        return np.r_[w[k:] * v[:k] + w[:k] * v[k:], w[:k] * v[:k]]

    loss = SimpleNamespace(
        dim=2 * k, value=lambda w: float(np.sum(w[k:] * w[:k] ** 2 / 2 - rates * w[k:])), gradient=gradient, hvp=hvp,
        curvature_gradient=lambda w, u, v: np.r_[u[:k] * v[k:] + u[k:] * v[:k], u[:k] * v[:k]],
    )  # fmt: skip
    run, followed = large_run(cf.flows.central(loss, cf.optimizers.gd(lr=0.1)), np.r_[np.full(k, 1e-6), start], max_step=5.0), []
    while run.t < 600 and not run.status:
        run.step(600.0)
        followed.append(len(run.point.y) - run.point.near)
    np.testing.assert_allclose(run.w[k:], np.r_[end[:8], 20.0], rtol=2e-3)
    assert max(followed) == 3 and run.rank == 1
    assert run.events[0].t == pytest.approx(250, rel=0.03)


@pytest.mark.parametrize(("rtol", "kept"), [(1e-3, np.float32), (1e-7, np.float64)])
def test_third_derivatives_of_many_weights_are_kept_in_32_bits(monkeypatch, rtol, kept):
    """Unless more is asked of the path. It ends where the valley xy = 1 is as sharp as the edge, x² + y² = 2.5, and goes on bit for bit."""
    monkeypatch.setattr("cfdyn.integrate.large.mode_solver.LONG", 2)
    run = large_run(cf.flows.central(Plain(VALLEY), cf.optimizers.gd(lr=0.8)), [1.5, 0.3], rtol=rtol)
    run.advance(20.0)
    arrays = run.snapshot()
    assert arrays["thirds"].dtype == kept
    run.advance(60.0)
    end = run.w.copy()
    np.testing.assert_allclose(end, [2**0.5, 2**-0.5], rtol=rtol)
    run.restore(arrays)
    run.advance(60.0)
    np.testing.assert_array_equal(run.w, end)


def whole_path(monkeypatch, many):
    """The run at t = 600, in how many steps T was gone at the end, and how often it was made anew; ``many``: weights that are so."""
    gone, again, widen = [], [], ModeTracker.widen
    with monkeypatch.context() as patch:
        patch.setattr("cfdyn.integrate.large.tracker.LONG", many)
        patch.setattr("cfdyn.integrate.large.tracker.FEW", 9)
        patch.setattr(ModeTracker, "widen", lambda modes, near: (again.append(near), widen(modes, near)))
        run = large_run(*overtaking())
        look = run._looked
        patch.setattr(run, "_looked", lambda *args: (look(*args), gone.append(run.modes.spent is not None))[0])
        run.advance(600.0)
    return run, sum(gone), len(again)


def test_third_derivatives_that_are_given_up_for_memory_change_no_path(monkeypatch):
    """Where other modes are near after a step, T of those before it is gone; a step of too large an error has it made anew."""
    (kept, *none), (run, gone, again) = whole_path(monkeypatch, 100), whole_path(monkeypatch, 2)
    assert none == [0, 0] and gone > again > 0 and run.modes.spent is None
    assert (run.rank, run.steps, run.rejected) == (kept.rank, kept.steps, kept.rejected)
    np.testing.assert_allclose(run.w, kept.w, rtol=1e-9, atol=1e-12)
    # Both modes are at the edge, in whatever order: y stands still where Σ = 2r.
    for u, x in (kept.covariance_factors, run.covariance_factors):
        np.testing.assert_allclose(u.T @ x @ u, np.diag([0.04, 0, 0.4, 0, 0, 0]), atol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("near", [1, 2, 3])
def test_thirds_of_a_point_are_those_of_its_modes(near, sign):
    """From two modes that were predicted nearly, turned in their plane, and one that was not: as T[u, v] by differentiation."""
    net = cf.networks.mlp(cf.data.digits(classes=3, n=30), widths=(3,), seed=0)
    flow, none = cf.flows.central(net, cf.optimizers.gd(lr=0.5)), np.zeros((0, net.dim))
    y = net.eigenvalues(net.start, 3)[1] + 1e-4 * np.random.default_rng(0).standard_normal((3, net.dim))
    y[:2] = [[sign * np.cos(0.4), sign * np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]] @ y[:2]
    reach = np.where(np.arange(3) < near, np.inf, -np.inf)
    point = ModeSolver(flow, Counted(flow)).at(net.start.copy(), orthonormal(y, none), Wanted(2, reach, 1e-6))
    exact = [net.curvature_gradient(net.start, point.u[i], point.u[j]) for i in range(near) for j in range(i, near)]
    assert point.near == near
    np.testing.assert_allclose(point.thirds, exact, atol=2e-3 * np.abs(exact).max())


def test_guards_of_a_step_that_is_not_taken_are_found_again():
    """Of orthonormal rows, in a turned basis: with the first two they span the same space."""
    rows = np.linalg.qr(np.random.default_rng(0).standard_normal((50, 5)))[0].T
    turned = np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0] @ rows
    found = completed(turned, rows[:2])
    np.testing.assert_array_equal(found[:2], rows[:2])
    np.testing.assert_allclose(found @ found.T, np.eye(5), atol=1e-14)
    np.testing.assert_allclose(found.T @ found, rows.T @ rows, atol=1e-14)


def test_a_mode_that_is_near_no_more_and_did_not_swing_changes_no_error_of_a_frozen_force():
    """Of an optimizer with states: whether the second mode, of no variance, still counts as near or not."""
    run = large_run(cf.flows.central(Plain(VALLEY), cf.optimizers.rmsprop(lr=0.1, beta2=0.9)), [1.5, 0.3])
    rng = np.random.default_rng(1)
    y, thirds, x = np.linalg.qr(rng.standard_normal((2, 2)))[0], rng.standard_normal((3, 2)), np.diag([0.7, 0.0])
    run.modes.point = replace(run.point, y=y, values=np.array([2.0, 1.9]), near=2, thirds=thirds)
    push = force(x, run.point.edge, run.point.u, 2 * thirds, True)
    both = run._frozen(replace(run.point, thirds=2 * thirds), x, push, 0.2)
    one = run._frozen(replace(run.point, near=1, thirds=2 * thirds[:1]), x, push, 0.2)
    np.testing.assert_allclose(one, both, rtol=1e-13)
    assert np.abs(both).max() > 1e-4
    speed, bend = run.point.edge.speed, 0.7 * thirds[0] * (2 - (1 + 2) / 2)
    np.testing.assert_allclose(both[:2], 0.1 * speed * bend, atol=1e-14)


@pytest.mark.parametrize(("residual", "again"), [(0.05, [0]), (0.02, [])])
def test_a_near_mode_whose_value_is_off_is_corrected_once_more(residual, again):
    """An eigenvalue is off by at most residual²/gap, 0.0125 and 0.002 at a gap of 0.2; the angle alone asks for one correction."""
    chooser = Chooser(1, Wanted(1, np.full(2, np.inf), 0.003, near=1), 1)
    values, sizes = np.array([2.0, 1.8]), np.array([residual, 0.0])
    assert [list(chooser(values, sizes)) for _ in range(2)] == [[0], again]


@pytest.mark.slow
def test_a_start_beyond_the_edge_is_moved_with_few_gradients_to_a_state_near_the_nearest():
    """970 weights at 1.2 times the edge, where moves go to and fro. At the nearest state the way there is along T[u, u] of its
    mode. Moves that are not relaxed and go on until nothing changes take 163 products and 43 T[u, u], these 99 and 16."""
    net = cf.networks.mlp(cf.data.digits(classes=4, n=100), widths=(14,), seed=0)
    flow = cf.flows.central(net, cf.optimizers.gd(lr=2.4 / net.eigenvalues(net.start, 1)[0][0]))
    run, strict = (large_run(flow, net.start, rtol=rtol) for rtol in (1e-3, 1e-7))
    assert run.oracle.counts["products"] < 120 and run.oracle.counts["jet"] < 20
    for one, angle in ((run, 0.03), (strict, 1e-4)):
        u, way = net.eigenvalues(one.w, 1)[1][0], one.w - net.start
        bend = net.curvature_gradient(one.w, u, u)
        assert one.eigenvalues[0] == pytest.approx(one.theta, rel=1e-6)
        assert -(bend @ way) / np.linalg.norm(bend) / np.linalg.norm(way) > 1 - angle**2
    assert np.linalg.norm(run.w - strict.w) < 1e-3 * np.linalg.norm(run.w)


@pytest.mark.parametrize("k", [1, 4])
def test_a_move_onto_the_edge_takes_little_memory_beside_what_is_known(k):
    """Linearised it ends at the edge: v + T·move = 2 for each eigenvalue v, where T of different pairs are orthogonal."""
    d = 100_000
    loss = SimpleNamespace(dim=d, value=lambda w: 0.0, gradient=lambda w: 0 * w, hvp=lambda w, v: v)
    flow, z = cf.flows.central(loss, cf.optimizers.gd(lr=0.5)), np.zeros(d)
    values, both = 2.0 + 0.1 * np.arange(k, 0, -1.0), k * (k + 1) // 2
    thirds = np.zeros((both, d), np.float32)
    thirds[range(both), range(both)] = 3.0
    point = Point(z, z, flow.edge(z), np.eye(k, d), values, k, thirds)
    tracemalloc.start()
    move = _move(flow, point, z)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    own = [n for n, (i, j) in enumerate(pairs(k)) if i == j]
    np.testing.assert_allclose(values + thirds[own] @ move, 2.0, rtol=1e-12)
    assert peak < 6 * 8 * d


@pytest.mark.parametrize("many", [2, 100])
def test_a_path_ends_where_third_derivatives_are_refused_to_a_mode_that_is_at_the_edge_unseen(monkeypatch, many):
    """In the step that comes beyond the edge, at t = 10: the error came out of the run and took the path along."""
    monkeypatch.setattr("cfdyn.integrate.large.tracker.LONG", many)
    loss = cf.Loss("-s*0.1 + c**2/4 + (1.5 + s/2 + c)*x**2/2", "s c x")

    def refused(w, u, v):
        if w[0] < 1.02:
            raise NumericsError("no third derivatives here")
        return loss.curvature_gradient(w, u, v)

    parts = {name: getattr(loss, name) for name in ("dim", "value", "gradient", "hvp")}
    flow = cf.flows.central(SimpleNamespace(**parts, curvature_gradient=refused), cf.optimizers.gd(lr=1.0))
    path = cf.solve(flow, np.zeros(3), 30.0)
    assert "no third derivatives here" in path.status and 0 < path.t[-1] <= 10.2
    np.testing.assert_allclose(path.w[:, 0], 0.1 * path.t, atol=1e-12)
    np.testing.assert_allclose(path.loss, -0.01 * path.t, atol=1e-12)
    run = large_run(flow, np.zeros(3))
    run.advance(30.0)
    again = idle_run(flow)
    again.restore(run.snapshot())
    assert again.status == run.status == path.status and np.array_equal(again.point.g, run.point.g)


def crowd(c, begin):
    """Curvatures b + Cs of valleys x, each pushed by its own: ½(b + Cs)·x² − s·0.1, at (x, s)."""
    count = len(begin)
    return SimpleNamespace(
        dim=2 * count,
        value=lambda w: float((begin + c @ w[count:]) @ w[:count] ** 2 / 2 - 0.1 * w[count:].sum()),
        gradient=lambda w: np.r_[(begin + c @ w[count:]) * w[:count], c.T @ (w[:count] ** 2 / 2) - 0.1],
        hvp=lambda w, v: np.r_[
            (begin + c @ w[count:]) * v[:count] + w[:count] * (c @ v[count:]), c.T @ (w[:count] * v[:count])],
        curvature_gradient=lambda w, u, v: np.r_[
            u[:count] * (c @ v[count:]) + v[:count] * (c @ u[count:]), c.T @ (u[:count] * v[:count])],
    )  # fmt: skip


def test_a_point_that_is_made_anew_takes_in_those_close_by_but_where_memory_counts(monkeypatch):
    """Of six modes within 0.4 % of the edge two are asked for."""
    begin, near = 2.0 - 0.001 * np.arange(1, 7), []
    for many in (100, 2):
        monkeypatch.setattr("cfdyn.integrate.large.tracker.LONG", many)
        run = large_run(cf.flows.central(crowd(np.eye(6), begin), cf.optimizers.gd(lr=1.0)), np.r_[np.full(6, 1e-6), np.zeros(6)])
        run.point.y, run.point.values = np.eye(12)[:6].copy(), begin.copy()
        run.modes.widen(2)
        near.append(run.point.near)
        np.testing.assert_allclose(run.point.values[:2], begin[:2], rtol=1e-6)
    assert near == [6, 2]


@pytest.mark.parametrize(("count", "apart"), [(2, 0.0), (3, 1e-3), (5, 0.0), (5, 0.02)])
def test_modes_that_meet_the_edge_at_once_are_followed_with_one_near_mode_beside_those_held(monkeypatch, count, apart):
    """Curvatures h = b + Cs driven up by s′ = 0.1: of so many weights that memory counts, the path is that of few weights, and
    ends with all of them at the edge of 2."""
    c = np.random.default_rng(0).normal(size=(count, count))
    c, begin = 0.3 * c @ c.T / count + np.eye(count), 1.5 - apart * np.arange(count)
    loss = crowd(c, begin)
    ends = []
    for many in (100, 2):
        monkeypatch.setattr("cfdyn.integrate.large.tracker.LONG", many)
        run = large_run(cf.flows.central(loss, cf.optimizers.gd(lr=1.0)), np.r_[np.full(count, 1e-6), np.zeros(count)], rtol=1e-4)
        run.advance(60.0)
        assert run.rank == count and not run.status
        np.testing.assert_allclose(run.eigenvalues[:count], 2.0, rtol=1e-6)
        ends.append(run.w)
    np.testing.assert_allclose(ends[1], ends[0], atol=1e-6)
    # All h at 2: s solves b + Cs = 2, whatever the way there.
    np.testing.assert_allclose(ends[1][count:], np.linalg.solve(c, 2.0 - begin), rtol=1e-5)


def test_a_start_beyond_the_edge_of_so_many_weights_that_memory_counts_is_put_where_that_of_few_is(monkeypatch):
    """Five of nine modes are beyond the edge of 2 or come there on the way: the nearest s with b + Cs ≤ 2 is that of a quadratic
    program, and T is of fewer modes."""
    count, begin = 9, np.r_[2.3, 2.1, 1.97, 1.96, 1.955, 1.954, 1.953, 1.952, 1.2]
    c = np.eye(count)
    c[:5, :5] -= 0.15 * (1 - np.eye(5))
    dual = minimize(lambda y: ((c.T @ y) @ (c.T @ y) / 2 - y @ (begin - 2.0), c @ (c.T @ y) - (begin - 2.0)), np.zeros(count),
                    jac=True, bounds=[(0, None)] * count, options={"ftol": 1e-15, "gtol": 1e-12}).x  # fmt: skip
    assert (dual > 1e-6).sum() == 5
    near = []
    for many in (100, 2):
        monkeypatch.setattr("cfdyn.integrate.large.tracker.LONG", many)
        run = large_run(cf.flows.central(crowd(c, begin), cf.optimizers.gd(lr=1.0)), np.r_[np.full(count, 1e-6), np.zeros(count)],
                        rtol=1e-4)  # fmt: skip
        np.testing.assert_allclose(run.w[count:], -c.T @ dual, atol=1e-4 * np.linalg.norm(dual))
        assert run.eigenvalues[0] <= 2 + 1e-6
        near.append(run.point.near)
    assert near[0] > near[1] >= 5
