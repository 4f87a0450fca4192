"""Enumerate the itineraries of one length that orbits of a map of one variable follow.

Of the rotations of a word only the least is looked at (a necklace): the others are the same cycles. On a word that repeats
a shorter one m times fⁿ is the m-th iterate of a monotone map: its cycles have period 1, or 2 if that falls.
"""

from cfdyn.cycles.line._kernels.memory import F_HIGH, F_LOW, FINISHED, FULL, HIGH, LOW, PAUSED, SLOPE_SIGN, Words, value
from cfdyn.machine.jit import call, inline_kernel, kernel_rule

SLACK = 4e-16  # of the size of what is compared
AGAIN = 2  # how often a word is followed anew to see whether it is possible


@inline_kernel
def first_lap(w, least) -> int:
    """The first lap that reaches up to ``least``."""
    low, high, lap = 0, w.laps, w.lap
    while low < high:
        half = (low + high) // 2
        if lap[half, HIGH] < least:
            low = half + 1
        else:
            high = half
    return low


@inline_kernel
def search_word(w, z, p, low, high) -> None:
    """The two paths between which the cycles of the word lie, and these; the first begins on the left."""
    n, paths = w.n, w.paths
    # The paths to all that is reached; then, as x_n = x_0, to what they have come from only, which is far less if f stretches.
    for turn in range(2):
        for side in range(2):
            path = side if turn == 0 else 2 + side
            w.left, w.right, w.path, w.place, w.side = 0, 1, path, n, side if turn == 0 else -1
            paths[path, n] = high if side == 1 else low
            same = 0 if paths[0, n] == paths[path, n] else 1
            if turn > 0 and paths[same, n] == paths[path, n]:
                for i in range(n + 2):
                    paths[path, i] = paths[same, i]
            else:
                call(w.trace_path, z, p, z)
        for i in range(n + 2 if turn > 0 else 0):
            paths[0, i], paths[1, i] = paths[2, i], paths[3, i]
        if paths[0, 0] > paths[1, 0]:
            for i in range(n + 2):
                paths[0, i], paths[1, i] = paths[1, i], paths[0, i]
        before, low, high = high - low, max(low, paths[0, 0]), min(high, paths[1, 0])
        if not 0.0 < high - low < 0.1 * before:
            break
    call(w.cycles_of_word, z, p, z)


@inline_kernel
def image(w, p, s, low, high) -> tuple[float, float]:
    """The image of a part of lap s."""
    first = w.lap[s, F_LOW] if low == w.lap[s, LOW] else value(w, w.step, low, p)
    last = w.lap[s, F_HIGH] if high == w.lap[s, HIGH] else value(w, w.step, high, p)
    return min(first, last), max(first, last)


@inline_kernel
def reaches(w, p, k, least, most, slack) -> bool:
    """True if orbits reach the k-th lap of the word; keeps the part that they reach, its image, the period of the prefix."""
    s, reached, period = w.word[k], w.reached, w.period
    w.used += 1
    low, high = max(w.lap[s, LOW], least), min(w.lap[s, HIGH], most)
    if low > high + slack:
        return False
    reached[k, 0], reached[k, 1] = min(low, high), max(low, high)
    period[k] = period[k - 1] if k > 0 and s == w.word[k - period[k - 1]] else k + 1
    w.images[k + 1, 0], w.images[k + 1, 1] = image(w, p, s, reached[k, 0], reached[k, 1])
    return True


@inline_kernel
def image_error(w, p, k, low, high) -> float:
    """4·10⁻¹⁶ max(|low|, |high|, |f′(x) x|), x the ends of the word's k-th part: how far round-off may move its image."""
    most = max(abs(low), abs(high))
    for x in (w.reached[k, 0], w.reached[k, 1]):
        most = max(most, abs(value(w, w.jacobian, x, p) * x))
    return 4e-16 * most


@inline_kernel
def mirror_is_first(w) -> bool:
    """True if a rotation of the word's mirror image comes before it: its cycles are the images of those of that one."""
    n, word, last = w.n, w.word, w.laps - 1
    for shift in range(n):
        k = 0
        while k < n and last - word[(k + shift) % n] == word[k]:
            k += 1
        if k < n and last - word[(k + shift) % n] < word[k]:
            return True
    return False


@inline_kernel
def can_be_followed_again(w, p, low, high) -> bool:
    """True if orbits from [low, high], to which the word has led, can follow it again."""
    for turn in range(AGAIN * w.n):
        k = turn % w.n
        first, last, slack = w.reached[k, 0], w.reached[k, 1], SLACK * max(abs(low), abs(high))
        if low <= first and high >= last:
            return True
        low, high = max(low, first), min(high, last)
        if low > high + slack:
            return False
        low, high = image(w, p, w.word[k], min(low, high), max(low, high))
        w.used += 1
    return True


@inline_kernel
def has_shorter_cycles_only(w, q) -> bool:
    """True if no cycle of least period n can follow a word that repeats its first q letters."""
    falls = False
    for k in range(q):
        falls = falls != (w.lap[w.word[k], SLOPE_SIGN] < 0.0)
    return q < w.n and not (falls and w.n == 2 * q)


@kernel_rule
def walk(z, p, out) -> None:
    """Find the cycles of all words of length n, going on from where it stopped.

    Its status stays PAUSED after ``limit`` of ``used``; it becomes FINISHED, FULL with few rows left for cycles, CROWDED where
    some were left out for that reason. Without ``look`` the words are only counted. With ``odd``, of two words that are
    mirror images only one is looked at.
    """
    w = Words(z)
    n, k, word, period, reached, images = w.n, w.depth, w.word, w.period, w.reached, w.images
    spare = min(64, w.rows // 4)
    while w.status == PAUSED:
        w.depth = k
        if w.used >= w.limit:
            return
        if w.rows - w.count < spare and w.look == 1:
            w.status = FULL
            return
        word[k] += 1
        w.agree = min(w.agree, k)
        least, most = images[k, 0], images[k, 1]
        slack = SLACK * max(abs(least), abs(most))
        if word[k] >= w.laps or w.lap[word[k], LOW] > most + slack:
            k -= 1
            if k < 0:
                w.status = FINISHED
            continue
        if not reaches(w, p, k, least, most, slack):
            continue
        low, high = images[k + 1, 0], images[k + 1, 1]
        if k < n - 1:
            k += 1
            word[k] = max(word[k - period[k - 1]], first_lap(w, low - slack)) - 1
            continue
        low, high = max(low, reached[0, 0]), min(high, reached[0, 1])
        if n % period[k] != 0 or (low > high and low > high + image_error(w, p, k, low, high)):
            continue
        if has_shorter_cycles_only(w, period[k]) or (w.odd == 1 and mirror_is_first(w)):
            continue
        if w.look == 1 and can_be_followed_again(w, p, min(low, high), max(low, high)):
            call(w.single_cycle, z, p, z)
            if w.answer < 0:
                search_word(w, z, p, min(low, high), max(low, high))
        elif w.look == 0:
            w.count += 1
