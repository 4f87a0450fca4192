"""The cycle of a word along which a map of one variable expands, or falls: found at once, and shown to be the only one."""

from __future__ import annotations

from cfdyn.kernels.line import memory as at
from cfdyn.kernels.line.closing import keep
from cfdyn.kernels.line.laps import middle
from cfdyn.kernels.line.memory import value
from cfdyn.kernels.line.paths import SHARP, inverse
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

ROUGH = 1e-2  # an inverse as good as this is enough for a start
LITTLE, SETTLED = 0.2, 1e-2  # of the part of a lap: moved by so much a point takes one step of Newton's method, or none
ROUNDS = 3
WIDER = 2.0  # of what the slope at a point says, the distance in which bounds of it are tried; best where f is a square
MORE = 1.1  # by what distances must grow around a cycle


@inline_kernel
def part(w, m, k) -> tuple[float, float, float, float, bool]:
    """The part of the k-th lap of the word that is reached, the values at its ends, and whether it rises."""
    kept, image = m[at.KEPT] + 2 * k, m[at.IMAGES] + 2 * k + 2
    if w[m[at.ENDS] + at.LAP * m[m[at.WORD] + k] + 6] > 0.0:
        return w[kept], w[kept + 1], w[image], w[image + 1], True
    return w[kept], w[kept + 1], w[image + 1], w[image], False


@inline_kernel
def start(w, m, p, n, x) -> bool:
    """Points near the cycle: those of the word before as far as the words agree; then backward, where errors shrink.

    False if a lap does not reach the point after it.
    """
    agree, short = m[at.AGREE], -n
    for turn in range(2 * n):
        k = n - 1 - turn if turn < n else 2 * n - 1 - turn
        known, target = turn >= n or k < agree, w[x + k + 1] if k < n - 1 else w[x]
        low, high, f_low, f_high, _rising = part(w, m, k)
        if turn == 0 and agree == 0:
            target = middle(low, high)
        here, before = low, w[x + k]
        if known:
            here = before - (value(w, at.STEP, before, p) - target) / value(w, at.JACOBIAN, before, p)
            m[at.USED] += 1
        if not (low < here < high and abs(here - before) <= LITTLE * (high - low)):
            if min(f_low, f_high) < target < max(f_low, f_high):
                here, _slope, made = inverse(w, p, low, high, f_low, f_high, target, ROUGH)
                m[at.USED] += made
            else:
                here = low if abs(target - f_low) < abs(target - f_high) else high
                short = short if target == f_low or target == f_high else turn
        w[x + k] = here
        if known and abs(here - before) <= SETTLED * (high - low):
            break
    return turn - short >= n


@inline_kernel
def follows(w, m, n, x) -> tuple[bool, bool]:
    """Whether the cycle follows the word, and whether fⁿ falls there."""
    falls = False
    for k in range(n):
        low, high = w[m[at.KEPT] + 2 * k], w[m[at.KEPT] + 2 * k + 1]
        slack = 4e-16 * max(abs(low), abs(high))
        if not low - slack <= w[x + k] <= high + slack:
            return False, False
        falls = falls != (w[m[at.ENDS] + at.LAP * m[m[at.WORD] + k] + 6] < 0.0)
    return True, falls


@inline_kernel
def least_slope(w, m, p, k, left, right) -> float:
    """A lower bound of |f′| on a part of the k-th lap, one-sided at its ends; 0 or less if there is none."""
    lap = m[at.ENDS] + at.LAP * m[m[at.WORD] + k]
    w[at.SPAN], w[at.SPAN + 1] = min(max(left, w[lap + 2]), w[lap + 3]), max(min(right, w[lap + 3]), w[lap + 2])
    call_from(w, at.SLOPES, pointer(w, at.SPAN), p, pointer(w, at.SPAN + 2))
    return w[at.SPAN + 2] if w[lap + 6] > 0.0 else -w[at.SPAN + 3]


@inline_kernel
def apart(w, m, p, n, x) -> bool:
    """Whether all else that follows the word moves away from the cycle.

    From there on backward ``below`` and ``above`` bound where other cycles of the word may be beside x_k: the slope being
    at least s on all of that, they shrink by s.
    """
    below, above = w[x] - w[m[at.KEPT]], w[m[at.KEPT] + 1] - w[x]
    for _ in range(ROUNDS):
        growth = 1.0
        for k in range(n - 1, -1, -1):
            low, high, f_low, f_high, rising = part(w, m, k)
            here, there, steep = w[x + k], w[x + k + 1] if k < n - 1 else w[x], abs(w[x + 3 * n + k])
            below, above = (below, above) if rising else (above, below)
            down, up = WIDER * below / steep, WIDER * above / steep
            least = least_slope(w, m, p, k, max(low, here - down), min(high, here + up))
            if least > 0.0 and (here - down <= low or least * down >= below) and (here + up >= high or least * up >= above):
                below, above = below / least, above / least
            else:
                left, right = (there - below, there + above) if rising else (there + below, there - above)
                below, above = here - low, high - here
                if (left > f_low) == rising:
                    below = here - inverse(w, p, low, here, f_low, there, left, SHARP)[0]
                if (right < f_high) == rising:
                    above = inverse(w, p, here, high, there, f_high, right, SHARP)[0] - here
                m[at.USED] += 8
                least = least_slope(w, m, p, k, here - below, here + above)
            growth *= max(least, 0.0)
        if growth >= MORE:
            return True
    return False


@kernel_rule
def alone(z, p, out) -> None:
    """Look for a cycle of the word. ANSWER: 1 if there is one and no other; AGREE: letters for which ORBIT holds points."""
    w, m = numbers(z), integers(z)
    n, x = m[at.N], m[at.ORBIT]
    near = start(w, m, p, n, x)
    m[at.ANSWER], m[at.AGREE] = -1, 0
    if not near:
        return
    call_from(w, at.NEWTON, z, p, z)
    if m[at.ANSWER] < 0:
        return
    m[at.ANSWER], (along, falls) = -1, follows(w, m, n, x)
    if along:
        m[at.AGREE] = n
        if falls or apart(w, m, p, n, x):
            m[at.ANSWER] = 1
            keep(w, m, n, x)
