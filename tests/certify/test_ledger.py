"""Cycles are counted: against numbers from theory; what cannot be decided is said to be so."""

import itertools
import json
import math
from fractions import Fraction

import pytest

import cfdyn as cf
from cfdyn.certify.boxes.shooting import Shooting
from cfdyn.certify.boxes.tree import leaves
from cfdyn.errors import NumericsError, UsageError

DOUBLE_WELL = "(w**2 - 1)**2/4"
GD = cf.optimizers.gd


def logistic(r):
    return cf.Map.from_text("r*x*(1-x)", params={"r": r})


HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", params={"a": 1.4, "b": 0.3})


def prime(laps, n):
    """Cycles of least period n of a full map with so many laps."""
    return (laps**n - sum(d * prime(laps, d) for d in range(1, n) if n % d == 0)) // n


@pytest.mark.parametrize(("n", "points"), [(1, 3), (2, 9), (3, 15), (4, 33), (5, 63)])
def test_fixed_points_of_iterates_of_descent_on_the_double_well(n, points):
    ledger = cf.certify.cycles(DOUBLE_WELL, GD(lr=1.7), n, (-2, 2))
    assert ledger.complete
    assert ledger.fixed_points == points
    assert ledger.excluded == 1
    assert ledger.undecided == []
    assert cf.certify.check(ledger.certificate.document).valid


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, pytest.param(8, marks=pytest.mark.slow)])
def test_prime_cycles_of_the_full_logistic_map(n):
    ledger = cf.certify.cycles(logistic(4), period=n, box=(-1, 2))
    assert ledger.complete
    assert ledger.count == prime(2, n)
    assert ledger.fixed_points == 2**n


@pytest.mark.parametrize(("n", "count"), [(1, 2), (2, 1), (3, 0), (4, 1), *(pytest.param(*p, marks=pytest.mark.slow) for p in ((5, 0), (6, 2), (7, 4)))])  # fmt: skip
def test_prime_cycles_of_henons_map(n, count):
    ledger = cf.certify.cycles(HENON, period=n, box=[(-2, 2), (-1, 1)])
    assert ledger.complete
    assert ledger.count == count


@pytest.mark.slow
def test_heavy_ball_on_the_double_well_is_counted_in_the_plane():
    ledger = cf.certify.cycles(DOUBLE_WELL, cf.optimizers.heavy_ball(lr=1.5, momentum=0.3), 2, [(-3, 3), (-3, 3)])
    assert ledger.complete
    assert (ledger.count, ledger.fixed_points) == (3, 9)


@pytest.mark.slow
def test_heavy_ball_on_a_piecewise_quadratic_has_two_cycles_of_period_three():
    """Lessard, Recht and Packard's example: their 3-cycle, and one more, across the borders of Piecewise."""
    loss = "Piecewise((25*w**2/2, w < 1), (w**2/2 + 24*w - 12, w < 2), (25*w**2/2 - 24*w + 36, True))"
    rates = {"lr": "1/9", "momentum": "4/9"}
    ledger = cf.certify.cycles(loss, cf.optimizers.heavy_ball(lr=0.1), 3, [(-6, 6), (-60, 60)], **rates)
    assert (ledger.count, ledger.complete, ledger.fixed_points) == (2, True, 7)
    points = [Fraction(k, 1225) for k in (792, -2208, 2592)]
    first = [[box[0] for box in cycle] for cycle in ledger.proven]
    assert any(all(any(lo < w < hi for lo, hi in cycle) for w in points) for cycle in first)
    assert cf.certify.check(ledger.certificate.document).valid


@pytest.mark.slow
def test_a_set_of_cycles_without_isolation_is_undecided():
    """Slopes −2 and −1/2: g² is the identity, each point but 0 has period 2."""
    ledger = cf.certify.cycles("max(w, 0)**2/2 + max(-w, 0)**2", GD(lr=1.5), 2, (-3, 3))
    assert not ledger.complete
    assert ledger.count == 0
    assert ledger.excluded == pytest.approx(0.5, abs=0.01)  # each positive point is the greater one of its cycle


def test_the_whole_line_has_the_same_cycles():
    ledger = cf.certify.cycles(DOUBLE_WELL, GD(lr=1.7), 3, (-math.inf, math.inf))
    assert (ledger.count, ledger.complete, ledger.fixed_points) == (4, True, 15)
    outside = ledger.certificate.document["evidence"]["outside"]
    assert outside["reason"] == "growth"
    assert float.fromhex(outside["radius"]) > math.sqrt(2.7)  # where |A x − x³| > |x|


@pytest.mark.parametrize(
    ("formula", "point"),
    [("Piecewise((x**2 + 1, x < 50), (x**2 - 5000, True))", 71.2), ("2*x - 3*floor(x/10)", 3.0), ("x**3 + x - 1e5*Heaviside(x - 30)", 46.4)],
)  # fmt: skip
def test_a_jump_far_out_is_not_jumped_over(formula, point):
    """A derivative that is positive says nothing across a jump: there are fixed points behind it."""
    try:
        ledger = cf.certify.cycles(cf.Map.from_text(formula, "x"), None, 1, (-math.inf, math.inf))
    except NumericsError as problem:
        assert "far out" in str(problem)
    else:
        assert float.fromhex(ledger.certificate.document["evidence"]["outside"]["radius"]) > point


