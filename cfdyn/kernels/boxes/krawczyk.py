"""Does a chain of boxes hold exactly one closed orbit, or none? Krawczyk's test on x_{i+1} = f(x_i) for all i at once.

``table`` (nD, 7) has for each unknown its middle, radius, defect, the defect's radius, the answer's middle and radius,
and the row that elimination exchanged.
"""

from cfdyn.kernels.boxes.segments import POINT, ROUND, SLOPES, VALUE, bounded, intersect, short_kernel
from cfdyn.machine.jit import pointer

NONE, OPEN, ONE = -1, 0, 1
WIDER, TINY = 1.2, 1e-13
MIDDLE, RADIUS, DEFECT, SPREAD, ANSWER, WITHIN, EXCHANGED = 0, 1, 2, 3, 4, 5, 6


@short_kernel
def invert(a, table) -> bool:
    """The inverse of a square matrix in place, by Gauss and Jordan with row exchanges; False: singular."""
    n = a.shape[0]
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        if not abs(a[best, k]) > 0.0:
            return False
        table[k, EXCHANGED] = best
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
        best = int(table[k, EXCHANGED])
        for i in range(n):
            entry = a[i, k]
            a[i, k] = a[i, best]
            a[i, best] = entry
    return True


@short_kernel
def assemble(step, jacobian, p, x, tiny, work, matrix, table) -> bool:
    """The matrix of the middle slopes on the wider boxes, and the table; False where the slopes have no bounds."""
    n, d, pp, width = x.shape[0], x.shape[1] // 2, pointer(p, 0), work.shape[1]
    for a in range(n * d):
        lo, hi = x[a // d, 2 * (a % d)], x[a // d, 2 * (a % d) + 1]
        table[a, MIDDLE], table[a, RADIUS] = 0.5 * lo + 0.5 * hi, WIDER * 0.5 * (hi - lo) + tiny + TINY * abs(lo + hi)
        for b in range(n * d):
            matrix[a, b] = 0.0
    for i in range(n):
        after = d * (i + 1) if i + 1 < n else 0
        for k in range(d):
            work[POINT, 2 * k] = work[POINT, 2 * k + 1] = table[d * i + k, MIDDLE]
        step(pointer(work, POINT * width), pp, pointer(work, VALUE * width))
        for k in range(d):
            work[POINT, 2 * k] -= table[d * i + k, RADIUS]
            work[POINT, 2 * k + 1] += table[d * i + k, RADIUS]
        jacobian(pointer(work, POINT * width), pp, pointer(work, SLOPES * width))
        if not bounded(work, SLOPES, 2 * d * d) or not bounded(work, VALUE, 2 * d):
            return False
        for k in range(d):
            row, goal = d * i + k, table[after + k, MIDDLE]
            lo, hi = work[VALUE, 2 * k] - goal, work[VALUE, 2 * k + 1] - goal
            table[row, DEFECT], table[row, SPREAD] = 0.5 * (lo + hi), 0.5 * (hi - lo) + ROUND * abs(goal)
            for m in range(d):
                low, high = work[SLOPES, 2 * (d * k + m)], work[SLOPES, 2 * (d * k + m) + 1]
                matrix[row, d * i + m] += 0.5 * (low + high)
                table[row, SPREAD] += 0.5 * (high - low) * table[d * i + m, RADIUS]
            matrix[row, after + k] -= 1.0
    return True


@short_kernel
def row_error(inverse, matrix, table, a, d) -> float:
    """What row a of 1 − (inverse · matrix) may add: only round-off, of a matrix with D + 1 entries in a column."""
    n, total = inverse.shape[0], 0.0
    for b in range(n):
        own = b - b % d
        entry = 1.0 if a == b else 0.0
        for row in range(own, own + d):
            entry -= inverse[a, row] * matrix[row, b]
        if n > d:
            before = b - d if own else n - d + b
            entry -= inverse[a, before] * matrix[before, b]
        total += abs(entry) * table[b, RADIUS]
    return total


@short_kernel
def krawczyk(step, jacobian, p, x, tiny, work, matrix, inverse, table) -> int:
    """ONE orbit in the chain made a fifth wider, NONE in the chain, or OPEN and the chain cut.

    K = m − Y F(m) + (1 − Y F′(X)) (X − m) with Y an inverse of the middle of F′(X); K in the inside of X proves ONE.
    """
    d = x.shape[1] // 2
    n = d * x.shape[0]
    if not assemble(step, jacobian, p, x, tiny, work, matrix, table):
        return OPEN
    for a in range(n):
        for b in range(n):
            inverse[a, b] = matrix[a, b]
    if not invert(inverse, table):
        return OPEN
    inside = True
    for a in range(n):
        shift, far, size = 0.0, row_error(inverse, matrix, table, a, d), abs(table[a, MIDDLE])
        for b in range(n):
            shift += inverse[a, b] * table[b, DEFECT]
            far += abs(inverse[a, b]) * table[b, SPREAD]
            size += abs(inverse[a, b] * table[b, DEFECT])
        far += ROUND * (size + far)
        inside = inside and abs(shift) + far < table[a, RADIUS]
        table[a, ANSWER], table[a, WITHIN] = table[a, MIDDLE] - shift, far
    if inside:
        return ONE
    for a in range(n):
        if intersect(x, a // d, a % d, table[a, ANSWER] - table[a, WITHIN], table[a, ANSWER] + table[a, WITHIN]) < 0:
            return NONE
    return OPEN


@short_kernel
def repeats(jacobian, p, x, shift, work, matrix, inverse, table) -> bool:
    """True if every closed orbit in the chain certainly repeats itself after ``shift`` steps, a divisor of its n.

    The differences δ_i = x_{i+shift} − x_i obey δ_{i+1} = A_i δ_i with A_i among the slopes over the hull of both boxes, and
    δ_0 + δ_shift + δ_{2 shift} + … = 0. Where this system is regular they are 0, although the orbits themselves may be many.
    """
    n, d, pp, width = x.shape[0], x.shape[1] // 2, pointer(p, 0), work.shape[1]
    for a in range(n * d):
        table[a, SPREAD] = 0.0
        for b in range(n * d):
            matrix[a, b] = 0.0
    for i in range(n - 1):
        for k in range(d):
            other = x[(i + shift) % n]
            work[POINT, 2 * k], work[POINT, 2 * k + 1] = min(x[i, 2 * k], other[2 * k]), max(x[i, 2 * k + 1], other[2 * k + 1])
        jacobian(pointer(work, POINT * width), pp, pointer(work, SLOPES * width))
        if not bounded(work, SLOPES, 2 * d * d):
            return False
        for row in range(d * d):
            low, high, k = work[SLOPES, 2 * row], work[SLOPES, 2 * row + 1], d * i + row // d
            matrix[k, d * i + row % d] = 0.5 * (low + high)
            table[k, SPREAD] += 0.5 * (high - low)
        for k in range(d):
            matrix[d * i + k, d * (i + 1) + k] = -1.0
    for b in range(0, n, shift):
        for k in range(d):
            matrix[d * (n - 1) + k, d * b + k] = 1.0
    for a in range(n * d):
        for b in range(n * d):
            inverse[a, b] = matrix[a, b]
    return invert(inverse, table) and contracts(inverse, matrix, table)


@short_kernel
def contracts(inverse, matrix, table) -> bool:
    """True if |1 − (inverse · matrix)| and |inverse| times the spread of each row add up to less than 1."""
    n = inverse.shape[0]
    for a in range(n):
        total = ROUND * n
        for b in range(n):
            total += abs(inverse[a, b]) * table[b, SPREAD]
        for b in range(n):
            entry = 1.0 if a == b else 0.0
            for c in range(n):
                entry -= inverse[a, c] * matrix[c, b]
            total += abs(entry)
        if not total < 1.0:
            return False
    return True
