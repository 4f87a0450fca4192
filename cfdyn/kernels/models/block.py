"""The memory that a model's kernel reads in place of parameters: sizes, addresses of its rules, parameters, scratch."""

from __future__ import annotations

from cfdyn.machine.jit import call_from, integers, kernel_rule, numbers, pointer

# Whole numbers: entries of the state, of the weights, four sizes of the model's own; addresses of up to six rules and of
# the model's own; where parameters, scratch and the work of `differences` begin.
N, D = 0, 1
SIZES = (2, 3, 4, 5)
RULES = (6, 7, 8, 9, 10, 11)
OWN, P, SCRATCH, MOVED, HEAD = 12, 13, 14, 15, 16


@kernel_rule
def differences(z, block, out):
    """DF(z), (n, n), by differences of the model's own rule."""
    m, at, state, result = numbers(block), integers(block), numbers(z), numbers(out)
    n, point, here, there = at[N], at[MOVED], at[MOVED] + at[N], at[MOVED] + 2 * at[N]
    call_from(m, OWN, z, block, pointer(m, here))
    for i in range(n):
        m[point + i] = state[i]
    for j in range(n):
        m[point + j] = state[j] + 1.5e-8 * max(abs(state[j]), 1e-4)
        size = m[point + j] - state[j]
        call_from(m, OWN, pointer(m, point), block, pointer(m, there))
        for i in range(n):
            result[i * n + j] = (m[there + i] - m[here + i]) / size
        m[point + j] = state[j]
