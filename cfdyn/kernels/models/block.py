"""The memory that a model's rule reads in place of parameters, and differences of that rule."""

from cfdyn.kernels.layout import Array, Block, Integer, Integers, Rule
from cfdyn.machine.jit import call, kernel_rule, numbers, pointer


class Model(Block):
    """A model of n states, d of them weights: the rules that it calls, its own among them, and its parameters.

    ``eigh``: eigenvalues of a matrix of this ``order``; ``eigen``: a row of them, vectors by columns below it, and scratch.
    """

    n, d, parameters = Integer.several(3)
    own, eigh = Rule.several(2)
    order = Integers(1)
    p = Array("parameters")
    moved = Array(3, "n")


@kernel_rule
def differences(z, block, out):
    """DF(z), (n, n), by differences of the model's own rule."""
    b, state, result = Model(block), numbers(z), numbers(out)
    n, moved = b.n, b.moved
    call(b.own, z, b, pointer(moved, n))
    for i in range(n):
        moved[0, i] = state[i]
    for j in range(n):
        moved[0, j] = state[j] + 1.5e-8 * max(abs(state[j]), 1e-4)
        size = moved[0, j] - state[j]
        call(b.own, moved, b, pointer(moved, 2 * n))
        for i in range(n):
            result[i * n + j] = (moved[2, i] - moved[1, i]) / size
        moved[0, j] = state[j]
