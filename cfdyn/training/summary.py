"""The summary of a run: a table and sentences."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.series.slow_cycles import VISIBLE
from cfdyn.training.config import DISCRETE, Config
from cfdyn.training.dynamics import Dynamics
from cfdyn.training.periods import along_directions
from cfdyn.words import how_many

TURNED = 3.0  # growth e^±3 over the steps looked at: with less, tangents have hardly turned to what grows fastest
BULLETS = 5
TESTED = ("central", "stable")
DELAYED, LITTLE = 20, 1e-3  # steps from the edge to the swing, and its least size before it, of the widest: less is no delay


@dataclasses.dataclass(frozen=True)
class ModelRow:
    """A model of the optimizer, one entry for each measurement: ``distance`` ‖w(t) − midpoint‖, ``loss`` L(w),
    ``predicted_loss`` L + ½ tr HΣ, ``sharpness`` λ₁ (of P⁻¹H if P varies), ``trace`` tr Σ, ``variance`` (m, k) along the
    optimizer's own directions; ``status``, ``notes``, and ``work``, its cost in gradient equivalents, as timed."""

    name: str
    status: str
    notes: list[str]
    work: float
    distance: np.ndarray
    loss: np.ndarray
    predicted_loss: np.ndarray
    sharpness: np.ndarray
    trace: np.ndarray
    variance: np.ndarray


