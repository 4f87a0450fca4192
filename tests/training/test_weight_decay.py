"""Weight decay beside a training: sharpness, edge and flows in the same measure."""

import json
import shutil

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.training.built import OnBatches
from tests.flows.noisy_losses import toy, written_out
from tests.training.test_mini_batches import Units
from tests.training.toy import Toy

DECAY, WARM, EVERY, STEPS = 0.05, 4, 8, 60


class Bowl:
    """½Σ hᵢwᵢ², h = (3, 1)."""

    title, dim, start, h = "bowl", 2, np.array([1.0, 0.5]), np.array([3.0, 1.0])

    def value(self, w):
        return float(self.h @ w**2) / 2

    def gradient(self, w):
        return self.h * w

    def hvp(self, w, v):
        return self.h * v


def trained(network, folder, optimizer, runs, **settings):
    given = {"optimizer": optimizer, "runs": runs, "warm_start": WARM, "every": EVERY, "steps": STEPS, "tol": 1e-5, **settings}
    return cf.train(given, network=network, out=str(folder / "run"))


@pytest.mark.parametrize("name", ["gradient", "stable"])
def test_sharpness_is_of_the_loss_alone(name, tmp_path):
    """Of the optimizer at its midpoints, and of the flow of loss and penalty as SciPy follows it."""
    loss, lr, w = toy(), 0.1, [Units().start]
    run = trained(Units(), tmp_path, f"gd:lr={lr},weight_decay={DECAY}", name)
    for _ in range(STEPS):
        w.append(w[-1] - lr * (loss.gradient(w[-1]) + DECAY * w[-1]))
    middle = [(a + 2 * b + c) / 4 for a, b, c in zip(w, w[1:], w[2:], strict=False)]
    top = lambda w: np.linalg.eigvalsh(loss.hessian(w))[-1]  # noqa: E731
    np.testing.assert_allclose(run.sharpness, [top(middle[int(t) - 1]) for t in run.t], rtol=1e-6)
    path = solve_ivp(lambda t, w: -lr * (loss.gradient(w) + DECAY * w), (0, STEPS), middle[WARM - 1], t_eval=run.t - WARM, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(run.models[name].sharpness, [top(w) for w in path.y.T], rtol=1e-3)
    np.testing.assert_allclose(run.edge, 2 / lr - DECAY)


def test_a_flow_at_the_edge_has_the_sharpness_of_the_edge(tmp_path):
    """λ₁ + decay = 2/η, also where one direction after the other has come to it."""
    decay = 0.003
    run = trained(Toy(), tmp_path, f"gd:lr=0.25,weight_decay={decay}", "central")
    central = run.models["central"]
    assert central.trace[-1] > 1e-3
    np.testing.assert_allclose(central.sharpness[-1], 8 - decay, rtol=3e-5)


def test_an_edge_flow_whose_swing_is_along_a_flat_direction_has_the_sharpness_of_the_loss(tmp_path):
    """Of h = (3, 1) a swing keeps 0.1 and 0.7 in each step: what is left is along 1, and λ₁ is 3."""
    run = trained(Bowl(), tmp_path, f"gd:lr=0.3,weight_decay={DECAY}", "edge")
    assert run.models["edge"].status == "done"
    np.testing.assert_allclose(run.models["edge"].sharpness, 3.0, rtol=1e-9)


def aged(run):
    """Its folder as a cfdyn of the version 2 wrote it, without eigenvectors, and without settings in its checkpoints."""
    lines = (run.folder / "config.toml").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(("begun", "version", "vectors"))]
    shutil.rmtree(run.folder / "run.zarr" / "rows" / "vectors")
    group = run.folder / "run.zarr" / "zarr.json"
    about = json.loads(group.read_text())
    del about["attributes"]["files"], about["attributes"]["crc32"]
    group.write_text(json.dumps(about))
    (run.folder / "config.toml").write_text("version = 2\n" + "".join(kept))
    for path in run.folder.glob("checkpoint-*.npz"):
        with np.load(path) as stored:
            saved = dict(stored)
        facts = json.loads(str(saved["header"]))
        del facts["settings"]
        np.savez(path, **{**saved, "header": np.array(json.dumps(facts))})
    return run.folder


