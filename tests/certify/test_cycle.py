"""Proofs that a cycle is there, against the published numbers; what is false is never proved."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction

import mpmath
import pytest
import sympy

import cfdyn as cf
from cfdyn.certify.cycle import overlapping
from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import make_loss
from tests.certify.cases import CYCLES, O, certificate
from tests.certify.cycle_examples import EXAMPLES, kept


def exactly(text):
    return Fraction(float.fromhex(text))


def inside(interval, value):
    lo, hi = map(exactly, interval)
    return lo <= Fraction(value) <= hi


def width(interval):
    return float(exactly(interval[1]) - exactly(interval[0]))


PUBLISHED = {
    "logistic_stable": (True, ["0.02889380514762"], "-2.709031064527574"),
    "logistic_unstable": (False, ["4.06787929050705"], "-1.478027681"),
    "meng": (True, ["-0.479053575443"], "3.059462301755785"),
    "adam_3": (True, ["-0.92307", "-0.09297", "0.01165"], "0.0983618809519996"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_cycles_and_their_multipliers(name):
    found, (stable, values, first) = certificate(name), PUBLISHED[name]
    assert found.proved, found.reason
    assert found.claim["stable"] is stable
    for (real, imaginary), value in zip(found.claim["multipliers"], values, strict=True):
        digits = len(value.partition(".")[2])
        assert abs(sum(map(exactly, real)) / 2 - Fraction(value)) < Fraction(1, 10**digits)
        assert width(real) < 1e-8 and imaginary == ["0x0.0p+0"] * 2
    assert (
        inside(found.claim["points"][0][0], Fraction(first))
        or abs(exactly(found.claim["points"][0][0][0]) - Fraction(first)) < 1e-7
    )


def test_both_three_cycles_of_logistic_regression_have_sharp_multipliers():
    for name in ("logistic_stable", "logistic_unstable"):
        [[real, _]] = certificate(name).claim["multipliers"]
        assert width(real) < 1e-10


def test_lessards_cycle_is_where_its_fractions_say():
    """{792, −2208, 2592}/1225 at lr 1/9, momentum 4/9: two equal multipliers, so stability comes from powers."""
    found = certificate("lessard")
    assert found.proved and found.claim["stable"] is True and found.claim["multipliers"] is None
    for box, numerator in zip(found.claim["points"], (792, -2208, 2592), strict=True):
        assert inside(box[0], Fraction(numerator, 1225))
    assert "lr = 1/9, momentum = 4/9" in found.statement


@pytest.mark.parametrize("name, size, stable", [("adam_2_stable", 0.93665, True), ("adam_2_unstable", 1.10129, False)])
def test_adams_two_cycles(name, size, stable):
    found = certificate(name)
    assert found.claim["stable"] is stable
    [(re, im), *_] = found.claim["multipliers"]
    modulus = abs(complex(float.fromhex(re[0]), float.fromhex(im[0])))
    assert modulus == pytest.approx(size, abs=1e-5)
    assert inside(found.claim["points"][0][0], Fraction(found_by_formula(name)))


def found_by_formula(name):
    """c²w² = (lr c (1−β₁)/(2(1+β₁)))² − ε for c = 1, to 30 digits."""
    with mpmath.workdps(30):
        lr, beta1, _, eps = {"adam_2_stable": ("0.5", "0.2", "", "1e-6"), "adam_2_unstable": ("1", "0.9", "", "1e-8")}[name]
        b = mpmath.mpf(beta1)
        return str(mpmath.sqrt((mpmath.mpf(lr) * (1 - b) / (2 * (1 + b))) ** 2 - mpmath.mpf(eps)))


def test_bias_corrected_adam_is_proved_for_its_limit_and_says_so():
    found = cf.certify.cycle("w**2/2", O.adam(lr=1, beta1=0.5, beta2=0.2, eps_inside=True), CYCLES["adam_3"][2])
    assert found.proved and found.document["map"]["limit"] is True and "bias correction is over" in found.statement


def test_what_is_proved_is_the_formula_that_the_file_shows():
    """SymPy prints 15 digits of the float 333333333333333.3125: the curvature of the text is 2, of the float it is 2.625."""
    w, p = sympy.symbols("w p")
    loss = make_loss(sympy.Float(1e15 / 3) * w**2 + p * w**2 + w, "w", {"p": -333333333333332})
    found = cf.certify.cycle(loss, O.gd(lr=0.25), [-0.5])
    assert found.document["map"]["loss"]["formula"].count("333333333333333") == 1
    [[slope, _]] = found.claim["multipliers"]
    assert inside(slope, Fraction(1, 2)) and inside(found.claim["points"][0][0], Fraction(-1, 2))


def test_boxes_are_wide_enough_for_a_checker_in_doubles():
    ends = [end for name in CYCLES for box in certificate(name).claim["points"] for end in box]
    assert len(ends) > len(CYCLES)
    assert all(width((lo, hi)) >= 2e-12 * (1 + abs(float.fromhex(lo))) for lo, hi in ends)


def test_every_point_of_the_boxes_is_left_but_by_the_cycle():
    """The cycle by 50 digits lies in the boxes, and starts a little beside it do not return."""
    found = certificate("logistic_unstable")
    with mpmath.workdps(50):

        def step(w):
            return w - 20 * (1 / (1 + mpmath.exp(-w)) - mpmath.mpf(2) / 3)

        w = mpmath.findroot(lambda w: step(step(step(w))) - w, mpmath.mpf("-1.478027681"))
        orbit = [w, step(w), step(step(w))]
    assert [inside(box[0], Fraction(str(w))) for box, w in zip(found.claim["points"], orbit, strict=True)] == [True] * 3


@pytest.mark.parametrize("boxes, overlap", [
    ([(0, 1), (2, 3)], False), ([(0, 2), (2, 3)], True), ([(0, 1), (0, 1), (5, 6), (7, 8)], False), ([(0, 1), (5, 6), (1, 2), (7, 8)], True),
    ([(0, 1), (5, 6), (7, 8), (9, 10), (1, 3), (11, 12)], False), ([(0, 1), (5, 6), (1, 3), (9, 10), (13, 14), (11, 12)], True),
    ([(0, 1), (5, 6), (7, 8), (1, 2), (13, 14), (11, 12)], True), ([(0, 1)], False),
])  # fmt: skip
def test_the_least_period_needs_boxes_apart_at_each_largest_divisor(boxes, overlap):
    assert overlapping([(box,) for box in boxes]) is overlap


def test_a_whole_interval_of_learning_rates():
    found = cf.certify.cycle(cf.losses.double_well(), O.gd(lr=1.1), [0.81, 1.12], lr=("1.1", "1.1001"))
    assert (
        found.proved
        and found.document["vary"] == {"lr": ["1.1", "1.1001"]}
        and found.statement.startswith("For every lr from 1.1 to 1.1001: ")
    )


@pytest.mark.parametrize(
    "loss, lr, points, says",
    [
        ("(w**2 - 1)**2/4", 1.46, [1.0, 1.0, 1.0], "period 1"),  # a fixed point, three times
        ("(w**2 - 1)**2/4", 1.1, [0.814, 1.116] * 2, "period 2"),  # a 2-cycle, twice
        ("w**2/2", 2.0, [1.0, -1.0], "Krawczyk"),  # neutral: every w is on one
        ("-w + 3/2*relu(w)**2", 1.0, [0.0, 1.0, -1.0], "Krawczyk"),  # through the corner, where two cycles begin
        ("(w**2 - 1)**2/4", 1.4504, [0.34, 0.77, 1.22], ""),  # no 3-cycle below 1.45044
        ("Abs(w)", 1.0, [0.5, -0.5], "Krawczyk"),  # neutral, on both sides of a jump
    ],
)
def test_what_is_false_is_never_proved(loss, lr, points, says):
    found = cf.certify.cycle(loss, O.gd(lr=lr), points)
    assert not found.proved and says in found.reason and found.document is None
    with pytest.raises(UsageError, match="no certificate"):
        found.save("nowhere.json")


def test_on_a_circle_of_cycles_a_proof_says_that_none_is_isolated():
    """The double well turned about 0: its 2-cycle at every angle."""
    size = cf.symbolic.cycles("(w**2 - 1)**2/4", O.gd(lr=1.1), 2).at(lr=1.1)[0].points[:, 0]
    found = cf.certify.cycle("(x**2 + y**2 - 1)**2/4", O.gd(lr=1.1), [[0.6 * r, 0.8 * r] for r in size])
    assert not found.proved and "1 multiplier of the cycle at the points is 1, as far as floats show: it is one of a continuum" in found.reason
    assert "fewer weights, or a small term" in found.reason


def test_a_multiplier_of_1_is_not_said_to_be_a_continuum_alone():
    """The minimum of w⁴ is isolated; at 1e200 the slopes are no floats."""
    found = cf.certify.cycle("w**4/4", O.gd(lr=0.3), [[0.0]])
    assert not found.proved and "one of a continuum, or it is at a fold or a degenerate minimum" in found.reason
    assert not cf.certify.cycle("(x*y-1)**2/2", O.gd(lr=0.3), [[1e200, 1e-200]]).proved


def test_a_box_is_searched_for_a_cycle_of_the_period():
    found = cf.certify.cycle(cf.losses.logistic_regression(), O.gd(lr=20), period=3, box=[(-12, 12)])
    assert found.proved and found.claim["stable"] is True
    assert cf.certify.cycle(cf.losses.logistic_regression(), O.gd(lr=20), period=3, box=(-12, 12)).claim == found.claim  # of one variable
    absent = cf.certify.cycle("w**2/2", O.gd(lr=0.5), period=2, box=[(-4, 4)])
    assert not absent.proved and "period 2 in the box" in absent.reason
    with pytest.raises(UsageError, match="either points"):
        cf.certify.cycle(cf.losses.log_cosh(), O.gd(lr=3), box=[(-4, 4)])


def test_an_unstable_fixed_point_is_not_iterated_away():
    found = cf.certify.cycle("(w**2 - 1)**2/4", O.gd(lr=1.2), [0.99], period=1)
    assert found.proved and found.claim["stable"] is False


def test_where_a_root_of_0_is_taken_nothing_is_proved():
    found = cf.certify.cycle("(w**2 - 1)**2/4", O.adam(lr=0.1, bias_correction=False), [[1.0, 0.0, 0.0]])
    assert not found.proved and "no finite slope" in found.reason


def test_candidates_may_be_rough_but_of_the_right_shape():
    with pytest.raises(UsageError, match="1 entry"):
        cf.certify.cycle("w**4", O.gd(lr=1), [[1.0, 2.0]])
    with pytest.raises(UsageError, match="points"):
        cf.certify.cycle("w**4", O.gd(lr=1))


def test_a_cycle_is_proved_within_fifty_milliseconds_of_its_candidates():
    certificate("logistic_stable")
    spent = []
    for _ in range(5):
        begun = time.process_time()
        certificate("logistic_stable")
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.05


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_what_is_proved_today(name):
    """`python -m tests.certify.cycle_examples` writes them anew; the last digits of boxes are the processor's."""
    made, there = json.loads(json.dumps(EXAMPLES[name]().document)), kept(name)
    same = ("format", "version", "kind", "map")
    assert [made[key] for key in same] == [there[key] for key in same] and made["claim"].keys() == there["claim"].keys()
    words = ("period", "names", "stable", "type", "supercritical", "side")
    assert [made["claim"].get(key) for key in words] == [there["claim"].get(key) for key in words]
    assert cf.certify.check(there | {"made with": {}}).valid


def test_the_package_starts_without_flint():
    done = subprocess.run(
        [sys.executable, "-c", "import cfdyn, sys; dir(cfdyn.certify); print('flint' in sys.modules)"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "False\n", done.stderr


def test_a_multiplier_near_1_is_claimed_no_closer_than_doubles_can_tell():
    """An epoch of two samples at 60°, log cosh residuals, η = 2.05: a 3-cycle with a multiplier 0.9955."""
    first, second = "(x - lr*tanh(x))", "tanh((x - lr*tanh(x))/2 + sqrt(3)/2*y)"
    step = cf.Map.from_text([f"{first} - lr/2*{second}", f"y - lr*sqrt(3)/2*{second}"], "x y", {"lr": 2.05})
    found = cf.certify.cycle(step, points=[1.0, 0.3], period=3)
    assert found.proved and found.claim["stable"] is True and cf.certify.check(found.document).valid
    assert 0.9955 < float.fromhex(found.claim["multipliers"][0][0][0]) < 0.9956
