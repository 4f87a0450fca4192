"""A right-hand side with tangents: the evolution of an infinitesimal change of the start, or of a parameter."""

from cfdyn.kernels.layout import Array, Block, Integer, Rule
from cfdyn.machine.jit import call, kernel_rule, numbers


class Variation(Block):
    """A flow of m entries, the first n of which move (a last one may be the time), followed by k tangents of n entries.

    ``slope`` F and ``jacobian`` DF read ``p``; if it is ``forced``, ``by`` (m,), dF/d(parameter), drives the last tangent.
    """

    m, n, k, parameters, forced = Integer.several(5)
    slope, jacobian, by = Rule.several(3)
    p = Array("parameters")
    matrix = Array("m", "m")
    push = Array("m")


@kernel_rule
def variation(z, block, out):
    """(F(z), DF(z) v for each tangent v) into ``out`` (m + kn,)."""
    b, state, result = Variation(block), numbers(z), numbers(out)
    m, n, matrix, push = b.m, b.n, b.matrix, b.push
    call(b.slope, z, b.p, out)
    call(b.jacobian, z, b.p, matrix)
    if b.forced == 1:
        call(b.by, z, b.p, push)
    for r in range(b.k):
        first = m + r * n
        last = b.forced == 1 and r == b.k - 1
        for i in range(n):
            total = push[i] if last else 0.0
            for j in range(n):
                total += matrix[i, j] * state[first + j]
            result[first + i] = total
