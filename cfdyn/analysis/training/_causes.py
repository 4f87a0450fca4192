"""The cause of a spike of the loss, where other columns of the log decide it, and what speaks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from cfdyn.analysis.training._crossing import SHARE, beyond_since, growth, held, parts
from cfdyn.series.spikes import Rise
from cfdyn.words import how_many

NEAR, RECENT = 5, 50  # rows before a spike: in which a cause shows, and with which it is compared
FASTER, STEEPER = 1.2, 4.0  # times: a rate that rose, a gradient that was large
STALE = 0.1  # of the rows until then, and 50 at least: a share that is older says nothing
NORMAL = 1.1  # times its median: a loss on the probe that is not raised
ALONE, SUDDEN = 0.9, 1.5  # of the logarithm of a rise of the share, that the scale made, and its factor
AVERAGING, PROBE, BEFORE = "edge/averaging", "probe/loss", "probe/before"  # of a watch
RATES, NORMS = ("lr", "learning_rate", "learning-rate", "rate"), ("grad_norm", "gradient_norm", "grad-norm", "gnorm", "norm")


def named(others: Mapping[str, np.ndarray], wanted: tuple[str, ...]) -> np.ndarray | None:
    """The column whose last part is one of the names."""
    return next((series for name, series in others.items() if name.lower().rpartition("/")[2].strip() in wanted), None)


def cause_of(rise: Rise, at: np.ndarray, x: np.ndarray, others: Mapping[str, np.ndarray]) -> tuple[str, list[str]]:
    """The first cause whose test holds, and what speaks for it or for others; ``at``: the steps of the rows of the loss x."""
    case, cause, evidence = _Case(rise, at, x, others), "undecided", list[str]()
    tests: dict[str, Callable[[list[str]], bool]] = {
        "numbers": case.numbers, "schedule": case.schedule, "v decayed": case.decayed, "one batch": case.one_batch,
        "crossed the edge": case.crossed,
    }  # fmt: skip
    for name, test in tests.items():
        if test(evidence) and cause == "undecided":
            cause = name
    if rise.factor is not None:
        evidence.append(f"the excess grew by the same factor in {rise.rising} rows, as beyond an edge of stability")
    elif rise.rising <= 2:
        evidence.append(f"the loss rose within {how_many(rise.rising, 'row')}: no growth is seen")
    if rise.alternates:
        evidence.append("the loss went up and down in turn while it rose, as in a period of 2")
    return cause, evidence


class _Case:
    """A spike with the log around it. Each test adds what it saw to the evidence."""

    def __init__(self, rise: Rise, at: np.ndarray, x: np.ndarray, others: Mapping[str, np.ndarray]):
        self.rise, self.at, self.x, self.others = rise, at, x, others
        self.begin = max(0, rise.peak - rise.rising + 1)
        self.around = slice(max(0, self.begin - NEAR), self.begin + 2)

    @cached_property
    def share(self) -> tuple[float, int] | None:
        """The last measured share before the rise, with its row; None if there is none, or an old one."""
        if SHARE not in self.others:
            return None
        known = np.flatnonzero(np.isfinite(self.others[SHARE][: self.begin]))
        if not len(known) or self.begin - known[-1] > max(RECENT, STALE * self.begin):
            return None
        return float(self.others[SHARE][known[-1]]), int(known[-1])

    def numbers(self, evidence: list[str]) -> bool:
        """An entry of the loss or of the gradient norm that is not finite."""
        norm = named(self.others, NORMS)
        seen = any(series is not None and np.isinf(series[self.around]).any() for series in (self.x, norm))
        if seen:
            evidence.append("an entry that is not finite is logged just before")
        return seen

    def schedule(self, evidence: list[str]) -> bool:
        """The rate rose, and the share that was measured is below the edge with the old rate and beyond it with the new one."""
        rate = named(self.others, RATES)
        if rate is None:
            return False
        kept = rate[self.around][np.isfinite(rate[self.around])]
        if len(kept) < 2 or not kept.min() > 0 or kept[-1] / kept.min() <= FASTER:
            return False
        evidence.append(f"the learning rate rose {kept[-1] / kept.min():.3g} times within {NEAR} rows before")
        if self.share is None or not (then := held(rate)[self.share[1]]) > 0:
            return False
        with_old, with_new = (self.share[0] * one / then for one in (kept.min(), kept[-1]))
        evidence.append(f"the share of the edge was {with_old:.3g} with the old rate and is {with_new:.3g} with the new one")
        return bool(with_old < 1 <= with_new)

    def decayed(self, evidence: list[str]) -> bool:
        """The share rose 1.5 times within the steps of the average of squares, by nine tenths or more since those fell."""
        share, average = self.others.get(SHARE), self.others.get(AVERAGING)
        if share is None or average is None or not np.isfinite(average[: self.begin + 2]).any():
            return False
        lately = np.arange(max(0, self.begin - NEAR), min(self.begin + 2, len(share)))
        lately = lately[share[lately] > 1]
        if not len(lately):
            return False
        high = int(lately[np.argmax(share[lately])])
        found = parts(self.at, self.others, high, float(held(average)[high]))
        if found is None or not found.low < 1 or found.high <= SUDDEN * found.low or found.scale <= ALONE * found.total:
            return False
        evidence.append(f"the share of the edge rose from {found.low:.3g} to {found.high:.3g} within {found.steps:g} steps, "
                        f"{100 * found.scale / found.total:.0f} % of it since the average of squared gradients fell")  # fmt: skip
        return True

    def one_batch(self, evidence: list[str]) -> bool:
        """A gradient above 4 times its median at weights with a normal loss on the probe and a share below 1."""
        norm = named(self.others, NORMS)
        if norm is None:
            return False
        usual = np.median(_finite(norm[max(0, self.begin - RECENT) : max(1, self.begin - NEAR)], norm))
        rows = range(max(0, self.begin - 1), self.begin + 1)
        steep = [k for k in rows if usual > 0 and np.isfinite(norm[k]) and norm[k] > STEEPER * usual]
        if not steep:
            return False
        evidence.append(f"the gradient norm was {norm[steep[0]] / usual:.3g} times its median at the beginning")
        normal = self._normal_before(steep[0])
        if normal is not None:
            evidence.append(f"just before, the loss on the probe was {'normal' if normal else 'raised already'}")
        return bool(normal) and self.share is not None and self.share[0] < 1

    def _normal_before(self, row: int) -> bool | None:
        """Whether the loss on the probe was as usual at the weights before the step of this row; None if it is unknown."""
        before, probe = (self.others.get(name, np.full(len(self.x), np.nan)) for name in (BEFORE, PROBE))
        now = before[row] if np.isfinite(before[row]) else probe[row - 1] if row else np.nan
        usual = probe[max(0, row - max(RECENT, int(STALE * row))) : row]
        usual = usual[np.isfinite(usual)]
        return bool(now <= NORMAL * np.median(usual)) if np.isfinite(now) and len(usual) and np.median(usual) > 0 else None

    def crossed(self, evidence: list[str]) -> bool:
        """The share was above 1 before, and the step along the leading direction grew as that predicts."""
        if self.share is None:
            return False
        evidence.append(f"the share of the edge was {self.share[0]:.3g} before, at step {self.at[self.share[1]]:g}")
        since = beyond_since(self.others[SHARE], self.begin - 1)
        if since is None:
            return False
        seen = growth(self.at, self.others, since, self.rise.peak)
        if seen is None:
            evidence.append("it was above 1, but the steps along the leading direction are not logged")
            return False
        evidence.append(f"it was above 1 since step {self.at[since]:g}; the step along the leading direction grew at "
                        f"{seen.part:.2f} ± {seen.error:.2f} of the predicted rate, in {seen.rows} steps")  # fmt: skip
        made = parts(self.at, self.others, since)
        if made is not None and made.total > 0.01 and made.add_up:
            of_curvature, of_scale = (f"{100 * one / made.total:.0f} %" for one in (made.curvature, made.scale))
            evidence.append(f"of the rise of the share from {made.low:.3g} to {made.high:.3g} in {made.steps:g} steps, "
                            f"{of_curvature} is of the curvature and {of_scale} of the scale of the steps, at the direction as "
                            "it was")  # fmt: skip
        return seen.as_predicted


def _finite(part: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    kept = part[np.isfinite(part)]
    return kept if len(kept) else otherwise[np.isfinite(otherwise)][:RECENT]
