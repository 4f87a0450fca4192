"""Whether a curvature hovers at the edge: the one criterion for it."""

from typing import NamedTuple

import numpy as np

LEAST, SHARE = 50, 0.2  # steps and part of the record that a stretch needs to say anything
AT, NEAR, WIDE = 0.02, 0.1, 0.5  # about 1: what is on the edge, what comes back to it, and what is far off
STRAY = 0.1  # the part of a stretch that may be far off
DRIFT = 0.05  # between the means of its two halves
FALL, FLAT = 0.5, 0.002  # the part of its range by which it falls that does not just rise, where it moves at all
STEADY = 2.5  # between the mean squares of the oscillation in its last quarter and before
CHANGE = 0.1  # between the means of the last two fifths of a record that has settled down


class Hover(NamedTuple):
    """``kind``: "hovers", "never", "left", "beyond" or "undecided" (then ``reason`` says why); ``since``: the first row of the
    stretch to the end that mean, low and high (5 and 95 %) are of."""

    kind: str
    since: int
    mean: float
    low: float
    high: float
    reason: str = ""

    @property
    def side(self) -> str:
        """On which side of the edge the mean is: below, on, above."""
        return "on" if abs(self.mean - 1) <= AT else "below" if self.mean < 1 else "above"


def hover(ratio: np.ndarray, swing: np.ndarray) -> Hover:
    """Whether a ratio λ₁(P⁻¹H)/θ (n,) hovers at 1 to the end, for weights that oscillate with the sizes ``swing`` (n,).

    It **hovers** from the first row on, from which on, for at least 50 rows and a fifth of the record,

    1. it is within 2 % of 1 there or has just crossed it, and is within 10 % again at some time in each quarter; nine tenths of
       it lie between ½ and 3/2;
    2. it does not drift: its means over the two halves differ by at most 0.05, and in the second its largest fall is half of its
       range or more;
    3. the weights oscillate, and steadily: the mean square of the swing in the last quarter is 0.4 to 2.5 of that before.

    The numbers are then those from there on. Otherwise, over the last fifth:

    * **never**: it was below 1 all the time, and does not rise so that it would reach 1 in a record of twice the length;
    * **left**: it was at 1 or above, is below in the whole last fifth, and does not rise like that;
    * **beyond**: it is at 1 or above there at some time, but not near, and its means over the last two fifths are within 10 %;
      it was at 1 before those too;
    * **undecided**: anything else, such as a record under 50 rows, an oscillation that still grows, or none at all beyond 1.

    >>> t = np.arange(1000.0)
    >>> hovering = hover(np.where(t < 400, t / 400, 1 + 0.05 * np.sin(t / 9)), np.where(t < 400, 0.0, 1.0))
    >>> hovering.kind, hovering.since, hovering.side
    ('hovers', 393, 'on')
    >>> hover(1 - np.exp(-t / 100) / 2 - 0.3, np.exp(-t)).kind
    'never'
    """
    n = len(ratio)
    least = max(LEAST, int(np.ceil(SHARE * n)))
    if n < LEAST or not np.isfinite(ratio).all():
        return _undecided(ratio, 0, f"{n} steps are too few" if n < LEAST else "it is not finite all the time")
    starts = np.arange(n - least + 1)
    held = starts[_stays_near(ratio, starts) & _oscillates(swing, starts)]
    if len(held):
        return Hover("hovers", int(held[0]), *_numbers(ratio[held[0] :]))
    return _elsewhere(ratio, swing, n - least)


def _numbers(stretch: np.ndarray) -> tuple[float, float, float]:
    low, high = np.quantile(stretch, [0.05, 0.95])
    return float(stretch.mean()), float(low), float(high)


def _undecided(ratio: np.ndarray, first: int, reason: str) -> Hover:
    finite = ratio[first:][np.isfinite(ratio[first:])]
    return Hover("undecided", first, *(_numbers(finite) if len(finite) else (np.nan,) * 3), reason)


def _sums(values: np.ndarray) -> np.ndarray:
    """Sums of the first k values, (n+1,)."""
    return np.concatenate([[0.0], np.cumsum(values, dtype=float)])


