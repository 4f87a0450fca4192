"""Bifurcations of n-cycles in two parameters α, a corrector for `cfdyn.kernels.continuation`: the cycle with directions.

The blocks of `cyclic` are y_k = (x_k, q_k, …): a point of the cycle, f(x_k, α) = x_{k+1}, and the directions
there, Df(x_k, α) q_k = q_{k+1}. α are the last of the common unknowns. How the blocks close, and what fixes them:

    condition: x alone; a given function of x_1 and α vanishes (also a border);
    turn: q_{n+1} = ν q_1 with ν = ±1 (fold, flip) and |q_1| = 1;
    pair: q and p with q_{n+1} = p_1, p_{n+1} = 2κ p_1 − q_1, for two multipliers with the product 1 and the sum 2κ
        (Neimark–Sacker: κ = cos θ), |q_1| = 1, ⟨c, q_1⟩ = 0;
    branch: q_{n+1} = q_1, and v along a branch in the direction r of α, Df v_k + ∂f/∂α r = v_{k+1}, v_{n+1} = v_1, with
        |q_1| = 1, ⟨q_1, v_1⟩ = 0 and f(x_n, α) + βc = x_1: where branch points persist along a curve, β = 0.

References
----------
Kuznetsov, Elements of Applied Bifurcation Theory, §10.3; Govaerts, Kuznetsov & Sijben, Numer. Algorithms 38 (2005) 67–87.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.kernels.continuation.cyclic import (
    CLOSING,
    CONDITIONS,
    LINEAR,
    OWN,
    E,
    N,
    W,
    cyclic_block,
    eliminate,
    finite,
    put_border,
    solve,
)
from cfdyn.machine.jit import call_from, integers, kernel_rule, numbers, pointer, put_rule, spliced

CONDITION, TURN, PAIR, BRANCH = range(4)
# How many directions there are, and common unknowns.
DIRECTIONS, COMMON = (0, 1, 2, 2), (2, 2, 3, 3)
# The rest of the block: the form, entries of a state, ν, switching functions; the rules for the map with α as states (f, Df q,
# and the derivatives of both), for the condition with its derivatives and for the switching functions; where the parameters,
# c, r, an input and an output of a rule, and for each switching function of each point whether it is watched begin.
FORM, D, NU, SWITCHES, RULE, GIVEN, SWITCHING, P, C, R, INPUT, OUTPUT, WATCH, END = range(OWN, OWN + 14)


@kernel_rule
def critical(z, block, out):
    """Corrections, tangent, sign, and the watched switching functions."""
    a, at, given, result = numbers(block), integers(block), numbers(z), numbers(out)
    w, n, e = at[W], at[N], at[E]
    m, turns = n * w + e, w // at[D] - 1
    for k in range(n):
        for turn in range(max(turns, 1)):
            point(a, at, given, m, k, turn)
            call_from(a, RULE, pointer(a, at[INPUT]), pointer(a, at[P]), pointer(a, at[OUTPUT]))
            linear = at[LINEAR] + k * w * (1 + w + e)
            if turn == 0:
                image(a, at, linear, 0, 0)
            if turns > 0:
                image(a, at, linear, 1, 1 + turn)
        if at[SWITCHES] > 0:
            first = 2 * m + 1 + k * at[SWITCHES]
            call_from(a, SWITCHING, pointer(a, at[INPUT]), pointer(a, at[P]), pointer(result, first))
            for j in range(at[SWITCHES]):
                result[first + j] *= a[at[WATCH] + k * at[SWITCHES] + j]
    closing(a, at, given, m)
    point(a, at, given, m, 0, 0)
    conditions(a, at, given)
    put_border(a, at, given)
    sign = eliminate(a, at, given)
    solve(a, at, sign, result)
    finite(a, at, result)


@spliced
def point(a, at, given, m, k, turn) -> None:
    """The input of a rule: a point of the cycle with α, and a direction there."""
    d, x = at[D], at[INPUT]
    for i in range(2 * d + 4):
        a[x + i] = 0.0
    for i in range(d):
        a[x + i] = given[k * at[W] + i]
        if at[FORM] != CONDITION:
            a[x + d + 2 + i] = given[k * at[W] + (1 + turn) * d + i]
    a[x + d], a[x + d + 1] = given[m - 2], given[m - 1]
    if at[FORM] == BRANCH and turn == 1:
        a[x + 2 * d + 2], a[x + 2 * d + 3] = a[at[R]], a[at[R] + 1]


@spliced
def image(a, at, linear, which, part) -> None:
    """f (``which`` 0) or Df q (1) with its derivatives as a part of y_{k+1}; α are the last common unknowns."""
    d, w, e = at[D], at[W], at[E]
    width, first = d + 2, part * d
    value, slope = at[OUTPUT] + which * width, at[OUTPUT] + (2 + which * width) * width
    for i in range(d):
        a[linear + first + i] = a[value + i]
        row = linear + w + (first + i) * w
        for j in range(d):
            a[row + j] = a[slope + i * width + j]
            if which == 1:
                a[row + first + j] = a[at[OUTPUT] + 2 * width + i * width + j]
        for j in range(2):
            a[linear + w + w * w + (e - 2 + j) * w + first + i] = a[slope + i * width + d + j]


@spliced
def closing(a, at, given, m) -> None:
    """y_{n+1}: its value, and what of its derivatives is not constant."""
    d, w, value = at[D], at[W], at[CLOSING]
    first = value + w + w * w
    for i in range(w):
        a[value + i] = given[i]
    for i in range(d):
        if at[FORM] == TURN:
            a[value + d + i] = a[NU] * given[d + i]
        elif at[FORM] == PAIR:
            a[value + d + i] = given[2 * d + i]
            a[value + 2 * d + i] = 2.0 * given[m - 3] * given[2 * d + i] - given[d + i]
            a[value + w + (2 * d + i) * w + 2 * d + i] = 2.0 * given[m - 3]
            a[first + 2 * d + i] = 2.0 * given[2 * d + i]
        elif at[FORM] == BRANCH:
            a[value + i] -= given[m - 3] * a[at[C] + i]
            a[first + i] = -a[at[C] + i]


@spliced
def conditions(a, at, given) -> None:
    """What fixes the directions, or the given function at the input, with derivatives in y_1 and the common unknowns."""
    d, w, e, one = at[D], at[W], at[E], at[CONDITIONS]
    if at[FORM] == CONDITION:
        call_from(a, GIVEN, pointer(a, at[INPUT]), pointer(a, at[P]), pointer(a, one))
        return
    two = one + 1 + w + e
    a[one] = -0.5
    if at[FORM] != TURN:
        a[two] = 0.0
    for i in range(d):
        q = given[d + i]
        a[one] += 0.5 * q * q
        a[one + 1 + d + i] = q
        if at[FORM] == PAIR:
            a[two] += a[at[C] + i] * q
            a[two + 1 + d + i] = a[at[C] + i]
        elif at[FORM] == BRANCH:
            a[two] += q * given[2 * d + i]
            a[two + 1 + d + i] = given[2 * d + i]
            a[two + 1 + 2 * d + i] = q


def critical_block(
    rule: Any, p: np.ndarray, d: int, n: int, form: int, nu: float = 1.0, c: Any = 0.0, r: Any = (1.0, 0.0),
    given: Any = None, switching: Any = None, switches: int = 0,
) -> np.ndarray:  # fmt: skip
    """The block of `critical`; ``rule`` as `cfdyn.symbolic.oracle` makes "variation" of the map with α as states."""
    width, w = d + 2, d * (1 + DIRECTIONS[form])
    sizes = (len(p), d, 2, 2 * width, 2 * width * (1 + width), n * switches)
    block, start = cyclic_block(n, w, COMMON[form], END - OWN, sum(sizes))
    starts, whole = start + np.concatenate([[0], np.cumsum(sizes)]), block.view(np.int64)
    whole[[FORM, D, SWITCHES]], whole[P:END], block[NU] = (form, d, switches), starts[:-1], nu
    for part, entries in ((P, p), (C, c), (R, r), (WATCH, 1.0)):
        block[starts[part - P] : starts[part - P + 1]] = entries
    slopes = block[whole[CLOSING] + w : whole[CLOSING] + w + w * w].reshape(w, w)
    if form == TURN:
        slopes[d:, d:] *= nu
    elif form == PAIR:
        slopes[d:, d:] = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(d))
    put_rule(block, RULE, rule)
    if given is not None:
        put_rule(block, GIVEN, given)
    if switches:
        put_rule(block, SWITCHING, switching)
    return block


def unknowns(d: int, n: int, form: int) -> int:
    """How many there are."""
    return (1 + DIRECTIONS[form]) * n * d + COMMON[form]
