"""What a log tells, in sentences, and what to log next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cfdyn.analysis.training._causes import NORMS, RATES, named
from cfdyn.analysis.training._crossing import SHARE
from cfdyn.words import how_many

ERRORS = 3.0  # standard errors within which a trend is none
MOST = 4  # plateaus that are listed


def verdict_of(found: Mapping[str, Any], positive: bool, advice: Sequence[str], remarks: Sequence[str] = ()) -> str:
    """A headline, and a line for each of: spikes, period, drift, plateaus, what to log."""
    lines = [_headline(found), *_of_spikes(found["spikes"]), *_of_shares(found["shares"])]
    lines += [f"{found['oscillation'][0].upper()}{found['oscillation'][1:]}."]
    lines += [] if found["end"] else [_of_drift(found["drift"], found["drift_error"], positive)]
    if flat := found["plateaus"]:
        lines.append(f"Plateaus, after which the loss falls: {', '.join(f'steps {a:g} to {b:g}' for a, b in flat[:MOST])}.")
    lines += [f"Note: {'; '.join(remarks)}."] if remarks else []
    lines += [f"To know more, {'; '.join(advice)}."] if advice else []
    return "\n• ".join(lines)


def _headline(found: Mapping[str, Any]) -> str:
    spikes, finite = found["spikes"], found["steps"][np.isfinite(found["values"])]
    count = how_many(len(spikes), "spike") if spikes else "no spike"
    ends = {"diverged": ", and the loss diverges", "not finite": ", and the loss is not finite in the end",
            "stays above": ", and the loss stays above its level"}.get(found["end"], "")
    if found["end"] == "not finite" and len(finite):
        ends = f", and the loss is not finite after step {finite[-1]:g}"
    return f"{found['loss']}: {count} in {how_many(len(found['steps']), 'row')}{ends}."


def _of_spikes(spikes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The largest spike with what speaks for its cause, and all causes."""
    if not spikes:
        return []
    largest = max(spikes, key=lambda one: one["times"] or 0.0)
    times = f" to {largest['times']:.3g} × the level before" if largest["times"] else ""
    which = "The largest" if len(spikes) > 1 else "It"
    evidence = "".join(f" {words[0].upper()}{words[1:]}." for words in largest["evidence"])
    counts = Counter(one["cause"] for one in spikes)
    causes = ", ".join(f"{cause} ({count})" if len(spikes) > 1 else cause for cause, count in counts.items())
    return [f"{which} begins at step {largest['since']:g} and rises{times}.{evidence} Cause: {causes}."]


def _of_shares(shares: np.ndarray) -> list[str]:
    """The range of the share of the edge, and its last value."""
    if not len(shares):
        return []
    beyond = f"; {how_many(int((shares > 1).sum()), 'measurement')} beyond the edge" if (shares > 1).any() else ""
    return [f"Share of the edge: {shares.min():.3g} to {shares.max():.3g} in {how_many(len(shares), 'measurement')}, "
            f"last {shares[-1]:.3g}{beyond}."]  # fmt: skip


def _of_drift(slope: float, error: float, positive: bool) -> str:
    if not np.isfinite([slope, error]).all():
        return "The last third has too few rows for a trend."
    if abs(slope) <= ERRORS * error:
        return "In the last third the loss is flat within its noise."
    with np.errstate(over="ignore"):
        size = f"{100 * abs(np.expm1(slope)):.3g} %" if positive else f"{abs(slope):.2g}"
    return f"In the last third the loss {'falls' if slope < 0 else 'rises'} by {size} per 1000 steps."


def advice_of(names: Sequence[str], at: np.ndarray) -> list[str]:
    """What to log next."""
    others = dict.fromkeys(names, np.empty(0))
    every = float(np.median(np.diff(at))) if len(at) > 1 else 1.0
    known = (("the learning rate", RATES), ("the gradient norm before clipping", NORMS))
    missing = [words for words, wanted in known if named(others, wanted) is None]
    advice = [f"log {' and '.join(missing)}"] if missing else []
    if every > 1:
        advice.append(f"log every step for some hundred steps: in one of {every:g} a period of 2 cannot be seen")
    if SHARE not in names:
        advice.append("log the share of the edge of stability: without it most causes stay undecided")
    return advice
