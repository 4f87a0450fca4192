"""The command line as a user meets it: its answers, its two streams and its exit status."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from cfdyn.cli import main
from tests.processes import finished, sentences


def run(*arguments, cwd=None, env=None):
    return finished([sys.executable, "-m", "cfdyn", *arguments], cwd=cwd, env=compiled(env))


def compiled(env=None):
    """The environment of a user's process: with the compiler on, whatever this test run does."""
    return {**{k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}, **(env or {})}


def printed(*arguments, cwd):
    """What is printed, in this process: what another would import anew takes most of the time."""
    out = io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), pytest.raises(SystemExit) as end:
        main([*arguments])
    assert end.value.code == 0
    return out.getvalue()


def document(*arguments, cwd):
    """What is printed with ``--json``."""
    return json.loads(printed(*arguments, "--json", cwd=cwd))


# -- what it answers -------------------------------------------------------------------------


@pytest.mark.parametrize(("lr", "kind", "period"), [(0.9, "fixed point", 1), (1.1, "cycle", 2), (1.46, "cycle", 3)])
def test_study_of_the_double_well(lr, kind, period, tmp_path):
    """The flip is at 1 and the 3-cycle window opens at 1.450440964487875 (odd cubic map)."""
    found = document("study", "(w**2-1)**2/4", "--optimizer", f"gd:lr={lr}", cwd=tmp_path)
    assert (found["regime"], found["period"]) == (kind, period)
    # The multiplier is the product of f'(w) = 1 + lr (1 − 3w²) over the reported points.
    product = np.prod([1 + lr * (1 - 3 * w[0] ** 2) for w in found["points"]])
    assert found["multipliers"] == pytest.approx([product], rel=1e-9)
    assert abs(product) < 1
    assert found["edge"] == pytest.approx(1.0, rel=1e-12)
    # c = (L'''/L'')² − L''''/(3L'') = (6/2)² − 6/(3·2)
    assert found["flip"]["coefficient"] == pytest.approx(8.0)
    assert all((tmp_path / figure).read_bytes().startswith(b"\x89PNG") for figure in found["figures"])


def test_study_counts_the_3_cycles_of_the_double_well(tmp_path):
    """Two pairs in the window, none below it."""
    assert len(document("study", "double_well", "--optimizer", "gd:lr=1.4505", "--no-figure", cwd=tmp_path)["cycles"]) == 4
    assert document("study", "double_well", "--optimizer", "gd:lr=1.4504", "--no-figure", cwd=tmp_path)["cycles"] == []


def test_flows_beside_an_optimizer_that_diverges_are_compared_before_it_does(tmp_path):
    study = ("study", "(x*y-3.4)**2/2", "--optimizer", "heavy_ball:lr=0.56,momentum=0.9", "--start=-1.67,-1.76", "--no-figure")
    flows = document(*study, "--models", "gradient,central", cwd=tmp_path)["flows"]
    assert max(flow["max_distance"] for flow in flows.values()) < 30
    words = " ".join(printed(*study, "--models", "gradient,central", cwd=tmp_path).split())
    assert "the optimizer diverges, and is compared up to step" in words and "no oscillation has grown" not in words


def test_a_study_with_flows_has_the_numbers_of_compare(tmp_path):
    """Both models, from the study's own start and rate; none unless asked for."""
    near = ("two_time_scales", "--optimizer", "gd:lr=0.3", "--start", "0.05,6.4")
    study = document("study", *near, "--models", "gradient,central", "--vary", "lr=0.28:0.3", "--no-figure", cwd=tmp_path)
    compare = document("compare", *near, "--models", "gradient,central", "--steps", "300", "--no-figure", cwd=tmp_path)
    assert study["flows"] == compare["models"]
    assert study["flows"]["central"]["distance"] < 0.2 < study["flows"]["gradient"]["distance"]
    assert study["flows"]["central"]["onset"] is not None
    assert document("study", "double_well", "--vary", "lr=1.05:1.1", "--no-figure", cwd=tmp_path)["flows"] == {}


def test_study_numbers_its_files_and_says_where_they_are(tmp_path):
    first = document("study", "double_well", cwd=tmp_path)["figures"]
    second = document("study", "double_well", cwd=tmp_path)["figures"]
    assert first == ["cfdyn-out/study-001.png"] and second == ["cfdyn-out/study-002.png"]


def test_study_takes_a_formula_that_begins_with_a_minus_sign(tmp_path):
    found = document("study", "-w**2/2+w**4/4", "--start", "-1.5", "--optimizer", "gd:lr=0.5", "--no-figure", cwd=tmp_path)
    assert found["period"] == 1 and found["points"][0][0] == pytest.approx(-1.0)


