"""``cfdyn flow`` against the same calls in Python."""

import json

import numpy as np
import pytest

import cfdyn as cf
from cfdyn import flows, losses, optimizers
from cfdyn.cli import interrupts
from cfdyn.integrate.solve import solve
from tests.cli.terminal import command, run

_, document = command("flow", after=["--no-figure"])

FORMULA = "(1 - x*y)**2 / 2"
USUAL = [FORMULA, "--optimizer", "gd:lr=0.8", "--start", "1.5,0.3"]


def test_the_numbers_are_those_of_solve(capsys):
    found = document(capsys, *USUAL, "--time", "10", "--save-at", "0.5,2,10", "--rtol", "1e-11")
    path = solve(flows.central(cf.Loss(FORMULA), optimizers.gd(lr=0.8)), [1.5, 0.3], 10, save_at=[0.5, 2, 10], rtol=1e-11)
    for key in ("t", "w", "z", "sharpness", "covariance", "rank", "loss", "predicted_loss", "predicted_grad_norm_sq"):
        assert np.array_equal(found[key], getattr(path, key)), key
    assert found["stats"] == path.stats and found["names"] == ["x", "y"] and found["status"] == "done" and found["notes"] == []
    assert found["events"] == [{"t": path.events[0].t, "kind": "enter", "rank": 1}]
    # The event-driven reference: enters at t = 0.388798289897, σ²(2) = 0.04454066.
    assert found["events"][0]["t"] == pytest.approx(0.388798289897, abs=1e-9)
    assert np.trace(found["covariance"][1]) == pytest.approx(0.04454066, abs=1e-8)


def test_without_rows_they_are_the_ends_of_the_steps(capsys):
    found = document(capsys, *USUAL, "--time", "5", "--model", "gradient")
    path = solve(flows.gradient(cf.Loss(FORMULA), optimizers.gd(lr=0.8)), [1.5, 0.3], 5)
    assert np.array_equal(found["t"], path.t) and np.array_equal(found["w"], path.w)
    assert found["events"] == [] and not np.any(found["covariance"])


def test_the_optimizer_beside_it(capsys):
    """The orbit is iterated here by hand."""
    found = document(capsys, *USUAL, "--time", "10", "--save-at", "1,2,3,4,5,6,7,8,9")
    w = [np.array([1.5, 0.3])]
    for _ in range(10):
        x, y = w[-1]
        w.append(w[-1] - 0.8 * (x * y - 1) * np.array([y, x]))
    w = np.array(w)
    middle = (w[:-2] + 2 * w[1:-1] + w[2:]) / 4
    distance = np.linalg.norm(np.array(found["w"]) - middle, axis=1)
    beside = found["orbit"]
    assert (beside["status"], beside["steps"], beside["compared"], beside["t"]) == ("done", 10, 9, 9)
    assert beside["midpoint"] == pytest.approx(middle[-1], rel=1e-12)
    assert beside["distance"] == pytest.approx(distance[-1], rel=1e-6)
    assert beside["max_distance"] == pytest.approx(distance.max(), rel=1e-6)
    assert beside["farthest"] == 1 + distance.argmax()
    assert beside["variance"] == pytest.approx(((w[9] - middle[-1]) ** 2).sum(), rel=1e-9)
    assert document(capsys, *USUAL, "--time", "10", "--no-orbit")["orbit"] is None


def test_what_is_chosen_is_said(capsys):
    found = document(capsys, "double_well", "--save-at", "1,5")
    assert found["chosen"] == {"lr": "1.1 × the edge", "start": "near the lowest minimum", "time": "the last of --save-at"}
    # The edge of the minimum at 1 is lr = 1, so 3w² − 1 = 2/1.1 on the path, and the start is beyond it.
    assert found["w"][-1][0] == pytest.approx(np.sqrt((2 / 1.1 + 1) / 3), rel=1e-12)
    assert "moved to" in found["notes"][0]