class Summary(Dynamics):
    """From the arrays and models of a `Run`, which has them."""

    status: str
    models: Any
    loss: Any
    eigenvalues: Any
    sharpness: Any
    edge: Any
    midpoint_loss: Any
    work: Any

    @cached_property
    def ends(self) -> tuple[dict[str, Any], float | None]:
        """The last measurement, and the last loss."""
        known = self.loss[np.isfinite(self.loss)]
        loss = float(known[-1]) if len(known) else None
        if not len(self.t):
            return {"sharpness": None, "edge": None, "eigenvalues": []}, loss
        values = self.eigenvalues[-1]
        return {"sharpness": float(values[0]), "edge": float(self.edge[-1]), "eigenvalues": values[np.isfinite(values)]}, loss

    @cached_property
    def summary(self) -> list[list[Any]]:
        """Rows at the last measurement: a name, the optimizer's number and that of each model."""
        if not len(self.t):
            return []
        at, rows = int(self.t[-1]), list(self.models.values())
        averages = {row.name: self.averages(row.name) for row in rows}
        measured = next((found["measured"] for found in averages.values()), None)
        found = [
            ["loss at the midpoint", float(self.midpoint_loss[-1]), *(_last(row.loss) for row in rows)],
            ["average loss (models: predicted)", measured, *(averages[row.name]["predicted"] for row in rows)],
            ["sharpness", float(self.sharpness[-1]), *(_last(row.sharpness) for row in rows)],
            ["edge", float(self.edge[-1]), *(None for _ in rows)],
            *(_of_noise(self) if self.config.batch else [
                ["variance (models: tr Σ)", _last(self.swing[: at + 1]), *(_last(row.trace) for row in rows)]]),
            ["distance to the midpoints, mean", None, *(self.distances[row.name] for row in rows)],
            ["distance at the end", None, *(_last(row.distance) for row in rows)],
            ["gradient equivalents", float(self.work.get("discrete", 0.0)), *(self.work[row.name] for row in rows)],
        ]  # fmt: skip
        return [row for row in found if any(value is not None and value == value for value in row[1:])]

    @cached_property
    def sentences(self) -> list[str]:
        """The dynamics of the iterates, and which model was closer, in sentences."""
        periods = along_directions(self.usual_periods)
        said = [_diverged(self) or _oscillation(self), _late(self), periods, *_exponents(self), _held(self)]
        central, stable = (self.distances.get(name) for name in TESTED)
        if central and stable:
            start = f"both begin at the midpoint of step {self.config.warm_start} (warm start){_why_warm(self)}"
            said.append(f"The central flow is {_beside(stable / central)} the stable flow, in mean distance; {start}.")
        for name in self.models:
            found = self.averages(name)
            if name == TESTED[0] and found["error"] is not None and np.isfinite(found["error"]):
                whose = "Its" if central and stable else "The central flow's"
                said.append(f"{whose} predicted loss is {found['predicted']:.4g}, the optimizer's mean {found['measured']:.4g} "
                            f"({100 * found['error']:+.2g} %), over {found['over']}.")  # fmt: skip
        return [words for words in said if words]

    @property
    def headline(self) -> str:
        """The dynamics of the iterates in one sentence."""
        return (*self.sentences, f"The run {self.status}.")[0]

    @property
    def bullets(self) -> list[str]:
        """The sentences after the headline, at most five: the last ones are joined if there are more."""
        found = self.sentences[1:]
        return found if len(found) <= BULLETS else [*found[: BULLETS - 1], " ".join(found[BULLETS - 1 :])]

    @cached_property
    def average_loss(self) -> np.ndarray:
        """(L(w₋) + 2L(w) + L(w₊))/4 at each step, (n+1,); NaN at both ends."""
        return averaged(self.loss)

    @cached_property
    def variance(self) -> np.ndarray:
        """Mean square of each coordinate over three neighbours, (n+1, k)."""
        return averaged(self.coordinates**2)

    @cached_property
    def average_swing(self) -> np.ndarray:
        """Mean of ‖w − midpoint‖² over three neighbours, (n+1,)."""
        return averaged(self.swing)

    def averages(self, model: str) -> dict[str, Any]:
        """Mean loss of the optimizer and the prediction of a model, over whole slow cycles if there are any, else since its
        start."""
        row = self.models[model]
        known = np.isfinite(row.predicted_loss)
        begun, ended = (int(self.t[known][k]) for k in (0, -1)) if known.any() else (0, 0)
        # A model that ended early says nothing of the cycles after it.
        cycles = [(a, b) for a, b in self.slow_cycles if begun < b <= ended]
        if not known.any():
            return {"measured": None, "predicted": None, "error": None, "over": "nothing"}
        first, last = (cycles[0][0], cycles[-1][1]) if cycles else (begun, ended)
        steps = np.arange(max(first, begun), last + 1)
        measured = float(np.mean(self.average_loss[steps]))
        predicted = float(np.mean(np.interp(steps, self.t[known], row.predicted_loss[known])))
        words = how_many(len(cycles), "slow cycle") if cycles else "all steps of the model"
        return {"measured": measured, "predicted": predicted, "error": beyond(predicted, measured),
                "over": f"{words}, steps {steps[0]} to {steps[-1]}"}  # fmt: skip

    @cached_property
    def distances(self) -> dict[str, float | None]:
        """Mean distance of each model from the midpoints, over its measurements."""
        return {name: float(np.nanmean(row.distance)) if np.isfinite(row.distance).any() else None
                for name, row in self.models.items()}  # fmt: skip

    @cached_property
    def held_sharpness(self) -> dict[str, float | None]:
        """Mean of λ₁ over the measurements in the second half of the run, for the optimizer at its midpoints (``discrete``) and
        for each model; None if a model lacks some of them."""
        return {DISCRETE: self.later(self.sharpness), **{name: self.later(row.sharpness) for name, row in self.models.items()}}

    def later(self, values: np.ndarray) -> float | None:
        """Mean of a column (m,) over the measurements in the second half of the run; None if some are unknown."""
        late = values[self.t >= self.steps / 2]
        return float(np.mean(late)) if len(late) and np.isfinite(late).all() else None


def averaged(values: np.ndarray) -> np.ndarray:
    """(v₋ + 2v + v₊)/4 along the first axis; NaN at both ends."""
    found = np.full(values.shape, np.nan)
    found[1:-1] = (values[:-2] + 2 * values[1:-1] + values[2:]) / 4
    return found


