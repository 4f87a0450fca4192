"""The cycle of an itinerary along which a map of one variable expands, or decreases: found directly, and shown to be unique."""

from cfdyn.cycles.line._kernels.closing import write_down
from cfdyn.cycles.line._kernels.laps import middle
from cfdyn.cycles.line._kernels.memory import INNER_HIGH, INNER_LOW, SLOPE_SIGN, Words, value
from cfdyn.cycles.line._kernels.paths import SHARP, inverse
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, pointer

ROUGH = 1e-2  # an inverse as good as this is enough for a start
LITTLE, SETTLED = 0.2, 1e-2  # of the part of a lap: moved by so much a point takes one step of Newton's method, or none
ROUNDS = 3
WIDER = 2.0  # of what the slope at a point says, the distance in which bounds of it are tried; best where f is a square
MORE = 1.1  # by what distances must grow around a cycle


@inline_kernel
def reached_part(w, k) -> tuple[float, float, float, float, bool]:
    """The part of the k-th lap of the word that is reached, the values at its ends, and whether it rises."""
    low, high = w.images[k + 1, 0], w.images[k + 1, 1]
    if w.lap[w.word[k], SLOPE_SIGN] > 0.0:
        return w.reached[k, 0], w.reached[k, 1], low, high, True
    return w.reached[k, 0], w.reached[k, 1], high, low, False


@inline_kernel
def start(w, p) -> bool:
    """Points near the cycle: of the last word while words agree, then backward, where errors shrink; False if a lap is short."""
    n, x, agree = w.n, w.orbit, w.agree
    short = -n
    for turn in range(2 * n):
        k = n - 1 - turn if turn < n else 2 * n - 1 - turn
        known, target = turn >= n or k < agree, x[k + 1] if k < n - 1 else x[0]
        low, high, f_low, f_high, _rising = reached_part(w, k)
        if turn == 0 and agree == 0:
            target = middle(low, high)
        here, before = low, x[k]
        if known:
            here = before - (value(w, w.step, before, p) - target) / value(w, w.jacobian, before, p)
            w.used += 1
        if not (low < here < high and abs(here - before) <= LITTLE * (high - low)):
            if min(f_low, f_high) < target < max(f_low, f_high):
                here, _slope, made = inverse(w, p, low, high, f_low, f_high, target, ROUGH)
                w.used += made
            else:
                here = low if abs(target - f_low) < abs(target - f_high) else high
                short = short if target == f_low or target == f_high else turn
        x[k] = here
        if known and abs(here - before) <= SETTLED * (high - low):
            break
    return turn - short >= n


@inline_kernel
def follows(w) -> tuple[bool, bool]:
    """(follows, falls): true if the cycle follows the word, and if fⁿ falls there."""
    x, falls = w.orbit, False
    for k in range(w.n):
        low, high = w.reached[k, 0], w.reached[k, 1]
        slack = 4e-16 * max(abs(low), abs(high))
        if not low - slack <= x[k] <= high + slack:
            return False, False
        falls = falls != (w.lap[w.word[k], SLOPE_SIGN] < 0.0)
    return True, falls


@inline_kernel
def least_slope(w, p, k, left, right) -> float:
    """A lower bound of |f′| on a part of the k-th lap, one-sided at its ends; 0 or less if there is none."""
    s, lap, span = w.word[k], w.lap, w.span
    low, high = lap[s, INNER_LOW], lap[s, INNER_HIGH]
    span[0], span[1] = min(max(left, low), high), max(min(right, high), low)
    call(w.interval_jacobian, span, p, pointer(span, 2))
    return span[2] if lap[s, SLOPE_SIGN] > 0.0 else -span[3]


@inline_kernel
def others_move_away(w, p) -> bool:
    """True if all else that follows the word moves away from the cycle.

    From there on backward ``below`` and ``above`` bound where other cycles of the word may be beside x_k: the slope being
    at least s on all of that, they shrink by s.
    """
    n, x = w.n, w.orbit
    below, above = x[0] - w.reached[0, 0], w.reached[0, 1] - x[0]
    for _ in range(ROUNDS):
        growth = 1.0
        for k in range(n - 1, -1, -1):
            low, high, f_low, f_high, rising = reached_part(w, k)
            here, there, steep = x[k], x[k + 1] if k < n - 1 else x[0], abs(w.slopes[k])
            below, above = (below, above) if rising else (above, below)
            down, up = WIDER * below / steep, WIDER * above / steep
            least = least_slope(w, p, k, max(low, here - down), min(high, here + up))
            if least > 0.0 and (here - down <= low or least * down >= below) and (here + up >= high or least * up >= above):
                below, above = below / least, above / least
            else:
                left, right = (there - below, there + above) if rising else (there + below, there - above)
                below, above = here - low, high - here
                if (left > f_low) == rising:
                    below = here - inverse(w, p, low, here, f_low, there, left, SHARP)[0]
                if (right < f_high) == rising:
                    above = inverse(w, p, here, high, there, f_high, right, SHARP)[0] - here
                w.used += 8
                least = least_slope(w, p, k, here - below, here + above)
            growth *= max(least, 0.0)
        if growth >= MORE:
            return True
    return False


@kernel_rule
def single_cycle(z, p, out) -> None:
    """Look for a cycle of the word. Answer: 1 if there is one and no other."""
    w = Words(z)
    near = start(w, p)
    w.answer, w.agree = -1, 0
    if not near:
        return
    call(w.newton, z, p, z)
    if w.answer < 0:
        return
    along, falls = follows(w)
    w.answer = -1
    if along:
        w.agree = w.n
        if falls or others_move_away(w, p):
            w.answer = 1
            write_down(w)
