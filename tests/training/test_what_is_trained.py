"""Losses, optimizers and settings of one's own: what is taken, and what is refused in words."""

import json

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import RecordError, UsageError
from cfdyn.training.models import Model
from tests.training import toy
from tests.training.runs import WELL, Unmeasured, same


def test_gradients_alone_are_trained(tmp_path):
    """Of ‖w‖² without its value: descent keeps 0.9 of the weights in a step, its flow e^−0.1; with η = 2 each step triples them."""
    net = cf.networks.from_gradient(lambda w: 2 * w, 2, start=[1.0, 0.5])
    settings = {"runs": "discrete,central,stable", "steps": 40, "tol": 1e-6}
    run = cf.train(settings, network=net, optimizer="gd:lr=0.05", out=str(tmp_path / "bowl"))
    assert run.status == "done" and np.isnan(run.loss).all() and run.summary and "not a number" in run.remarks[-1]
    first, passed = np.linalg.norm(net.start) * (0.9**9 + 2 * 0.9**10 + 0.9**11) / 4, run.t[-1] - 10
    expected = first * (np.exp(-0.1 * passed) - 0.9**passed)
    np.testing.assert_allclose([row.distance[-1] for row in run.models.values()], [expected] * 2, rtol=1e-3)
    assert cf.plot(run, tmp_path / "figure.png")
    beyond = cf.train(settings, network=net, optimizer="gd:lr=2.0", out=str(tmp_path / "beyond"))
    assert beyond.status == "diverged at step 12" and beyond.sentences  # 3¹³ > 10⁶ > 3¹²


def test_optimizers_of_torch_and_warm_ups_are_pointed_to_the_way():
    """A class of that module's name stands for torch, which is installed for few tests."""
    theirs, well = type("AdamW", (), {"__module__": "torch.optim.adamw"})(), cf.losses.double_well()
    for call in (lambda: cf.as_map(well, theirs), lambda: cf.study(well, theirs), lambda: cf.train(network=nothing(), optimizer=theirs)):
        with pytest.raises(UsageError, match="not AdamW of torch: take cf.optimizers.adamw with its settings"):
            call()
    for call in (lambda: cf.optimizers.adamw(lr=0.1, warmup=10), lambda: cf.train(network=nothing(), optimizer="adamw:lr=0.1,warmup=10")):
        with pytest.raises(UsageError, match=r"'warmup'; the rate is one for all steps. .* cf.schedule\(cf.as_map"):
            call()
    gd = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.1))
    assert cf.schedule(gd, "lr", [0.5, 0.25])([1.0]) == pytest.approx(0.5 * 0.75)  # the way that is named


def of_one_class():
    return cf.networks.mlp(cf.DataSet(np.eye(12, 2), labels=np.zeros(12, int)), widths=2, loss="cross_entropy")


def nothing():
    return cf.networks.from_gradient(lambda w: 0 * w, 2, start=[1.0, 2.0], value=lambda w: 0.0)


@pytest.mark.parametrize(("make", "batch"), [
    (nothing, None), *(pytest.param(of_one_class, batch, marks=pytest.mark.slow) for batch in (None, 4)),
])  # fmt: skip
def test_a_loss_that_is_0_has_a_summary(tmp_path, make, batch):
    """As cross-entropy of one class has it: nothing moves, and every prediction is right."""
    run = cf.train({"runs": "discrete,central,stable"}, network=make(), optimizer="gd:lr=0.5", steps=14, batch=batch,
                   out=str(tmp_path / "run"))  # fmt: skip
    found = run.averages("stable")
    assert (run.loss == 0).all() and [found[key] for key in ("measured", "predicted", "error")] == [0, 0, 0]
    assert run.summary and np.abs(run.sharpness).max() < 1e-12 and not any("nan" in words for words in run.sentences)


