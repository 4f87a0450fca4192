"""`Run`: the contents of a training's folder, read on demand, also while it runs."""

from __future__ import annotations

import dataclasses
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.errors import RecordError, UsageError
from cfdyn.records.exports import library, padded
from cfdyn.records.files import as_path
from cfdyn.records.record import provenance
from cfdyn.training.config import DONE, Config, read_config
from cfdyn.training.files.facts import facts_of
from cfdyn.training.files.store import Store
from cfdyn.training.models import MEASURED
from cfdyn.training.summary import ModelRow, Summary


class Run(Summary):
    """A training up to now: ``n`` steps and ``m`` measurements.

    ``loss`` (n+1,): at the iterates; ``coordinates`` (n+1, k): of w − midpoint along the sharpest directions, ``swing`` (n+1,):
    ‖w − midpoint‖², ``turn`` (n+1,): −1 where it alternates; ``t`` (m,): the steps of measurements, ``eigenvalues`` (m, k) of H
    at the midpoints (w₋ + 2w + w₊)/4, or of P⁻¹H if P varies. The penalty of weight decay is included in H if P varies;
    otherwise it is excluded, and the edge is lower by it. ``vectors`` (m, k, d): their eigenvectors; ``sharpness``, ``edge``,
    ``midpoint_loss`` (m,); ``models``: by name, see `ModelRow`. At (n+1,) an interrupted run has one entry less. Everything is
    read once, on first access.

    Raises
    ------
    RecordError : the folder holds no run, one of another version, or its files are truncated
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = as_path(folder)
        self.config: Config = read_config(self.folder)
        self._store = Store(self.folder)
        self._store.open("r")
        facts = self._store.attributes()
        try:
            known = facts_of(facts, self.config)
        except ValueError:
            raise RecordError(f"the arrays in {self._store.path} do not say how far they are filled: the run has just begun, or "
                              "was killed then, and begins again with --resume; else they are damaged") from None  # fmt: skip
        self.status, self.remarks, self._steps, self._rows = known.status, known.remarks, known.steps, known.rows
        self._facts, self._work, self.n_weights, self.n_state = known.models, known.work, known.weights, known.state

    def __repr__(self) -> str:
        return f"Run({self.config.subject}, {self.config.optimizer}: {self.status}, in {self.folder})"

    @property
    def complete(self) -> bool:
        """True if all steps are done, or it diverged."""
        return self.status == DONE or self.status.startswith("diverged")

    @property
    def provenance(self) -> dict[str, Any]:
        """Settings and versions."""
        return provenance(**self._settings)

    @property
    def _settings(self) -> dict[str, Any]:
        left_out = ("out", "where", "data") if self.config.own else ("out", "where")
        return {name: value for name, value in dataclasses.asdict(self.config).items() if name not in left_out}

    @property
    def steps(self) -> int:
        """The number of steps done."""
        return self._steps

    def _read(self, name: str) -> np.ndarray:
        ended = self.status == DONE  # where the last step has its loss, too
        return self._store.read(name, self._steps + ended if name.startswith("steps/") else self._rows)

    @cached_property
    def loss(self) -> np.ndarray:
        """The loss at the iterates, (n+1,)."""
        return self._read("steps/loss")

    @cached_property
    def coordinates(self) -> np.ndarray:
        """Coordinates of w − midpoint along the directions measured last, (n+1, k)."""
        return self._read("steps/coordinates")

    @cached_property
    def swing(self) -> np.ndarray:
        """‖w − midpoint‖², (n+1,)."""
        return self._read("steps/swing")

    @cached_property
    def turn(self) -> np.ndarray:
        """Cosine between w − midpoint and that of the previous step, (n+1,): −1 in a 2-cycle."""
        return self._read("steps/turn")

    @cached_property
    def t(self) -> np.ndarray:
        """Steps of the measurements, (m,)."""
        return self._read("rows/step")

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """The largest eigenvalues at the midpoints, (m, k); NaN where fewer were followed."""
        return self._read("rows/eigenvalues")

    @cached_property
    def vectors(self) -> np.ndarray:
        """The eigenvectors of `eigenvalues`, (m, k, d), orthonormal; NaN where fewer were followed.

        They are those of H, or of P^−½HP^−½ if P varies: divided by √P they are those of P⁻¹H. ``coordinates`` after a
        measurement are along them, of (w − midpoint)·√P if P varies. Signs follow the previous measurement, if the direction is
        similar.

        Raises
        ------
        UsageError : they were not kept: vectors=False, too many to be kept by default, or a run begun by an older cfdyn

        Examples
        --------
        >>> import cfdyn as cf, tempfile
        >>> settings = {"data": "digits:classes=2,n=40", "optimizer": "gd:lr=0.6", "runs": "discrete", "steps": 40}
        >>> run = cf.train(settings, network="mlp:widths=2", out=tempfile.mkdtemp())
        >>> u = run.vectors
        >>> u.shape, abs(u[-1, 0] @ u[-1, 0]).round(6).item(), abs(u[-1, 0] @ u[-1, 1]).round(6).item()
        ((39, 4, 136), 1.0, 0.0)
        """
        if not self.config.vectors:
            raise UsageError("this run has not kept its eigenvectors: cf.train(…, vectors=True) keeps them at each measurement")
        return self._read("rows/vectors")

    @property
    def sharpness(self) -> np.ndarray:
        """λ₁ at the midpoints, (m,)."""
        return self.eigenvalues[:, 0]

    @cached_property
    def edge(self) -> np.ndarray:
        """The eigenvalue at which a mode flips, (m,): 2/η for gradient descent; NaN for an optimizer without an edge."""
        return self._read("rows/edge")

    @cached_property
    def midpoint_loss(self) -> np.ndarray:
        """The loss at the midpoints, (m,)."""
        return self._read("rows/midpoint_loss")

    @cached_property
    def exponents(self) -> np.ndarray:
        """Finite-time Lyapunov exponents per step, (m, k), over the steps up to each measurement; k = 0 if not requested."""
        count = self.config.exponents or 0
        return self._read("rows/exponents")[:, :count] if count else np.empty((self._rows, 0))

    @cached_property
    def models(self) -> dict[str, ModelRow]:
        """The flows, by their names."""
        rows: dict[str, ModelRow] = {}
        for name in self.config.models:
            facts = self._facts.get(name, {"status": self.status, "notes": [], "work": 0.0})
            arrays: dict[str, Any] = {what: self._read(f"rows/{name}_{what}") for what in MEASURED}
            rows[name] = ModelRow(name, facts["status"], facts["notes"], facts["work"], **arrays)
        return rows

    def to_xarray(self) -> Any:
        """All series as an ``xarray.Dataset``.

        Series of the iterates are along ``step``, the others along ``t``, the steps of measurements; ``direction`` numbers the
        sharpest directions, with NaN where fewer are known, and ``exponent`` the exponents, if any; names of a model's series
        begin with its name, as in ``central_trace``. Losses have the units of the loss, ``step`` and ``t`` are in optimizer
        steps. Settings and versions are the attribute ``provenance``, as JSON. Eigenvectors are omitted: see ``vectors``.

        Raises
        ------
        UsageError : xarray is not installed

        Examples
        --------
        It needs the extra ``tables``; for a run of 40 steps, of which 39 were measured:

        .. code-block:: python

            run = cf.train({"data": "digits:classes=2,n=40", "steps": 40}, network="mlp:widths=2")
            run.to_xarray().sizes  # {'step': 41, 'direction': 4, 't': 39}
        """
        along_steps = {name: getattr(self, name) for name in ("loss", "swing", "turn", "coordinates")}
        rows = {name: getattr(self, name) for name in ("eigenvalues", "sharpness", "edge", "midpoint_loss")}
        rows |= {f"{name}_{what}": getattr(row, what) for name, row in self.models.items() for what in MEASURED}
        widest = max(a.shape[1] for a in (*along_steps.values(), *rows.values()) if a.ndim > 1)
        of = {"step": along_steps, "t": rows}
        arrays = {name: ((along, "direction")[: a.ndim], padded(a, widest)) for along in of for name, a in of[along].items()}
        arrays |= {"exponents": (("t", "exponent"), self.exponents)} if self.exponents.size else {}
        units = {"units": "optimizer steps"}
        places = {"step": ("step", np.arange(len(self.loss)), units), "t": ("t", self.t, units)}
        facts = {"status": self.status, "provenance": json.dumps(self.provenance, default=str)}
        return library("xarray").Dataset(arrays, places, {"title": repr(self), **facts})

    @property
    def work(self) -> dict[str, float]:
        """Gradients of the optimizer, and in units of one those of each model; ``measurements``: products with the Hessian. Not
        counted: eight more products for each sharpness of a stable or gradient flow."""
        return {**self._work, **{name: row.work for name, row in self.models.items()}}


def open_run(folder: Path) -> Run:
    """The `Run` in a folder."""
    return Run(folder)
