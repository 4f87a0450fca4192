"""`zero_one_test`: chaotic or regular, from a time series alone."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from scipy.fft import next_fast_len

from cfdyn.arguments import check_finite, table, whole_number
from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import Orbit

FEWEST, ANGLES = 200, 100  # rows; angles, as in the paper
LOW, HIGH, HALF = 0.1, 0.9, 0.5  # values of K: at most regular, at least chaotic, if the neighbouring quartile agrees
SLOW = 0.9  # correlation of neighbours: with more the series is sampled too often, with less than −0.9 it jumps between bands
STILL = 1e-9  # relative to the largest entry: a series that varies less is constant
CUT = 10  # displacements are computed up to a tenth of the series


@dataclass(frozen=True)
class ZeroOneTest(Record):
    """``K``: the median over angles c of K_c, near 1 for chaos and near 0 for regular motion.

    ``kind``: "chaotic", "regular" or "undecided", with its ``reason``. ``low``, ``high``: the quartiles of K_c; their spread
    measures the reliability of the median. ``angles``, ``values`` (m,): all c and K_c. ``neighbours``: the correlation of x_t
    and x_{t+1}. ``walk`` (n, 2): the walk (p, q) at the angle whose K_c is the median.
    """

    kind: str
    K: float
    low: float
    high: float
    angles: Annotated[np.ndarray, "m"]
    values: Annotated[np.ndarray, "m"]
    neighbours: float
    walk: Annotated[np.ndarray, "n 2"]
    reason: str


def zero_one_test(orbit: Any, transient: int = 0, seed: int = 0) -> ZeroOneTest:
    """The 0–1 test for chaos of Gottwald and Melbourne, from a series alone: without the map, derivatives or an embedding.

    The series x drives a walk in the plane, p(n) = Σ_{j≤n} x_j cos jc, q(n) = Σ x_j sin jc, which is diffusive for chaos and
    bounded for regular motion. K_c is the correlation of n with the mean square displacement D_c(n), n ≤ N/10, without its
    oscillating term; K is the median over 100 random c in (π/5, 4π/5), since a single c may resonate.

    Limits. Noise looks like chaos: weak noise on a regular motion makes K undecided, stronger noise 1. Weak chaos in many
    narrow bands (just beyond the accumulation of a cascade) needs more rows and appears regular until then. If successive rows
    are correlated by less than −0.9, the test also takes every 2nd, 4th, … row; if these look chaotic, the result is undecided.
    An oversampled series (a flow, or a slow drift) gives K ≈ 0 in any case: it is undecided if successive rows are correlated
    by more than 0.9. Angles wrapped to one turn jump; pass their cosines and sines.

    Parameters
    ----------
    orbit : an Orbit, or (n,) or (n, d) numbers; several columns, each scaled to variance 1, are combined with fixed random
        weights
    transient : number of rows discarded at the start
    seed : of the angles and of the combination

    Raises
    ------
    UsageError : fewer than 200 rows, or entries that are not finite

    Examples
    --------
    >>> import cfdyn as cf
    >>> logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
    >>> test = cf.analysis.zero_one_test(cf.iterate(logistic, [0.3], 2000))
    >>> test.kind, round(test.K, 2)
    ('chaotic', 1.0)
    >>> cf.analysis.zero_one_test(cf.iterate(logistic.at(r=3.55), [0.3], 2000)).kind
    'regular'

    References
    ----------
    Gottwald & Melbourne (2009), On the implementation of the 0–1 test for chaos, SIAM J. Appl. Dyn. Syst. 8, 129.
    """
    rows, first = _rows(orbit), whole_number("transient", transient)
    if first < 0 or len(rows) - first < FEWEST:
        raise UsageError(f"zero_one_test needs {FEWEST} rows after a transient of at least 0; {len(rows)} are there, with a "
                         f"transient of {first}")  # fmt: skip
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(math.pi / 5, 4 * math.pi / 5, ANGLES))
    x = _observed(rows[first:], rng)
    values = growth_rates(x, angles)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    neighbours = float(np.mean(x[1:] * x[:-1]))
    kind, reason = _verdict(x, low, middle, high, neighbours)
    if kind == "regular" and neighbours < -SLOW:
        kind, reason = _in_bands(x, angles, reason)
    typical = float(angles[np.argmin(np.abs(values - middle))])
    settings = provenance(rows=len(rows), columns=rows.shape[1], transient=first, seed=seed)
    return ZeroOneTest(kind, middle, low, high, angles, values, neighbours, walk(x, typical), reason, provenance=settings)


def _rows(orbit: Any) -> np.ndarray:
    """The series as (n, d), checked to be finite."""
    if isinstance(orbit, Orbit):
        rows = np.asarray(orbit.w, dtype=float)
        if orbit.status != "done":
            raise UsageError(f"the orbit {orbit.status}: zero_one_test needs one that stays finite")
    else:
        rows = table("a series", orbit, 1) if np.ndim(orbit) == 1 else table("a series", orbit, 2)
        rows = rows[:, None] if rows.ndim == 1 else rows
    if not rows.shape[1]:
        raise UsageError("zero_one_test needs columns of finite numbers")
    check_finite("zero_one_test needs", rows)
    return rows


def _observed(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One series of mean 0 and variance 1, (n,); zeros if nothing varies."""
    weights = rng.normal(size=(rows.shape[1],))
    size = np.abs(rows).max(axis=0)
    scaled = rows / np.where(size > 0, size, 1.0)
    moves = np.ptp(scaled, axis=0) > STILL
    scaled = scaled[:, moves] - scaled[:, moves].mean(axis=0)
    x = scaled / scaled.std(axis=0) @ (weights[moves] if moves.sum() > 1 else np.ones(int(moves.sum())))
    return (x - x.mean()) / x.std() if moves.any() else np.zeros(len(rows))


