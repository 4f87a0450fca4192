"""Loops that iterate a map: store it, run it on, measure its stretching, scan its parameters."""

import numpy as np

from cfdyn.machine.jit import inline_kernel, kernel, pointer

DONE, DIVERGED, LEFT_DOMAIN = 0, 1, 2
CHAOTIC, UNSETTLED, ESCAPED = -1, -2, -3
MOST, TINY, LEFT = 8, 1e-100, 1e-8  # steps between two QR; lengths beyond TINY or its inverse, or less LEFT of one, lose digits


@inline_kernel
def outside(orbit, row, escape) -> int:
    """DONE, or why this row is not acceptable: too large, or NaN out of a moderate row before it."""
    d = orbit.shape[1]
    for k in range(d):
        if not abs(orbit[row, k]) <= escape:
            for j in range(d):
                if np.isnan(orbit[row, j]):
                    for i in range(d):
                        if abs(orbit[row - 1, i]) > 1e100:
                            return DIVERGED
                    return LEFT_DOMAIN
            return DIVERGED
    return DONE


@inline_kernel
def copy(source, target) -> None:
    """target = source; a loop compiles ten times faster than a slice assignment."""
    for k in range(source.size):
        target[k] = source[k]


@kernel
def iterate(step, p, escape, orbit) -> tuple[int, int]:
    """Fill rows 1… of ``orbit`` (n+1, D) from row 0; returns (steps done, status)."""
    pp, d = pointer(p, 0), orbit.shape[1]
    for i in range(orbit.shape[0] - 1):
        step(pointer(orbit, i * d), pp, pointer(orbit, i * d + d))
        status = outside(orbit, i + 1, escape)
        if status != DONE:
            return i + 1, status
    return orbit.shape[0] - 1, DONE