def test_default_learning_rate_and_start(tmp_path):
    found = document("study", "a*x**2/2 + x**4", "--set", "a=4", "--variables", "x", "--no-figure", cwd=tmp_path)
    assert found["lr"] == pytest.approx(1.1 * 2 / 4)
    assert found["chosen"] == {"lr": "1.1 × the edge", "start": "near the lowest minimum"}


def test_study_of_real_measurements(tmp_path):
    """Not separable, so the edge is finite: 2/λ with λ from the logistic Hessian computed here."""
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer()
    x = source.data[:, list(source.feature_names).index("mean texture")]
    x, y = (x - x.mean()) / x.std(), source.target == 0
    w = 0.0
    for _ in range(50):
        s = 1 / (1 + np.exp(-w * x))
        w -= np.mean((s - y) * x) / np.mean(s * (1 - s) * x * x)
    s = 1 / (1 + np.exp(-w * x))
    found = document("study", "breast_cancer:features=1", "--vary", "lr=10:11", "--no-figure", cwd=tmp_path)
    assert found["minima"][0]["w"] == pytest.approx([w], rel=1e-9)
    assert found["edge"] == pytest.approx(2 / np.mean(s * (1 - s) * x * x), rel=1e-9)


def test_orbit_prints_what_the_map_does(tmp_path):
    found = document("orbit", "double_well", "--optimizer", "gd:lr=0.5", "--start", "0.5", "--steps", "3", cwd=tmp_path)
    w, expected = 0.5, [[0.5]]
    for _ in range(3):
        w -= 0.5 * (w**3 - w)
        expected.append([w])
    assert found["z"] == pytest.approx(np.array(expected), rel=1e-15)
    assert found["loss"][1] == pytest.approx((expected[1][0] ** 2 - 1) ** 2 / 4)
    assert found["sharpness"][0] == pytest.approx(3 * 0.25 - 1)


def test_orbit_in_many_digits(tmp_path):
    found = document("orbit", "--map", "x/3", "--start", "1", "--steps", "2", "--digits", "40", cwd=tmp_path)
    assert found["z"][2][0].startswith("0." + "1" * 38)


def test_classify_and_lyapunov_of_classical_maps(tmp_path):
    found = document("classify", "--map", "r*x*(1-x)", "--set", "r=3.83", cwd=tmp_path)
    assert (found["kind"], found["period"]) == ("cycle", 3)
    henon = ["--map", "1 - a*x**2 + y; b*x", "--variables", "x,y", "--set", "a=1.4", "--set", "b=0.3"]
    found = document("lyapunov", *henon, "--steps", "200000", cwd=tmp_path)
    assert found["exponents"][0] == pytest.approx(0.41922, abs=3e-3)
    assert sum(found["exponents"]) == pytest.approx(np.log(0.3), abs=1e-9)


@pytest.mark.parametrize("what", ["losses", "optimizers", "networks", "data"])
def test_list_and_show(what, tmp_path):
    items = document("list", what, cwd=tmp_path)["items"]
    assert len(items) >= 4 and all(item["summary"] and item["reference"] for item in items)
    shown = document("show", items[0]["name"], cwd=tmp_path)
    assert items[0]["reference"].split(",")[0].split()[0] in shown["text"]


def test_a_name_of_two_catalogues_shows_both(tmp_path):
    shown = document("show", "mlp", cwd=tmp_path)
    assert "outputs" in shown["options"] and "seed" in shown["also"]["networks"]["options"]
    text = run("show", "mlp", cwd=tmp_path).stdout
    assert text.startswith("losses: mlp(widths=3-2, ") and "\nnetworks: mlp(data, widths=32-32, " in text


def test_tables_for_people(tmp_path):
    done = run("study", "double_well", "--optimizer", "gd:lr=1.46", "--quiet", cwd=tmp_path)
    assert done.returncode == 0 and sentences(done.stderr) == ""
    assert "\nStable 3-cycle, 1.46 × the edge of stability. Proved.\n" in done.stdout
    assert printed("classify", "double_well", cwd=tmp_path).count("cycle, period 2") == 1
    assert "done" in printed("orbit", "double_well", cwd=tmp_path)
    assert "per step" in printed("lyapunov", "double_well", cwd=tmp_path)


# -- what it refuses -------------------------------------------------------------------------

