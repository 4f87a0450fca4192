"""Many orbits with a perturbation in every step, the same random numbers for all of them."""

import numpy as np

from cfdyn.kernels.ensemble import Ensemble, lane_parameters, load, own_parameters
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer
from cfdyn.settling._kernels.stretch import add_up, turn_alone

FEW = 8  # orbits that take longer together, in the lanes of a block, than one after the other


@inline_kernel
def kick(there, bound, sizes, kicks, rest, begin, lost, reach) -> None:
    """Move the first entries of each orbit, see how far they are from rest, and whether they are numbers."""
    for i in range(kicks.size):
        entry, from_rest = there[i], rest[i]
        for k in range(lost.size):
            entry[k] += sizes[begin + k] * kicks[i]
            reach[k] = max(reach[k], abs(entry[k] - from_rest[k]))
    for k in range(lost.size):
        lost[k] += 0.0 * bound[k]


@kernel
def disturb(memory, first, last, states, parameters, sizes, kicks, rest, tangents, sums, reaches) -> None:
    """Take the orbits of ``states`` (N, D) along in place, ``sizes`` (N,) times ``kicks`` (n, d) added after each of n steps.

    ``tangents`` (N, k, D), k = 0 or 1, go on in place; ``sums`` (N, k) gets Σ log of their stretching, ``reaches`` (N,) the
    largest distance of the first d entries from ``rest`` (N, d); NaN where a state is not finite. ``run`` is the "turned"
    function of `stretch`, without tangents that of `settle`.
    """
    task, turned = Ensemble(memory), tangents.shape[1]
    b, n, d, weights = task.block, task.d, states.shape[1], kicks.shape[1]
    size = n + 1 + 2 * turned
    here, there, p = np.zeros((size, b)), np.zeros((size, b)), lane_parameters(task)
    products, image, norms = np.ones((turned, b)), np.empty((turned, d)), np.empty(turned)
    rows, row, centre = np.empty((2, n)), own_parameters(task), np.zeros((weights, b))
    p[0] = 1
    for begin in range(first, last, b):
        count, products[:] = min(b, last - begin), 1.0
        lost, reach = np.zeros(count), np.zeros(count)
        load(task, here, p, states, parameters, begin, count)
        for k in range(count):
            for i in range(turned * d):
                here[d + i, k] = tangents[begin + k, i // d, i % d]
            for i in range(weights):
                centre[i, k] = rest[begin + k, i]
            for a in range(turned):
                sums[begin + k, a] = 0.0
        for t in range(kicks.shape[0]):
            if task.lanes > 0 and count >= FEW:
                call(task.run, pointer(here, 0), pointer(p, 0), pointer(there, 0))
            else:
                for k in range(count):
                    turn_alone(task, d, row, parameters, begin + k, rows, here, k, there, 1, image, norms)
            kick(there, there[n], sizes, kicks[t], centre, begin, lost, reach)
            if turned > 0:
                add_up(there, n, products, sums[begin : begin + count], np.inf, t == kicks.shape[0] - 1)
            here, there = there, here
        for k in range(count):
            reaches[begin + k] = reach[k] + lost[k]
            for i in range(d):
                states[begin + k, i] = here[i, k]
            for i in range(turned * d):
                tangents[begin + k, i // d, i % d] = here[d + i, k]
