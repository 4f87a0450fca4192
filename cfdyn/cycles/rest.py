"""Fixed points of an optimizer whose state has no derivative there: the root of an average of squares."""

import numpy as np

from cfdyn.systems.map import Map

TINY = 1e-60  # of an average of squares: its root is far below any ε
LIMIT, AGREE = 100.0, 1e-4  # so many times that, the limit is looked at again; by so much of itself it may differ
SETTLES, STAYS = 10, 1e-9  # rounds of Newton's method for the state; an entry that a step changes by less stays
ULPS = 16  # units in the last place by which weights are moved to see what of the state is round-off
MOVES = 30  # rounds for the weights
NEAR, MOST_CHANGE = 1e-6, 2.0  # of the size of the weights: so near to it slopes of a smooth map are within that factor
NEGLIGIBLE = 1e-3  # of the largest: slopes of a weight on which the loss hardly depends
ASIDE = (1e-3, 1e-2, 1e-1)  # of the size of a weight: where it is looked at what moves it back to a minimum
SMALL, BESIDE = 1e-20, 1e-3  # an accumulator, and how far beside the minimum it is driven


def settled(step: Map, z: np.ndarray) -> np.ndarray:
    """The state (D,) where all entries behind the weights have come to rest, the weights held: averages, decays at their limit.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.1))
    >>> settled(step, step.state([2.0])).round(12)  # m = g, v = g², both decays over
    array([2., 2., 4., 0., 0.])
    """
    d, z = step.n_weights, _settled(step, z)
    if step.dim > d:
        # A gradient of 1e-17 is round-off, and its square no average of squares: that of weights beside it is as large.
        beside = z.copy()
        beside[:d] += ULPS * np.spacing(1.0 + np.abs(z[:d])) * np.cos(np.arange(d))
        z[d:][np.abs(z[d:]) <= np.abs(_settled(step, beside) - z)[d:]] = 0.0
    return z


def _settled(step: Map, z: np.ndarray) -> np.ndarray:
    z, d = z.copy(), step.n_weights
    for _ in range(SETTLES if step.dim > d else 0):
        defect = (step(z) - z)[d:]
        block = step.jacobian(z)[d:, d:]
        # What does not move by itself stays: any value of it may be a fixed point.
        moving = np.flatnonzero(defect)
        if not (np.isfinite(defect).all() and np.isfinite(block).all()) or not len(moving):
            break
        block = block[np.ix_(moving, moving)]
        z[d + moving] += np.linalg.lstsq(np.eye(len(moving)) - block, defect[moving], rcond=1e-14)[0]
    return z


def limit_matrix(step: Map, z: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The Jacobian (k, k) of the entries (k,) of a state at rest that decide its stability; None where there is none.

    Where it is not finite, because a root is taken of an entry v = 0, that entry is s² and s → 0. s⁺ is of the size of s and
    the gradient, and the others depend on s in second order only: they decouple, and s follows them.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.rmsprop(lr=0.1, eps=0.25))
    >>> limit_matrix(step, np.array([0.0, 0.0]))  # 1 − lr/ε
    (array([[0.6]]), array([0]))
    """
    d, matrix = step.n_weights, step.jacobian(z)
    if np.isfinite(matrix).all():
        return matrix, np.arange(step.dim)
    roots = np.array([k for k in range(d, step.dim) if not np.isfinite(matrix[:, k]).all()])
    if not len(roots) or (z[roots] != 0).any():
        return None
    others = np.setdiff1d(np.arange(step.dim), roots)
    # The gradient that round-off leaves is not taken for one.
    small = max(TINY, float(np.abs(step(z)[roots]).max()))
    blocks = []
    for size in (small, LIMIT * small):
        beside = z.copy()
        beside[roots] = size
        matrix = step.jacobian(beside)
        blocks.append(matrix[np.ix_(others, others)])
        coupling = 2 * np.sqrt(size) * np.abs(matrix[np.ix_(others, roots)]).max()
    difference, largest = np.abs(blocks[1] - blocks[0]).max(), np.abs(blocks[0]).max()
    good = np.isfinite(blocks).all() and max(difference, coupling) <= AGREE * largest
    return (blocks[0], others) if good else None


def rest(step: Map, z: np.ndarray) -> np.ndarray:
    """The fixed point (D,) beside a state, by Newton's method for the weights, the rest of the state settled for each of them.

    What comes nearest to one where there is none. Decoupled decay pulls it off the minimum:

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("(w-1)**2/2"), cf.optimizers.adamw(lr=0.1, eps=0.25, weight_decay=0.5))
    >>> rest(step, step.state([1.0]))[:3].round(6)  # m/(√v + ε) = −w/2
    array([ 0.824609, -0.175391,  0.030762])
    """
    d, z = step.n_weights, settled(step, z)
    moved = (step(z) - z)[:d]
    for _ in range(MOVES):
        slope = _slope(step, z) if moved.any() else None
        if slope is None or not np.isfinite(slope).all():
            break
        beside = z.copy()
        beside[:d] -= np.linalg.lstsq(slope, moved, rcond=1e-9)[0]
        beside = settled(step, beside)
        further = (step(beside) - beside)[:d]
        if not np.abs(further).max() < np.abs(moved).max():
            break
        z, moved = beside, further
    return z


def _slope(step: Map, z: np.ndarray) -> np.ndarray | None:
    """The derivative (d, d) of a step's change of the weights with respect to them, the state behind them settled."""
    limit = limit_matrix(step, z)
    if limit is None:
        return None
    matrix, d = limit[0], step.n_weights
    behind = np.linalg.lstsq(np.eye(len(matrix) - d) - matrix[d:, d:], matrix[d:, :d], rcond=1e-14)[0]
    return matrix[:d, :d] - np.eye(d) + matrix[:d, d:] @ behind


