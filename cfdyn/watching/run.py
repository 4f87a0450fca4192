"""A training run that is watched: what happens in each of its steps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.analysis.training.explain import Explanation, explain
from cfdyn.errors import UsageError
from cfdyn.records.logs import timed
from cfdyn.watching.bounce import WINDOW, Bounce
from cfdyn.watching.cadence import Cadence
from cfdyn.watching.forecast import forecast
from cfdyn.watching.history import History
from cfdyn.watching.leading import FEWEST
from cfdyn.watching.measuring import Measuring
from cfdyn.watching.sinks import Sink

TOLD = 5  # steps after which the bounce is described anew


class Watch:
    """A training run that is watched; see `watch`. ``log`` has the newest value of each name of `cfdyn.watching.names`."""

    def __init__(self, subject: Any, cadence: Cadence, sinks: list[Sink], batch: int | None):
        self.subject, self.cadence, self.sinks = subject, cadence, sinks
        self.log: dict[str, float] = {}
        self._measuring, self._history, self._bounce = Measuring(subject, batch), History(), Bounce()
        self._notes: list[str] = []
        self._pieces: Any = None  # of the direction along which the bounce is followed
        self._followed = 0  # steps since the last measurement
        self._failed = False

    def step(self, loss: Any = None, **made: Any) -> None:
        """After a step of the optimizer; ``loss``: that of its batch, a number or an array.

        With optax also what the step has made, ``params`` and ``state``, and if you like its ``grads`` and its rate ``lr``.
        Within an accumulation of optax (`MultiSteps`) a call is no step.
        """
        if not self.subject.take(**made):
            return
        began, measured = self.cadence.clock(), False
        self._history.add({})
        row: dict[str, float] = {}
        try:
            row |= self._given(loss)
            row |= self._follow()
            if not self._failed and self._history.steps >= self.subject.earliest:
                if measured := self.cadence.due(self.log.get("edge/share", math.nan)):
                    row |= self._measured()
        except Exception as problem:  # a watch that fails must not end the training
            self._fail(problem)
        self._note(row)
        heard, self.subject.heard.seconds = self.subject.heard.seconds, 0.0
        self.cadence.paid(self.cadence.clock() - began + heard, measured, FEWEST / row.get("edge/products", FEWEST))
        self.subject.gone()

    def _note(self, row: dict[str, float]) -> None:
        """Keep a row and send it where it goes; where that fails, it is said once."""
        self.log.update(row)
        self._history.note(row)
        for sink in tuple(self.sinks):
            try:
                sink(self._history.steps, row)
            except Exception as problem:
                self.sinks.remove(sink)
                name = getattr(sink, "path", getattr(sink, "__name__", type(sink).__name__))
                why = f"{type(problem).__name__}: {problem}"
                self._notes.append(f"nothing goes to {name} after step {self._history.steps}: {why}")

    def _fail(self, problem: Exception) -> None:
        if not self._failed:
            self._notes.append(f"measurements ended at step {self._history.steps}: {type(problem).__name__}: {problem}")
        self._failed = True

    def _given(self, loss: Any) -> dict[str, float]:
        """The loss, the rate, and what was heard of the gradient."""
        rate = self.subject.rate()
        row = self.subject.heard.told() | ({} if math.isnan(rate) else {"lr": rate})
        if loss is not None:
            row["loss"] = float(loss.detach() if hasattr(loss, "detach") else loss)
        return row

    def _follow(self) -> dict[str, float]:
        """The step along the leading direction: in a window after each measurement, longer if there is time."""
        affordable = self.cadence.follows(self.log.get("edge/share", math.nan))
        heard = self.subject.heard
        heard.looks, heard.listens = affordable, affordable or 0 < self._followed <= WINDOW
        if self._pieces is None or not (affordable or self._followed <= WINDOW):
            self._bounce.forget()
            return {}
        self._followed += 1
        row = self._bounce.add(self.subject.position(self._pieces))
        if self._history.steps % TOLD == 0 or self._followed == 1:
            row |= self._bounce.told(self._measuring.memory)
        return row | (self._bounce.period() if affordable and self._history.steps % WINDOW == 0 else {})

    def _measured(self) -> dict[str, float]:
        """A measurement, and the forecast from it."""
        row, turned = self._measuring.row()
        self._followed = 0
        if turned:
            self._pieces = self.subject.split(self._measuring.along)
            self._bounce.forget()
            self._bounce.add(self.subject.position(self._pieces))
        if "edge/share" in row:
            steps, shares = self._history.last("edge/share", 5)
            row |= forecast(np.append(steps, self._history.steps), np.append(shares, row["edge/share"]))
        return row | {"cost": self.cadence.cost}

    @property
    def layers(self) -> dict[str, float]:
        """The fraction of the square of the leading direction in each parameter, at the last measurement."""
        return self._measuring.layers

    def columns(self) -> dict[str, np.ndarray]:
        """All that was logged, a row for each step; NaN where nothing was."""
        return self._history.columns()

    def explain(self) -> Explanation:
        """What `cf.analysis.explain` says of the run until now: its spikes with their causes, for which it has the shares.

        UsageError : fewer than 16 losses are known; give each to `step`
        """
        columns = self.columns()
        table = np.column_stack([*columns.values()]) if columns else np.empty((0, 0))
        return explain(timed([*columns], table), loss="loss" if "loss" in columns else "probe/loss")

    def save(self, path: str | Path) -> None:
        """All columns as CSV, which `cfdyn explain` and any program of tables reads."""
        columns = self.columns()
        with Path(path).open("w", encoding="utf-8") as file:
            file.write(",".join(["step", *columns]) + "\n")
            for k, row in enumerate(zip(*columns.values(), strict=True), 1):
                file.write(",".join([str(k), *("" if math.isnan(x) else repr(float(x)) for x in row)]) + "\n")

    def suggest(self) -> dict[str, float]:
        """``edge_rate``: the rate η/share at which the present weights are at the edge; ``rate``: 0.8 of it; ``share``.

        With P and u as they are, on the probe. With mini-batches the share alone does not decide, and both may be too large.
        """
        if math.isinf(self.log.get("probe/loss", math.nan)):
            raise UsageError("the run has diverged: the loss on the probe is not finite")
        if (share := self.log.get("edge/share", math.nan)) > 0:
            if math.isnan(rate := self.subject.rate()):
                raise UsageError(f"the rate is unknown: give it, watch.step(…, lr=rate); the edge is at 1/{share:.3g} of it")
            edge = rate / share
            return {"edge_rate": edge, "rate": 0.8 * edge, "share": share}
        raise UsageError("no positive share was measured: call step() in the loop, with a budget above 0")

    @property
    def notes(self) -> list[str]:
        """Sentences: how the products were computed, what failed, what went beyond the budget."""
        how = "second derivatives" if self.subject.exact else "differences of gradients: no second derivatives of this model"
        remarks = [*self.subject.remarks, *([self._measuring.remark] if self._measuring.remark else [])]
        notes = [f"products by {how}, in mode {self.subject.mode!r}", *remarks, *self._notes]
        if self.cadence.forced:
            notes.append(f"{self.cadence.forced} measurements were due by `every` beyond the budget")
        return notes

    def close(self) -> None:
        """Take the hooks off the optimizers, and close the file of ``out``."""
        self.subject.close()
        for sink in self.sinks:
            getattr(sink, "close", lambda: None)()
