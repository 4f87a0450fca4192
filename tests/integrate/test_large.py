"""Flows of losses that are no formulas: against independent references, the dense integrator, and themselves stopped on the way."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large import large_run
from cfdyn.integrate.large.costs import Counted
from cfdyn.integrate.large.modes import searched
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

REFERENCES = json.loads((Path(__file__).parents[1] / "flows" / "references.json").read_text(encoding="utf-8"))["cases"]
VALLEY = cf.Loss("(1 - x*y)**2/2")
GD = cf.optimizers.gd(lr=0.8)


class Plain:
    """A loss without its formula; ``bare``: with gradients and products alone."""

    def __init__(self, loss, bare=False):
        self.loss, self.dim = loss, loss.dim
        self.value, self.gradient, self.hvp = loss.value, loss.gradient, loss.hvp
        if not bare:
            self.curvature_gradient = loss.curvature_gradient


def case(entry):
    loss = cf.Loss(entry["loss"], entry["variables"])
    optimizer = getattr(cf.optimizers, entry["optimizer"]["name"])(**entry["optimizer"]["params"])
    return loss, optimizer


@pytest.mark.parametrize("entry", REFERENCES, ids=[entry["name"] for entry in REFERENCES])
def test_it_converges_to_the_independent_reference(entry):
    """Two tolerances, 100 apart: the error falls at least fivefold, and all events are there in order."""
    loss, optimizer = case(entry)
    flow = cf.flows.central(Plain(loss), optimizer)
    w, kinds = np.array(entry["w"]), [(kind, rank) for _, kind, rank in entry["events"]]
    errors = []
    for rtol in (1e-3, 1e-5):
        path = cf.solve(flow, entry["start"], entry["t"][-1], rtol=rtol, save_at=[t for t in entry["t"] if t > 0])
        assert path.status == "done"
        errors.append(float(np.abs(path.w - w[len(w) - len(path.w) :]).max()))
    assert errors[1] < 2e-3 and errors[1] < errors[0] / 4
    assert [(e.kind, e.rank) for e in path.events] == kinds
    np.testing.assert_allclose([e.t for e in path.events], [t for t, *_ in entry["events"]], atol=0.5)


def test_readings_are_those_of_the_dense_flow():
    save = [0.2, 1.0, 3.0, 8.0]
    dense = cf.solve(cf.flows.central(VALLEY, GD), [1.5, 0.3], 8.0, save_at=save, rtol=1e-11)
    path = cf.solve(cf.flows.central(Plain(VALLEY), GD), [1.5, 0.3], 8.0, save_at=save, rtol=1e-6)
    np.testing.assert_allclose(path.loss, dense.loss, atol=1e-3)
    np.testing.assert_allclose(path.sharpness, dense.sharpness, atol=2e-3)
    np.testing.assert_allclose(
        path.variances[:, 0], np.where(path.rank > 0, dense.covariance.trace(axis1=1, axis2=2), np.nan), rtol=0.02
    )
    np.testing.assert_allclose(path.predicted_loss, dense.predicted_loss, rtol=5e-3)
    np.testing.assert_allclose(path.predicted_grad_norm_sq, dense.predicted_grad_norm_sq, rtol=2e-2)
    assert path.rank.tolist() == dense.rank.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("name", ["gd", "heavy_ball", "nesterov", "ema_momentum", "rmsprop", "scalar_rmsprop", "adam", "adagrad"])
def test_without_oscillation_it_is_the_stable_flow(name):
    params = {"lr": 0.05} | ({"momentum": 0.5} if "momentum" in name or name in ("heavy_ball", "nesterov") else {})
    optimizer = getattr(cf.optimizers, name)(**params)
    loss = cf.losses.matrix_factorization()
    start = [0.9, 0.3, -0.5, 0.8]
    dense = cf.solve(cf.flows.gradient(loss, optimizer), start, 20.0, rtol=1e-11)
    path = cf.solve(cf.flows.stable(Plain(loss), optimizer), start, 20.0, rtol=1e-6)
    np.testing.assert_allclose(path.w[-1], dense.w[-1], atol=2e-4)
    assert not path.events


def test_gradients_and_products_alone_are_enough():
    """T[u, u] from g(w ± εu)."""
    paths = [cf.solve(cf.flows.central(Plain(VALLEY, bare), GD), [1.5, 0.3], 5.0, rtol=1e-5) for bare in (True, False)]
    np.testing.assert_allclose(paths[0].w[-1], paths[1].w[-1], atol=1e-3)
    assert "curvature_gradients" in paths[1].stats and "curvature_gradients" not in paths[0].stats


def test_weight_decay_is_a_penalty_on_the_loss():
    optimizer = cf.optimizers.gd(lr=0.8, weight_decay=0.05)
    dense = cf.solve(cf.flows.central(VALLEY, optimizer), [1.5, 0.3], 8.0, rtol=1e-10)
    path = cf.solve(cf.flows.central(Plain(VALLEY), optimizer), [1.5, 0.3], 8.0, rtol=1e-6)
    np.testing.assert_allclose(path.w[-1], dense.w[-1], atol=1e-4)


def test_readings_are_of_the_loss_without_its_penalty():
    optimizer = cf.optimizers.gd(lr=0.9, weight_decay=0.05)
    dense = cf.solve(cf.flows.central(VALLEY, optimizer), [1.5, 0.3], 2.0, rtol=1e-10)
    path = cf.solve(cf.flows.central(Plain(VALLEY), optimizer), [1.5, 0.3], 2.0, rtol=1e-8)
    assert dense.covariance[-1].trace() > 0.02
    for name in ("loss", "sharpness", "edge", "predicted_loss", "predicted_grad_norm_sq"):
        np.testing.assert_allclose(getattr(path, name)[-1], getattr(dense, name)[-1], rtol=1e-4, err_msg=name)


def test_a_start_beyond_the_edge_is_moved_and_said_so():
    flow = cf.flows.central(Plain(VALLEY), GD)
    dense = cf.solve(cf.flows.central(VALLEY, GD), [1.7, 0.3], 0.0)
    path = cf.solve(flow, [1.7, 0.3], 0.0)
    np.testing.assert_allclose(path.w[0], dense.w[0], atol=1e-4)
    assert "beyond the edge" in path.notes[0]
    with pytest.raises(UsageError, match="beyond the edge"):
        cf.solve(flow, [1.7, 0.3], 1.0, strict=True)


@pytest.mark.parametrize(("loss", "optimizer", "start"), [
    (cf.losses.matrix_factorization(), cf.optimizers.gd(lr=0.653), [0.9, 0.3, -0.5, 0.8]),  # comes to the edge from both sides
    (cf.Loss("x**2/2 + 0.8*x*y + y**2 + 0.7*z**2 + x*z/2 + 0.2*x**4 + 0.1*y**4 + 0.3*z**4 + 0.2*x**2*y - 0.3*x + 0.2*z", "x y z"),
     cf.optimizers.rmsprop(lr=0.25, beta2=0.95, eps=1e-3), [0.15, -0.16, 0.77]),  # goes to and fro: half steps
])  # fmt: skip
def test_the_state_on_the_edge_is_the_nearest_as_the_dense_flow_finds_it(loss, optimizer, start):
    dense = cf.solve(cf.flows.central(loss, optimizer), start, 0.0, rtol=1e-10)
    path = cf.solve(cf.flows.central(Plain(loss), optimizer), start, 0.0, rtol=1e-6)
    assert "beyond the edge" in dense.notes[0]
    np.testing.assert_allclose(path.z[0], dense.z[0], rtol=2e-5, atol=2e-6)


def test_a_start_with_very_many_modes_beyond_the_edge_is_refused_soon():
    """Behind Adam's first step curvatures are 1/|w| or so: each weight near 0 is far beyond the edge."""
    d = 200
    bowl = SimpleNamespace(dim=d, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v,
                           curvature_gradient=lambda w, u, v: np.zeros(d))  # fmt: skip
    with pytest.raises(NumericsError, match="more than .* eigenvalues are beyond the edge"):
        cf.solve(cf.flows.central(bowl, cf.optimizers.adam(lr=0.01)), np.linspace(1e-5, 4e-4, d), 1.0)
