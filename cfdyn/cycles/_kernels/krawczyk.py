"""Does a chain of boxes contain exactly one closed orbit, or none? Krawczyk's test on x_{i+1} = f(x_i) for all i at once."""

from cfdyn.cycles._kernels.segments import ROUND, bounded, intersect, short_kernel
from cfdyn.machine.jit import call

NONE, OPEN, ONE = -1, 0, 1
WIDER, TINY = 1.2, 1e-13


@short_kernel
def invert(n, a, exchanged) -> bool:
    """The inverse of a matrix (n, n) in place, by Gauss and Jordan with row exchanges (n,); False: singular."""
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        if not abs(a[best, k]) > 0.0:
            return False
        exchanged[k] = best
        inverse = 1.0 / a[best, k]
        for j in range(n):
            entry = a[best, j]
            a[best, j] = a[k, j]
            a[k, j] = entry * inverse
        a[k, k] = inverse
        for i in range(n):
            multiple = a[i, k]
            if i != k and multiple != 0.0:
                a[i, k] = 0.0
                for j in range(n):
                    a[i, j] -= multiple * a[k, j]
    for k in range(n - 1, -1, -1):
        best = exchanged[k]
        for i in range(n):
            entry = a[i, k]
            a[i, k] = a[i, best]
            a[i, best] = entry
    return True


@short_kernel
def assemble(c) -> bool:
    """The matrix of the middle slopes on the wider boxes, and all about the unknowns; False where the slopes have no bounds."""
    n, d, x, middle, radius, matrix = c.n, c.d, c.x, c.middle, c.radius, c.matrix
    point, value, slopes, defect, spread = c.point, c.value, c.slopes, c.defect, c.spread
    for a in range(n * d):
        lo, hi = x[a // d, 2 * (a % d)], x[a // d, 2 * (a % d) + 1]
        middle[a], radius[a] = 0.5 * lo + 0.5 * hi, WIDER * 0.5 * (hi - lo) + c.tiny + TINY * abs(lo + hi)
        for b in range(n * d):
            matrix[a, b] = 0.0
    for i in range(n):
        after = d * (i + 1) if i + 1 < n else 0
        for k in range(d):
            point[2 * k] = point[2 * k + 1] = middle[d * i + k]
        call(c.step, point, c.p, value)
        for k in range(d):
            point[2 * k] -= radius[d * i + k]
            point[2 * k + 1] += radius[d * i + k]
        call(c.jacobian, point, c.p, slopes)
        if not bounded(slopes, 2 * d * d) or not bounded(value, 2 * d):
            return False
        for k in range(d):
            row, goal = d * i + k, middle[after + k]
            lo, hi = value[2 * k] - goal, value[2 * k + 1] - goal
            defect[row], spread[row] = 0.5 * (lo + hi), 0.5 * (hi - lo) + ROUND * abs(goal)
            for m in range(d):
                low, high = slopes[2 * (d * k + m)], slopes[2 * (d * k + m) + 1]
                matrix[row, d * i + m] += 0.5 * (low + high)
                spread[row] += 0.5 * (high - low) * radius[d * i + m]
            matrix[row, after + k] -= 1.0
    return True


@short_kernel
def row_error(c, a) -> float:
    """Σ_b |1 − Y M|_ab r_b with Y the inverse of M: only round-off. A column of M has D + 1 entries, so that few are read."""
    n, d, inverse, matrix, radius, total = c.n * c.d, c.d, c.inverse, c.matrix, c.radius, 0.0
    for b in range(n):
        own = b - b % d
        entry = 1.0 if a == b else 0.0
        for row in range(own, own + d):
            entry -= inverse[a, row] * matrix[row, b]
        if n > d:
            before = b - d if own else n - d + b
            entry -= inverse[a, before] * matrix[before, b]
        total += abs(entry) * radius[b]
    return total


@short_kernel
def invert_matrix(c) -> bool:
    """The inverse beside the matrix; False: singular."""
    for a in range(c.n * c.d):
        for b in range(c.n * c.d):
            c.inverse[a, b] = c.matrix[a, b]
    return invert(c.n * c.d, c.inverse, c.exchanged)


@short_kernel
def krawczyk(c) -> int:
    """ONE orbit in the chain made a fifth wider, NONE in the chain, or OPEN and the chain cut.

    K = m − Y F(m) + (1 − Y F′(X)) (X − m) with Y an inverse of the middle of F′(X); K in the inside of X proves ONE.
    """
    d, inverse, defect, spread, answer, within = c.d, c.inverse, c.defect, c.spread, c.answer, c.within
    n, inside = d * c.n, True
    if not (assemble(c) and invert_matrix(c)):
        return OPEN
    for a in range(n):
        shift, far, size = 0.0, row_error(c, a), abs(c.middle[a])
        for b in range(n):
            shift += inverse[a, b] * defect[b]
            far += abs(inverse[a, b]) * spread[b]
            size += abs(inverse[a, b] * defect[b])
        far += ROUND * (size + far)
        inside = inside and abs(shift) + far < c.radius[a]
        answer[a], within[a] = c.middle[a] - shift, far
    if inside:
        return ONE
    for a in range(n):
        if intersect(c.x, a // d, a % d, answer[a] - within[a], answer[a] + within[a]) < 0:
            return NONE
    return OPEN


@short_kernel
def repeats(c, shift) -> bool:
    """True if every closed orbit in the chain certainly repeats itself after ``shift`` steps, a divisor of its n.

    The differences δ_i = x_{i+shift} − x_i obey δ_{i+1} = A_i δ_i with A_i among the slopes over the hull of both boxes, and
    δ_0 + δ_shift + δ_{2 shift} + … = 0. Where this system is regular they are 0, although the orbits themselves may be many.
    """
    n, d, x, point, slopes, matrix, spread = c.n, c.d, c.x, c.point, c.slopes, c.matrix, c.spread
    for a in range(n * d):
        spread[a] = 0.0
        for b in range(n * d):
            matrix[a, b] = 0.0
    for i in range(n - 1):
        j = (i + shift) % n
        for k in range(d):
            point[2 * k], point[2 * k + 1] = min(x[i, 2 * k], x[j, 2 * k]), max(x[i, 2 * k + 1], x[j, 2 * k + 1])
        call(c.jacobian, point, c.p, slopes)
        if not bounded(slopes, 2 * d * d):
            return False
        for row in range(d * d):
            low, high, k = slopes[2 * row], slopes[2 * row + 1], d * i + row // d
            matrix[k, d * i + row % d] = 0.5 * (low + high)
            spread[k] += 0.5 * (high - low)
        for k in range(d):
            matrix[d * i + k, d * (i + 1) + k] = -1.0
    for b in range(0, n, shift):
        for k in range(d):
            matrix[d * (n - 1) + k, d * b + k] = 1.0
    return invert_matrix(c) and contracts(c)


@short_kernel
def contracts(c) -> bool:
    """True if |1 − (inverse · matrix)| and |inverse| times the spread of each row add up to less than 1."""
    n, inverse, matrix, spread = c.n * c.d, c.inverse, c.matrix, c.spread
    for a in range(n):
        total = ROUND * n
        for b in range(n):
            total += abs(inverse[a, b]) * spread[b]
        for b in range(n):
            entry = 1.0 if a == b else 0.0
            for row in range(n):
                entry -= inverse[a, row] * matrix[row, b]
            total += abs(entry)
        if not total < 1.0:
            return False
    return True