@pytest.mark.parametrize(("tol", "said"), [(None, True), (1e-7, False)])
def test_a_tolerance_that_is_large_beside_the_distance_is_told(tmp_path, tol, said):
    """Of w₂² beside a weight of 100 that rests: a thousandth of the length is more than all that is between flow and descent."""
    net = cf.networks.from_gradient(lambda w: np.array([0.0, 2 * w[1]]), 2, start=[100.0, 0.5])
    settings = {"runs": "discrete,stable", "warm_start": 1, "steps": 20, "tol": tol}
    run = cf.train(settings, network=net, optimizer="gd:lr=0.3", out=str(tmp_path / "run"))
    model = run.models["stable"]
    assert any("its tolerance, 0.001 of the length of the weights, is 0.1, and" in words for words in model.notes) == said
    begun, passed = 0.5 * (1 + 2 * 0.4 + 0.4**2) / 4, run.t - 1
    expected = np.abs(begun * (np.exp(-0.6 * passed) - 0.4**passed))[passed >= 0]
    assert np.allclose(model.distance[passed >= 0], expected, rtol=0, atol=0.01 * expected.max()) != said


def test_how_far_a_flow_was_outlasts_a_stop(tmp_path, monkeypatch):
    """And a run of an older version, which did not keep it, is not said to have been as near as it was after the stop."""
    net = cf.networks.from_gradient(lambda w: np.array([0.0, 2 * w[1]]), 2, start=[100.0, 0.5])
    settings = {"runs": "discrete,stable", "warm_start": 1, "steps": 10}
    first = cf.train(settings, network=net, optimizer="gd:lr=0.3", out=str(tmp_path / "run"))
    told = first.models["stable"].notes
    assert f"at most {np.nanmax(first.models['stable'].distance):.2g} from" in told[-1]
    assert cf.train(resume=first.folder, network=net, steps=20).models["stable"].notes == told
    monkeypatch.setattr(Model, "snapshot", lambda self: self._run.snapshot())
    older = cf.train(settings, network=net, optimizer="gd:lr=0.3", out=str(tmp_path / "older"))
    assert not any("tolerance" in words for words in cf.train(resume=older.folder, network=net, steps=20).models["stable"].notes)


def test_settings_that_make_no_sense_are_refused(tmp_path):
    for settings, words in [({"stepps": 3}, "did you mean 'steps'"), ({"runs": "discrete,centrl"}, "did you mean 'central'"),
                            ({"warm_start": 300}, "`warm_start` is a whole number from 1 to 298"), ({"steps": 2}, "`steps` of"),
                            ({"network": "mpl"}, "did you mean 'mlp'"), ({"network": "mlp:width=3"}, "did you mean 'widths'"),
                            ({"data": "digits:n=x"}, "not a number"), ({"tol": 2.0}, "`tol`"), ({"runs": "central,central"}, "twice"),
                            ({"own": True}, "unknown setting"), ({"vectors": 1.5}, "`vectors` is true or false"), ({"runs": 5}, "`runs` is a list"),
                            ({"optimizer": "rmsprop:beta2=0.9"}, "rmsprop needs its learning rate"),
                            ({"optimizer": "lion:lr=0.1"}, "`runs='discrete'` trains it without flows")]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            cf.train(settings, out=str(tmp_path / "never"))
    assert not (tmp_path / "never").exists()


OWN = [
    ({"w": "w - lr*v", "v": "beta*v + g"}, {"lr": 1 / 6.7, "beta": 0.1}, {"name": "delayed"}),
    ({"w": "w - lr*(g + pull*(w - v))/d", "v": "w"}, {"lr": 1 / 4.1, "pull": 0.1},
     {"name": "gd", "define": {"d": "1 + exp(-t)"}, "initial": {"v": 0.2}}),
]  # fmt: skip


