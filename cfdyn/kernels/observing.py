"""What is read off a flow at given times."""

from __future__ import annotations

from cfdyn._jit import kernel, pointer
from cfdyn.kernels.dense import evaluate


@kernel
def observe(read_off, p, coefficients, thetas, states, found) -> None:
    """For each row i the state (n,) at ``thetas[i]`` of the polynomial i, and what the rule makes of it."""
    for row in range(thetas.size):
        evaluate(coefficients[row], thetas[row], states[row])
        read_off(pointer(states, row * states.shape[1]), pointer(p, 0), pointer(found, row * found.shape[1]))
