"""The growth of a manifold from its saddle, point by point, with a spacing adapted to its curvature."""

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Real, Rule
from cfdyn.machine.jit import call, kernel, spliced
from cfdyn.manifolds._kernels.arm import Arm

LONG_ENOUGH, FULL, AWAY, STUCK, SETTLED = 1, 2, 3, 4, 5
FASTER, SLOWER, SHARE = 2.0, 0.3, 0.9  # the next step is at most, at least, and usually so many times what is allowed
STILL = 1e-9  # units: a domain from s to λs that is no longer is at rest
FINEST = 1e-15  # of s: shorter steps are round-off


class Growth(Block):
    """How far and how finely to grow: ``place`` finds a point of the arm.

    Two points are at most ``longest`` apart and the tangent turns by at most ``angle`` between them, or by so much that the
    chord is off by about ``flat``; all in units of the arm, and times 1 + the distance outside the ``box`` (d, 2). Growth ends
    where the curve inside it has ``length``, or at the distance ``far`` from it. ``first``: step in s, with its sign; ``grown``:
    the length so far, ``old``: the last point with its derivatives.
    """

    d = Integer()
    place = Rule()
    first, longest, angle, flat, length, far, grown, gap, turn, beyond = Real.several(10)
    box = Array("d", 2)
    old = Array("3", "d")


@spliced
def compare(b, g, ds) -> bool:
    """Whether the arm's point is near enough to the old one; ``gap``, ``turn`` and ``beyond`` of the pair."""
    gap, before, after, product, beyond = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(b.d):
        unit = b.unit[i]
        gap += ((b.curve[0, i] - g.old[0, i]) / unit) ** 2
        before += (g.old[1, i] / unit) ** 2
        after += (b.curve[1, i] / unit) ** 2
        product += g.old[1, i] / unit * b.curve[1, i] / unit
        beyond = max(beyond, (g.box[i, 0] - b.curve[0, i]) / unit, (b.curve[0, i] - g.box[i, 1]) / unit)
    speed = np.sqrt(max(before, after))
    g.gap, g.beyond = np.sqrt(gap), beyond
    g.turn = np.arccos(max(-1.0, min(1.0, product / np.sqrt(before * after))))
    room = g.longest * (1.0 + beyond)
    near = g.gap <= room and speed * abs(ds) <= 2.0 * room + 1e-6
    return near and (g.turn <= g.angle or g.gap * g.turn <= g.flat * (1.0 + beyond))


@spliced
def accept(b, g, row) -> None:
    """The arm's point becomes a row s, x and the one that the next is compared with."""
    inside, length = True, 0.0
    for i in range(b.d):
        length += (b.curve[0, i] - g.old[0, i]) ** 2
        inside = inside and g.box[i, 0] <= b.curve[0, i] <= g.box[i, 1]
        row[1 + i] = b.curve[0, i]
        for k in range(3):
            g.old[k, i] = b.curve[k, i]
    g.grown += np.sqrt(length) if inside else 0.0
    row[0] = b.at = b.s
    if b.inverse == 1:
        b.links = b.tried
        for j in range(b.tried + 1):
            for i in range(b.d):
                b.chain[j, i], b.slopes[j, i] = b.trial[j, i], b.tilts[j, i]


@kernel
def grow(memory, settings, table) -> tuple[int, int]:
    """Fill the table with rows s, x from the arm's accepted point on, which is the first; their number, and why it ends."""
    b, g = Arm(memory), Growth(settings)
    count, ds, rounds, travelled = 1, g.first, 0, 1.0
    while count < table.shape[0]:
        b.s = b.at + ds
        call(g.place, b, b.p, b.curve)
        if b.answer == 0 or not compare(b, g, ds):
            ds *= 0.5
            if abs(ds) <= FINEST * abs(b.at) or abs(ds) < 1e-300:
                return count, STUCK
            continue
        accept(b, g, table[count])
        count += 1
        travelled += g.gap
        if b.tried > rounds:
            if travelled < STILL:
                return count, SETTLED
            rounds, travelled = b.tried, 0.0
        if g.grown >= g.length:
            return count, LONG_ENOUGH
        if g.beyond > g.far:
            return count, AWAY
        room = g.longest * (1.0 + g.beyond)
        calm = max(g.angle / max(g.turn, 1e-12), g.flat * (1.0 + g.beyond) / max(g.turn * g.gap, 1e-300))
        ds *= max(SLOWER, min(FASTER, SHARE * min(room / max(g.gap, 1e-300), calm)))
        # A domain from s to λs is never passed over.
        if abs(ds) > 0.25 * abs(b.growth) * abs(b.at) > 0.0:
            ds *= 0.25 * abs(b.growth) * abs(b.at) / abs(ds)
    return count, FULL