@pytest.mark.parametrize(("update", "params", "more"), OWN)
def test_an_optimizer_of_ones_own_goes_on_from_its_folder(train, tmp_path, update, params, more):
    """Also one with the name of another; the steps are those of its formulas."""
    own = cf.Optimizer.from_text(update, params, **more)
    for name, steps in (("whole", 160), ("first", 120)):
        settings = {**toy.SETTINGS, "steps": steps, "out": str(tmp_path / name)}
        del settings["optimizer"]
        run = cf.train(settings, network=toy.Toy(), optimizer=own)
    run = cf.train(resume=tmp_path / "first", network=toy.Toy(), steps=160)
    same(tmp_path / "whole", tmp_path / "first")
    w, v, loss = toy.Toy().start, np.full(4, more.get("initial", {}).get("v", 0.0)), []
    for t in range(1, 162):
        loss, g = [*loss, toy.Toy().value(w)], toy.Toy().gradient(w)
        with_pull = w - params["lr"] * (g + 0.1 * (w - v)) / (1 + np.exp(-t))
        w, v = (with_pull, w) if more["name"] == "gd" else (w - params["lr"] * v, 0.1 * v + g)
    np.testing.assert_allclose(run.loss, loss, rtol=1e-6)


def test_formulas_of_an_optimizer_that_were_changed_are_read_and_not_run(train, tmp_path):
    own, out = cf.Optimizer.from_text({"w": "w - lr*g"}, {"lr": 0.1}), tmp_path / "run"
    settings = {name: value for name, value in toy.SETTINGS.items() if name != "optimizer"}
    cf.train({**settings, "runs": "discrete", "out": str(out)}, network=toy.Toy(), optimizer=own)
    text = (out / "config.toml").read_text()
    for bad in ("__import__('os').getcwd()", "w - lr*q", "w.real", "9**9**9**9"):
        (out / "config.toml").write_text(text.replace("w - lr*g", bad))
        with pytest.raises(RecordError, match="is damaged"):
            cf.train(resume=out, network=toy.Toy(), steps=160)
    (out / "config.toml").write_text(text.replace("update", "updates"))
    with pytest.raises(RecordError, match="formulas of its optimizer cannot be read"):
        cf.train(resume=out, network=toy.Toy(), steps=160)


def test_a_loss_that_cannot_be_trained_says_why():
    for network, settings, words in [(WELL, {}, "has `start`"), (object(), {}, "has no dim"), (toy.Toy(), {"keep": -1.0}, "`keep`"),
                                     (Unmeasured(), {"optimizer": "gd"}, "needs its learning rate")]:  # fmt: skip
        with pytest.raises(UsageError, match=words):
            cf.train(toy.SETTINGS | {"optimizer": settings.pop("optimizer", "gd:lr=0.1")}, network=network, **settings)


def test_a_network_of_ones_own_is_on_no_data_of_the_catalogue(train, capsys):
    """The data that a training has by default are nowhere said to be those of the toy."""
    run = train()
    assert repr(run).startswith("Run(toy, gd:lr=0.25: done") and "data" not in run.provenance
    assert cf.plot(run).get_suptitle() == r"toy, gradient descent, $\eta=0.25$"
    with pytest.raises(UsageError, match="leave `data` out"):
        train(data="digits")


def test_products_that_are_not_those_of_the_gradient_are_refused(train):
    class Wrong(toy.Toy):
        def hvp(self, w, v):
            return -super().hvp(w, v)

    with pytest.raises(UsageError, match="not the derivative of gradient"):
        train(Wrong())


def test_a_network_in_the_place_of_settings_is_told():
    with pytest.raises(UsageError, match="a network has a name: network='mlp:widths=8'"):
        cf.train("mlp:widths=8", data="digits")
    with pytest.raises(UsageError, match=r"a network has a name: cf\.train\(network=net"):
        cf.train(toy.Toy(), optimizer="gd:lr=0.5")


def test_a_toml_file_says_the_same(train, tmp_path):
    file = tmp_path / "training.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in toy.SETTINGS.items()))
    run = cf.train(file, network=toy.Toy(), out=str(tmp_path / "toml"))
    same(train().folder, run.folder)
    assert cf.load(run.folder).provenance["settings"]["optimizer"] == "gd:lr=0.25"
    file.write_text("steps = ")
    with pytest.raises(UsageError, match="is no TOML file"):
        cf.train(file)
