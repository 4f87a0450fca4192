"""The headline and the bullets of a study: what "Proved." needs, and that the command of the last bullet runs."""

import shlex

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main
from cfdyn.errors import NumericsError
from cfdyn.studies import proofs
from cfdyn.studies.onward import onward
from cfdyn.symbolic.optimizer import Optimizer

WELL, GD = cf.losses.double_well(), cf.optimizers.gd(lr=1.46)
NARROW = (1.4, 1.5)


@pytest.fixture(scope="module")
def three():
    return cf.study(WELL, GD, lr_range=NARROW)


def test_a_study_is_a_headline_and_five_bullets_at_most(three, tmp_path):
    assert three.headline == "Stable 3-cycle, 1.46 × the edge of stability. Proved." and three.verdict.startswith(three.headline)
    assert len(three.bullets) == 5 and three.verdict.split("\n• ") == [three.headline, *three.bullets]
    loaded = cf.load(three.save(tmp_path / "study.npz"))
    assert (loaded.headline, loaded.bullets) == (three.headline, three.bullets)
    assert all(cf.certify.check(document).valid for document in three.certificates)


@pytest.mark.parametrize("missing, headline", [
    ("_cycle", "Stable 3-cycle, 1.46 × the edge of stability. Floating point."),
    ("_edge", "Stable 3-cycle (proved), 1.46 × the edge of stability."),
    ("_threes", "Stable 3-cycle, 1.46 × the edge of stability. Proved."),
])  # fmt: skip
def test_proved_is_said_of_what_a_certificate_proves(missing, headline, monkeypatch):
    def fails(*_):
        raise NumericsError("it fell off the table")

    monkeypatch.setattr(proofs, missing, fails)
    found = cf.study(WELL, GD, lr_range=NARROW)
    assert found.headline == headline and any("it fell off the table" in why for why in found.unproved)


def test_a_proof_of_another_cycle_or_edge_proves_no_headline(three):
    assert proofs.proves_cycle(three.certificates, 3) and not proofs.proves_cycle(three.certificates, 2)
    assert proofs.proves_edge(three.certificates, three.edge, 1.46)
    (flip,) = (c for c in three.certificates if c["kind"] == "bifurcation")
    elsewhere = {**flip, "vary": {"lr": ["1.1", "1.1000001"]}}
    wide = {**flip, "vary": {"lr": ["0.9", "1.1"]}}
    assert not proofs.proves_edge([elsewhere], three.edge, 1.46) and not proofs.proves_edge([wide], three.edge, 1.46)


@pytest.mark.parametrize("lr, words", [(0.9, "Stable fixed point, 0.9 × "), (1.42, "Chaotic orbit, 1.42 × "), (2.5, "Divergent orbit, 2.5 × ")])
def test_the_regime_leads(lr, words):
    found = cf.study(WELL, cf.optimizers.gd(lr=lr), lr_range=(lr * 0.99, lr * 1.01))
    assert found.headline.startswith(words) and found.headline.endswith("Proved." if lr < 1 else "Floating point.")


def onward_of(found, loss, optimizer, start=None):
    return onward(loss.spec, optimizer, start, found.regime, found.edge, found.bands, found.minima)


@pytest.mark.parametrize("loss, start, words", [
    (cf.losses.double_well(a=2.0), None, "double_well --set a=2.0"),
    (cf.Loss("a*y*x + x**2 + y**2", ["y", "x"], {"a": 0.5}), None, '"a*y*x + x**2 + y**2" --variables y,x --set a=0.5'),
    (cf.Loss("(w**2-1)**2/4"), np.array([-1.5]), '"(w**2-1)**2/4"'),
])  # fmt: skip
def test_the_command_of_the_last_bullet_names_the_same_study(three, loss, start, words):
    from cfdyn.cli.input.specs import make_loss
    from cfdyn.symbolic.text.settings import make_optimizer

    optimizer = cf.optimizers.heavy_ball(lr=1 / 3, momentum=0.5)
    command = onward_of(three, loss, optimizer, start)
    assert command.startswith("cfdyn branch ") and words in command and ("--start=-1.5" in command) == (start is not None)
    read = shlex.split(command)
    given = {flag: value for flag, value in zip(read, read[1:], strict=False) if flag.startswith("--")}
    again = make_loss(read[2], [given["--set"]] if "--set" in given else [], given.get("--variables"))
    assert again.spec.key == loss.spec.key and again.params == loss.params and make_optimizer(given["--optimizer"])[0] == optimizer


def test_a_loss_or_optimizer_without_a_name_there_goes_on_in_python(three):
    rows = cf.Loss("(w*x - y)**2", "w", data={"x": [1.0, 2.0], "y": [0.0, 1.0]})
    own = Optimizer.from_text({"w": "w - lr*g"}, {"lr": 0.1}, name="mine")
    for loss, optimizer in ((rows, GD), (WELL, own)):
        assert onward_of(three, loss, optimizer).startswith("cf.analysis.continue_cycle(cf.as_map(loss, optimizer), study.regime.points")


def test_the_command_can_be_pasted(three, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = shlex.split(three.bullets[-1].removeprefix("Try next: "))
    with pytest.raises(SystemExit) as end:
        main([*command[1:], "--quiet"])
    assert end.value.code == 0 and "fold" in capsys.readouterr().out


def test_brief_prints_the_headline_alone(capsys, tmp_path):
    words = ["study", "double_well", "--optimizer", "gd:lr=1.46", "--vary", "lr=1.4:1.5", "--no-figure", "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        main([*words, "--brief"])
    assert capsys.readouterr().out == "Stable 3-cycle, 1.46 × the edge of stability. Proved.\n"


def test_the_first_screen_is_short(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["study", "double_well", "--no-figure", "--out", str(tmp_path)])
    before, found, _ = capsys.readouterr().out.partition("Minima found")
    assert found and before.count("\n") <= 20 and max(map(len, before.splitlines())) <= 110
    assert "Stable 2-cycle" in before and "docs/theory/words.md" in before
