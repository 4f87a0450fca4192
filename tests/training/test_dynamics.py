"""What the iterates of a run do: periods along each direction, and exponents by tangents against dense products of Jacobians."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.invariants.lyapunov_spectrum import frame
from cfdyn.errors import UsageError
from cfdyn.training.periods import DYING, IRREGULAR, NONE, SMALL, TURNS, UNSEEN, along_directions, periods_of
from tests.training import toy
from tests.training.runs import Bowl, Stopped, arrays, same, stop_at


@pytest.fixture
def train(monkeypatch, tmp_path):
    toy.use(monkeypatch.setattr)
    count = iter(range(100))
    return lambda network=None, **settings: cf.train(
        {**toy.SETTINGS, "out": str(tmp_path / f"run{next(count)}"), **settings}, network=network or toy.Toy())


def of_products(jacobians, every, k):
    """Exponents of windows, (n, k), by QR of the whole products of dense Jacobians (steps, D, D)."""
    rows, found = frame(jacobians.shape[1], k), []
    for first in range(0, len(jacobians) - every + 1, every):
        product = np.eye(jacobians.shape[1])
        for one in jacobians[first : first + every]:
            product = one @ product
        q, r = np.linalg.qr(product @ rows.T)
        rows = q.T
        found.append(np.log(np.abs(np.diag(r))) / every)
    return np.array(found)


def test_exponents_of_a_net_are_those_of_the_symbolic_jacobians_of_its_formula(tmp_path):
    """With momentum: 30 entries of a state. Each of six windows to 1e-8."""
    x, labels = np.random.default_rng(3).normal(size=(9, 2)), np.arange(9) % 3
    formula = cf.losses.mlp(widths="2", outputs=3, data=np.column_stack([x, np.eye(3)[labels]]))
    net = cf.networks.mlp(cf.DataSet(x, labels=labels), widths="2")
    optimizer = cf.optimizers.heavy_ball(lr=0.5, momentum=0.6)
    run = cf.train(network=net, optimizer=optimizer, runs="discrete", steps=31, every=5, exponents=3, out=str(tmp_path / "net"))
    step = cf.as_map(formula, optimizer)
    z = cf.iterate(step, net.start, 30).z
    dense = of_products(np.array([step.jacobian(row) for row in z[:30]]), 5, 3)
    assert run.n_weights == 15 and run.exponents.shape == dense.shape == (6, 3)
    np.testing.assert_allclose(run.exponents, dense, atol=1e-8)
    assert np.ptp(dense, axis=0).min() > 1e-3, "they differ from window to window"


class Rows:
    """L = mean over 12 rows of cos(aᵢ·w) + ½|w|², of 5 weights."""

    title, dim, n_rows = "rows", 5, 12

    def __init__(self):
        self.start, self.a = np.ones(5), np.random.default_rng(3).normal(size=(12, 5))

    def value(self, w):
        return float(np.cos(self.a @ w).mean() + w @ w / 2)

    def gradient(self, w, rows=None):
        a = self.a if rows is None else self.a[rows]
        return w - np.sin(a @ w) @ a / len(a)

    def hvp(self, w, v, rows=None):
        a = self.a if rows is None else self.a[rows]
        return v - (np.cos(a @ w) * (a @ v)) @ a / len(a)


def test_exponents_of_mini_batches_are_those_of_the_rows_of_each_step(train):
    from cfdyn.training.built import OnBatches

    net = Rows()
    run = train(net, optimizer="gd:lr=0.4", runs="discrete", steps=13, every=4, batch=3, seed=2, exponents=2)
    batches, w, jacobians = OnBatches(net, 3, 2), net.start, []
    for batches.k in range(12):
        a = net.a[batches.rows]
        jacobians.append(np.eye(5) - 0.4 * (np.eye(5) - (a.T * np.cos(a @ w)) @ a / 3))
        w = w - 0.4 * net.gradient(w, batches.rows)
    np.testing.assert_allclose(run.exponents, of_products(np.array(jacobians), 4, 2), atol=1e-8)
    assert np.linalg.norm(jacobians[3] - jacobians[4]) > 0.1


@pytest.mark.slow
def test_exponents_change_nothing_else_and_go_on_bit_for_bit(train, tmp_path, monkeypatch):
    monkeypatch.setattr("cfdyn.training.train.SAID", 0.0)
    plain, whole, out = train(), train(exponents=2), tmp_path / "stopped"
    before, after = arrays(plain.folder), arrays(whole.folder)
    assert set(after) - set(before) == {"rows/exponents"} and np.isfinite(whole.exponents).all()
    assert [name for name in before if before[name].tobytes() != after[name].tobytes()] == []
    with pytest.raises(Stopped):
        cf.train({**toy.SETTINGS, "exponents": 2}, network=toy.Toy(), out=str(out), keep=0.0, progress=stop_at(47))
    assert cf.train(resume=out, network=toy.Toy()).exponents.shape == (29, 2)
    same(whole.folder, out)


def test_exponents_at_the_edge_are_small_and_below_it_those_of_the_flat_directions(train):
    """gd on Σ λᵢwᵢ²/2: log|1 − ηλ| of the flattest, λ = 0.1 and 0.123; held at the edge all are near 0."""
    found = train(Bowl(), optimizer="gd:lr=0.5", runs="discrete", steps=400, exponents=2).lyapunov()
    np.testing.assert_allclose(found.exponents, np.log(1 - 0.5 * np.linspace(0.1, 1.0, 40)[:2]), atol=1e-3)
    held = train(steps=400, every=10, exponents=4, runs="discrete").lyapunov()
    assert np.abs(held.exponents).max() < 0.01 and held.steps == 190


def test_exponents_that_cannot_be(train):
    with pytest.raises(UsageError, match="5 exponents are more than the 4 entries"):
        train(exponents=5)
    with pytest.raises(UsageError, match="need products of some rows"):
        train(toy.Toy(rows=20), batch=5, exponents=1)
    with pytest.raises(UsageError, match="`exponents`"):
        train(exponents=0)
    with pytest.raises(UsageError, match="has no Lyapunov exponents"):
        train().lyapunov()
    with pytest.raises(UsageError, match="after step 119 nothing was measured"):
        train(exponents=1).lyapunov(since=119)


def series():
    """Six directions of 700 steps: a 2-cycle since 300, a 4-cycle, chaos, a leak of the first, a dying one, one seen in part."""
    t, rng = np.arange(700), np.random.default_rng(0)
    x = np.full((700, 6), np.nan)
    x[10:, 0] = np.where(t < 300, 1e-3 * np.cos(t / 40), (-1.0) ** t)[10:] + 0.01 * rng.normal(size=690)
    x[10:, 1] = (np.cos(np.pi * t / 2) + 0.5 * (-1.0) ** t)[10:]
    z = 0.3
    for k in range(10, 700):
        x[k, 2], z = z - 0.6, 3.9 * z * (1 - z)
    x[10:, 3] = 1e-3 * (-1.0) ** t[10:]
    x[10:, 4] = 3 * (-0.9) ** (t[10:] - 10.0)
    x[400:, 5] = (-1.0) ** t[400:]
    return x


def test_periods_of_each_direction_are_told_in_windows():
    found = periods_of(series(), 700, 10, {}, 128, 8, 0.01)
    assert found.first.tolist() == [*range(10, 523, 64), 572] and found.last[-1] == 699 and found.labels.shape == (10, 6)
    two = found.labels[:, 0]
    assert set(two[found.last < 200].tolist()) == {SMALL} and set(two[found.first > 300].tolist()) == {2}
    assert set(found.labels[:, 1].tolist()) == {4} and set(found.labels[:, 2].tolist()) == {IRREGULAR}
    assert set(found.labels[:, 3].tolist()) == {SMALL} and found.labels[:2, 4].tolist() == [DYING, SMALL]
    assert set(found.labels[found.first < 400, 5].tolist()) == {UNSEEN} and set(found.labels[found.first >= 400, 5].tolist()) == {2}
    once = [(one["direction"], one["period"]) for one in found.episodes]
    assert once == [(1, 2), (2, 4), (3, None), (6, 2)]
    assert abs(found.episodes[0]["since"] - 300) <= 4 and found.episodes[0]["p_value"] < 1e-6
    assert "eigenvector 1: period 2 from step" in along_directions(found)
    table = found.table()
    assert len(set(map(len, table.values()))) == 1 and len(table["kind"]) == 5 * 10 + 3 and table["period"][-1] == 2


def test_noise_and_smooth_paths_with_jumps_have_no_period():
    """A smooth swing whose directions are measured anew every six steps jumps every six steps: that is no 6-cycle."""
    t = np.arange(600)
    jumps = np.exp(-t / 200) * (1 + 1e-2 * ((t // 6) % 5))
    found = periods_of(np.column_stack([jumps, np.random.default_rng(1).normal(size=600)]), 6, 0, {}, None, 8, 0.01)
    assert set(found.labels.ravel().tolist()) <= {NONE, SMALL} and found.episodes == [] and along_directions(found) == ""


@pytest.mark.parametrize(("turned", "kept", "label", "seems"),
                         [(0.05, True, 2, None), (0.05, False, 4, 4), (0.4, True, TURNS, 6)])
def test_directions_that_are_measured_anew_make_no_period(turned, kept, label, seems):
    """Turned back and forth every six steps a 2-cycle seems to be a 6-cycle, or irregular; a 4-cycle stays one."""
    t = np.arange(600)
    wave = (-1.0) ** t * (1 + 1e-3 * np.sin(t / 50)) if kept else (-1.0) ** t + 0.2 * np.cos(np.pi * t / 2)
    teeth = (t % 6 / 6 - 0.4) if kept else 0.0
    alone = cf.analysis.oscillation((wave * (1 + turned * teeth))[:96], max_period=8)
    found = periods_of((wave * (1 + turned * teeth))[:, None], 6, 0, {}, None, 8, 0.01)
    assert alone.period == seems and set(found.labels.ravel().tolist()) == {label}


@pytest.mark.parametrize(("phases", "wander", "label"), [((1, 0.77, 0.77**2), 0, TURNS), ((1, 0.3, 0.6), 0, 6), ((1, 0.7, 0.49), 1, TURNS),
                                                         ((1, 0.88), 1, TURNS), ((1, 0.3, 0.6), 1, IRREGULAR)])
def test_what_dies_between_measurements_has_no_period(phases, wander, label):
    """Alternating, anew with each measurement every few steps, swinging slowly if ``wander``: by one factor between them, or not."""
    t, every = np.arange(288), len(phases)
    anew = np.sin(0.37 * (t // every)) if wander else 1
    x = anew * np.array(phases)[t % every] * (-1.0) ** t
    assert set(periods_of(x[:, None], every, 0, {}, 96, 8, 0.01).labels.ravel().tolist()) == {label}


def test_the_periods_of_a_run(train):
    run = train(steps=400)
    found = run.periods(width=96)
    assert set(found.labels[:, :2].ravel().tolist()) == {2} and set(found.labels[:, 2].tolist()) == {SMALL}
    assert [one["period"] for one in run.usual_periods.episodes if one["since"] > 60 or one["until"] > 300] == [2, 2]
    assert "eigenvector 2: period 2" in " ".join(run.sentences)
    noisy = train(Bowl(), optimizer="gd:lr=0.5", runs="discrete", batch=2, steps=160)
    assert noisy.usual_periods.episodes == []
    short = train(steps=40)
    assert short.periods().labels.shape[0] == 0 and short.usual_periods.episodes == []
    for settings, words in [({"width": 20}, "8 periods and 16 steps"), ({"max_period": 1}, "`max_period`"), ({"level": 0.7}, "`level`")]:
        with pytest.raises(UsageError, match=words):
            run.periods(**settings)


def test_the_figure_has_the_variance_along_each_direction_that_is_held(tmp_path):
    """Where y comes to the edge, 8, x² = 2a(c − 8) at rest: 0.1 and 0.06. Measured is the mean over many slow cycles."""
    both, one = toy.Toy(), toy.Toy()
    one.c = np.array([9.0, 4.0])
    panels = []
    for name, net in (("both", both), ("one", one)):
        settings = {"optimizer": "gd:lr=0.25", "runs": "central", "steps": 600, "every": 4, "out": str(tmp_path / name)}
        panels.append(cf.plot(cf.train(settings, network=net)).axes[2])
    dots, lines = panels[0].lines[::2], panels[0].lines[1::2]
    assert [line.get_label() for line in lines] == ["v1", "v2"] and panels[0].get_title() == "variance along each direction"
    assert sum(line.get_ydata()[-1] for line in lines) == pytest.approx(0.16, rel=1e-3)
    assert sum(np.mean(dot.get_ydata()[300:596]) for dot in dots) == pytest.approx(0.16, rel=0.05)
    swing, trace = panels[1].lines
    assert panels[1].get_title() == "variance: measured, predicted" and trace.get_ydata()[-1] == pytest.approx(0.1, rel=1e-3)
    assert np.mean(swing.get_ydata()[300:596]) == pytest.approx(0.1, rel=0.05)
