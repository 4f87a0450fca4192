"""``cfdyn compare`` against the same call in Python."""

import json

import pytest

import cfdyn as cf
from tests.cli.terminal import command

run, _ = command("compare")

USUAL = ["two_time_scales", "--optimizer", "gd:lr=0.3", "--start", "0.05,6.4", "--steps", "600"]


def test_the_numbers_are_those_of_the_call(capsys, tmp_path):
    code, out, _ = run(capsys, *USUAL, "--models", "gradient,central", "--json", "--plot", "figure.pdf")
    found = json.loads(out)
    want = cf.compare(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), ["gradient", "central"], [0.05, 6.4], 600)
    assert code == 0 and found["ranking"] == ["central", "gradient"] and found["chosen"] == {}
    for model in want.models:
        for key in ("distance", "sharpness_error", "loss_error", "cycle_distance", "variance_ratio", "onset", "events", "status"):
            assert found["models"][model.name][key] == getattr(model, key), key
    assert found["cycles"] == [list(cycle) for cycle in want.cycles] and found["optimizer"] == want.orbit
    assert found["edge"] == pytest.approx(2 / 0.3) and found["figures"] == ["figure.pdf"]
    assert (tmp_path / "figure.pdf").stat().st_size > 1000
    again = cf.load(found["record"])
    assert [m.distance for m in again.models] == [m.distance for m in want.models]


@pytest.mark.slow
def test_a_film_of_few_steps_has_few_frames(capsys, tmp_path):
    code, out, _ = run(capsys, *USUAL[:-1], "12", "--models", "gradient", "--json", "--plot", "figure.pdf", "--animate", "film.gif")
    assert code == 0 and json.loads(out)["figures"] == ["figure.pdf", "film.gif"]
    film = (tmp_path / "film.gif").read_bytes()
    # Each frame of a GIF begins with an extension that says for how long it is shown; two that are equal are one.
    assert film.startswith(b"GIF89a") and 6 < film.count(b"\x21\xf9\x04") <= 13


def test_in_words(capsys):
    code, out, _ = run(capsys, "two_time_scales", "--optimizer", "gd:lr=0.3", "--start", "0,3", "--steps", "2000", "--models",
                       "gradient,central", "--no-figure")  # fmt: skip
    words = " ".join(out.split())
    assert code == 0 and "reached at step 1222" in words and "is set by round-off" in words and "inject a seed" in words
    assert words.index("central") < words.index("gradient 0") and "figure" not in out


def test_options_of_models(capsys):
    code, out, _ = run(capsys, "double_well", "--optimizer", "gd:lr=1.1", "--steps", "50", "--models", "central,gradient,stable",
                       "--inject", "1e-6", "--no-figure", "--json")  # fmt: skip
    found = json.loads(out)
    assert code == 0 and set(found["models"]) == {"central", "gradient", "stable"} and "start" in found["chosen"]


NOISY = ["tanh_network", "--optimizer", "gd:lr=0.3", "--start", "0.5,-0.4,0.1,0.2,0.5,-0.5,0", "--steps", "400", "--seed", "3"]


def test_many_runs(capsys, tmp_path):
    code, out, _ = run(capsys, *NOISY, "--batch", "2", "--runs", "50", "--after", "100", "--json", "--plot", "figure.pdf")
    found = json.loads(out)
    start = [0.5, -0.4, 0.1, 0.2, 0.5, -0.5, 0.0]
    want = cf.compare(cf.losses.tanh_network(), cf.optimizers.gd(lr=0.3), None, start, 400, runs=50, batch=2, after=100, seed=3)
    assert code == 0
    assert found["ranking"] == [m.name for m in want.ranking]
    assert {"stochastic", "central", "gradient", "modified"} == set(found["models"])
    for model in want.models:
        for key in ("distance", "distance_error", "sharpness_ratio", "loss_ratio", "status", "notes"):
            assert found["models"][model.name][key] == getattr(model, key), key
    assert found["floor"] == want.floor and found["resolved"] == want.resolved and found["last"]["loss"] == want.loss[-1]
    assert (tmp_path / "figure.pdf").stat().st_size > 1000
    assert cf.load(found["record"]).floor == want.floor


def test_many_runs_in_words(capsys):
    code, out, _ = run(capsys, *NOISY, "--batch", "2", "--runs", "20", "--no-figure", "--models", "central:batch=2,gradient",
                       "--no-replace")  # fmt: skip
    words = " ".join(out.split())
    assert code == 0
    assert "20 of 400 steps; 20 done" in words and "2, independent" in words and "not resolved, take more runs" in words


def test_the_stochastic_flow_is_a_model_by_name(capsys):
    """With the batch of the runs, as by default; without runs there is no such model."""
    few = [*NOISY, "--batch", "2", "--runs", "10", "--no-figure", "--json"]
    whole = json.loads(run(capsys, *few)[1])["models"]
    named = json.loads(run(capsys, *few, "--models", "gradient,stochastic")[1])
    assert set(named["models"]) == {"gradient", "stochastic"} < set(whole)
    assert named["models"]["stochastic"] == whole["stochastic"] and named["ranking"][0] == "stochastic"
    code, _, err = run(capsys, *NOISY, "--models", "stochastic")
    assert code != 0 and "unknown flow 'stochastic'" in err


def test_with_noise_the_learning_rate_is_below_the_edge(capsys):
    found = json.loads(run(capsys, "tanh_network", "--batch", "2", "--runs", "5", "--steps", "30", "--no-figure", "--json")[1])
    assert found["chosen"]["lr"] == "0.5 × the edge" and found["models"]["stochastic"]["status"] == "done"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--batch", "9", "--no-replace"], "at most all 8 rows"),
        (["--batch", "2", "--animate", "film.gif"], "omit it"),
        (["--batch", "2", "--inject", "1e-6"], "belong to one orbit"),
        (["--noise", "1,2"], "or 7 variances"),
        (["--batch", "2", "--order", "cyclic"], "unknown order 'cyclic'"),
        (["--steps", "30", "--after", "29"], "2 after those of --after"),
        (["--runs", "5"], "without noise all --runs are equal"),
    ],
)
def test_noise_that_makes_no_sense(capsys, options, words):
    code, out, err = run(capsys, *NOISY, *options)
    assert code == 2 and not out
    assert words in err


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["two_time_scales", "--models", "centrl"], "did you mean 'central'"),
        (["two_time_scales", "--models", "central:lr=2"], "lr"),
        (["two_time_scales", "--models", ","], "--models takes names"),
        (["two_time_scales", "--models", "central,central"], "twice"),
        (["two_time_scales", "--animate", "film.avi"], ".gif or .mp4"),
        (["two_time_scales", "--plot", "figure.png", "--no-figure"], "omit one of them"),
        (["two_time_scales", "--inject", "1e-3", "--digits", "20"], "with digits"),
        (["two_time_scales", "--steps", "1"], "--steps is 2 or more"),
        ([], "needs a LOSS"),
        (["two_time_scales", "--models", "central", "--optimizer", "lion:lr=0.1"], "'rod' of a formula is a model of any optimizer"),
    ],
)
def test_wrong_usage(capsys, arguments, words):
    more = [] if "--optimizer" in arguments else ["--optimizer", "gd:lr=0.3"]
    code, out, err = run(capsys, *arguments, *more, *(["--start", "0.05,6.4"] if arguments else []))
    assert code == 2 and words in err and out == "" and len(err.strip().splitlines()) == 1
