"""`oscillation`: the fast oscillation of a drifting orbit or of a user's log, with its evidence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import first_other
from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.series.direction import Direction, examine
from cfdyn.systems.eigenvalues import leading
from cfdyn.systems.orbit import Orbit
from cfdyn.words import how_many

FEWEST_ROWS = 16  # eight periods of the shortest cycle
MOST_COLUMNS, PRINCIPAL = 16, 4  # tested one by one; of more, principal directions


@dataclass(frozen=True)
class Oscillation(Record):
    """The fast oscillation in a log: its period, when it occurs, and with which evidence.

    ``kind``: "periodic", "irregular" (chaotic, chaotic bands or quasi-periodic) or "none". ``period``: the least number of
    steps ≥ 2 after which it repeats; None unless periodic. ``bands``: the number of bands that an irregular one visits in turn
    (1: no such order); None otherwise. ``since``, ``until``: first and last step of its longest episode. ``amplitude``: median
    of half the peak-to-peak value of the fast part in the leading direction, in that episode. ``evidence``: for the leading
    direction. ``directions``: for each column or projection a dict name, kind, period, bands, since, until, amplitude,
    evidence, reason. ``leading``: the name of the one with the smallest p-value (for an orbit: the largest amplitude), whose
    ``series``, ``slow`` and ``fast``, (n,), are kept. ``reason``: one sentence.

    Evidence: ``frequency`` and ``share``: of the first line, and its fraction of the fast power, with every four periods
    normalized (1 for a pure cycle; all lines of one denominator together). ``p_value``: the probability that noise is as
    coherent, times the number of tests. ``noise``: standard deviation of the non-repeating part; ``signal_to_noise``: root mean
    square of the repeating part over it (NaN unless periodic). ``alternation``: the rate of sign changes of the fast part (1
    for a 2-cycle, about ½ for noise). ``returns``: root mean square of u_{t+p} − u_t over √2 times that of u for p = 1…P; 0 for
    a p-cycle, 1 for noise. ``determinism``: Chatterjee's ξ of the non-repeating part (0 noise, 1 a map) with its z-score.
    ``lines``: all of them. ``peak``, ``peak_share``, ``peak_p``: of the highest peak off the lines.
    """

    kind: str
    period: int | None
    bands: int | None
    since: int | None
    until: int | None
    amplitude: float
    evidence: dict
    directions: list
    leading: str
    reason: str
    series: Annotated[np.ndarray, "n"]
    slow: Annotated[np.ndarray, "n"]
    fast: Annotated[np.ndarray, "n"]


def oscillation(log: Any, max_period: int = 32, level: float = 0.01, names: Sequence[str] | None = None) -> Oscillation:
    """The period of a log, or of an orbit, after its slow motion is removed.

    For each period N, u = (1 − M_N)³x removes the slow part, M_N the centred mean over whole periods: N-cycles pass unchanged,
    polynomials below degree 6 vanish. A sequence of least period N is a sum of lines j/q in lowest terms, and N is the least
    common multiple of the q that are present. A line is present if its phase is the same in successive blocks: F = k|z̄|²/s²,
    degrees of freedom (2, 2k − 2), z_b the Fourier coefficient of block b over the block's root mean square. A comb removes the
    strongest denominator, and the rest is searched again. The remainder is noise unless y_{t+1} depends on y_t beyond a linear
    rule, or a line lies elsewhere: such a log is irregular.

    Limits. A log must hold 8 periods, and 25 if noise is a third of the signal. A weak cycle, less than a tenth of the fast
    power, is not detected, nor is an episode shorter than a twentieth of the log. Noise with a narrow spectrum (an almost
    unstable linear system driven by noise) may count as periodic or irregular. A frequency within 0.08/n of a fraction j/q
    cannot be distinguished from it, and bands narrower than 2 % of the oscillation count as points. A cycle longer than
    ``max_period`` is irregular; chaos with a slow drift (just beyond a merging crisis) may count as none, and chaotic bands as
    a noisy cycle in one log of fifty. A loss near a minimum is even in the weights, so it need not show their 2-cycle. The
    answer is statistical, not a proof.

    Parameters
    ----------
    log : (n,) or (n, d) numbers, or an Orbit, whose weights are tested one by one and along the top eigenvector of the last
        Hessian; of more than 16 columns, 4 principal directions of the fast part are tested
    max_period : longest period searched for, in steps
    level : probability of a false alarm in a log of noise
    names : of the d columns

    Raises
    ------
    UsageError : fewer than 16 rows, entries that are not finite, max_period below 2, or a level outside (0, 0.5)

    Examples
    --------
    >>> import cfdyn as cf, numpy as np
    >>> t = np.arange(200)
    >>> noise = np.random.default_rng(0).normal(size=200)
    >>> log = cf.analysis.oscillation(0.05 * t + 3 * np.cos(2 * np.pi * t / 3) + noise)
    >>> log.kind, log.period, log.since, log.until, round(log.amplitude, 1)
    ('periodic', 3, 0, 199, 2.2)
    >>> cf.analysis.oscillation(0.05 * t + noise).kind
    'none'

    References
    ----------
    Vaidyanathan (2014), Ramanujan sums in the context of signal processing I, IEEE Trans. Signal Process. 62 (periods as
    lines j/q). Thomson (1982), Proc. IEEE 70, §XIII (F-test of a line). Fisher (1929), Proc. R. Soc. A 125 (g test).
    Chatterjee (2021), J. Am. Stat. Assoc. 116, Theorem 2.1.
    """
    if max_period < 2 or not 0 < level < 0.5:
        raise UsageError(f"oscillation needs `max_period` ≥ 2 and 0 < `level` < 0.5, not {max_period} and {level:g}")
    table, labels = _directions(log, names)
    directions = [_scaled(name, x, int(max_period), level / table.shape[1]) for name, x in zip(labels, table.T, strict=True)]
    settings = provenance(rows=len(table), max_period=max_period, level=level, directions=labels)
    return _together(directions, max_period, settings, isinstance(log, Orbit))


def _scaled(name: str, x: np.ndarray, max_period: int, level: float) -> Direction:
    """The result in units of a power of 2 near the largest entry, which is exact: no square over- or underflows."""
    unit = np.ldexp(1.0, max(int(np.frexp(np.abs(x).max())[1]) - 1, -1021))
    direction = examine(name, x / unit, max_period, level)
    direction.series, direction.slow, direction.fast = x, direction.slow * unit, direction.fast * unit
    direction.amplitude *= float(unit)
    return direction


def _directions(log: Any, names: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    """The columns or projections to test, (n, k), and their names."""
    try:
        table = np.asarray(log.w if isinstance(log, Orbit) else log, dtype=float)
    except (TypeError, ValueError, OverflowError):
        row = first_other(log)
        raise UsageError(f"the log must be an array of real numbers, (n,) or (n, d){row and f': {row}'}") from None
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or table.shape[1] == 0:
        raise UsageError(f"the log must have shape (n,) or (n, d), not {table.shape}")
    if len(table) < FEWEST_ROWS:
        raise UsageError(f"an oscillation needs {FEWEST_ROWS} rows or more, not {len(table)}")
    wrong = np.argwhere(~np.isfinite(table))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise UsageError(f"the log is {table[row, column]} at row {row}, column {column}; cut it off before that")
    default = list(log.names[: log.n_weights]) if isinstance(log, Orbit) else [str(k) for k in range(table.shape[1])]
    labels = default if names is None else [str(name) for name in names]
    if len(labels) != table.shape[1]:
        raise UsageError(f"{how_many(len(labels), 'name')} for {how_many(table.shape[1], 'column')}; give one for each")
    top = _top_eigenvector(log, table) if isinstance(log, Orbit) and table.shape[1] > 1 else None
    full = table
    if table.shape[1] > MOST_COLUMNS:
        table = table @ _principal(table)
        labels = [f"principal {k + 1}" for k in range(table.shape[1])]
    if top is not None:
        table, labels = np.column_stack([full @ top, table]), ["top eigenvector", *labels]
    return table, labels


def _principal(table: np.ndarray) -> np.ndarray:
    """Leading directions of the second differences, (d, 4)."""
    fast = np.diff(table[-4096:], 2, axis=0)
    if len(fast) >= fast.shape[1]:
        return np.linalg.eigh(fast.T @ fast)[1][:, ::-1][:, :PRINCIPAL]
    return np.linalg.qr(fast.T @ np.linalg.eigh(fast @ fast.T)[1][:, ::-1][:, :PRINCIPAL])[0]


def _top_eigenvector(orbit: Orbit, table: np.ndarray) -> np.ndarray | None:
    """The top eigenvector of the Hessian at the mean of the last rows, (d,); None if there is none."""
    step, d = orbit._step, table.shape[1]
    if step is None or not step.has_loss:
        return None
    place = np.array(orbit.z[-1], dtype=float)
    place[:d] = table[-12:].mean(axis=0)
    sharpness, vector = leading(step.rule, place, step.p, d)
    if not np.isfinite(sharpness):
        return None
    return vector * np.sign(vector[np.argmax(np.abs(vector))])


def _together(directions: list[Direction], max_period: int, settings: dict, one_unit: bool) -> Oscillation:
    """One result for all directions: irregular if one is, otherwise the least common period."""
    moving = [f for f in directions if f.kind != "none"]
    irregular = [f for f in moving if f.kind == "irregular"]
    # Amplitudes of a user's columns cannot be compared, those of weights can.
    first = {True: lambda f: (-f.amplitude, 0.0), False: lambda f: (f.evidence["p_value"], -f.evidence["share"])}[one_unit]
    lead = min(irregular or moving or directions, key=first)
    kind, period, reason = lead.kind, lead.period, lead.reason
    if kind == "periodic":
        period = math.lcm(*(f.period or 1 for f in moving))
        if period > max_period:
            kind, period = "irregular", None
            reason = f"the directions have different periods, whose least common multiple exceeds {max_period}"
    bands = math.lcm(*(f.bands or f.period or 1 for f in moving)) if kind == "irregular" else None
    since = min((f.since for f in moving if f.since is not None), default=None)
    until = max((f.until for f in moving if f.until is not None), default=None)
    return Oscillation(
        kind, period, bands, since, until, lead.amplitude, lead.evidence, [f.summary() for f in directions], lead.name,
        reason, lead.series, lead.slow, lead.fast, provenance=settings,
    )  # fmt: skip