def steady_slopes(step: Map, z: np.ndarray) -> bool:
    """True if the slopes of each weight's step, at rest, are finite and about as large beside it: no root is taken near 0.

    >>> import cfdyn as cf
    >>> loss = cf.Loss("w**2/2")
    >>> outside, inside = (cf.as_map(loss, cf.optimizers.rmsprop(lr=0.1, eps_inside=which)) for which in (False, True))
    >>> steady_slopes(outside, outside.state([0.0])), steady_slopes(inside, inside.state([0.0]))
    (False, True)
    """
    d, beside = step.n_weights, z.copy()
    beside[:d] += NEAR * (1 + np.abs(z[:d])) * np.cos(np.arange(d))
    # Of what is added to the weights: the slope of their new values may be 0, and that of one weight hides another's.
    states = (z, settled(step, beside))
    here, there = (np.abs(step.jacobian(state)[:d, :d] - np.eye(d)).max(axis=1) for state in states)
    least = NEGLIGIBLE * np.maximum(here, there).max()
    return bool(np.all(there <= MOST_CHANGE * here + least) and np.all(here <= MOST_CHANGE * there + least))


def pulled_off(step: Map, z: np.ndarray) -> tuple[float, float] | None:
    """By how much a step moves a weight at a minimum, because it decays, and the most that it moves it back from beside; None
    where that is more, so that it may rest there. z (D,) is a state at the minimum; the most of three distances on both sides.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("(w-3)**2"), cf.optimizers.adamw(lr=0.1, weight_decay=0.5))
    >>> [round(move, 6) for move in pulled_off(step, step.state([3.0]))]  # η d|w| and η
    [0.15, 0.1]
    """
    d, here = step.n_weights, settled(step, z)
    decay = (step(here) - here)[:d]
    for k in np.flatnonzero(decay):
        most = 0.0
        for share in ASIDE:
            for sign in (1, -1):
                beside = z.copy()
                beside[k] += sign * share * (1 + abs(z[k]))
                beside = settled(step, beside)
                # What decay makes of the distance itself is a share of it.
                move = (step(beside) - beside)[k] - decay[k] * (beside[k] / z[k] if z[k] else 1.0)
                most = max(most, float(-move * np.sign(decay[k])))
        if most < abs(decay[k]) * (1 - AGREE):
            return float(abs(decay[k])), float(most)
    return None


def never_falling(step: Map, z: np.ndarray) -> tuple[str, ...]:
    """The names of accumulators: entries that stay at any value where the state (D,) rests, and rise beside it.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adagrad(lr=0.1))
    >>> never_falling(step, step.state([0.0]))
    ('nu_w',)
    """
    d, names = step.n_weights, []
    push = BESIDE * (1 + np.abs(z[:d]).max())
    for k in range(d, step.dim):
        values = z[k] + max(SMALL, abs(z[k])) * np.array([1.0, 2.0])
        states = np.array([np.where(np.arange(step.dim) == k, value, z) for value in values])
        if any(abs(step(state)[k] - state[k]) > STAYS * abs(state[k]) for state in states):
            continue
        aside = [states[0] + sign * push * (np.arange(step.dim) < d) for sign in (1, -1)]
        if all(step(state)[k] > state[k] for state in aside):
            names.append(step.names[k])
    return tuple(names)
