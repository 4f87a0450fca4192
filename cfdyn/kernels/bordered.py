"""Bordered linear systems, and the corrector of `cfdyn.kernels.continuation` for any rule that gives F and its Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn._jit import call_from, integers, kernel_rule, numbers, pointer, put_rule

# The block: unknowns, tests, the rules for the system and for elimination, the sizes it reads, where the system's own block
# and the scratch begin.
M, TESTS, RULE, REDUCE, SIZES, OWN, SCRATCH, HEAD = 0, 1, 2, 3, 4, 8, 9, 10


@kernel_rule
def reduce(table, sizes, sign):
    """Gaussian elimination with exchanges of rows, in place; the sign of the product of the pivots, 0 if it breaks down.

    ``sizes``: rows, columns to eliminate (those from the first on), columns, and whether above the diagonal too.
    """
    a, at, result = numbers(table), integers(sizes), numbers(sign)
    rows, columns, width, product = at[0], at[1], at[2], 1.0
    for k in range(columns):
        best = k
        for i in range(k + 1, rows):
            if abs(a[i * width + k]) > abs(a[best * width + k]):
                best = i
        if best != k:
            product = -product
            for j in range(k, width):
                entry = a[k * width + j]
                a[k * width + j] = a[best * width + j]
                a[best * width + j] = entry
        pivot = a[k * width + k]
        product *= np.sign(pivot)
        for i in range(0 if at[3] == 1 else k + 1, rows):
            multiple = a[i * width + k] / pivot
            if multiple != 0.0 and i != k:
                for j in range(k + 1, width):
                    a[i * width + j] -= multiple * a[k * width + j]
    result[0] = product if product == product else 0.0


@kernel_rule
def bordered(z, block, out):
    """Corrections, tangent, sign and tests; the system's rule leaves F (m−1), J (m−1, m) by rows and its tests."""
    a, at, given, result = numbers(block), integers(block), numbers(z), numbers(out)
    m, tests, first = at[M], at[TESTS], at[SCRATCH]
    call_from(a, RULE, z, pointer(a, at[OWN]), pointer(a, first))
    jacobian, width = first + m - 1, m + 2
    table = jacobian + (m - 1) * m + tests
    for i in range(m):
        inner = i < m - 1
        for j in range(m):
            a[table + i * width + j] = a[jacobian + i * m + j] if inner else given[m + j]
        a[table + i * width + m] = -a[first + i] if inner else 0.0
        a[table + i * width + m + 1] = 0.0 if inner else 1.0
    call_from(a, REDUCE, pointer(a, table), pointer(a, SIZES), pointer(result, 2 * m))
    for i in range(m):
        result[i] = a[table + i * width + m] / a[table + i * width + i]
        result[m + i] = a[table + i * width + m + 1] / a[table + i * width + i]
    for i in range(m * m - 1):
        # An infinite derivative would make everything converge.
        result[0] += 0.0 * a[first + i]
    for i in range(tests):
        result[2 * m + 1 + i] = a[table - tests + i]


def bordered_block(rule: Any, own: np.ndarray, m: int, tests: int = 0) -> np.ndarray:
    """The block of `bordered`: ``rule`` is called with the m unknowns and a copy of the block ``own``."""
    scratch = HEAD + len(own)
    block = np.zeros(scratch + m * m - 1 + tests + m * (m + 2))
    whole = block.view(np.int64)
    whole[[M, TESTS, OWN, SCRATCH]], whole[SIZES:OWN] = (m, tests, HEAD, scratch), (m, m, m + 2, 1)
    put_rule(block, RULE, rule)
    put_rule(block, REDUCE, reduce.compiled)
    block[HEAD:scratch] = own
    return block