@pytest.mark.parametrize("formula", ["-x**2/4 - x - 11/2", "Piecewise((3*x/2 - 3/4, x <= -1/2), (1/8 - 2*x, True))"])
def test_a_radius_where_a_derivative_is_zero_leaves_no_room_for_a_checker(formula):
    ledger = cf.certify.cycles(cf.Map.from_text(formula, "x"), None, 3, (-math.inf, math.inf))
    assert cf.certify.check(ledger.certificate.document).valid


def test_proven_boxes_hold_cycles_in_exact_arithmetic():
    """gⁿ(x) − x changes its sign over the first box; the boxes of a ledger are apart."""
    ledger = cf.certify.cycles(DOUBLE_WELL, GD(lr=1.7), 3, (-2, 2))

    def displacement(x):
        y = x
        for _ in range(3):
            y = y - Fraction("1.7") * y * (y * y - 1)
        return y - x

    for cycle in ledger.proven:
        [(lo, hi)] = cycle[0]
        assert displacement(Fraction(lo)) * displacement(Fraction(hi)) < 0
    boxes = sorted(box[0] for cycle in ledger.proven for box in cycle)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(boxes))


def test_points_of_the_orbit_of_a_leaf_that_is_solved_lie_in_proven_boxes():
    ledger = cf.certify.cycles(logistic(4), period=2, box=(-1, 2))
    [cycle] = ledger.proven
    solved = [part for letter, part in leaves(ledger.tree, ledger.box) if letter == "s"]
    assert solved
    for [(lo, hi)] in solved:
        for x in (Fraction(lo), (Fraction(lo) + Fraction(hi)) / 2, Fraction(hi)):
            inside = [all(a <= y <= b for y, [(a, b)] in zip((x, 4 * x * (1 - x)), order, strict=True)) for order in (cycle, cycle[::-1])]
            assert any(inside)


def test_a_fixed_point_at_its_flip_leaves_period_two_undecided():
    """At r = 3 the multiplier is −1 exactly: no test can say that there is no 2-cycle near 2/3."""
    ledger = cf.certify.cycles(logistic(3), period=2, box=(-1, 2))
    assert not ledger.complete
    assert ledger.fixed_points is None
    assert ledger.count == 0
    [([(lo, hi)], _)] = ledger.undecided  # a single place, also in the file
    assert 2 / 3 - 0.01 < lo < 2 / 3 < hi < 2 / 3 + 0.01
    assert len(ledger.tree) < 400 and 1 <= ledger.tree.count("?") <= 2 and cf.certify.check(ledger.certificate.document).valid
    assert ledger.certificate.claim["complete"] is False


def test_a_tangency_is_undecided():
    """At 1 + √8 two 3-cycles are born; 30 digits of it are closer than any box of doubles."""
    ledger = cf.certify.cycles(logistic(3.8), period=3, box=(-1, 2), r="3.82842712474619009760337744842")
    assert not ledger.complete
    assert ledger.count == 0


def test_a_box_of_a_few_doubles_is_undecided_and_not_for_the_number_of_boxes():
    """At lr = 1 the minimum w = 1 of the double well has the multiplier −1, and no box of this width separates its cycles."""
    narrow = cf.certify.cycles(cf.losses.double_well(), cf.optimizers.gd(lr=1), 2, (1 - 2.0**-51, 1 + 2.0**-51))
    crowded = cf.certify.cycles(cf.losses.double_well(), cf.optimizers.gd(lr=1.7), 4, (-2, 2), most=50)
    assert [why for _, why in narrow.undecided] == ["no test succeeds, and there are no doubles left at which to bisect it: take a wider box"]
    assert {why for _, why in crowded.undecided} == {"more boxes than `most`: raise it, or take a smaller box"}


def test_a_fixed_point_of_the_logistic_map_on_the_border_is_undecided_with_the_reason():
    ledger = cf.certify.cycles(logistic(4), period=1, box=(0, 1))
    assert not ledger.complete
    assert ledger.count == 1
    assert "x = 0 is on the border" in ledger.undecided[0][1]


def test_too_few_boxes_are_no_proof():
    ledger = cf.certify.cycles(logistic(4), period=5, box=(-1, 2), most=100)
    assert not ledger.complete
    assert "most" in ledger.undecided[0][1]


