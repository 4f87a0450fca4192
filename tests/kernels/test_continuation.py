"""The continuation driver on curves known in closed form, given as rules for F and J."""

import numpy as np
import pytest

from cfdyn.continuation.tracer import Tracer
from cfdyn.cycles._kernels.cyclic import reduce
from cfdyn.kernels.layout import Array, Block, Integer, Integers, Rule
from cfdyn.machine.jit import call, kernel_rule, numbers, pointer

FREE = np.array([[-np.inf] * 2, [np.inf] * 2])


class Bordered(Block):
    """What `bordered` reads: the system's rule is called with the m unknowns and ``own``."""

    m = Integer()
    tests = Integer()
    length = Integer()
    system = Rule()
    reduce = Rule()
    elimination = Integers(4)
    own = Array("length")
    made = Array("m*m - 1 + tests")
    table = Array("m", "m + 2")


@kernel_rule
def bordered(z, block, out):
    """Corrections, tangent, sign and tests; the system's rule leaves F (m−1), J (m−1, m) by rows and its tests."""
    b, given, result = Bordered(block), numbers(z), numbers(out)
    m, made, table = b.m, b.made, b.table
    call(b.system, z, b.own, made)
    for i in range(m):
        inner = i < m - 1
        for j in range(m):
            table[i, j] = made[m - 1 + i * m + j] if inner else given[m + j]
        table[i, m] = -made[i] if inner else 0.0
        table[i, m + 1] = 0.0 if inner else 1.0
    call(b.reduce, table, b.elimination, pointer(result, 2 * m))
    for i in range(m):
        result[i] = table[i, m] / table[i, i]
        result[m + i] = table[i, m + 1] / table[i, i]
    for i in range(m * m - 1):
        # An infinite derivative would make everything converge.
        result[0] += 0.0 * made[i]
    for i in range(b.tests):
        result[2 * m + 1 + i] = made[m * m - 1 + i]


def bordered_block(rule, own, m, tests=0):
    """The block of `bordered`."""
    return Bordered.make(m=m, tests=tests, length=len(own), system=rule, reduce=reduce.compiled,
                         elimination=(m, m, m + 2, 1), own=own)  # fmt: skip


@kernel_rule
def circle(z, p, out):
    """x² + y² = p₀, and x as a test."""
    a, at, r = numbers(z), numbers(p), numbers(out)
    r[0] = a[0] * a[0] + a[1] * a[1] - at[0]
    r[1], r[2], r[3] = 2.0 * a[0], 2.0 * a[1], a[0]


@kernel_rule
def cubic(z, p, out):
    """λ = x³ − x: folds at x = ±1/√3."""
    a, r = numbers(z), numbers(out)
    r[0] = a[0] * a[0] * a[0] - a[0] - a[1]
    r[1], r[2] = 3.0 * a[0] * a[0] - 1.0, -1.0


@kernel_rule
def bent(z, p, out):
    """y = |x| + x/2, and x as a test."""
    a, r = numbers(z), numbers(out)
    r[0] = a[1] - abs(a[0]) - 0.5 * a[0]
    r[1], r[2], r[3] = -np.sign(a[0]) - 0.5, 1.0, a[0]


@kernel_rule
def helix(z, p, out):
    """x = cos t, y = sin t in the unknowns (x, y, t)."""
    a, r = numbers(z), numbers(out)
    r[0], r[1] = a[0] - np.cos(a[2]), a[1] - np.sin(a[2])
    for k in range(2, 8):
        r[k] = 0.0
    r[2], r[4] = 1.0, np.sin(a[2])
    r[6], r[7] = 1.0, -np.cos(a[2])


def tracer(rule, own, m, limits, tests=0, **options):
    return Tracer(bordered.compiled, bordered_block(rule.compiled, np.array(own), m, tests), np.ones(m), limits, tests, **options)


