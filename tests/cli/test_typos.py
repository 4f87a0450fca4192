"""What a newcomer mistypes, on the command line and in Python: each answer is one sentence that points to the way."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.cli import main

SAID = [
    (["classify", "double_well", "--optimizer", "gd:rl=1"], "did you mean 'lr'?"),
    (["classify", "double_well", "--optimizer", "gd:0.1"], "such as lr=0.1"),
    (["classify", "double_well", "--optimizer", "gd,lr=0.1"], "options follow a colon: gd:lr=0.1"),
    (["classify", "double_well", "--optimizer", "adma:lr=0.1"], "did you mean 'adam'?"),
    (["classify", "foo(w)"], "foo is not known"),
    (["classify", "lgo(w)"], "did you mean 'log'?"),
    (["classify", "w**4", "--start", "1,2"], "a start has 1 entry (w), not 2"),
    (["study", "w**4", "--start", "1,2"], "a start has 1 entry (w), not 2"),
    (["claims", "cheung2019", "--review"], "cfdyn claims --source cheung2019"),
    (["flow", "--ode", "y; -x", "--variables", "x"], "2 formulas for the variable x; name the others too, such as --variables"),
    (["certify", "all"], "give a LOSS, such as double_well"),
]


@pytest.mark.parametrize("words, hint", SAID, ids=[" ".join(words) for words, _ in SAID])
def test_a_typo_is_answered_with_the_way(words, hint, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    out, err = capsys.readouterr()
    assert end.value.code == 2 and out == "" and hint in err and err.count("\n") == 1


@pytest.mark.parametrize("package, name, near", [
    (cf.optimizers, "adma", "adam"), (cf.optimizers, "Adam", "adam"), (cf.losses, "doublewell", "double_well"),
    (cf, "anaylsis", "analysis"), (cf.analysis, "clasify", "classify"), (cf.certify, "cycel", "cycle"), (cf.symbolic, "egde", "edge"),
])  # fmt: skip
def test_a_name_that_a_module_does_not_have(package, name, near):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; did you mean '{near}'"):
        getattr(package, name)
    assert not hasattr(package, "__wrapped__")


def test_a_caret_is_a_power_and_it_is_said():
    with pytest.warns(UserWarning, match=r"\^ is read as a power"):
        loss = cf.Loss("w^4 - 2*w^2")
    assert loss.value([3.0]) == 63.0 and "^" not in loss.spec.title
    with pytest.warns(UserWarning, match=r"\^ is read as a power"):
        step = cf.Map.from_text("x^2 - 1")
    assert step([2.0]) == 3.0 and cf.certify.cycle(step, points=[1.618], period=1).proved


def test_the_command_line_says_so_too(capsys, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["classify", "w^4/4 - w^2/2", "--optimizer", "gd:lr=0.5", "--start", "0.3", "--json", "--out", str(tmp_path)])
    out, err = capsys.readouterr()
    assert end.value.code == 0 and '"fixed point"' in out and "warning: ^ is read as a power" in err


def test_a_function_of_an_array_takes_a_number_of_weights():
    def ring(w):
        return np.sum((w - np.roll(w, 1) - 1) ** 2) / 2

    with pytest.raises(cf.CfdynError, match="variables=16"):
        cf.Loss(ring)
    loss, w = cf.Loss(ring, variables=16), np.arange(16.0)
    assert loss.dim == 16 and loss.variables[-1] == "w16" and loss.value(w) == pytest.approx(ring(w))
    for wrong in (0, -1, 10**4 + 1, 10**30):
        with pytest.raises(cf.CfdynError, match="a number of weights from 1 to 10000"):
            cf.Loss(ring, variables=wrong)
