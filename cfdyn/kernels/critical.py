"""Bifurcations of n-cycles in two parameters α, as a system for `cfdyn.kernels.continuation`: the cycle with a direction.

The unknowns are the points x_1 … x_n, then ``turns`` · n directions q_1 …, for two turns κ, and α. The equations are
f(x_k, α) = x_{k+1}, Df(x_k, α) q_k = q_{k+1}, and how the directions close:

    turns 0: a given function of x_1 and α vanishes (a condition; a border);
    turns 1: q_{n+1} = ν q_1 with ν = ±1 (fold, flip);
    turns 2: q_{2n+1} − 2κ q_{n+1} + q_1 = 0, for a product of two multipliers of 1 with the sum 2κ (Neimark–Sacker: κ = cos θ),

with |q_1| = 1 and, for two turns, ⟨c, q_1⟩ = 0.

References
----------
Kuznetsov, Elements of Applied Bifurcation Theory, §10.3; Govaerts, Kuznetsov & Sijben, Numer. Algorithms 38 (2005) 67–87.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn._jit import call_from, integers, kernel_rule, numbers, pointer, put_rule, spliced

# The block: entries of a state, points, turns, ν, rules for the map with α as states (f, Df q, and the derivatives of both) and
# for a function of (x, α) with its derivatives; where the parameters, c, an input and an output of a rule begin.
D, N, TURNS, NU, RULE, CONDITION, P, ACROSS, INPUT, OUTPUT, HEAD = range(11)


@kernel_rule
def critical(z, block, out):
    """The equations (m − 1) and their Jacobian (m − 1, m), by rows."""
    a, at, given, result = numbers(block), integers(block), numbers(z), numbers(out)
    d, n, turns = at[D], at[N], at[TURNS]
    m = (1 + turns) * n * d + turns // 2 + 2
    for i in range((m - 1) * m):
        result[m - 1 + i] = 0.0
    for step in range(n * max(turns, 1)):
        point(a, at, given, m, step)
        call_from(a, RULE, pointer(a, at[INPUT]), pointer(a, at[P]), pointer(a, at[OUTPUT]))
        if step < n:
            row, slope = step * d, at[OUTPUT] + 2 * (d + 2)
            image(a, at, result, m, row, at[OUTPUT], slope, row)
            less(given, result, m, d, row, (step + 1) % n * d, 1.0)
        if turns > 0:
            direction(a, at, given, result, m, step)
    last = (1 + turns) * n * d
    if turns == 0:
        point(a, at, given, m, 0)
        call_from(a, CONDITION, pointer(a, at[INPUT]), pointer(a, at[P]), pointer(a, at[OUTPUT]))
        result[last] = a[at[OUTPUT]]
        for j in range(d + 2):
            result[m - 1 + last * m + (j if j < d else m - 2 + j - d)] = a[at[OUTPUT] + 1 + j]
        return
    result[last] = -0.5
    for i in range(d):
        entry = given[n * d + i]
        result[last] += 0.5 * entry * entry
        result[m - 1 + last * m + n * d + i] = entry
    if turns == 2:
        result[last + 1] = 0.0
        for i in range(d):
            result[last + 1] += a[at[ACROSS] + i] * given[n * d + i]
            result[m - 1 + (last + 1) * m + n * d + i] = a[at[ACROSS] + i]


@spliced
def point(a, at, given, m, step) -> None:
    """The input of a rule: a point of the cycle with α, and the direction there."""
    d, x = at[D], at[INPUT]
    for i in range(2 * d + 4):
        a[x + i] = 0.0
    for i in range(d):
        a[x + i] = given[step % at[N] * d + i]
        if at[TURNS] > 0:
            a[x + d + 2 + i] = given[(at[N] + step) * d + i]
    a[x + d], a[x + d + 1] = given[m - 2], given[m - 1]


@spliced
def image(a, at, result, m, row, value, slope, columns) -> None:
    """d values of the rule's output into rows, their derivatives in the point and in α into its columns."""
    d = at[D]
    for i in range(d):
        result[row + i] = a[value + i]
        for j in range(d + 2):
            result[m - 1 + (row + i) * m + (columns + j if j < d else m - 2 + j - d)] += a[slope + i * (d + 2) + j]


@spliced
def less(given, result, m, d, row, column, factor) -> None:
    """Subtract a multiple of d unknowns from d rows."""
    for i in range(d):
        result[row + i] -= factor * given[column + i]
        result[m - 1 + (row + i) * m + column + i] -= factor


@spliced
def direction(a, at, given, result, m, step) -> None:
    """Df q_k less the next direction, or what closes the last one."""
    d, n, turns, width = at[D], at[N], at[TURNS], at[D] + 2
    own, slope = (n + step) * d, at[OUTPUT] + 2 * width
    image(a, at, result, m, own, at[OUTPUT] + width, slope + width * width, step % n * d)
    for i in range(d):
        for j in range(d):
            result[m - 1 + (own + i) * m + own + j] += a[slope + i * width + j]
    closes = step == turns * n - 1
    factor = 1.0
    if closes:
        factor = a[NU] if turns == 1 else 2.0 * given[m - 3]
    less(given, result, m, d, own, turns * n * d if closes else own + d, factor)
    if step == 2 * n - 1:
        less(given, result, m, d, own, n * d, -1.0)
        for i in range(d):
            result[m - 1 + (own + i) * m + m - 3] = -2.0 * given[2 * n * d + i]


def critical_block(rule: Any, p: np.ndarray, d: int, n: int, turns: int, nu: float = 1.0,
                   condition: Any = None, across: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
    """The block of `critical`; ``rule`` as `cfdyn.symbolic.oracle` makes "variation" of the map with α as states."""
    width, first = d + 2, HEAD + len(p)
    block = np.zeros(first + d + 2 * width + 2 * width * (1 + width))
    whole = block.view(np.int64)
    whole[[D, N, TURNS, P, ACROSS, INPUT, OUTPUT]] = d, n, turns, HEAD, first, first + d, first + d + 2 * width
    block[NU], block[HEAD:first] = nu, p
    block[first : first + d] = 0.0 if across is None else across
    put_rule(block, RULE, rule)
    if condition is not None:
        put_rule(block, CONDITION, condition)
    return block


def unknowns(d: int, n: int, turns: int) -> int:
    """How many there are."""
    return (1 + turns) * n * d + turns // 2 + 2
