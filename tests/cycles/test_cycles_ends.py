"""Cycles of maps of one variable do not depend on where the ends of the box are: against zeros counted with balls of 100 bits."""

from __future__ import annotations

import math
import re
from functools import cache

import flint
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import cfdyn as cf
from tests.oracles import needs_compiler

BITS, NARROW, MOST = 100, 1e-9, 30_000


class Family:
    """A map as text, and f, f′ in balls; ``core(a)`` holds all its cycles."""

    def __init__(self, text, f, slope, core):
        self.step, self.f, self.slope, self.core = cf.Map.from_text(text, "x", {"a": 1.0}), f, slope, core


FAMILIES = {
    "logistic": Family("a*x*(1-x)", lambda a, x: a * x * (1 - x), lambda a, x: a * (1 - 2 * x), lambda a: (0.0, 1.0)),
    "ricker": Family("x*exp(a*(1-x))", lambda a, x: x * (a * (1 - x)).exp(), lambda a, x: (1 - a * x) * (a * (1 - x)).exp(),
                     lambda a: (0.0, math.exp(a - 1) / a)),
    "cubic": Family("a*x - x**3", lambda a, x: a * x - x**3, lambda a, x: a - 3 * x**2,
                    lambda a: (-math.sqrt(a + 1), math.sqrt(a + 1))),
}  # fmt: skip


def zeros(family, a, n):
    """All zeros of fⁿ(x) − x: where f has no zero, or a slope with one sign, it is decided; None if one stays open."""
    found, margin, work = [], 1e-10, 0
    lo, hi = family.core(a)
    stack = [(lo - margin, hi + margin)]
    while stack and work < MOST:
        work += 1
        lo, hi = stack.pop()
        gap, slope = iterated(family, a, n, flint.arb((lo + hi) / 2, (hi - lo) / 2))
        if not gap.contains(0):
            continue
        if not slope.contains(0):
            ends = [iterated(family, a, n, flint.arb(x))[0] for x in (lo, hi)]
            if any(end.contains(0) for end in ends):
                return None
            if (ends[0] < 0) != (ends[1] < 0):
                found.append((lo, hi))
            continue
        if hi - lo < NARROW:
            return None
        stack += [(lo, (lo + hi) / 2), ((lo + hi) / 2, hi)]
    return None if stack else [halved(family, a, n, *part) for part in found]


def iterated(family, a, n, x):
    start, slope = x, flint.arb(1)
    for _ in range(n):
        x, slope = family.f(a, x), slope * family.slope(a, x)
    return x - start, slope - 1


def halved(family, a, n, lo, hi):
    falls = iterated(family, a, n, flint.arb(lo))[0] > 0
    while hi - lo > 1e-14:
        middle = (lo + hi) / 2
        lo, hi = (middle, hi) if (iterated(family, a, n, flint.arb(middle))[0] > 0) == falls else (lo, middle)
    return (lo + hi) / 2


@cache
def cycles_of(name, a, n):
    """All cycles of least period n, each sorted; None if a zero is not decided."""
    flint.ctx.prec = BITS
    family, points = FAMILIES[name], {}
    for k in (k for k in range(1, n + 1) if n % k == 0):
        points[k] = zeros(family, a, k)
        if points[k] is None:
            return None
    rest = [x for x in points[n] if all(abs(x - y) > 1e-7 for k in points if k < n for y in points[k])]
    orbits = set()
    for x in rest:
        orbit = [flint.arb(x)]
        for _ in range(n - 1):
            orbit.append(family.f(a, orbit[-1]))
        nearest = [rest[int(np.argmin(np.abs(np.array(rest) - float(z.mid()))))] for z in orbit]
        orbits.add(tuple(sorted(nearest)))
    assert all(len(orbit) == n for orbit in orbits) and len(orbits) * n == len(rest)
    return sorted(orbits)


def check(name, a, n, lo, hi):
    every = cycles_of(name, a, n)
    assume(every is not None)
    assume(all(min(abs(x - lo), abs(x - hi)) > 1e-7 for orbit in every for x in orbit))
    wanted = [orbit for orbit in every if any(lo <= x <= hi for x in orbit)]
    found = cf.analysis.cycles(FAMILIES[name].step.at(a=a), n, [(lo, hi)])
    assert found.complete and not len(found.undecided), (found.reason, found.undecided)
    got = sorted(tuple(sorted(points)) for points in found.points[:, :, 0].tolist())
    assert len(got) == len(wanted)
    np.testing.assert_allclose(np.array(got).reshape(-1, n), np.array(wanted).reshape(-1, n), atol=2e-10)


@st.composite
def boxes(draw):
    """A family, its parameter, a period and a box: wider than all cycles by some power of ten, or with an end among them."""
    name = draw(st.sampled_from(sorted(FAMILIES)))
    a = draw(st.integers(0, 400)) / 400 * {"logistic": 1.4, "ricker": 1.5, "cubic": 0.8}[name]
    a += {"logistic": 2.9, "ricker": 2.1, "cubic": 2.3}[name]
    core = FAMILIES[name].core(a)
    ends = []
    for side, end in zip((-1, 1), core, strict=True):
        if draw(st.integers(0, 3)):
            ends.append(end + side * 10 ** draw(st.floats(-8, 3)))
        else:
            ends.append(core[0] + draw(st.floats(0.02, 0.98)) * (core[1] - core[0]))
    assume(ends[0] < ends[1])
    return name, a, draw(st.integers(1, 5)), *ends


@needs_compiler
@settings(max_examples=40, deadline=None)
@given(boxes())
@example(("ricker", 3.0, 5, -1e-4, 10.0))
def test_cycles_in_any_box_are_those_that_balls_count(case):
    check(*case)


@needs_compiler
@pytest.mark.parametrize("a", [2.9, 3.0, 3.3])
def test_any_lower_end_of_the_box(a):
    """Ricker's map of negative numbers is steep: images of the lower end reach to −10⁵ and beyond."""
    counts = {}
    for n in (4, 5, 6):
        for lo in -(10.0 ** np.arange(-9.0, 0.5, 0.25)):
            found = cf.analysis.cycles(FAMILIES["ricker"].step.at(a=a), n, [(float(lo), 10.0)])
            assert found.complete, (lo, found.reason)
            counts.setdefault(n, set()).add(len(found))
        assert counts[n] == {len(cycles_of("ricker", a, n))}


@needs_compiler
def test_places_named_lie_in_the_box():
    """Where they would lie outside: a tangency's first point, a pole, a jump, and laps without bounds of the slope."""
    fold = cf.Map.from_text("r*x*(1-x)", params={"r": 1 + math.sqrt(8)})
    cases = [(fold, 3, 0.4, 0.6), (fold, 3, 0.9, 0.97), (cf.Map.from_text("3 - x**2 - 1/(x+1.5)"), 3, 0.2, 1.9),
             (cf.Map.from_text("x/2 + sign(x - 1) + 0.3"), 2, -1.0, 0.5), (cf.Map.from_text("x + 3*sin(x)"), 2, 0.0, 9.0),
             (cf.Map.from_text("3.9*sqrt(x)*(1-x)"), 3, 0.2, 0.8)]  # fmt: skip
    for step, n, lo, hi in cases:
        found = cf.analysis.cycles(step, n, [(lo, hi)])
        assert ((found.undecided >= lo) & (found.undecided <= hi)).all(), (step.title, found.undecided)
        for number in map(float, re.findall(r"-?\d+\.\d+", found.reason)):
            assert lo <= number <= hi, (step.title, found.reason)
    assert len(cf.analysis.cycles(fold, 3, [(0.9, 0.97)]).undecided) == 1
