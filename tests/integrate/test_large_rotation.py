"""Modes at the edge that turn into others near it: their force answers fast, is learned from steps, and a user is told."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.integrate.large import idle_run, large_run
from cfdyn.integrate.large.rotation import KEPT, Rotation
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
from tests.integrate.test_large import VALLEY, Plain

# Curvatures 1 + s along x, which −s drives up, and 1.9 along y, coupled by p: at the edge of 2, s = 1 − 10p².
TURNING = cf.Loss("(1 + s)*x**2/2 + 0.95*y**2 + p*x*y - s + 0.05*(p - q)**2 + 0.01*(q - 2)**2")
START = {"p": 0.0, "q": 1.0, "s": 1.0, "x": 0.0, "y": 0.0}
# On the edge, up to 400p² < 2e-3: p' = −20p − 0.1(p − q) and q' = 0.1(p − q) − 0.02(q − 2); p comes to rest 170 times as fast.
RATES, PUSH = np.array([[-20.1, 0.1], [0.1, -0.12]]), np.array([0.0, 0.04])


def flow():
    return MatrixFreeFlow("central", "central", TURNING, cf.optimizers.gd(lr=1.0))


def start():
    return [START[name] for name in TURNING.variables]


def exact(t):
    """p and q at a time, by eigenvalues."""
    rest = -np.linalg.solve(RATES, PUSH)
    values, vectors = np.linalg.eigh(RATES)
    return rest + vectors @ (np.exp(values * t) * (vectors.T @ ([START["p"], START["q"]] - rest)))


@pytest.mark.slow
def test_a_stiff_path_takes_long_steps_and_its_user_is_told():
    """Extrapolated forces are stable up to steps of 1/20: 3,030 of them, each too short by its force alone."""
    run = large_run(flow(), start(), rtol=1e-4)
    for t in (5.0, 20.0, 60.0):
        run.advance(t)
        found = dict(zip(TURNING.variables, run.w, strict=True))
        np.testing.assert_allclose([found["p"], found["q"]], exact(t), atol=1e-4)
        assert found["s"] == pytest.approx(1 - 10 * found["p"] ** 2, abs=1e-4)
    assert run.steps + run.rejected < 1500 and not run.status
    assert "the flow is stiff" in run.summary[0]


def test_a_path_of_which_many_steps_are_not_taken_learns_at_once(monkeypatch):
    """Before its short steps tell, also where it is not looked at what keeps them short."""
    monkeypatch.setattr("cfdyn.integrate.large.rotation.MANY", 10**9)
    late, run = (large_run(flow(), start(), rtol=1e-3) for _ in range(2))
    run.rejected = 10
    late.advance(60.0)
    run.advance(60.0)
    assert run.steps < 300 < late.steps  # 421 where what is short beside the longest moves is not learned
    found = dict(zip(TURNING.variables, run.w, strict=True))
    np.testing.assert_allclose([found["p"], found["q"]], exact(60.0), atol=1e-3)


@pytest.mark.slow
def test_a_net_with_four_modes_that_turn_into_each_other_does_not_crawl():
    """Of 207 weights on digits: of 796 steps 128 were not taken before that was learned. Steps are long, and none is told short."""
    net = cf.networks.cnn(cf.data.digits(classes=10, n=100), channels=(2, 3))
    lr = 2.6 * 2 / net.eigenvalues(net.start, 1)[0][0]
    run = large_run(cf.flows.central(net, cf.optimizers.gd(lr=lr)), net.start, rtol=1e-3)
    run.advance(900.0)
    assert run.rejected < 40 and run.steps < 550 and run.oracle.counts["jet"] < 4500
    assert run.rotation.on and run.summary == []


def test_what_is_learned_goes_with_a_run():
    """A run that goes on from its arrays is the same, bit for bit."""
    whole, part = large_run(flow(), start(), rtol=1e-2), idle_run(flow(), rtol=1e-2)
    whole.advance(10.0)
    part.restore(whole.snapshot())
    whole.advance(20.0)
    part.advance(20.0)
    np.testing.assert_array_equal(part.w, whole.w)
    np.testing.assert_array_equal(part.rotation.sizes, whole.rotation.sizes)
    assert part.rotation.on and len(part.rotation.sizes) and part.summary == whole.summary


@pytest.mark.parametrize(("frozen", "others", "count"), [(0.4, 0.03, 6), (0.4, 0.05, 4), (0.2, 0.0, 4)])
def test_a_step_is_stuck_where_the_force_alone_keeps_it_short(frozen, others, count):
    """Its error above 0.3 tolerances and ten times the others; one that is not takes one back."""
    run = large_run(flow(), start(), rtol=1e-4)
    run.rotation.stuck = 5
    run.rotation.count_stuck(frozen, others)
    assert run.rotation.stuck == count and not run.rotation.on
    run.rotation.stuck = 9
    run.rotation.count_stuck(frozen, others)
    assert run.rotation.on == (count == 6)


def test_how_many_steps_are_stuck_goes_with_a_run():
    """Those before the tenth."""
    whole, part = large_run(flow(), start(), rtol=1e-4), idle_run(flow(), rtol=1e-4)
    while whole.rotation.stuck < 5:
        whole.step(10.0)
    part.restore(whole.snapshot())
    assert not whole.rotation.on and part.rotation.stuck == 5
    for run in (whole, part):
        run.advance(3.0)
    np.testing.assert_array_equal(part.w, whole.w)
    assert part.rotation.on and whole.rotation.on


@pytest.mark.parametrize("rejected", [9, 10])
def test_what_is_learned_of_steps_that_do_not_crawl_goes_with_a_run(rejected):
    """Also from before the tenth step that is not taken."""
    flow = cf.flows.central(Plain(VALLEY), cf.optimizers.gd(lr=0.8))
    whole, part = large_run(flow, [1.5, 0.3], rtol=1e-5), idle_run(flow, rtol=1e-5)
    whole.rejected = rejected
    whole.advance(10.0)
    part.restore(whole.snapshot())
    for run in (whole, part):
        run.rejected = 10
        run.advance(20.0)
    assert part.rotation.on and len(part.rotation.sizes) and np.isnan(part.rotation.begun)
    np.testing.assert_array_equal(part.w, whole.w)
    np.testing.assert_array_equal(part.rotation.sizes, whole.rotation.sizes)
    assert part.summary == whole.summary == []


def test_a_run_that_an_older_version_stored_can_still_begin_to_crawl():
    """It stored the time of its last step beside what was not begun, and not how many were stuck."""
    run = large_run(flow(), start(), rtol=1e-4)
    run.step(0.5)
    assert not run.rotation.on
    stored = run.snapshot()
    stored["turning"] = np.r_[stored["turning"][:2], 0.5]
    run.restore(stored)
    assert run.rotation.stuck == 0
    run.advance(20.0)
    assert run.rotation.begun > 0.5 and "the flow is stiff" in run.summary[0]


def test_what_an_older_version_stored_knows_nothing_of_it():
    """A run that goes back to it forgets what it has learned since."""
    run = large_run(flow(), start(), rtol=1e-2)
    stored = {name: array for name, array in run.snapshot().items() if not name.startswith("turning")}
    run.advance(5.0)
    assert run.rotation.on and len(run.rotation.sizes)
    run.restore(stored)
    assert run.t == 0.0 and run.summary == [] and not len(run.rotation.sizes) and run.rotation.past is None


@pytest.mark.slow
def test_a_mode_that_leaves_and_comes_back_answers_anew():
    """What is learned of a mode is wrong for the next one: used there, s was 20 % off at t = 50, after 446 steps not taken.

    Beside Euler's method in steps of 5e-4 with eigenvectors of the whole Hessian: in steps of 2e-3 r and s differ by 0.004.
    """
    drive = "- (2 - 0.1*r)*s + 0.02*(r - 40)**2 + 0.01*s**2 + 0.01*x"
    loss = cf.Loss(f"(1 + s)*x**2/2 + 0.95*y**2 + p*x*y + 0.05*(p - q)**2 + 0.01*(q - 2)**2 {drive}")
    run = large_run(MatrixFreeFlow("central", "central", loss, cf.optimizers.gd(lr=1.0)),
                    [(START | {"r": 0.0})[name] for name in loss.variables], rtol=1e-2)  # fmt: skip
    run.advance(22.0)
    assert run.rotation.on and run.rank == 0 and not len(run.rotation.sizes)
    run.advance(50.0)
    found = dict(zip(loss.variables, run.w, strict=True))
    np.testing.assert_allclose([found["r"], found["s"]], [61.030, -39.343], atol=1.5)
    assert run.rejected < 200 and not run.status


@pytest.mark.parametrize(("move", "change"), [(1.0, np.inf), (1.0, np.nan), (1e-200, 1e200), (np.inf, 1.0), (0.0, 1.0)])
def test_what_is_not_finite_teaches_nothing(move, change):
    one = Rotation(2)
    with np.errstate(over="ignore"):
        one.learn(np.array([move, 0.0]), np.array([change, 0.0]), 0.0)
    one.learn(np.array([0.0, 0.1]), np.array([0.0, 2.0]), 0.0)
    np.testing.assert_allclose(one.sizes, [20.0])


def test_nothing_is_said_of_a_flow_that_is_not_stiff():
    run = large_run(cf.flows.central(Plain(VALLEY), cf.optimizers.gd(lr=0.8)), [1.5, 0.3], rtol=1e-5)
    run.rejected = 10
    run.advance(20.0)
    assert run.steps > 40 and run.rotation.on and run.summary == []


@pytest.mark.parametrize("count", [2, 4, KEPT + 3])
def test_what_is_learned_is_never_more_than_there_is(count):
    """Of a K of rank 4 in 9 dimensions: K itself once moves reach all of its range, and no more than K before."""
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.standard_normal((9, 4)))[0]
    own, turning = (axes * [30.0, 10.0, 3.0, 1.0]) @ axes.T, Rotation(9)
    for move in random.standard_normal((count, 9)):
        turning.learn(move, own @ move, 0.0)
    found = np.array([turning(row) for row in np.eye(9)])
    assert np.linalg.eigvalsh(own - found).min() > -1e-9
    assert len(turning.moves) == min(count, KEPT)
    assert np.linalg.matrix_rank(found, tol=1e-6) == min(count, 4)
    assert np.linalg.norm((own - found) @ turning.moves.T) < 1e-6
