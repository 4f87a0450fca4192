"""Fast labels of many orbits of one map: by returns and multipliers, exponents and averages.

A label is given if these are conclusive at the thresholds for a single orbit (`regime`, `irregular`); other orbits stay
UNSETTLED.
"""

import numpy as np

from cfdyn.ensembles.held import divides_by_state, labels_of_held, pauses_in, steps_forgotten
from cfdyn.ensembles.orbits import Orbits
from cfdyn.ensembles.slow import DOUBTFUL, slow_cycles
from cfdyn.kernels.orbits import CHAOTIC, DIVERGED, ESCAPED, UNSETTLED
from cfdyn.settling.irregular import CLEAR, ERRORS, MANY_ERRORS, QUASI_DIGITS, SMALLEST_EXPONENT, bump
from cfdyn.settling.samples import QUASI_PERIODIC
from cfdyn.settling.settled import FIRST_STEPS
from cfdyn.systems.map import Map

RETURN = 1e-10  # of the size of an entry: a state so near to where it was has come back
CONTRACTS = 1 - 1e-5  # a cycle with a smaller spectral radius attracts, and soon enough to be seen
NEUTRAL = 1 + 1e-9  # a multiplier 1, to round-off: an orbit that is on such a cycle may be on a continuum of them
STANDS, STILL = 1000, 1e-12  # steps, and how far it may be away after them, beside its size
KICK, BESIDE = 1e-9, 1e3  # of its size, and times that: so near it stays if it begins so far beside it
STAGES = (1, 15)  # times the transient after which returns are looked for
SOON, AVERAGED, LONGER = 1024, 8192, 65_536  # steps of an exponent, at first where that it stretches is all, and of one not clear
LONGEST = 262_144  # and of one with averages that remember thousands of steps
ON_CURVE = 5e-5  # an exponent over LONGER steps
LASTS, SLOWLY = 200_000, 10  # steps that chaos must last for: a transient may end late; times as many with averages that remember
WATCHED = 4096  # steps of an average, twice
AT_ONCE = 96 * 8192  # numbers that are averaged at a time


def quick_labels(orbits: Orbits, transient: int, longest: int, roughly: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,), a period up to ``longest`` or one of `KINDS`, and exponents (N,), NaN where they were not needed.

    Chaos must persist for LASTS more steps. With ``roughly`` it need not, and counts as any stretching, also on a possible
    curve.
    """
    n = len(orbits.states)
    labels, exponents, strides = np.full(n, UNSETTLED), np.full(n, np.nan), np.zeros(n)
    left, rest, memory, done = np.arange(n), orbits, divides_by_state(orbits), 0
    soon, lasts = roughly and not memory, 0 if roughly else LASTS
    for times in (*STAGES, 0) if memory else STAGES:
        if memory:
            steps = times * transient or steps_forgotten(rest) - done
            left, rest = _without_held(rest, left, done, steps, strides, longest, labels, exponents)
            done += steps
        else:
            rest.advance(times * transient)
        # Where stretches must begin as those of `regime` do, returns are looked for aside.
        returning = rest.some(np.arange(len(left))) if memory else rest
        _returned(returning, left, longest, labels, exponents)
        open_ones = _open(returning, left, labels)
        left, rest = left[open_ones], rest.some(open_ones)
    if soon:  # clear chaos and slow convergence first, the costly tests last
        _irregular(rest, left, longest, labels, exponents, lasts, (SOON,))
        doubtful = _slow(rest, left, longest, labels, exponents)
        open_ones = _open(rest, left, labels)
        open_ones = open_ones[~np.isin(left[open_ones], doubtful)]
        left, rest = left[open_ones], rest.some(open_ones)
    _irregular(rest, left, longest, labels, exponents, lasts, (AVERAGED, LONGER, LONGEST) if memory else (AVERAGED, LONGER))
    _slow(rest, left, longest, labels, exponents, (QUASI_PERIODIC,) if soon else (UNSETTLED, QUASI_PERIODIC))
    return labels, exponents


def _open(orbits: Orbits, left: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The orbits that have not ended and have no label."""
    return np.flatnonzero((orbits.ended == 0) & (labels[left] == UNSETTLED))


