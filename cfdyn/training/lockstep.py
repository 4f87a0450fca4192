"""`Lockstep`: an optimizer and its models step by step, what is measured on the way, and all of it in a checkpoint."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.errors import CfdynError, RecordError, UsageError
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.steps import as_map
from cfdyn.training.built import OnBatches
from cfdyn.training.config import Config, settings_of
from cfdyn.training.edge import Edge
from cfdyn.training.files import checkpoints
from cfdyn.training.files.store import DIRECTIONS, Store
from cfdyn.training.models import MEASURED, RUNNING, Model
from cfdyn.training.modes import MOST, Modes, Tangents

SAME = 1e-6  # of a loss: what other orders of a sum may make of it
LOSS_ALONE = 3  # the version from which on sharpness beside weight decay is that of the loss alone
OTHERWISE = ("it was begun by an older cfdyn: until it was continued, the sharpness of flows has the penalty of weight decay "
             "in it and that of the optimizer has not; then neither has it, and the edge is lower by it, or, where P moves, "
             "both have it")  # fmt: skip
UNKNOWN = "the loss is not a number where the run begins: divergence is detected from the weights alone"
STIRRED, RESTED = 0.05, 0.01  # of what the first steps set in motion, left in the momentum: too much, and little
RUNAWAY = 1e6  # times the loss at the start: the optimizer has diverged
VECTORS = 4  # the version from which on eigenvectors are kept
SMALL = 256e6  # bytes of vectors that are kept unasked, of four directions at all measurements that are planned
STEPS = {"loss": False, "swing": False, "turn": False, "coordinates": True}
ROWS = {"step": False, "eigenvalues": True, "edge": False, "midpoint_loss": False}


def measurements(config: Config, steps: int) -> int:
    """How many there are in so many steps."""
    return max((steps - 1) // int(config.every or 1), 0)


def size_of_vectors(config: Config, dim: int) -> float:
    """Bytes of four eigenvectors at all measurements that are planned."""
    return 8.0 * DIRECTIONS * dim * measurements(config, config.steps)


def keeping_small(config: Config, dim: int) -> Config:
    """The same, with eigenvectors where nobody said whether they are kept and they are small."""
    small = config.vectors is None and size_of_vectors(config, dim) <= SMALL
    return config.with_(vectors=True) if small else config


class Lockstep:
    """The state of a run: before step ``k`` the optimizer is at ``z``, and was at ``older`` one step before.

    Row r of ``rows/…`` is measured at step (r + 1)·every, at the midpoint (w₋ + 2w + w₊)/4 of the iterates; models begin at
    the midpoint of step ``warm_start``. ``steps/coordinates`` are those of w − midpoint along the directions measured last,
    ``steps/turn`` is the cosine between w − midpoint and that of the step before.
    """

    def __init__(self, config: Config, network: Any, optimizer: Optimizer):
        self.config, self.network, self.optimizer = config, network, optimizer
        self.oracle = OnBatches(network, config.batch, config.seed)
        self.map = as_map(self.oracle, optimizer)
        self.edge, self.modes = Edge(optimizer), Modes(network.dim)
        noise = self.oracle.noise(config.cut)
        self.models = {name: Model(name, network, optimizer, config.tol, noise) for name in config.models}
        self.k, self.rows, self.status, self.largest = 0, 0, RUNNING, np.inf
        self.tangents = self._tangents(config.exponents)
        self.z = self.map.state(network.start)
        self.older: np.ndarray | None = None
        self.off: np.ndarray | None = None  # w − midpoint of the step before
        self.root: np.ndarray | None = None

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """Of a store for all steps: names and shapes, with columns for each direction."""
        rows = self.rows_until(self.config.steps)
        wide = {**ROWS, **{f"{name}_{what}": what == "variance" for name in self.models for what in MEASURED}}
        wide |= {} if self.tangents is None else {"exponents": True}
        lengths = [("steps", self.config.steps + 1, STEPS), ("rows", rows, wide)]
        shapes = {f"{room}/{name}": (length, DIRECTIONS) if many else (length,)
                 for room, length, names in lengths for name, many in names.items()}  # fmt: skip
        vectors = {"rows/vectors": (rows, DIRECTIONS, self.network.dim)}
        return {**shapes, **(vectors if self.config.vectors else {})}

    def _tangents(self, count: int | None) -> Tangents | None:
        if count is None:
            return None
        if count > self.map.dim:
            raise UsageError(f"{count} exponents are more than the {self.map.dim} entries of the state")
        if self.config.batch is not None and "rows" not in inspect.signature(self.network.hvp).parameters:
            raise UsageError(f"exponents of mini-batches need products of some rows, hvp(w, v, rows), and "
                             f"{type(self.network).__name__} has none")  # fmt: skip
        return Tangents(self.map.dim, count)

    def rows_until(self, steps: int) -> int:
        """Measurements in so many steps."""
        return measurements(self.config, steps)

    @property
    def done(self) -> bool:
        """Nothing is left to do."""
        return self.k >= self.config.steps or self.status != RUNNING

    def step(self, store: Store) -> None:
        """One step of the optimizer, and what is measured at the step before it."""
        k, self.oracle.k = self.k, self.k
        with np.errstate(all="ignore"):
            after, product = (self.map.step(self.z), None) if self.tangents is None else self.map.tangent(self.z)
        loss = self.oracle.loss if self.config.batch is None else self.oracle.value(self.weights)
        self.largest = RUNAWAY * max(abs(loss), 1.0) if k == 0 else self.largest
        if self._ran_away(loss, after):
            self.status = f"diverged at step {k}"
            return
        store.put("steps", k, {"loss": loss})
        if self.older is not None:
            self._beside(k, store, after)
        if self.tangents is not None and product is not None:
            self.tangents.follow(product)
        self.older, self.z, self.k = self.z, after, k + 1

    def _ran_away(self, loss: float, after: np.ndarray) -> bool:
        """By the loss; where it is not known, as of gradients alone, ``largest`` is NaN and the weights tell."""
        size = float(np.linalg.norm(after[: self.network.dim]))
        limit = RUNAWAY * max(float(np.linalg.norm(self.network.start)), 1.0)
        known = abs(loss) < self.largest if np.isfinite(self.largest) else bool(np.isnan(loss)) and size < limit
        return not (known and np.isfinite(after).all())

    def finish(self, store: Store) -> None:
        """The loss at the end; whoever goes on from there puts it again."""
        store.put("steps", self.k, {"loss": self.oracle.value(self.weights)})

    def _beside(self, k: int, store: Store, after: np.ndarray) -> None:
        """What there is between two neighbours: the midpoint, what swings about it, and the models."""
        middle = (self.older + 2 * self.z + after) / 4
        off = (self.z - middle)[: self.network.dim]
        if k == self.config.warm_start:
            for model in self.models.values():
                model.begin(middle, off)
        if k % int(self.config.every or 1) == 0:
            self._measure(k, store, middle)
        if len(self.modes.vectors):
            along = self.modes.vectors @ (off if self.root is None else off * self.root)
            store.put("steps", k, {"coordinates": along})
        size = float(off @ off)
        store.put("steps", k, {"swing": size})
        if self.off is not None:
            with np.errstate(all="ignore"):
                store.put("steps", k, {"turn": float(off @ self.off / np.sqrt(size * float(self.off @ self.off)))})
        self.off = off

    def _measure(self, k: int, store: Store, middle: np.ndarray) -> None:
        midpoint = middle[: self.network.dim]
        edge = self._place_edge(middle)
        penalty = 0.0 if self.root is None else self.edge.penalty
        self.modes.update(lambda v: np.asarray(self.network.hvp(midpoint, v)) + penalty * v, edge, self.root)
        row = {"step": k, "eigenvalues": self.modes.values, "edge": edge, "midpoint_loss": self.oracle.value(midpoint)}
        for name, model in self.models.items():
            if k > self.config.warm_start:
                model.advance(float(k - self.config.warm_start))
            measured = model.measured(midpoint, edge, self.modes, self.root)
            row |= {f"{name}_{what}": value for what, value in (measured or {}).items()}
        if self.tangents is not None:
            row["exponents"] = self.tangents.taken(int(self.config.every or 1))
        if self.config.vectors:
            row["vectors"] = self.modes.vectors
        store.put("rows", self.rows, row)
        self.rows += 1

    def _place_edge(self, middle: np.ndarray) -> float:
        """θ of the optimizer here, or where λ₁(H) flips if P is a number, else NaN; and √P of each weight where it moves."""
        if self.edge.why:
            return float("nan")
        if self.edge.constant is not None:
            return self.edge.constant - self.edge.penalty
        scale, theta = self.edge.at(self.network, middle)
        self.root = np.sqrt(scale)
        return theta

    @property
    def weights(self) -> np.ndarray:
        """Of the optimizer before step k, (d,)."""
        return self.z[: self.network.dim]

    def flush(self, store: Store, status: str) -> None:
        """Write what was measured, and how far that is."""
        work = {"discrete": self.oracle.gradients, "measurements": self.modes.products}
        work |= {} if self.tangents is None else {"exponents": self.k * len(self.tangents.rows)}
        store.flush(steps=self.k, rows=self.rows, status=status, weights=self.network.dim, work=work, state=self.map.dim,
                    models={name: model.facts(status) for name, model in self.models.items()},
                    remarks=self._remarks())  # fmt: skip

    def _remarks(self) -> list[str]:
        """What a reader of the measurements must know."""
        older = OTHERWISE if self.config.begun < LOSS_ALONE and self.edge.penalty else ""
        left_out = ""
        if self.config.vectors is None and self.config.begun >= VECTORS:
            size = size_of_vectors(self.config, self.network.dim)
            left_out = (f"eigenvectors are not kept, four at each measurement would take {size / 1e6:.3g} MB: vectors=True "
                        "(--vectors) keeps them")  # fmt: skip
        unknown = UNKNOWN if np.isnan(self.largest) else ""
        remarks = [*getattr(self.network, "remarks", ()), self.edge.why, older, left_out, self._stirred(), unknown]
        return [words for words in remarks if words]

    def _stirred(self) -> str:
        """How far momentum is from rest where the models begin, if it is far; a pair of multipliers is at most √β in size."""
        memory, warm = self.edge.memory, self.config.warm_start
        left = memory ** (warm / 2)
        if not self.models or not STIRRED < left < 1:
            return ""
        steps = math.ceil(2 * math.log(RESTED) / math.log(memory))
        return (f"momentum has not forgotten the first steps where the models begin: at step {warm} up to {left:.2g} of "
                f"what they stirred is left, which stays in all distances; a warm start of {steps} steps leaves "
                f"{RESTED:g}")  # fmt: skip

    def snapshot(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Everything, as arrays and facts."""
        arrays = {name: value for name in ("z", "older", "off", "root") if (value := getattr(self, name)) is not None}
        arrays |= checkpoints.beneath("modes", self.modes.snapshot())
        arrays |= {} if self.tangents is None else checkpoints.beneath("tangents", self.tangents.snapshot())
        for name, model in self.models.items():
            arrays |= checkpoints.beneath(name, model.snapshot())
        facts = {"k": self.k, "rows": self.rows, "status": self.status, "largest": float(self.largest),
                 "gradients": self.oracle.gradients, "dim": self.network.dim, "value": self.oracle.value(self.weights),
                 "models": {name: model.status for name, model in self.models.items()},
                 "settings": settings_of(self.config)}  # fmt: skip
        return arrays, facts

    @property
    def most_bytes(self) -> int:
        """That a snapshot may take, with as many modes and their products as a flow may hold."""
        entries = self.map.dim * (8 + MOST + len(self.tangents.rows if self.tangents is not None else ()))
        return 2**24 + 8 * (entries + self.map.dim * MOST**2 * len(self.models))

    def restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any], folder: Path) -> None:
        """What a snapshot holds; a RecordError where it is none of this run."""
        if facts["dim"] != self.network.dim:
            raise UsageError(f"the run has {facts['dim']} weights, and the network that was given has {self.network.dim}")
        try:
            self._check_fit(arrays, facts)
            self._restore(arrays, facts)
        except CfdynError:
            raise
        except Exception as error:  # whatever arrays that are not those of a run make of it
            raise RecordError(f"the last checkpoint in {folder} is damaged, or of another run ({error}); what was measured can "
                              "be read, and it does not go on") from None  # fmt: skip

    def _check_fit(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        if not facts["k"] <= self.config.steps or not facts["rows"] <= self.rows_until(self.config.steps):
            raise ValueError("it has more steps than the run")
        of_weights, of_states = (self.network.dim,), (self.map.dim,)
        shapes = {"z": of_states, "older": of_states, "off": of_weights, "root": of_weights, "modes/counts": (2,)}
        if self.tangents is not None:
            shapes |= {f"tangents/{name}": array.shape for name, array in self.tangents.snapshot().items()}
        checkpoints.check(arrays, shapes)
        shape = arrays["modes/vectors"].shape
        if shape != (len(arrays["modes/values"]), self.network.dim) or shape[0] > MOST:
            raise ValueError("its modes have other shapes")

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self._same(arrays["z"][: self.network.dim], facts["value"])
        self.k, self.rows, self.status, self.largest = (facts[name] for name in ("k", "rows", "status", "largest"))
        self.oracle.gradients = facts["gradients"]
        self.z, self.older, self.off, self.root = arrays["z"], *(arrays.get(name) for name in ("older", "off", "root"))
        self.modes.restore(checkpoints.under(arrays, "modes"))
        if self.tangents is not None:
            self.tangents.restore(checkpoints.under(arrays, "tangents"))
        for name, model in self.models.items():
            model.restore(checkpoints.under(arrays, name))
            model.status = facts["models"][name]

    def _same(self, weights: np.ndarray, before: float) -> None:
        """A UsageError where the loss of the weights is another than it was: of another network, or of other data."""
        now = self.oracle.value(weights)
        if abs(now - before) > SAME * max(abs(before), 1e-3):
            raise UsageError("this is another network, or other data, than the run had: at its last weights the loss is "
                             f"{now:.6g}, and was {before:.6g}")  # fmt: skip
