"""What the orbits of many starts come to."""

from cfdyn.machine.jit import call, kernel, pointer

AT_REST = 1e-14  # units: a step no longer than that


@kernel
def run_on(step, p, most, escape, unit, states, escaped) -> None:
    """Run each row of ``states`` (k, D) on in place, ``most`` steps or until it is at rest; ``escaped`` (k,) where it leaves."""
    other, d = states[0].copy(), states.shape[1]
    for row in range(states.shape[0]):
        for _ in range(most):
            call(step, pointer(states, row * d), p, pointer(other, 0))
            moved = 0.0
            for i in range(d):
                moved = max(moved, abs(other[i] - states[row, i]) / unit[i])
                states[row, i] = other[i]
                if not abs(other[i]) <= escape:
                    escaped[row] = 1
            if escaped[row] == 1 or moved <= AT_REST:
                break