def beyond(value: float, reference: float) -> float:
    """By what share of a reference a value is above it: value/reference − 1; NaN where the reference alone is 0.

    >>> beyond(1.5, 1.0), beyond(0.0, 0.0), beyond(1.0, 0.0)
    (0.5, 0.0, nan)
    """
    return 0.0 if value == reference else value / reference - 1 if reference else float("nan")


def _of_noise(run: Summary) -> list[list[Any]]:
    """Rows of what noise makes now large and now small: means over the later half. Σ has slow parts too, a swing has none."""
    swing = run.swing[(run.steps + 1) // 2 : int(run.t[-1]) + 1]
    return [["held sharpness, mean of later half", *run.held_sharpness.values()],
            ["swing, mean of later half (models: tr Σ)", float(swing.mean()) if len(swing) else None,
             *(run.later(row.trace) for row in run.models.values())]]  # fmt: skip


def _diverged(run: Summary) -> str:
    """That the run has no end, and what was measured is of the steps before."""
    before = "; the measurements are from the steps before" if len(run.t) else ""
    return f"The optimizer {run.status}{before}." if run.status.startswith("diverged") else ""


def _exponents(run: Summary) -> list[str]:
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


def _held(run: Summary) -> str:
    """Of mini-batches: the mean sharpness of the later half beside the edge and the models'."""
    own, *others = run.held_sharpness.values()
    if run.config.batch is None or own is None:
        return ""
    edge = float(np.mean(run.edge[run.t >= run.steps / 2]))
    of_edge = f", {100 * own / edge:.3g} % of the edge" if edge == edge else ""
    beside = [f"the {name} flow has {value:.4g}" + (f" ({100 * beyond(value, own):+.2g} %)" if own else "")
              for name, value in zip(run.models, others, strict=True) if value is not None]  # fmt: skip
    return f"From step {run.steps // 2} on the sharpness is {own:.4g} on average{of_edge}{'; '.join(['', *beside])}."


def _why_warm(run: Summary) -> str:
    """Why models do not begin at the first weights."""
    factors = " (e^(−ηλ) is not 1 − ηλ)" if run.config.optimizer.partition(":")[0] == "gd" and run.config.formulas is None else ""
    return f": begun at w₀ their first steps would differ from the optimizer's{factors} and hide their later distance"


def _beside(ratio: float) -> str:
    """How near one model is, from the distance of another over its own.

    >>> _beside(20.4), _beside(0.25), _beside(1.0001)  # doctest: +NORMALIZE_WHITESPACE
    ('20.4 times closer to the midpoints of the iterates than', '4 times farther from the midpoints of the iterates than',
     'as close to the midpoints of the iterates as')
    """
    if f"{ratio:.3g}" == "1":
        return "as close to the midpoints of the iterates as"
    if ratio > 1:
        return f"{ratio:.3g} times closer to the midpoints of the iterates than"
    return f"{1 / ratio:.3g} times farther from the midpoints of the iterates than"


def _oscillation(run: Summary) -> str:
    wave = run.oscillation
    if wave is None or wave.kind == "none" or run.swings is None:
        return "The iterates do not oscillate about their midpoints, or too briefly or too noisily to determine a period."
    what = f"with period {wave.period}" if wave.kind == "periodic" else "irregularly"
    where = "" if run.on_a_line else " along the sharpest direction"
    first, last = run.swings
    turn = float(np.nanmedian(run.turn[first:last]))
    return (f"The iterates oscillate about their midpoints{where} {what} from step {run.since} on, amplitude "
            f"{wave.amplitude:.3g}; "
            f"the cosine between one swing and the next is {turn:.4f} (median of steps {first} to {last - 1}).")  # fmt: skip


def _late(run: Summary) -> str:
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


def _visible_since(run: Summary, first: int) -> int:
    """The step from which on the swing is as wide as where the longest stretch begins, which the warm start may cut."""
    size = np.where(np.isfinite(run.average_swing), run.average_swing, 0.0)
    small = np.flatnonzero(size[:first] <= VISIBLE * size[min(run.config.warm_start, Config.warm_start) :].max())
    return int(small[-1]) + 1 if len(small) else 0


def _last(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else None