class Valleys:
    """Σ yᵢxᵢ²/2 − yᵢ/50: n curvatures yᵢ that rise to any edge."""

    def __init__(self, n):
        self.n, self.dim = n, 2 * n

    def split(self, w):
        return np.split(np.asarray(w, float), 2)

    def value(self, w):
        x, y = self.split(w)
        return float(np.sum(y * x**2 / 2 - y / 50))

    def gradient(self, w):
        x, y = self.split(w)
        return np.r_[y * x, x**2 / 2 - 0.02]

    def hvp(self, w, v):
        (x, y), (a, b) = self.split(w), self.split(v)
        return np.r_[y * a + x * b, x * a]

    def curvature_gradient(self, w, u, v):
        (a, b), (c, e) = self.split(u), self.split(v)
        return np.r_[a * e + b * c, a * c]


@pytest.mark.parametrize("name", ["gradient", "central"])
def test_the_sharpness_of_a_flow_away_from_the_edge_is_that_of_its_weights(name):
    """Which its own mode, followed for the length of steps alone, misses by a third at the end."""
    loss, rng = Valleys(40), np.random.default_rng(2)
    start, times = np.r_[rng.normal(size=40), rng.uniform(1.0, 3.0, 40)], [0.0, 3.0, 6.0, 12.0, 20.0, 30.0]
    path = cf.solve(cf.flows.get(name)(loss, cf.optimizers.gd(lr=0.1)), start, 30.0, save_at=times)
    exact = [np.linalg.eigvalsh([loss.hvp(w, v) for v in np.eye(80)])[-1] for w in path.w]
    np.testing.assert_allclose(path.sharpness, exact, rtol=0.04)
    np.testing.assert_allclose(path.sharpness[-1], exact[-1], rtol=1e-4)
    np.testing.assert_allclose(np.array([path.edge, path.eigenvalues[:, 0]]), [0.1 * path.sharpness] * 2, rtol=1e-12)


