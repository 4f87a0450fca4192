"""The memory that a model's rule reads in place of parameters, and differences of that rule."""

from cfdyn.kernels.layout import Array, Block, Integer, Integers, Real, Rule
from cfdyn.machine.jit import call, kernel_rule, numbers, pointer

SHORTER, STEEP = 5, 1e-3


class Model(Block):
    """A model of n states, d of them weights: the rules that it calls, its own among them, and its parameters.

    ``eigh``: eigenvalues of a matrix of this ``order``; ``eigen``: a row of them, vectors by columns below it, and scratch.
    ``watched``: what the rule makes of a state that may rise steeply, if anything; NaN beyond a pole.
    """

    n, d, parameters = Integer.several(3)
    watched = Real()
    own, eigh = Rule.several(2)
    order = Integers(1)
    p = Array("parameters")
    moved = Array(3, "n")


@kernel_rule
def differences(z, block, out):
    """DF(z), (n, n), by differences of the model's own rule, shorter where what it watches would change by a thousandth."""
    b, state, result = Model(block), numbers(z), numbers(out)
    n, moved = b.n, b.moved
    call(b.own, z, b, pointer(moved, n))
    watched = b.watched
    for i in range(n):
        moved[0, i] = state[i]
    for j in range(n):
        wanted = 1.5e-8 * max(abs(state[j]), 1e-4)
        for _ in range(SHORTER):
            moved[0, j] = state[j] + wanted
            size = moved[0, j] - state[j]
            call(b.own, moved, b, pointer(moved, 2 * n))
            if abs(b.watched - watched) <= STEEP * abs(watched):
                break
            wanted *= 0.1
        for i in range(n):
            result[i * n + j] = (moved[2, i] - moved[1, i]) / size
        moved[0, j] = state[j]