def _slow(
    orbits: Orbits, left: np.ndarray, longest: int, labels: np.ndarray, exponents: np.ndarray,
    asked: tuple[int, ...] = (UNSETTLED,),
) -> np.ndarray:  # fmt: skip
    """Label slowly converging orbits, of those labelled as ``asked``; the indices of those that stay undecided near a cycle."""
    slow = np.flatnonzero((orbits.ended == 0) & np.isin(labels[left], asked))
    periods, radii = slow_cycles(orbits.some(slow), longest, CONTRACTS)
    doubtful = left[slow[periods == DOUBTFUL]]
    labels[doubtful] = UNSETTLED
    slow, periods, radii = left[slow[periods > 0]], periods[periods > 0], radii[periods > 0]
    with np.errstate(divide="ignore"):
        labels[slow], exponents[slow] = periods, np.log(radii) / periods
    return doubtful


def _returned(orbits: Orbits, left: np.ndarray, longest: int, labels: np.ndarray, exponents: np.ndarray) -> None:
    """Label, at the indices ``left``, orbits that have escaped or returned, on attracting cycles or on a continuum of them."""
    periods = orbits.periods(longest, RETURN)
    labels[left[(orbits.ended > 0) & (orbits.codes == DIVERGED)]] = ESCAPED
    radii = orbits.radii(periods)
    attracts = np.flatnonzero(radii < CONTRACTS)
    labels[left[attracts]] = periods[attracts]
    with np.errstate(divide="ignore"):
        exponents[left[attracts]] = np.log(radii[attracts]) / periods[attracts]
    neutral = np.flatnonzero((radii >= CONTRACTS) & (radii <= NEUTRAL))
    neutral = neutral[stay(orbits.some(neutral), periods[neutral])]
    labels[left[neutral]] = periods[neutral]


def _without_held(
    orbits: Orbits, left: np.ndarray, done: int, steps: int, strides: np.ndarray, longest: int, labels: np.ndarray,
    exponents: np.ndarray,
) -> tuple[np.ndarray, Orbits]:  # fmt: skip
    """Take so many steps behind those that are done, in stretches that begin as those of `regime`; the places and the orbits
    that are left once those are labelled that rest, or that round-off holds on what becomes unstable.
    """
    end = done + steps
    while done < end:
        ahead, own = min(max(FIRST_STEPS, done), end - done), strides[left]
        paused = pauses_in(orbits, ahead, own)
        places, strides[left] = paused.places, own
        labels[left[places]], exponents[left[places]] = labels_of_held(
            orbits.some(places), paused.states, own[places], longest, RETURN, CONTRACTS)  # fmt: skip
        with np.errstate(divide="ignore"):
            labels[left[paused.at_rest]], exponents[left[paused.at_rest]] = 1, np.log(paused.radii)
        others = np.setdiff1d(np.arange(len(left)), [*places, *paused.at_rest])
        left, orbits, done = left[others], orbits.some(others), done + ahead
    return left, orbits


