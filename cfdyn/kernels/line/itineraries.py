"""Through the words of one length in turn, as far as orbits of a map of one variable follow them.

Of the rotations of a word only the least is looked at (a necklace): the others are the same cycles. On a word that repeats
a shorter one m times fⁿ is the m-th iterate of a monotone map: its cycles have period 1, or 2 if that falls.
"""

from __future__ import annotations

from cfdyn.kernels.line import memory as at
from cfdyn.kernels.line.memory import value
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers

SLACK = 4e-16  # of the size of what is compared
AGAIN = 2  # how often a word is followed anew to see whether it is possible


@inline_kernel
def first_lap(w, m, least) -> int:
    """The first lap that reaches up to ``least``."""
    low, high = 0, m[at.LAPS]
    while low < high:
        half = (low + high) // 2
        if w[m[at.ENDS] + at.LAP * half + 1] < least:
            low = half + 1
        else:
            high = half
    return low


@inline_kernel
def order(w, n, a, b) -> None:
    """The path that begins on the left first."""
    if w[a] > w[b]:
        for i in range(n + 2):
            w[a + i], w[b + i] = w[b + i], w[a + i]


@inline_kernel
def look(w, m, z, p, n, low, high) -> None:
    """The two paths between which the cycles of the word lie, and these."""
    a, width = m[at.PATHS], n + 2
    # The paths to all that is reached; then, as x_n = x_0, to what they have come from only, which is far less if f stretches.
    for turn in range(2):
        for side in range(2):
            path = a + (side if turn == 0 else 2 + side) * width
            m[at.FIRST], m[at.ANSWER], m[at.SECOND], m[at.PLACE], m[at.SIDE] = a, a + width, path, n, side if turn == 0 else -1
            w[path + n] = high if side == 1 else low
            same = a if w[a + n] == w[path + n] else a + width
            if turn > 0 and w[same + n] == w[path + n]:
                for i in range(width):
                    w[path + i] = w[same + i]
            else:
                call_from(w, at.TRACE, z, p, z)
        if turn > 0:
            for i in range(2 * width):
                w[a + i] = w[a + 2 * width + i]
        order(w, n, a, a + width)
        before, low, high = high - low, max(low, w[a]), min(high, w[a + width])
        if not 0.0 < high - low < 0.1 * before:
            break
    call_from(w, at.LEAF, z, p, z)


@inline_kernel
def image(w, p, lap, low, high) -> tuple[float, float]:
    """The image of a part of a lap."""
    first = w[lap + 4] if low == w[lap] else value(w, at.STEP, low, p)
    last = w[lap + 5] if high == w[lap + 1] else value(w, at.STEP, high, p)
    return min(first, last), max(first, last)


@inline_kernel
def reaches(w, m, p, k, least, most, slack) -> bool:
    """Whether orbits reach the k-th lap of the word; the part of it that they reach, its image, the period of the prefix."""
    word, s = m[at.WORD] + k, m[m[at.WORD] + k]
    lap, kept, images, period = m[at.ENDS] + at.LAP * s, m[at.KEPT] + 2 * k, m[at.IMAGES] + 2 * k + 2, m[at.PREFIX] + k
    m[at.USED] += 1
    low, high = max(w[lap], least), min(w[lap + 1], most)
    if low > high + slack:
        return False
    w[kept], w[kept + 1] = min(low, high), max(low, high)
    m[period] = m[period - 1] if k > 0 and s == m[word - m[period - 1]] else k + 1
    w[images], w[images + 1] = image(w, p, lap, w[kept], w[kept + 1])
    return True


@inline_kernel
def doubt(w, m, p, k, low, high) -> float:
    """What round-off of the ends of the k-th part of the word may do to its image."""
    kept, most = m[at.KEPT] + 2 * k, max(abs(low), abs(high))
    for x in (w[kept], w[kept + 1]):
        most = max(most, abs(value(w, at.JACOBIAN, x, p) * x))
    return 4e-16 * most


