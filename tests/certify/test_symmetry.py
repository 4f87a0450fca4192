"""Cycles and their mirror images: which symmetries are found, and that nothing is lost where half of a box is not looked at."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.certify.borders.symmetry import symmetries
from cfdyn.certify.boxes.tree import leaves
from cfdyn.certify.certificate import proved
from cfdyn.certify.checker.formulas.mirrors import commutes
from cfdyn.certify.checker.maps import read_map
from cfdyn.certify.subject import subject

O = cf.optimizers
DOUBLE_WELL, VALLEYS = "(w**2 - 1)**2/4", "(x**2 - 1)**2/4 + (y**2 - 1)**2/4 + x**2*y**2/5"
SQUARE = [(2, 1), (1, -2), (2, -1), (-1, 2), (-2, 1), (-1, -2), (-2, -1)]  # the symmetries of a square, without the identity

KNOWN = [
    (DOUBLE_WELL, O.gd(lr=1), [(-1,)]), (DOUBLE_WELL, O.heavy_ball(lr=1, momentum=0.5), [(-1, -2)]), ("logcosh(w)", O.nesterov(lr=1), [(-1, -2)]),
    (DOUBLE_WELL, O.adam(lr=1, bias_correction=False), [(-1, -2, 3)]), ("abs(w)**3", O.sign_gd(lr=1), [(-1,)]), ("cos(w)", O.sam(lr=1), [(-1,)]),
    ("Piecewise((w**2/2, Abs(w) < 1), (Abs(w) - 1/2, True))", O.gd(lr=1), [(-1,)]), ("softplus(w) + softplus(-w)", O.gd(lr=1), [(-1,)]),
    ("max(w, 0)**2 + max(-w, 0)**2", O.gd(lr=1), [(-1,)]), ("softplus(w) - w/3", O.gd(lr=1), []), ("w**2 + w**3/10**9", O.gd(lr=1), []),
    (VALLEYS, O.gd(lr=1), SQUARE), ("(x*y - 1)**2/2", O.gd(lr=1), [(2, 1), (-1, -2), (-2, -1)]), ("x**2*(1 + y**2) + y", O.gd(lr=1), [(-1, 2)]),
    ("x**2 + 2*y**2", O.normalized_gd(lr=1), [(1, -2), (-1, 2), (-1, -2)]),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "optimizer", "known"), KNOWN)
def test_symmetries_of_maps(loss, optimizer, known):
    about = subject(loss, optimizer)
    assert symmetries(about, [(-1.5, 1.5)] * about.dim) == known


def test_symmetries_take_the_box_to_itself():
    about = subject(VALLEYS, O.gd(lr=1))
    assert symmetries(about, [(-1.5, 1.5), (-1.0, 1.0)]) == [(1, -2), (-1, 2), (-1, -2)]
    assert symmetries(about, [(-1.5, 1.0), (-1.5, 1.0)]) == [(2, 1)]
    assert symmetries(about, [(-1.5, 1.0), (-1.0, 1.5)]) == [(-2, -1)]
    assert symmetries(about, [(-1.5, 1.0), (-1.5, np.nextafter(1.0, 2))]) == []


def test_a_rotation_is_a_symmetry_that_is_no_reflection():
    """(x, y) → (y, −x) commutes with x → a x − b y + …, y → b x + a y + …; its square is x → −x."""
    turning = cf.Map.from_text(["x - y*(1 - x**2 - y**2)", "y + x*(1 - x**2 - y**2)"], "x y")
    assert symmetries(subject(turning), [(-2.0, 2.0)] * 2) == [(2, -1), (-2, 1), (-1, -2)]


def checked(about):
    """The symmetries that are found, and those of them that the checker verifies from the text."""
    found = symmetries(about, [(-1.5, 1.5)] * about.dim)
    document = proved("trapping", about, {"box": [["-0x1.0p+0", "0x1.0p+0"]] * about.dim, "whole": True}, {}).document
    g = read_map(document)
    states = [g.graph.put("name", f"x:{name}") for name in g.names]
    return found, [turn for turn in found if commutes(g.graph, g.written, states, turn)]


CATALOGUE = [(name, o) for name in cf.losses.names() for o in ("gd", "heavy_ball", "adam", "rmsprop", "sam", "normalized_gd")]


def of_catalogue(name, optimizer):
    """The subject, None where it has more than four states, needs a file of data, or is no map of formulas."""
    try:
        about = subject(getattr(cf.losses, name)(), getattr(O, optimizer)(lr=0.1))
    except (TypeError, cf.CfdynError):
        return None
    return about if about.dim <= 4 else None


@pytest.mark.slow
def test_the_checker_verifies_what_is_found():
    found = [checked(about) for about in (of_catalogue(*pair) for pair in CATALOGUE) if about]
    assert len(found) > 80 and sum(bool(turns) for turns, _ in found) > 40
    assert [turns for turns, _ in found] == [verified for _, verified in found]


@pytest.mark.parametrize(("loss", "optimizer", "n", "whole", "more"), [
    (DOUBLE_WELL, O.gd(lr=1.7), 4, (-2, 2), (-2, 2.0625)), ("logcosh(w)", O.gd(lr=5), 2, (-7, 7), (-7, 7.25)),
    ("cos(w)", O.gd(lr=2.5), 2, (-9, 9), (-9, 9.125)), (DOUBLE_WELL, O.heavy_ball(lr=1.5, momentum=0.3), 2, [(-3, 3)] * 2, [(-3, 3), (-3, 3.125)]),
    (VALLEYS, O.gd(lr=1.1), 2, [(-2, 2)] * 2, [(-2, 2), (-2.125, 2)]),
])  # fmt: skip
def test_a_box_that_is_not_symmetric_has_the_same_cycles(loss, optimizer, n, whole, more):
    """The same cycles lie in a box a little larger, in which there is nothing to mirror."""
    first, second = (cf.certify.cycles(loss, optimizer, n, box, jobs=1) for box in (whole, more))
    turns = [ledger.certificate.document["evidence"].get("symmetries", []) for ledger in (first, second)]
    assert len(turns[0]) > len(turns[1])
    assert first.complete and second.complete
    assert (first.count, first.fixed_points) == (second.count, second.fixed_points) and first.count > 0
    assert len(first.tree) < 0.8 * len(second.tree)


def test_images_are_exact():
    """The boxes of the mirror image of a cycle are its boxes with the signs changed, also of one that is its own image."""
    ledger = cf.certify.cycles(DOUBLE_WELL, O.gd(lr=1.7), 2, (-2, 2))
    boxes = {box[0] for cycle in ledger.proven for box in cycle}
    assert boxes == {(-hi, -lo) for lo, hi in boxes}
    own = [cycle for cycle in ledger.proven if {box[0] for box in cycle} == {(-box[0][1], -box[0][0]) for box in cycle}]
    assert (len(ledger.proven), len(own)) == (3, 1)  # ±√((1 + 2/lr)), and a pair
    [((lo, hi),), _] = own[0]
    assert lo < (1 + 2 / 1.7) ** 0.5 < hi or -hi < (1 + 2 / 1.7) ** 0.5 < -lo


def test_each_greatest_point_is_in_a_leaf_that_says_something():
    """Newton's cycles of a map with the symmetries of a square: the greatest of all points and images lies in no leaf m or r."""
    ledger = cf.certify.cycles(VALLEYS, O.gd(lr=1.1), 2, [(-2, 2)] * 2)
    decided = [np.array(part) for letter, part in leaves(ledger.tree, ledger.box) if letter not in "mr"]
    middles = [np.array(cycle).mean(2) for cycle in ledger.proven]
    greatest = {max(tuple(np.sign(turn) * point[np.abs(turn) - 1]) for turn in [(1, 2), *SQUARE] for point in cycle) for cycle in middles}
    assert all(any((part[:, 0] <= point).all() and (point <= part[:, 1]).all() for part in decided) for point in map(np.array, greatest))
    assert len(greatest) == 4  # twelve cycles