def test_the_state_of_an_optimizer_can_be_given(capsys):
    found = document(capsys, FORMULA, "--optimizer", "scalar_rmsprop:lr=0.02,beta2=0.9", "--start", "1.5,0.3,0.7", "--time", "1")
    assert len(found["names"]) == 3 and found["z"][0] == [1.5, 0.3, 0.7] and found["w"][0] == [1.5, 0.3]


def test_the_text_has_the_events_and_the_end(capsys, tmp_path):
    code, out, err = run(capsys, "flow", *USUAL, "--time", "10", "--no-figure", "--out", str(tmp_path))
    assert code == 0 and err == ""
    for words in ("central flow of gd:lr=0.8", "0.3887982", "reaches the edge", "1.4158, 0.704991", "predicted", "flow-001.npz"):
        assert words in out
    assert (tmp_path / "flow-001.npz").exists()


def test_a_path_that_blows_up_is_an_answer(capsys):
    """w = 1/(1 − t/10)."""
    found = document(capsys, "-w**3/3", "--optimizer", "gd:lr=0.1", "--start", "1", "--time", "100", "--model", "gradient")
    assert found["status"].startswith("blow-up") and found["t"][-1] == pytest.approx(10, rel=1e-6)


def test_a_path_that_ends_early_is_not(capsys):
    """√w reaches 0 with an infinite slope: w^(3/2) falls at the rate 0.075, so from 1 it takes 40/3 steps."""
    code, out, err = run(capsys, "flow", "sqrt(w)", "--optimizer", "gd:lr=0.1", "--start", "1", "--time", "100", "--model",
                         "gradient", "--no-figure", "--json")  # fmt: skip
    found = json.loads(out)
    assert code == 1 and found["status"] != "done" and found["t"][-1] == pytest.approx(40 / 3, rel=1e-6)
    assert "ended early" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "needs a LOSS"),
        (["double_well", "--model", "centrl"], "unknown flow 'centrl'; did you mean 'central'"),
        (["double_well", "--model", "central:a=2"], "unknown option of the flow central"),
        (["double_well", "--optimizer", "lion:lr=0.1"], "preconditioner"),
        (["double_well", "--time", "-1"], "forward in time only"),
        (["double_well", "--time", "nan"], "finite"),
        (["double_well", "--time", "soon"], "--time"),
        (["double_well", "--save-at", "3,2"], "increase"),
        (["double_well", "--save-at", "1,x"], "--save-at: entry 2"),
        (["double_well", "--time", "2", "--save-at", "1,3"], "lie in [0, 2]"),
        (["double_well", "--method", "radau"], "did you mean 'radau5'"),
        (["double_well", "--rtol", "0"], "rtol"),
        (["double_well", "--atol", "nan"], "atol"),
        (["double_well", "--start", "1,2"], "1"),
        (["double_well", "--strict"], "beyond the edge"),
        (["double_well", "--no-figure", "--plot", "a.png"], "omit one"),
        (["double_well", "--plot", "a.doc"], "cannot be written as"),
        (["double_wel"], "did you mean 'double_well'"),
    ],
)
def test_wrong_words_get_one_sentence(arguments, words, capsys):
    code, out, err = run(capsys, "flow", *arguments)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1


def test_the_bound_on_steps(capsys, tmp_path):
    """What the status tells to raise is there to be raised; the path up to there is kept."""
    few = ["flow", "--ode", "v; -x", "--variables", "x,v", "--start", "1,0", "--time", "50", "--no-figure", "--json"]
    code, out, err = run(capsys, *few, "--max-steps", "20")
    found = json.loads(out)
    assert code == 1 and "raise --max-steps" in found["status"] and "raise --max-steps" in err and found["stats"]["steps"] == 20
    assert len(found["t"]) == 21 and found["z"][-1] == pytest.approx([np.cos(found["t"][-1]), -np.sin(found["t"][-1])], abs=1e-6)
    assert run(capsys, *few, "--max-steps", "1000")[0] == 0


@pytest.mark.parametrize("model, words", [("sobolev", "it raises tr H"), ("gaussian", "a guess, of no paper"),
                                          ("edge", "a reconstruction")])  # fmt: skip
