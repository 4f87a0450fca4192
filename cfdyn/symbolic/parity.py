"""Which entries of an optimizer's state take part in an oscillation of the weights."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.steps import optimizer_step
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Node, Program, Tape


def oscillating(step: LossMap) -> tuple[bool, ...]:
    """For each entry of the state whether it flips with the weights: these and momenta do, second moments and counters do not.

    An entry stays behind if its update is even: the same when weights, gradients and all other entries that flip
    change their signs together. That leaves out what only depends on squares of the gradient, on the number of the
    step, or on entries left out before. The formulas decide at a random point, whatever the loss.

    >>> import cfdyn as cf
    >>> adam = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.1))
    >>> dict(zip(adam.names, oscillating(adam.spec)))
    {'w': True, 'm_w': True, 'v_w': False, 'decay1': False, 'decay2': False}
    """
    n, d, tape = len(step.names), step.n_weights, Tape()
    leaves, parameters = tape.leaves("z", n + 2 * d), tape.named("p", step.params)
    gradients = [leaves[n : n + d], leaves[n + d :]]

    def slope(weights: Sequence[Node]) -> list[Node]:
        return gradients[0] if list(weights) == leaves[:d] else gradients[1]

    after = optimizer_step(tape, step.loss, step.optimizer, leaves[:n], parameters, slope)
    algebra, random = mp_algebra(20), np.random.default_rng(0)
    point, p = ([algebra.constant(Fraction(x)) for x in random.uniform(0.2, 0.9, k)] for k in (len(leaves), len(parameters)))

    def updated(entry: int, flipped: Sequence[bool]) -> object:
        z = [-x if flip else x for x, flip in zip(point, flipped, strict=True)]
        return evaluate(Program(tape, (after[entry],), len(z), len(p)), algebra, z, p)[0]

    flips, seen = [True] * len(leaves), [False] * len(leaves)
    before = {entry: updated(entry, seen) for entry in range(d, n)}
    while flips != seen:
        seen = list(flips)
        for entry in filter(flips.__getitem__, before):
            others = [flip and k != entry for k, flip in enumerate(seen)]
            flips[entry] = updated(entry, others) != before[entry]
    return tuple(flips[:n])
