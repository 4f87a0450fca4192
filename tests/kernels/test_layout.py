"""Blocks: what Python puts under a name is what a kernel reads there, and the other way round."""

from __future__ import annotations

import numpy as np

from cfdyn.kernels.layout import LINE, Array, Block, Integer, Integers, Real, Rule
from cfdyn.machine.jit import address, apply, call, kernel_rule, numbers, pointer


class Order(Block):
    n = Integer()


class Base(Block):
    n, k = Integer.several(2)
    total = Real()
    own = Rule()
    rows = Array("k", "2*n + 1")


class Derived(Base):
    m = Integer()
    order = Integers(1)
    cube = Array("max(n, k)", "n + k*m", "m")


@kernel_rule
def double(z, order, out):
    """Twice as many numbers as the order says."""
    n, given, result = Order(order).n, numbers(z), numbers(out)
    for i in range(n):
        result[i] = 2.0 * given[i]


@kernel_rule
def use(z, block, out):
    """Reads and writes of every kind."""
    b, result = Derived(block), numbers(out)
    rows, cube = b.rows, b.cube
    b.total += 1
    for i in range(b.k):
        for j in range(2 * b.n + 1):
            rows[i, j] += 10 * i + j
    cube[1, 2, 1] = -1.0
    b.order[0] = 2 * b.n + 1
    call(b.own, pointer(rows, 2 * b.n + 1), b.order, result)


def made(**more):
    return Derived.make(n=3, k=2, m=2, own=double.compiled, total=1.5, rows=0.5, **more)


def test_what_a_rule_does_is_read_by_name():
    block, out = made(), np.zeros(7)
    assert block.rows.shape == (2, 7) and block.cube.shape == (3, 7, 2) and (block.rows == 0.5).all()
    apply(address(use.compiled), out, block.memory, out)
    expected = 0.5 + 10 * np.arange(2)[:, None] + np.arange(7)
    np.testing.assert_array_equal(block.rows, expected)
    np.testing.assert_array_equal(out, 2 * expected[1])
    assert block.total == 2.5 and block.order.tolist() == [7] and block.m == 2
    assert block.cube[1, 2, 1] == -1.0 and np.count_nonzero(block.cube) == 1


def test_memory_that_holds_a_block_is_read_and_written_as_one():
    block = made()
    again = Derived(block.memory)
    again.total, again.rows = 4.0, 7.0
    assert block.total == 4.0 and (block.rows == 7.0).all() and again.cube.shape == block.cube.shape
    assert Base(block.memory).n == 3 and (Base(block.memory).rows == 7.0).all()


def test_arrays_begin_on_cache_lines_and_do_not_overlap():
    block = made(order=5)
    for array in (block.rows, block.order, block.cube):
        assert (array.ctypes.data - block.memory.ctypes.data) % (8 * LINE) == 0
    block.rows[:], block.cube[:] = 1.0, 2.0
    assert (block.rows == 1.0).all() and (block.cube == 2.0).all() and block.order[0] == 5 and block.n == 3