def test_all_of_a_flat_box_would_be_mirrored():
    """[0, 0] holds the fixed point of the odd map w → −3w/2, on the mirror itself, where no image is greater."""
    point = [["0x0.0p+0", "0x0.0p+0"]]
    claim = {"period": 1, "box": point, "count": 0, "complete": True, "fixed points": 0}
    about = subject(cf.Map.from_text("-3*w/2", "w"))
    found = proved("cycles", about, claim, {"symmetries": [[-1]], "ledgers": {"1": {"tree": "m", "proven": []}}}).document
    assert "interior" in cf.certify.check(found).reason


JUMPS = ["(Abs(w) - 1)**2/2", "Abs(w)**3/3 - w**2/2", "Piecewise((w**2/2, Abs(w) < 1), (Abs(w) - 1/2, True))"]


@pytest.mark.parametrize("loss", JUMPS)
def test_symmetries_of_what_jumps_are_verified(loss):
    """Of −∇L the one half is minus the other; |w| has a slope that jumps, which the checker takes apart for its derivatives."""
    ledger = cf.certify.cycles(loss, O.gd(lr=1.7), 2, (-4, 4), jobs=1)
    assert ledger.certificate.document["evidence"]["symmetries"] == [[-1]]
    assert cf.certify.check(ledger.certificate.document).valid
