"""Certificates' words, and the one spelling of a parameter that varies."""

import pytest

import cfdyn as cf
from cfdyn.certify.checker.statement import statement
from cfdyn.errors import UsageError

WELL, GD = cf.losses.double_well(), cf.optimizers.gd(lr=1)


@pytest.mark.parametrize("prove", [
    lambda **p: cf.certify.cycle(WELL, GD, [1.0], **p), lambda **p: cf.certify.branch(WELL, GD, 1, [1.0], **p),
    lambda **p: cf.certify.no_cycles(WELL, GD, 3, (-1, 1), **p), lambda **p: cf.certify.trapping(WELL, GD, (-1.5, 1.5), **p),
    lambda **p: cf.certify.convergence(WELL, GD, (0.9, 1.1), **p),
])  # fmt: skip
def test_a_parameter_varies_by_its_name(prove):
    found = prove(lr=("0.5", "0.51"))
    assert found.document["vary"] == {"lr": ["0.5", "0.51"]}
    with pytest.raises(cf.errors.UsageError, match="unknown parameter of the map 'rate'"):
        prove(rate=(1, 2))


@pytest.mark.parametrize("count, total, words", [
    (1, 1, "exactly 1 cycle of least period 2 in [0, 1] and exactly 1 point x with g^2(x) = x whose orbit lies in it"),
    (2, 6, "exactly 2 cycles of least period 2 in [0, 1] and exactly 6 points x with g^2(x) = x whose orbits lie in it"),
    (0, 1, "no cycles of least period 2 in [0, 1] and exactly 1 point x with g^2(x) = x whose orbit lies in it"),
])  # fmt: skip
def test_numbers_agree_with_their_nouns(count, total, words):
    claim = {"period": 2, "box": [[(0.0).hex(), (1.0).hex()]], "count": count, "complete": True, "fixed points": total}
    step = {"type": "formulas", "variables": ["x"], "formulas": ["x/2"], "params": {}}
    assert statement({"kind": "cycles", "map": step, "vary": {}, "claim": claim, "evidence": {}}).endswith(words + ".")


def test_a_weight_is_not_called_like_a_parameter():
    """The checker knows each name once: what is proved with a name for two things would not be valid."""
    with pytest.raises(UsageError, match="eps is the name of a weight or state and of a parameter"):
        cf.certify.edge(cf.Loss("(eps**2 - 1)**2/4", "eps"), cf.optimizers.rmsprop(lr=0.2, beta2=0.9), point=[0.9, 0.02])
