"""Bifurcations of n-cycles in two parameters α, a corrector for `cfdyn.continuation._kernels`: the cycle with directions.

The blocks of `cyclic` are y_k = (x_k, q_k, …): a point of the cycle, f(x_k, α) = x_{k+1}, and the directions
there, Df(x_k, α) q_k = q_{k+1}. α are the last of the common unknowns. The closing equations, and the conditions that fix the
directions:

    condition: x alone; a given function of x_1 and α vanishes (also a border);
    turn: q_{n+1} = ν q_1 with ν = ±1 (fold, flip) and |q_1| = 1;
    pair: q and p with q_{n+1} = p_1, p_{n+1} = 2κ p_1 − q_1, for two multipliers with the product 1 and the sum 2κ
        (Neimark–Sacker: κ = cos θ), |q_1| = 1, ⟨c, q_1⟩ = 0;
    branch: q_{n+1} = q_1, and v along a branch in the direction r of α, Df v_k + ∂f/∂α r = v_{k+1}, v_{n+1} = v_1, with
        |q_1| = 1, ⟨q_1, v_1⟩ = 0 and f(x_n, α) + βc = x_1: where branch points persist along a curve, β = 0.

Kuznetsov, Elements of Applied Bifurcation Theory, §10.3; Govaerts, Kuznetsov & Sijben, Numer. Algorithms 38 (2005) 67–87.
"""

from typing import Any

import numpy as np

from cfdyn.cycles._kernels.cyclic import Ring, finite, solved
from cfdyn.kernels.layout import Array, Integer, Real, Rule
from cfdyn.machine.jit import call, kernel_rule, numbers, pointer, spliced

CONDITION, TURN, PAIR, BRANCH = range(4)
DIRECTIONS, COMMON = (0, 1, 2, 2), (2, 2, 3, 3)  # the numbers of directions and of common unknowns


class Critical(Ring):
    """The input of `critical`: the form, D, ν, c, r; the number of switching functions, and the points that watch each.

    ``variation`` computes f and Df q with their derivatives, for the map with α as states; ``condition`` includes its
    derivatives. ``input``: a state with α, and a direction with one of α; ``output``: f, Df q, and the derivatives of both.
    """

    form, d, parameters, switches = Integer.several(4)
    nu = Real()
    variation, condition, switching, solver = Rule.several(4)
    p = Array("parameters")
    c = Array("d")
    r = Array(2)
    input = Array("2*d + 4")
    output = Array("2*d + 6", "d + 2")
    watch = Array("n", "switches")


@kernel_rule
def critical(z, block, out):
    """Corrections, tangent, sign, and the watched switching functions."""
    b, given, result = Critical(block), numbers(z), numbers(out)
    w, n, e = b.w, b.n, b.e
    m, turns = n * w + e, w // b.d - 1
    for k in range(n):
        for turn in range(max(turns, 1)):
            point(b, given, m, k, turn)
            call(b.variation, b.input, b.p, b.output)
            if turn == 0:
                image(b, k, 0, 0)
            if turns > 0:
                image(b, k, 1, 1 + turn)
        if b.switches > 0:
            first = 2 * m + 1 + k * b.switches
            call(b.switching, b.input, b.p, pointer(result, first))
            for j in range(b.switches):
                result[first + j] *= b.watch[k, j]
    closing(b, given, m)
    point(b, given, m, 0, 0)
    conditions(b, given)
    call(b.solver, z, block, out)
    finite(b, result)


@spliced
def point(b, given, m, k, turn) -> None:
    """The input of a rule: a point of the cycle with α, and a direction there."""
    d, x = b.d, b.input
    for i in range(2 * d + 4):
        x[i] = 0.0
    for i in range(d):
        x[i] = given[k * b.w + i]
        if b.form != CONDITION:
            x[d + 2 + i] = given[k * b.w + (1 + turn) * d + i]
    x[d], x[d + 1] = given[m - 2], given[m - 1]
    if b.form == BRANCH and turn == 1:
        x[2 * d + 2], x[2 * d + 3] = b.r[0], b.r[1]


@spliced
def image(b, k, which, direction) -> None:
    """f (``which`` 0) or Df q (1) with its derivatives, as the place ``direction`` of y_{k+1}; α are the last common unknowns."""
    d, w, e, links, made = b.d, b.w, b.e, b.links, b.output
    first, slope = direction * d, 2 + which * (d + 2)
    for i in range(d):
        links[k, 0, first + i] = made[which, i]
        for j in range(d):
            links[k, 1 + first + i, j] = made[slope + i, j]
            if which == 1:
                links[k, 1 + first + i, first + j] = made[2 + i, j]
        for j in range(2):
            links[k, 1 + w + e - 2 + j, first + i] = made[slope + i, d + j]


@spliced
def closing(b, given, m) -> None:
    """y_{n+1}: its value, and those of its derivatives that are not constant."""
    d, w, y = b.d, b.w, b.closing
    for i in range(w):
        y[0, i] = given[i]
    for i in range(d):
        if b.form == TURN:
            y[0, d + i] = b.nu * given[d + i]
        elif b.form == PAIR:
            y[0, d + i] = given[2 * d + i]
            y[0, 2 * d + i] = 2.0 * given[m - 3] * given[2 * d + i] - given[d + i]
            y[1 + 2 * d + i, 2 * d + i] = 2.0 * given[m - 3]
            y[1 + w, 2 * d + i] = 2.0 * given[2 * d + i]
        elif b.form == BRANCH:
            y[0, i] -= given[m - 3] * b.c[i]
            y[1 + w, i] = -b.c[i]


@spliced
def conditions(b, given) -> None:
    """Fill ``conditions``: those that fix the directions, or the given function: values, then derivatives in y_1 and γ."""
    d, rows = b.d, b.conditions
    if b.form == CONDITION:
        call(b.condition, b.input, b.p, rows)
        return
    rows[0, 0] = -0.5
    if b.form != TURN:
        rows[1, 0] = 0.0
    for i in range(d):
        q = given[d + i]
        rows[0, 0] += 0.5 * q * q
        rows[0, 1 + d + i] = q
        if b.form == PAIR:
            rows[1, 0] += b.c[i] * q
            rows[1, 1 + d + i] = b.c[i]
        elif b.form == BRANCH:
            rows[1, 0] += q * given[2 * d + i]
            rows[1, 1 + d + i] = given[2 * d + i]
            rows[1, 1 + 2 * d + i] = q


def critical_block(
    rule: Any, p: np.ndarray, d: int, n: int, form: int, nu: float = 1.0, c: Any = 0.0, r: Any = (1.0, 0.0),
    given: Any = None, switching: Any = None, switches: int = 0,
) -> Critical:  # fmt: skip
    """The block of `critical`; ``rule`` as `cfdyn.symbolic.programs.oracle` makes "variation" of the map with α as states."""
    rules = {"variation": rule, "condition": given, "switching": switching}
    block = Critical.make(
        w=d * (1 + DIRECTIONS[form]), n=n, e=COMMON[form], form=form, d=d, nu=nu, p=p, parameters=len(p), c=c, r=r,
        switches=switches, watch=1.0, solver=solved.compiled, **{name: rule for name, rule in rules.items() if rule is not None},
    )  # fmt: skip
    directions = block.closing[1 + d : -1, d:]
    if form == TURN:
        directions *= nu
    elif form == PAIR:
        directions[:] = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(d))
    return block


def unknowns(d: int, n: int, form: int) -> int:
    """The number of unknowns."""
    return (1 + DIRECTIONS[form]) * n * d + COMMON[form]