def _in_bands(x: np.ndarray, angles: np.ndarray, reason: str) -> tuple[str, str]:
    """"regular" only if every 2nd, 4th, … row is regular too, while these also alternate and suffice; else "undecided"."""
    stride = 2
    while len(x) // stride >= FEWEST:
        own = x[::stride] - x[::stride].mean()
        if np.ptp(own) <= STILL:
            break
        low, middle, high = np.quantile(growth_rates(own / own.std(), angles), [0.25, 0.5, 0.75]).tolist()
        if middle > LOW or high > HALF:
            return "undecided", f"{reason}; K = {middle:.3f} on one row in {stride}: bands, each of which may be chaotic"
        if np.mean(own[1:] * own[:-1]) > -SLOW * own.var():
            break
        stride *= 2
    return "regular", reason


def _verdict(x: np.ndarray, low: float, middle: float, high: float, neighbours: float) -> tuple[str, str]:
    if not x.any():
        return "regular", "nothing varies"
    evidence = f"K = {middle:.3f}, quartiles {low:.3f} and {high:.3f} over {ANGLES} angles, {len(x)} rows"
    if neighbours > SLOW:
        below = np.flatnonzero([np.mean(x[k:] * x[:-k]) < HALF for k in range(1, len(x) // 2)])
        often = f", such as every {below[0] + 1}th row" if len(below) else ""
        return "undecided", f"{evidence}; neighbours are correlated by {neighbours:.2f}: sampled too often, take fewer{often}"
    if middle >= HIGH and low >= HALF:
        return "chaotic", f"{evidence}; noise would give the same result"
    if middle <= LOW and high <= LOW:
        return "regular", evidence
    return "undecided", f"{evidence}: more rows may tell"


def growth_rates(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """K_c for each angle c: the correlation of n with the mean square displacement D_c(n), n = 1 … N/10.

    The walk is z_c(n) = Σ_{j≤n} x_j e^{ijc}; D_c(n) = (mean of |z_c(j+n) − z_c(j)|²) − (mean of x)² (1 − cos nc)/(1 − cos c),
    without the oscillating term.
    """
    n, t = len(x), np.arange(1, len(x) + 1)
    cut = n // CUT
    lags, rows = np.arange(1, cut + 1), n - cut
    size, mean = next_fast_len(n + rows), x.mean()
    rates = np.empty(len(angles))
    for k, c in enumerate(angles.tolist()):
        z = np.cumsum(x * np.exp(1j * c * t))
        z -= z.mean()  # fewer digits are lost
        squares = np.concatenate([[0.0], np.cumsum(np.abs(z) ** 2)])
        products = np.fft.ifft(np.fft.fft(z, size) * np.conj(np.fft.fft(z[:rows], size)))[1 : cut + 1].real
        moved = (squares[rows + lags] - squares[lags] + squares[rows] - 2 * products) / rows
        rates[k] = _correlation(lags, moved - mean**2 * (1 - np.cos(lags * c)) / (1 - np.cos(c)))
    return rates


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else 0.0


def walk(x: np.ndarray, angle: float) -> np.ndarray:
    """(p, q) of the walk at one angle, (n, 2)."""
    z = np.cumsum(x * np.exp(1j * angle * np.arange(1, len(x) + 1)))
    return np.stack([z.real, z.imag], axis=1)
