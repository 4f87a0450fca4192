"""Folds, flips and Neimark–Sacker points with proved signs, against formulas and the package's own floats."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from tests.certify.cases import L, O, adam
from tests.certify.cycle_examples import DELAYED, WELL

PLANE = cf.Loss("(x**2 - 1)**2/4 + (y - x)**2/3 + x*y**2/10")


def number(text):
    return Fraction(float.fromhex(text))


def holds(interval, value, within=1e-6):
    lo, hi = map(number, interval)
    return lo <= Fraction(value) <= hi and hi - lo < within * (1 + abs(Fraction(value)))


# what is asked -> the value of the parameter, to 15 digits, and what is claimed of it
PLACES = {
    "double well, 1": ((WELL, O.gd(lr=1), "flip", 1, [1.0], ("0.9", "1.1")), "1", ("above", True)),
    "double well, 2": ((WELL, O.gd(lr=1), "flip", 2, [0.72, 1.14], ("1.2", "1.25")), mpmath.sqrt(5) - 1, ("above", True)),
    "double well, 3": ((WELL, O.gd(lr=1), "fold", 3, [0.34, 0.77, 1.22], ("1.45", "1.46")), "1.450440964487875", ("above", None)),
    "heavy ball": ((WELL, O.heavy_ball(lr=1, momentum=0.5), "flip", 1, [[1.0, 0.0]], ("1.4", "1.6")), "1.5", ("above", True)),
    "logistic, 1": ((L.logistic_regression(), O.gd(lr=1), "flip", 1, [0.69], ("8.5", "9.5")), "9", ("above", True)),
    "logistic, 3": (
        (L.logistic_regression(), O.gd(lr=1), "fold", 3, [-2, 8.2, 2], ("18.6", "18.7")),
        "18.66560631478335",
        ("above", None),
    ),
    "stiffening": (("w**2/2 + w**4", O.gd(lr=1), "flip", 1, [0.0], ("1.9", "2.1")), "2", ("below", False)),
}


def proof(name):
    (loss, optimizer, kind, period, points, lr), place, says = PLACES[name]
    return cf.certify.bifurcation(loss, optimizer, kind, period, points, lr=lr), place, says


@pytest.mark.parametrize("name", PLACES)
def test_known_places_and_sides(name):
    found, place, (side, supercritical) = proof(name)
    assert found.proved, found.reason
    lo, hi = map(Fraction, found.document["vary"]["lr"])
    assert lo - Fraction(1, 10**14) <= Fraction(str(place)) <= hi + Fraction(1, 10**14) and hi - lo < Fraction(1, 10**9)
    assert found.claim["side"] == side and found.claim.get("supercritical") is supercritical


@pytest.mark.parametrize("loss, points, lr", [
    ("(w**2 - 1)**2/4", [1.0], ("0.9", "1.1")), ("exp(w) - w", [0.0], ("1.9", "2.1")), ("softplus(w) - 2*w/3", [0.69], ("8.9", "9.1")),
    ("w**2/2 + w**4", [0.0], ("1.9", "2.1")), ("logcosh(w)", [0.0], ("1.9", "2.1")), ("w**2/2 + w**3/5 - w**4/9", [0.0], ("1.9", "2.1")),
])  # fmt: skip
def test_the_flips_coefficient_is_that_of_the_losses_derivatives(loss, points, lr):
    """c = (L‴/L″)² − L⁗/(3L″) by numerical differentiation with 60 digits."""
    found = cf.certify.bifurcation(loss, O.gd(lr=1), "flip", 1, points, lr=lr)
    functions = {
        "exp": mpmath.exp,
        "softplus": lambda w: mpmath.log(1 + mpmath.exp(w)),
        "logcosh": lambda w: mpmath.log(mpmath.cosh(w)),
    }
    with mpmath.workdps(60):

        def value(w):
            return eval(loss, {**functions, "w": w})

        w = mpmath.findroot(lambda w: mpmath.diff(value, w), points[0])
        second, third, fourth = (mpmath.diff(value, w, k) for k in (2, 3, 4))
        c = (third / second) ** 2 - fourth / (3 * second)
        assert holds(found.claim["coefficient"], mpmath.nstr(c, 30))
        assert found.claim["supercritical"] is bool(c > 0)


@pytest.mark.parametrize("name", ["double well, 2", "double well, 3", "heavy ball", "logistic, 3", "stiffening"])
def test_coefficients_are_those_of_the_analysis(name):
    """`cf.analysis.normal_form` works with the multilinear forms on all points in doubles."""
    (loss, optimizer, *_), _, _ = PLACES[name]
    found, _, _ = proof(name)
    lr = float(number(found.document["evidence"]["parameter"][0]))
    points = np.array([[float(number(side[0]) + number(side[1])) / 2 for side in box] for box in found.claim["points"]])
    step = cf.as_map(loss if isinstance(loss, cf.Loss) else cf.Loss(loss), optimizer.at(lr=lr))
    theirs = cf.analysis.normal_form(step, points, tolerance=1e-4)
    coefficient, crossing = (float(sum(map(number, found.claim[what])) / 2) for what in ("coefficient", "crossing"))
    # At a fold −q for q turns both signs.
    way = 1 if coefficient * theirs.coefficient > 0 else -1
    assert way == 1 or found.claim["type"] == "fold"
    assert [way * coefficient, way * crossing] == pytest.approx([theirs.coefficient, theirs.speed], rel=1e-4)


def test_the_delayed_logistic_map():
    """θ = π/3 at r = 2, |μ|² = r − 1, and the coefficient −1."""
    found = cf.certify.bifurcation(DELAYED, kind="neimark-sacker", points=[[0.5, 0.5]], r=("1.9", "2.1"))
    assert found.proved and found.claim["supercritical"] is True and found.claim["side"] == "above"
    assert holds(found.claim["coefficient"], -1) and holds(found.claim["crossing"], Fraction(1, 2))
    c, s = found.document["evidence"]["rotation"]
    assert holds(c, Fraction(1, 2)) and abs(float(number(s[0]))) == pytest.approx(3**0.5 / 2)


def test_a_strong_resonance_is_refused():
    """The delayed logistic map, then a point reflection about its fixed point: the multipliers turn by π − π/3 = 2π/3."""
    turned = cf.Map.from_text(["1 - 1/r - (r*x*(1 - y) - (1 - 1/r))", "1 - 1/r - (x - (1 - 1/r))"], "x y", {"r": 2.0})
    found = cf.certify.bifurcation(turned, kind="neimark-sacker", points=[[0.5, 0.5]], r=("1.9", "2.1"))
    assert not found.proved and "resonance" in found.reason


def test_an_invariant_circle_of_a_two_cycle():
    """A delayed logistic map that sees where t is on its own 2-cycle 1 → −1 → 1; three multipliers, one of them 0."""
    pair = cf.Map.from_text(["r*x*(1 - 4*y/5 - x/5 + t*x/10 - t/20)", "x", "-t*(3 - t**2)/2"], "x y t", {"r": 2.25})
    points = [[0.55, 0.56, 1.0], [0.56, 0.55, -1.0]]
    found = cf.certify.bifurcation(pair, kind="neimark-sacker", period=2, points=points, r=("2.1", "2.4"))
    assert found.proved and found.claim["supercritical"] is True and found.claim["side"] == "above"
    middle = [[float(number(side[0]) + number(side[1])) / 2 for side in box] for box in found.claim["points"]]
    theirs = cf.analysis.normal_form(
        pair.at(r=float(number(found.document["evidence"]["parameter"][0]))), middle, "r", tolerance=1e-5
    )
    assert float(sum(map(number, found.claim["coefficient"])) / 2) == pytest.approx(theirs.coefficient, rel=1e-6)
    assert float(sum(map(number, found.claim["crossing"])) / 2) == pytest.approx(theirs.speed, rel=1e-6)


ADAM = {
    "flip": (adam(1, 0.5, 0.2, 1e-8), 3, [0.0984, 0.1611, -0.3115], ("0.1", "0.3")),
    "fold": (adam(1, 0.5, 0.2, 1e-8), 3, [0.0984, 0.1611, -0.3115], ("0.1", "0.3")),
    "neimark-sacker": (adam(0.5, 0.2, 0.5, 1e-6), 2, [0.1667, -0.1667], ("0.5", "0.9")),
}


@pytest.mark.parametrize("kind", ADAM)
def test_adams_cycles_as_beta2_moves(kind):
    """What `cf.analysis.normal_form` finds there in doubles; three states a weight."""
    optimizer, period, points, span = ADAM[kind]
    found = cf.certify.bifurcation("w**2/2", optimizer, kind, period, points, beta2=span)
    assert found.proved, found.reason
    middle = [[float(number(side[0]) + number(side[1])) / 2 for side in box] for box in found.claim["points"]]
    beta2 = float(number(found.document["evidence"]["parameter"][0]))
    step = cf.as_map(cf.Loss("w**2/2"), optimizer.at(beta2=beta2))
    theirs = cf.analysis.normal_form(step, middle, "beta2", tolerance=1e-4)
    numbers = [float(sum(map(number, found.claim[what])) / 2) for what in ("coefficient", "crossing")]
    way = 1 if numbers[0] * theirs.coefficient > 0 else -1
    assert (way == 1 or kind == "fold") and found.claim.get("supercritical") is theirs.supercritical
    assert [way * x for x in numbers] == pytest.approx([theirs.coefficient, theirs.speed], rel=1e-3)


def test_weights_in_the_plane():
    found = cf.certify.bifurcation(PLANE, O.gd(lr=0.8), "flip", 1, [[1.0, 0.8]], lr=("0.3", "1.2"))
    assert found.proved, found.reason
    points = [float(number(side[0]) + number(side[1])) / 2 for side in found.claim["points"][0]]
    lr = float(number(found.document["evidence"]["parameter"][0]))
    theirs = cf.analysis.normal_form(cf.as_map(PLANE, O.gd(lr=lr)), points, tolerance=1e-6)
    assert float(sum(map(number, found.claim["coefficient"])) / 2) == pytest.approx(theirs.coefficient, rel=1e-5)


@pytest.mark.parametrize("lr, there", [("1.999", True), ("2.001", False)])
def test_the_side_is_where_the_new_cycle_is(lr, there):
    """Below the subcritical flip of w²/2 + w⁴ lives an unstable 2-cycle: proved there, and not beyond."""
    w = abs(1 / 2 - 1 / float(lr)) ** 0.5 / 2**0.5
    found = cf.certify.cycle("w**2/2 + w**4", O.gd(lr=1), [w, -w], lr=lr)
    assert found.proved is there and (not there or found.claim["stable"] is False)


@pytest.mark.parametrize(
    "loss, optimizer, kind, period, points, vary",
    [
        ("w**2/2", O.gd(lr=1), "flip", 1, [0.0], {"lr": ("1.9", "2.1")}),  # no cubic term
        ("(w**2 - 1)**2/4", O.gd(lr=1), "fold", 1, [1.0], {"lr": ("0.9", "1.1")}),  # a flip
        ("(w**2 - 1)**2/4", O.gd(lr=1), "flip", 1, [1.0], {"lr": ("1.01", "1.1")}),  # it is at 1
        ("(w**2 - 1)**2/4", O.gd(lr=1), "flip", 2, [1.0, 1.0], {"lr": ("0.9", "1.1")}),  # of a fixed point, taken twice
        (cf.Map.from_text("r*x - x**3", params={"r": 1.0}), None, "fold", 1, [0.0], {"r": ("0.9", "1.1")}),  # a pitchfork
        (
            cf.Map.from_text("x + r*(x - x**3)/4 + 0*r", params={"r": 1.0}),
            None,
            "fold",
            1,
            [1.0],
            {"r": ("-1", "1")},
        ),  # all are fixed
        ("w**2/2 + w*Abs(w)**3/8", O.gd(lr=1), "flip", 1, [0.0], {"lr": ("1.9", "2.1")}),  # a border runs through it
        ("(w**2 - 1)**2/4", O.gd(lr=1), "neimark-sacker", 1, [1.0], {"lr": ("0.9", "1.1")}),  # one weight
    ],
)
def test_what_is_false_or_degenerate_is_never_proved(loss, optimizer, kind, period, points, vary):
    found = cf.certify.bifurcation(loss, optimizer, kind, period, points, **vary)
    assert not found.proved and found.reason


@pytest.mark.parametrize("size, proved", [("1", False), ("0.9", True)])
def test_other_multipliers_on_the_circle_are_noticed(size, proved):
    """A flip beside a rotation by (3 + 4i)/5 times a number."""
    turning = [f"{size}*(3*y/5 - 4*z/5)", f"{size}*(4*y/5 + 3*z/5)"]
    both = cf.Map.from_text(["-r*x + x**3", *turning], "x y z", {"r": 1.0})
    found = cf.certify.bifurcation(both, kind="flip", points=[[0.0, 0.0, 0.0]], r=("0.9", "1.1"))
    assert found.proved is proved and (proved or "other multipliers" in found.reason)


def test_what_cannot_be_asked():
    with pytest.raises(UsageError, match="did you mean"):
        cf.certify.bifurcation("w**2", O.gd(lr=1), "folds", 1, [0.0], lr=(1, 2))
    with pytest.raises(UsageError, match="one parameter"):
        cf.certify.bifurcation("w**2", O.gd(lr=1), "fold", 1, [0.0])
