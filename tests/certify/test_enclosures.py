"""Values at points, to 100 digits, lie in the enclosures over boxes: random formulas and boxes, ends of domains among them."""

from __future__ import annotations

import os
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape

DIGITS = 100
UNARY = "exp log sin cos tan sinh cosh tanh sech2 sqrt abs sign heaviside floor log1p erf sigmoid softplus logcosh neg".split()
BINARY = "add sub mul div pow max min".split()
COMPARISONS = "lt le eq".split()
NUMBERS = [Fraction(n, d) for n in (-3, -2, -1, 0, 1, 2, 3, 5) for d in (1, 2, 3, 10)]
ENDS = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-9, -1e-9, 1e-300]), st.floats(-4, 4, allow_nan=False))


def leaf():
    return st.one_of(st.tuples(st.just("z"), st.integers(0, 1)), st.tuples(st.just("const"), st.sampled_from(NUMBERS)))


def grown(inner):
    condition = st.tuples(st.sampled_from(COMPARISONS), inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from(UNARY), inner),
        st.tuples(st.sampled_from(BINARY), inner, inner),
        st.tuples(st.just("ipow"), inner, st.integers(-3, 6)),
        st.tuples(st.just("select"), condition, inner, inner),
    )


FORMULAS = st.recursive(leaf(), grown, max_leaves=6)


def built(tape, formula):
    op, *args = formula
    if op == "z":
        return tape.leaf("z", args[0])
    if op == "const":
        return tape.const(args[0])
    if op == "ipow":
        return tape.ipow(built(tape, args[0]), args[1])
    return tape.apply(op, *(built(tape, a) for a in args))


SPECIAL = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-9, -1e-9, 1e-300])


def many_boxes(seed, boxes=8, points=6):
    """Boxes drawn at once, some with the ends of domains: pairs and points in eighths of them."""
    rng = np.random.default_rng(seed)
    ends = np.where(rng.random((boxes, 2, 2)) < 0.4, rng.choice(SPECIAL, (boxes, 2, 2)), rng.uniform(-4, 4, (boxes, 2, 2)))
    ends.sort(2)
    shares = rng.integers(0, 9, (boxes, points, 2)).tolist()
    return [(pairs, [at(pairs, share) for share in several]) for pairs, several in zip(ends.tolist(), shares, strict=True)]


def at(pairs, share):
    """The point of a box that lies so many eighths from its lower ends."""
    return [Fraction(lo) + (Fraction(hi) - Fraction(lo)) * k / 8 for (lo, hi), k in zip(pairs, share, strict=True)]


@st.composite
def boxes(draw):
    pairs = [sorted((draw(ENDS), draw(ENDS))) for _ in range(2)]
    shares = draw(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=3))
    return pairs, [at(pairs, share) for share in shares]


def missed(formula, boxes, derivatives):
    """The points whose value is not in the enclosure over their box, and how many values were compared."""
    tape = Tape()
    root = built(tape, formula)
    outputs = [root] if not derivatives else [root, *jacobian(tape, [root], tape.leaves("z", 2))[0]]
    program = Program(tape, tuple(outputs), 2, 0)
    enclosure, algebra, wrong, seen = Enclosure(program, []), mp_algebra(DIGITS), [], 0
    for pairs, points in boxes:
        found = enclosure([ball(lo, hi) for lo, hi in pairs])
        for point in points:
            try:
                values = evaluate(program, algebra, [algebra.constant(x) for x in point], [])
            except (OverflowError, MemoryError):
                continue
            outside, compared = compare(point, values, found)
            wrong, seen = wrong + outside, seen + compared
    return wrong, seen


def compare(point, values, found):
    """What of the values at a point is not in the enclosures, and how many were compared."""
    if not mpmath.isfinite(values[0]):  # where the function itself has no value its slope is of no use
        return [(point, "undefined", found[0])] if found[0].is_finite() else [], 0
    wrong, seen = [], 0
    for value, held in zip(values, found, strict=True):
        if mpmath.isfinite(value):
            seen += 1
            with ctx.workprec(500):
                near = arb(value) + arb(0, 1) * arb(2) ** -280 * (1 + abs(arb(value)))
                if held.is_finite() and not held.overlaps(near):
                    wrong.append((point, value, held))
    return wrong, seen