def test_only_rows_that_are_asked_for_cost_more_products(monkeypatch):
    """Eight for each, whatever the number of steps."""
    loss, asked, own = Valleys(4), [], Valleys.hvp
    monkeypatch.setattr(Valleys, "hvp", lambda self, w, v: asked.append(1) or own(self, w, v))
    flow = cf.flows.gradient(loss, cf.optimizers.gd(lr=0.1))
    for times in ([30.0], [1.0, 7.5, 30.0]):
        asked.clear()
        path = cf.solve(flow, np.r_[np.full(4, 0.3), np.arange(1.0, 5.0)], 30.0, save_at=times)
        assert path.stats["steps"] > 10 and len(asked) - path.stats["products"] == 8 * len(times)


def test_five_modes_far_beyond_the_edge_are_put_on_it():
    """Curvatures of 38 to 40 where the edge is 20; nothing else is touched."""
    start = np.r_[np.full(12, 1e-3), np.linspace(38, 40, 5), np.linspace(3, 15, 7)]
    run = large_run(cf.flows.central(Valleys(12), cf.optimizers.gd(lr=0.1)), start, rtol=1e-4)
    x, y = np.split(run.w, 2)
    top = np.linalg.eigvalsh(np.block([[np.diag(y), np.diag(x)], [np.diag(x), np.zeros((12, 12))]]))[-6:]
    np.testing.assert_allclose(top[1:], 20.0, rtol=1e-6)
    np.testing.assert_allclose(y[5:], start[17:], atol=1e-3)  # modes are found to 0.1 %
    assert top[0] < 16 and "λ₁(P⁻¹H) = 4 > 2) and was moved by" in run.notes[0]
    assert run.oracle.equivalents() < 5000


@pytest.mark.parametrize("method", ["auto", "map"])
def test_more_modes_than_are_solved_for_end_a_run_and_say_so(method):
    flow, start = cf.flows.central(Valleys(20), cf.optimizers.gd(lr=0.1)), np.r_[np.full(20, 1e-3), np.linspace(19.90, 19.95, 20)]
    path = cf.solve(flow, start, 900, method=method, max_step=5)
    assert 0 < path.t[-1] < 100
    assert re.match(r"stopped at t = .*: (17|18|19|20) eigenvalues are at the edge at once", path.status)


def test_a_path_that_runs_away_ends():
    hole = Plain(cf.Loss("-x**4/4 + y**2/2"))
    path = cf.solve(cf.flows.central(hole, cf.optimizers.gd(lr=0.1)), [1.0, 0.5], 100.0)
    assert path.status.startswith("at t = ") and 0 < path.t[-1] < 6
    with pytest.raises(NumericsError, match="not finite"):
        cf.solve(cf.flows.central(Plain(cf.Loss("log(x) + y")), GD), [0.0, 1.0], 1.0)


