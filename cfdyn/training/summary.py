"""What a run says at its end: a table and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.series.slow_cycles import VISIBLE
from cfdyn.training.config import Config
from cfdyn.training.periods import along_directions

if TYPE_CHECKING:
    from cfdyn.training.run import Run

TURNED = 3.0  # growth e^±3 over the steps looked at: with less, tangents have hardly turned to what grows fastest
TESTED = ("central", "stable")
DELAYED, LITTLE = 20, 1e-3  # steps from the edge to the swing, and its least size before it, of the widest: less is no delay


def beyond(value: float, reference: float) -> float:
    """By what share of a reference a value is above it: value/reference − 1; NaN where the reference alone is 0.

    >>> beyond(1.5, 1.0), beyond(0.0, 0.0), beyond(1.0, 0.0)
    (0.5, 0.0, nan)
    """
    return 0.0 if value == reference else value / reference - 1 if reference else float("nan")


def ends(run: Run) -> tuple[dict[str, Any], float | None]:
    """The last measurement, and the last loss."""
    known = run.loss[np.isfinite(run.loss)]
    loss = float(known[-1]) if len(known) else None
    if not len(run.t):
        return {"sharpness": None, "edge": None, "eigenvalues": []}, loss
    values = run.eigenvalues[-1]
    return {"sharpness": float(values[0]), "edge": float(run.edge[-1]), "eigenvalues": values[np.isfinite(values)]}, loss


def summary(run: Run) -> list[list[Any]]:
    """Rows: a name, the optimizer's number and that of each model, None where there is none; of the last measurement, if any."""
    if not len(run.t):
        return []
    at, rows = int(run.t[-1]), list(run.models.values())
    averages = {row.name: run.averages(row.name) for row in rows}
    measured = next((average["measured"] for average in averages.values()), None)
    average = [
        ["loss at the midpoint", float(run.midpoint_loss[-1]), *(_last(row.loss) for row in rows)],
        ["average loss (models: predicted)", measured, *(averages[row.name]["predicted"] for row in rows)],
        ["sharpness", float(run.sharpness[-1]), *(_last(row.sharpness) for row in rows)],
        ["edge", float(run.edge[-1]), *(None for _ in rows)],
        *(_of_noise(run) if run.config.batch else [
            ["variance (models: tr Σ)", _last(run.swing[: at + 1]), *(_last(row.trace) for row in rows)]]),
        ["distance to the midpoints, mean", None, *(run.distances[row.name] for row in rows)],
        ["distance at the end", None, *(_last(row.distance) for row in rows)],
        ["gradient equivalents", float(run.work.get("discrete", 0.0)), *(run.work[row.name] for row in rows)],
    ]  # fmt: skip
    return [row for row in average if any(value is not None and value == value for value in row[1:])]


