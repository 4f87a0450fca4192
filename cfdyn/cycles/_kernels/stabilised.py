"""Convergence to points of cycles from any start, by transformed maps under which cycles of every kind attract."""

from cfdyn.cycles._kernels.krawczyk import invert
from cfdyn.machine.jit import kernel, pointer


@kernel
def iterate_with_jacobian(step, jacobian, p, x, n, escape, slopes, work, product) -> bool:
    """fⁿ(x) in row 1 of ``work`` and with ``slopes`` its Jacobian in ``product``; False if the orbit leaves [-escape, escape]."""
    d, pp, width = x.size, pointer(p, 0), work.shape[1]
    for k in range(d):
        work[0, k] = x[k]
        for m in range(d):
            product[k, m] = 1.0 if k == m else 0.0
    for _ in range(n):
        step(pointer(work, 0), pp, pointer(work, width))
        if slopes:
            jacobian(pointer(work, 0), pp, pointer(work, 2 * width))
        for m in range(d if slopes else 0):
            for k in range(d):
                total = 0.0
                for j in range(d):
                    total += work[2, d * k + j] * product[j, m]
                work[3, k] = total
            for k in range(d):
                product[k, m] = work[3, k]
        for k in range(d):
            if not abs(work[1, k]) <= escape:
                return False
            work[0, k] = work[1, k]
    return True


@kernel
def converge(step, jacobian, p, starts, turn, strength, implicit, n, iterations, tolerance, escape, work, product, exchanged,
           found) -> int:  # fmt: skip
    """One rule with g = fⁿ(x) − x from each start, a row; how many came to rest.

    x ← x + (β |g| Cᵀ − Dg)⁻¹ g, or x ← x + β C g if not ``implicit``. ``found``: where, in its first rows; ``turn``: C, of
    signs and exchanges; ``strength``: β, where 0 makes the first rule Newton's method.
    """
    count, d = 0, starts.shape[1]
    for row in range(starts.shape[0]):
        x = found[count]
        for k in range(d):
            x[k] = starts[row, k]
        for _ in range(iterations):
            if not iterate_with_jacobian(step, jacobian, p, x, n, escape, implicit, work, product):
                break
            size, scale = 0.0, 1e-3
            for k in range(d):
                work[3, k] = work[1, k] - x[k]
                size, scale = max(size, abs(work[3, k])), max(scale, abs(x[k]))
            if size <= tolerance * scale:
                count += 1
                break
            if not rule_matrix(turn, strength, size, implicit, product, exchanged):
                break
            for k in range(d):
                for m in range(d):
                    x[k] += product[k, m] * work[3, m]
        if count == found.shape[0]:
            break
    return count


@kernel
def rule_matrix(turn, strength, size, implicit, product, exchanged) -> bool:
    """The matrix of the rule in place of the Jacobian of fⁿ; False: singular."""
    d = turn.shape[0]
    for k in range(d):
        product[k, k] -= 1.0
        for m in range(d):
            product[k, m] = strength * size * turn[m, k] - product[k, m] if implicit else strength * turn[k, m]
    return invert(d, product, exchanged) if implicit else True