WRONG = {
    "unknown loss": (["study", "quartc"], "did you mean 'quartic'?"),
    "unknown optimizer": (["study", "double_well", "--optimizer", "gdd:lr=1"], "did you mean 'gd'?"),
    "unknown hyperparameter": (["study", "double_well", "--optimizer", "gd:lrr=1"], "did you mean 'lr'?"),
    "unknown option": (["study", "double_well", "--optimzer", "gd"], "did you mean --optimizer?"),
    "a learning rate": (["study", "double_well", "--lr", "1.2"], "such as --optimizer gd:lr=0.1"),
    "a map for a loss": (["study", "--map", "x/2"], "this command is about a loss"),
    "too many": (["certify", "all", "double_well", "--jobs", "5000"], "cfdyn: --jobs is 1024 or less. See: cfdyn certify --help"),
    "no whole number": (["orbit", "double_well", "--steps", "1e3"], "cfdyn: --steps takes a whole number. See: cfdyn orbit --help"),
    "unknown command": (["studdy", "double_well"], "Did you mean 'study'"),
    "unknown parameter": (["study", "double_well", "--set", "b=1"], "'b'"),
    "no command": ([], "cfdyn study double_well"),
    "no loss": (["study"], "needs a LOSS"),
    "loss and map": (["classify", "double_well", "--map", "x/2"], "only one"),
    "NaN start": (["study", "double_well", "--start", "nan"], "nan"),
    "infinite start": (["study", "double_well", "--start", "inf"], "inf"),
    "wrong length of start": (["study", "double_well", "--start", "1,2"], "1 entry (w)"),
    "wrong length of a state": (["classify", "double_well", "--optimizer", "heavy_ball:lr=1", "--start", "1,2,3"], "v_w"),
    "negative lr": (["study", "double_well", "--optimizer", "gd:lr=-1"], "greater than 0"),
    "lr no number": (["study", "double_well", "--optimizer", "gd:lr=fast"], "'fast'"),
    "momentum out of range": (["study", "double_well", "--optimizer", "heavy_ball:momentum=1.5"], "(-1, 1)"),
    "no variables": (["study", "1 + 2"], "no variables"),
    "unset parameter": (["study", "a*w**2", "--variables", "w"], "--set a=1"),
    "unused variable": (["study", "w**2", "--variables", "v"], "'v'"),
    "not a formula": (["study", "w***2"], "character"),
    "hostile": (["study", "__import__('os').system('true')"], "character"),
    "no minimum": (["study", "exp(w)"], "gd:lr=0.1"),
    "seed no number": (["study", "double_well", "--seed", "x"], "--seed"),
    "no steps": (["orbit", "double_well", "--steps", "0"], "cfdyn: --steps is 1 or more. See: cfdyn orbit --help"),
    "orbit too long": (["orbit", "double_well", "--steps", "99999999999"], "GiB"),
    "empty box": (["study", "double_well", "--box", "1:1"], "lo < hi"),
    "box of another dimension": (["study", "double_well", "--box", "0:1,0:1"], "1 finite interval"),
    "empty range": (["study", "double_well", "--vary", "lr=2:1"], "lo < hi"),
    "unwritable out": (["study", "double_well", "--out", "/proc/nowhere"], "--out"),
    "unwritable plot": (["study", "double_well", "--plot", "nowhere/figure.png"], "nowhere"),
    "unknown figure format": (["study", "double_well", "--plot", "figure.xyz"], ".pdf"),
    "unknown list": (["list", "loses"], "did you mean 'losses'?"),
    "unknown name": (["show", "adm"], "did you mean 'adam'?"),
    "map of the wrong shape": (["classify", "--map", "a*x + y"], "one formula for each variable"),
    "option of a loss": (["study", "double_well:b=2"], "'b'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_gets_one_sentence_and_status_2(case, tmp_path, monkeypatch, capsys):
    arguments, expected = WRONG[case]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    assert stop.value.code == 2, err
    assert out == ""
    assert err.startswith("cfdyn: ") and err.count("\n") == 1 and len(err) < 600
    assert expected in err
    assert not list(tmp_path.rglob("*.npz"))


def test_wrong_input_in_a_process_of_its_own(tmp_path):
    done = run("study", "quartc", "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentences(done.stderr) == "cfdyn: unknown loss 'quartc'; did you mean 'quartic'? See: cfdyn list losses\n"


def test_out_over_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("mine")
    done = run("study", "double_well", "--out", "taken", cwd=tmp_path)
    assert done.returncode == 2 and "taken" in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_divergent_orbit_is_an_answer(tmp_path):
    found = document("study", "double_well", "--optimizer", "gd:lr=3", "--start", "2", "--no-figure", cwd=tmp_path)
    assert found["regime"] == "divergent" and found["period"] is None and found["lyapunov"] is None


def test_leaving_the_domain_is_an_answer(tmp_path):
    found = document("classify", "x - log(x)", "--optimizer", "gd:lr=5", "--start", "0.5", cwd=tmp_path)
    assert found["kind"] == "undecided"
    found = document("classify", "--map", "log(x)", "--start", "2", cwd=tmp_path)
    assert found["kind"] == "undecided" and "domain" in found["reason"]


@pytest.mark.parametrize("words", [["list", "losses"], ["classify", "double_well", "--json", "--quiet"], ["--help"],
                                   ["orbit", "double_well", "--steps", "20000", "--json", "--quiet"]])  # fmt: skip
def test_a_reader_that_has_left_is_no_error(words, tmp_path):
    """Seen when the output is flushed at the end, or while more than a buffer of it is written."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "cfdyn", *words], stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, env=compiled())
    os.close(write)
    assert (done.returncode, sentences(done.stderr)) == (0, b"")


# -- the folder is the registry ---------------------------------------------------------------

COMMAND = '''
"""A command of one file."""
from typing import Annotated
from typer import Option
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Subject

@command("loss optimizer start loud out json")
def {name}(subject: Subject, loud: Annotated[bool, Option("--loud", help="In capitals.")] = False) -> Answer:
    """Where it starts."""
    import cfdyn
    step, z0, chosen = subject.map_and_state()
    text = "LOUD" if loud else "quiet"
    return Answer(lambda: {{"start": z0, "text": text}}, lambda screen: screen.print(text), record=cfdyn.iterate(step, z0, 1))
'''


def test_a_file_in_the_folder_is_a_command(tmp_path, monkeypatch, capsys):
    from cfdyn.cli import commands

    (tmp_path / "lambda_.py").write_text(COMMAND.format(name="lambda_"))
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])

    def ran(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        return stop.value.code, capsys.readouterr().out

    status, out = ran("--help")
    assert status == 0 and re.search(r"\nOther commands:\n  lambda +Where it starts\n\nOptions:\n", out)
    status, out = ran("lambda", "--help")
    assert status == 0 and re.findall(r"^  (?:-h, )?--(\w+)", out, re.MULTILINE) == ["loud", "optimizer", "start", "out", "json", "quiet",
                                                                                    "help"]  # fmt: skip
    status, out = ran("lambda", "double_well", "--start", "0.5", "--loud")
    assert (status, out.split()) == (0, ["LOUD", "record", "cfdyn-out/lambda_-001.npz"])
    status, out = ran("lambda", "double_well", "--start", "0.5", "--json")
    found = json.loads(out)
    assert status == 0 and found == {"start": [0.5], "text": "quiet", "figures": [], **dict.fromkeys(("file", "record"), "cfdyn-out/lambda_-002.npz")}


@pytest.mark.parametrize(("least", "command"), [
    (4, "train mlp:widths=2 --data digits:classes=2,n=8 --optimizer gd:lr=0.5 --runs discrete --no-figure --out run"),
    (1000, "intermittency --map r*x*(1-x) --critical r=1+8**0.5 --period 3 --start 0.3 --distances 3e-3:1e-2:3"),
    (1000, "chaos double_well --no-dimensions"), (2, "compare double_well --no-figure"), (15, "averages double_well --no-figure"),
    (2, "held-sharpness tanh_network --lr 0.1 --batch 2 --after 1 --runs 2 --no-figure"),
])  # fmt: skip
def test_the_fewest_steps_are_those_that_are_told(least, command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for steps in (0, least - 1):
        with pytest.raises(SystemExit) as stopped:
            main([*command.split(), "--steps", str(steps)])
        assert stopped.value.code == 2 and f"--steps is {least} or more" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--steps", str(least)])
    assert stopped.value.code == 0


def test_a_command_reads_no_other(tmp_path):
    """Nor does the list of all of them load what one of them needs."""
    code = "import sys; from cfdyn.cli.app import application; application({!r}); print(*sorted(sys.modules))"
    one, all_ = (finished([sys.executable, "-c", code.format(name)], cwd=tmp_path, env=compiled()).stdout.split() for name in ("orbit", ""))
    assert [name for name in one if name.startswith("cfdyn.cli.commands.")] == ["cfdyn.cli.commands.orbit"]
    assert len([name for name in all_ if name.startswith("cfdyn.cli.commands.")]) >= 17
    assert not {"numpy", "rich", "numba", "sympy", "matplotlib"} & {*one, *all_}