def test_a_circle_closes():
    system = tracer(circle, [4.0], 2, FREE, 1)
    start = system.at(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    found = system.follow(start, 1000, 0.1)
    assert found.end == "closed"
    np.testing.assert_allclose((found.points**2).sum(axis=1), 4.0, rtol=1e-14)
    angle = np.unwrap(np.arctan2(found.points[:, 1], found.points[:, 0]))
    assert (np.diff(angle) > 0).all() and angle[-1] == pytest.approx(2 * np.pi, abs=1e-12)
    np.testing.assert_allclose(found.values[:, 1], found.points[:, 0], atol=1e-8)
    np.testing.assert_allclose((found.tangents * found.points).sum(axis=1), 0, atol=1e-8)


def test_limits_are_met_exactly_beyond_two_folds():
    system = tracer(cubic, [0.0], 2, np.array([[-np.inf, -1.0], [np.inf, 2.0]]))
    start = system.solve(np.array([-1.3, -1.0]), np.array([0.0, 1.0]))
    found = system.follow(start if start.tangent[1] > 0 else system.at(start.z, -start.tangent), 1000, 0.1)
    assert found.end == "limit" and found.points[-1, 1] == 2.0
    np.testing.assert_allclose(found.points[:, 0] ** 3 - found.points[:, 0], found.points[:, 1], atol=1e-13)
    # The parameter turns at x = ∓1/√3.
    turns = np.flatnonzero(np.diff(np.sign(found.tangents[:, 1])))
    assert len(turns) == 2
    for k, x in zip(turns, (-(3**-0.5), 3**-0.5), strict=True):
        assert found.points[k, 0] <= x <= found.points[k + 1, 0]


def test_a_corner_ends_it_where_a_watched_test_changes_its_sign():
    system = tracer(bent, [0.0], 2, FREE, 1, watched=1)
    start = system.at(np.array([-1.0, 0.5]), np.array([1.0, -0.5]))
    found = system.follow(start, 1000, 0.05)
    assert found.end == "crossed"
    assert found.points[-1, 0] < 0 < found.beyond.z[0] and found.points[-1, 0] > -1e-8


def test_a_corner_that_is_not_watched_ends_it_too():
    system = tracer(bent, [0.0], 2, FREE, 1)
    found = system.follow(system.at(np.array([-1.0, 0.5]), np.array([1.0, -0.5])), 1000, 0.05)
    assert found.end in ("corner", "stalled") and abs(found.points[-1, 0]) < 1e-8


def test_more_unknowns_and_many_chunks():
    system = tracer(helix, [0.0], 3, np.array([[-np.inf] * 3, [np.inf, np.inf, 40 * np.pi]]))
    seen = []
    found = system.follow(system.at(np.array([1.0, 0, 0]), np.array([0.0, 1, 1])), 10_000, 0.1, progress=seen.append)
    assert found.end == "limit" and len(seen) > 2 and seen[-1] == len(found.points) - 1
    np.testing.assert_allclose(found.points[-1], [1, 0, 40 * np.pi], atol=1e-12)
    # Arclength of a helix: √2 t; the chords of steps of 0.1 at curvature ½ are shorter by h²/96.
    steps = np.linalg.norm(np.diff(found.points, axis=0), axis=1)
    assert steps.sum() == pytest.approx(40 * np.pi * 2**0.5, rel=1.2e-3)


def test_most_steps_and_inspection():
    system = tracer(circle, [4.0], 2, FREE, 1)
    start = system.at(np.array([2.0, 0.0]), np.array([0.0, 1.0]))
    found = system.follow(start, 7, 0.01)
    assert found.end == "most steps" and len(found.points) == 8
    found = system.follow(start, 700, 0.01, inspect=lambda piece: (5, "enough"))
    assert found.end == "enough" and len(found.points) == 5


def test_no_solution_is_none():
    system = tracer(circle, [-1.0], 2, FREE, 1)
    assert system.solve(np.array([0.3, 0.2]), np.array([1.0, 0.0])) is None