def test_a_search_that_was_interrupted_goes_on(tmp_path):
    calls = []

    def interrupt(done, waiting, left):
        calls.append(done)
        if len(calls) == 6:
            raise KeyboardInterrupt

    arguments = {"loss": DOUBLE_WELL, "optimizer": GD(lr=1.7), "period": 5, "box": (-2, 2), "keep": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        cf.certify.cycles(**arguments, progress=interrupt)
    assert list(tmp_path.glob("*.npz"))
    later = []
    ledger = cf.certify.cycles(**arguments, progress=lambda done, waiting, left: later.append(done))
    assert (ledger.count, ledger.complete) == (12, True)
    assert max(calls) > 0
    with pytest.raises(UsageError, match="keeps another search"):
        cf.certify.cycles(**{**arguments, "box": (-1, 2)})


def test_the_certificate_is_json_with_the_ledgers_of_all_divisors(tmp_path):
    ledger = cf.certify.cycles(logistic(4), period=4, box=(-1, 2))
    text = ledger.certificate.save(tmp_path / "c.json").read_text()
    document = json.loads(text)
    assert list(document["evidence"]["ledgers"]) == ["1", "2", "4"]
    assert document["claim"]["count"] == 3 == len(document["evidence"]["ledgers"]["4"]["proven"])
    assert "exactly 3 cycles of least period 4 in [-1, 2]" in document["statement"]
    assert ledger.to_json()["count"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"box": (2, 1)}, "a box is a pair"), ({"box": [(0, 1), (0, 1)]}, "a box is a pair"), ({"box": None}, "a box is a pair"),
        ({"box": (0, math.inf)}, "an infinite box is"), ({"period": 0}, "period is a whole number"),
        ({"box": (0, 1), "r": (3, 4)}, "is an interval"), ({"box": (0, 1), "r": (3, None)}, "needs two ends"), ({"box": (math.nan, 1)}, "a box is a pair"),
    ],
)  # fmt: skip
def test_bad_input_is_said_to_be_bad(arguments, words):
    with pytest.raises(UsageError, match=words):
        cf.certify.cycles(logistic(4), **{"period": 2, **arguments})


def test_a_map_of_the_plane_has_no_infinite_box():
    with pytest.raises(UsageError, match="one variable"):
        cf.certify.cycles(HENON, period=1, box=[(-math.inf, math.inf), (-1, 1)])


@pytest.mark.parametrize("search", [cf.certify.cycles, cf.certify.no_cycles, cf.certify.convergence])
def test_what_is_told_has_three_parts(search):
    options = {"box": (0.5, 1.5)} if search is cf.certify.convergence else {"period": 3, "box": (-2, 2)}
    with pytest.raises(UsageError, match="progress is called with 3 things, .* seconds left or None"):
        search(cf.losses.double_well(), cf.optimizers.gd(lr=0.4), progress=lambda done, waiting: None, **options)


def test_it_is_told_how_far_a_search_is_while_cycles_are_proved(monkeypatch):
    """Each of the cycles, without a time that belongs to the search before."""
    told = []
    monkeypatch.setattr(Shooting, "largest", lambda *_: told.append("a cycle"))
    cf.certify.cycles(cf.losses.double_well(), cf.optimizers.gd(lr=1.7), 3, (-2, 2), progress=lambda *counts: told.append(counts))
    before = [told[k - 1] for k, one in enumerate(told) if one == "a cycle"]
    assert before and all(waiting > 0 and left is None for _, waiting, left in before)


@pytest.mark.parametrize(("loss", "n", "box", "words"), [
    (DOUBLE_WELL, 1, (-1, 1), "fixed point at w = 1 is on the border of the box, to rounding: move the end of the box outward in w"),
    (DOUBLE_WELL, 1, (-1, 0.5), "fixed point at w = -1 is on"),
    ("(x**2 - 1)**2/2 + y**2/2", 1, [(-2, 2), (0, 1)], "fixed point at x = 1, y = 0 is on the border of the box, to rounding: move the end of the box outward in y"),
])  # fmt: skip
def test_a_fixed_point_on_the_border_of_the_box_is_named(loss, n, box, words):
    ledger = cf.certify.cycles(loss, GD(lr=0.3), n, box)
    assert not ledger.complete and any(words in reason for _, reason in ledger.undecided)


@pytest.mark.parametrize("off", [0, -1e-15, 1e-15])
@pytest.mark.parametrize("end", [0, 1])
def test_a_cycle_with_a_point_on_the_border_is_named_by_that_point(off, end):
    """The 2-cycle of the logistic map has the points ((r + 1) ± √((r − 3)(r + 1)))/2r, here 14/39 and 35/39."""
    points = [14 / 39, 35 / 39]
    box = [(points[0] + off, 0.95), (0.1, points[1] + off)][end]
    [(_, reason)] = cf.certify.cycles(logistic(3.9), period=2, box=box).undecided
    assert f"the 2-cycle through x = {points[end]:.9g} is on the border of the box" in reason


def test_a_map_with_angles_is_refused_by_the_word_that_made_it_one():
    circle = cf.Map.from_text("x + 0.3 - sin(2*pi*x)/20", periodic={"x": 1.0})
    with pytest.raises(UsageError, match="without angles: omit `periodic=`;"):
        cf.certify.cycles(circle, period=1, box=(0, 1))