def test_what_to_know_of_a_model_is_noted(capsys, model, words):
    found = document(capsys, *USUAL, "--time", "5", "--model", model, "--no-figure")
    assert len(found["notes"]) == 1 and words in found["notes"][0]
    code, out, _ = run(capsys, "compare", *USUAL, "--steps", "20", "--models", model, "--no-figure")
    assert code == 0 and f"{model}: {words}" in out


def test_a_reconstruction_says_so(capsys, tmp_path):
    code, out, _ = run(capsys, "flow", "quartic:S=2.5", "--optimizer", "gd:lr=1", "--start", "0.1", "--time", "5",
                       "--model", "edge:secant=true,floor=1e-9", "--no-figure", "--out", str(tmp_path))  # fmt: skip
    assert code == 0 and "edge flow (secant=True)" in out and "[reconstruction]" in out


def test_a_full_state_of_the_model_alone(capsys):
    """(c, u, ln ρ) is no state of gradient descent, which therefore does not run beside it."""
    found = document(capsys, "quartic:S=2.5", "--optimizer", "gd:lr=1", "--start", "0,1,-1", "--time", "60",
                     "--model", "edge:secant=true", "--save-at", "60")  # fmt: skip
    assert found["orbit"] is None and abs(found["covariance"][0][0][0] - 0.5) < 1e-6


def test_the_catalogue_of_flows(capsys):
    code, out, _ = run(capsys, "list", "flows", "--json")
    items = {item["name"]: item for item in json.loads(out)["items"]}
    assert code == 0 and {"central", "gradient", "stable", "thread", "ablated"} <= set(items)
    assert all(item["summary"] and "arXiv" in item["reference"] for item in items.values())
    code, out, _ = run(capsys, "show", "central")
    assert code == 0 and out.startswith("central(loss, optimizer, batch=None, ")
    code, _, err = run(capsys, "show", "centrl")
    assert code == 2 and "did you mean 'central'" in err and "cfdyn list flows" in err


def test_noise_of_a_variance_for_each_weight(capsys):
    """`noise=1,0`: the valley's sharpness rests at 20 − 1.339746 whatever else is said behind it."""
    valley = ["y*x**2/2 - a*y", "--set", "a=0.02", "--variables", "x,y", "--optimizer", "gd:lr=0.1", "--start", "0,15"]
    for model in ("central:noise=1,0", "central:noise=1,0,cut=0.02", "central:cut=0.02,noise=1,0"):
        code, out, err = run(capsys, "flow", *valley, "--model", model, "--time", "20000", "--json", "--no-figure")
        assert code == 0, err
        assert json.loads(out)["sharpness"][-1] == pytest.approx(20 - 1.339746, abs=1e-5)
    code, out, err = run(capsys, "flow", *valley, "--model", "central:noise=1", "--json")
    assert code != 0 and "or 2 variances" in err


def test_batches(capsys, tmp_path):
    """The flow of SGD, drawn, and no orbit of all rows beside it."""
    few = ["tanh_network", "--optimizer", "gd:lr=0.5", "--start", "1,-1,0,0.5,1,1,0", "--time", "50", "--save-at", "0,50"]
    code, out, err = run(capsys, "flow", *few, "--batch", "2", "--json", "--plot", "sgd.png")
    found, loss = json.loads(out), losses.tanh_network()
    path = solve(flows.central(loss, optimizers.gd(lr=0.5), batch=2), [1, -1, 0, 0.5, 1, 1, 0], 50, save_at=[0, 50])
    assert code == 0 and (tmp_path / "sgd.png").stat().st_size > 10_000 and found["orbit"] is None
    for key in ("w", "covariance", "radius", "neglected", "predicted_loss"):
        assert np.array_equal(found[key], getattr(path, key)), key
    assert found["notes"] == path.notes and path.covariance[-1].trace() > 1e-6
    assert json.loads(run(capsys, "flow", *few, "--model", "central:batch=2", "--no-figure", "--json")[1])["w"] == found["w"]
    code, out, err = run(capsys, "flow", *few, "--batch", "2", "--no-figure")
    assert code == 0 and "(batch=2)" in out and f"mean-square radius {path.radius[-1]:.6g}" in " ".join(out.split())
    code, out, err = run(capsys, "flow", "tanh_network", "--batch", "2", "--time", "5", "--no-figure")
    assert code == 0 and "(0.5 × the edge)" in out
    for more, words in ((["--batch", "2", "--orbit"], "cfdyn compare"), (["--batch", "2", "--model", "edge"], "batch"), (["--batch", "0"], "--batch")):
        code, out, err = run(capsys, "flow", *few, *more)
        assert code == 2 and words in err and not out


