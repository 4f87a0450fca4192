"""No cycle for a whole interval of learning rates; claims that are false are never proved."""

import math
from fractions import Fraction

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.certify.boxes.tree import leaves
from cfdyn.certify.boxes.unbounded import parity
from cfdyn.certify.subject import subject
from cfdyn.errors import UsageError

DOUBLE_WELL = "(w**2 - 1)**2/4"
GD = cf.optimizers.gd(lr=1)
LINE = (-math.inf, math.inf)
LOG_COSH, LOGISTIC = cf.losses.log_cosh(), cf.losses.logistic_regression()
slow = pytest.mark.slow

TRUE = [
    pytest.param(DOUBLE_WELL, 3, (-2, 2), ("0.1", "1.4"), id="double well, below the birth of a 3-cycle at 1.45044"),
    pytest.param(DOUBLE_WELL, 3, (-2, 2), ("0.1", "1.4504"), id="double well, very close to it", marks=slow),
    pytest.param(DOUBLE_WELL, 3, LINE, ("0.1", "1.44"), id="double well, whole line", marks=slow),
    pytest.param(LOG_COSH, "all above 2", LINE, ("2.1", "8"), id="log cosh, all periods"),
    pytest.param(LOGISTIC, 3, LINE, (1, "11.99"), id="logistic regression, 2 of 3"),
    pytest.param("exp(w) - w", "all above 1", LINE, ("0.5", "1.9"), id="Poisson regression below its flip at 2"),
    *(pytest.param(LOG_COSH, n, LINE, ("2.1", "8"), id=f"log cosh, {n}", marks=slow) for n in (3, 4, 5)),
]
# A 3-cycle is born at 1.450440964… and at 18.6656…; flips at 1 (double well), 2 (Poisson) and 9 (logistic regression).
FALSE = [
    (DOUBLE_WELL, 3, (-2, 2), (1, "1.4505")), (DOUBLE_WELL, 3, (-2, 2), ("1.7", "1.8")), (DOUBLE_WELL, 2, (-2, 2), ("0.9", "1.1")),
    (DOUBLE_WELL, "all above 1", (-2, 2), ("0.5", "1.01")), (LOGISTIC, 3, LINE, (18, "18.7")), (LOGISTIC, 2, LINE, ("8.9", "9.1")),
    ("exp(w) - w", "all above 1", LINE, ("1.9", "2.1")), (LOG_COSH, "all above 1", LINE, ("2.5", "3")),
    (DOUBLE_WELL, 3, (-2, 2), ("1.4504409649", "1.4504409650")),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "n", "box", "lr"), TRUE)
def test_what_is_true_is_proved(loss, n, box, lr):
    found = cf.certify.no_cycles(loss, GD, n, box, lr=lr)
    assert found.proved, found.reason
    assert found.document["vary"] == {"lr": [str(lr[0]), str(lr[1])]}
    assert cf.certify.check(found.document).valid
    evidence = found.document["evidence"]
    assert set(evidence.get("tree", evidence.get("fold", {}).get("tree"))) <= set("01oadqmr")


@pytest.mark.parametrize(("loss", "n", "box", "lr"), FALSE)
def test_what_is_false_is_not_proved(loss, n, box, lr):
    found = cf.certify.no_cycles(loss, GD, n, box, lr=lr, most=40_000)
    assert not found.proved
    assert found.document is None
    assert found.reason.startswith(("the claim is false", "undecided"))


def test_a_false_claim_is_refuted_by_a_cycle():
    found = cf.certify.no_cycles(DOUBLE_WELL, GD, 3, (-2, 2), lr=(1, "1.46"))
    assert found.reason.startswith("the claim is false: at lr = 1.46 there is a 3-cycle: ")


@pytest.mark.slow
def test_no_interval_that_holds_a_window_is_proved():
    random = np.random.default_rng(3)
    for _ in range(30):
        inside = random.uniform(1.4505, 2)
        lr = (round(inside - random.uniform(0, 0.3), 6), round(inside + random.uniform(0, 0.3), 6))
        assert not cf.certify.no_cycles(DOUBLE_WELL, GD, 3, (-2.5, 2.5), lr=lr, most=20_000).proved


def test_leaves_hold_at_random_points_in_exact_arithmetic():
    """No point of a leaf that is away or displaced comes back to itself; of one that is out it leaves the box; of one that is
    passed a later one is farther from 0; the map is odd, so that points below 0 are mirrored."""
    found = cf.certify.no_cycles(DOUBLE_WELL, GD, 3, (-2, 2), lr=("0.1", "1.3"))
    random, seen = np.random.default_rng(4), {"a": 0, "d": 0, "q": 0, "o": 0, "m": 0, "r": 0}
    for letter, [(a, b), (c, d)] in leaves(found.document["evidence"]["tree"], [(-2.0, 2.0), (0.1, 1.3)]):
        x, lr = (Fraction(lo) + Fraction(random.random()) * (Fraction(hi) - Fraction(lo)) for lo, hi in ((a, b), (c, d)))
        orbit = [x]
        for _ in range(3):
            orbit.append(orbit[-1] - lr * orbit[-1] * (orbit[-1] ** 2 - 1))
        away = orbit[3] != x if letter in "ad" else letter in "mr" or orbit[3] != x or orbit[1] == x
        assert away or any(abs(y) > 2 for y in orbit)
        assert letter != "m" or x <= 0
        assert letter != "r" or max(map(abs, orbit[1:3])) > x
        assert letter != "o" or any(abs(y) > 2 for y in orbit)
        seen[letter] += 1
    assert min(seen.values()) > 0


