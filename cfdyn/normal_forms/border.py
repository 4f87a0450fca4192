"""The attractor near a corner of a map of one variable: that of x ↦ ax + μ, x < 0, and bx + μ, in closed form."""

import math
from typing import NamedTuple

LONGEST = 100_000  # the longest cycles that are searched for
SAME = 1e-12  # relative distance from a bifurcation of the normal form: closer ones are degenerate


class Beside(NamedTuple):
    """``kind``: "fixed point", "cycle", "chaos", "none" (no attractor nearby), "degenerate"; ``number``: period or bands."""

    kind: str
    number: int = 1


def beside_border(left: float, right: float) -> Beside:
    """The attractor for μ > 0, which the slopes alone determine: its size is proportional to μ. For μ < 0 exchange the slopes.

    With a on the left and b on the right f(0) = μ lies on the right, where the fixed point μ/(1 − b) attracts if |b| < 1;
    orbits diverge if b ≥ 1. If b < −1 there is for a < 0 a 2-cycle, stable if ab < 1, and for 0 < a < 1 a cycle of n points with
    one on the right if |b| > 1 + 1/a + … + a^(2−n), for one largest n, stable if |b| a^(n−1) < 1. Otherwise f is chaotic as long
    as orbits are bounded: every slope of a high iterate is above 1, so that no small change creates a stable cycle (robust
    chaos). Near the border fⁿ is again such a map, with slopes a^(n−2) b² and a^(n−1) b; as long as its orbits are bounded there
    are n times its bands.

    >>> [tuple(beside_border(0.5, b)) for b in (-0.9, -1.9, -3.5, -4.2)]
    [('fixed point', 1), ('cycle', 2), ('cycle', 3), ('chaos', 6)]

    Nusse & Yorke (1995), Int. J. Bifurcation Chaos 5, 189. Maistrenko, Maistrenko & Chua (1993), ibid. 3, 1557.
    """
    a, b = left, right
    equal = any(math.isclose(x, y, rel_tol=SAME) for x, y in ((b, 1), (b, -1), (a * b, 1)))
    if equal or not (math.isfinite(a) and math.isfinite(b)):
        return Beside("degenerate")
    if abs(b) < 1:
        return Beside("fixed point")
    if b > 1:
        return Beside("none")
    if a <= 0:
        return Beside("cycle", 2) if a * b < 1 else Beside("none")
    if a > 1 and b < -a / (a - 1):
        return Beside("none")
    period = _period(a, b)
    multiplier = -b * a ** (period - 1)
    if math.isclose(multiplier, 1, rel_tol=SAME):
        return Beside("degenerate")
    return Beside("cycle", period) if multiplier < 1 else Beside("chaos", _bands(a, b))


def _period(a: float, b: float) -> int:
    """The largest n for which there is a cycle with one point on the right; 2 if there is one for all n."""
    n, power, least = 2, 1.0, 1.0
    while a < 1 and n < LONGEST:
        power /= a
        least += power
        if -b <= least:
            break
        n += 1
    return n


def _bands(a: float, b: float) -> int:
    """The number of intervals of the chaotic attractor."""
    bands = 1
    while True:
        n = _period(a, b)
        a, b = a ** (n - 2) * b * b, a ** (n - 1) * b
        if not (b < -1 and b >= -a / (a - 1)):
            return bands
        bands *= n
