"""`explain`: what the log of a training run tells: spikes, period, drift, plateaus, divergence, and what it cannot tell."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.training._causes import cause_of
from cfdyn.analysis.training._crossing import SHARE
from cfdyn.analysis.training._log_verdict import advice_of, verdict_of
from cfdyn.analysis.training.oscillation import FEWEST_ROWS, oscillation
from cfdyn.errors import UsageError, unknown
from cfdyn.records.logs import Columns, read_columns, timed
from cfdyn.records.record import Record, provenance
from cfdyn.series.spikes import RISE, Rise, rises
from cfdyn.series.trend import drift, plateaus
from cfdyn.words import how_many

LONGEST = 4096  # rows in which a period is searched for
OTHER_CLOCKS = ("epoch", "runtime", "timestamp", "wall time")
RARE = 0.01  # of the entries: so many may be 0 or negative in a loss whose logarithm is taken
PART = 0.05  # of the range of a series that is not positive: a spike is above its level by that
RECENT = 50  # rows before a spike, whose distance is a step of its growth
GROWN = 10.0  # times its minimum: a loss that diverges and does not come back
HELD_OUT = ("val", "eval", "test", "dev")


@dataclass(frozen=True)
class Explanation(Record):
    """What a log tells about a run of n logged rows.

    ``loss``: the column's name; ``steps`` and ``values`` (n,): its rows, infinity for entries that are not finite. ``spikes``:
    for each a dict with ``since``, ``peak``, ``until`` (None: it did not come back) in steps, ``times``: the peak over the level
    before (None of a series that is not positive), ``rows``: of the rise, ``growth``: the factor per step by which the excess
    over the level grew, if by the same throughout, ``alternates``, ``cause`` ("numbers", "schedule", "v decayed",
    "one batch", "crossed the edge" or "undecided") and ``evidence``, sentences.
    ``share_steps``, ``shares``, ``share_low``, ``share_high`` (m,): where `cf.watch` has measured the share of the edge, and its
    bracket (the share itself where there is none).
    ``period``: of the oscillation in steps, None if there is none; ``oscillation``: the sentence. ``drift``: the relative change
    per 1000 steps in the last third, with its standard error ``drift_error``. ``plateaus``: pairs (since, until) that ended.
    ``end``: "diverged", "not finite", "stays above" its level, or "". ``verdict``: headline and sentences; ``advice``: what to
    log next.
    """

    loss: str
    steps: Annotated[np.ndarray, "n"]
    values: Annotated[np.ndarray, "n"]
    spikes: list
    period: float | None
    oscillation: str
    drift: float
    drift_error: float
    plateaus: list
    end: str
    verdict: str
    advice: list
    share_steps: Annotated[np.ndarray, "m"]
    shares: Annotated[np.ndarray, "m"]
    share_low: Annotated[np.ndarray, "m"]
    share_high: Annotated[np.ndarray, "m"]

    _headline = ("verdict",)

    @property
    def headline(self) -> str:
        """The first line of the verdict."""
        return self.verdict.partition("\n")[0]

    @property
    def bullets(self) -> list[str]:
        """The other lines."""
        return [line.removeprefix("• ") for line in self.verdict.splitlines()[1:]]

    def table(self) -> dict[str, list[Any]]:
        """Columns of the spikes, a row for each."""
        names = ("since", "peak", "until", "times", "rows", "growth", "alternates", "cause")
        return {name: [spike[name] for spike in self.spikes] for name in names}


def explain(run: Any, loss: str | None = None) -> Explanation:
    """What the log of a training run tells, and what it cannot tell.

    A **spike** begins where the loss exceeds its level, from the last 50 rows, by a tenth (of a series that is not positive: by
    a twentieth of its 5–95 % range) and by 6 standard deviations. Its cause, of which each but the first needs
    what `cf.watch` logs, is *numbers* if the loss or the gradient norm is not finite within 5 rows before; *schedule* if the
    rate rose by more than a fifth there, and the share of the edge is below 1 with the old rate and above with the new one;
    *v decayed* if the share rose 1.5 times to above 1 within 1/(1 − β₂) steps, by 0.9 or more of it since the average of squared
    gradients fell; *one batch* if the gradient norm was above 4 times its median, at weights with a normal loss on the probe and
    a share below 1; *crossed the edge* if the share was above 1 before and the step along the leading direction grew at 0.5 to
    1.5 times the rate ln |ρ| that it predicts; otherwise *undecided*, with what speaks for either. Growth by the same factor in
    each row is what an instability does; a loss alone cannot tell it from other causes. A loss that is positive is treated by its
    logarithm, so that its unit does not matter.

    The **period** is that of `oscillation` in the longest stretch without spikes; the **drift** is the slope of the last third
    through medians of blocks; a **plateau** is a stretch of a tenth of the run or more that is flat within its noise and ends
    in a fall. The answer is statistical: in 10⁵ rows of noise, with a standard deviation of 0.1 of the logarithm, it saw
    no spike if the noise was Gaussian and independent, 23 if it had the correlation 0.9 from row to row, and 150, of one row,
    with Student's distribution of 4 degrees of freedom. 10⁵ rows take 2 s, and the work grows with the rows
    (benchmarks/classify.py).

    Parameters
    ----------
    run : a path to a CSV file, a JSON document (also HuggingFace's ``trainer_state.json``), JSON Lines, an event file of
        TensorBoard or a folder with one; or a dict of series of one length
    loss : the column to explain; by default the one called loss, of the training if there are several

    Raises
    ------
    UsageError : no such file or column, entries that are no numbers, or fewer than 16 rows with an entry

    Examples
    --------
    >>> import cfdyn as cf, numpy as np
    >>> t = np.arange(400)
    >>> loss = np.exp(-t / 200) * (1 + 0.01 * np.random.default_rng(0).normal(size=400))
    >>> loss[250:260] *= 1 + 0.2 * 1.4 ** np.arange(10)
    >>> found = cf.analysis.explain({"loss": loss})
    >>> [(s["since"], s["peak"], s["until"], round(s["growth"], 1), s["cause"]) for s in found.spikes]
    [(250.0, 259.0, 259.0, 1.4, 'undecided')]

    References
    ----------
    Cohen et al. (2021), arXiv 2103.00065: growth beyond the edge of stability, and how it ends.
    """
    columns = _columns(run)
    name = chosen(columns.names, loss)
    values = columns.table[:, columns.names.index(name)]
    rows = np.flatnonzero(~np.isnan(values))
    if len(rows) < FEWEST_ROWS:
        raise UsageError(f"{name} has {how_many(len(rows), 'row')}; an explanation needs {FEWEST_ROWS} or more")
    at, x = columns.at[rows], values[rows]
    finite = np.isfinite(x)
    if not finite.any():
        raise UsageError(f"no entry of {name} is finite")
    positive = bool(0 <= (x[finite] <= 0).mean() <= RARE and (x[finite] > 0).any())
    seen = finite & (x > 0) if positive else finite
    y = np.where(seen, np.log(np.where(seen, x, 1.0)) if positive else x, np.nan)
    found = rises(y, RISE if positive else PART * float(np.diff(np.nanquantile(y, (0.05, 0.95)))[0]))
    others = {other: columns.table[rows, columns.names.index(other)] for other in columns.names if other != name}
    spikes = [_spike(one, at, x, others, positive) for one in found]
    calm = _calm(y, found)
    period, words = _period(y, at, calm)
    slope, error = drift(at, np.where(calm, y, np.nan))
    flat = [(float(at[a]), float(at[b])) for a, b in plateaus(np.where(calm, y, np.nan))]
    end = _end(y, x, found)
    about: dict[str, Any] = {"loss": name, "steps": at, "values": x, "spikes": spikes, "period": period, "oscillation": words,
             "drift": 1000 * slope, "drift_error": 1000 * error, "plateaus": flat, "end": end, **_shares(columns)}  # fmt: skip
    advice = advice_of(columns.names, at)
    remarks = [*columns.notes, *_left_out(values, rows, seen, positive), *_in_clock(columns.clock)]
    return Explanation(**about, verdict=verdict_of(about, positive, advice, remarks), advice=advice,
                       provenance=provenance(rows=len(x), clock=columns.clock, columns=list(columns.names)))  # fmt: skip


def _columns(run: Any) -> Columns:
    if isinstance(run, Columns):
        return run
    if isinstance(run, Mapping):
        try:
            series = [np.asarray(values, dtype=float) for values in run.values()]
            gaps = np.column_stack([[value is None for value in values] for values in run.values()])
            table = np.column_stack(series)
        except (TypeError, ValueError):
            series, table, gaps = [], np.empty(0), np.empty(0)
        if not series or any(values.ndim != 1 for values in series) or len({*map(str, run)}) < len(series):
            raise UsageError("the series of a log have different names, and are lists of numbers of one length")
        return timed([*map(str, run)], np.where(np.isfinite(table) | gaps, table, np.inf))
    if isinstance(run, str | os.PathLike):
        return read_columns(run)
    raise UsageError(f"explain takes a path to a log, or a dict of series, not {type(run).__name__}")


def chosen(names: tuple[str, ...], wanted: str | None) -> str:
    """The column of the loss: the one that is wanted, or the one called so."""
    if wanted is not None:
        if wanted not in names:
            raise unknown("column of the log", wanted, names)
        return wanted
    if not names:
        raise UsageError("the log has no series beside the one that counts its steps")
    losses = [name for name in names if "loss" in name.lower()]
    trained = [name for name in losses if not any(word in name.lower() for word in HELD_OUT)]
    if not losses and len(names) > 1:
        raise UsageError(f"no column of the log is called loss; choose one of {', '.join(names[:12])}")
    return min(trained or losses or names, key=lambda name: (re.sub("train(ing)?|[^a-z]", "", name.lower()) != "loss", len(name)))


def _spike(rise: Rise, at: np.ndarray, x: np.ndarray, others: Mapping[str, np.ndarray], positive: bool) -> dict[str, Any]:
    k, peak = rise.first, rise.peak
    times = float(np.exp(np.log(x[peak]) - rise.level)) if positive else None
    per_row = np.median(np.diff(at[max(0, k - RECENT) : peak + 1]))
    growth = None if rise.factor is None else float(rise.factor ** (1 / per_row))
    cause, evidence = cause_of(rise, at, x, others)
    return {"since": float(at[k]), "peak": float(at[peak]), "until": None if rise.last is None else float(at[rise.last]),
            "times": times, "rows": rise.rising, "growth": growth, "alternates": rise.alternates, "cause": cause,
            "evidence": evidence}  # fmt: skip


def _calm(y: np.ndarray, found: list[Rise]) -> np.ndarray:
    """Rows outside of spikes."""
    calm = np.isfinite(y)
    for rise in found:
        calm[min(rise.first, rise.peak - rise.rising + 1) : len(y) if rise.last is None else rise.last + 1] = False
    return calm


def _period(y: np.ndarray, at: np.ndarray, calm: np.ndarray) -> tuple[float | None, str]:
    """The period in steps in the longest calm stretch, and the sentence."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], calm.astype(int), [0]])))
    begin, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda pair: pair[1] - pair[0], default=(0, 0))
    begin = max(begin, end - LONGEST)
    gaps = np.diff(at[begin:end])
    if end - begin < FEWEST_ROWS or (gaps != gaps[0]).any():
        return None, "no stretch of 16 equally spaced rows without a spike: whether the loss oscillates is undecided"
    where, steps = f"in steps {at[begin]:g} to {at[end - 1]:g}", np.diff(y[begin:end])
    if (steps <= 0).all() or (steps >= 0).all():
        return None, f"no oscillation is found {where}: the loss is monotone"
    found = oscillation(y[begin:end])
    if found.kind == "none":
        return None, f"no oscillation is found {where}"
    if found.kind == "irregular" or found.period is None:
        return None, f"an irregular oscillation {where}"
    period = float(found.period * gaps[0])
    return period, f"the loss oscillates with period {period:g} {where}"