@inline_kernel
def mirrored(w, m, n) -> bool:
    """Whether a rotation of the word's mirror image comes before it: its cycles are the images of those of that one."""
    word, last = m[at.WORD], m[at.LAPS] - 1
    for shift in range(n):
        k = 0
        while k < n and last - m[word + (k + shift) % n] == m[word + k]:
            k += 1
        if k < n and last - m[word + (k + shift) % n] < m[word + k]:
            return True
    return False


@inline_kernel
def comes_back(w, m, p, n, low, high) -> bool:
    """Whether orbits from [low, high], to which the word has led, can follow it again."""
    for turn in range(AGAIN * n):
        k = turn % n
        kept, lap = m[at.KEPT] + 2 * k, m[at.ENDS] + at.LAP * m[m[at.WORD] + k]
        slack = SLACK * max(abs(low), abs(high))
        if low <= w[kept] and high >= w[kept + 1]:
            return True
        low, high = max(low, w[kept]), min(high, w[kept + 1])
        if low > high + slack:
            return False
        low, high = image(w, p, lap, min(low, high), max(low, high))
        m[at.USED] += 1
    return True


@inline_kernel
def repeated(w, m, n, q) -> bool:
    """Whether no cycle of least period n can follow a word that repeats its first q letters."""
    falls = False
    for k in range(q):
        falls = falls != (w[m[at.ENDS] + at.LAP * m[m[at.WORD] + k] + 6] < 0.0)
    return q < n and not (falls and n == 2 * q)


@kernel_rule
def walk(z, p, out) -> None:
    """Find the cycles of all words of length n, going on from where it stopped.

    STATUS stays PAUSED after LIMIT of USED; it becomes FINISHED, FULL with few rows left for cycles, CROWDED where some
    were left out for that reason. Without LOOK the words are only counted. With ODD, of two words that are
    mirror images only one is looked at.
    """
    w, m = numbers(z), integers(z)
    n, k, word, prefix, kept, images = m[at.N], m[at.DEPTH], m[at.WORD], m[at.PREFIX], m[at.KEPT], m[at.IMAGES]
    spare = min(64, m[at.ROWS] // 4)
    while m[at.STATUS] == at.PAUSED:
        m[at.DEPTH] = k
        if m[at.USED] >= m[at.LIMIT]:
            return
        if m[at.ROWS] - m[at.COUNT] < spare and m[at.LOOK] == 1:
            m[at.STATUS] = at.FULL
            return
        m[word + k] += 1
        m[at.AGREE] = min(m[at.AGREE], k)
        least, most = w[images + 2 * k], w[images + 2 * k + 1]
        slack = SLACK * max(abs(least), abs(most))
        if m[word + k] >= m[at.LAPS] or w[m[at.ENDS] + at.LAP * m[word + k]] > most + slack:
            k -= 1
            if k < 0:
                m[at.STATUS] = at.FINISHED
            continue
        if not reaches(w, m, p, k, least, most, slack):
            continue
        low, high = w[images + 2 * k + 2], w[images + 2 * k + 3]
        if k < n - 1:
            k += 1
            m[word + k] = max(m[word + k - m[prefix + k - 1]], first_lap(w, m, low - slack)) - 1
            continue
        low, high = max(low, w[kept]), min(high, w[kept + 1])
        if n % m[prefix + k] != 0 or (low > high and low > high + doubt(w, m, p, k, low, high)):
            continue
        if repeated(w, m, n, m[prefix + k]) or (m[at.ODD] == 1 and mirrored(w, m, n)):
            continue
        if m[at.LOOK] == 1 and comes_back(w, m, p, n, min(low, high), max(low, high)):
            call_from(w, at.ALONE, z, p, z)
            if m[at.ANSWER] < 0:
                look(w, m, z, p, n, min(low, high), max(low, high))
        elif m[at.LOOK] == 0:
            m[at.COUNT] += 1
