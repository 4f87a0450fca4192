"""The cause of a spike of the loss, where other columns of the log decide it, and what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cfdyn.series.spikes import Rise
from cfdyn.words import how_many

NEAR, RECENT = 5, 50  # rows before a spike: in which a cause shows, and with which it is compared
FASTER, STEEPER = 1.2, 4.0  # times: a rate that rose, a gradient that was large
RATES, NORMS = ("lr", "learning_rate", "learning-rate", "rate"), ("grad_norm", "gradient_norm", "grad-norm", "gnorm", "norm")
SHARE, PREDICTED, GROWTH = "edge/share", "edge/growth", "bounce/growth"  # of a watch
AS_PREDICTED = (0.5, 1.5)  # of the growth per step that the share predicts


def named(others: Mapping[str, np.ndarray], wanted: tuple[str, ...]) -> np.ndarray | None:
    """The column whose last part is one of the names."""
    return next((series for name, series in others.items() if name.lower().rpartition("/")[2].strip() in wanted), None)


def cause_of(rise: Rise, x: np.ndarray, others: Mapping[str, np.ndarray]) -> tuple[str, list[str]]:
    """The first cause whose test holds, and what speaks for it or for others."""
    begin = max(0, rise.peak - rise.rising + 1)
    before, cause, evidence = slice(max(0, begin - NEAR), begin + 1), "undecided", list[str]()
    rate, norm, share = named(others, RATES), named(others, NORMS), others.get(SHARE)
    edge = _last(share, begin) if share is not None else None
    if np.isinf(x[before.start : rise.peak + 1]).any() or norm is not None and np.isinf(norm[before.start : rise.peak + 1]).any():
        cause = "numbers"
        evidence.append("an entry that is not finite is logged just before")
    if rate is not None and (ratio := _ratio(rate, before)) > FASTER:
        evidence.append(f"the learning rate rose {ratio:.3g} times within {NEAR} rows before")
        if cause == "undecided" and edge is not None and edge / ratio < 1 <= edge:
            cause = "schedule"
    if norm is not None:
        usual = np.median(_finite(norm[max(0, begin - RECENT) : max(1, begin - NEAR)], norm))
        largest = float(np.max(_finite(norm[max(0, begin - 1) : begin + 1], norm[:0]), initial=0.0))
        if usual > 0 and largest > STEEPER * usual:
            evidence.append(f"the gradient norm was {largest / usual:.3g} times its median at the beginning")
            if cause == "undecided" and edge is not None and edge < 1:
                cause = "one batch"
    if edge is not None:
        evidence.append(f"the share of the edge was {edge:.3g} before")
        part = _part_of_growth(others, begin)
        if edge > 1 and part is not None:
            evidence.append(f"the step along the leading direction grew at {part:.2g} of the rate that the share predicts")
            if cause == "undecided" and AS_PREDICTED[0] <= part <= AS_PREDICTED[1]:
                cause = "crossed the edge"
    if rise.factor is not None:
        evidence.append(f"the excess grew by the same factor in {rise.rising} rows, as beyond an edge of stability")
    elif rise.rising <= 2:
        evidence.append(f"the loss rose within {how_many(rise.rising, 'row')}: no growth is seen")
    if rise.alternates:
        evidence.append("the loss went up and down in turn while it rose, as in a period of 2")
    return cause, evidence


def _part_of_growth(others: Mapping[str, np.ndarray], row: int) -> float | None:
    """The measured growth per step along the leading direction over the predicted one; None if either is unknown."""
    if GROWTH not in others or PREDICTED not in others:
        return None
    measured, predicted = _last(others[GROWTH], row), _last(others[PREDICTED], row)
    return measured / predicted if measured is not None and predicted is not None and predicted > 0 else None


def _finite(part: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    kept = part[np.isfinite(part)]
    return kept if len(kept) else otherwise[np.isfinite(otherwise)][:RECENT]


def _last(series: np.ndarray, row: int) -> float | None:
    kept = series[: row + 1][np.isfinite(series[: row + 1])]
    return float(kept[-1]) if len(kept) else None


def _ratio(rate: np.ndarray, before: slice) -> float:
    kept = rate[before][np.isfinite(rate[before])]
    return float(kept[-1] / kept.min()) if len(kept) > 1 and kept.min() > 0 else 1.0
