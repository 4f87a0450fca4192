"""`Watched`: a training run that was watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.training.explain import explain
from cfdyn.analysis.training.oscillation import FEWEST_ROWS
from cfdyn.records.record import Record, provenance
from cfdyn.words import how_many

SERIES = ("loss", "probe/loss", "edge/share", "edge/fresh", "bounce/r1", "bounce/share", "lr", "grad_norm")


@dataclass(frozen=True)
class Watched(Record):
    """A run of n steps that `cf.watch` followed; arrays have NaN where nothing was measured.

    ``steps`` (n,): 1, 2, …; ``loss`` of the batch, ``probe_loss``; ``share``: λ₁ of (Pθ)^−½ H (Pθ)^−½ on the probe, ``fresh``:
    along the same direction on fresh rows; ``r1``: correlation of a step along it with the one before, ``bounce_share``: the
    share that r₁ stands for; ``rate``; ``norm`` of the gradient. ``spikes``: as `Explanation.spikes`, with causes. ``layers``:
    the fraction of the leading direction in each parameter, at the last measurement. ``optimizer``: its class; ``notes``:
    sentences on how it was measured.
    """

    steps: Annotated[np.ndarray, "n"]
    loss: Annotated[np.ndarray, "n"]
    probe_loss: Annotated[np.ndarray, "n"]
    share: Annotated[np.ndarray, "n"]
    fresh: Annotated[np.ndarray, "n"]
    r1: Annotated[np.ndarray, "n"]
    bounce_share: Annotated[np.ndarray, "n"]
    rate: Annotated[np.ndarray, "n"]
    norm: Annotated[np.ndarray, "n"]
    spikes: list
    layers: dict
    optimizer: str
    notes: list

    @property
    def headline(self) -> str:
        """The last share and the spikes, in a sentence."""
        known = np.flatnonzero(np.isfinite(self.share))
        if not len(known):
            return f"{self.optimizer}, {how_many(len(self.steps), 'step')}: no share of the edge was measured."
        last = known[-1]
        beyond = int(np.sum(self.share[known] > 1))
        return (f"{self.optimizer}: share of the edge {self.share[last]:.3g} at step {int(self.steps[last])}, above 1 in {beyond} of "
                f"{how_many(len(known), 'measurement')}; {how_many(len(self.spikes), 'spike')} of the loss.")  # fmt: skip

    @property
    def bullets(self) -> list[str]:
        """Each spike with its cause, where the leading direction is, and how it was measured."""
        found = [f"spike at step {spike['since']:g}: {spike['cause']} ({'; '.join(spike['evidence'])})" for spike in self.spikes]
        if self.layers:
            name = max(self.layers, key=self.layers.__getitem__)
            found.append(f"{100 * self.layers[name]:.0f} % of the leading direction is in {name}")
        return [*found, *self.notes]

    def table(self) -> dict[str, list[Any]]:
        """Columns of the measurements, a row for each."""
        rows = np.flatnonzero(np.isfinite(self.share))
        names = ("steps", "share", "fresh", "loss", "probe_loss", "r1", "bounce_share", "rate", "norm")
        return {name: getattr(self, name)[rows].tolist() for name in names}


def watched(columns: Mapping[str, np.ndarray], optimizer: str, notes: Sequence[str], layers: Mapping[str, float]) -> Watched:
    """From what a watch has logged, a row for each step."""
    n = len(next(iter(columns.values()), ()))
    series = {name: np.asarray(columns.get(name, np.full(n, np.nan)), dtype=float) for name in SERIES}
    spikes: list = []
    for name in ("loss", "probe/loss"):
        if np.isfinite(series[name]).sum() >= FEWEST_ROWS:
            spikes = explain(dict(columns), loss=name).spikes
            break
    return Watched(
        steps=np.arange(1.0, n + 1), loss=series["loss"], probe_loss=series["probe/loss"], share=series["edge/share"],
        fresh=series["edge/fresh"], r1=series["bounce/r1"], bounce_share=series["bounce/share"], rate=series["lr"],
        norm=series["grad_norm"], spikes=spikes, layers=dict(layers), optimizer=optimizer, notes=list(notes),
        provenance=provenance(rows=n, columns=list(columns)),
    )  # fmt: skip