@pytest.mark.parametrize(("loss", "box", "lo", "born"), [(DOUBLE_WELL, (-2, 2), "1", 1.450440964487875), (LOGISTIC, (-40, 40), 10, 18.66560631478335)])  # fmt: skip
@pytest.mark.slow
def test_the_largest_interval_ends_just_below_the_birth_of_a_cycle(loss, box, lo, born):
    found = cf.certify.no_cycles(loss, GD, 3, box, lr=(lo, None))
    assert found.proved
    hi = float(Fraction(found.document["vary"]["lr"][1]))
    assert born * 0.99 < hi < born


def test_a_map_that_jumps_is_proved_nothing_about_by_slopes():
    """x → 0.9 − sign(x) has the 2-cycle −0.1 → 1.9 → −0.1, and slope 0 wherever it has one."""
    jumping = cf.Map.from_text("9/10 - sign(x)", "x")
    assert not cf.certify.no_cycles(jumping, None, 2, (-5, 5)).proved
    assert not cf.certify.no_cycles(jumping, None, "all above 1", (-5, 5)).proved
    ledger = cf.certify.cycles(jumping, period=2, box=(-5, 5))
    assert ledger.count == 1 or not ledger.complete


def test_sharkovskii_asks_for_continuity():
    """A rotation by a third has 3-cycles and no 2-cycle."""
    rotation = cf.Map.from_text("x + 1/3 - floor(x + 1/3)", "x")
    found = cf.certify.no_cycles(rotation, None, "all above 1", (0, 0.999), most=5000)
    assert not found.proved


def test_a_pole_is_no_continuity():
    """x → 1 − 1/x has period 3 everywhere, and no 2-cycle."""
    found = cf.certify.no_cycles(cf.Map.from_text("a - 1/x", params={"a": 1}), None, "all above 1", (-3, 3), most=5000)
    assert not found.proved


def test_the_fold_needs_an_odd_map():
    found = cf.certify.no_cycles(LOGISTIC, GD, "all above 2", LINE, lr=(1, 5))
    assert not found.proved
    assert "odd" in found.reason


@pytest.mark.parametrize(("one", "other"), [
    ({"period": "above 1", "lr": (0.5, "1.2")}, {"period": "all above 1", "lr": (0.5, "1.2")}),
    ({"period": "above 1", "lr": (0.5, "max")}, {"period": " all above 1", "lr": (0.5, None)}),
])  # fmt: skip
def test_python_takes_the_words_of_the_command_line(one, other):
    """`cfdyn certify none --period "above 1" --vary lr=0.5:max`; Poisson regression flips at 2."""
    found, same = (cf.certify.no_cycles("exp(w) - w", GD, box=(-3, 3), **asked) for asked in (one, other))
    assert found.proved and found.document == same.document and found.claim["period"] == "all above 1"


def test_max_is_for_no_cycles():
    with pytest.raises(UsageError, match="needs two ends, not .*'max'.*only `no_cycles`"):
        cf.certify.trapping(DOUBLE_WELL, GD, (-1.4, 1.4), lr=(1, "max"))


def test_parity_of_formulas():
    odd = [LOG_COSH, DOUBLE_WELL, "w**2*cos(w)", "abs(w)**3"]
    none = [LOGISTIC, "w**2 + w**3", "cos(w + 1)"]
    assert [parity(subject(loss, GD)) for loss in odd] == [-1] * len(odd)
    assert [parity(subject(loss, GD)) for loss in none] == [None] * len(none)


@pytest.mark.parametrize(
    ("n", "box", "lr", "words"),
    [
        (1, (-2, 2), (1, 2), "period is a whole number"), ("above", (-2, 2), (1, 2), "or 'above 1' or 'above 2', not 'above'"), (3, (-2, 2), (2, 1), "empty"),
        ("above 3", (-2, 2), (1, 2), "'above 2'"), ("all above 2", (-2, 2), (1, 2), "whole line"), (3, (-2, math.inf), (1, 2), "an infinite box"), (3, (-2, 2), (0, None), "above 0"),
    ],
)  # fmt: skip
def test_bad_input_is_said_to_be_bad(n, box, lr, words):
    with pytest.raises(UsageError, match=words):
        cf.certify.no_cycles(DOUBLE_WELL, GD, n, box, lr=lr)


def test_what_a_map_does_far_out_may_be_unknown():
    found = cf.certify.no_cycles("cos(w)", GD, 3, LINE, lr=(1, 2))
    assert not found.proved and "far out" in found.reason