@kernel
def advance(step, z, p, n, escape) -> tuple[int, int]:
    """Run ``z`` (D,) on in place for n steps; returns (steps done, status)."""
    # Each state gets a row of its own: going back and forth between two stalls the processor at every read.
    block = max(2, min(n, 64, 4096 // z.size))
    rows = np.empty((block + 1, z.size))
    done = 0
    while done < n:
        copy(z, rows[0])
        ran, status = iterate(step, p, escape, rows[: min(n - done, block) + 1])
        done += ran
        copy(rows[ran], z)
        if status != DONE:
            return done, status
    return n, DONE


@inline_kernel
def length(row) -> float:
    """Euclidean norm."""
    total = 0.0
    for k in range(row.size):
        total += row[k] * row[k]
    return np.sqrt(total)


@inline_kernel
def remove(row, direction) -> None:
    """Subtract from ``row`` its part along a unit vector."""
    total = 0.0
    for k in range(row.size):
        total += row[k] * direction[k]
    for k in range(row.size):
        row[k] -= total * direction[k]


@inline_kernel
def orthonormalise(q, norms) -> None:
    """Gram–Schmidt on the rows of ``q`` (k, D), twice for accuracy; ``norms`` gets their lengths."""
    for a in range(q.shape[0]):
        row, before = q[a], length(q[a])
        for _ in range(2):
            for b in range(a):
                remove(row, q[b])
        norms[a] = length(row)
        # What is left of a dependent row is round-off: give it some direction and length zero.
        if norms[a] <= 1e-14 * before or norms[a] == 0.0:
            norms[a] = 0.0
            for k in range(row.size):
                row[k] = 1.0 if k == a else 0.0
            for b in range(a):
                remove(row, q[b])
        scale = max(length(row), 1e-300)
        for k in range(row.size):
            row[k] /= scale


@inline_kernel
def lossy(q, norms, before) -> bool:
    """True if rows that were orthogonalised had grown too much or too little, or nearly along one another, to keep digits."""
    for a in range(q.shape[0]):
        if not (TINY < norms[a] < 1.0 / TINY and norms[a] >= LEFT * before[a]):
            return True
    return False


@inline_kernel
def push(matrix, rows, out) -> None:
    """The images of the rows (k, D) under a matrix (D²,), row by row."""
    d = rows.shape[1]
    for a in range(rows.shape[0]):
        for r in range(d):
            total = 0.0
            for c in range(d):
                total += matrix[r * d + c] * rows[a, c]
            out[a, r] = total


@inline_kernel
def add_logarithms(norms, products, sums, last) -> None:
    """sums += log norms, each a logarithm of a product of several lengths, as these are dear; at the last, of what there is."""
    for a in range(norms.size):
        products[a] *= norms[a]
        if last or not TINY < products[a] < 1.0 / TINY:
            sums[a] += np.log(products[a])
            products[a] = 1.0


@kernel
def stretch(step, jacobian, by_products, z, p, n, q, sums) -> int:
    """Push the tangent rows ``q`` (k, D) along n steps from ``z`` (in place).

    ``jacobian``: the rule of the matrix, or, with ``by_products``, of its product with a tangent behind the state.
    ``sums`` (k,) gets Σ log of the stretching of each row. Returns the number of finite steps. Rows are made orthonormal every
    few steps, in turn more seldom and, where digits would be lost, anew with fewer steps.
    """
    d, k = z.size, q.shape[0]
    rows = min(MOST, n) + 1
    states, tangents = np.empty((rows, d)), np.empty((rows, k, d))
    norms, before, products, matrix = np.empty(k), np.empty(k), np.ones(k), np.empty(2 * d if by_products else d * d)
    pp, pj = pointer(p, 0), pointer(matrix, 0)
    done, longest = 0, 1
    while done < n:
        piece = min(longest, n - done)
        copy(z, states[0])
        for a in range(k):
            copy(q[a], tangents[0, a])
        for t in range(piece):
            if by_products:
                copy(states[t], matrix[:d])
                for a in range(k):
                    copy(tangents[t, a], matrix[d:])
                    jacobian(pj, pp, pointer(tangents, ((t + 1) * k + a) * d))
            else:
                jacobian(pointer(states, t * d), pp, pj)
                push(matrix, tangents[t], tangents[t + 1])
            step(pointer(states, t * d), pp, pointer(states, (t + 1) * d))
            for r in range(d):
                if not np.isfinite(states[t + 1, r]):
                    return done + t
        image = tangents[piece]
        for a in range(k):
            before[a] = length(image[a])
        orthonormalise(image, norms)
        if piece > 1 and lossy(image, norms, before):
            longest = piece // 2
            continue
        add_logarithms(norms, products, sums, done + piece == n)
        for a in range(k):
            copy(image[a], q[a])
        copy(states[piece], z)
        done, longest = done + piece, min(2 * longest, MOST)
    return n


@inline_kernel
def least_return(orbit, max_period, tolerance, floor) -> int:
    """The smallest lag p at which the stored orbit repeats, judged on its last max_period rows; 0 if none.

    A shorter lag that nearly repeats (to 10⁴ tolerances) makes the answer 0: a slowly converging
    orbit looks like twice its period. Returns count relative to the orbit's size, at least ``floor``:
    what has decayed to round-off around 0 repeats by rounding alone.
    """
    n, d = orbit.shape
    size = floor
    for i in range(n - max_period, n):
        for k in range(d):
            size = max(size, abs(orbit[i, k]))
    for lag in range(1, max_period + 1):
        worst = 0.0
        for i in range(n - max_period, n):
            for k in range(d):
                worst = max(worst, abs(orbit[i, k] - orbit[i - lag, k]))
            if worst > 1e4 * tolerance * size:
                break
        if worst <= tolerance * size:
            return lag
        if worst <= 1e4 * tolerance * size:
            return 0
    return 0


@inline_kernel
def largest(orbit, first, last) -> float:
    """max |entry| over rows first…last−1: an orbit on its way to infinity is not chaotic."""
    size = 0.0
    for i in range(first, last):
        for k in range(orbit.shape[1]):
            size = max(size, abs(orbit[i, k]))
    return size


@kernel
def scan(step, jacobian, starts, parameters, transient, max_period, tolerance, escape, labels, exponents, tails) -> None:
    """The long-time behaviour for each row of ``parameters`` (N, n_p), from the row of ``starts`` (N, D).

    ``labels`` (N,): the period (≤ max_period), or CHAOTIC, UNSETTLED, ESCAPED. ``exponents`` (N,):
    the largest Lyapunov exponent over 2 max_period steps, or an eighth of the transient where nothing repeats and that is
    more. ``tails`` (N, 2 max_period, D): the rows kept.
    """
    n_parameters, d = starts.shape
    q, sums, z = np.empty((1, d)), np.empty(1), np.empty(d)
    by_products = d < 0  # never; a literal False would compile `stretch` once more
    for i in range(n_parameters):
        p, tail = parameters[i], tails[i]
        copy(starts[i], z)
        labels[i], exponents[i] = ESCAPED, np.nan
        if advance(step, z, p, transient, escape)[1] != DONE:
            continue
        copy(z, tail[0])
        if iterate(step, p, escape, tail)[1] != DONE:
            continue
        floor = 1e-290
        for k in range(d):
            floor = max(floor, 1e-3 * abs(starts[i, k]))
        period, window = least_return(tail, max_period, tolerance, floor), tail.shape[0]
        steps = window if period > 0 else max(window, transient // 8)
        for k in range(d):
            q[0, k] = 1.0 / np.sqrt(d)
        # The first stretch only turns the tangent vector into the fastest direction.
        stretch(step, jacobian, by_products, z, p, window, q, sums)
        sums[0] = 0.0
        stretch(step, jacobian, by_products, z, p, steps, q, sums)
        exponents[i] = sums[0] / steps
        if period > 0:
            labels[i] = period
        else:
            settled = largest(tail, window // 2, window) <= 2.0 * largest(tail, 0, window // 2)
            labels[i] = CHAOTIC if exponents[i] > 0.02 and settled else UNSETTLED