def test_a_run_of_an_older_version_says_that_it_goes_on_in_another_measure(tmp_path):
    """Of weight decay alone, and also when it goes on once more."""
    decayed = aged(trained(Bowl(), tmp_path, f"gd:lr=0.1,weight_decay={DECAY}", "stable"))
    plain = aged(trained(Bowl(), tmp_path / "plain", "gd:lr=0.1", "stable"))
    assert cf.load(decayed).remarks == ()
    for steps in (STEPS + 8, STEPS + 16):
        run = cf.train(resume=decayed, network=Bowl(), steps=steps)
        assert run.status == "done" and len(run.remarks) == 1 and "begun by an older cfdyn" in run.remarks[0]
    again = cf.train(resume=plain, network=Bowl(), steps=STEPS + 8)
    assert again.remarks == () and again.status == "done" and not (plain / "run.zarr" / "rows" / "vectors").exists()
    with pytest.raises(UsageError, match="has not kept its eigenvectors"):
        _ = again.vectors


def test_where_the_preconditioner_moves_eigenvalues_have_the_penalty_in_them(tmp_path):
    """RMSProp by hand: of (h + decay)·lr/(√ν + ε), against an edge of 2."""
    lr, beta, eps, bowl = 1e-3, 0.9, 1e-3, Bowl()
    run = trained(bowl, tmp_path, f"rmsprop:lr={lr},beta2={beta},eps={eps},weight_decay={DECAY}", "stable")
    z = [np.array([bowl.start, np.zeros(2)])]
    for _ in range(STEPS):
        w, nu = z[-1]
        g = (bowl.h + DECAY) * w
        nu = beta * nu + (1 - beta) * g**2
        z.append(np.array([w - lr * g / (np.sqrt(nu) + eps), nu]))
    expected = []
    for t in run.t.astype(int):
        w, nu = (z[t - 1] + 2 * z[t] + z[t + 1]) / 4
        nu = beta * nu + (1 - beta) * ((bowl.h + DECAY) * w) ** 2
        expected.append(max(lr * (bowl.h + DECAY) / (np.sqrt(nu) + eps)))
    np.testing.assert_allclose(run.sharpness, expected, rtol=1e-9)
    np.testing.assert_allclose(run.models["stable"].sharpness[-1], expected[-1], rtol=0.01)
    np.testing.assert_allclose(run.edge, 2.0)


class Penalised:
    """L + decay‖w‖²/2, row by row, for what is written out."""

    def __init__(self, loss):
        self.loss, self.dim, self.curvature_gradient = loss, loss.dim, loss.curvature_gradient

    def gradient(self, w):
        return self.loss.gradient(w) + DECAY * w

    def hessian(self, w):
        return self.loss.hessian(w) + DECAY * np.eye(self.dim)

    def row_gradients(self, w):
        return self.loss.row_gradients(w) + DECAY * w

    def row_hessians(self, w):
        return self.loss.row_hessians(w) + DECAY * np.eye(self.dim)


def test_the_flow_with_the_noise_of_batches_is_that_of_loss_and_penalty(tmp_path):
    """Runge and Kutta on the drift with Σ from one linear system, from the midpoint of step 4 on batches."""
    lr, batch, net, loss = 0.1, 4, Units(), Penalised(toy())
    drawn, w, share = OnBatches(net, batch, 0), [net.start], (12 - 4) / (4 * 11)
    for drawn.k in range(WARM + 1):
        w.append(w[-1] - lr * (net.loss.row_gradients(w[-1])[drawn.rows].mean(axis=0) + DECAY * w[-1]))
    v = (w[WARM - 1] + 2 * w[WARM] + w[WARM + 1]) / 4
    for _ in range(0, 52, 2):
        slopes = [written_out(loss, v, lr, share, 0.1)[0]]
        for part in (1, 1, 2):
            slopes.append(written_out(loss, v + part * slopes[-1], lr, share, 0.1)[0])
        v = v + np.dot([1, 2, 2, 1], slopes) / 3
    sigma = written_out(loss, v, lr, share, 0.1)[1]
    run = trained(net, tmp_path, f"gd:lr={lr},weight_decay={DECAY}", "central", batch=batch)
    found = run.models["central"]
    assert run.t[-1] == WARM + 52 and np.trace(sigma) > 1e-5
    np.testing.assert_allclose(found.trace[-1], np.trace(sigma), rtol=1e-3)
    np.testing.assert_allclose(found.sharpness[-1], np.linalg.eigvalsh(toy().hessian(v))[-1], rtol=1e-4)
    np.testing.assert_allclose(found.predicted_loss[-1], toy().value(v) + np.sum(toy().hessian(v) * sigma) / 2, rtol=1e-4)
