"""What is read off a path at given times."""

from __future__ import annotations

from cfdyn.kernels.steppers.dense import evaluate
from cfdyn.machine.jit import call, kernel, pointer


@kernel
def observe(rules, p, times, polynomials, rows, states, found) -> None:
    """For each of the increasing rows the state (n,) on the steps' polynomials, and what the first of the rules makes of it.

    ``times`` (m, 2) are starts and sizes of the steps, ``polynomials`` (m, 8, n).
    """
    step = 0
    for i in range(rows.size):
        while step + 1 < times.shape[0] and times[step + 1, 0] <= rows[i]:
            step += 1
        theta = min(max((rows[i] - times[step, 0]) / times[step, 1], 0.0), 1.0)
        evaluate(polynomials[step], theta, states[i])
        call(rules[0], pointer(states, i * states.shape[1]), p, pointer(found, i * found.shape[1]))