def _quarters(n: int, starts: np.ndarray) -> list[np.ndarray]:
    """The rows that cut each stretch [start, n) into quarters, five arrays."""
    return [starts + (n - starts) * k // 4 for k in range(5)]


def _stays_near(ratio: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Conditions 1 and 2 for the stretches from each start on."""
    n, away = len(ratio), np.abs(ratio - 1)
    near, far, total = _sums(away <= NEAR), _sums(away > WIDE), _sums(ratio)
    cuts = _quarters(n, starts)
    returns = np.all([near[b] > near[a] for a, b in zip(cuts[:-1], cuts[1:], strict=True)], axis=0)
    early, late = ((total[b] - total[a]) / (b - a) for a, b in ((cuts[0], cuts[2]), (cuts[2], cuts[4])))
    stray = far[n] - far[starts] > STRAY * (n - starts)
    lowest, highest = (bound.accumulate(ratio[::-1])[::-1] for bound in (np.minimum, np.maximum))
    fall = np.maximum.accumulate((ratio - lowest)[::-1])[::-1]
    turns = fall >= np.where(highest - lowest > FLAT, FALL * (highest - lowest), 0.0)
    there = (away <= AT) | (np.diff(ratio >= 1, prepend=ratio[:1] >= 1))
    return there[starts] & returns & ~stray & (np.abs(late - early) <= DRIFT) & turns[cuts[2]]


def _oscillates(swing: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Condition 3."""
    before, last = _powers(swing, starts)
    return (last > 0) & (last <= STEADY * before) & (before <= STEADY * last)


def _powers(swing: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of the swing in the first three quarters and in the last."""
    # Summed from the end, so that what has died down is not lost beside what was there at first.
    power, cuts = _sums(swing[::-1] ** 2)[::-1], _quarters(len(swing), starts)
    return (power[cuts[0]] - power[cuts[3]]) / (cuts[3] - cuts[0]), power[cuts[3]] / (cuts[4] - cuts[3])


def _elsewhere(ratio: np.ndarray, swing: np.ndarray, first: int) -> Hover:
    """What it does that does not hover, by the last rows from ``first`` on."""
    mean, low, high = _numbers(ratio[first:])
    before = ratio[max(2 * first - len(ratio), 0) : first]
    if not len(before):
        return _undecided(ratio, first, f"{len(ratio)} steps are too few")
    if ratio[first:].max() < 1:
        if _ahead(ratio, len(ratio), (len(ratio) - first) // 2) >= 1:
            return _undecided(ratio, first, "it still rises")
        reached = np.flatnonzero(ratio >= 1)
        since = int(reached[-1]) + 1 if len(reached) else 0
        return Hover("left" if len(reached) else "never", since, *_numbers(ratio[since:]))
    if not np.any(swing[first:]):
        return _undecided(ratio, first, "the weights oscillate only by round-off, so nothing can grow: inject a seed")
    if ratio[: len(ratio) - 2 * (len(ratio) - first)].max(initial=0.0) < 1:
        return _undecided(ratio, first, "it has only just reached it")
    earlier = float(before.mean())
    if abs(mean - earlier) > CHANGE * max(mean, earlier):
        return _undecided(ratio, first, "it still changes")
    if np.abs(ratio[first:] - 1).min() > NEAR or np.ptp(ratio[first:]) > 4 * NEAR or abs(mean - 1) > 2 * NEAR:
        return Hover("beyond", first, mean, low, high)
    power, last = (float(x[0]) for x in _powers(swing, np.array([first])))
    changed = "grew" if last > STEADY * power else "died down" if last * STEADY < power else ""
    return _undecided(ratio, first, f"in the last steps the oscillation {changed}" if changed else "the record is too short")


def _ahead(ratio: np.ndarray, steps: int, piece: int) -> float:
    """Where it would be after more steps if it went on to rise as between its last two pieces, by so much or so many times."""
    before, last = float(ratio[-2 * piece : -piece].mean()), float(ratio[-piece:].mean())
    more, times = steps / piece, last / before if last > before > 0 else 1.0
    with np.errstate(over="ignore"):
        return max(last + max(last - before, 0.0) * more, last * float(np.float64(times) ** more))