def test_a_weight_that_the_loss_never_sees_changes_nothing():
    """Its second moment is 0, where the preconditioner has no slope."""
    rmsprop = cf.optimizers.rmsprop(lr=0.05, beta2=0.9, eps=0.001)
    text = "(1 - x*y)**2/2 + 0.2*(z - x*y)**2 + 0.05*x*z**2"
    paths = [cf.solve(cf.flows.central(Plain(cf.Loss(text + more, "x y z" + name)), rmsprop), [1.8, 0.2, 0.3, *rest], 60.0, rtol=1e-5)
             for more, name, rest in (("", "", []), (" + 0*v", " v", [0.7]))]  # fmt: skip
    np.testing.assert_allclose(paths[1].w[-1, :3], paths[0].w[-1], atol=2e-4)
    assert paths[0].rank[-1] == paths[1].rank[-1] == 1 and paths[1].edge.max() < 2.01


@pytest.mark.parametrize("name", ["gd", "heavy_ball", "scalar_rmsprop", "adam"])
def test_a_warm_start_is_the_middle_of_three_iterates(name):
    """With the slow states that the optimizer's next step uses, and said so."""
    optimizer = getattr(cf.optimizers, name)(lr=0.05)
    loss, start = cf.losses.matrix_factorization(), np.array([0.9, 0.3, -0.5, 0.8])
    step, states = cf.as_map(loss, optimizer), [cf.as_map(loss, optimizer).state(start)]
    for _ in range(6):
        states.append(step(states[-1]))
    path = cf.solve(cf.flows.gradient(Plain(loss), optimizer), start, 0.0, warm=5)
    flow = cf.flows.gradient(loss, optimizer)
    np.testing.assert_allclose(path.w[0], (states[4][:4] + 2 * states[5][:4] + states[6][:4]) / 4, rtol=1e-13)
    np.testing.assert_allclose(path.z[0, 4:], flow.started(states[6])[4:], rtol=1e-13)
    assert "step 5 of the optimizer" in path.notes[0]


def test_what_takes_a_formula_says_so():
    for call in (
        lambda: cf.flows.thread(Plain(VALLEY), GD),
        lambda: cf.flows.central(Plain(VALLEY), GD, batch=2),
        lambda: cf.flows.central(Plain(VALLEY), cf.optimizers.sign_gd(lr=0.1)),
        lambda: cf.solve(cf.flows.central(Plain(VALLEY), GD), [1.5, 0.3], 1.0, method="radau5"),
        lambda: cf.flows.central(2.0, GD),
        lambda: cf.flows.principal(Plain(VALLEY), GD),
        lambda: cf.solve(cf.flows.central(VALLEY, GD), [1.5, 0.3], 1.0, warm=3),
    ):
        with pytest.raises(UsageError):
            call()


def test_the_central_map_is_descent_off_the_edge_and_held_at_it():
    """Below the edge the iterates themselves; one step at it by hand, with T[u, u] by differences of the Hessian."""
    flow, w = cf.flows.central(Plain(VALLEY), GD), np.array([1.0, 0.6])
    path = cf.solve(flow, w, 1, method="map")
    np.testing.assert_allclose(path.w[-1], w - 0.8 * VALLEY.gradient(w), rtol=1e-14)
    run = large_run(flow, [1.5, 0.3], method="map")
    while not run.rank:
        run.advance(run.t + 1)
    w, g = run.w.copy(), VALLEY.gradient(run.w)
    values, vectors = np.linalg.eigh(VALLEY.hessian(w))
    u, c = vectors[:, 1], (1 - np.exp(-2)) / 2
    bend = np.array([(u @ (VALLEY.hessian(w + e) - VALLEY.hessian(w - e)) @ u) / 2e-5 for e in 1e-5 * np.eye(2)])
    damp = np.eye(2) - (1 - c) * np.outer(u, u)
    square = max(0.0, (values[1] - 2.5 - 0.8 * bend @ damp @ g) / (0.4 * bend @ damp @ bend))
    run.advance(run.t + 1)
    np.testing.assert_allclose(run.w, w - 0.8 * damp @ (g + square * bend / 2), atol=1e-6)
    run.advance(60)
    assert square > 0 and run.eigenvalues[0] == pytest.approx(2.0, abs=1e-3) and run.status == ""
    with pytest.raises(UsageError, match="whole steps"):
        cf.solve(flow, [1.5, 0.3], 1.5, method="map")
    with pytest.raises(UsageError, match="gradient descent"):
        cf.solve(cf.flows.central(Plain(VALLEY), cf.optimizers.adam(lr=0.1)), [1.5, 0.3], 1, method="map")