@settings(
    max_examples=int(os.environ.get("CFDYN_ENCLOSURES", "300")),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(FORMULAS, boxes(), st.booleans())
def test_no_value_is_outside(formula, box, derivatives):
    wrong, _ = missed(formula, [box], derivatives)
    assert not wrong, (formula, wrong)


@pytest.mark.parametrize("op, least", [("cosh", 1), ("logcosh", 0), ("ipow", 0), ("sech2", 1)])
def test_even_functions_have_their_value_at_0(op, least):
    """A ball around |x| may reach below 0 by what its radius is rounded, and an even function takes that for a size."""
    tape = Tape()
    x = tape.leaf("z", 0)
    root = tape.ipow(x, 2) if op == "ipow" else tape.apply(op, x)
    for lo, hi in ((-1 / 3, 1.0), (-1e-9, 1 / 3), (-1.0, 5e23), (-0.1, 0.7)):
        [held] = Enclosure(Program(tape, (root,), 1, 0), [])([ball(lo, hi)])
        assert held.contains(least), (lo, hi, held)


@pytest.mark.slow
def test_no_value_of_very_many_is_outside():
    """100,000 comparisons: few thousand formulas, each over boxes and at points that are drawn at once."""
    compared = []

    @settings(max_examples=4000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(FORMULAS, st.integers(0, 2**32), st.booleans())
    def run(formula, seed, derivatives):
        wrong, seen = missed(formula, many_boxes(seed), derivatives)
        assert not wrong, (formula, wrong)
        compared.append(seen)

    run()
    assert sum(compared) > 100_000


Z = ("z", 0)


@pytest.mark.parametrize(
    "formula, box, finite",
    [
        (("sqrt", Z), (0.0, 1.0), False),  # a ball over [0, 1] reaches below 0: refused, not cut
        (("sqrt", Z), (2.0**-40, 1.0), False),
        (("sqrt", Z), (2.0**-20, 1.0), True),
        (("sqrt", Z), (-1.0, 1.0), False),
        (("log", Z), (-1.0, 1.0), False),
        (("log", Z), (-2.0, -1.0), False),
        (("log", Z), (0.0, 1.0), False),
        (("log1p", Z), (-1.0, 0.0), False),
        (("div", ("const", Fraction(1)), Z), (-1.0, 1.0), False),
        (("div", ("const", Fraction(1)), Z), (0.0, 1.0), False),
        (("ipow", Z, -2), (-1.0, 1.0), False),
        (("ipow", Z, 2), (-1.0, 2.0), True),
        (("pow", Z, ("const", Fraction(1, 3))), (-1.0, 1.0), False),
        (("tan", Z), (1.0, 2.0), False),
        (("abs", Z), (-1.0, 2.0), True),
    ],
)
def test_ends_of_domains(formula, box, finite):
    tape = Tape()
    [held] = Enclosure(Program(tape, (built(tape, formula),), 1, 0), [])([ball(*box)])
    assert held.is_finite() is finite


@pytest.mark.parametrize(
    "n, box, lo, hi", [(2, (-1.0, 2.0), 0, 4), (4, (-2.0, 1.0), 0, 16), (3, (-2.0, 1.0), -8, 1), (-1, (2.0, 4.0), 0.25, 0.5)]
)
def test_powers_are_sharp(n, box, lo, hi):
    tape = Tape()
    [held] = Enclosure(Program(tape, (tape.ipow(tape.leaf("z", 0), n),), 1, 0), [])([ball(*box)])
    assert float(held.lower()) == pytest.approx(lo, abs=1e-7) and float(held.upper()) == pytest.approx(hi, abs=1e-6)


@pytest.mark.parametrize("name", "exp tanh sigmoid softplus cosh logcosh sech2 erf sinh".split())
def test_monotone_functions_are_sharp(name):
    """Over [-1, 2] the width is that of the true range, found from 1,000 points."""
    tape = Tape()
    program = Program(tape, (tape.apply(name, tape.leaf("z", 0)),), 1, 0)
    [held] = Enclosure(program, [])([ball(-1.0, 2.0)])
    algebra = mp_algebra(30)
    values = [evaluate(program, algebra, [algebra.constant(Fraction(k, 500) - 1)], [])[0] for k in range(1501)]
    assert float(held.upper() - held.lower()) == pytest.approx(float(max(values) - min(values)), rel=1e-6)


def test_random_formulas_reach_values_and_ends():
    """The property test is about something: most boxes have points with values, some have none."""
    counts = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(FORMULAS, boxes())
    def run(formula, box):
        counts.append(missed(formula, [box], False)[1])

    run()
    assert sum(c > 0 for c in counts) > 50 and any(c == 0 for c in counts)


FIVE, SEVEN, HALF = (("const", Fraction(n, d)) for n, d in ((5, 1), (7, 1), (1, 2)))
BELOW_1, ABOVE_0 = ("lt", Z, ("const", Fraction(1))), ("lt", ("const", Fraction(0)), Z)


@pytest.mark.parametrize("formula, values", [
    (("floor", Z), (-1, 0, 1)), (("sign", Z), (-1, 0, 1)), (("heaviside", Z), (0, 0.5, 1)), (("abs", Z), (0, 0.5, 1.5)),
    (("max", Z, HALF), (0.5, 1.5)), (("min", Z, HALF), (-0.5, 0.5)), (("select", BELOW_1, FIVE, SEVEN), (5, 7)),
    (("select", ("le", HALF, Z), FIVE, SEVEN), (5, 7)), (("select", ("eq", Z, HALF), FIVE, SEVEN), (5, 7)),
    (("select", ("not", BELOW_1), FIVE, SEVEN), (5, 7)), (("select", ("and", BELOW_1, ABOVE_0), FIVE, SEVEN), (5, 7)),
    (("select", ("or", ("not", BELOW_1), ("not", ABOVE_0)), FIVE, SEVEN), (5, 7)),
])  # fmt: skip
def test_all_values_of_what_switches_are_held(formula, values):
    """Over [-1/2, 3/2]."""
    tape = Tape()
    [held] = Enclosure(Program(tape, (built(tape, formula),), 1, 0), [])([ball(-0.5, 1.5)])
    assert all(held.contains(arb(v)) for v in values)