def _of_noise(run: Run) -> list[list[Any]]:
    """Rows of what noise makes now large and now small: means over the later half. Σ has slow parts too, a swing has none."""
    swing = run.swing[(run.steps + 1) // 2 : int(run.t[-1]) + 1]
    return [["held sharpness, mean of later half", *run.held_sharpness.values()],
            ["swing, mean of later half (models: tr Σ)", float(swing.mean()) if len(swing) else None,
             *(run.later(row.trace) for row in run.models.values())]]  # fmt: skip


def sentences(run: Run) -> list[str]:
    """What the iterates did, and which model was nearer."""
    said = [_diverged(run) or _oscillation(run), _late(run), along_directions(run.usual_periods), *_exponents(run), _held(run)]
    central, stable = (run.distances.get(name) for name in TESTED)
    if central and stable:
        start = f"both begin at the midpoint of step {run.config.warm_start} (warm start){_why_warm(run)}"
        said.append(f"The central flow is {_beside(stable / central)} the stable flow, in mean distance; {start}.")
    for name in run.models:
        average = run.averages(name)
        if name == TESTED[0] and average["error"] is not None and np.isfinite(average["error"]):
            whose = "Its" if central and stable else "The central flow's"
            said.append(f"{whose} predicted loss is {average['predicted']:.4g}, the optimizer's mean {average['measured']:.4g} "
                        f"({100 * average['error']:+.2g} %), over {average['over']}.")  # fmt: skip
    return [words for words in said if words]


def _diverged(run: Run) -> str:
    """That the run has no end, and what was measured is of the steps before."""
    before = "; what is measured is of the steps before" if len(run.t) else ""
    return f"The optimizer {run.status}{before}." if run.status.startswith("diverged") else ""


def _exponents(run: Run) -> list[str]:
    """The exponents in the later half of the run."""
    spectrum = run.later_lyapunov
    if spectrum is None:
        return []
    if np.isnan(spectrum.exponents).all():
        return ["There are no Lyapunov exponents: the derivative of a step of the optimizer along the tangents is not finite."]
    pairs = zip(spectrum.exponents, spectrum.errors, strict=True)
    values = ", ".join(f"{value:.3g}" + (f" ± {error:.1g}" if error == error else "") for value, error in pairs)
    small = abs(spectrum.exponents[0]) * spectrum.steps < TURNED
    caution = "; exponents so small depend, over so few steps, on the tangents that they begin with" if small else ""
    return [f"Lyapunov exponents per step, from step {run.steps // 2} on: {values}{caution}."]


def _held(run: Run) -> str:
    """Of mini-batches: the mean sharpness of the later half beside the edge and the models'."""
    own, *others = run.held_sharpness.values()
    if run.config.batch is None or own is None:
        return ""
    edge = float(np.mean(run.edge[run.t >= run.steps / 2]))
    of_edge = f", {100 * own / edge:.3g} % of the edge" if edge == edge else ""
    beside = [f"the {name} flow has {value:.4g}" + (f" ({100 * beyond(value, own):+.2g} %)" if own else "")
              for name, value in zip(run.models, others, strict=True) if value is not None]  # fmt: skip
    return f"From step {run.steps // 2} on the sharpness is {own:.4g} on average{of_edge}{'; '.join(['', *beside])}."


def _why_warm(run: Run) -> str:
    """Why models do not begin at the first weights."""
    factors = " (e^(−ηλ) is not 1 − ηλ)" if run.config.optimizer.partition(":")[0] == "gd" and run.config.formulas is None else ""
    return f": begun at w₀ their first steps would differ from the optimizer's{factors} and hide their later distance"


def _beside(ratio: float) -> str:
    """How near one model is, from the distance of another over its own.

    >>> _beside(20.4), _beside(0.25), _beside(1.0001)  # doctest: +NORMALIZE_WHITESPACE
    ('20.4 times nearer to the midpoints of the iterates than', '4 times farther from the midpoints of the iterates than',
     'as near to the midpoints of the iterates as')
    """
    if f"{ratio:.3g}" == "1":
        return "as near to the midpoints of the iterates as"
    if ratio > 1:
        return f"{ratio:.3g} times nearer to the midpoints of the iterates than"
    return f"{1 / ratio:.3g} times farther from the midpoints of the iterates than"


def _oscillation(run: Run) -> str:
    wave = run.oscillation
    if wave is None or wave.kind == "none" or run.swings is None:
        return "The iterates do not swing about their midpoints, or too shortly or too noisily to tell a period."
    what = f"with period {wave.period}" if wave.kind == "periodic" else "irregularly"
    where = "" if run.on_a_line else " along the sharpest direction"
    first, last = run.swings
    turn = float(np.nanmedian(run.turn[first:last]))
    return (f"The iterates swing about their midpoints{where} {what} from step {run.since} on, amplitude {wave.amplitude:.3g}; "
            f"the cosine between one swing and the next is {turn:.4f} (median of steps {first} to {last - 1}).")  # fmt: skip


def _late(run: Run) -> str:
    """That the swing began long after the edge was passed, as little of it was left there: central flows have no such delay."""
    wave = run.oscillation
    if wave is None or wave.kind == "none" or run.swings is None or run.config.batch is not None:
        return ""
    since, t = _visible_since(run, run.swings[0]), run.t
    below = np.flatnonzero((t < since) & (run.sharpness <= run.edge))
    if not len(below) or below[-1] + 1 >= len(t):
        return ""
    passed = int(t[below[-1] + 1])
    size = np.sqrt(run.swing[max(passed, 1) : since])
    if len(size) < DELAYED or not np.nanmin(size) < LITTLE * np.sqrt(np.nanmax(run.swing[since:])):
        return ""
    least = f"{np.nanmin(size):.2g}"
    again = " again" if (run.sharpness[: below[-1]] > run.edge[: below[-1]]).any() else ""
    when = "at" if run.config.every == 1 else "by"  # between two measurements
    return (f"The sharpness passed the edge{again} {when} step {passed}, where at most {least} was left of the swing: it took "
            f"until step {since} to grow to a hundredth of its largest amplitude. A central flow is held at the edge "
            "at once.")  # fmt: skip


def _visible_since(run: Run, first: int) -> int:
    """The step from which on the swing is as wide as where the longest stretch begins, which the warm start may cut."""
    size = np.where(np.isfinite(run.average_swing), run.average_swing, 0.0)
    small = np.flatnonzero(size[:first] <= VISIBLE * size[min(run.config.warm_start, Config.warm_start) :].max())
    return int(small[-1]) + 1 if len(small) else 0


def _last(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else None