def _end(y: np.ndarray, x: np.ndarray, found: list[Rise]) -> str:
    """How the run ends: a spike that does not end diverges if the loss still grows and is far above its least value."""
    if not np.isfinite(x[-1]):
        return "not finite"
    if not found or found[-1].last is not None:
        return ""
    rows = np.flatnonzero(np.isfinite(y))
    rows = rows[rows >= found[-1].first]
    grows = found[-1].peak >= rows[-max(1, len(rows) // 10)] and y[rows[-1]] > y[rows[len(rows) // 2]]
    return "diverged" if grows and x[-1] > GROWN * x[np.isfinite(x)].min() > 0 else "stays above"


def _shares(columns: Columns) -> dict[str, np.ndarray]:
    """The share of the edge and its bracket, where they were measured."""
    share, low, high = (
        columns.table[:, columns.names.index(name)] if name in columns.names else np.full(len(columns.at), np.nan)
        for name in (SHARE, "edge/low", "edge/high")
    )
    kept = np.isfinite(share)
    low, high = (np.where(np.isfinite(one), one, share)[kept] for one in (low, high))
    return {"share_steps": columns.at[kept], "shares": share[kept], "share_low": low, "share_high": high}


def _left_out(values: np.ndarray, rows: np.ndarray, seen: np.ndarray, positive: bool) -> list[str]:
    """Entries that were not examined, in sentences."""
    said, x = [], values[rows]
    if odd := int((~np.isfinite(x[: np.flatnonzero(seen)[-1]])).sum()):
        said.append(f"{how_many(odd, 'entry', 'entries')} before the end not finite")
    if positive and (below := int((np.isfinite(x) & ~seen).sum())):
        said.append(f"{how_many(below, 'entry', 'entries')} not positive, left out of the logarithm")
    spacing = float(np.median(np.diff(rows))) if len(rows) > 1 else 1.0
    if (missing := len(values) - 1 - int(rows[-1])) > 5 * spacing:
        said.append(f"the last {how_many(missing, 'row')} without an entry")
    return said


def _in_clock(clock: str) -> list[str]:
    return [f"steps are those of {clock}"] if clock.lower().strip("_ ") in OTHER_CLOCKS else []
