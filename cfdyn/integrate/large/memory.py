"""All of a run as arrays of numbers, and a run from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cfdyn.integrate.equations import rates
from cfdyn.integrate.large.costs import KEPT, KINDS
from cfdyn.integrate.large.point import Point
from cfdyn.integrate.large.turning import Turning
from cfdyn.integrate.trajectory import Event

if TYPE_CHECKING:
    from cfdyn.integrate.large.run import LargeRun

NUMBERS = ("t", "h", "pace", "worst")
COUNTERS = ("steps", "rejected", "since", "rank")
WORDS = ("enter", "leave")
LEARNED = ("moves", "changes", "axes", "sizes")


def stored(run: LargeRun) -> dict[str, np.ndarray]:
    """The arrays: numbers only, texts as bytes."""
    point, oracle = run.point, run.oracle
    keys = list(oracle.calls)
    times = np.full((len(keys), KEPT), np.nan)
    for row, key in zip(times, keys, strict=True):
        own = oracle.times.get(key, [])
        row[: len(own)] = own
    return {
        "z": point.z.copy(), "g": point.g.copy(), "y": point.y.copy(), "values": point.values.copy(),
        "thirds": point.thirds.copy(), "near": np.array([point.near, point.turned]), "trend": run.trend.copy(), "x": run.x.copy(),
        **_learned(run), "missed": run.missed.copy(), "aside": run.look.aside.copy(),
        "before": _or_none(run.before), "bent": _or_none(run.bent), "motion": _or_none(run.motion),
        "numbers": np.array([getattr(run, name) for name in NUMBERS]),
        "counters": np.array([getattr(run, name) for name in COUNTERS], dtype=np.int64),
        "events": np.array([[e.t, WORDS.index(e.kind), e.rank] for e in run.events]).reshape(-1, 3),
        "gone": np.array(run.gone).reshape(-1, 2),
        "status": _bytes(run.status), "notes": _bytes("\n".join(run.notes)),
        "counts": np.array([oracle.counts.get(kind, 0) for kind in KINDS], dtype=np.int64),
        "calls": np.array([[KINDS.index(kind), size, oracle.calls[kind, size]] for kind, size in keys],
                          dtype=np.int64).reshape(-1, 3),
        "times": times,
    }  # fmt: skip


def restored(run: LargeRun, arrays: dict[str, np.ndarray]) -> None:
    """The run as it was."""
    flow, given = run.flow, {name: np.array(value) for name, value in arrays.items()}
    z, g, (near, turned) = given["z"], given["g"], given["near"].tolist()
    run.point = Point(z, g, flow.edge(z, g), given["y"], given["values"], near, given["thirds"], turned=bool(turned))
    if len(given["thirds"]):
        run.point.rates = rates(flow, run.point.slope(flow), run.point.edge, run.point.movers(flow), run.point.thirds)
    run.trend, run.x, run.missed, run.piece = given["trend"], given["x"], given["missed"], None
    run.turning = Turning.of(flow)
    if run.turning is not None and "turning" in given:  # not in what an older version stored
        short, on, begun, *stuck = given["turning"].tolist()
        # An older version stored the time of the last step where nothing had begun, and fewer numbers.
        run.turning.short, run.turning.on, run.turning.begun = int(short), bool(on), begun if on else np.nan
        run.turning.stuck = int(stuck[0]) if stuck else 0
        for name in LEARNED:
            setattr(run.turning, name, given[f"turning_{name}"])
        run.turning.past = given["turning_past"] if given["turning_past"].size else None
    run.look.aside = given.get("aside", run.look.aside)  # none in what an older version stored
    run.before, run.bent, run.motion = (given[name] if given[name].size else None for name in ("before", "bent", "motion"))
    for names, key, kind in ((NUMBERS, "numbers", float), (COUNTERS, "counters", int)):
        for name, value in zip(names, given[key], strict=True):
            setattr(run, name, kind(value))
    run.events = [Event(float(t), WORDS[int(kind)], int(rank)) for t, kind, rank in given["events"]]
    run.gone = [(float(t), int(steps)) for t, steps in given.get("gone", np.zeros((0, 2)))]  # the same
    run.status, notes = (bytes(given[name]).decode() for name in ("status", "notes"))
    run.notes = notes.split("\n") if notes else []
    # Fewer kinds in what an older version has kept: new ones come last.
    run.oracle.counts = {kind: int(n) for kind, n in zip(KINDS, given["counts"], strict=False) if n}
    run.oracle.calls = {(KINDS[kind], int(size)): int(n) for kind, size, n in given["calls"]}
    run.oracle.times = {key: row[np.isfinite(row)].tolist() for key, row in zip(run.oracle.calls, given["times"], strict=True)}


def _learned(run: LargeRun) -> dict[str, np.ndarray]:
    """Of the modes that turn."""
    own = run.turning
    if own is None:
        return {}
    return {
        "turning": np.array([own.short, own.on, own.begun, own.stuck]), "turning_past": _or_none(own.past),
        **{f"turning_{name}": getattr(own, name).copy() for name in LEARNED},
    }  # fmt: skip


def _or_none(array: np.ndarray | None) -> np.ndarray:
    return np.zeros(0) if array is None else array.copy()


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()
