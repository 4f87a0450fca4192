"""A tangency of Hénon's map with 60 digits, by another way than the package: straight lines at the saddle, forward and inverse steps."""

from __future__ import annotations

import mpmath as mp

FORWARD, BACKWARD = 90, 30  # steps: the straight pieces are then of length 1e-25 and 1e-24


def saddle(a, b):
    """The fixed point with x > 0, and its unstable and stable multipliers with their eigenvectors (μ, b)."""
    x = (b - 1 + mp.sqrt((1 - b) ** 2 + 4 * a)) / (2 * a)
    root = mp.sqrt(a * a * x * x + b)
    return (x, b * x), (-a * x - root, -a * x + root)


def unstable(a, b, s):
    """W_u(s) and its direction: s is the length at the saddle, to which the 90th image of a straight piece belongs."""
    (x, y), (mu, _) = saddle(a, b)
    small = s / mu**FORWARD
    x, y, dx, dy = x + small * mu, y + small * b, mu, b
    for _ in range(FORWARD):
        x, y, dx, dy = 1 - a * x * x + y, b * x, -2 * a * x * dx + dy, b * dx
    return x, y, dx, dy


def stable(a, b, t):
    """W_s(t) and its direction, by the inverse (x, y) ↦ (y/b, x − 1 + a y²/b²)."""
    (x, y), (_, mu) = saddle(a, b)
    small = t * mu**BACKWARD
    x, y, dx, dy = x + small * mu, y + small * b, mu, b
    for _ in range(BACKWARD):
        x, y, dx, dy = y / b, x - 1 + a * y * y / (b * b), dy / b, dx + 2 * a * y * dy / (b * b)
    return x, y, dx, dy


def tangency(a, b, s, t, digits=60):
    """(a, s, t) of the tangency near a start, s and t in units of eigenvectors of length 1."""
    with mp.workdps(digits):
        b = mp.mpf(b)

        def equations(a, s, t):
            one, other = unstable(a, b, s), stable(a, b, t)
            # The directions are of the size of the growth so far.
            turn = (one[2] * other[3] - one[3] * other[2]) / (mp.hypot(one[2], one[3]) * mp.hypot(other[2], other[3]))
            return [one[0] - other[0], one[1] - other[1], turn]

        # Of the eigenvector (μ, b) the unstable one points to smaller x, and the package's to larger.
        lengths = [way * mp.hypot(mu, b) for way, mu in zip((-1, 1), saddle(mp.mpf(a), b)[1], strict=True)]
        found = mp.findroot(
            equations, (mp.mpf(a), s / lengths[0], t / lengths[1]), tol=mp.mpf(10) ** (-2 * (digits - 25)), maxsteps=60
        )
        return found[0], found[1] * lengths[0], found[2] * lengths[1]


if __name__ == "__main__":
    for digits in (60, 75):
        print(mp.nstr(tangency(1.3924, "0.3", -2.3645, -116.738, digits)[0], 40))