def test_equations_instead_of_a_loss(capsys, tmp_path):
    """Robertson's problem at t = 40 as published; the figure shows states and steps."""
    robertson = "-0.04*x + 1e4*y*z; 0.04*x - 1e4*y*z - 3e7*y**2; 3e7*y**2"
    code, out, _ = run(capsys, "flow", "--ode", robertson, "--start", "1,0,0", "--time", "40", "--save-at", "40", "--json",
                       "--plot", "states.png")  # fmt: skip
    found = json.loads(out)
    assert code == 0 and found["z"][0] == pytest.approx([0.7158270688, 9.18553e-6, 0.2841637457], rel=1e-6)
    assert found["loss"] == [None] and found["orbit"] is None and (tmp_path / "states.png").stat().st_size > 1000
    code, out, _ = run(capsys, "flow", "--ode", "v; -a*x", "--variables", "x,v", "--set", "a=4", "--start", "1,0", "--time", "3",
                       "--no-figure", "--rtol", "1e-10")  # fmt: skip
    assert code == 0 and f"x  {np.cos(6):.6f}" in out


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--ode", "-x"], "needs a start"),
        (["--ode", "-x", "--start", "1,2"], "1 entry (x)"),
        (["--ode", "-x*q", "--variables", "x", "--start", "1"], "no value"),
        (["--ode", "-x*q; q", "--variables", "x", "--start", "1"], "name the others too"),
        (["--ode", "-x +", "--start", "1"], "formula"),
        ([FORMULA, "--ode", "-x", "--start", "1"], "not both"),
        (["--ode", ";", "--start", "1"], "formula"),
        (["--ode", "-x", "--start", "1", "--model", "rod"], "--model go with a LOSS"),
        (["--ode", "-x", "--start", "1", "--optimizer", "adam"], "--model go with a LOSS"),
        (["--ode", "-x", "--start", "1", "--rtol", "1000"], "at most 1"),
    ],
)
def test_wrong_equations(capsys, arguments, words):
    code, out, err = run(capsys, "flow", *arguments)
    assert code == 2 and words in err and not out and len(err.strip().splitlines()) == 1


def test_equations_go_into_the_past_and_may_name_the_time(capsys):
    code, out, _ = run(capsys, "flow", "--ode", "v; -x", "--variables", "x,v", "--start", "0,1", "--time", "-3", "--rtol", "1e-12", "--json")
    found = json.loads(out)
    assert code == 0 and found["t"][-1] == -3
    np.testing.assert_allclose(found["w"][-1], [np.sin(-3), np.cos(-3)], atol=1e-9)
    code, out, _ = run(capsys, "flow", "--ode", "cos(t) - x", "--start", "0.5", "--time", "2", "--rtol", "1e-12", "--json")
    np.testing.assert_allclose(json.loads(out)["w"][-1], [(np.cos(2) + np.sin(2)) / 2], atol=1e-9)


def test_ctrl_c_keeps_the_path_until_then(capsys, monkeypatch):
    ends, path = [], solve(flows.central(cf.Loss(FORMULA), optimizers.gd(lr=0.8)), [1.5, 0.3], 1)

    def stopped(*arguments, **options):
        raise cf.errors.Interrupted(path)

    monkeypatch.setattr(interrupts, "end", lambda: ends.append(interrupts._words[0]))
    monkeypatch.setattr(cf, "solve", stopped)
    code, out, _ = run(capsys, "flow", *USUAL)
    assert (code, out, ends) == (130, "", ["interrupted; the finished part is in cfdyn-out/flow-001.npz"])
    assert cf.load("cfdyn-out/flow-001.npz").t.tolist() == path.t.tolist()