def test_searches_find_the_largest_eigenvalues():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    values = np.r_[5.0, 4.9, 3.0, rng.uniform(-4, 2.5, 57)]
    matrix = (turn * values) @ turn.T
    found, vectors = searched(lambda v: v @ matrix, rng.normal(size=60), 2, np.zeros((0, 60)), 10, 1e-6, 60)
    np.testing.assert_allclose(found, [5.0, 4.9], atol=1e-8)
    rest, _ = searched(lambda v: v @ matrix, rng.normal(size=60), 1, vectors, 10, 1e-6, 60)
    np.testing.assert_allclose(rest, [3.0], atol=1e-6)


def test_what_is_asked_is_counted():
    flow = MatrixFreeFlow("central", "central", Plain(VALLEY), GD)
    oracle, w = Counted(flow), np.array([1.5, 0.3])
    oracle.gradient(w)
    oracle.products(w, np.eye(2))
    oracle.jet(w, np.array([1.0, 0.0]))
    assert oracle.counts == {"gradient": 1, "products": 2, "third": 1} and oracle.equivalents() == 1 + 2 * 2 + 5


def test_costs_are_those_of_calls_that_nothing_disturbed(monkeypatch):
    """On a clock on which a gradient takes 1, a product 2, and nine of ten calls up to 30 times as long, the gradients most."""
    oracle, w, clock = Counted(MatrixFreeFlow("central", "central", Plain(VALLEY), GD)), np.array([1.5, 0.3]), [0.0]
    rng, lengths = np.random.default_rng(5), {"gradient": (1.0, 30.0), "hvp": (2.0, 3.0)}

    def taking(name):
        least, most = lengths[name]

        def call(*given):
            clock[0] += least * (rng.uniform(most / 2, most) if rng.random() < 0.9 else 1.0)
            return getattr(VALLEY, name)(*given)

        return call

    for name, where in (("gradient", oracle.flow), ("hvp", oracle.oracle)):
        monkeypatch.setattr(where, name, taking(name), raising=False)
    monkeypatch.setattr("cfdyn.integrate.large.costs.process_time", lambda: clock[0])
    for _ in range(60):
        oracle.gradient(w)
        oracle.product(w, np.array([1.0, 0.0]))
    assert oracle.costs() == {"gradient": 1.0, "products": pytest.approx(2.0)} and oracle.equivalents() == pytest.approx(60 + 2 * 60)


def test_a_network_at_the_edge():
    """The central flow stays with the optimizer where the gradient flow leaves it; what it held is at the edge."""
    net = cf.networks.mlp(cf.data.digits(classes=3, n=60), widths=(6,))
    gd, start = cf.optimizers.gd(lr=0.55), net.start
    step = cf.as_map(net, gd)
    orbit = [start]
    for _ in range(121):
        orbit.append(step(orbit[-1]))
    middle = (orbit[-3] + 2 * orbit[-2] + orbit[-1]) / 4
    central, plain = (cf.solve(make(net, gd), start, 120.0, save_at=[120.0]) for make in (cf.flows.central, cf.flows.gradient))
    assert central.rank[-1] >= 1 and abs(central.edge[-1] - 2) < 0.01
    gaps = [np.linalg.norm(path.w[-1] - middle) for path in (central, plain)]
    assert gaps[0] < gaps[1]
    assert central.stats["gradient_equivalents"] > 0


def test_a_weight_behind_an_input_that_is_always_zero_changes_nothing():
    """Its ν stays 0, where √ν has no slope."""
    rms = cf.optimizers.rmsprop(lr=0.1, beta2=0.9, eps=1e-3)
    with_it, without = (cf.Loss("(1 - x*y)**2/2", names) for names in ("x y u", "x y"))
    ends = []
    for loss, start in ((with_it, [1.5, 0.3, 0.7]), (without, [1.5, 0.3])):
        run = large_run(MatrixFreeFlow("central", "central", Plain(loss), rms), start, rtol=1e-4)
        run.advance(30.0)
        assert run.status == "" and len(run.covariance_factors[0]) == 1
        ends.append(run.w)
    assert ends[0][2] == pytest.approx(0.7, rel=1e-12)
    np.testing.assert_allclose(ends[0][:2], ends[1], rtol=1e-3)