def stay(orbits: Orbits, periods: np.ndarray) -> np.ndarray:
    """Which orbits stay on their cycles (N,), as on a continuum of them; a slow drift would be seen.

    So must orbits that begin beside them stay there: one that lands on a jump of the map rests on what happens exactly at it.
    """
    stays = np.ones(len(periods), bool)
    for period in np.unique(periods).tolist():
        which = np.flatnonzero(periods == period)
        size = np.abs(orbits.states[which]).max(axis=1, initial=0.0)
        for kick, most in ((0.0, STILL), (KICK, BESIDE * KICK), (-KICK, BESIDE * KICK)):
            part = orbits.some(which)
            part.states[:] += kick * size[:, None]
            for turns in (max(1, STANDS // period), 1):  # one more: beside a fixed point there may be a 2-cycle
                part.advance(period * turns)
                away = np.abs(part.states - orbits.states[which]).max(axis=1, initial=0.0)
                stays[which] &= (part.ended == 0) & (away <= most * size)
    return stays


def _irregular(
    orbits: Orbits, left: np.ndarray, longest: int, labels: np.ndarray, exponents: np.ndarray, lasts: int, stages: tuple[int, ...]
) -> None:  # fmt: skip
    """Label orbits that do not repeat: chaotic, quasi-periodic, or unsettled."""
    lasts, again = (SLOWLY * LASTS, LONGEST) if LONGEST in stages and lasts else (lasts, 0)
    on_curves = orbits.step.dim > 1 or bool(orbits.step.periodic)
    for steps in stages:
        value, error = orbits.exponents(steps)
        exponents[left] = value
        margin = np.maximum(ERRORS * error, CLEAR if steps == SOON else SMALLEST_EXPONENT)
        stretches = value > margin
        # What could be a curve, and has no period either way, is told from chaos only where chaos must last.
        chaotic = stretches if not lasts else value > np.maximum(margin, np.maximum(MANY_ERRORS * error, CLEAR))
        # Averages take longest, and speak where the exponent does not.
        curved = np.abs(value) <= (ON_CURVE if steps >= LONGER and on_curves else -1.0)
        asked = np.flatnonzero(~chaotic & (stretches | curved))
        digits = np.zeros(len(left))
        digits[asked] = _digits(orbits.some(asked))
        chaotic |= stretches & (digits < QUASI_DIGITS)
        labels[left[chaotic]], exponents[left[chaotic]] = _later(orbits.some(chaotic), longest, value[chaotic], lasts, again)
        # An attracting cycle of a long period, or a slow one, is told from a curve by its exponent alone.
        labels[left[curved & (digits >= QUASI_DIGITS)]] = QUASI_PERIODIC
        open_ones = labels[left] == UNSETTLED
        left, orbits = left[open_ones], orbits.some(open_ones)


def _later(
    orbits: Orbits, longest: int, exponents: np.ndarray, lasts: int, again: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What becomes of orbits that look chaotic, labels and exponents (N,): escaped, on a cycle that attracts, or still that.

    With ``again`` above 0 their exponent is taken again, over so many steps: it may have fallen.
    """
    orbits.advance(lasts)
    periods = orbits.periods(longest, RETURN)
    ended = np.where(orbits.codes == DIVERGED, ESCAPED, UNSETTLED)
    labels, repeats = np.where(orbits.ended > 0, ended, CHAOTIC), np.flatnonzero(periods > 0)
    radii = orbits.radii(periods)[repeats]
    labels[repeats] = np.where(radii < CONTRACTS, periods[repeats], UNSETTLED)
    exponents = exponents.copy()
    with np.errstate(divide="ignore"):
        exponents[repeats] = np.log(radii) / periods[repeats]
    if again:
        lasting = np.flatnonzero(labels == CHAOTIC)
        exponents[lasting], error = orbits.some(lasting).exponents(again)
        fallen = ~(exponents[lasting] > np.maximum(ERRORS * error, SMALLEST_EXPONENT))
        labels[lasting[fallen]] = UNSETTLED
    return labels, exponents


def _digits(orbits: Orbits) -> np.ndarray:
    """Digits to which weighted averages over two stretches agree, (N,), the least over the entries; see `averages_digits`."""
    n, worst = len(orbits.states), np.zeros(len(orbits.states))
    weight = bump(WATCHED - 1)
    for first in range(0, n, max(1, AT_ONCE // (2 * WATCHED))):
        some = slice(first, first + max(1, AT_ONCE // (2 * WATCHED)))
        begun = orbits.states[some].copy()
        for entry in range(orbits.step.dim):
            part = orbits.some(np.arange(n)[some])
            part.states[:] = begun
            worst[some] = np.maximum(worst[some], _gap(orbits.step, part.keep(2 * WATCHED, entry), entry, weight))
    with np.errstate(divide="ignore"):
        return np.where(np.isfinite(worst), -np.log10(np.maximum(worst, 1e-17)), 0.0)


def _gap(step: Map, kept: np.ndarray, entry: int, weight: np.ndarray) -> np.ndarray:
    """How far the averages of an entry, and of its square, over two stretches (N, 2 WATCHED) are apart, beside its range."""
    period = step.periodic.get(step.names[entry])
    values = [kept] if period is None else [np.cos(2 * np.pi * kept / period), np.sin(2 * np.pi * kept / period)]
    gaps = []
    for value in values:
        half = value[:, :WATCHED]
        size = np.ptp(half, axis=1)[:, None]
        scaled = (value - half.mean(axis=1)[:, None]) / np.where(size > 0, size, 1.0)
        for power in (scaled, scaled**2):
            gaps.append(np.abs(power[:, 1:WATCHED] @ weight - power[:, WATCHED + 1 :] @ weight))
    return np.nan_to_num(np.max(gaps, axis=0), nan=np.inf)
