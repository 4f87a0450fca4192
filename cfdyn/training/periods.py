"""`Periods`: the periods of the oscillation along each of the sharpest directions, in windows along a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.training.oscillation import FEWEST_ROWS, oscillation
from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.series.slow_cycles import VISIBLE
from cfdyn.words import listed

NONE, IRREGULAR, UNSEEN, SMALL, DYING, TURNS = 0, -1, -2, -3, -4, -5
KINDS = {
    NONE: "none",
    IRREGULAR: "irregular",
    UNSEEN: "not followed",
    SMALL: "small",
    DYING: "dying out",
    TURNS: "direction turns",
}
WINDOW, MOST, LONGEST = 96, 24, 8  # steps of a window, windows, and the longest period in steps, if nobody says otherwise
DIES = 0.1  # of the size in one half of a window, in the other half: a transient, of which no period is told
# How much worse x returns after two steps across a measurement; of its size: returns of a 2-cycle, and of what is none.
JUMPS, CLOSED, OPEN = 1.5, 0.1, 0.5
SMOOTH = 0.5  # correlation of neighbours: above, a path goes on smoothly and is no oscillation
ALTERNATES = 0.9  # of the steps in which a 2-cycle changes its sign
EPISODES = 4  # of a direction, in a sentence
EVIDENCE = ("amplitude", "p_value", "alternation", "since", "until")


@dataclass(frozen=True)
class Periods(Record):
    """The oscillation along each of k directions in n windows of a run; successive windows overlap by half, and the last one
    ends with the run.

    ``first``, ``last`` (n,): steps of a window. ``labels`` (n, k): the period, 2 or more; 0 none; −1 irregular (chaotic or
    quasi-periodic); −2 the direction was not followed through the window; −3 its root mean square is less than a hundredth of
    the largest: that much leaks in from other directions when directions are measured again; −4 it falls to a tenth from one
    half of the window to the other: a transient; −5 the period may be due to directions that change when they are measured: it
    is irregular across measurements, or its period divides that of a 2-cycle with a jump at each measurement, or it decays
    between them by one factor a step. If it alternates between them it is a 2-cycle, labelled 2. ``size`` (n, k): the root mean
    square; ``growth``, its factor per step, below 1 for decay. Evidence as in `Oscillation`, NaN if not tested: ``amplitude``,
    half peak to peak (0 for none), ``p_value``, ``alternation`` (1 for a 2-cycle), ``since`` and ``until`` (steps). Direction j
    is the one with the j-th largest eigenvalue at that step; where two eigenvalues cross, the directions are exchanged.
    """

    first: Annotated[np.ndarray, "n"]
    last: Annotated[np.ndarray, "n"]
    labels: Annotated[np.ndarray, "n k"]
    size: Annotated[np.ndarray, "n k"]
    growth: Annotated[np.ndarray, "n k"]
    amplitude: Annotated[np.ndarray, "n k"]
    p_value: Annotated[np.ndarray, "n k"]
    alternation: Annotated[np.ndarray, "n k"]
    since: Annotated[np.ndarray, "n k"]
    until: Annotated[np.ndarray, "n k"]

    def table(self) -> dict[str, list[Any]]:
        """One row for each direction and window in which it was followed."""
        rows = [(j, i) for j in range(self.labels.shape[1]) for i in np.flatnonzero(self.labels[:, j] != UNSEEN).tolist()]
        columns: dict[str, list[Any]] = {"direction": [j + 1 for j, _ in rows]}
        columns |= {name: [int(getattr(self, name)[i]) for _, i in rows] for name in ("first", "last")}
        columns["kind"] = [self.called(int(self.labels[i, j])) for j, i in rows]
        columns["period"] = [max(int(self.labels[i, j]), 0) or None for j, i in rows]
        names = ("size", "growth", "amplitude", "p_value", "alternation")
        return columns | {name: [float(getattr(self, name)[i, j]) for j, i in rows] for name in names}

    @staticmethod
    def called(label: int) -> str:
        """A label in words."""
        return KINDS.get(label, f"period {label}")

    @property
    def episodes(self) -> list[dict[str, Any]]:
        """Neighbouring windows with the same oscillation along a direction, in order: ``direction`` from 1 on, ``kind``,
        ``period`` (None if irregular), ``since``, ``until`` (steps), ``windows``, and of these the median ``amplitude`` and
        ``growth`` and the largest ``p_value``."""
        episodes = []
        for j, labels in enumerate(self.labels.T):
            cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
            for a, b in zip(cuts, cuts[1:], strict=False):
                if b > a and (labels[a] > 0 or labels[a] == IRREGULAR):
                    episodes.append(self._episode(j, a, b))
        return sorted(episodes, key=lambda one: (one["direction"], one["since"]))

    def _episode(self, j: int, a: int, b: int) -> dict[str, Any]:
        label = int(self.labels[a, j])
        return {
            "direction": j + 1, "kind": "irregular" if label == IRREGULAR else "periodic",
            "period": None if label == IRREGULAR else label, "since": int(self.since[a, j]), "until": int(self.until[b - 1, j]),
            "windows": b - a, "amplitude": float(np.median(self.amplitude[a:b, j])),
            "growth": float(np.median(self.growth[a:b, j])), "p_value": float(np.max(self.p_value[a:b, j])),
        }  # fmt: skip


def periods_of(
    coordinates: np.ndarray, every: int, begin: int, settings: dict[str, Any], width: int | None, max_period: int, level: float
) -> Periods:
    """Of coordinates (n, k), one row a step, from the step ``begin`` on, along directions measured ``every`` so many steps; NaN
    where a direction is not followed."""
    longest = whole_number("`max_period`", max_period, 2)
    if not 0 < level < 0.5:
        raise UsageError(f"`level` is a number between 0 and 0.5, not {level:g}")
    followed = begin + np.flatnonzero(np.isfinite(coordinates[begin:]).any(axis=1))
    first, end = (int(followed[0]), int(followed[-1]) + 1) if len(followed) else (0, 0)
    width = _width(width, end - first, longest)
    x = coordinates[:, np.isfinite(coordinates[first:end]).any(axis=0)]
    starts = np.array([*range(first, end - width, width // 2), *([end - width] if end - first >= width else [])], dtype=int)
    parts = [x[start : start + width] for start in starts.tolist()]
    sizes = np.array([np.sqrt(np.mean(part**2, axis=0)) for part in parts]).reshape(len(parts), x.shape[1])
    visible = sizes**2 > VISIBLE * np.nanmax(sizes**2, initial=0.0)
    growth = np.array([_growth(part) for part in parts]).reshape(sizes.shape)
    shown = np.where(growth ** (width // 2) < DIES, DYING, NONE)
    labels = np.where(np.isnan(sizes), UNSEEN, np.where(visible, shown, SMALL))
    evidence = {name: np.full(labels.shape, np.nan) for name in EVIDENCE}
    for i, part in enumerate(parts):
        there = np.flatnonzero((labels[i] == NONE) & ~_smooth(part))
        if len(there):
            seen = oscillation(part[:, there], longest, level / len(starts), [str(j) for j in there])
            for j, one in zip(there.tolist(), seen.directions, strict=True):
                label = _take(one, {name: values[i, j : j + 1] for name, values in evidence.items()}, int(starts[i]))
                labels[i, j] = label if label in (NONE, 2) else _without_turns(part[:, j], int(starts[i]), every, label)
    about = provenance(**settings, width=width, max_period=longest, level=level)
    return Periods(starts, starts + width - 1, labels, sizes, growth, **evidence, provenance=about)


def _width(width: int | None, steps: int, longest: int) -> int:
    """Of a window, in steps."""
    if width is None:
        return max(WINDOW, 8 * longest, -(-2 * steps // (MOST + 1)))
    if whole_number("`width`", width) < max(FEWEST_ROWS, 8 * longest):
        raise UsageError(f"a window needs 8 periods and {FEWEST_ROWS} steps or more, not {width} for periods up to {longest}")
    return width


def _take(one: dict[str, Any], cells: dict[str, np.ndarray], start: int) -> int:
    """The evidence of a direction into its cells; its label."""
    known = {"amplitude": one["amplitude"], **{name: one["evidence"][name] for name in ("p_value", "alternation")}}
    if one["since"] is not None:
        known |= {name: start + one[name] for name in ("since", "until")}
    for name, value in known.items():
        cells[name][0] = value
    return {"periodic": int(one["period"] or 0), "irregular": IRREGULAR, "none": NONE}[one["kind"]]


def _without_turns(x: np.ndarray, start: int, every: int, label: int) -> int:
    """The label, unless it may come from directions that are measured anew ``every`` so many steps."""
    between, dies = (start + np.arange(len(x) - 2)) % every < every - 2, _dies_between(x, start, every)
    if between.all() or not between.any():
        return TURNS if dies and label == IRREGULAR and not between.any() else label
    again = (x[2:] - x[:-2]) ** 2
    inside, across, size = float(again[between].mean()), float(again[~between].mean()), float(np.mean(x**2))
    teeth = math.lcm(2, every) % label == 0 if label > 0 else dies or across > JUMPS**2 * inside
    if not teeth or (label > 0 and inside > OPEN**2 * size and not dies):
        return label
    two = inside <= CLOSED**2 * size and float((x[1:-1] * x[:-2] < 0)[between].mean()) > ALTERNATES
    return 2 if two else TURNS


def _dies_between(x: np.ndarray, start: int, every: int) -> bool:
    """Whether x changes by −r a step, with one r, between measurements: it comes anew with each of them."""
    inner = (start + np.arange(len(x) - 1)) % every < every - 1
    now, then = x[:-1][inner], x[1:][inner]
    if not now.any():
        return False
    factor = float(now @ then) / float(now @ now)
    return factor < 0 and float(np.mean((then - factor * now) ** 2)) <= CLOSED**2 * float(np.mean(x**2))


def _smooth(x: np.ndarray) -> np.ndarray:
    """Which columns go on from step to step as they were."""
    with np.errstate(all="ignore"):
        return np.sum(x[1:] * x[:-1], axis=0) > SMOOTH * np.sum(x**2, axis=0)


def _growth(x: np.ndarray) -> np.ndarray:
    """The factor per step between the sizes of both halves, (k,)."""
    half = len(x) // 2
    with np.errstate(all="ignore"):
        return (np.mean(x[-half:] ** 2, axis=0) / np.mean(x[:half] ** 2, axis=0)) ** (0.5 / half)


def along_directions(periods: Periods) -> str:
    """In one sentence: each direction with its episodes; empty without any."""
    said: dict[int, list[str]] = {}
    for one in periods.episodes:
        what = "irregular" if one["period"] is None else f"period {one['period']}"
        said.setdefault(one["direction"], []).append(f"{what} from step {one['since']} to {one['until']}")
    if not said:
        return ""
    width = int(periods.last[0] - periods.first[0]) + 1
    words = "; ".join(f"eigenvector {j}: {listed(episodes, EPISODES)}" for j, episodes in said.items())
    return f"By direction, in windows of {width} steps: {words}."
