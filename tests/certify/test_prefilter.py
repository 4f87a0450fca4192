"""Arrays of intervals hold the values at all their points: against 60 digits, and exactly where fractions go."""

import random
from fractions import Fraction

import numpy as np
import pytest

from cfdyn.certify.boxes.prefilter import ALGEBRA, Span, number, power
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape

UNARY = "exp log sin cos tan sinh cosh tanh sech2 sqrt abs sign heaviside floor log1p erf sigmoid softplus logcosh".split()
BINARY = "add sub mul div max min pow".split()


def expression(draw, tape, leaves, size):
    """A random expression over two variables."""
    nodes = list(leaves) + [tape.const(Fraction(draw.randint(-40, 40), draw.choice((1, 2, 3, 7))))]
    for _ in range(size):
        kind = draw.random()
        if kind < 0.35:
            nodes.append(tape.apply(draw.choice(UNARY), draw.choice(nodes)))
        elif kind < 0.5:
            nodes.append(tape.ipow(draw.choice(nodes), draw.choice((-2, -1, 2, 3, 4, 5))))
        elif kind < 0.6:
            a, b, c, d = (draw.choice(nodes) for _ in range(4))
            nodes.append(tape.select(tape.apply(draw.choice(("lt", "le")), a, b), c, d))
        else:
            nodes.append(tape.apply(draw.choice(BINARY), draw.choice(nodes), draw.choice(nodes)))
    return nodes[-1]


def outside(seed):
    """Points of a random box at which the value of a random expression is not in the interval; how many were looked at."""
    draw = random.Random(seed)
    tape = Tape()
    leaves = tape.leaves("z", 2)
    program = Program(tape, (expression(draw, tape, leaves, draw.randint(1, 6)),), 2, 0)
    scale = 10.0 ** draw.uniform(-6, 1.5)
    lo = [draw.uniform(-5, 5) for _ in range(2)]
    hi = [a + scale * draw.random() for a in lo]
    with np.errstate(all="ignore"):
        [value] = evaluate(program, ALGEBRA, [Span(np.array([a]), np.array([b])) for a, b in zip(lo, hi, strict=True)], [])
    low, high = (float(np.ravel(v)[0]) for v in (value.lo, value.hi))
    algebra, wrong, seen = mp_algebra(60), [], 0
    for _ in range(4):
        part = [draw.choice((0.0, 1.0, draw.random())) for _ in lo]
        point = [min(max(a + t * (b - a), a), b) for a, b, t in zip(lo, hi, part, strict=True)]
        [exact] = evaluate(program, algebra, [algebra.constant(Fraction(v)) for v in point], [])
        if exact != exact:
            continue
        seen += 1
        if exact < low or exact > high:
            wrong.append((seed, point, exact, low, high))
    return wrong, seen


@pytest.mark.parametrize("count", [400, pytest.param(40_000, marks=pytest.mark.slow)])
def test_no_value_lies_outside(count):
    wrong, seen = [], 0
    for seed in range(count):
        bad, looked = outside(seed)
        wrong, seen = wrong + bad, seen + looked
    assert wrong == []
    assert seen > count


def test_sums_and_products_of_doubles_are_rounded_outward():
    random_ = np.random.default_rng(1)
    ends = np.sort(random_.standard_normal((2, 2, 200)) * 10.0 ** random_.integers(-90, 90, 200), axis=0)
    x, y = Span(ends[0, 0], ends[1, 0]), Span(ends[0, 1], ends[1, 1])
    for k in range(200):
        a, b = [[Fraction(float(v[k])) for v in (s.lo, s.hi)] for s in (x, y)]
        for found, corners in (
            (x + y, [p + q for p in a for q in b]), (x - y, [p - q for p in a for q in b]), (x * y, [p * q for p in a for q in b]),
            (power(x, 3), [p**3 for p in a]), (x * number(Fraction(1, 3)), [p / 3 for p in a]),
        ):  # fmt: skip
            assert not found.lo[k] > min(corners)
            assert not found.hi[k] < max(corners)
            assert found.lo[k] <= found.hi[k]


def test_a_pole_and_what_leaves_the_domain_are_not_known():
    x = Span(np.array([-1.0, 1.0]), np.array([1.0, 2.0]))
    one = Span(1.0, 1.0)
    with np.errstate(all="ignore"):
        for value in (one / x, ALGEBRA.functions["log"](x), power(x, -1)):
            assert not value.lo[0] > -1e9
            assert not value.hi[0] < -1.0 or np.isnan(value.hi[0])
            assert np.isfinite([value.lo[1], value.hi[1]]).all()
