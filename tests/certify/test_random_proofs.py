"""What is proved of random maps, matrices and formulas with borders holds at points, to many digits."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.borders.continuity import refusal
from cfdyn.certify.borders.slopes import Slopes
from cfdyn.certify.shooting.multipliers import multipliers, stability
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape
from tests.certify.test_enclosures import COMPARISONS, NUMBERS, built

FEW = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
X, Y = ("z", 0), ("z", 1)
SMOOTH = "add sub mul".split()


def run(check, few, many=None):
    """The check on so many examples, drawn alike each time, or on very many that differ from run to run."""
    options = FEW if many is None else {**FEW, "derandomize": False}
    settings(max_examples=many or few, **options)(check)()


# Pieces that often meet: their borders are drawn from few numbers, and some are made to agree there.
def pieces():
    number = st.tuples(st.just("const"), st.sampled_from(NUMBERS[:12]))
    leaf = st.one_of(st.just(X), st.just(X), st.just(Y), number)

    def grown(inner):
        condition = st.tuples(st.sampled_from(COMPARISONS), inner, inner)
        glued = st.tuples(st.sampled_from(["abs", "sign", "max0"]), inner, inner)
        return st.one_of(
            st.tuples(st.sampled_from(SMOOTH), inner, inner), st.tuples(st.sampled_from(["abs", "sign", "tanh", "exp"]), inner),
            st.tuples(st.sampled_from(["max", "min"]), inner, inner), st.tuples(st.just("select"), condition, inner, inner),
            st.tuples(st.just("ipow"), inner, st.integers(1, 3)), glued,
        )  # fmt: skip

    return st.recursive(leaf, grown, max_leaves=6).map(joined)


def joined(formula):
    """u·|v|, u·sign(v)·v and u + v where v > 0: borders where both sides agree."""
    if not isinstance(formula, tuple) or formula[0] in ("z", "const"):
        return formula
    op, *args = formula
    args = [joined(a) if isinstance(a, tuple) else a for a in args]
    if len(args) == 2 and op in ("abs", "sign"):
        inner = (op, args[1])
        return ("mul", args[0], inner if op == "abs" else ("mul", inner, args[1]))
    if op == "max0":
        return ("select", ("lt", ("const", Fraction(0)), args[1]), ("add", args[0], args[1]), args[0])
    return (op, *args)


BOX = [(-1.0, 1.0), (-0.5, 0.75)]


def proved_continuous(formula):
    tape = Tape()
    root = built(tape, formula)
    program = Program(tape, (root,), 2, 0)
    step = Enclosure(program, [], names=["x", "y"])
    slopes = Enclosure(Program(tape, tuple(jacobian(tape, [root], tape.leaves("z", 2))[0]), 2, 0), [])
    box = [ball(*side) for side in BOX]
    return program, (Slopes(slopes)(box) if refusal(step, [box]) == "" else None)


def segment(program, a, b):
    """The values at the ends, and how much is left of the change when the half where it is larger is kept 40 times."""
    algebra = mp_algebra(50)

    def value(t):
        return evaluate(program, algebra, [algebra.constant(p + (q - p) * t) for p, q in zip(a, b, strict=True)], [])[0]

    lo, hi = Fraction(0), Fraction(1)
    first, last = left, right = value(lo), value(hi)
    for _ in range(40):
        middle = (lo + hi) / 2
        at = value(middle)
        if abs(at - left) > abs(right - at):
            hi, right = middle, at
        else:
            lo, left = middle, at
    return first, last, abs(right - left)


def continuous_where_proved(few, many=None):
    seen = {"proved": 0, "refused": 0, "with borders": 0}

    @given(pieces(), st.lists(st.integers(0, 64), min_size=4, max_size=4))
    def check(formula, shares):
        program, slopes = proved_continuous(formula)
        if slopes is None:
            seen["refused"] += 1
            return
        seen["proved"] += 1
        if not any(f"'{op}'" in str(formula) for op in ("select", "sign", "abs", "max", "min")):
            return
        seen["with borders"] += 1
        ends = [
            [Fraction(lo) + (Fraction(hi) - Fraction(lo)) * k / 64 for (lo, hi), k in zip(BOX, pair, strict=True)]
            for pair in (shares[:2], shares[2:])
        ]
        assume(ends[0] != ends[1])
        first, last, left_over = segment(program, *ends)
        assert left_over < 1e-9, formula
        with ctx.workprec(200):
            rise = sum((s * (ball(q) - ball(p)) for s, p, q in zip(slopes, *ends, strict=True)), arb(0)) + arb(0, 1e-30)
            assert not rise.is_finite() or rise.overlaps(arb(last) - arb(first)), formula

    run(check, few, many)
    return seen


def test_what_is_proved_continuous_has_no_jump_and_its_slopes():
    seen = continuous_where_proved(70)
    assert seen["proved"] > 10 and seen["refused"] > 3 and seen["with borders"] > 3, seen


def test_a_branch_that_is_taken_everywhere_has_the_slope_of_what_is_taken():
    """x where x = x, else y: a border without sides."""
    _, slopes = proved_continuous(("select", ("eq", X, X), X, Y))
    assert slopes is not None and slopes[0].contains(1) and slopes[1].contains(0)


@pytest.mark.slow
def test_very_many_that_are_proved_continuous():
    assert continuous_where_proved(0, 20_000)["with borders"] > 500


def matrices(d):
    return st.lists(st.floats(-2, 2, allow_nan=False).map(lambda x: round(x, 2)), min_size=d * d, max_size=d * d)


def multipliers_hold(few, many=None):
    told = []

    @given(st.integers(1, 4).flatmap(matrices), st.sampled_from([0.0, 1e-12, 1e-3, 0.1]), st.randoms(use_true_random=False))
    def check(entries, radius, random):
        d = round(len(entries) ** 0.5)
        matrix = arb_mat(d, d, [arb(x, radius) for x in entries])
        found = multipliers(matrix)
        stable = stability(matrix, found)
        member = np.reshape([x + radius * random.uniform(-1, 1) for x in entries], (d, d))
        values = np.linalg.eigvals(member)
        told.append((found is not None, stable))
        if stable is not None:
            assert (abs(values).max() < 1 + 1e-12) if stable else (abs(values).max() > 1 - 1e-12)
        for (lo, hi), (below, above) in found or []:
            near = [v for v in values if lo - 1e-9 <= v.real <= hi + 1e-9 and below - 1e-6 <= v.imag <= above + 1e-6]
            assert len(near) == 1

    run(check, few, many)
    return told


def test_multipliers_are_where_they_are_said_to_be():
    told = multipliers_hold(60)
    assert sum(found for found, _ in told) > 20 and {stable for _, stable in told} >= {True, False}


@pytest.mark.parametrize("entries, radius, stable", [
    ([0.95], 0.01, True), ([1.0], 0.1, None), ([1.05], 0.01, False), ([0.99], 0.01, None), ([-1.0], 0.0, None),
    ([0.5, 0.0, 0.0, 1.5], 0.01, False), ([0.5, 0.0, 0.0, 1.0], 0.01, None), ([0.0, 1.0, 0.0, 0.0], 0.0, True), ([0.0, -1.0, 1.0, 0.0], 0.0, None),
    ([0.0, -1.1, 1.1, 0.0], 0.01, False), ([0.0, -0.9, 0.9, 0.0], 0.01, True), ([1.0, 1.0, 0.0, 1.0], 0.0, None),
])  # fmt: skip
def test_stability_is_said_where_it_is_so(entries, radius, stable):
    d = round(len(entries) ** 0.5)
    matrix = arb_mat(d, d, [arb(x, radius) for x in entries])
    assert stability(matrix, multipliers(matrix)) is stable and stability(matrix, None) in (stable, None)


def test_multipliers_that_may_meet_are_not_told_apart():
    assert multipliers(arb_mat(2, 2, [arb(1, 0.1), 0, 0, arb(1.05, 0.1)])) is None
    assert multipliers(arb_mat(2, 2, [1, arb(0.1, 0.2), arb(-0.1, 0.2), 1])) is None
    # A real matrix whose two eigenvalues are a pair: neither is said to be real.
    pair = multipliers(arb_mat(2, 2, [1, arb(-0.5, 1e-6), arb(0.5, 1e-6), 1]))
    assert pair is not None and all(imaginary != (0.0, 0.0) for _, imaginary in pair)


@pytest.mark.slow
def test_multipliers_of_very_many_matrices():
    assert len(multipliers_hold(0, 20_000)) >= 20_000


def cycles_hold(few, many=None):
    """Random cubic maps from random points: what is proved is found again by Newton's method with 60 digits."""
    proofs = []
    number = st.integers(-40, 40).map(lambda k: k / 20)

    @given(st.integers(50, 80).map(lambda k: k / 20), number, number, st.integers(1, 4), st.sampled_from([0.3, 0.7, 0.9]))
    def check(r, small, tiny, n, start):
        c = (small / 40, r, -r, tiny / 40)
        params = dict(zip("abcd", c, strict=True))
        step = cf.Map.from_text("a + b*x + c*x**2 + d*x**3", params=params)
        found = cf.certify.cycle(step, points=[start], period=n)
        if not found.proved:
            return
        exact = [mpmath.mpf(Fraction(str(v)).numerator) / Fraction(str(v)).denominator for v in c]

        def g(x):
            return exact[0] + x * (exact[1] + x * (exact[2] + x * exact[3]))

        boxes = [[Fraction(float.fromhex(end)) for end in box[0]] for box in found.claim["points"]]
        x = mpmath.mpf(float(sum(boxes[0]) / 2))
        x = mpmath.findroot(lambda x: orbit(g, x, n)[-1] - x, x, tol=1e-80)
        points = orbit(g, x, n)
        slope = mpmath.fprod(exact[1] + 2 * exact[2] * p + 3 * exact[3] * p * p for p in points[:-1])
        proofs.append(n)
        for point, (lo, hi) in zip(points, boxes, strict=False):
            assert lo <= Fraction(mpmath.nstr(point, 40)) <= hi
        [[(lo, hi), _]] = found.claim["multipliers"]
        assert float.fromhex(lo) <= slope <= float.fromhex(hi)
        assert found.claim["stable"] in (None, bool(abs(slope) < 1))
        assert all(abs(points[0] - points[n // p]) > 1e-12 for p in (2, 3) if n % p == 0)

    with mpmath.workdps(60):
        run(check, few, many)
    return proofs


def orbit(g, x, n):
    points = [x]
    for _ in range(n):
        points.append(g(points[-1]))
    return points


def test_cycles_of_random_maps():
    assert len(cycles_hold(15)) >= 3


@pytest.mark.slow
def test_cycles_of_very_many_random_maps():
    proofs = cycles_hold(0, 3_000)
    assert {1, 2, 3, 4} <= set(proofs)
