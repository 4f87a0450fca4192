"""One direction of a log: its lines, its period, its active stretch, and what does not repeat."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cfdyn.series.filters import TINY, active_rows, amplitude, comb_filter, noise_gain, repeating, whole_fast_part, without_spikes
from cfdyn.series.spectrum import SpectralLine, best_line, dependence, highest_peak, least_share, roughness, steadiness, stretches

ROUNDS = 6  # denominators at most: the least common multiple of more is beyond any period that is looked for
WIDE = 32  # the period whose slow part is taken off where no line is known
SLOWEST = 1 / 16  # frequency below which a peak may be what is left of the drift
SHORTEST = 64  # rows of a window in which a line can be told from noise: eight cycles of eight steps
CLOSED = 0.02  # of the fast part: what fails to repeat by less counts as closed, bands as narrow as that as points
REPEATS = 1e-4  # least power of a further line, over that of the whole fast part: round-off and leakage are below
TURN, STEADY = 0.5, 0.6  # rad by which the phase of a line j/q may turn, and least |Σz|/Σ|z| of its blocks
NORMAL_MEDIAN = 0.455  # of the square of a standard normal number
ROUGH = 0.1  # least von Neumann ratio of chaos without lines: below, the series is a smooth curve


@dataclass
class Direction:
    """The oscillation of one series; fields as in Oscillation."""

    name: str
    series: np.ndarray
    kind: str = "none"
    period: int | None = None
    bands: int | None = None
    since: int | None = None
    until: int | None = None
    amplitude: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    slow: np.ndarray = field(default_factory=lambda: np.empty(0))
    fast: np.ndarray = field(default_factory=lambda: np.empty(0))

    def summary(self) -> dict[str, Any]:
        """Without the arrays."""
        keys = ("name", "kind", "period", "bands", "since", "until", "amplitude", "evidence", "reason")
        return {key: getattr(self, key) for key in keys}


def examine(name: str, x: np.ndarray, max_period: int, level: float) -> Direction:
    """The verdict on one series at a false-alarm level."""
    longest = min(max_period, len(x) // 8)
    direction = Direction(name, x)
    lines = find_lines(x, longest, level / 2)
    period = math.lcm(*(line.q for line in lines)) if lines else 1
    if period > max_period or 2 * period > len(x):
        period = lines[0].q if lines else 1
    direction.fast = whole_fast_part(x, period if lines else min(WIDE, max(2, len(x) // 8)))
    direction.slow = x - direction.fast
    first, last = 0, len(x) - 1
    if lines:
        direction.since, direction.until, first, last = active_rows(direction.fast, period, (lines[0].first, lines[0].last))
    _judge(direction, lines, period, (first, last), level / 2)
    _describe(direction, lines, period, (first, last), max_period)
    return direction


def find_lines(x: np.ndarray, longest: int, level: float) -> list[SpectralLine]:
    """The denominators that are present, the strongest first, each removed before the next is sought.

    The strongest is looked for in the whole log, or else in windows of it; the others where it has its full size.
    """
    lead = strongest(x, longest, level / 2)
    if lead is None:
        return []
    *_, first, last = active_rows(whole_fast_part(x, lead.q), lead.q, (lead.first, lead.last))
    part = x[first : last + 1]
    lines, rest = [lead], part
    longest = min(longest, len(part) // 8)
    while len(lines) < ROUNDS and len(part) >= 8 * lead.q:
        rest = _without_cycle(rest, lines[-1].q)
        others = [line for line in _significant_lines(rest, longest, level / 2) if all(line.q != one.q for one in lines)]
        others = [line for line in others if _relative_power(line, part, rest, lead.q) >= REPEATS]
        if not others:
            break
        lines.append(max(others, key=lambda line: line.share))
    return [lead, *(one._replace(first=one.first + first, last=one.last + first) for one in lines[1:])]


def strongest(x: np.ndarray, longest: int, level: float) -> SpectralLine | None:
    """The line with the largest share in the whole log, or in the first of ever shorter windows that has one."""
    for scale, parts in enumerate((1, 6, 24)):
        width = len(x) // parts
        if parts > 1 and width < SHORTEST:
            return None
        starts = range(0, len(x) - width + 1, max(width // 2, 1))
        chance = level / 2 ** min(scale + 1, 2) / len(starts)
        seen = [
            line._replace(p=min(1.0, line.p * len(starts)), first=line.first + start, last=line.last + start)
            for start in starts
            for line in _significant_lines(x[start : start + width], min(longest, width // (8 if parts == 1 else 32)), chance)
        ]
        if seen:
            return max(seen, key=lambda line: line.share)
    return None


def _significant_lines(x: np.ndarray, longest: int, level: float) -> list[SpectralLine]:
    """The lines, one for each denominator, that are significant and not too weak."""
    tests = sum(max(1, q // 2) * len(stretches(24)) for q in range(2, longest + 1))
    seen = (best_line(x, q) for q in range(2, longest + 1))
    lines = [line for line in seen if line is not None and line.p * tests < level and line.share >= least_share(line.q, len(x))]
    return [line._replace(p=min(1.0, line.p * tests)) for line in lines]


def _without_cycle(x: np.ndarray, q: int) -> np.ndarray:
    """x without its q-cycle, whose size may grow over many orders of magnitude."""
    fast = whole_fast_part(x, q)
    size = amplitude(fast, q, 3)
    size[size == 0] = 1.0
    return x - size * repeating(fast / size, q)


def _relative_power(line: SpectralLine, x: np.ndarray, rest: np.ndarray, first: int) -> float:
    """Typical power of a later line over that of the whole fast part, in its rows."""
    rows = slice(line.first, line.last)
    size = amplitude(whole_fast_part(x, first), first, 3)[rows] + 16 * TINY * np.abs(x[rows])
    after = np.abs(whole_fast_part(rest, line.q)[rows])
    size[size == 0] = 1.0
    # No more than round-off in what is left of the cycle is no line.
    after[after < 16 * TINY * np.abs(x[rows])] = 0.0
    return line.share * float(np.median((after / size) ** 2))


def _judge(direction: Direction, lines: list[SpectralLine], period: int, rows: tuple[int, int], level: float) -> None:
    """Kind, period and reason, from the lines and from what they leave."""
    first, last = rows
    y = direction.fast[first : last + 1]
    wide = min(WIDE, max(2, len(direction.series) // 8))
    rest, counted = (
        (y - repeating(y, period), None) if lines and len(y) >= 3 * period else _between_spikes(direction.series, wide)
    )
    noise = noise_level(y, period) if lines else 0.0
    unrepeated = noise / max(float(np.sqrt((y**2).mean())), 1e-300) if lines else 1.0
    xi, z, innovation = dependence(rest, period, counted) if len(y) >= 12 * period + 36 else (0.0, 0.0, 0.0)
    direction.evidence = {"determinism": xi, "determinism_z": z, "noise": noise}
    chaotic = _chance(z) < level / 16 and xi > 0.1 and innovation > 0.02 and unrepeated > CLOSED
    seen = np.median(np.abs(y)) > 64 * TINY * np.abs(direction.series).max()
    chaotic = chaotic and (bool(lines) or (seen and roughness(y) > ROUGH))
    off = _drifts_in_phase(lines, y)
    turned = off
    if turned:
        direction.evidence |= dict(zip(("peak", "peak_share", "peak_p"), highest_peak(y, SLOWEST), strict=True))
    elif unrepeated > 5 * CLOSED and len(y) >= 48:
        combed = bool(lines) and len(y) > 12 * period
        frequency, share, p = highest_peak(comb_filter(y, period) if combed else y, SLOWEST, period if combed else 0)
        direction.evidence |= {"peak": frequency, "peak_share": share, "peak_p": p}
        off = p < level / 8 and share > 0.3 and combed == bool(lines)
    several = math.lcm(*(line.q for line in lines)) if lines else 1
    if several > period:
        direction.kind, direction.bands = "irregular", period
        direction.reason = f"its lines have the common period {several}, beyond the longest looked for"
    elif chaotic or off:
        direction.kind, direction.bands = "irregular", 1 if turned else period
        direction.reason = _irregular_reason(chaotic, direction.bands)
    elif lines:
        direction.kind, direction.period = "periodic", period
        direction.reason = f"the fast part repeats after {period} steps and after no fewer"
    else:
        direction.reason = "nothing in it repeats, and its steps are consistent with noise"


def _between_spikes(x: np.ndarray, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """The fast part without spikes, (n,), and which of its rows count: those off spikes, and off ends, which are continued."""
    calm, spike = without_spikes(x, 2 * wide + 1)
    spike[:wide] = spike[-wide:] = True
    return whole_fast_part(calm, wide), ~spike


def _irregular_reason(chaotic: bool, bands: int) -> str:
    """In words."""
    rule = "each step follows from the one before, yet it does not repeat"
    words = rule if chaotic else "it has a sharp frequency that is no fraction j/q"
    return words + (f"; it visits {bands} bands in turn" if bands > 1 else "")


def _drifts_in_phase(lines: list[SpectralLine], y: np.ndarray) -> bool:
    """The strongest line does not keep its phase: its frequency lies beside j/q."""
    if not lines:
        return False
    line = lines[0]
    turn = abs(line.turn) * len(y) / (line.last - line.first)
    return steadiness(y, line) < STEADY or (turn > TURN and line.turn_p < 1e-4)


def noise_level(y: np.ndarray, period: int) -> float:
    """Standard deviation of the noise in the log, from what does not repeat: median, so that bursts do not count."""
    if len(y) < 6 * period:
        return 0.0
    return float(np.sqrt(np.median(comb_filter(y, period) ** 2) / NORMAL_MEDIAN)) / noise_gain(period)[1]


def _chance(z: float) -> float:
    """That a standard normal number is at least z."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def _describe(direction: Direction, lines: list[SpectralLine], period: int, rows: tuple[int, int], most: int) -> None:
    """Amplitude and the numbers of the evidence, from the rows of full size."""
    first, last = rows
    y = direction.fast[first : last + 1]
    if direction.kind == "none":
        direction.since = direction.until = None
    else:
        if direction.since is None:
            direction.since, direction.until = first, last
        smooth = 5 if direction.kind == "periodic" else 1
        direction.amplitude = float(np.median(amplitude(y, max(period, 2 if lines else 8), smooth)))
    line = lines[0] if lines else None
    noise = direction.evidence["noise"]
    signal = math.sqrt(max(float((y**2).mean()) - (noise * noise_gain(period)[0]) ** 2, 0.0)) if lines else 0.0
    frequency = line.j / line.q if line else math.nan
    if direction.kind != "periodic":
        frequency = direction.evidence.get("peak", frequency)
    direction.evidence |= {
        "frequency": frequency,
        "share": line.share if line else direction.evidence.get("peak_share", 0.0),
        "p_value": min(min((one.p for one in lines), default=1.0), direction.evidence.get("peak_p", 1.0),
                       _chance(direction.evidence["determinism_z"]) if direction.kind == "irregular" else 1.0),
        "signal_to_noise": signal / noise if noise > 0 and direction.kind == "periodic" else math.nan,
        "alternation": float((y[1:] * y[:-1] < 0).mean()) if len(y) > 1 else 0.0,
        "lines": [{"frequency": one.j / one.q, "denominator": one.q, "share": one.share, "p_value": one.p} for one in lines],
        "returns": returns(y, min(most, len(y) // 2)),
    }  # fmt: skip


def returns(y: np.ndarray, most: int) -> list[float]:
    """Root mean square of y_{t+p} − y_t over √2 times that of y, for p = 1…most."""
    size = math.sqrt(2 * float((y**2).mean())) or 1.0
    return [float(np.sqrt(((y[p:] - y[:-p]) ** 2).mean())) / size for p in range(1, most + 1)]
